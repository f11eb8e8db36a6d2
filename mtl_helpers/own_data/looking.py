"""A file of one's own, read and looked at: which tasks it holds, what was cleaned, what is odd."""

from __future__ import annotations

import contextlib
import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mtl_helpers.data import ColumnNumbers, Splits, clean_table, data_file, read_table, split_table, text_key, tokenize
from mtl_helpers.data.table.file_encoding import decode
from mtl_helpers.errors import DataError
from mtl_helpers.own_data.label_kinds import Kind, task_of
from mtl_helpers.own_data.oddities import Note, belonging, digitless, label_notes, leaks, text_notes
from mtl_helpers.tasks import Task, check_tasks

EXAMPLES = {"tickets": "tickets.csv", "products": "products.csv", "reviews_zh": "reviews_zh.csv"}
MOST_ROWS = 3000  # more take longer than a class waits, and change little in what the course teaches
LEAST_ROWS = 60
MOST_TASKS = 8
FRACTIONS = (0.65, 0.15, 0.2)
ALIKE = "_alike"
_SHOWN = {"plain": " ", "odd": "?", "leak": "!"}


@dataclass(frozen=True)
class OwnTable:
    """A table ready to be learnt from; its `repr` says what was read and what is odd (``?``) or a leak (``!``).

    ``frame`` holds the clean rows, at most `MOST_ROWS`; ``tasks`` are those of the label columns, under names that a task may
    have; ``text`` and ``features`` are what the models read; ``rows`` the rows of the file.
    """

    name: str
    frame: pd.DataFrame
    tasks: tuple[Task, ...]
    text: str | None
    features: tuple[str, ...]
    groups: str | None
    rows: int
    notes: tuple[Note, ...]

    def __repr__(self) -> str:
        lines = [f"{_SHOWN[kind]} {f'{column}: ' if column else ''}{said}" for column, said, kind in self.notes]
        odd = sum(kind != "plain" for _, _, kind in self.notes)
        return "\n".join([f"{self.name}: {len(self.frame):,} rows to work with, {odd} things to look at", *lines])

    def parts(self, seed: int = 0) -> Splits:
        """Train, validation and test: 65, 15 and 20 %, without a text, or one of the groups, in common."""
        groups = self.groups or (ALIKE if ALIKE in self.frame else None)
        tries = [] if groups else [(task.name,) for task in self.tasks if task.classes and self._even(task.name)]
        for by in [*tries, ()]:
            try:
                return split_table(self.frame, seed=seed, fractions=FRACTIONS, by=by, groups=groups, text=self.text)
            except DataError:
                if not by:
                    raise
        raise AssertionError

    def _even(self, name: str) -> bool:
        """Whether every class has rows for each part."""
        return bool(self.frame[name].value_counts(dropna=False).min() >= 10)

    def scaled(self, train: pd.DataFrame) -> tuple[Task, ...]:
        """The tasks, those of numbers with mean and standard deviation of the training rows."""
        return tuple(
            task.standardised(train[task.name]) if hasattr(task, "standardised") else task for task in self.tasks
        )


def example(name: str) -> Path:
    """The file of a shipped example: "tickets", "products" or "reviews_zh"; its data card is `data/README.md`.

    >>> example("tickets").name
    'tickets.csv'
    """
    if name not in EXAMPLES:
        raise DataError(f"There is no example {name!r}; there are {', '.join(map(repr, EXAMPLES))}.")
    return data_file(f"examples/{EXAMPLES[name]}")


