"""What a pre-trained encoder changes: few labels, ways of fine-tuning, and tasks named in the text. 9 minutes on two cores.

``results/large_models.csv``. Each run has one thread, and in ``tuning`` a process of its own. A seed draws split, labels,
initial weights and order of the batches, the same for every arm of a part. No arm is tuned, and each is the model after its
last step: with 20 labels there is nothing to validate on. Scores are accuracies on test reviews. Lesson 07 reads the file and
runs a sample again.

``labels``: one task, topic or sentiment, with 20, 100 or all training labels of the review corpus, the same number of each
class. Bag of words; an LSTM; a frozen MiniLM with a head, or with a layer of 32 and a head. "+ stars" has a second task, the
stars of all training reviews, with λ = 0.2.

``tuning``: topic and sentiment on 240 reviews that have both labels, 60 steps of 16, tested on 200: the frozen MiniLM with
heads (400 steps, on features computed once), its last two layers, LoRA of rank 8 shared by the tasks, LoRA for each task (two
models above one frozen encoder), all layers. ``cpu_s`` is processor time in seconds, ``memory_mb`` the largest resident memory
of the process over that before training.

``mixing``: controlled reviews, 3,000 with a topic and 1,000 with a sentiment, as prompts for a GPT-2 of two layers with new
weights, 700 steps of 32, drawn in proportion to the sizes, at temperature 2, or equally.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import (
    MultiTaskDataset,
    Vocabulary,
    bag_of_words,
    baseline_score,
    encode_reviews,
    load_reviews,
    make_loader,
    mixed_loader,
    split_reviews,
)
from mtl_helpers.experiments import CACHE, Config, Experiment
from mtl_helpers.models import FrozenFeatures, LSTMEncoder, MultiTaskModel, OnFeatures, load_pretrained
from mtl_helpers.models.large.text_to_text import answer_task, as_prompts, prompt_vocabulary, small_decoder
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task
from mtl_helpers.training import fit, validate

TASKS = {"topic": TOPIC, "sentiment": SENTIMENT}
ALONE = ("bag of words", "LSTM", "MiniLM", "MiniLM, layer")
LABELS = (*ALONE, "LSTM + stars", "MiniLM, layer + stars")
TUNING = ("heads only", "last two layers", "LoRA, shared", "LoRA, one per task", "all layers")
MIXING = {"proportional": 1, "temperature 2": 2, "equal": math.inf}
SIZES, UNSEEN = {"topic": 3000, "sentiment": 1000}, 1000  # of the mixture: prompts a task, and reviews to test on
STEPS = {"labels": 300, "tuning": 60, "mixing": 700}
# n_test / n_train, as `evaluation.confidence_interval` takes it: the rows tested on, over those that training may draw from.
SHARED_ROWS = {"labels": 396 / 1848, "tuning": 200 / 1680, "mixing": 0.0}  # the last draws new reviews for each seed
LR = {"LSTM": 0.005, "MiniLM": 0.003, "mixing": 0.002}  # of AdamW; of the ways of fine-tuning see `prepared`


# Few labels ---------------------------------------------------------------------------------------------------------


@cache
def frozen_features() -> FrozenFeatures:
    """Of MiniLM; kept in a file, so that the workers find those of the corpus there."""
    encoder, subwords = load_pretrained()
    return FrozenFeatures(encoder.train_last(0), subwords, store=CACHE / "minilm_features.safetensors")


def few_labels(train: pd.DataFrame, task: Task, n: int | str, seed: int) -> pd.DataFrame:
    """The training rows, with ``n`` labels of the task left, as many of each class as can be; "all": all of them."""
    if n == "all":
        return train
    labelled = train[train[task.name].notna()].sample(frac=1, random_state=seed)
    turn = labelled.groupby(task.name).cumcount()
    kept = turn.sort_values(kind="stable").index[:n]
    return train.assign(**{task.name: train[task.name].where(train.index.isin(kept), None)})


def labels_run(arm: str, task: str, n: int | str, seed: int, steps: int = STEPS["labels"]) -> dict[str, float]:
    """Test accuracy of one arm."""
    task = TASKS[task]
    splits = split_reviews(load_reviews(), seed=seed)
    train = few_labels(splits.train, task, n, seed)
    if arm == "bag of words":
        return {task.name: baseline_score(bag_of_words(train, task), splits.test, task)}
    tasks = [task, STARS] if arm.endswith("+ stars") else [task]
    rows = train if STARS in tasks else train[train[task.name].notna()]
    if arm.startswith("LSTM"):
        vocabulary, lr = Vocabulary.from_texts(splits.train.text), LR["LSTM"]
    else:
        vocabulary, lr = frozen_features(), LR["MiniLM"]
    with drawn_from(seeded(seed)):
        if arm.startswith("LSTM"):
            encoder = LSTMEncoder(len(vocabulary))
        else:
            encoder = OnFeatures(vocabulary.features, hidden=32 if "layer" in arm else None)
        model = MultiTaskModel(encoder, tasks)
    loader = make_loader(encode_reviews(rows, vocabulary, tasks), 32, shuffle=True, seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    fit(model, loader, optimizer, steps=steps, weights={"stars": 0.2} if STARS in tasks else None)
    test = make_loader(encode_reviews(splits.test, vocabulary, tasks), 200)
    return {task.name: validate(model, test)[1][task.name]}


# Ways of fine-tuning ------------------------------------------------------------------------------------------------


def resident_mb() -> float:
    """The largest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.is_file():  # what `resource` says on Linux may be of the process that started this one
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def tuning_data(seed: int, n: int = 240, tested: int = 200) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames to train and to test on, in which every row has both labels."""
    splits = split_reviews(load_reviews().dropna(subset=["sentiment"]), seed=seed)
    return splits.train.sample(n, random_state=seed), splits.test.sample(tested, random_state=seed)


def prepared(arm: str) -> tuple[nn.Module, Any, float | None]:
    """The encoder, as the arm trains it, what encodes texts for it, and the learning rate of what is trained in it."""
    encoder, subwords = load_pretrained()
    if arm.startswith("LoRA"):
        return encoder.add_lora(8), subwords, 3e-3
    if arm == "heads only":
        return OnFeatures(encoder.features), FrozenFeatures(encoder.train_last(0), subwords), None
    if arm == "last two layers":
        return encoder.train_last(2), subwords, 3e-4
    return encoder, subwords, 1e-4


def tuning_run(arm: str, seed: int, steps: int = STEPS["tuning"]) -> dict[str, float]:
    """Test accuracies, trainable numbers, processor seconds and memory of one arm."""
    train, test = tuning_data(seed)
    groups = [[TOPIC], [SENTIMENT]] if arm == "LoRA, one per task" else [[TOPIC, SENTIMENT]]
    result, trainable = {}, 0
    for tasks in groups:
        generator = seeded(seed)  # of the first weights, and then of dropout
        with drawn_from(generator):
            encoder, vocabulary, lr = prepared(arm)
            start, base = time.process_time(), resident_mb()
            model = MultiTaskModel(encoder, tasks)
        loader = make_loader(encode_reviews(train, vocabulary, tasks), 16, shuffle=True, seed=seed)
        bottom = [p for p in encoder.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW([{"params": model.heads.parameters(), "lr": 0.005}])
        if bottom:
            optimizer.add_param_group({"params": bottom, "lr": lr})
        fit(model, loader, optimizer, steps=steps if bottom else 400, generator=generator)
        result["seconds"] = result.get("seconds", 0) + time.process_time() - start
        result["memory_mb"] = max(result.get("memory_mb", 0), resident_mb() - base)
        trainable += sum(p.numel() for p in model.parameters() if p.requires_grad)
        result |= validate(model, make_loader(encode_reviews(test, vocabulary, tasks), 50))[1]
    return result | {"trainable": trainable}


# Tasks named in the text --------------------------------------------------------------------------------------------


def mixing_reviews(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reviews to train on, and to test on."""
    written = max(SIZES.values())
    reviews = make_reviews(written + UNSEEN, relatedness=0, seed=seed)
    return reviews.iloc[:written], reviews.iloc[written:]


