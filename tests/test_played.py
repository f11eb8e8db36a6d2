"""Whoever plays a demo and then runs the next cells gets what the lesson says: each cell sets what it relies on."""

import ast
import builtins
import json
import random
import symtable
import time
from pathlib import Path

import pytest
from on_the_page import controls, say_something

from mtl_helpers.live.widgets.live_widget import LiveWidget

pytestmark = pytest.mark.browser  # minutes, so with the tests that a quick run leaves out

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PLAYED = 3.0  # seconds a widget
# By lesson the cells that make something live.
MADE = {
    "00_start_here": ["lab"],
    "01_data": ["demo"],
    "02_model": ["demo"],
    "03_relations": ["demo"],
    "04_training": ["arrows", "landscape", "lab", "wheel"],
    "05_evaluation": ["demo"],
    "06_driving": ["demo"],
    "07_large_models": [
        "c-from-mtl-helpers-live-import",
        "merge-demo",
        "neighbours-demo",
        "c-from-mtl-helpers-live-import-2",
    ],
    "08_claims": ["demo"],
}
NAMES = {"lab", "wheel", "demo", "arrows", "landscape", "pareto", "drive", "merging", "neighbours"}


def cells(lesson: str) -> list[tuple[str, str]]:
    """Id and source of the code cells, without questions and starters of exercises."""
    book = json.loads((NOTEBOOKS / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    code = [(cell["id"], "".join(cell["source"])) for cell in book["cells"] if cell["cell_type"] == "code"]
    return [(name, source) for name, source in code if not {"quiz", "check_exercise"} & names(source)[0]]


def names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell needs from others, and those that it gives them; its loops' own names are neither."""
    tables = [symtable.symtable(source, "cell", "exec")]
    top = tables[0].get_symbols()
    read = {symbol.get_name() for symbol in top if symbol.is_referenced()}
    bound = {symbol.get_name() for symbol in top if symbol.is_assigned() or symbol.is_imported()}
    while tables:
        children = tables.pop().get_children()
        tables += children
        read |= {s.get_name() for child in children for s in child.get_symbols() if s.is_global() and s.is_referenced()}
    targets = [node.target for node in ast.parse(source).body if isinstance(node, ast.For)]
    loops = {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return read - loops - given_before_read(source), bound - loops


def given_before_read(source: str) -> set[str]:
    """The names that a cell gives itself on a line before the first that reads them."""
    first: dict[type, dict[str, int]] = {ast.Load: {}, ast.Store: {}, ast.Del: {}}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            first[ast.Load].setdefault(node.target.id, node.lineno)
        if isinstance(node, ast.Name):
            lines = first[type(node.ctx)]
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return {name for name, line in first[ast.Store].items() if line < first[ast.Load].get(name, line)}


def imports(source: str) -> set[str]:
    return {s.get_name() for s in symtable.symtable(source, "cell", "exec").get_symbols() if s.is_imported()}


def slice_of(code: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The cells that touch something live or what such a cell found, and those before them that these rest on."""
    found, goals = set(NAMES), set()
    for name, source in code:
        read, bound = names(source)
        if found & (read | bound):
            goals.add(name)
            found |= bound - imports(source)
        else:
            found -= bound
    wanted, kept = set(), []
    for name, source in reversed(code):
        read, bound = names(source)
        if name in goals or bound & wanted:
            kept.append((name, source))
            wanted = (wanted - bound) | (read - set(dir(builtins)))
    return kept[::-1]


def play(widget: LiveWidget, draw: random.Random) -> None:
    """Everything on its page is moved once, then anything for some seconds; what it computes then goes on, or ends."""
    everything = list(controls(widget.box))
    draw.shuffle(everything)
    end = time.monotonic() + PLAYED
    while everything or time.monotonic() < end:
        control = everything.pop() if everything else draw.choice(list(controls(widget.box)))
        if getattr(control, "disabled", False) or control.comm is None:
            continue
        say_something(control, draw)
        time.sleep(0.05)
    widget.wait(draw.choice([0, 3]))


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("lesson", MADE)
def test_a_demo_that_was_played_breaks_no_cell(lesson, seed, monkeypatch):
    monkeypatch.chdir(NOTEBOOKS)
    draw, space, played = random.Random(seed), {"__name__": "lesson"}, []

    def live() -> list[LiveWidget]:
        return [space[name] for name in sorted(NAMES) if isinstance(space.get(name), LiveWidget)]

    try:
        for name, source in slice_of(cells(lesson)):
            if played and name not in MADE[lesson]:
                for widget in {id(widget): widget for widget in played}.values():
                    play(widget, draw)  # before each cell that may drive it
            try:
                exec(compile(source, f"{lesson}, cell {name}", "exec"), space)
            except Exception as error:
                error.add_note(f"in cell {name}, after playing")
                raise
            if name in MADE[lesson]:
                played += [widget for widget in live() if widget not in played]
    finally:
        for widget in played:
            widget.close()