def look(
    path: str | Path,
    *,
    labels: Sequence[str],
    text: str | None = None,
    features: Sequence[str] = (),
    groups: str | None = None,
    kinds: Mapping[str, Kind] | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    most_rows: int = MOST_ROWS,
) -> OwnTable:
    """Read a table, clean it, find the task of each label column, and say what is odd. Nothing is written.

    ``labels`` names one to eight columns of classes, several classes at once, or numbers, see `task_of`; ``kinds`` says it
    where the cells mislead, such as ``{"stars": "class"}``. The models read the column ``text``, the columns ``features``, or
    both. Rows with the same value of ``groups`` stay in one part of a split. Of more than ``most_rows`` rows so many are drawn
    with a fixed seed. Raises `DataError`, in words, for whatever can not be learnt from.

    >>> look(example("products"), labels=["price"], features=["weight_kg"]).tasks[0].metric
    'MAE'
    """
    path = Path(path)
    frame, notes = _read(path, separator, encoding)
    rows = len(frame)
    labels, features = _named(path, frame, labels, text, features, groups)
    tasks, frame, found = _tasks(path, frame, labels, kinds or {})
    notes += found
    others = [
        one for one in frame if one not in {text, *(task.name for task in tasks)} and not one.startswith("Unnamed:")
    ]
    if rows > most_rows:
        frame = frame.sample(most_rows, random_state=0).sort_index()
        notes.append(
            Note("", f"{rows:,} rows: {most_rows:,} drawn at random (seed 0); most_rows=... takes more", "plain")
        )
    frame, found = _cleaned(path, frame, tasks, text)
    notes += [*found, *label_notes(frame, tasks)]
    if text is not None:
        notes += text_notes(frame[text], frame, tasks)
        same = digitless(frame[text])
        if groups is None and same.duplicated().any() and same.value_counts().iloc[0] <= len(frame) / 10:
            frame = frame.assign(**{ALIKE: same})
    features, found = _features(path, frame, features)
    notes += found
    notes += leaks(frame, tasks, others, features)
    notes += [] if groups else belonging(frame, others)
    for task in tasks:
        if (n := int(frame[task.name].notna().sum())) < LEAST_ROWS:
            raise DataError(
                f"{path.name}: {n} rows have a label in '{task.name}', too few to learn from, choose by and test on: at least "
                f"{LEAST_ROWS} are needed, and a few hundred to say anything. Label more, or leave the column out."
            )
    return OwnTable(path.name, frame.reset_index(drop=True), tasks, text, features, groups, rows, tuple(notes))


def _read(path: Path, separator: str | None, encoding: str | None) -> tuple[pd.DataFrame, list[Note]]:
    """The table as it is, and how it was read."""
    if path.suffix.lower() in (".xlsx", ".xls", ".ods", ".json", ".parquet", ".pdf", ".docx") and path.is_file():
        raise DataError(
            f"{path.name}: is no CSV. Save it as 'CSV UTF-8' (a spreadsheet can), a row an example, and name that."
        )
    if not path.is_file():
        there = sorted(one.name for one in path.parent.glob("*.?sv"))[:8] if path.parent.is_dir() else []
        also = f" In that folder there are {', '.join(there)}." if there else ""
        raise DataError(f"There is no file {path.name!r} in {path.parent.resolve().name or '/'!r}.{also} Correct FILE.")
    _refuse_double_heads(path, separator, encoding)
    with contextlib.redirect_stdout(io.StringIO()):  # what it says stands in the notes
        frame = read_table(path, text=None, separator=separator, encoding=encoding)
    read = frame.attrs.pop("read")
    blank = {one: frame[one].where(frame[one] != "", None) for one in frame if frame[one].dtype.kind not in "biuf"}
    frame = frame.assign(**blank)
    marks = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    said = f"{len(frame):,} rows, {frame.shape[1]} columns, read as {read['encoding']}"
    said += f", separated by {marks.get(read['separator'], repr(read['separator']))}"
    said += f", with a decimal comma in {', '.join(read['decimal commas'])}" if read["decimal commas"] else ""
    return frame, [Note("", said, "plain")]


def _refuse_double_heads(path: Path, separator: str | None, encoding: str | None) -> None:
    """A name that stands twice in the header could mean either column."""
    data, _ = decode(path.read_bytes(), path.name, encoding)
    first = data.lstrip().split(b"\n", 1)[0].decode("utf-8", errors="replace").strip()
    mark = separator or max(",;\t|", key=first.count)
    heads = next(csv.reader([first], delimiter=mark), [])
    if twice := [name for name, n in Counter(heads).items() if n > 1 and name.strip()]:
        places = [str(i + 1) for i, name in enumerate(heads) if name == twice[0]]
        raise DataError(
            f"{path.name}: the header names '{twice[0]}' {len(places)} times (columns {' and '.join(places)}). Give each "
            "column its own name in the first line."
        )