def mixing_data(train: pd.DataFrame, test: pd.DataFrame) -> tuple[Vocabulary, dict, dict]:
    """The vocabulary, by task the prompts to train on, and by task those to test on."""
    vocabulary = prompt_vocabulary(train.text, list(TASKS.values()))
    answer = [answer_task(vocabulary)]

    def encoded(rows: pd.DataFrame, task: Task) -> MultiTaskDataset:
        return encode_reviews(as_prompts(rows, task), vocabulary, answer)

    parts = {name: encoded(train.iloc[:n], TASKS[name]) for name, n in SIZES.items()}
    return vocabulary, parts, {task.name: encoded(test, task) for task in TASKS.values()}


def mixing_run(arm: str, seed: int, steps: int = STEPS["mixing"]) -> dict[str, float]:
    """Test accuracies of a decoder that saw the tasks in one mixture."""
    vocabulary, parts, tests = mixing_data(*mixing_reviews(seed))
    model = small_decoder(vocabulary, seed=seed)
    loader = mixed_loader(parts, 32, temperature=MIXING[arm], seed=seed)
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=LR["mixing"]), steps=steps)
    return {name: validate(model, make_loader(part, 250))[1]["answer"] for name, part in tests.items()}


# All of it ----------------------------------------------------------------------------------------------------------


