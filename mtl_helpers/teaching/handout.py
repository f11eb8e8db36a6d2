"""``make handout``: the learner's copies of the lessons, and their exercises as assignments that nbgrader grades by itself.

An assignment is made of a lesson's exercises: each starter cell, with the text before it, becomes a cell to be answered and
one that gives a point. What is handed out holds the starter alone, as it stands in the lesson.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from mtl_helpers import copies
from mtl_helpers.claims.lessons import EXERCISES
from mtl_helpers.stored import NOTEBOOKS
from mtl_helpers.teaching.lesson_pages import lessons, without_minutes

HOW = "Answer where a `...` stands, and leave the cells that give points as they are. An answer is checked as in the lesson."


def build_handout(target: Path, source: Path = NOTEBOOKS) -> list[str]:
    """Write copies and assignments of the lessons in ``source`` into the folder ``target``; return the assignments' names.

    ``learner/`` has the lessons without outputs. ``nbgrader/`` is a course as nbgrader wants it: ``source`` holds the
    solutions, ``release`` what is handed out, and what comes in goes to ``submitted/STUDENT/ASSIGNMENT/``. Marks that lie
    there are not touched.
    """
    course, names = target / "nbgrader", []
    for old in (target / "learner", course / "source", course / "release"):
        shutil.rmtree(old, ignore_errors=True)
    copies.bring(str(source), str(target / "learner"))
    api = grader(course)
    for path in lessons(source):
        cells = list(assignment(nbformat.read(path, as_version=4)))
        folder = course / "source" / path.stem
        folder.mkdir(parents=True)
        notebook = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        nbformat.write(notebook, folder / path.name)
        done = api.generate_assignment(path.stem)
        if not done["success"]:
            raise RuntimeError(f"nbgrader could not make the assignment {path.stem}:\n{done['log']}")
        names.append(path.stem)
    return names


def grader(course: Path) -> NbGraderAPI:
    """nbgrader for a course in that folder, which is made; its settings lie there, too, for whoever calls it by hand."""
    course.mkdir(parents=True, exist_ok=True)
    if shutil.which("alembic") is None:  # nbgrader calls it by name; it lies beside a Python that nobody activated
        os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)
    settings = {"CourseDirectory": {"root": str(course)}, "ClearSolutions": {"code_stub": {"python": ""}}}
    settings["Execute"] = {"timeout": 300, "iopub_timeout": 60}  # seconds; its 30 and 4 are too few for a busy machine
    lines = [f"c.{of}.{name} = {value!r}" for of, values in settings.items() for name, value in values.items()]
    (course / "nbgrader_config.py").write_text("\n".join(["c = get_config()", *lines, ""]), encoding="utf-8")
    return NbGraderAPI(config=Config(settings))


def assignment(lesson: nbformat.NotebookNode) -> Iterator[nbformat.NotebookNode]:
    """The cells of an assignment, with the solutions, from a lesson."""
    title = lesson.cells[0].source.split("\n")[0].split(":")[0]
    yield new_markdown_cell(f"{title}: exercises\n\n{HOW}", id="title")
    for before, cell in zip(lesson.cells, lesson.cells[1:], strict=False):
        if "starter" not in cell.metadata.get("tags", []):
            continue
        name, answer, starter = read_starter(cell.source)
        exercise = EXERCISES[name]
        lines = [without_minutes(line) if line.startswith("#") else line for line in before.source.split("\n")]
        text = "\n".join(line for line in lines if line != "## Exercises")
        yield new_markdown_cell(text.strip(), id=f"text-{name}")
        if exercise.given:
            yield new_code_cell(exercise.given, id=f"given-{name}")
        solved = f"{starter}\n\n### BEGIN SOLUTION\n{exercise.solution}\n### END SOLUTION"
        yield _marked(new_code_cell(solved, id=f"answer-{name}"), solution=True)
        check = f'from mtl_helpers.teaching.grading import grade\n\ngrade("{name}", {answer})'
        yield _marked(new_code_cell(check, id=f"points-{name}"), grade=True, locked=True, points=1)


def read_starter(source: str) -> tuple[str, str, str]:
    """The exercise's name, the answer that its check takes, and the starter without the check.

    >>> read_starter('from mtl_helpers.claims import check_exercise\\n\\nweight = ...\\ncheck_exercise("00-2", weight)')
    ('00-2', 'weight', 'weight = ...')
    """
    lines, found = source.split("\n"), ("", "")
    for node in ast.parse(source).body:
        imports = isinstance(node, ast.ImportFrom) and [alias.name for alias in node.names] == ["check_exercise"]
        checks = isinstance(node, ast.Expr) and ast.unparse(node).startswith("check_exercise(")
        if checks:
            name, answer = node.value.args
            found = (name.value, ast.unparse(answer))
        if imports or checks:
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return (*found, "\n".join(lines).strip())


def _marked(cell: nbformat.NotebookNode, **marks: bool | int) -> nbformat.NotebookNode:
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    cell.metadata["nbgrader"] = {**plain, "grade_id": cell.id, **marks}
    return cell
