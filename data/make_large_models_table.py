"""What a pre-trained encoder changes: few labels, ways of fine-tuning, and tasks named in the text: results/large_models.csv.

    python data/make_large_models_table.py            # about 9 minutes on two cores
    python data/make_large_models_table.py --resume   # go on after an interruption

Each run has one thread, and in ``tuning`` a process of its own. A seed draws split, labels, initial weights and order of the
batches, the same for every arm of a part. No arm is tuned, and each is the model after its last step: with 20 labels there
is nothing to validate on. Scores are accuracies on test reviews. Lesson 07 reads the file and runs a sample again.

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

import argparse
import json
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch

from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import (
    Vocabulary,
    bag_of_words,
    baseline_score,
    encode_reviews,
    load_reviews,
    make_loader,
    mixed_loader,
    split_reviews,
)
from mtl_helpers.evaluation import sweep, write_result
from mtl_helpers.models import FrozenFeatures, LSTMEncoder, MultiTaskModel, OnFeatures, load_pretrained
from mtl_helpers.models.text_to_text import answer_task, as_prompts, prompt_vocabulary, small_decoder
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC
from mtl_helpers.training import fit, validate

DATA = Path(__file__).parent
RESULT, RUNS = DATA / "results" / "large_models.csv", DATA / "cache" / "large_models.jsonl"
FEATURES = DATA / "cache" / "minilm_features.safetensors"
TASKS = {"topic": TOPIC, "sentiment": SENTIMENT}
ALONE = ("bag of words", "LSTM", "MiniLM", "MiniLM, layer")
LABELS = (*ALONE, "LSTM + stars", "MiniLM, layer + stars")
TUNING = ("heads only", "last two layers", "LoRA, shared", "LoRA, one a task", "all layers")
MIXING = {"proportional": 1, "temperature 2": 2, "equal": math.inf}
SEEDS = {"labels": 3, "tuning": 3, "mixing": 3}


# Few labels ---------------------------------------------------------------------------------------------------------


@cache
def frozen_features():
    encoder, subwords = load_pretrained()
    return FrozenFeatures(encoder.train_last(0), subwords, store=FEATURES)


def few_labels(train, task, n, seed):
    """The training rows, with ``n`` labels of the task left, as many of each class as can be; "all": all of them."""
    if n == "all":
        return train
    labelled = train[train[task.name].notna()].sample(frac=1, random_state=seed)
    turn = labelled.groupby(task.name).cumcount()
    kept = turn.sort_values(kind="stable").index[:n]
    return train.assign(**{task.name: train[task.name].where(train.index.isin(kept), None)})


def labels_run(arm, task, n, seed, features=None, steps=300):
    """Test accuracy of one arm; ``features`` are made here if they are not given."""
    task = TASKS[task]
    splits = split_reviews(load_reviews(), seed=seed)
    train = few_labels(splits.train, task, n, seed)
    if arm == "bag of words":
        return {task.name: baseline_score(bag_of_words(train, task), splits.test, task)}
    tasks = [task, STARS] if arm.endswith("+ stars") else [task]
    rows = train if STARS in tasks else train[train[task.name].notna()]
    if arm.startswith("LSTM"):
        vocabulary = Vocabulary.from_texts(splits.train.text)
        lr = 0.005
    else:
        vocabulary = features or frozen_features()
        lr = 0.003
    torch.manual_seed(seed)
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


def resident_mb():
    """The largest resident memory of this process so far."""
    import resource  # Unix only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def tuning_data(seed, n=240, tested=200):
    """Frames to train and to test on, in which every row has both labels."""
    splits = split_reviews(load_reviews().dropna(subset=["sentiment"]), seed=seed)
    return splits.train.sample(n, random_state=seed), splits.test.sample(tested, random_state=seed)


def prepared(arm, seed):
    """The encoder, as the arm trains it, what encodes texts for it, and the learning rate of what is trained in it."""
    torch.manual_seed(seed)
    encoder, subwords = load_pretrained()
    if arm.startswith("LoRA"):
        return encoder.add_lora(8), subwords, 3e-3
    if arm == "heads only":
        return OnFeatures(encoder.features), FrozenFeatures(encoder.train_last(0), subwords), None
    if arm == "last two layers":
        return encoder.train_last(2), subwords, 3e-4
    return encoder, subwords, 1e-4


def tuning_run(arm, seed, steps=60):
    """Test accuracies, trainable numbers, processor seconds and memory of one arm."""
    train, test = tuning_data(seed)
    groups = [[TOPIC], [SENTIMENT]] if arm == "LoRA, one a task" else [[TOPIC, SENTIMENT]]
    result, trainable = {}, 0
    for tasks in groups:
        encoder, vocabulary, lr = prepared(arm, seed)
        start, base = time.process_time(), resident_mb()
        model = MultiTaskModel(encoder, tasks)
        loader = make_loader(encode_reviews(train, vocabulary, tasks), 16, shuffle=True, seed=seed)
        bottom = [p for p in encoder.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW([{"params": model.heads.parameters(), "lr": 0.005}])
        if bottom:
            optimizer.add_param_group({"params": bottom, "lr": lr})
        fit(model, loader, optimizer, steps=steps if bottom else 400)
        result["seconds"] = result.get("seconds", 0) + time.process_time() - start
        result["memory_mb"] = max(result.get("memory_mb", 0), resident_mb() - base)
        trainable += sum(p.numel() for p in model.parameters() if p.requires_grad)
        result |= validate(model, make_loader(encode_reviews(test, vocabulary, tasks), 50))[1]
    return result | {"trainable": trainable}


# Tasks named in the text --------------------------------------------------------------------------------------------


def mixing_data(seed, sizes=(3000, 1000), tested=1000):
    """The vocabulary, by task the prompts to train on, and by task those to test on."""
    reviews = make_reviews(sizes[0] + tested, relatedness=0, seed=seed)
    train, test = reviews.iloc[: sizes[0]], reviews.iloc[sizes[0] :]
    vocabulary = prompt_vocabulary(train.text, list(TASKS.values()))
    answer = [answer_task(vocabulary)]

    def encoded(rows, task):
        return encode_reviews(as_prompts(rows, task), vocabulary, answer)

    parts = {task.name: encoded(train.iloc[:n], task) for task, n in zip(TASKS.values(), sizes, strict=True)}
    return vocabulary, parts, {task.name: encoded(test, task) for task in TASKS.values()}


def mixing_run(arm, seed, steps=700):
    """Test accuracies of a decoder that saw the tasks in one mixture."""
    vocabulary, parts, tests = mixing_data(seed)
    model = small_decoder(vocabulary, seed=seed)
    loader = mixed_loader(parts, 32, temperature=MIXING[arm], seed=seed)
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=0.002), steps=steps)
    return {name: validate(model, make_loader(part, 250))[1]["answer"] for name, part in tests.items()}


# All of it ----------------------------------------------------------------------------------------------------------


def run(config):
    """One run of whichever part."""
    parts = {"labels": labels_run, "tuning": tuning_run, "mixing": mixing_run}
    config = dict(config)
    return {"result": json.dumps(parts[config.pop("part")](**config))}


def configs(part):
    for seed in range(SEEDS[part]):
        if part == "labels":
            cases = [(arm, task, n) for task in TASKS for n in (20, 100, "all") for arm in LABELS]
            yield from ({"part": part, "arm": arm, "task": task, "n": n, "seed": seed} for arm, task, n in cases)
        else:
            arms = MIXING if part == "mixing" else TUNING
            yield from ({"part": part, "arm": arm, "seed": seed} for arm in arms)


def rows_of(done):
    """A row a run and task."""
    for row in done.to_dict("records"):
        result = json.loads(row["result"])
        for task in TASKS:
            if task in result:
                yield {
                    "part": row["part"],
                    "arm": row["arm"],
                    "labels": row.get("n"),
                    "seed": row["seed"],
                    "task": task,
                    "score": result[task],
                    "trainable": result.get("trainable"),
                    "cpu_s": result.get("seconds"),
                    "memory_mb": result.get("memory_mb"),
                }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resume", action="store_true", help="keep the runs of an interrupted computation")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    if not chosen.resume:
        RUNS.unlink(missing_ok=True)
    with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        done = [sweep(configs("tuning"), run, executor=pool, store=RUNS)]
    done.append(sweep(configs("mixing"), run, processes=chosen.processes, store=RUNS))
    torch.set_num_threads(1)  # once, and before the processes ask for them
    frozen_features().encode(load_reviews().text)
    done = pd.concat([*done, sweep(configs("labels"), run, processes=chosen.processes, store=RUNS)], ignore_index=True)
    if (done.error != "").any():
        sys.exit("Some runs failed; their errors stand above. Start again with --resume.")
    table = pd.DataFrame(rows_of(done)).astype({"trainable": "Int64"})
    table = table.round({"cpu_s": 1, "memory_mb": 0})
    write_result(RESULT, table, command="python data/make_large_models_table.py")


if __name__ == "__main__":
    main()
