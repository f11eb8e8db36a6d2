"""Two LoRAs made one: the plane of their coefficients, against a LoRA per task and a shared one. 17 minutes on one core.

``results/merge.csv``. A seed splits the reviews that have both labels, and draws first weights and the batches, the same for
every arm. ``separate`` trains a LoRA of rank 8 and a head for topic, then the same for sentiment, `STEPS` steps of 16 each;
``shared`` trains one LoRA and both heads as long as one of them. No arm is tuned. Merged are the weights, W + a ΔW of topic +
b ΔW of sentiment, under both heads as they are: for every (a, b) of `GRID`, and by TIES along a = b (`TIES`).

All are scored, in bf16, on the validation reviews; on the test reviews only the ends (1, 0) and (0, 1), which are the
separate ones, the plain sum (1, 1), the pair and the TIES coefficient with the best mean accuracy in validation, and the
shared one. The LoRAs of seed 0 are kept as weights/merge, a folder per task as peft writes it.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from mtl_helpers.data import encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.experiments import CACHE, Config, Experiment
from mtl_helpers.experiments.adapters import accuracy, save_adapter, store, text_features
from mtl_helpers.models import MultiTaskModel, load_pretrained
from mtl_helpers.models.large.merging import combined, lora_factors, merged, task_vector
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import SENTIMENT, TOPIC, Task
from mtl_helpers.training import fit

TASKS = (TOPIC, SENTIMENT)
STEPS, RANK = 80, 8
GRID = tuple(step / 4 for step in range(5))  # 0, 0.25, ..., 1
TIES = tuple(step / 2 for step in range(1, 5))  # it averages, so it may take more of each
SHARED_ROWS = 360 / 1680  # reviews tested on, over those that training draws from
SCRATCH = CACHE / "weights" / "merge"


def data_of(seed: int) -> list[pd.DataFrame]:
    """Reviews with both labels: to train, to validate, to test."""
    return list(split_reviews(load_reviews().dropna(subset=["sentiment"]), seed=seed))


def trained(tasks: list[Task], seed: int, steps: int = STEPS) -> MultiTaskModel:
    """MiniLM with one LoRA for these tasks, and their heads."""
    generator = seeded(seed)  # of the first weights, and then of dropout
    with drawn_from(generator):
        encoder, subwords = load_pretrained()
        model = MultiTaskModel(encoder.add_lora(RANK), tasks)
    loader = make_loader(encode_reviews(data_of(seed)[0], subwords, tasks), 16, shuffle=True, seed=seed)
    lora = [p for p in model.encoder.parameters() if p.requires_grad]
    groups = [{"params": lora, "lr": 3e-3}, {"params": model.heads.parameters(), "lr": 0.005}]
    fit(model, loader, torch.optim.AdamW(groups), steps=steps, generator=generator)
    return model.eval()


def run(config: Config) -> dict[str, Any]:
    """All scores of a seed's shared LoRA, or of its separate ones and what is merged of them."""
    seed, (_, val, test) = config["seed"], data_of(config["seed"])
    plain, subwords = load_pretrained()
    data = {"validation": encode_reviews(val, subwords, TASKS), "test": encode_reviews(test, subwords, TASKS)}
    rows: list[dict[str, Any]] = []

    def score(arm: str, encoder: Any, heads: Any, part: str, a: float | None = None, b: float | None = None) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            features = text_features(encoder, data[part])
        found = {task.name: accuracy(heads[task.name], features, data[part], task) for task in TASKS}
        at = {"arm": arm, "part": part, "a": a, "b": b}
        rows.extend({**at, "task": name, "score": value} for name, value in found.items())
        return sum(found.values()) / len(found)

    if config["arm"] == "shared":
        model = trained(list(TASKS), seed)
        for part in data:
            score("shared", model.encoder, model.heads, part)
        return {"rows": rows}
    models = {task.name: trained([task], seed) for task in TASKS}
    heads = {name: model.heads[name] for name, model in models.items()}
    vectors = {name: task_vector(lora_factors(model.encoder)) for name, model in models.items()}
    if seed == 0:
        for name, model in models.items():
            save_adapter(model, SCRATCH / name)

    def merged_score(part: str, a: float, b: float, method: str) -> float:
        vector = combined(vectors, {"topic": a, "sentiment": b}, method=method)
        return score(method, merged(plain, vector), heads, part, a, b)

    on_val = {("sum", a, b): merged_score("validation", a, b, "sum") for a, b in product(GRID, GRID)}
    on_val |= {("TIES", c, c): merged_score("validation", c, c, "TIES") for c in TIES}
    best = [max((key for key in on_val if key[0] == method), key=on_val.get) for method in ("sum", "TIES")]
    for method, a, b in dict.fromkeys([("sum", 1, 0), ("sum", 0, 1), ("sum", 1, 1), *best]):
        merged_score("test", a, b, method)
    return {"rows": rows, "best": best}


def configs(seeds: int) -> list[Config]:
    """Two runs a seed."""
    return [{"arm": arm, "seed": seed} for seed in range(seeds) for arm in ("separate", "shared")]


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a seed, point and task; ``chosen`` marks what validation chose."""
    found = []
    for one in runs.to_dict("records"):
        best = [tuple(key) for key in one["best"]] if one["arm"] == "separate" else []
        for row in one["rows"]:
            chosen = (row["arm"], row["a"], row["b"]) in best
            found.append({"seed": one["seed"], **row, "chosen": chosen})
    return {"merge": pd.DataFrame(found)}


OWN, WHOLE, CHOSEN = "its own LoRA", "the whole of both", "the pair that validation chose"
TIES_CHOSEN, SHARED = "TIES, chosen in validation", "one LoRA trained on both"


def on_test(table: pd.DataFrame) -> pd.DataFrame:
    """The test scores of a table, by arm, seed and task: `OWN`, and what it is compared with."""
    rows = table[table.part == "test"]
    ends = ((rows.a == 1) & (rows.b == 0) & (rows.task == "topic")) | (
        (rows.a == 0) & (rows.b == 1) & (rows.task == "sentiment")
    )
    added, chosen = rows.arm == "sum", rows.chosen.astype(bool)
    arms = {
        OWN: added & ends,
        WHOLE: added & (rows.a == 1) & (rows.b == 1),
        CHOSEN: added & chosen,
        TIES_CHOSEN: (rows.arm == "TIES") & chosen,
        SHARED: rows.arm == "shared",
    }
    found = [rows[which].assign(arm=name) for name, which in arms.items()]
    return pd.concat(found, ignore_index=True)[["arm", "seed", "task", "score"]]


def notes() -> list[str]:
    """Keep the weights of seed 0, and say so."""
    return store("merge", Path(SCRATCH))


EXPERIMENT = Experiment(configs, run, tables, seeds=5, notes=notes, processes=1)
