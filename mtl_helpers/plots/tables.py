"""Numbers as a table on the page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

import pandas as pd


def html_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    left: Collection[int] = (0,),
    above: Sequence[tuple[str, int]] = (),
) -> str:
    """An HTML table: numbers to the right, the columns ``left`` to the left. Cells are HTML; escape what a learner wrote.

    ``above`` is one more row of heads, each with the number of columns that it spans.

    >>> html_table(["task", "score"], [["topic", "<b>0.9</b>"]])
    '<table ...><tr><th ...>task</th><th>score</th></tr><tr><td ...>topic</td><td><b>0.9</b></td></tr></table>'
    """
    spans = "".join(
        f'<th colspan="{span}" style="text-align:{"center" if i else "left"}">{text}</th>'
        for i, (text, span) in enumerate(above)
    )
    body = _row("th", heads, left) + "".join(_row("td", cells, left) for cells in rows)
    style = "border-spacing:1.2em 0; margin-left:-1.2em; text-align:right; line-height:1.5"
    return f'<table style="{style}">{f"<tr>{spans}</tr>" if spans else ""}{body}</table>'


def _row(tag: str, cells: Sequence[object], left: Collection[int]) -> str:
    opening = [f'<{tag} style="text-align:left">' if i in left else f"<{tag}>" for i in range(len(cells))]
    return f"<tr>{''.join(f'{start}{cell}</{tag}>' for start, cell in zip(opening, cells, strict=True))}</tr>"


class Folded:
    """A table that a page shows when its title is clicked; where there is no page, all of it.

    >>> Folded("The numbers", pd.DataFrame({"change": [0.1]}, index=["stars"]))
    The numbers
           change
    stars     0.1
    """

    def __init__(self, title: str, table: pd.DataFrame) -> None:
        self.title, self.table = title, table

    def __repr__(self) -> str:
        return f"{self.title}\n{self.table.to_string()}"

    def _repr_html_(self) -> str:
        return f"<details><summary>{escape(self.title)}</summary>{self.table.to_html()}</details>"
