"""The house: imports run downwards only, files stay short, nobody asks a task for its kind, and the README's map is true."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mtl_helpers"
# From the ground to the roof; what stands in one row does not know of each other.
FLOORS = (
    {"errors"},
    {"arguments"},
    {"randomness"},
    {"tasks"},
    {"data"},
    {"corpus", "datasets", "driving"},
    {"models"},
    {"relations"},
    {"training"},
    {"evaluation"},
    {"saving", "claims"},
    {"plots"},
    {"own_data"},
    {"experiments"},
    {"live"},
    {"teaching"},
)
# They belong to no floor.
ENTRANCES = {"__init__", "__main__", "colab", "copies", "environment", "installing", "stored"}
STANDALONE = {"copies", "stored"}  # of these: on the standard library alone, for any floor to use
FILES = sorted(PACKAGE.rglob("*.py"))


def floor_of(name: str) -> int:
    return next(i for i, floor in enumerate(FLOORS) if name in floor)


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The course's modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mtl_helpers":
            parts = node.module.split(".")[1:2] or [alias.name for alias in node.names]
            found |= set(parts)
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("mtl_helpers.")}
    return found


def test_every_module_has_its_floor():
    modules = {module_of(path) for path in FILES}
    assert modules == set().union(*FLOORS) | ENTRANCES


def test_imports_run_downwards_only():
    upwards = []
    for path in FILES:
        module = module_of(path)
        if module in ENTRANCES:
            continue
        for other in imported(path) - {module} - STANDALONE:
            if floor_of(other) >= floor_of(module):
                upwards.append(f"{path.relative_to(ROOT)} imports {other}")
    assert not upwards


@pytest.mark.parametrize("folder", ["mtl_helpers", "data"])
def test_no_file_is_longer_than_can_be_read(folder):
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "cache" not in path.parts
    }
    assert not {name: n for name, n in lengths.items() if n > 300}


def test_two_files_never_share_a_name():
    """But a demo and an experiment, which are called by what they show, and the files of a lesson, by its number."""
    called_by_what_they_show = ("demos", "experiments", "adapters")
    named = [p for p in FILES if p.stem not in ENTRANCES and p.parent.name not in called_by_what_they_show]
    named = [path for path in named if not path.stem.startswith("lesson_")]
    stems = [path.stem for path in named]
    assert not {str(path.relative_to(PACKAGE)) for path in named if stems.count(path.stem) > 1}


def test_live_stays_as_small_as_it_became():
    """4,596 lines before the widgets got one kit, 3,344 then.

    On top came the page's drawing, the landscape, the car, the merge demo, the price demo's money and the neighbours.
    """
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (PACKAGE / "live").rglob("*.py")) <= 5160


def test_nobody_asks_a_task_for_its_kind():
    kinds = r"isinstance\([^)]*\b(Classification|Regression|MultiLabel|Tagging)\b|\b(task|t|other|main)\.kind\b"
    asking = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in FILES
        if module_of(path) != "tasks"
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(kinds, line)
    ]
    assert not asking


def test_the_readme_names_every_module_and_no_other():
    (row,) = re.findall(r"^\| `mtl_helpers/` \|(.*)\|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    named = set(re.findall(r"`(\w+)`", row))
    assert named == {module_of(path) for path in FILES} - ENTRANCES
