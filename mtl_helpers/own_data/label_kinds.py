"""Which kind of task a column of labels is, told from its cells; and the labels, each in one spelling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import pandas as pd
from torch import nn

from mtl_helpers.data.table.table_cleaning import MISSING
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Classification, MultiLabel, Regression, Task
from mtl_helpers.tasks.multi_label import BETWEEN

Kind = Literal["class", "classes", "number"]
MOST_CLASSES = 60
_NUMBER = re.compile(r"[+-]?\d[\d.,' ]*(?:[eE][+-]?\d+)?")
_WITH_UNIT = re.compile(r"[$€£¥￥]?\s*[+-]?\d[\d.,' ]*\s*(?:[^\W\d]{0,4}\.?|%|°[CF]?)")


def task_name(column: str) -> str:
    """A column's name as a task may be called: letters, digits and ``_``, and none that torch needs for itself.

    >>> task_name("Preis (EUR)"), task_name("type"), task_name("2nd opinion"), task_name("情感")
    ('Preis_EUR', 'type_label', 'label_2nd_opinion', '情感')
    """
    name = re.sub(r"\W+", "_", column).strip("_") or "label"
    name = name if name.isidentifier() else f"label_{name}"
    return f"{name}_label" if hasattr(nn.ModuleDict(), name) else name


def task_of(file: str, column: str, cells: pd.Series, kind: Kind | None = None) -> tuple[Task, pd.Series, list[str]]:
    """``(task, labels, what was found)`` of one column: a class, several classes at once, or a number.

    Told by the cells unless ``kind`` says it: numbers of more than two values are numbers; texts in which ``;``, ``,`` or
    ``|`` joins parts that come again are several classes; other texts are classes. A label has the spelling that is the most
    frequent one, whatever its case and the space around it; ``n/a``, ``?`` and their like are missing. Raises `DataError` for
    a column that can be no label, with file, row and what to do.

    >>> task, labels, _ = task_of("t.csv", "mood", pd.Series(["good", "Good ", "bad", "n/a", "good", "bad"]))
    >>> task.classes, labels.tolist()
    (('bad', 'good'), ['good', 'good', 'bad', None, 'good', 'bad'])
    """
    where, said = f"{file}, column '{column}'", []
    if cells.dtype.kind in "biuf":
        labels = cells
    else:
        labels = cells.map(lambda cell: " ".join(str(cell).split()) if pd.notna(cell) else "")
        gone = labels.str.casefold().isin(MISSING)
        if words := int((gone & (labels != "")).sum()):
            said.append(f"{words} cells say n/a, unknown or the like: taken as missing")
        labels = labels.astype(object).where(~gone, None)
    known = labels[labels.notna()]
    if known.empty:
        raise DataError(
            f"{where}: every cell is empty, so there is no label to learn. Name another column in labels=[...]."
        )
    if len(known.unique()) == 1:
        raise DataError(
            f"{where}: all {len(known)} labels are {known.iloc[0]!r}; with one class only there is nothing to tell apart. "
            "Leave the column out of labels=[...]."
        )
    if kind not in (None, "class", "classes", "number"):
        raise DataError(f"{where}: kinds say 'class', 'classes' or 'number'; found {kind!r}.")
    if labels.dtype.kind in "biuf":
        return _of_numbers(where, column, labels, kind, said)
    if kind == "number" or (kind is None and known.map(lambda one: bool(_NUMBER.fullmatch(one))).mean() >= 0.6):
        raise _no_numbers(where, known)
    if kind is None and known.map(lambda one: bool(_WITH_UNIT.fullmatch(one))).all():
        raise DataError(
            f"{where}, row {known.index[0] + 2}: {known.iloc[0]!r} is a number with a unit or sign. Write the number alone, "
            f"or say kinds={{'{column}': 'class'}} to take the cells as classes."
        )
    if kind == "classes" or (kind is None and _joined(known)):
        task = MultiLabel.from_labels(task_name(column), known)
        said.append(f"several classes a row: {_listed(task.classes)}")
        return task, labels, said
    labels, spelt = _one_spelling(labels)
    if spelt:
        said.append(f"{spelt} labels were spelt otherwise (case, or spaces inside) and now agree")
    return _classes(where, column, labels, said)


def _of_numbers(
    where: str, column: str, labels: pd.Series, kind: Kind | None, said: list[str]
) -> tuple[Task, pd.Series, list[str]]:
    known = labels[labels.notna()]
    whole = bool((known == known.round()).all())
    if kind in ("class", "classes") or (known.nunique() == 2 and kind is None):
        shown = labels.map(lambda one: None if pd.isna(one) else str(int(one)) if whole else str(one)).astype(object)
        return _classes(where, column, shown.where(labels.notna(), None), said)
    if whole and len(known) > 3 and known.diff().dropna().eq(1).all():
        raise DataError(
            f"{where}: counts {int(known.iloc[0])}, {int(known.iloc[1])}, {int(known.iloc[2])} and so on: it numbers the "
            "rows, and is no label. Leave it out of labels=[...]."
        )
    unit = f"numbers from {known.min():g} to {known.max():g}, median {known.median():.4g}"
    few = f" ({known.nunique()} values; kinds={{'{column}': 'class'}} takes them as classes)"
    said.append(unit + (few if whole and known.nunique() <= 12 else ""))
    return Regression(task_name(column)), labels.astype(float), said


def _classes(where: str, column: str, labels: pd.Series, said: list[str]) -> tuple[Task, pd.Series, list[str]]:
    counts = labels.value_counts()
    if len(counts) > max(2, counts.sum() / 2) or len(counts) > MOST_CLASSES:
        raise DataError(
            f"{where}: {len(counts)} different values in {counts.sum()} rows, such as {counts.index[-1]!r:.60}: a name or a "
            f"text, no label. A label's values come again, at most {MOST_CLASSES} of them. Name another column, or group the "
            "values into fewer."
        )
    task = Classification.from_labels(task_name(column), labels)
    said.append(f"{len(task.classes)} classes: {_listed([f'{one} {counts[one]}' for one in task.classes])}")
    if rare := [str(one) for one, n in counts.items() if n < 10]:
        said.append(f"fewer than 10 rows each have {_listed(rare)}: too few to learn or to test; join them to others")
    return task, labels, said


def _no_numbers(where: str, known: pd.Series) -> DataError:
    """What keeps a column from being one of numbers."""
    odd = known[~known.map(lambda one: bool(_NUMBER.fullmatch(one)))]
    if len(odd):
        return DataError(
            f"{where}, row {odd.index[0] + 2}: {odd.iloc[0]!r} is no number, while {len(known) - len(odd)} of {len(known)} "
            "labels are. Correct that cell, or empty it if it is missing; or give kinds={...: 'class'} to take all as classes."
        )
    commas = known[known.str.contains(r"[,' ]", regex=True)]
    row, one = (commas.index[0], commas.iloc[0]) if len(commas) else (known.index[0], known.iloc[0])
    return DataError(
        f"{where}, row {row + 2}: {one!r} may have a decimal comma or stand for thousands. Write the numbers with a decimal "
        "point and without marks between thousands, such as 1299.50."
    )


def _joined(known: pd.Series) -> bool:
    """Whether cells hold several classes each: many have a mark between parts, and the parts come again."""
    marked = known.str.contains(BETWEEN, regex=True)
    if marked.mean() < 0.1:
        return False
    parts = pd.Series([part.strip() for one in known for part in re.split(BETWEEN, one) if part.strip()])
    return parts.nunique() < known.nunique() and parts.nunique() <= MOST_CLASSES and len(parts) >= 3 * parts.nunique()


def _one_spelling(labels: pd.Series) -> tuple[pd.Series, int]:
    """Labels that differ in case alone as the most frequent of them; and how many that changed, with space at the ends."""
    counts = labels.value_counts()
    usual: dict[str, str] = {}
    for one in counts.index:
        usual.setdefault(one.casefold(), one)
    unified = labels.map(lambda one: usual[one.casefold()] if isinstance(one, str) else None).astype(object)
    return unified.where(labels.notna(), None), int((unified != labels)[labels.notna()].sum())


def _listed(names: Sequence[object], most: int = 8) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
