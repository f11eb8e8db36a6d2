"""TEACHING.md: its plans name sections that there are and add up, every lesson has its advice, and its commands exist."""

import re

import pytest

import mtl_helpers.__main__ as launcher
from mtl_helpers.stored import NOTEBOOKS
from mtl_helpers.teaching.lesson_pages import lessons, read_lesson, without_minutes

ROOT = NOTEBOOKS.parent
TEXT = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
LESSONS = {path.name[:2]: path for path in lessons(NOTEBOOKS)}
SITTINGS = {"two": 2, "three": 3, "four": 4}


def part(heading):
    return re.search(rf"^#+ {heading}\n(.*?)(?=^##|\Z)", TEXT, re.M | re.S)[1]


def prose(lesson):
    return "\n".join(cell.source for cell in read_lesson(LESSONS[lesson]).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize(("heading", "minutes"), [("One class of 90 minutes", 90), ("A workshop of three hours", 180)])
def test_a_plan_names_sections_that_there_are_and_fills_its_time(heading, minutes):
    rows = re.findall(r"^\| (\d\d|) *\| (.+?) \| (\d+) \|$", part(heading), re.M)
    assert sum(int(time) for *_, time in rows) == minutes
    for lesson, section, _ in rows:
        if lesson:
            assert section in [without_minutes(found) for found in re.findall(r"^## (.+)$", prose(lesson), re.M)]


def test_each_plan_says_how_to_begin_in_the_middle_of_a_lesson():
    for heading in ("One class of 90 minutes", "A workshop of three hours", "Five weeks"):
        assert "*Run All Above Selected Cell*" in part(heading), heading
    places = re.findall(r"\*([^*]+?)\* in (\d\d)", " ".join(part("One class of 90 minutes").split()))
    assert [lesson for _, lesson in places] == ["00", "04"]
    for heading, lesson in places:
        assert heading in [without_minutes(found) for found in re.findall(r"^## (.+)$", prose(lesson), re.M)]


def test_five_weeks_hold_every_sitting_of_every_lesson_once():
    weeks = re.findall(r"^\| \d \| (.+?) \| .+ \|$", part("Five weeks"), re.M)
    planned = [re.findall(r"(\d\d) \(([\d, ]+)\)", week) for week in weeks]
    assert [sum(len(s.split(", ")) for _, s in week) for week in planned] == [4, 4, 4, 4, 4]
    for lesson in LESSONS:
        said = re.search(r"minutes in (\w+) sittings", prose(lesson))
        held = [int(s) for week in planned for name, sittings in week if name == lesson for s in sittings.split(", ")]
        assert held == list(range(1, (SITTINGS[said[1]] if said else 1) + 1)), lesson


def test_every_lesson_has_its_advice():
    for lesson in LESSONS:
        title = read_lesson(LESSONS[lesson]).cells[0].source.split("\n")[0].removeprefix("# ").split(":")[0]
        advice = part(re.escape(title))
        for asked in ("They get wrong:", "Ask:", r"Stop\b", r"In the (lab|demo):"):
            assert re.search(rf"^- \*\*{asked}", advice, re.M), (lesson, asked)


def test_what_it_tells_to_make_can_be_made():
    made = set(re.findall(r"`make (\w+)`", TEXT))
    targets = {
        name
        for row in re.findall(r"^([\w ]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
        for name in row.split()
    }
    assert made >= {"lab", "slides", "app", "site", "handout"} and made <= targets
    for path in re.findall(r"`(mtl_helpers/[\w/]+)`", TEXT):
        assert (ROOT / path).exists()


@pytest.mark.parametrize("part", ["site", "slides", "handout", "app"])
def test_the_launcher_installs_what_a_target_needs_and_builds_it(part, monkeypatch):
    called = []
    monkeypatch.setattr(launcher, "install", lambda *extras: called.append(extras) or "python")
    monkeypatch.setattr(launcher.subprocess, "call", lambda command, **_: called.append(tuple(command)) or 0)
    with pytest.raises(SystemExit) as ended:
        launcher.main([part, "--port", "8890"])
    assert ended.value.code == 0
    assert called == [("test",), ("python", "-m", "mtl_helpers.teaching", part, "--port", "8890")]
