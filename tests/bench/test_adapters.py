"""Sixteen reviews, four tasks, one base: the time of one mixed batch over that of the merged encoder, and of the other ways.

Every contender reads the same texts, so a ratio of times is one of tokens a second, turned round.
"""

import torch
from measure import line, report, take_turns, title

from mtl_helpers.data import load_reviews
from mtl_helpers.models import load_pretrained
from mtl_helpers.models.large.merging import adapters_by_row, combined, lora_factors, merged, task_vector

TASKS, ROUNDS = ("a", "b", "c", "d"), 15


def adapted(seed):
    torch.manual_seed(seed)
    encoder, subwords = load_pretrained()
    encoder.add_lora(8).eval()
    with torch.no_grad():
        for name, value in encoder.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.01)
    return encoder, subwords


@torch.no_grad()
def test_one_mixed_batch_against_merged_and_separate():
    encoders = {}
    for seed, task in enumerate(TASKS):
        encoders[task], subwords = adapted(seed)
    plain = load_pretrained()[0].eval()
    factors = {task: lora_factors(encoder) for task, encoder in encoders.items()}
    vectors = {task: task_vector(of) for task, of in factors.items()}
    one = merged(plain, combined(vectors, dict.fromkeys(TASKS, 1.0)))
    tokens, lengths = subwords.encode(load_reviews().text.iloc[:16])
    rows = list(TASKS) * 4

    def mixed():
        with adapters_by_row(plain, factors, rows):
            return plain(tokens)

    contenders = {
        "merged: one set of weights": lambda: one(tokens),
        "one adapter beside the weights (peft)": lambda: encoders["a"](tokens),
        "one batch, an adapter per row": mixed,
        "a pass per task, 4 rows each": lambda: [encoders[t](tokens[i::4]) for i, t in enumerate(TASKS)],
        "each row asked all 4 tasks": lambda: [encoders[t](tokens) for t in TASKS],
    }
    title(f"Seconds over the merged encoder's: {int(lengths.sum())} tokens of 16 reviews, 4 tasks, rank 8")
    measured = take_turns(contenders, ROUNDS, warm_up=3)
    report(measured, "merged: one set of weights", targets={"one batch, an adapter per row": 1.5})
    speed = lengths.sum().item() / float(sorted(measured["merged: one set of weights"])[1])
    line("merged: tokens a second", f"{speed:,.0f}")
    sizes = {"one base": plain, "one adapter": encoders["a"]}
    numbers = {name: sum(p.numel() for p in encoder.parameters()) for name, encoder in sizes.items()}
    both = numbers["one base"] + len(TASKS) * (numbers["one adapter"] - numbers["one base"])
    line("numbers kept, base and 4 adapters", f"{both / (len(TASKS) * numbers['one base']):.3f} of 4 encoders")
