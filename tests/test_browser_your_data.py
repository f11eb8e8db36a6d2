"""Lesson 09 in a real browser: a file comes in by the button, its columns are named, and the walk ends in a report."""

from pathlib import Path

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with open_lesson("09_your_data.ipynb", tmp_path_factory, ".mtl-upload", "mine") as page:
        yield page


@pytest.fixture
def table(tmp_path: Path) -> Path:
    topics = {"bill": "invoice and refund", "fault": "noise and smoke"}
    lines = [
        f"{list(topics.values())[i % 2]} in {'abcdefg'[i % 7] * (1 + i % 9)} {i},{list(topics)[i % 2]},{i % 5}.5"
        for i in range(140)
    ]
    path = tmp_path / "letters.csv"
    path.write_text("\n".join(["letter,about,hours", *lines]), encoding="utf-8")
    return path


def test_a_file_of_ones_own_goes_from_the_button_to_a_report(page, table):
    with page.page.expect_file_chooser() as chooser:
        page.page.locator(".mtl-upload button").click()
    chooser.value.set_files(str(table))
    page.wait_for(lambda: "letters.csv" in page.page.locator(".mtl-upload").inner_text(), "the file to be kept")
    assert page.execute("print(mine.path.as_posix())").strip() == "my_data/letters.csv"
    page.execute("FILE, TEXT, FEATURES, LABELS, GROUPS, KINDS = mine.path, 'letter', [], ['about', 'hours'], None, {}")
    page.run_cell("table")
    page.execute("found = compare(table, arms=['linear', 'alone', 'shared'], splits=2, progress=False)")
    for cell in ("picture(found)", "lab", "said"):
        page.run_cell(cell)
    assert page.execute("print(found.table.name, len(found.table.tasks))").strip() == "letters.csv 2"
    told = page.execute("print(report(found, said, 'my_data/report').read_text(encoding='utf-8'))")
    assert "letters.csv" in told and "<svg" in told and "about: &#x27;linear&#x27;" in told
    assert page.execute("print(found.score('about', 'linear') > 0.9)").strip() == "True"


def test_a_wrong_column_is_said_in_words(page):
    said = page.execute("look(mine.path, text='leter', labels=['about'])")
    assert "column 'leter' is missing; found 'letter', 'about', 'hours'" in said
