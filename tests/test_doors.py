"""The course where it was not made for: a folder that may only be read, odd paths, no home, another code page, no network."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from browser import copy_course

from mtl_helpers import __main__ as launcher

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


# The environment -----------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A course whose .venv is made anew; what pip would install is written down instead."""
    folder = tmp_path / "多任务 course"
    folder.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    monkeypatch.setattr(launcher, "ROOT", str(folder))
    monkeypatch.setattr(launcher, "VENV", str(folder / ".venv"))
    monkeypatch.setattr(launcher, "environment", lambda: str(folder / ".venv" / "bin" / "python"))
    monkeypatch.setattr(launcher.installing, "torch_source", lambda *_: ([], 1.0))
    monkeypatch.setattr(
        launcher.installing, "pip_install", lambda python, options: not launcher.has_module(python, "pip")
    )
    return folder


def test_a_venv_whose_python_is_gone_is_made_anew(course, capsys):
    """After an update of the system's Python its .venv leads nowhere."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", course / ".venv"], check=True)
    for link in (course / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/nonexistent/python3")
    python = launcher.install()
    assert subprocess.run([python, "-c", "import pip"]).returncode == 0
    assert "Making .venv anew, for the Python that it was made with is gone," in capsys.readouterr().out


def test_a_venv_without_pip_gets_it(course):
    """As uv makes them."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", course / ".venv"], check=True)
    assert launcher.has_module(launcher.install(), "pip")


def test_copies_alone_are_made_for_who_starts_notebooks_otherwise(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(launcher, "install", lambda: sys.executable)
    monkeypatch.setenv("MTL_LEARN", str(tmp_path / "我的"))
    with pytest.raises(SystemExit) as end:
        launcher.main(["copies"])
    assert end.value.code == 0 and (tmp_path / "我的" / "learn" / "09_your_data.ipynb").is_file()
    assert f"Your copies of the lessons are in {tmp_path / '我的' / 'learn'}" in capsys.readouterr().out


WITHOUT_NETWORK = """
import os, signal, subprocess, sys, time, urllib.request
lab = [sys.executable, "-m", "mtl_helpers", "lab", "--no-browser", "--port", "8899"]
server = subprocess.Popen(lab, start_new_session=True)
try:
    for _ in range(600):
        try:
            page = urllib.request.urlopen("http://127.0.0.1:8899/lab?token=t", timeout=30).read().decode()
            print("answered", "JupyterLab" in page)
            break
        except OSError:
            time.sleep(0.2)
finally:
    os.killpg(server.pid, signal.SIGTERM)
"""


def test_the_lab_starts_without_a_network(tmp_path):
    """In a network of its own, in which there is nobody else."""
    alone = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("a network without anybody can not be made here")
    home = {f"JUPYTER{name}_DIR": str(tmp_path / name) for name in ("LAB_SETTINGS", "_RUNTIME", "_CONFIG")}
    variables = {
        **os.environ,
        **home,
        "JUPYTER_TOKEN": "t",
        "MTL_LEARN": str(tmp_path),
        "MTL_DATA": str(tmp_path / "data"),
    }
    command = [*alone, sys.executable, "-c", WITHOUT_NETWORK]
    found = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8", timeout=180)
    assert "answered True" in found.stdout, found.stderr[-2000:]


# Other people's machines ---------------------------------------------------------------------------------------------

COLAB = """
import subprocess, sys, types
told = []
subprocess.call = lambda command: told.append(command[1:]) or 0
google, colab, output = (types.ModuleType(name) for name in ("google", "google.colab", "google.colab.output"))
google.__spec__ = colab.__spec__ = types.SimpleNamespace(submodule_search_locations=[])
google.__path__, colab.output = [], output
output.enable_custom_widget_manager = lambda: told.append("widgets")
if {there}: sys.modules.update({{"google": google, "google.colab": colab}})
import runpy; runpy.run_path({path!r}, run_name="__main__")
print(told, sys.path[0] == {root!r})
"""


@pytest.mark.parametrize("there", [True, False])
def test_the_line_for_colab_installs_there_and_nowhere_else(there):
    code = COLAB.format(there=there, path=str(ROOT / "mtl_helpers" / "colab.py"), root=str(ROOT))
    result = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    last = result.stdout.splitlines()[-1]
    if there:
        assert f"'install', '--quiet', '-e', '{ROOT}[large]'], 'widgets'] True" in last
    else:
        assert last == "[] False" and "This is not Colab: nothing was changed." in result.stdout


def test_the_dev_container_calls_what_there_is():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {target for line in re.findall(r"(?m)^([\w -]+):", makefile) for target in line.split()}
    called = re.findall(r"make ([a-z]+)", json.dumps(container))
    assert called and set(called) <= targets
    assert container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"].endswith(
        "/.venv/bin/python"
    )


def test_binder_installs_the_course_from_environment_yml():
    """repo2docker takes this file from the root, with the checkout beside it because of `-e .`; anything else would win."""
    assert "- -e ." in (ROOT / "environment.yml").read_text(encoding="utf-8")
    others = ("binder", ".binder", "Dockerfile", "requirements.txt", "Pipfile", "runtime.txt")
    assert not [name for name in others if (ROOT / name).exists()]
