"""The minutes in headers and headings follow from the rule of lesson_minutes.py."""

import json
import re
import shutil
from pathlib import Path

import lesson_minutes
import pytest
from lesson_minutes import LONGEST, Section, header, sections, sittings

ROOT = Path(__file__).resolve().parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_minutes_of_each_section_are_those_of_the_rule(path):
    parts = sections(cells(path))
    assert not [title for part in parts for title in part.untimed], "a heading without minutes"
    assert not re.search(r"^###.*\d minutes?", "".join("".join(c["source"]) for c in cells(path)), re.M)
    off = {part.title: (part.said, part.minutes) for part in parts if abs(part.said - part.minutes) > 1}
    assert not off, f"said, by the rule: {off}; run python tests/lesson_minutes.py {path.relative_to(ROOT)} --write"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_header_is_the_sum_of_its_sections_in_sittings_of_at_most_an_hour(path):
    parts = sections(cells(path))
    said = [part.said for part in parts]
    assert header(parts, said) in "".join(cells(path)[0]["source"])
    rooms = sittings(parts, said)
    assert [room[0] for room in rooms[1:]] == [i for i, part in enumerate(parts) if part.begins_sitting]
    sums = [sum(said[i] for i in room) for room in rooms]
    assert max(sums) <= LONGEST
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(
        rf"\({re.escape(f'notebooks/{path.name}')}\) .*\| {re.escape(' + '.join(map(str, sums)))} \|$", readme, re.M
    )


def lesson(*titles_and_words: tuple[str, int]) -> list[dict]:
    first = {"cell_type": "markdown", "source": ["# A lesson\n\n**Class time:** about 1 minute · **You need:** time."]}
    return [first, *({"cell_type": "markdown", "source": [f"## {t}\n\n" + "word " * n]} for t, n in titles_and_words)]


def test_a_section_counts_what_is_done_in_it():
    code = 'import torch\n\nx = 1\ny = 2\npredict_first("00-a")\nlab = LambdaLab(x)\ncheck_exercise("00-1", y)\nquiz("00-1")'
    (part,) = sections([*lesson(("One · 3 minutes", 258)), {"cell_type": "code", "source": [code]}])
    assert (part.lines, part.predictions, part.demos, part.exercises, part.questions) == (6, 1, 1, 1, 1)
    assert part.words == 258 + 3 + len("A lesson **Class time:** about 1 minute **You need:** time.".split())
    assert part.minutes == round(271 / 130 + 6 / 6 + 2 + 5 + 3 + 1)


def test_what_is_read_at_home_is_not_counted_and_the_summary_is():
    text = [
        ("One · 1 minute", 127),
        ("What you learned", 127),
        ("Further reading", 1000),
        ("Appendix · side matters", 999),
    ]
    (part,) = sections(lesson(*text))
    assert part.minutes == 2 and part.words < 300


def test_a_lesson_of_more_than_an_hour_is_cut_where_it_is_most_even_or_where_it_is_marked():
    parts = [Section(str(i), 0) for i in range(4)]
    assert sittings(parts, [15, 15, 15, 15]) == [[0, 1, 2, 3]]
    assert sittings(parts, [50, 5, 5, 40]) == [[0], [1, 2, 3]]
    parts[2].begins_sitting = True
    assert sittings(parts, [50, 5, 5, 40]) == [[0, 1], [2, 3]]
    assert sittings(parts, [50, 15, 5, 40]) == [[0], [1, 2, 3]], "the mark no longer fits"
    parts[1].begins_sitting = True
    assert sittings(parts, [50, 5, 5, 40]) == [[0], [1, 2, 3]], "two would do"
    parts[1].begins_sitting = False
    assert "in two sittings, 55 + 45; the second begins at *2*" in header(parts, [50, 5, 5, 40])


def test_writing_twice_changes_nothing_more(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "README.md", tmp_path)
    path = Path(shutil.copy(ROOT / "notebooks" / "04_training.ipynb", tmp_path / "notebooks"))
    monkeypatch.setattr(lesson_minutes, "ROOT", tmp_path)
    lesson_minutes.written(path)
    once = [file.read_text(encoding="utf-8") for file in (path, tmp_path / "README.md")]
    lesson_minutes.written(path)
    assert [file.read_text(encoding="utf-8") for file in (path, tmp_path / "README.md")] == once
    parts = sections(cells(path))
    assert [part.said for part in parts] == [part.minutes for part in parts]
