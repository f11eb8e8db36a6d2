"""Which part of a lesson stands on which slide. A rule and no marks in the notebooks, so that a new cell has its slide, too.

- ``##`` begins a slide, ``###`` one below it; so does code. What the code gives comes with the next key: predict first.
- Of a cell's prose the first paragraph stands on the slide, and each with something in bold; the rest are speaker's notes.
- Lists, tables, pictures and formulas stand on the slide. What does not fit, by an estimate of its height, goes on below.
- A call that only asks (`predict_first`, `quiz` ...) is not shown as code, only what it asks.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from bs4 import BeautifulSoup
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from mtl_helpers.teaching.lesson_pages import size_of, without_minutes

# Pixels of a slide of 1280 x 720, as page/slides.css draws it.
ROOM, WIDTH, TALLEST = 590, 1160, 560
LINE, CODE_LINE, ROW, GAP, ENLARGED = 40, 26, 38, 16, 1.4
COLUMNS, CODE_COLUMNS = 78, 100  # characters a line
SHOWN = re.compile(r"#|<|!\[|\||[-*] |\d+\. |\$\$|```|(?s:.*\*\*)")
ASKS = re.compile(r"(from mtl_helpers\.\w+ import [\w, ]+\n+)?((predict_first|answer_prediction|quiz|claim)\(.*\)\n*)+")


class SlideRule(Preprocessor):
    """Gives nbconvert, in place of a lesson's cells, those of its slides, with their ``slide_type``."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """As nbconvert calls it."""
        kicker, used, cells = "", 0.0, []
        for kind, cell, height in parts(nb.cells):
            heading = re.match(r"(#{1,3}) (.+)", cell.source) if cell.cell_type == "markdown" else None
            if kind in ("-", "fragment") and used + height > ROOM:
                kind = "subslide"
            used = height if kind in ("slide", "subslide") else used + height
            if heading and kind != "notes":  # whatever follows stays below it
                cell.source, used = f"{heading[1]} {without_minutes(heading[2])}", 0
            cell.metadata.update(slideshow={"slide_type": kind}, kicker=kicker)
            if heading and kind == "slide":
                lesson = kicker.split(" / ")[0]
                kicker = f"{lesson} / {without_minutes(heading[2])}" if lesson else without_minutes(heading[2])
            cells.append(cell)
        nb.cells = cells
        return nb, resources


def parts(cells: list[NotebookNode]) -> Iterator[tuple[str, NotebookNode, float]]:
    """The lesson in pieces that are never split: how each begins, its cell, its height in pixels.

    "-" may follow on the same slide, and so may "fragment", which appears with the next key.
    """
    for cell in cells:
        if cell.cell_type == "markdown":
            yield from _prose(cell.source)
            continue
        asks = ASKS.fullmatch(cell.source)
        if not asks:
            yield "subslide", _part(cell, []), _lines(cell.source, CODE_COLUMNS) * CODE_LINE + GAP
        for place, output in enumerate(piece for stored in cell.outputs for piece in pieces_of(stored)):
            part = _part(cell, [output])
            part.metadata["transient"] = {"remove_source": True}
            yield "-" if asks or place else "fragment", part, height_of(output)


def _prose(text: str) -> Iterator[tuple[str, NotebookNode, float]]:
    first = True
    for block in blocks(text):
        heading = re.match(r"(#+) ", block)
        kind = {1: "slide", 2: "slide", 3: "subslide"}.get(len(heading[1]), "-") if heading else "-"
        if not SHOWN.match(block) and not first:
            yield "notes", new_markdown_cell(block), 0
            continue
        first = first and bool(SHOWN.match(block)) and not block.startswith("**")
        for piece in pieces(block):
            yield kind, new_markdown_cell(piece), height_of_markdown(piece)


def blocks(text: str) -> list[str]:
    """Markdown cut at its empty lines, and before and after each heading; code and formulas stay whole.

    >>> blocks("## What now?\\nFirst.\\n\\nSecond,\\nto its end.")
    ['## What now?', 'First.', 'Second,\\nto its end.']
    """
    text = re.sub(r"^(#+ .+)$", r"\n\n\1\n\n", text, flags=re.MULTILINE)
    found, whole = [], ""
    for block in re.split(r"\n\s*\n", text):
        whole = f"{whole}\n\n{block}" if whole else block
        if whole.count("```") % 2 == 0 and whole.count("$$") % 2 == 0:
            found.append(whole.strip("\n"))
            whole = ""
    return [block for block in found if block.strip()]


