"""What a comparison shows, in words, by the course's written rule."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd

from mtl_helpers.claims import Claim, ClaimError, check, from_runs, judged
from mtl_helpers.claims.checks import Shown, say
from mtl_helpers.own_data.comparing import Comparison, scores_html
from mtl_helpers.tasks import Task

# What is asked of each task, before a number was seen: (arm, against, what it would show).
QUESTIONS = (
    ("linear", "floor", "the labels can be learnt from what the models read"),
    ("alone", "linear", "a small network does better than a linear model"),
    ("shared", "alone", "sharing an encoder with the other tasks helps"),
    ("conditioned", "alone", "telling the head the other task's answer helps"),
    ("MiniLM", "linear", "a frozen pre-trained encoder does better than a linear model"),
)


class Verdict(Shown):
    """The questions of a table and their answers; the page shows them, and `text` is the same in words."""

    def __init__(self, rows: pd.DataFrame, sentences: Sequence[str], numbers: str) -> None:
        import ipywidgets as widgets

        self.rows, self.sentences = rows, tuple(sentences)
        said = "".join(f"<li>{escape(one)}</li>" for one in self.sentences)
        self.box = widgets.HTML(f"{numbers}<ul style='line-height:1.45'>{said}</ul>")

    @property
    def text(self) -> str:
        """The sentences, one below the other."""
        return "\n".join(self.sentences)

    def __repr__(self) -> str:
        n = len(self.rows)
        return f"A verdict on {n} questions, by one rule (print(verdict.text) says it in words)."


def verdict(found: Comparison) -> Verdict:
    """Ask `QUESTIONS` of every task, as one family: "shown" where p, after Holm's correction over all of them, is below 0.05.

    Differences are paired split by split, with the corrected resampled t interval (Nadeau & Bengio 2003), as the splits re-use
    the rows of one table; see `claims.Claim`. "Not shown" is no equality: the sentence says from which size on a difference
    would have been seen.
    """
    asked = [
        (task, *one) for task in found.table.tasks for one in QUESTIONS if {*one[:2]} <= set(found.of(task.name).arm)
    ]
    rows = judged(_claim(found, len(asked), *one) for one in asked)
    sentences = [_sentence(rows.loc[_id(task, arm, against)], task, arm, against) for task, arm, against, _ in asked]
    leaks = [note for note in found.table.notes if note.kind == "leak"]
    sentences += [f"Beware: '{note.column}' {note.said}. A score with a leak says nothing." for note in leaks]
    return Verdict(rows, [*sentences, _advice(found, rows)], scores_html(found))


def _id(task: Task, arm: str, against: str) -> str:
    return f"09-{task.name}-{arm}-{against}"


def _unit(task: Task) -> tuple[str, float]:
    """What a difference is told in, and how many of it are 1 of the score."""
    return ("points", 100.0) if task.score_range == (0.0, 1.0) else (f"of {task.metric}", 1.0)


def _claim(found: Comparison, comparisons: int, task: Task, arm: str, against: str, what: str) -> Claim:
    unit, scale = _unit(task)
    return from_runs(
        found.of(task.name),
        arm,
        against,
        id=_id(task, arm, against),
        sentence=what,
        kind="higher",
        unit=unit,
        scale=scale,
        lower_is_better=not task.higher_is_better,
        resampled="split, first weights",
        source=found.table.name,
        shared_rows=found.shared_rows,
        family=found.table.name,
        comparisons=comparisons,
    )


def _sentence(row: pd.Series, task: Task, arm: str, against: str) -> str:
    unit, _ = _unit(task)
    size = f"{row.estimate:+.3g} {unit}, 95 % interval {row.low:+.3g} to {row.high:+.3g}"
    if row.verdict == "shown":
        return f"{task.name}: '{arm}' is better than '{against}' ({size}). Shown: {row.sentence}."
    if row.verdict == "opposite shown":
        return f"{task.name}: '{arm}' is worse than '{against}' ({size}). The opposite is shown of: {row.sentence}."
    least = f"from about {row.smallest_effect:.2g} {unit} on it would have been seen four times in five"
    return f"{task.name}: '{arm}' against '{against}' ({size}). Not shown that {row.sentence}; {least}."


def _advice(found: Comparison, rows: pd.DataFrame) -> str:
    """What to do, task by task: the last arm in the order of `QUESTIONS` that was shown to beat the one before it."""
    shown = set(rows.index[rows.verdict == "shown"])
    parts = []
    for task in found.table.tasks:
        take, doubt = "floor", ""
        for arm, against, _ in QUESTIONS:
            if _id(task, arm, against) in shown and against in (take, "linear"):
                skipped = take == "floor" and against == "linear"
                take, doubt = arm, " (though 'linear' was not shown to beat the floor)" if skipped else doubt
        parts.append(f"{task.name}: {'more labels or other inputs' if take == 'floor' else f'take {take!r}{doubt}'}")
    return f"So, for now, {'; '.join(parts)}. The plainest way that no other was shown to beat, by these splits."


def check_example(
    found: Comparison, example: str, task: str, arm: str, quoted: float, *, tolerance: float, above: str = "floor"
) -> None:
    """`claims.check` of a score that a lesson quotes of a shipped example; of another table it says that it is another.

    The floor is the score of the arm ``above``, so that the check fails for whatever knows no more than that.
    """
    if found.table.name != example:
        say(f"(the text quotes {example} here; yours is {found.table.name})")
        return
    if arm not in found.arms:
        raise ClaimError(f"Arm {arm!r} was not run; arms are {', '.join(found.arms)}.")
    floor = None if arm == above else found.score(task, above)
    check(f"{task}, {arm}", found.score(task, arm), quoted, tolerance=tolerance, floor=floor)
