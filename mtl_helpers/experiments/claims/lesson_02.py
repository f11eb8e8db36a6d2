"""The claims of lesson 02, the model: the seeds re-split one corpus, so all intervals are corrected for shared rows."""

from __future__ import annotations

import numpy as np

from mtl_helpers.claims import Claim, computed, from_differences
from mtl_helpers.claims.register import Kind
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.claims.lesson_01 import RESAMPLED, TASKS, versus
from mtl_helpers.experiments.methods.methods_tables import SHARED_ROWS

ENCODERS = ("CNN", "LSTM")
HALF = "half the parameters and half the CPU time of a step"
QUALITY = "one or two points lower in all four rows, and ten seeds do not settle whether that is chance"

DEEP = "all six changes of the branching point lie below zero, and ten seeds settle none of them"
CHECKPOINTS = "a checkpoint per task is as good as one for both, within two points"


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    return [*cost(), *quality(), *depth()]


def ratio(encoder: str, column: str) -> list[float]:
    """One shared model over the two single ones, a number a seed."""
    table = read_result("cost")
    wide = table[table.encoder == encoder].pivot_table(index="seed", columns="arm", values=column)
    return (wide["shared"] / (wide["topic"] + wide["sentiment"])).tolist()


def cost() -> list[Claim]:
    """Parameters, time of a step, time to a modest accuracy."""
    rows = [
        computed(
            np.mean(ratio(encoder, "parameters")),
            id=f"02-parameters-{encoder}",
            sentence=HALF,
            unit="of the parameters of two models",
            floor=1.0,
            source="cost.csv",
        )
        for encoder in ENCODERS
    ]
    sooner = "With the LSTM it reaches a modest accuracy in 29 % less time than two models"
    unclear = "with the CNN ten seeds do not tell"
    for column, name, sentences, kinds in (
        ("cpu_ms_per_step", "step", (HALF, HALF), ("lower", "lower")),
        ("cpu_s_to_target", "target", (unclear, sooner), ("open", "lower")),
    ):
        rows += [
            of_two_models(encoder, column, id=f"02-{name}-{encoder}", sentence=sentence, kind=kind)
            for encoder, sentence, kind in zip(ENCODERS, sentences, kinds, strict=True)
        ]
    return rows


def of_two_models(encoder: str, column: str, *, id: str, sentence: str, kind: Kind) -> Claim:
    """The time of the shared model, as a part of that of two models."""
    return from_differences(
        ratio(encoder, column),
        id=id,
        sentence=sentence,
        kind=kind,
        unit="of the time of two models",
        resampled=RESAMPLED,
        baseline="two single-task models",
        source="cost.csv",
        floor=1.0,
        shared_rows=SHARED_ROWS["reviews"],
        family=f"02: {column}, two encoders",
        comparisons=2,
    )


def quality() -> list[Claim]:
    """The shared model against the single one, each at its best validation."""
    table, rows = read_result("cost"), []
    for encoder in ENCODERS:
        for task in TASKS:
            wide = table[table.encoder == encoder].pivot_table(index="seed", columns="arm", values=task)
            rows.append(
                from_differences(
                    (100 * (wide["shared"] - wide[task])).tolist(),
                    id=f"02-quality-{encoder}-{task}",
                    sentence=QUALITY,
                    kind="open",
                    unit="points",
                    resampled=RESAMPLED,
                    baseline="a model of its own",
                    source="cost.csv",
                    shared_rows=SHARED_ROWS["reviews"],
                    family="02: quality, two encoders and two tasks",
                    comparisons=4,
                )
            )
    return rows


def depth() -> list[Claim]:
    """Where the model branches, against models that share nothing; and each task's own checkpoint against one for both."""
    rows = [
        versus(
            "depth",
            task,
            arm,
            "nothing",
            id=f"02-{name}-{task}",
            sentence=DEEP,
            kind="open",
            baseline="two models that share nothing",
            family="02: depth, three places and two tasks",
            comparisons=6,
        )
        for arm, name in (("embedding", "embedding"), ("layer", "layer"), ("encoder, MLP heads", "mlp"))
        for task in TASKS
    ]
    return rows + [
        versus(
            "depth",
            task,
            f"{arm}, own checkpoints",
            arm,
            id=f"02-checkpoint-{name}-{task}",
            sentence=CHECKPOINTS,
            kind="equal",
            margin=2.0,
            baseline="one checkpoint for both, by the mean",
            family="02: checkpoints, three models and two tasks",
            comparisons=6,
        )
        for arm, name in (("embedding", "embedding"), ("layer", "layer"), ("encoder, MLP heads", "mlp"))
        for task in TASKS
    ]