def _named(
    path: Path,
    frame: pd.DataFrame,
    labels: Sequence[str],
    text: str | None,
    features: Sequence[str],
    groups: str | None,
) -> tuple[list[str], list[str]]:
    """The columns that were named, each there and each once."""
    for what, names in (("labels", labels), ("features", features)):
        if isinstance(names, str):
            raise DataError(f"{what} is a list of columns; found {names!r}. Write [{names!r}].")
    labels, features = list(labels), list(features)
    if not labels or len(labels) > MOST_TASKS:
        raise DataError(f"labels names one to {MOST_TASKS} columns; found {len(labels)}.")
    if text is None and not features:
        raise DataError(
            "Name what the models read: text='...', a column of texts, or features=[...], columns of a table."
        )
    asked = [*([text] if text else []), *features, *labels, *([groups] if groups else [])]
    for column in asked:
        if column not in frame:
            one = "; the file was read as one column, so its separator may be none of , ; tab |: give separator='...'"
            raise DataError(
                f"{path.name}: column '{column}' is missing; found {', '.join(map(repr, frame.columns))}"
                f"{one if frame.shape[1] == 1 else '. Correct the name, or the first line of the file'}."
            )
    inputs = [*([text] if text else []), *features]
    if both := [one for one in inputs if one in labels]:
        raise DataError(
            f"Column '{both[0]}' is a label and something the models read: it would tell itself. Name it once."
        )
    return labels, features


def _tasks(
    path: Path, frame: pd.DataFrame, labels: Sequence[str], kinds: Mapping[str, Kind]
) -> tuple[tuple[Task, ...], pd.DataFrame, list[Note]]:
    """A task a label column, and the frame with its labels under the task's name."""
    if unknown := [name for name in kinds if name not in labels]:
        raise DataError(f"kinds names '{unknown[0]}', which is not in labels=[...].")
    tasks, notes = [], []
    for column in labels:
        task, cells, found = task_of(path.name, column, frame[column], kinds.get(column))
        if task.name != column:
            found.append(f"called '{task.name}' from here on, a name that a task may have")
        frame = (
            frame.drop(columns=column).assign(**{task.name: cells})
            if task.name != column
            else frame.assign(**{column: cells})
        )
        tasks.append(task)
        notes += [Note(column, said, "odd" if "fewer than" in said else "plain") for said in found]
    return check_tasks(tasks), frame, notes


def _cleaned(
    path: Path, frame: pd.DataFrame, tasks: Sequence[Task], text: str | None
) -> tuple[pd.DataFrame, list[Note]]:
    """Texts put right, copies merged, rows without a text dropped; each said."""
    if text is None:
        return frame, []
    notes, before = [], frame[text]
    if before.dtype.kind in "biuf":
        raise DataError(
            f"{path.name}, column '{text}': holds numbers and no texts. Name it in features=[...], and text=None."
        )
    cells = before.fillna("")
    frame = frame.assign(**{text: cells})
    wordless = cells.map(lambda cell: not tokenize(cell))
    if wordless.all():
        raise DataError(f"{path.name}, column '{text}': no cell holds a word. Name the column of the texts.")
    if n := int(wordless.sum()):
        notes.append(Note(text, f"{n} rows hold no word and were left out"))
        frame = frame[~wordless]
    copies = int(text_key(frame[text]).duplicated().sum())
    frame, steps = clean_table(frame, text=text, tasks=tasks)
    for step, what in (("encoding", "damaged encoding or curly quotes"), ("markup", "HTML")):
        if changed := int(steps.changed[step]):
            notes.append(Note(text, f"{what} put right in {changed} of the texts", "plain"))
    if copies:
        said = f"{copies} rows repeat a text and were merged with it; where copies disagree on a label, it counts as missing"
        notes.append(Note(text, said))
    return frame[frame[text].map(lambda cell: bool(tokenize(cell)))], notes


def _features(path: Path, frame: pd.DataFrame, features: Sequence[str]) -> tuple[tuple[str, ...], list[Note]]:
    """The columns that say something, as the models will read them."""
    notes, kept = [], []
    for column in features:
        values = frame[column]
        if values.nunique() < 2:
            notes.append(Note(column, "is the same in every row, or empty: left out"))
            continue
        ColumnNumbers.from_frame(frame, [column])  # raises for a name or a date
        kept.append(column)
        kind = "numbers" if pd.api.types.is_numeric_dtype(values) else f"{values.nunique()} categories"
        empty = int(values.isna().sum())
        notes.append(Note(column, f"read as {kind}" + (f"; {empty} cells are empty" if empty else ""), "plain"))
    if features and not kept:
        raise DataError(f"{path.name}: no column of features=[...] says anything; each is the same in every row.")
    return tuple(kept), notes
