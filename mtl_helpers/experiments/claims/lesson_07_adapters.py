"""The claims of lesson 07 on small corrections: two LoRAs merged, and a decoder that takes instructions."""

from __future__ import annotations

from mtl_helpers.claims import Claim, from_differences, from_runs
from mtl_helpers.claims.register import Kind
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.adapters import merge


def claims() -> list[Claim]:
    """A row for each bold conclusion on them."""
    return [*merging(), *instructions(), new_task()]


def merging() -> list[Claim]:
    """Two LoRAs in one set of weights, against a LoRA of its own for each task."""
    loses: tuple[str, Kind] = ("with the pair that validation chose topic loses 2 points on test reviews", "lower")
    mood: tuple[str, Kind] = ("of sentiment five seeds do not tell", "open")
    whole: tuple[str, Kind] = ("what the whole of both costs five seeds do not tell", "open")
    compared = {
        ("topic", merge.CHOSEN, "merge-topic"): loses,
        ("sentiment", merge.CHOSEN, "merge-sentiment"): mood,
        ("topic", merge.WHOLE, "merge-whole-topic"): whole,
        ("sentiment", merge.WHOLE, "merge-whole-sentiment"): whole,
    }
    runs = merge.on_test(read_result("merge"))
    return [
        from_runs(
            runs[runs.task == task],
            arm,
            merge.OWN,
            id=f"07-{name}",
            sentence=sentence,
            kind=kind,
            resampled="split, first weights, order",
            source="merge.csv",
            shared_rows=merge.SHARED_ROWS,
            family="07: two merged LoRAs against one for each task, two tasks, two pairs of coefficients",
            comparisons=len(compared),
        )
        for (task, arm, name), (sentence, kind) in compared.items()
    ]


def instructions() -> list[Claim]:
    """A decoder that learnt five wordings of each task against one that learnt one, in words that are learnt and new."""
    lifts: tuple[str, Kind] = ("in a new wording five wordings lift topic by 75 points over one", "higher")
    costs: tuple[str, Kind] = ("what five wordings cost sentiment and stars five seeds do not tell", "open")
    harms: tuple[str, Kind] = ("on the new task five wordings are 35 points worse than one", "lower")
    compared = {
        ("new wording", "topic", "wordings-topic"): lifts,
        ("learnt wording", "sentiment", "wordings-sentiment"): costs,
        ("learnt wording", "stars", "wordings-stars"): costs,
        ("new task", "unseen", "wordings-new-task"): harms,
    }
    runs = read_result("instructions")
    return [
        from_runs(
            runs[(runs.asked == asked) & (runs.task == task)],
            "five wordings",
            "one wording",
            id=f"07-{name}",
            sentence=sentence,
            kind=kind,
            resampled="reviews, first weights, order",
            source="instructions.csv",
            family="07: five wordings against one, five tasks in learnt and in new words, and a new task",
            comparisons=5 * 2 + 1,
        )
        for (asked, task, name), (sentence, kind) in compared.items()
    ]


def new_task() -> Claim:
    """The task that nobody learnt, against always saying yes."""
    runs = read_result("instructions")
    asked = runs[(runs.asked == "new task") & (runs.arm == "five wordings")].sort_values("seed")
    return from_differences(
        (100 * (asked.score - asked.floor)).to_numpy(),
        id="07-new-task",
        sentence="a new task is answered right less often than by always saying yes",
        kind="lower",
        unit="points",
        resampled="reviews, first weights, order",
        baseline="always yes",
        source="instructions.csv",
    )