PARTS = {"tuning": tuning_run, "mixing": mixing_run, "labels": labels_run}


def configs(seeds: int) -> list[Config]:
    """The runs of all parts."""
    found = []
    for part, arms in (("tuning", TUNING), ("mixing", MIXING)):
        found += [{"part": part, "arm": arm, "seed": seed} for seed in range(seeds) for arm in arms]
    cases = [
        (seed, task, n, arm) for seed in range(seeds) for task in TASKS for n in (20, 100, "all") for arm in LABELS
    ]
    return found + [{"part": "labels", "arm": arm, "task": task, "n": n, "seed": seed} for seed, task, n, arm in cases]


def run(config: Config) -> dict[str, Any]:
    """One run of whichever part, by task and what it cost."""
    if config["part"] == "tuning":  # in a process of its own, since its largest memory is measured
        command = [sys.executable, "-m", __name__, json.dumps(config)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise RuntimeError(f"its process ended with {done.returncode}: {done.stderr[-2000:]}")
        return {"found": json.loads(done.stdout.splitlines()[-1])}
    return {"found": here(config)}


def here(config: Config) -> dict[str, float]:
    """One run in this process."""
    config = dict(config)
    return PARTS[config.pop("part")](**config)


def rows(runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row a run and task."""
    for run in runs.to_dict("records"):
        found = run["found"]
        for task in TASKS:
            if task in found:
                yield {
                    "part": run["part"],
                    "arm": run["arm"],
                    "labels": run.get("n"),
                    "seed": run["seed"],
                    "task": task,
                    "score": found[task],
                    "trainable": found.get("trainable"),
                    "cpu_s": found.get("seconds"),
                    "memory_mb": found.get("memory_mb"),
                }


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a run and task."""
    table = pd.DataFrame(rows(runs)).astype({"trainable": "Int64"})
    return {"large_models": table.round({"cpu_s": 1, "memory_mb": 0})}


def prepare() -> None:
    """Compute the corpus' features once, before the workers ask for them, with one thread as they do."""
    torch.set_num_threads(1)
    frozen_features().encode(load_reviews().text)


EXPERIMENT = Experiment(configs, run, tables, seeds=3, prepare=prepare)

if __name__ == "__main__":  # one run of `tuning`
    torch.set_num_threads(1)
    print(json.dumps(here(json.loads(sys.argv[1]))))
