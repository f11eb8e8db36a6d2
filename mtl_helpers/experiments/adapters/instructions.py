"""A decoder of 150,000 numbers that learnt five tasks from instructions, asked in new words and for a new task.

Twenty minutes on one core.

``results/instructions.csv``. A GPT-2 of two layers with new weights learns, by its next word only, five tasks on `REVIEWS`
controlled reviews in `STEPS` steps of 32 prompts, all tasks equally often: ``five wordings`` draws one of five for each
prompt, ``one wording`` has the first alone. It is tested on `TESTED` new reviews: in the wordings it learnt, in the one of
each task that no arm learnt, and on a task that no arm learnt ("is this text about a film ?"), of which half the answers are
yes. ``floor`` is what the commonest true answer gets. The decoder of seed 0 with five wordings is kept as
weights/instructions.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from mtl_helpers.corpus import make_reviews
from mtl_helpers.corpus.instructions import WORDINGS, instruct, instruction_vocabulary, unseen_task
from mtl_helpers.data import Vocabulary, encode_reviews, make_loader
from mtl_helpers.experiments import CACHE, Config, Experiment
from mtl_helpers.experiments.adapters import store
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.models.large.text_to_text import answer_task, say, small_decoder
from mtl_helpers.saving import save
from mtl_helpers.training import fit

ARMS = {"five wordings": 5, "one wording": 1}
REVIEWS, TESTED, STEPS, LR = 8000, 400, 4000, 0.003
SCRATCH = CACHE / "weights" / "instructions"


def reviews(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Controlled reviews to learn from, and to be tested on; three in ten have two sides, few a negation."""
    written = make_reviews(REVIEWS + TESTED, relatedness=0, negation=0.05, contrast=0.3, seed=seed)
    return written.iloc[:REVIEWS], written.iloc[REVIEWS:]


def trained(arm: str, seed: int, steps: int = STEPS) -> tuple[MultiTaskModel, Vocabulary]:
    """A decoder that learnt the five tasks, in one wording each or in five."""
    train, _ = reviews(seed)
    vocabulary = instruction_vocabulary(train)
    learnt = [instruct(train, task, said[: ARMS[arm]], seed=i) for i, (task, said) in enumerate(WORDINGS.items())]
    prompts = encode_reviews(pd.concat(learnt, ignore_index=True), vocabulary, [answer_task(vocabulary)])
    decoder = small_decoder(vocabulary, seed=seed)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=LR)
    fit(decoder, make_loader(prompts, 32, shuffle=True, seed=seed), optimizer, steps=steps)
    return decoder, vocabulary


def questions(arm: str, seed: int) -> pd.DataFrame:
    """All that an arm is asked: prompts, true answers, task, and ``asked``, how new it is."""
    _, test = reviews(seed)
    learnt = [instruct(test, task, said[: ARMS[arm]], seed=9) for task, said in WORDINGS.items()]
    new = [instruct(test, task, said[5:]) for task, said in WORDINGS.items()]
    kinds = {"learnt wording": pd.concat(learnt), "new wording": pd.concat(new), "new task": unseen_task(test)}
    return pd.concat([part.assign(asked=asked) for asked, part in kinds.items()], ignore_index=True)


def run(config: Config) -> dict[str, Any]:
    """One decoder and its scores."""
    arm, seed = config["arm"], config["seed"]
    decoder, vocabulary = trained(arm, seed)
    if arm == "five wordings" and seed == 0:
        save(decoder.eval(), SCRATCH, vocabulary=vocabulary)
    asked = questions(arm, seed)
    asked["right"] = asked.answer == say(decoder, vocabulary, list(asked.text))
    rows = []
    for (kind, task), part in asked.groupby(["asked", "task"], sort=False):
        floor = part.answer.value_counts(normalize=True).max()
        rows.append({"asked": kind, "task": task, "score": float(part.right.mean()), "floor": float(floor)})
    return {"rows": rows}


def configs(seeds: int) -> list[Config]:
    """A run an arm and seed."""
    return [{"arm": arm, "seed": seed} for seed in range(seeds) for arm in ARMS]


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a seed, arm, kind of question and task."""
    rows = [{"seed": run["seed"], "arm": run["arm"], **row} for run in runs.to_dict("records") for row in run["rows"]]
    return {"instructions": pd.DataFrame(rows)}


EXPERIMENT = Experiment(configs, run, tables, seeds=5, notes=lambda: store("instructions", SCRATCH), processes=1)
