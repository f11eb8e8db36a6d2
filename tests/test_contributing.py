"""CONTRIBUTING.md: its worked examples run as they stand there, and what it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PARTS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S))


@pytest.mark.parametrize("part", ["A rule that chooses λ", "A data set", "A demo", "A lesson"])
def test_a_worked_example_works(part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PARTS[part], re.S)
    assert "assert " in code
    exec(compile(code, f"CONTRIBUTING.md, {part}", "exec"), {"__name__": "worked_example"})


def test_each_part_has_an_example():
    assert set(PARTS) == {"A rule that chooses λ", "A data set", "A demo", "A lesson"}


def test_what_it_names_is_there():
    named = {
        name for name in re.findall(r"`((?:mtl_helpers|tests|data|notebooks)/[\w/.]*)`", TEXT) if "_10" not in name
    }
    assert len(named) > 8 and not [name for name in named if not (ROOT / name).exists()]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {target for line in re.findall(r"(?m)^([\w -]+):", makefile) for target in line.split()}
    assert set(re.findall(r"\bmake ([a-z]+)", TEXT)) <= targets
