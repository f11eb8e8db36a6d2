"""The files that describe the environment say the same thing, and the package finds its data wherever it is used."""

import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base", "playwright": "playwright-python"}
FIXED_BY_THE_COURSE = {"torch", "jupyterlab", "matplotlib", "pandas", "ipywidgets", "nbval"}


def requirements() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["large"] + extras["test"]
    return dict(re.fullmatch(r"([a-z0-9-]+)(.*)", line).groups() for line in lines)


def test_conda_has_the_same_packages_in_the_same_ranges():
    text = (ROOT / "environment.yml").read_text()
    assert re.search(r"channels:\n  - conda-forge\n  - nodefaults\n", text)
    conda = dict(re.findall(r"^ +- ([a-z0-9-]+)(>=\S+)(?: +#.*)?$", text, re.M))  # what pip installs there included
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert conda.pop("python") == project["requires-python"]
    assert conda == {CONDA_NAMES.get(name, name): spec for name, spec in requirements().items()}


def test_every_package_is_pinned_within_its_range():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    assert set(requirements()) >= FIXED_BY_THE_COURSE

    def numbers(version: str) -> list[int]:
        return [int(part) for part in version.split(".")]

    for name, spec in requirements().items():
        low, high = re.fullmatch(r">=([\d.]+),<([\d.]+)", spec).groups()
        assert numbers(low) <= numbers(pins[name]) < numbers(high), f"{name} is pinned to {pins[name]}, outside {spec}"


def test_the_corpus_is_found_from_any_folder(tmp_path):
    code = "from mtl_helpers.data import load_reviews; print(len(load_reviews()))"
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
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
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    assert found[0].startswith(str(tmp_path / "site")) and found[1] == "2640"


def launcher(*arguments: str, code: str = "", **environment: str) -> subprocess.CompletedProcess:
    """The launcher in a fresh interpreter, after ``code`` has taken something away from the machine."""
    start = f"import sys\nimport mtl_helpers.__main__ as m\n{code}\nm.main({list(arguments)})"
    return subprocess.run(
        [sys.executable, "-c", start],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
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


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = launcher("lab", PORT=str(port))
    assert f"port {port} is taken" in result.stderr and f"PORT={port + 1}" in result.stderr


def test_ruff_is_clean():
    for arguments in (["check"], ["format", "--check"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "."], cwd=ROOT, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stdout + result.stderr
