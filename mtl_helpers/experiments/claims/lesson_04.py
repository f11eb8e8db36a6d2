"""The claims of lesson 04, training: three seeds of watched steps, four of scored runs; reviews re-split one corpus."""

from __future__ import annotations

import pandas as pd

from mtl_helpers.claims import Claim, from_differences, from_runs
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.methods.methods_tables import SHARED_ROWS

SPLIT, DRAWN = "split, first weights, order", "digits drawn, first weights, order"
RULES_ON_THREE = ("uncertainty", "GradNorm", "MGDA", "PCGrad")
ON_FEATURES = ("GradNorm", "MGDA", "PCGrad")
WATCHED = (("digits", "left", "right"), ("reviews", "topic", "sentiment"))
UNITS = "Standardised stars bring topic more than λ by first losses does, and both more than raw stars"
MGDA = "MGDA brings topic more than equal λ does, even with standardised stars"
RULES = "four seeds do not tell whether uncertainty, GradNorm or PCGrad beat equal λ there"
HARM = "the plain sum harms a task at far fewer steps than the two conflict"
CHEAP = "four seeds do not tell whether the cheap way changes a score"
IMPORTANCE = "three times the importance moves accuracy to sentiment and takes it from topic"
SAMPLED = "more frequent batches bring sentiment more"


def claims() -> list[Claim]:
    """A row for each comparison behind a bold conclusion."""
    return [*units(), *amounts(), *harm(), *rules(), *cheap()]


def _scores(**where: str) -> pd.DataFrame:
    table = read_result("conflicts_scores")
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def units() -> list[Claim]:
    """Topic, with the stars standardised or weighed down, against raw ones."""
    names = {("three, raw stars", "equal"): "raw", ("three, raw stars", "1 / first loss"): "first loss"}
    names |= {("three", "equal"): "standardised"}
    table = _scores(task="topic", place="parameters")
    table = table.assign(arm=[names.get(pair) for pair in zip(table.world, table.arm, strict=True)]).dropna(
        subset="arm"
    )
    pairs = {"raw": ("first loss", "raw"), "first-loss": ("standardised", "first loss")}
    return [
        from_runs(
            table,
            *pair,
            id=f"04-units-{name}",
            sentence=UNITS,
            kind="higher",
            resampled=SPLIT,
            source="conflicts_scores.csv",
            shared_rows=SHARED_ROWS["reviews"],
            family="04: units, topic",
            comparisons=2,
        )
        for name, pair in pairs.items()
    ]


def amounts() -> list[Claim]:
    """Importance 1 : 3 against equal λ; and frequent batches against proportional ones."""
    table = read_result("amounts")
    asked = {
        "importance-sentiment": ("sentiment", "sentiment 3 : 1", "equal", "higher", IMPORTANCE),
        "importance-topic": ("topic", "sentiment 3 : 1", "equal", "lower", IMPORTANCE),
        "temperature": ("sentiment", "sampled, τ = 5", "sampled, τ = 1", "higher", SAMPLED),
    }
    return [
        from_runs(
            table[table.task == task],
            arm,
            against,
            id=f"04-{name}",
            sentence=sentence,
            kind=kind,
            resampled=SPLIT,
            source="amounts.csv",
            shared_rows=SHARED_ROWS["reviews"],
            family="04: amount and importance",
            comparisons=len(asked),
        )
        for name, (task, arm, against, kind, sentence) in asked.items()
    ]


def harm() -> list[Claim]:
    """The share of the plain sum's steps that harm a task, against that at which the gradients conflict; both optimisers."""
    conflicts, steps = read_result("conflicts"), read_result("conflicts_steps")
    found = []
    for world, first, second in WATCHED:
        harmed = _by_seed(steps[steps.task == "any"], world).harmed
        conflict = _by_seed(conflicts[(conflicts["first"] == first) & (conflicts.second == second)], world).conflict
        found.append(
            from_differences(
                (100 * (harmed - conflict)).to_list(),
                id=f"04-harm-{world}",
                sentence=HARM,
                kind="lower",
                unit="points of steps",
                resampled=DRAWN if world == "digits" else SPLIT,
                baseline="share of steps in conflict",
                source="conflicts_steps.csv",
                shared_rows=SHARED_ROWS["digits" if world == "digits" else "reviews"],
                family="04: harm",
                comparisons=len(WATCHED),
            )
        )
    return found


def _by_seed(table: pd.DataFrame, world: str) -> pd.DataFrame:
    """The plain sum's shares, means over the two optimisers."""
    rows = table[(table.world == world) & (table.arm == "equal")]
    return rows.groupby("seed").mean(numeric_only=True)


def rules() -> list[Claim]:
    """Each rule against equal λ on three tasks, stars standardised: accuracies in points, stars in hundredths of a star."""
    table = _scores(world="three", place="parameters")
    asked = [(rule, task) for rule in RULES_ON_THREE for task in ("topic", "sentiment", "stars")]
    return [
        from_runs(
            table[table.task == task],
            rule,
            "equal",
            id=f"04-rule-{rule}-{task}",
            sentence=MGDA if rule == "MGDA" else RULES,
            kind="higher" if rule == "MGDA" else "open",
            resampled=SPLIT,
            source="conflicts_scores.csv",
            unit="hundredths of a star" if task == "stars" else "points",
            lower_is_better=task == "stars",
            shared_rows=SHARED_ROWS["reviews"],
            family="04: rules on three tasks",
            comparisons=len(asked),
        )
        for rule, task in asked
        if rule != "MGDA" or task == "topic"
    ]


def cheap() -> list[Claim]:
    """On the features' gradients against on the parameters', rule by rule, world by world, task by task."""
    found = []
    for world, tasks in (("digits", ("left", "right")), ("three", ("topic", "sentiment", "stars"))):
        for rule in ON_FEATURES:
            for task in tasks:
                found.append(
                    from_runs(
                        _scores(world=world, arm=rule, task=task).assign(arm=lambda rows: rows.place),
                        "features",
                        "parameters",
                        id=f"04-features-{world}-{rule}-{task}",
                        sentence=CHEAP,
                        kind="open",
                        resampled=DRAWN if world == "digits" else SPLIT,
                        source="conflicts_scores.csv",
                        unit="hundredths of a star" if task == "stars" else "points",
                        lower_is_better=task == "stars",
                        shared_rows=SHARED_ROWS["digits" if world == "digits" else "reviews"],
                        family="04: on features",
                        comparisons=15,
                    )
                )
    return found
