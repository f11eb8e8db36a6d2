"""A table of one's own: read with its encoding and separator guessed, and with errors that name row and column."""

from __future__ import annotations

import collections
import csv
import io
import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from mtl_helpers.data.table.file_encoding import decode
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task, TaskError, check_tasks

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_COMMA_NUMBER = r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?(?:[eE][+-]?\d+)?"  # 1.234,5 as in 1 234 and a half
_POINT_THOUSANDS = r"[+-]?(?:0|[1-9]\d{0,2}(?:\.\d{3})?)"  # 349.000 beside 950


def read_table(
    path: str | Path,
    *,
    text: str | None = "text",
    tasks: Sequence[Task] = (),
    separator: str | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """Read a table of any columns, one row an example, and check the texts and the labels of ``tasks``.

    Unless they are given, the separator (``,`` ``;`` tab ``|``, or what Excel's line ``sep=;`` says) and the encoding (UTF-8,
    UTF-16, Windows-1252, GB18030 or Big5) are guessed, and so is a decimal comma. What was guessed stands in
    ``frame.attrs["read"]``; if it is not the plain case (UTF-8, commas, decimal points), it is printed in one line.

    ``text`` names the column of the texts, None if there is none. A task's labels stand in the column of its name; they stay
    as they are written, a number becomes a number, and an empty cell is a missing label. Another column becomes numbers if
    every cell that is not empty holds one. Raises `DataError`, naming row (the header is row 1) and column, for an empty text
    and for a label that the task does not know. For labels to be cleaned first, read without ``tasks`` and see `clean_table`.

    >>> from mtl_helpers.tasks import Regression
    >>> path = getfixture("tmp_path") / "tickets.csv"
    >>> _ = path.write_text("Nr;Anfrage;hours\\n7;Türöffner klemmt;1,5\\n8;Licht aus;\\n", encoding="cp1252")
    >>> read_table(path, text="Anfrage", tasks=[Regression("hours")])
    tickets.csv: read as Windows-1252, separated by semicolons, with a decimal comma in 'hours'; 2 rows.
       Nr           Anfrage  hours
    0   7  Türöffner klemmt    1.5
    1   8         Licht aus    NaN
    """
    path, tasks = Path(path), check_tasks(tasks) if len(tasks) else ()
    wanted = [*([] if text is None else [text]), *(task.name for task in tasks)]
    frame, guessed = read_cells(path, wanted, separator=separator, encoding=encoding)
    need_columns(frame, wanted, f"{path.name}: column")
    if frame.empty:
        raise DataError(f"{path.name}: has a header and not one row; add at least one.")
    if text is not None:
        refuse_cells(path, frame, text, frame[text].str.strip() == "", "is empty; fill it in or drop the row")
    labelled, commas = {task.name for task in tasks if task.classes}, []
    for column in frame.columns:
        if column != text and column not in labelled:
            numbers, comma = _numbers(path, frame[column], separator=guessed["separator"], needed=column in wanted)
            frame[column] = numbers
            commas += [column] * comma
    for task in tasks:
        if task.classes:
            frame[task.name] = _labels(frame[task.name], task)
        _check_labels(path, frame, task)
    guessed["decimal commas"] = tuple(commas)
    frame.attrs["read"] = guessed
    _say(path, frame, guessed, given=(separator, encoding))
    return frame


def need_columns(frame: pd.DataFrame, columns: Iterable[str], what: str = "Column") -> None:
    """Raise `DataError` for the first of the columns that the frame lacks, naming those it has."""
    for column in columns:
        if column not in frame:
            raise DataError(f"{what} {column!r} is missing; found {', '.join(map(repr, frame.columns))}.")


def read_cells(
    path: Path, columns: Sequence[str], *, separator: str | None = None, encoding: str | None = None
) -> tuple[pd.DataFrame, dict[str, object]]:
    """A file's cells as they are written, an empty one as ``""``; and the encoding and separator they were read with."""
    needs = (
        f"It needs the columns {', '.join(columns)}." if columns else "Its first line holds the names of the columns."
    )
    if not path.is_file():
        raise DataError(f"There is no file {path}. Give the path of a CSV with the columns {', '.join(columns)}.")
    if separator is not None and (not isinstance(separator, str) or len(separator) != 1):
        raise DataError(f"separator is one character, such as ';', or None to have it guessed; found {separator!r}.")
    data, encoding = decode(path.read_bytes(), path.name, encoding)
    if told := re.match(rb'"?sep=(.)"?\r?\n', data):  # Excel's own line
        separator, data = separator or told[1].decode(), data[told.end() :]
    separator = separator or _guess_separator(data, columns)
    if b'\\"' in data:
        data = _double_quotes(data, path, separator)
    try:
        frame = pd.read_csv(io.BytesIO(data), sep=separator, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path.name}: the file is empty. {needs}") from error
    except pd.errors.ParserError as error:
        what = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise DataError(
            f"{path.name}: is not a well-formed CSV: {what}. "
            f"Is a quote left open, or does a cell with {_SEPARATORS.get(separator, repr(separator))} in it lack its quotes?"
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas took the first cells of too long rows as an index
        raise DataError(
            f"{path.name}, row 2: has more cells than the header has columns. "
            f"Put a cell with {_SEPARATORS.get(separator, repr(separator))} in it, a text or a number, in quotes, and end no "
            "line with one."
        )
    return frame, {"encoding": encoding, "separator": separator}


def refuse_cells(path: Path, frame: pd.DataFrame, column: str, wrong: pd.Series, what: str) -> None:
    """Raise `DataError` for the first row where ``wrong``, if there is one."""
    if wrong.any():
        row = frame.index[wrong][0]
        more = int(wrong.sum()) - 1
        also = f" ({more} more row{'s' * (more > 1)} like it)" if more else ""
        which = f" (id {frame.id[row]})" if "id" in frame else ""
        raise DataError(f"{path.name}, row {row + 2}{which}, column '{column}': {frame[column][row]!r} {what}{also}.")


def _guess_separator(data: bytes, columns: Sequence[str]) -> str:
    """The separator that finds the most of the columns asked for; then the one that cuts all rows into the same number."""
    sample = data if len(data) <= 100_000 else data[: data.rfind(b"\n", 0, 100_000) + 1]
    text = sample.decode("utf-8", errors="ignore")

    def fits(separator: str) -> tuple[int, float, int]:
        try:
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row][:200] or [[]]
        except csv.Error:
            return (0, 0.0, 0)
        header = len(rows[0])
        same = sum(len(row) == header for row in rows) / len(rows) if header > 1 else 0.0
        return (sum(column in rows[0] for column in columns), same, header)

    return max(_SEPARATORS, key=fits)


def _double_quotes(data: bytes, path: Path, separator: str) -> bytes:
    """Quotes inside quotes doubled, as the standard has them, in a file that puts a backslash before them instead."""
    if _malformed(data, separator) is None:
        return data  # a backslash is but a backslash there
    doubled = data.replace(b'\\"', b'""')
    if (row := _malformed(doubled, separator)) is not None:
        raise DataError(
            f"{path.name}, row {row}: a quote inside quotes has a backslash before it, and the row can not be read so "
            'either. Double the quotes inside a text: "she said ""no"" twice".'
        )
    return doubled


def _malformed(data: bytes, separator: str) -> int | None:
    """The first row with a quote that neither opens nor closes a cell; None if there is none."""
    rows = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=separator, strict=True)
    done = itertools.count()
    try:
        collections.deque(zip(rows, done, strict=False), maxlen=0)
    except csv.Error as error:
        return None if "field larger" in str(error) else next(done) + 1
    return None


