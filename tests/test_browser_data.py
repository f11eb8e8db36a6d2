"""The data demo of lesson 01 in a real browser: a click on a step or a split, and the numbers answer."""

import re

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 01, run from top to bottom, the demo in view."""
    with open_lesson("01_data.ipynb", tmp_path_factory, ".mtl-data-demo") as page:
        yield page


def readout(page) -> str:
    return page.page.locator(".mtl-data-demo .widget-html").first.inner_text()


def picture(page) -> str:
    return page.page.locator(".mtl-data-demo .mtl-picture svg").evaluate("picture => picture.outerHTML")


def press(page, button: str) -> None:
    page.page.locator(".mtl-data-demo button", has_text=button).first.click()


def settled(page) -> bool:
    return "(5 of 5" in readout(page) and page.execute("print(demo.computing)").strip() == "False"


def rows(page) -> int:
    return int(re.search(r"([\d,]+) rows of", readout(page))[1].replace(",", ""))


def test_a_click_on_a_cleaning_step_changes_rows_picture_and_scores(page):
    press(page, "Clean all")
    page.wait_for(lambda: rows(page) == 2640, "the clean rows")
    page.wait_for(lambda: settled(page), "five splits", 60)
    before = readout(page), picture(page)
    page.page.locator(".mtl-data-demo .widget-checkbox", has_text="duplicates").locator("input").click()
    page.wait_for(lambda: rows(page) > 2640, "the copies to come back")
    page.wait_for(lambda: settled(page), "five splits", 60)
    assert readout(page) != before[0] and picture(page) != before[1]
    assert page.page.locator(".mtl-data-demo").get_by_text("all but duplicates", exact=True).count() == 1


def test_a_split_by_chance_parts_copies_and_the_report_shows_it(page):
    press(page, "no text on both sides")
    page.wait_for(lambda: page.execute("print(demo.choice[1])").strip() == "no text on both sides", "the split")
    page.wait_for(lambda: settled(page), "five splits", 60)
    assert "in the training rows too: 0%" in readout(page)
    press(page, "random rows")
    page.wait_for(lambda: page.execute("print(demo.choice[1])").strip() == "random rows", "the split")
    page.wait_for(lambda: settled(page), "five splits", 60)
    assert int(re.search(r"training rows too: (\d+)%", readout(page))[1]) >= 10


def test_stop_gives_up_and_measure_begins_again(page):
    page.execute("demo.repeats = 1000")
    press(page, "Measure")
    page.wait_for(lambda: re.search(r"\([2-9] of 1000", readout(page)), "two splits", 60)
    press(page, "Stop")
    page.wait_for(lambda: page.execute("print(demo.computing)").strip() == "False", "the thread to end")
    page.execute("demo.repeats = 5")
    press(page, "Measure")
    page.wait_for(lambda: settled(page), "five splits", 60)


def test_an_error_in_the_thread_is_seen_on_the_page(page):
    page.execute("whole = demo.raw; demo.raw = demo.raw.head(1)")
    press(page, "Measure")
    page.page.locator(".mtl-data-demo").locator("b", has_text="Error:").wait_for(timeout=30_000)
    page.execute("demo.raw = whole")
    press(page, "Measure")
    error = page.page.locator(".mtl-data-demo").locator("b", has_text="Error:")
    page.wait_for(lambda: settled(page) and error.count() == 0, "five splits, and the error to go", 60)
