"""The files that describe the environment say the same thing, and the package finds its data wherever it is used."""

import ast
import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mtl_helpers import environment

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base", "playwright": "playwright-python"}
FIXED_BY_THE_COURSE = {"torch", "jupyterlab", "matplotlib", "pandas", "ipywidgets", "nbval"}


def requirements() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["large"] + extras["test"]
    return dict(re.fullmatch(r"([a-z0-9-]+)(.*)", line).groups() for line in lines)


def test_conda_has_the_same_packages_in_the_same_ranges():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert re.search(r"channels:\n  - conda-forge\n  - nodefaults\n", text)
    conda = dict(re.findall(r"^ +- ([a-z0-9-]+)(>=\S+)(?: +#.*)?$", text, re.M))  # what pip installs there included
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert conda.pop("python") == project["requires-python"]
    assert conda == {CONDA_NAMES.get(name, name): spec for name, spec in requirements().items()}


def test_every_package_is_pinned_within_its_range():
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line
    )
    assert set(requirements()) >= FIXED_BY_THE_COURSE

    def numbers(version: str) -> list[int]:
        return [int(part) for part in version.split(".")]

    for name, spec in requirements().items():
        low, high = re.fullmatch(r">=([\d.]+),<([\d.]+)", spec).groups()
        assert numbers(low) <= numbers(pins[name]) < numbers(high), f"{name} is pinned to {pins[name]}, outside {spec}"


def test_the_corpus_is_found_from_any_folder(tmp_path):
    code = "from mtl_helpers.data import load_reviews; print(len(load_reviews()))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    )
    assert int(found.stdout) == 2640