def _numbers(path: Path, cells: pd.Series, *, separator: str, needed: bool) -> tuple[pd.Series, bool]:
    """The cells as numbers, and whether they have a decimal comma; as they are, if they are none and need not be."""
    if not needed and not re.match(r"\s*[+-]?[\d.,]", next(filter(None, cells), "")):
        return cells, False  # the first cell says that it is a text
    cells = cells.str.strip()
    known = cells != ""
    found = pd.to_numeric(cells.where(known, None), errors="coerce")
    if found.notna().equals(known):
        points = cells[known].str.contains(".", regex=False)
        if needed and separator == ";" and points.any() and cells[known].str.fullmatch(_POINT_THOUSANDS).all():
            row = points.index[points][0]
            raise DataError(
                f"{path.name}, row {row + 2}, column '{cells.name}': {cells[row]!r} may have a decimal point or, as where "
                "semicolons separate cells, stand for thousands; write it without a point."
            )
        coded = cells.str.fullmatch(r"[+-]?0\d+").any()  # 007 is a name
        return (cells if coded and not needed else found), False
    commas = cells[known].str.fullmatch(_COMMA_NUMBER).all() and cells[known].str.contains(",", regex=False).any()
    if commas and separator == "," and cells[known].str.fullmatch(r"[+-]?\d{1,3}(,\d{3})*").all():
        if not needed:
            return cells, False
        row = cells.index[cells.str.contains(",", regex=False)][0]
        raise DataError(
            f"{path.name}, row {row + 2}, column '{cells.name}': {cells[row]!r} may have a decimal comma or stand for "
            "thousands; write it without a comma."
        )
    if not commas:
        return cells, False
    plain = cells.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return pd.to_numeric(plain.where(known, None)), True


def _labels(cells: pd.Series, task: Task) -> pd.Series:
    """Cells of classes as they are written; a class that is no text, such as the number 3, is found by how it is written."""
    known = {str(label): label for label in task.classes if not isinstance(label, str)}
    labels = cells.map(lambda cell: known.get(cell, cell)) if known else cells
    return labels.astype(object).where(cells.str.strip() != "", None)


def _check_labels(path: Path, frame: pd.DataFrame, task: Task) -> None:
    """Let the task read its labels; if it can not, name the row, and say what helps."""
    try:
        task.encode(frame[task.name])
    except TaskError as error:
        first, last = 0, len(frame)  # the first row that it can not read, by halves
        while last - first > 1:
            middle = (first + last) // 2
            try:
                task.encode(frame[task.name].iloc[first:middle])
                first = middle
            except TaskError:
                last = middle
        raise DataError(
            f"{path.name}, row {first + 2}, column '{task.name}': {frame[task.name].iloc[first]!r} is no label of the task. "
            f"{error} Spelt otherwise? Read without tasks, and let clean_table(frame, tasks=[...]) unify the spellings."
        ) from error


def _say(path: Path, frame: pd.DataFrame, guessed: dict[str, object], given: tuple[str | None, str | None]) -> None:
    separator, commas = guessed["separator"], guessed["decimal commas"]
    if (given[0] or separator == ",") and (given[1] or guessed["encoding"] == "UTF-8") and not commas:
        return
    decimal = f", with a decimal comma in {', '.join(map(repr, commas))}" if commas else ""
    print(
        f"{path.name}: read as {guessed['encoding']}, separated by {_SEPARATORS.get(separator, repr(separator))}{decimal}; "
        f"{len(frame):,} rows."
    )
