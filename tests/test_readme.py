"""What the README and the texts beside it say of the course is true of it."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from mtl_helpers.claims import read_claims
from mtl_helpers.claims.lessons import EXERCISES, QUIZZES, TITLES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST = 120  # lines that somebody reads who has just opened the folder


def code_cells() -> list[dict]:
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in LESSONS]
    return [cell for notebook in notebooks for cell in notebook["cells"] if cell["cell_type"] == "code"]


def row(name: str) -> list[str]:
    (found,) = re.findall(rf"^\| {name} \|(.+)\|$", README, re.M)
    return [cell.strip() for cell in found.split("|")]


def test_it_is_short():
    assert len(README.splitlines()) <= LONGEST


def test_a_newcomer_gets_the_course_by_the_commands_that_stand_there(tmp_path):
    """The first of them, with an address, makes the folder that the next one enters, in which `make` finds its targets."""
    first, second, *made = re.search(r"## Two commands\n\n```\n(.*?)```", README, re.S)[1].splitlines()
    (folder,) = re.findall(r"^git clone ADDRESS (\w+) ", first)
    assert second == f"cd {folder}" and [line.split("#")[0].strip() for line in made] == ["make lab", "make test"]
    subprocess.run(["git", "clone", "-q", "--depth", "1", ROOT.as_uri(), folder], cwd=tmp_path, check=True)
    told = subprocess.run(
        ["make", "-n", "--no-print-directory", "lab", "test"],
        cwd=tmp_path / folder,
        capture_output=True,
        encoding="utf-8",
    )
    assert [line.split()[-2:] for line in told.stdout.splitlines()] == [["mtl_helpers", "lab"], ["mtl_helpers", "test"]]


def test_this_courses_row_of_the_comparison_is_counted():
    lessons, cells, exercises, quiz, *_ = row("this course")
    assert lessons == f"{len(LESSONS)} lessons"
    said = int(re.fullmatch(r"all, more than (\d+), exactly", cells)[1])
    assert said < len(code_cells()) <= said + 100
    # A cell that was not run is not compared; NBVAL_IGNORE_OUTPUT is counted in test_notebooks.py.
    assert all(cell["execution_count"] is not None for cell in code_cells())
    for items, answer in ((EXERCISES, exercises), (QUIZZES, quiz)):
        assert answer == "yes" and {name[:2] for name in items} == set(TITLES)
    assert all(exercise.solution for exercise in EXERCISES.values())
    assert all(all(options.values()) for _, options, _ in QUIZZES.values())


def test_every_row_of_the_comparison_has_every_column():
    part = re.search(r"## Beside other courses\n\n(.*?)\n\n", README, re.S)[1].splitlines()
    assert len(part) == 10 and len({line.count("|") for line in part}) == 1


def test_what_was_measured_stands_in_the_register():
    part = re.search(r"## What was measured\n(.*?)\n## ", README, re.S)[1]
    register = read_claims().reset_index()
    said = int(re.search(r"more than (\d+) comparisons", part)[1])
    assert said < len(register) <= said + 100
    assert "More than half of the verdicts" in part and (register.verdict == "not shown").mean() > 0.5
    sentences = re.findall(r"\*\*(.+?)\*\*", part)
    assert len(sentences) >= 5 and not [sentence for sentence in sentences if sentence not in set(register.sentence)]


def test_the_citation_is_that_of_the_project():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"] and citation["license"] == project["license"]
    assert citation["cff-version"] == "1.2.0" and {"message", "title", "authors"} <= set(citation)
    assert f"# {citation['title']}" == README.splitlines()[0]
    assert citation["authors"][0]["name"] in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_an_issue_template_is_what_github_reads(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    kinds = {"input", "textarea", "dropdown", "checkboxes", "markdown"}
    assert all(part["type"] in kinds and part["attributes"]["label"] for part in form["body"])
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)


def test_the_commands_of_the_texts_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {target for line in re.findall(r"(?m)^([\w -]+):", makefile) for target in line.split()}
    launcher = (ROOT / "mtl_helpers" / "__main__.py").read_text(encoding="utf-8")
    for name in ("README.md", "INSTALL.md", "USING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        called = {word for line in re.findall(r"`make ([a-z_ -]+)", text) for word in line.split()}
        called |= set(re.findall(r"(?m)^make ([a-z_-]+)", text))
        assert called <= targets, name
        assert all(f'"{word}"' in launcher for word in re.findall(r"-m mtl_helpers (\w+)", text)), name
