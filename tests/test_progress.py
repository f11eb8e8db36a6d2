"""What a learner has solved is remembered in the learner's folder, whatever happens to it, and stands in no notebook."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from mtl_helpers.claims import Learner, check_exercise, show_progress
from mtl_helpers.claims.lessons import EXERCISES, QUIZZES, TITLES
from mtl_helpers.claims.progress import as_html, as_text, asked_in, what_next
from mtl_helpers.claims.solved import Progress, progress_file, remembered
from mtl_helpers.datasets import data_folder
from mtl_helpers.datasets.download import user_cache

ROOT = Path(__file__).resolve().parents[1]
VIEW = "application/vnd.jupyter.widget-view+json"
SOLVE = (
    "from mtl_helpers.claims import check_exercise, quiz, show_progress\n"
    "check_exercise('00-1', lambda losses, weights: sum(weights[name] * losses[name] for name in losses))\n"
    "print(quiz('00-2').choose('Nothing trains it any more.'))"
)


@pytest.fixture
def progress(tmp_path) -> Progress:
    return Progress(tmp_path / "cache" / "progress.jsonl")


def in_a_notebook(*cells: str) -> list:
    """The outputs of cells in a kernel of their own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {"state": {}})
    return [cell.outputs for cell in notebook.cells], {key: m["state"] for key, m in widgets["state"].items()}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder in which one kernel solved something, and what a second kernel shows of it."""
    folder = tmp_path_factory.mktemp("mine")
    before, os.environ["MTL_DATA"] = os.environ.get("MTL_DATA"), str(folder)
    try:
        solved = in_a_notebook(SOLVE)
        shown = in_a_notebook("from mtl_helpers.claims import show_progress\nshow_progress()")
    finally:
        os.environ.pop("MTL_DATA") if before is None else os.environ.update(MTL_DATA=before)
    return folder, solved, shown


def test_what_one_kernel_solved_another_one_knows(kept):
    folder, (((said,),), _), (((output,),), widgets) = kept
    assert said["text"].startswith("Correct.\nRight. ")
    rows = [json.loads(line) for line in (folder / "progress.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == [{"kind": "exercise", "name": "00-1"}, {"kind": "quiz", "name": "00-2"}]
    shown = widgets[output["data"][VIEW]["model_id"]]["value"]
    assert "· 1 of 3" in shown and "Next: exercise 00-2, in lesson 00 · Start here." in shown
    assert str(folder / "progress.jsonl") in shown


def test_a_notebook_stores_the_same_text_for_everybody(kept, capsys):
    _, _, (((output,),), _) = kept
    show_progress(learner=Learner())
    assert output["data"]["text/plain"] == capsys.readouterr().out.strip() == as_text()
    assert set(output["data"]) == {"text/plain", VIEW}


def test_a_script_and_a_test_solve_nothing(progress, capsys):
    check_exercise("00-3", 2, learner=Learner(progress=progress))
    assert capsys.readouterr().out == "Correct.\n" and progress.read() == (set(), [])


@pytest.mark.parametrize(("graded", "count"), [(True, 0), (False, 1)])
def test_what_a_teacher_grades_is_not_what_the_teacher_has_solved(progress, monkeypatch, graded, count):
    monkeypatch.setattr("mtl_helpers.claims.learner.on_a_page", lambda: True)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    if graded:
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    check_exercise("00-3", 2, learner=Learner(progress=progress))
    assert len(progress.read()[0]) == count


def test_deleting_the_folder_forgets_it(progress):
    progress.add("quiz", "00-1")
    progress.file.unlink()
    progress.file.parent.rmdir()
    assert progress.read() == (set(), [])
    progress.add("quiz", "00-2")
    assert progress.read() == ({("quiz", "00-2")}, [])


def test_many_kernels_at_once_lose_nothing(tmp_path):
    code = "import sys; from pathlib import Path; from mtl_helpers.claims.solved import Progress\n"
    code += "for i in range(40): Progress(Path(sys.argv[1])).add('quiz', f'{sys.argv[2]}-{i}')"
    path = tmp_path / "progress.jsonl"
    starts = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)], cwd=ROOT) for n in range(2)]
    assert [start.wait(120) for start in starts] == [0] * 2
    solved, damaged = Progress(path).read()
    assert len(solved) == 80 and damaged == []


@pytest.mark.bad_input
@pytest.mark.parametrize("line", [b'{"kind": "qui', b"\xff\xfe\x00", b"[]", b"3", b'{"kind": 1}', b'"quiz"'])
def test_a_damaged_line_is_named_and_the_others_count(progress, line):
    progress.add("exercise", "00-1")
    with progress.file.open("ab") as file:
        file.write(line)  # and no end of the line: the power went
    progress.add("exercise", "00-2")
    assert progress.read() == ({("exercise", "00-1"), ("exercise", "00-2")}, [2])
    assert line in progress.file.read_bytes(), "nothing is lost"
    assert "line 2 cannot be read and does not count; the others do" in as_html(progress)


@pytest.mark.bad_input
def test_a_file_that_cannot_be_read_is_said_and_stops_nothing(progress):
    progress.file.mkdir(parents=True)
    assert "what you solved cannot be read. Delete that file or folder to begin anew." in as_html(progress)
    assert remembered(progress, "quiz", "00-1").startswith("(Not remembered: Is a directory: ")


@pytest.mark.bad_input
def test_a_folder_that_cannot_be_made_is_said_after_the_answer(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    said = remembered(Progress(tmp_path / "file" / "progress.jsonl"), "quiz", "00-1")
    assert "Set MTL_DATA to a folder of yours" in said


def test_what_is_no_longer_asked_does_not_count(progress):
    progress.add("exercise", "00-99")
    assert "· 0 of 3" in as_html(progress) and "Next: lesson 00" in as_html(progress)


def test_what_comes_next():
    everything = {item for lesson in TITLES for item in asked_in(lesson)}
    assert len(everything) == len(EXERCISES) + len(QUIZZES)
    assert what_next(set()) == "Next: lesson 00 · Start here."
    assert what_next({("quiz", "02-1")}) == "Next: exercise 02-1, in lesson 02 · Model."
    assert what_next(set(asked_in("02"))) == "Next: lesson 03 · Relations."
    assert what_next(everything - {("quiz", "03-2")}) == "Next: quiz 03-2, in lesson 03 · Relations."
    assert what_next(everything).startswith("All solved.")


def test_the_titles_are_those_of_the_lessons():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        heading = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]).splitlines()[0]
        assert heading.startswith(f"# {path.name[:2]} · {TITLES[path.name[:2]]}:")
    assert len(TITLES) == len(list((ROOT / "notebooks").glob("*.ipynb")))


# Where it is kept ---------------------------------------------------------------------------------------------------


def test_it_is_kept_with_the_downloads(monkeypatch, tmp_path):
    monkeypatch.setenv("MTL_DATA", str(tmp_path / "学习 data"))
    assert progress_file() == tmp_path / "学习 data" / "progress.jsonl"
    monkeypatch.delenv("MTL_DATA")
    assert progress_file() == data_folder() / "progress.jsonl"


def test_a_user_without_a_home_has_a_cache_all_the_same(monkeypatch):
    monkeypatch.setattr("mtl_helpers.datasets.download.pooch.os_cache", lambda name: Path("~/.cache") / name)
    assert user_cache().is_absolute() and "~" not in str(user_cache())
