"""What is odd about a table, in words: missing labels, imbalance, copies, leaks, scripts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mtl_helpers.data.tokens import text_key, tokenize
from mtl_helpers.tasks import Task

SURE = 0.97  # of a label, this share told by one column: a leak, unless that column is really known beforehand
_SCRIPTS = (
    "CJK",
    "LATIN",
    "CYRILLIC",
    "HIRAGANA",
    "KATAKANA",
    "HANGUL",
    "ARABIC",
    "GREEK",
    "HEBREW",
    "THAI",
    "DEVANAGARI",
)


class Note(NamedTuple):
    """One thing found: of which ``column`` ("" for the table), what, and whether it is ``odd``, a ``leak`` or plain."""

    column: str
    said: str
    kind: Literal["plain", "odd", "leak"] = "odd"


def label_notes(frame: pd.DataFrame, tasks: Sequence[Task]) -> list[Note]:
    """Missing labels, imbalance, and labels that say the same."""
    notes, n = [], len(frame)
    for task in tasks:
        labels = frame[task.name]
        if missing := int(labels.isna().sum()):
            notes.append(
                Note(
                    task.name,
                    f"{missing} of {n} labels are missing ({missing / n:.0%}); those rows still train the others",
                )
            )
        shares = labels.dropna().value_counts(normalize=True)
        if task.classes and len(shares) and shares.iloc[0] > max(0.6, 1.5 / len(task.classes)):
            said = f"{shares.iloc[0]:.0%} are '{shares.index[0]}': whoever always says so is right as often"
            notes.append(Note(task.name, said))
    if len(tasks) > 1 and (bare := int(frame[[task.name for task in tasks]].isna().all(axis=1).sum())):
        notes.append(Note("", f"{bare} rows have no label at all and teach nothing"))
    for a in tasks:
        for b in tasks:
            if a is not b and (told := told_by(frame[b.name], frame[a.name], a)) >= SURE:
                notes.append(
                    Note(a.name, f"'{b.name}' tells '{a.name}' almost alone ({told:.0%}): two tasks, or one twice?")
                )
    return notes


def leaks(frame: pd.DataFrame, tasks: Sequence[Task], columns: Sequence[str], used: Sequence[str]) -> list[Note]:
    """Columns that tell a label almost alone; ``used`` are those that the models will read.

    >>> from mtl_helpers.tasks import Regression
    >>> net = pd.Series(range(100)) * 3.7 % 41
    >>> leaks(pd.DataFrame({"net": net, "price": 1.19 * net}), [Regression("price")], ["net"], ["net"])[0].kind
    'leak'
    """
    notes = []
    for column in columns:
        for task in tasks:
            told = told_by(frame[column], frame[task.name], task)
            if told < SURE:
                continue
            if column in used:
                said = f"tells '{task.name}' almost alone ({told:.0%}): would you know it before the label? If not, leave it"
                said += " out"
                notes.append(Note(column, said, "leak"))
            else:
                notes.append(Note(column, f"would tell '{task.name}' almost alone ({told:.0%}): right to leave it out"))
    return notes


def told_by(column: pd.Series, label: pd.Series, task: Task) -> float:
    """The share of a label that one column tells: 0 nothing, 1 all; of classes above the largest, of numbers of the variance.

    A small decision tree on numbers, the commonest label of each value on anything else. Names, with nearly a value a row,
    tell nothing here: whatever is said of one row is never met again.
    """
    both = column.notna() & label.notna()
    column, label = column[both], label[both]
    if len(label) < 30 or label.nunique() < 2 or column.nunique() < 2:
        return 0.0
    numbers = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if not numbers and column.nunique() > len(column) / 4:
        return 0.0
    if task.classes:
        known = label.map(str).to_numpy()
        if numbers:
            leaves = min(2 * len(set(known)), 20)
            tree = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=0)
            right = tree.fit(column.to_numpy()[:, None], known).score(column.to_numpy()[:, None], known)
        else:
            right = (
                pd.Series(known).groupby(column.map(str).to_numpy()).agg(lambda one: one.value_counts().iloc[0]).sum()
            )
            right = right / len(known)
        floor = pd.Series(known).value_counts(normalize=True).iloc[0]
        return float((right - floor) / (1 - floor))
    truth = label.astype(float)
    if numbers and column.nunique() > 12:
        tree = DecisionTreeRegressor(max_leaf_nodes=max(2, len(truth) // 5), min_samples_leaf=3, random_state=0)
        line = np.corrcoef(column.astype(float), truth)[0, 1] ** 2
        return float(max(tree.fit(column.to_numpy()[:, None], truth).score(column.to_numpy()[:, None], truth), line))
    means = truth.groupby(column.map(str)).transform("mean")
    return float(1 - ((truth - means) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


def text_notes(texts: pd.Series, frame: pd.DataFrame, tasks: Sequence[Task]) -> list[Note]:
    """Scripts, lengths, texts alike but for digits, and texts that hold the very word of their label."""
    name, notes = str(texts.name), []
    shares = scripts(texts)
    said = ", ".join(f"{script} {share:.0%}" for script, share in shares.items())
    mixed = len(shares) > 1 and shares.iloc[1] > 0.1
    notes.append(
        Note(name, f"letters: {said}" + ("; more than one script" if mixed else ""), "odd" if mixed else "plain")
    )
    lengths = texts.map(lambda text: len(tokenize(text)))
    said = f"{int(lengths.min())} to {int(lengths.max())} tokens, median {int(lengths.median())}"
    long = int((lengths > MOST_TOKENS).sum())
    cut = f"; {long} are longer than {MOST_TOKENS}, and the networks read only so much" if long else ""
    notes.append(Note(name, said + cut, "odd" if long else "plain"))
    same = digitless(texts)
    if copies := int(same.duplicated(keep=False).sum()):
        said = f"{copies} texts are alike but for their digits; copies of one stay in one part of the split"
        notes.append(Note(name, said))
    for task in tasks:
        labels = frame[task.name]
        known = labels.notna() & labels.map(lambda one: isinstance(one, str))
        held = [label.casefold() in text.casefold() for label, text in zip(labels[known], texts[known], strict=True)]
        if task.classes and len(held) and np.mean(held) > 0.5:
            said = f"{np.mean(held):.0%} of the texts hold the very word of their '{task.name}': is it written in beforehand?"
            notes.append(Note(name, said, "leak"))
    return notes


MOST_TOKENS = 200


def digitless(texts: pd.Series) -> pd.Series:
    """What makes two texts alike but for numbers in them, such as an order's."""
    return text_key(texts).map(lambda text: re.sub(r"\d+", "0", text))


