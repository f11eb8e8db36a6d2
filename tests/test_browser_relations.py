"""The transfer demo of lesson 03 in a real browser: a drag computes the new setting, and Stop ends it."""

import re

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 03, run from top to bottom, the demo in view."""
    with open_lesson("03_relations.ipynb", tmp_path_factory, ".mtl-transfer-demo") as page:
        yield page


def readout(page) -> str:
    return page.page.locator(".mtl-transfer-demo").first.locator(".widget-html").first.inner_text()


def picture(page) -> str:
    return (
        page.page.locator(".mtl-transfer-demo")
        .first.locator(".mtl-picture svg")
        .evaluate("picture => picture.outerHTML")
    )


def press(page, button: str) -> None:
    page.page.locator(".mtl-transfer-demo").first.locator("button", has_text=button).first.click()


def drag(page, slider: str, fraction: float) -> None:
    """Drag a slider by mouse to a fraction of its length."""
    place = page.page.locator(".mtl-transfer-demo").first.locator(".widget-slider", has_text=slider)
    place.scroll_into_view_if_needed()
    handle, track = (place.locator(f".noUi-{part}").bounding_box() for part in ("handle", "base"))
    y = handle["y"] + handle["height"] / 2
    page.page.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.page.mouse.down()
    page.page.mouse.move(track["x"] + track["width"] * fraction, y, steps=8)
    page.page.mouse.up()


def settled(page) -> bool:
    return page.execute("print(demo.computing)").strip() == "False"


def test_a_drag_computes_the_new_setting_and_the_page_answers(page):
    page.execute("demo.stop(); demo.seeds = 2")
    before = picture(page)
    for slider, fraction in (("filters", 0), ("relatedness", 0), ("reviews", 0)):
        drag(page, slider, fraction)
    page.wait_for(lambda: "ρ 0, 100 reviews, 3 filters" in readout(page), "the new setting")
    page.wait_for(lambda: "2 of 2 seeds" in readout(page) and settled(page), "two seeds", 90)
    assert re.search(r"conditioned\s+[+-]\d+\.\d ± \d+\.\d\s+2\s", readout(page))
    assert "mean gradient cosine" in readout(page) and picture(page) != before
    assert page.page.locator(".mtl-transfer-demo").first.get_by_text("your settings").count() == 1


def test_stop_ends_the_computation_and_compute_goes_on(page):
    page.execute("demo.seeds = 1000")
    state = page.page.locator(".mtl-transfer-demo").first.locator(".widget-label", has_text="step")
    press(page, "Compute")
    page.wait_for(lambda: "3 of 1000 seeds" in readout(page), "one more seed", 90)
    assert state.count() == 1
    press(page, "Stop")
    page.wait_for(lambda: settled(page), "the thread to end")
    page.wait_for(lambda: state.count() == 0, "the progress to be taken away")
    drag(page, "filters", 1)
    page.wait_for(lambda: not settled(page), "the drag to compute again")
    page.wait_for(lambda: "32 filters" in readout(page), "the other setting")
    press(page, "Stop")
    page.wait_for(lambda: settled(page), "the thread to end")


def test_running_the_cell_again_stops_the_demo_it_replaces(page):
    page.execute("old = demo; demo.seeds = 1000")
    press(page, "Compute")
    page.wait_for(lambda: not settled(page), "a computation")
    page.run_cell("demo")
    assert page.execute("print(old.computing, old._worker.closed, demo is old)").split() == ["False", "True", "False"]


def test_an_error_in_the_thread_is_seen_on_the_page(page):
    page.execute(
        "from mtl_helpers.evaluation.running import paired_runs as t; whole, t.run_arm = t.run_arm, None; demo.seeds = 1000"
    )
    press(page, "Compute")
    page.page.locator(".mtl-transfer-demo").first.locator("b", has_text="Error:").wait_for(timeout=30_000)
    page.execute("t.run_arm = whole")
    press(page, "Compute")
    page.wait_for(lambda: not settled(page), "a computation")
    press(page, "Stop")
    page.wait_for(lambda: settled(page), "the thread to end")
    assert page.page.locator(".mtl-transfer-demo").first.locator("b", has_text="Error:").count() == 0