def pieces(block: str) -> list[str]:
    """A list or table that is longer than a slide, in pieces that are not; anything else as it is."""
    if height_of_markdown(block) <= ROOM:
        return [block]
    if block.startswith("|"):
        head, lines = block.split("\n")[:2], block.split("\n")[2:]
    else:
        head, lines = [], re.split(r"\n(?=[-*] |\d+\. )", block)
    found: list[list[str]] = [[]]
    for line in lines:
        if found[-1] and height_of_markdown("\n".join([*head, *found[-1], line])) > ROOM:
            found.append([])
        found[-1].append(line)
    return ["\n".join([*head, *piece]) for piece in found]


def height_of_markdown(block: str) -> float:
    """Pixels that it will take, about."""
    lines = block.split("\n")
    if block.startswith("|"):
        return ROW * sum(max(1, _lines(line, COLUMNS * 1.5)) for line in lines) + GAP
    if block.startswith(("<img", "![")):
        return 420
    if block.startswith("```"):
        return CODE_LINE * len(lines) + GAP
    if block.startswith("$$"):
        return 110
    return LINE * sum(_lines(line, COLUMNS) for line in lines) + GAP * (1 + block.count("\n- "))


def height_of(output: NotebookNode) -> float:
    """Pixels that a stored output will take, about."""
    data = output.get("data", {})
    if "text/html" in data:
        return ROW * data["text/html"].count("<tr") + GAP
    if "image/png" in data:
        width, height = (ENLARGED * side for side in size_of(data["image/png"]))
        return min(TALLEST, height * min(1, WIDTH / width)) + GAP
    return CODE_LINE * _lines(output.get("text") or data.get("text/plain", ""), CODE_COLUMNS) + GAP


def pieces_of(output: NotebookNode) -> list[NotebookNode]:
    """What is printed, or a table of rows, in pieces that fit on a slide; anything else as it is."""
    data = output.get("data", {})
    if height_of(output) <= ROOM or "image/png" in data:
        return [output]
    if "text/html" in data:
        most = int((ROOM - GAP) / ROW) - data["text/html"].partition("</thead>")[0].count("<tr")
        return [new_output("display_data", {"text/html": table}) for table in tables_of(data["text/html"], most)]
    found: list[list[str]] = [[]]
    for line in (output.get("text") or data.get("text/plain", "")).rstrip("\n").split("\n"):
        if CODE_LINE * _lines("\n".join([*found[-1], line]), CODE_COLUMNS) > ROOM - GAP:
            found.append([])
        found[-1].append(line)
    return [new_output("stream", text="\n".join(lines)) for lines in found]


def tables_of(html: str, most: int) -> list[str]:
    """A table cut into tables of at most so many rows, each with the head; a label of several rows is said again."""
    soup = BeautifulSoup(html, "html.parser")
    rows, running = soup.select("tbody tr"), {}
    for place, row in enumerate(rows):
        labels = [cell for cell in row.find_all("th") if int(cell.get("rowspan", 1)) > 1]
        running.update({label: place + int(label["rowspan"]) for label in labels})
        if place % most == 0:
            again = [(label, end - place) for label, end in running.items() if end > place and label not in labels]
            for label, left in reversed(again):
                label = copy.copy(label)
                label["rowspan"] = left
                row.insert(0, label)
    tables = []
    for start in range(0, len(rows), most):
        part = copy.copy(soup)
        for place, row in enumerate(part.select("tbody tr")):
            if not start <= place < start + most:
                row.decompose()
        tables.append(str(part))
    return tables or [html]


def _lines(text: str, columns: float) -> int:
    """Lines that a text takes, a Chinese letter as wide as two others."""
    wide = [len(line) + len(re.findall(r"[\u3000-\u9fff]", line)) for line in text.rstrip("\n").split("\n")]
    return sum(max(1, -int(-width // columns)) for width in wide)


def _part(cell: NotebookNode, outputs: list[NotebookNode]) -> NotebookNode:
    part = new_code_cell(cell.source, outputs=outputs)
    part.metadata.update({name: cell.metadata[name] for name in ("shows", "demo")})
    return part