def scripts(texts: pd.Series) -> pd.Series:
    """Of the letters of the texts (the first 200,000), the share of each script with at least one in a hundred.

    >>> scripts(pd.Series(["iPhone很好看", "价格不贵"])).round(2).to_dict()
    {'Chinese characters': 0.54, 'Latin': 0.46}
    """
    letters = pd.Series([letter for letter in "".join(texts)[:200_000] if letter.isalpha()], dtype=object)
    counts = letters.value_counts()
    names = [unicodedata.name(letter, "other").split()[0].split("-")[0] for letter in counts.index]
    shown = [
        "Chinese characters" if one == "CJK" else one.capitalize() if one in _SCRIPTS else "other" for one in names
    ]
    shares = counts.groupby(shown).sum().sort_values(ascending=False) / max(len(letters), 1)
    return shares[shares >= 0.01]


def belonging(frame: pd.DataFrame, columns: Sequence[str]) -> list[Note]:
    """Columns whose values come again in a few rows each, such as a customer: their rows may belong together."""
    notes = []
    for column in columns:
        values = frame[column].dropna()
        if pd.api.types.is_float_dtype(values) or not len(values):
            continue
        n, each = values.nunique(), len(values) / values.nunique()
        if n >= 12 and 1.5 <= each <= 50 and n > len(frame) ** 0.5:
            said = f"{n} values, {each:.0f} rows each: do the rows of one belong together? Then GROUPS = '{column}'"
            notes.append(Note(column, said))
    return notes
