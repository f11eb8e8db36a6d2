"""The handouts: no solution in what is handed out; every solution passes, every starter fails, by a real nbgrader, too."""

import json
import pkgutil
import shutil

import nbformat
import nbgrader.server_extensions
import pytest
from jupyter_server.extension.config import ExtensionConfigManager

import mtl_helpers.__main__ as launcher
from mtl_helpers.claims.lessons import EXERCISES
from mtl_helpers.stored import NOTEBOOKS
from mtl_helpers.teaching import __main__ as command
from mtl_helpers.teaching.handout import build_handout, grader
from mtl_helpers.teaching.lesson_pages import lessons

NAMES = [path.stem for path in lessons(NOTEBOOKS)]


@pytest.fixture(scope="module")
def handout(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "BUILD", tmp_path_factory.mktemp("a build"))
        assert command.main(["handout"]) == 0
        return command.BUILD / "handout"


def test_every_lesson_is_an_assignment(handout):
    for kind in ("source", "release"):
        assert sorted(path.name for path in (handout / "nbgrader" / kind).iterdir()) == NAMES


def cells(handout, kind, name):
    return nbformat.read(handout / "nbgrader" / kind / name / f"{name}.ipynb", as_version=4).cells


def graded(found):
    """By exercise, whether its cell gives the point, all cells run in one place as a kernel does."""
    space, points = {}, {}
    for cell in found:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade"):
            exec(cell.source, space)
        elif cell.cell_type == "code":
            try:
                exec(cell.source, space)
                points[cell.id] = True
            except AssertionError as error:
                assert "replace the ... by your answer" in str(error)
                points[cell.id] = False
    return points


@pytest.mark.parametrize("name", NAMES)
def test_every_solution_gets_its_point_and_every_starter_none(handout, name):
    solved, untouched = graded(cells(handout, "source", name)), graded(cells(handout, "release", name))
    assert set(solved) == set(untouched) == {f"points-{e}" for e in EXERCISES if e.startswith(name[:2])}
    assert all(solved.values()) and not any(untouched.values())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_handed_out_is_the_lesson_s_starter_and_no_solution(handout, name):
    lesson = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    starters = [cell.source for cell in lesson.cells if "starter" in cell.metadata.get("tags", [])]
    answers = [cell for cell in cells(handout, "release", name) if cell.metadata.get("nbgrader", {}).get("solution")]
    for cell, starter in zip(answers, starters, strict=True):
        code = cell.source.strip()
        assert code and "..." in code and code in starter and "SOLUTION" not in code
        assert EXERCISES[cell.id.removeprefix("answer-")].solution not in code


def test_the_learner_s_copies_have_all_cells_and_no_outputs(handout):
    for name in NAMES:
        copy, lesson = (nbformat.read(f / f"{name}.ipynb", as_version=4) for f in (handout / "learner", NOTEBOOKS))
        assert [cell.source for cell in copy.cells] == [cell.source for cell in lesson.cells]
        assert not any(cell.get("outputs") for cell in copy.cells)


def scores(course, name):
    with grader(course).gradebook as book:
        found = {student: book.find_submission(name, student) for student in ("solved", "untouched")}
        return {student: (submission.score, submission.max_score) for student, submission in found.items()}


def test_nbgrader_collects_grades_and_gives_feedback(handout):
    name, course = "00_start_here", handout / "nbgrader"
    for student, kind in (("solved", "source"), ("untouched", "release")):
        shutil.copytree(course / kind / name, course / "submitted" / student / name)
    api = grader(course)
    for student in ("solved", "untouched"):
        for done in (api.autograde(name, student), api.generate_feedback(name, student)):
            assert done["success"], done.get("error") or done["log"]
    assert scores(course, name) == {"solved": (3, 3), "untouched": (0, 3)}
    students = ("solved", "untouched")
    feedback = {s: (course / "feedback" / s / name / f"{name}.html").read_text(encoding="utf-8") for s in students}
    assert "replace the ... by your answer" in feedback["untouched"]
    assert "replace the ... by your answer" not in feedback["solved"] and "3.0 / 3.0" in feedback["solved"]
    build_handout(handout)
    assert scores(course, name) == {"solved": (3, 3), "untouched": (0, 3)}, "marks were lost when it was made again"
    assert (course / "submitted" / "solved" / name).is_dir()


def test_a_learner_s_jupyterlab_has_no_menus_for_teachers(tmp_path, monkeypatch):
    """All that nbgrader switches on when it is installed, `make lab` finds switched off, in the order in which it reads."""
    monkeypatch.setattr(launcher, "VENV", str(tmp_path))
    launcher.quiet_lab()
    names = [f"nbgrader.server_extensions.{m.name}" for m in pkgutil.iter_modules(nbgrader.server_extensions.__path__)]
    folder = tmp_path / "etc" / "jupyter"
    switched_on = {"ServerApp": {"jpserver_extensions": dict.fromkeys(names, True)}}
    (folder / "jupyter_server_config.d" / "nbgrader.json").write_text(json.dumps(switched_on), encoding="utf-8")
    found = ExtensionConfigManager(read_config_path=[str(folder)]).get_jpserver_extensions()
    assert names and found == dict.fromkeys(names, False)
    page = json.loads((folder / "labconfig" / "page_config.json").read_text(encoding="utf-8"))
    assert page["disabledExtensions"] == {"@jupyter/nbgrader": True}
