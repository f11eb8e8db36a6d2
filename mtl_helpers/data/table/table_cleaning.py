"""Cleaning of any table, one step a function, each from data frame to data frame; and a count of what each did."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtl_helpers.data.table.file_encoding import repair
from mtl_helpers.data.table.reading import need_columns
from mtl_helpers.data.tokens import text_key
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task, TaskError
from mtl_helpers.tasks.multi_label import BETWEEN

_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
MISSING = {"", "na", "n/a", "none", "null", "?", "unknown"}


def fix_encoding(frame: pd.DataFrame, text: str = "text") -> pd.DataFrame:
    """Undo UTF-8 that was read as Windows-1252 (``donâ€™t`` becomes ``don't``); curly quotes become straight ones."""
    return frame.assign(
        **{text: [each if each.isascii() else repair(each).translate(_STRAIGHT) for each in _texts(frame, text)]}
    )


def _texts(frame: pd.DataFrame, text: str) -> np.ndarray:
    need_columns(frame, (text,), "Cannot clean: column")
    return frame[text].to_numpy(dtype=object)


def strip_markup(frame: pd.DataFrame, text: str = "text") -> pd.DataFrame:
    """Remove HTML tags and turn entities (``&amp;``) into characters."""
    return frame.assign(**{text: [_plain_text(each) for each in _texts(frame, text)]})


def _plain_text(text: str) -> str:
    text = _TAG.sub(" ", text) if "<" in text else text
    return html.unescape(text) if "&" in text else text


def strip_space(frame: pd.DataFrame, text: str = "text") -> pd.DataFrame:
    """Collapse runs of white space, cut the ends, and drop rows whose text is then empty."""
    frame = frame.assign(**{text: [" ".join(each.split()) for each in _texts(frame, text)]})
    return frame[frame[text] != ""]


def merge_copies(
    frame: pd.DataFrame, labels: Sequence[str], text: str = "text", *, tasks: Sequence[Task] = ()
) -> pd.DataFrame:
    """Keep the first row of each text (case and punctuation do not count), with labels that it lacks from its copies.

    A label on which the copies disagree is in doubt, and becomes missing. Labels of one of the ``tasks`` agree if they make
    the same target: so ``"a;b"`` and ``"b;a"`` of several classes do.
    """
    copy_of = pd.factorize(text_key(frame[text]))[0]
    first = ~pd.Series(copy_of).duplicated().to_numpy()
    merged, n = frame[first], int(first.sum())
    if n == len(frame):
        return merged
    by_name = {task.name: task for task in tasks}
    for name in labels:
        values, known = pd.factorize(_comparable(frame[name], by_name.get(name)), use_na_sentinel=True)
        low, high = np.full(n, len(known)), np.full(n, -1)
        labelled = values >= 0
        np.minimum.at(low, copy_of[labelled], values[labelled])
        np.maximum.at(high, copy_of[labelled], values[labelled])
        agreed = (low == high) & (high >= 0)
        # The label as some row has it: lists, too, which the factorised values are not.
        row = np.zeros(n, dtype=np.int64)
        row[copy_of[labelled]] = np.flatnonzero(labelled)
        found = frame[name].iloc[row].reset_index(drop=True)
        found = found.where(agreed, np.nan if pd.api.types.is_numeric_dtype(found) else None)
        merged = merged.assign(**{name: found.to_numpy()})
    return merged


def _comparable(labels: pd.Series, task: Task | None) -> pd.Series:
    """Equal where two labels say the same, None or nan where there is none."""
    if task is None:
        return labels.map(lambda label: label if label.__hash__ is not None else tuple(label))
    target, mask = task.encode(labels)
    rows = (target + 0).numpy()  # there is no -0 in it
    return pd.Series(
        [row.tobytes() if known else None for row, known in zip(rows, mask.tolist(), strict=True)], dtype=object
    )


def clean_table(
    frame: pd.DataFrame, text: str | None = "text", tasks: Sequence[Task] = (), *, merge: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clean any table; return its rows and what each step did, as `clean_with` does for the course's own reviews.

    Encoding, markup and white space of the column ``text`` are put right, and rows without a text dropped. Of each task the
    labels get the spelling that the task knows (``" Sales"`` for ``"sales"``), and ``n/a``, ``?`` and their like become
    missing; a label that is none is an error that names its row. With ``merge`` copies of a text become one row, see
    `merge_copies`; other columns keep the first copy's values. A table without texts has ``text=None``.

    >>> from mtl_helpers.tasks import Classification
    >>> team = Classification("team", classes=("sales", "help"))
    >>> texts = ["Türöffner&nbsp;klemmt", "TÃ¼rÃ¶ffner klemmt!", "Rechnung?"]
    >>> frame = pd.DataFrame({"text": texts, "team": ["Help ", "", "n/a"]})
    >>> clean, table = clean_table(frame, tasks=[team])
    >>> clean
                   text  team
    0  Türöffner klemmt  help
    1         Rechnung?   NaN
    >>> table
                     before  dropped  changed  after
    encoding              3        0        1      3
    markup                3        0        1      3
    white space           3        0        1      3
    label spellings       3        0        2      3
    duplicates            3        1        0      2
    """
    names = [task.name for task in tasks]
    need_columns(frame, [*([] if text is None else [text]), *names], "Cannot clean: column")
    steps: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {}
    if text is not None:
        missing = frame[text].isna()
        frame = frame.assign(**{text: frame[text].where(~missing, "")}) if missing.any() else frame
        odd = ~frame[text].map(lambda cell: isinstance(cell, str))
        if odd.any():
            raise DataError(
                f"Cannot clean: row {frame.index[odd][0]} of column '{text}' holds {frame[text][odd].iloc[0]!r}, which is no "
                "text. Read the file with read_table."
            )
        steps |= {"encoding": lambda f: fix_encoding(f, text), "markup": lambda f: strip_markup(f, text)}
        steps["white space"] = lambda f: strip_space(f, text)
    if names:
        steps["label spellings"] = lambda f: f.assign(
            **{task.name: unify_spellings(f[task.name], task) for task in tasks}
        )
    if text is not None and merge:
        steps["duplicates"] = lambda f: merge_copies(f, names, text, tasks=tasks)
    frame, table = counted(frame, steps, [*([] if text is None else [text]), *names])
    return frame.reset_index(drop=True), table


def unify_spellings(labels: pd.Series, task: Task) -> pd.Series:
    """The labels as ``task`` spells them, whatever their case and the space around them; raises `DataError` for others."""
    known = {str(label).casefold(): label for label in task.classes}

    def unify(label: Any) -> Any:
        if not isinstance(label, str):
            return label
        plain = label.strip()
        if plain.casefold() in known:
            return known[plain.casefold()]
        if plain.casefold() in MISSING:
            return None
        return "".join(map(spelt, re.split(rf"(\s*{BETWEEN}\s*)", plain)))

    def spelt(part: str) -> str:
        """Several classes in one cell; or a class a word, where the whole is none."""
        if part.casefold() in known:
            return str(known[part.casefold()])
        return "".join(str(known.get(word.casefold(), word)) for word in re.split(r"(\s+)", part))

    unified = by_value(labels, unify)
    try:
        task.encode(unified)
    except TaskError as error:
        raise DataError(f"{error} (rows are counted from 0 here.)") from error
    return unified if task.classes else pd.to_numeric(unified, errors="coerce")


def by_value(column: pd.Series, change: Callable[[Any], Any]) -> pd.Series:
    """``change`` of each cell, asked once for each value that occurs."""
    try:
        codes, known = pd.factorize(column, use_na_sentinel=False)
    except TypeError:  # lists of classes
        return column.map(change)
    changed = np.empty(len(known), dtype=object)
    changed[:] = [change(value) for value in known]
    return pd.Series(changed[codes], index=column.index, dtype=object)


def counted(
    frame: pd.DataFrame, steps: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]], columns: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run the steps; return the rows and a table with a row a step."""
    frame, table = renumbered(frame), {}
    for name, step in steps.items():
        before, frame = frame, step(frame)
        table[name] = [len(before), len(before) - len(frame), count_changed(before, frame, columns), len(frame)]
    return frame, pd.DataFrame.from_dict(table, orient="index", columns=["before", "dropped", "changed", "after"])


def renumbered(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an index that tells its rows apart: its own, or a new one where it repeats, as by ``pd.concat``."""
    return frame if frame.index.is_unique else frame.reset_index(drop=True)


def count_changed(
    before: pd.DataFrame, after: pd.DataFrame, columns: Sequence[str] = ("text", "topic", "sentiment", "stars")
) -> int:
    """Rows of ``after`` of which a text or label reads otherwise than in ``before``; a missing label reads as empty."""

    def changed(name: str) -> np.ndarray:
        a, b = before[name], after[name]
        a = a if a.index.equals(b.index) else a.loc[b.index]
        numbers = [pd.api.types.is_numeric_dtype(each) for each in (a, b)]
        if all(numbers):
            return ((a != b) & ~(a.isna() & b.isna())).to_numpy()
        if any(numbers):  # 4 as text and as a number are the same
            a, b = (each.astype(str).where(each.notna(), "").str.removesuffix(".0") for each in (a, b))
        return (a.astype(object).where(a.notna(), "") != b.astype(object).where(b.notna(), "")).to_numpy()

    return int(np.any([changed(name) for name in columns], axis=0).sum()) if len(after) else 0
