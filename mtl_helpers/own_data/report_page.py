"""A report that can be handed in: one HTML file, with everything in it, that needs no kernel and no network."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import date
from html import escape
from pathlib import Path

from matplotlib import rc_context

from mtl_helpers.evaluation.running.results import computer
from mtl_helpers.own_data.comparing import FRACTIONS, Comparison
from mtl_helpers.own_data.verdicts import Verdict, scores_html
from mtl_helpers.plots import Figure, figure_svg, plot_arm_scores

_STYLE = """
body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; max-width: 56rem; margin: 2rem auto;
  padding: 0 1rem; color: #111; background: #fff }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2rem; border-bottom: 1px solid #ccc }
li.odd::marker { content: "? " } li.leak { font-weight: bold } li.leak::marker { content: "! " }
svg { max-width: 100%; height: auto } td, th { vertical-align: top } .small { color: #555; font-size: 13px }
"""


def picture(found: Comparison) -> Figure:
    """All scores with their intervals, see `plot_arm_scores`."""
    metrics = {
        task.name: f"{task.metric}, {'more' if task.higher_is_better else 'less'} is better"
        for task in found.table.tasks
    }
    return plot_arm_scores(found.table_of_scores(), metrics)


def report(
    found: Comparison, said: Verdict, path: str | Path, *, title: str = "", author: str = "", words: Sequence[str] = ()
) -> Path:
    """Write the report and return its path: what was read, what is odd, how it was split, all scores, the verdict.

    ``words`` are paragraphs of your own, which stand above the rest. The folder is made if it is not there; a file of that
    name is replaced.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        path = path.with_name(path.name + ".html")
    table = found.table
    title = title or f"Multi-task learning on {table.name}"
    own = "".join(f"<p>{escape(one)}</p>" for one in words)
    notes = "".join(
        f'<li class="{note.kind}">{escape(f"{note.column}: " if note.column else "")}{escape(note.said)}</li>'
        for note in table.notes
    )
    verdicts = "".join(f"<li>{escape(one)}</li>" for one in said.sentences)
    sections = [
        ("What was read, and what is odd about it", f"<ul>{notes}</ul>"),
        ("How it was done", f"<p>{escape(method(found))}</p>"),
        ("Scores", f"{_drawn(found)}{scores_html(found)}"),
        ("Verdict", f"<ul>{verdicts}</ul>"),
    ]
    body = "".join(f"<h2>{escape(head)}</h2>{content}" for head, content in sections)
    by = f"{author}, {date.today().isoformat()}" if author else date.today().isoformat()
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f'</head><body><h1>{escape(title)}</h1><p class="small">{escape(by)}</p>{own}{body}'
        f'<p class="small">{escape(computer())}; {found.seconds:.0f} seconds.</p></body></html>\n'
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def method(found: Comparison) -> str:
    """How the scores came about, in words."""
    table, splits = found.table, found.runs.seed.nunique()
    inputs = [f"the text '{table.text}'"] if table.text else []
    inputs += [f"the columns {', '.join(table.features)}"] if table.features else []
    train, val, test = (f"{share:.0%}" for share in FRACTIONS)
    together = f", rows of one '{table.groups}' in one part" if table.groups else ""
    drawn = f" Of {table.rows:,} rows {len(table.frame):,} were used." if table.rows != len(table.frame) else ""
    return (
        f"The models read {' and '.join(inputs)}.{drawn} The table was split {splits} times, anew each time, into {train} "
        f"to learn from, {val} to choose by and {test} to test on, no text in common{together}. Each way of learning was "
        f"trained on each split: networks for {found.steps} steps of 32 rows, with the weights of the best validation kept. "
        "Intervals are 95 %, of the corrected resampled t test (Nadeau and Bengio 2003), since the splits re-use the same "
        "rows: they speak of new splits and first weights, and of new rows only as far as these rows stand for them. All "
        "questions to this table count as one family (Holm's correction)."
    )


def _drawn(found: Comparison) -> str:
    """The picture as SVG with its text as text: the reader's fonts have letters that ours may lack."""
    with rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return figure_svg(picture(found))
