"""The claims of lesson 03, relations: the written world draws new reviews for each seed, the corpus is split anew."""

from __future__ import annotations

from mtl_helpers.claims import Claim, from_differences, from_runs
from mtl_helpers.claims.register import Kind
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.transfer.read_changes import shared_rows, world_runs

SOURCE = "transfer_runs.csv"
NEW = "reviews, first weights, order"
SPLIT = "split of the corpus, first weights, order"
WHAT_COSTS = {"family": "03: conditioned heads at ρ = 1", "comparisons": 15}
FEW = {"family": "03: few labels", "comparisons": 6}
HARM = {"family": "03: a second task at ρ = 0", "comparisons": 6}
REAL = {"family": "03: topic and sentiment on the corpus", "comparisons": 12}


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    return [*conditioning(), *few_reviews(), *few_labels(), *unrelated(), *real(), *cosines()]


def conditioning() -> list[Claim]:
    """What the condition brings, and what costs."""
    brings, more = "The topic labels bring the gain", "two encoders trained jointly gain 6 points more"
    costs = "It is the shared encoder that costs, not the joint training"
    made = [
        (1000, "plain sharing", "single", "open", "plain sharing found none of the 31 points there are", ""),
        (
            1000,
            "conditioned",
            "single",
            "higher",
            "A conditioned head gains 19 points with 1,000 reviews",
            "control, free",
        ),
        (1000, "conditioned", "control, free", "higher", brings, "control, free"),
        (3000, "conditioned", "single", "higher", brings, "control"),
        (1000, "two encoders, jointly", "conditioned", "higher", more, "topic first"),
        (1000, "pipeline", "conditioned", "higher", costs, "two encoders, jointly"),
        (3000, "two encoders, jointly", "conditioned", "open", "five seeds do not settle it", ""),
        (1000, "topic first", "conditioned", "open", "A shared encoder that learnt topic *first* gets none", ""),
        (3000, "MLP head", "single", "lower", "they end at 0.50, pure guessing, below the single model", ""),
        (3000, "told, MLP head", "single", "lower", "they end at 0.50, pure guessing, below the single model", ""),
    ]
    return [
        _row(1, n, arm, against, kind, sentence.replace("*", ""), control=control, **WHAT_COSTS)
        for n, arm, against, kind, sentence, control in made
    ]


def few_reviews() -> list[Claim]:
    """300 reviews are enough, but not jointly on one encoder."""
    sentence = "With 300 reviews the relation can be learnt, only not jointly on one encoder"
    made = [
        ("pipeline", "single", "higher"),
        ("topic first", "conditioned", "higher"),
        ("conditioned", "single", "open"),
    ]
    return [_row(1, 300, arm, against, kind, sentence, **WHAT_COSTS) for arm, against, kind in made]


def few_labels() -> list[Claim]:
    """Stars beside few sentiment labels."""
    name, two = "controlled, 300 sentiment labels", "stars on 2,000"
    alike = "But one task on sentiment read off the stars does exactly as well"
    real = "stars as a second task bring 14 points to 100 sentiment labels"
    return [
        _of(
            world_runs(name),
            two,
            "control",
            "higher",
            "Stars help few sentiment labels by 12 points over their control",
            "labels",
            **FEW,
        ),
        _of(world_runs(name), "single on the stars", two, "equal", alike, "labels", margin=1.0, **FEW),
        _of(world_runs("real, 100 sentiment labels"), "stars on all", "single", "higher", real, "labels-real", **FEW),
    ]


def unrelated() -> list[Claim]:
    """What a task costs that has nothing to give."""
    costs = "the conditioned head costs 2 points where topic has nothing to give"
    return [
        _row(0, 1000, "conditioned", "single", "lower", costs, **HARM),
        _row(0, 300, "conditioned", "single", "lower", "6 points with 300 reviews", **HARM),
        _row(0, 300, "plain sharing", "single", "open", "with 300, five seeds leave it open", **HARM),
        *(
            _row(
                0, 1000, arm, "single", "open", "with Holm's correction (lesson 05) none of the three is shown", **HARM
            )
            for arm in ("plain sharing", "coin beside", "stars beside")
        ),
    ]


def real() -> list[Claim]:
    """Topic and sentiment on the corpus."""
    sentence = "on real reviews no help between topic and sentiment is shown"
    return [
        _of(world_runs("real", task=task), arm, "single", "open", sentence, f"real-{task}", **REAL)
        for task in ("sentiment", "topic")
        for arm in ("plain sharing", "conditioned")
    ]


def cosines() -> list[Claim]:
    """The cosine of topic in the model that gains most from it."""
    looks = read_result("gradients")
    rows = looks[(looks.rho == 1) & (looks.arm == "conditioned")]
    return [
        from_differences(
            rows.cosine_late.to_numpy(),
            id="03-cosine-conditioned",
            sentence="in the conditioned model, in which topic brings 19 points, its cosine is near zero, too",
            kind="equal",
            unit="cosine",
            resampled=NEW,
            baseline="no angle",
            margin=0.05,
            source="gradients.csv",
            family="03: cosines",
            comparisons=7,
        )
    ]


def _row(rho: float, n: int, arm: str, against: str, kind: Kind, sentence: str, **options) -> Claim:  # noqa: ANN003
    return _of(world_runs("controlled", rho, n), arm, against, kind, sentence, f"rho{rho}-{n}", **options)


def _of(runs, arm: str, against: str, kind: Kind, sentence: str, where: str, **options) -> Claim:  # noqa: ANN001, ANN003
    names = [name.replace(",", "").replace(" ", "-") for name in (arm, against)]
    return from_runs(
        runs,
        arm,
        against,
        id=f"03-{where}-{names[0]}-{names[1]}",
        sentence=sentence,
        kind=kind,
        resampled=SPLIT if shared_rows(runs) else NEW,
        source=SOURCE,
        shared_rows=shared_rows(runs),
        **options,
    )