def test_an_installed_package_brings_the_corpus(tmp_path):
    """Built and installed as `pip install .` does, into an empty folder far from the checkout."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(tmp_path / "site"),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    code = "import mtl_helpers.data as d; print(d.data_file('reviews.csv')); print(len(d.load_reviews()))"
    variables = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=variables, capture_output=True, encoding="utf-8", check=True
    ).stdout.split("\n")
    assert found[0].startswith(str(tmp_path / "site")) and found[1] == "2640"


def launcher(*arguments: str, code: str = "", **variables: str) -> subprocess.CompletedProcess:
    """The launcher in a fresh interpreter, after ``code`` has taken something away from the machine."""
    start = f"import sys\nimport mtl_helpers.__main__ as m\n{code}\nm.main({list(arguments)})"
    return subprocess.run(
        [sys.executable, "-c", start],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


FRESH = "m.environment = lambda: '/nonexistent/python'\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["lab"], "sys.version_info = (3, 9, 2)", "needs Python 3.11 or newer; this is 3.9"),
        (["lab"], FRESH + "m.importlib.util.find_spec = lambda name: None", "has no venv; install it"),
        (["lab"], FRESH + "m.shutil.disk_usage = lambda path: type('d', (), {'free': 2e8})", "only 0.2 GB free"),
        (["lab", "--port", "http"], "", "PORT must be a number from 1024 to 65535; found 'http'"),
        (["lab", "--colour"], "", "unknown option '--colour'"),
        ([], "", "usage: python -m mtl_helpers lab"),
        (["fly"], "", "usage: python -m mtl_helpers lab"),
    ],
    ids=["old Python", "no venv", "disk full", "odd port", "odd option", "no command", "odd command"],
)
def test_what_a_machine_lacks_is_said_in_words(arguments, code, said):
    result = launcher(*arguments, code=code)
    assert result.returncode != 0 and said in result.stderr and "Traceback" not in result.stderr


def test_the_launcher_needs_nothing_installed_and_parses_on_old_pythons():
    """So that it can say in words what a machine lacks."""
    code = "import sys, mtl_helpers.__main__; print(*(m for m in sys.modules if m.startswith('mtl_helpers.')))"
    alone = [sys.executable, "-S", "-c", code]  # -S: without site-packages
    found = subprocess.run(alone, cwd=ROOT, capture_output=True, encoding="utf-8")
    modules = ["mtl_helpers.__main__", *found.stdout.split()]
    assert found.returncode == 0 and len(modules) > 2, found.stderr
    for module in modules:
        text = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 7))


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = launcher("lab", PORT=str(port))
    assert f"port {port} is taken" in result.stderr and f"PORT={port + 1}" in result.stderr


def test_the_page_s_parts_are_looked_for_where_jupyterlab_looks(tmp_path, monkeypatch):
    """They may lie in the user's folder, in one that JUPYTER_PATH names, or in the system's."""
    for name in ("@jupyter-widgets/jupyterlab-manager", "anywidget"):
        (tmp_path / "elsewhere" / "labextensions" / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "empty"))
    monkeypatch.setattr("jupyter_core.paths.ENV_JUPYTER_PATH", [str(tmp_path / "empty")])
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "elsewhere"))
    assert environment._extensions() is None
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [])
    assert "the page's part of ipywidgets and anywidget is missing" in environment._extensions()


# Other people's code pages and systems ------------------------------------------------------------------------------

SOURCES = [path for part in ("mtl_helpers", "data", "tests") for path in sorted((ROOT / part).rglob("*.py"))]


def without_encoding(call: ast.Call) -> bool:
    """Whether a call reads or writes text in whatever code page the machine has."""
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
    said = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    if "encoding" in said:
        return False
    if name in ("read_text", "write_text"):
        return len(call.args) < (1 if name == "read_text" else 2)
    if name == "open":
        modes = call.args[1:] if isinstance(call.func, ast.Name) else call.args  # open(path, mode), path.open(mode)
        mode = getattr(modes[0], "value", None) if modes else said.get("mode", "r")
        return isinstance(mode, str) and set(mode) <= set("rwaxt+") and (bool(call.args) or not said)
    return True in (said.get("text"), said.get("universal_newlines"))


def faulty_calls(text: str) -> list[int]:
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if without_encoding(call)]


def test_text_is_read_and_written_in_utf_8_on_every_machine():
    assert SOURCES
    faulty = {str(path.relative_to(ROOT)): faulty_calls(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert not {path: lines for path, lines in faulty.items() if lines}, "these leave the encoding to the code page"


def test_the_search_for_such_calls_finds_them():
    bad = 'open(a)\nopen(a, "w")\np.open()\np.open("a")\np.read_text()\np.write_text("x")\nrun(c, text=True)\n'
    good = 'open(a, "rb")\np.open("wb")\nwave.open(f, "wb")\nself.open(tasks)\ntarfile.open(fileobj=f, mode="w")\n'
    good += 'read_table(f, text="a")\n'
    assert faulty_calls(bad) == [1, 2, 3, 4, 5, 6, 7] and faulty_calls(good) == []


@pytest.mark.parametrize("module", ["resource", "fcntl", "pwd", "grp", "termios", "pty"])
def test_no_module_needs_what_only_unix_has(module):
    """A function may: it is called where that is there."""
    top = rf"^(import|from) {module}\b"
    assert not [path for path in SOURCES if re.search(top, path.read_text(encoding="utf-8"), re.M)]


SAYS_LAMBDA = """
import sys, mtl_helpers
from mtl_helpers.evaluation import sweep
from mtl_helpers.training import TaskWeights
print(TaskWeights(["topic"]), "Σ λᵢ Lᵢ × 🚗 文")
print(sweep([{"λ": 1}], lambda c: 1 / 0, processes=1).to_string())
import tqdm; list(tqdm.tqdm(range(2), desc="λ"))
"""


@pytest.mark.parametrize("page", ["cp1252", "cp936", "cp950", "cp932"])
def test_what_a_code_page_lacks_is_printed_escaped_and_ends_nothing(page):
    variables = {**os.environ, "PYTHONIOENCODING": page, "PYTHONUTF8": "0"}
    result = subprocess.run([sys.executable, "-c", SAYS_LAMBDA], env=variables, cwd=ROOT, capture_output=True)
    said = result.stdout.decode(page)
    assert result.returncode == 0, result.stderr.decode(page)
    assert "topic 1" in said and r"\U0001f697" in said and ("λ" in said or r"\u03bb" in said)


def test_the_launcher_reads_its_files_whatever_the_code_page(tmp_path):
    """As on a Windows in Chinese or Japanese: text is read in its code page unless told otherwise."""
    code = "import builtins, io\nown = io.open\n"
    code += "builtins.open = lambda f, mode='r', *a, encoding='cp950', **k: own(f, mode, *a, **k, **({} if 'b' in mode else "
    code += "{'encoding': encoding}))\nprint = None\nm.install = lambda *e: m.fingerprint() and sys.exit(7)"
    assert launcher("install", code=code).returncode == 7


def test_ruff_is_clean():
    for arguments in (["check"], ["format", "--check"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "."], cwd=ROOT, capture_output=True, encoding="utf-8"
        )
        assert result.returncode == 0, result.stdout + result.stderr
