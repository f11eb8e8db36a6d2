"""The course where it was not made for: a folder that may only be read, odd paths, no home, another code page, no network."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from browser import copy_course

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="these doors are made of Unix rights and paths")
CELLS = [
    "from mtl_helpers.environment import check_environment\n_ = check_environment()",
    "import mtl_helpers; print(mtl_helpers.__file__)",
    "from mtl_helpers.claims import quiz; print(quiz('00-2').choose('Nothing trains it any more.'))",
    "from mtl_helpers.claims.solved import Progress; print(Progress().file, Progress().read())",
    "from mtl_helpers.experiments import read_result; print(len(read_result('transfer')) > 0, 'λ 多任务')",
    "from mtl_helpers.plots import plot_history; print('plots')",
]
RUN = "import nbformat, sys; from nbclient import NotebookClient; n = nbformat.read(sys.argv[1], 4); "
RUN += "NotebookClient(n, timeout=120, kernel_name='python3').execute(); nbformat.write(n, sys.argv[1])"


def without_rights() -> list[str]:
    """What stands before a command so that a folder's rights count: for root they do not."""
    if os.getuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere, and there is no setpriv to give that up")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture(scope="module")
def read_only(tmp_path_factory):
    """The course in a folder with spaces and Chinese letters in its name, which nobody may write."""
    course = copy_course(tmp_path_factory.mktemp("共享 folder") / "多任务 course")
    everything = [course, *course.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    yield course
    for path in everything:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def run(course: Path, *arguments: str, cwd: Path | None = None, **variables: str | None) -> subprocess.CompletedProcess:
    """Python with this course, as a user whom the rights of folders stop; a variable that is None is not there."""
    clean = {
        name: value for name, value in os.environ.items() if name not in ("MTL_DATA", "MTL_LEARN", "XDG_CACHE_HOME")
    }
    clean |= {"PYTHONPATH": str(course), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        [*without_rights(), sys.executable, *arguments],
        cwd=cwd or course,
        env={name: value for name, value in clean.items() if value is not None},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=240,
    )


def in_a_kernel(course: Path, folder: Path, **variables: str | None) -> list[str]:
    """What the cells print, run in a folder as the learner's copies are."""
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbformat.write(notebook, folder / "try.ipynb")
    result = run(course, "-c", RUN, str(folder / "try.ipynb"), cwd=folder, **variables)
    assert result.returncode == 0, result.stderr[-3000:]
    cells = nbformat.read(folder / "try.ipynb", 4).cells
    return [
        "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout") for cell in cells
    ]


def test_the_folder_really_may_only_be_read(read_only):
    result = run(read_only, "-c", "open('data/cache', 'w')")
    assert result.returncode == 1 and "PermissionError" in result.stderr


def test_on_a_shared_copy_a_folder_of_one_s_own_is_asked_for(read_only):
    """A class's server: the course lies there once, for all to read."""
    result = run(read_only, "-m", "mtl_helpers", "lab", "--no-browser")
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "cannot be kept in" in result.stderr and "make lab MTL_LEARN=~/mtl" in result.stderr


def test_lessons_run_from_a_copy_that_may_only_be_read(read_only, tmp_path):
    mine = tmp_path / "学习 of mine"
    mine.mkdir()
    lab = "import sys, mtl_helpers.__main__ as m; print(m.learn(sys.executable))"
    assert run(read_only, "-c", lab, MTL_LEARN=str(mine)).stdout.splitlines()[-1] == str(mine)
    assert (mine / "learn" / "00_start_here.ipynb").is_file()
    ok, place, answer, kept, results, plots = in_a_kernel(read_only, mine / "learn", HOME=str(mine))
    assert ok.count("ok ") == 4 and place.strip() == str(read_only / "mtl_helpers" / "__init__.py")
    assert answer.startswith("Right. ") and results == "True λ 多任务\n" and plots == "plots\n"
    file, _, solved = kept.partition(" ({")
    assert mine in Path(file).parents and "('quiz', '00-2')" in solved


def test_neither_a_home_nor_utf_8_is_needed_and_data_may_lie_elsewhere(read_only, tmp_path):
    data = tmp_path / "数据 elsewhere"
    variables = {"HOME": None, "PYTHONIOENCODING": "cp936", "PYTHONUTF8": "0", "TMPDIR": str(tmp_path)}
    ok, _, answer, kept, results, plots = in_a_kernel(read_only, tmp_path / "learn", MTL_DATA=str(data), **variables)
    assert ok.count("ok ") == 4 and answer.startswith("Right. ") and plots == "plots\n"
    assert results == "True λ 多任务\n"
    assert kept.startswith(str(data / "progress.jsonl")) and (data / "progress.jsonl").is_file()
