"""The claims of lesson 00, the first look: the steered run beside its control, on validation."""

from __future__ import annotations

from mtl_helpers.claims import Claim, from_differences
from mtl_helpers.claims.register import Kind
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.methods.methods_tables import SHARED_ROWS

TURN = (
    "over ten seeds sentiment ends about two points lower than in the control, "
    "which they do not settle to be more than chance"
)


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    return [
        at_the_end("topic", id="00-topic", sentence="lifts topic by 63 points", kind="higher"),
        at_the_end("sentiment", id="00-turn", sentence=TURN, kind="open"),
    ]


def at_the_end(task: str, *, id: str, sentence: str, kind: Kind) -> Claim:
    """What raising λ topic does to a task's accuracy at the last step, against the same run with λ topic left as it was."""
    looks = read_result("corpus_steered")
    last = looks[(looks.task == task) & (looks.step == looks.step.max())]
    scores = last.pivot_table(index="seed", columns="arm", values="val_score")
    return from_differences(
        (100 * (scores["topic rises"] - scores["topic stays"])).tolist(),
        id=id,
        sentence=sentence,
        kind=kind,
        unit="points",
        resampled="split of the corpus, first weights, order",
        baseline="λ topic left at 0.01",
        control="the same run to step 160, the same batches",
        source="corpus_steered.csv",
        shared_rows=SHARED_ROWS["reviews"],  # as many validation rows as test rows
        family="00: both tasks at step 400",
        comparisons=2,
    )
