"""The Pareto explorer of lesson 05 in a real browser: a click along λ, and picture and numbers answer."""

import re

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 05, run from top to bottom, the demo in view."""
    with open_lesson("05_evaluation.ipynb", tmp_path_factory, ".mtl-pareto-demo", "pareto") as page:
        yield page


def readout(page) -> str:
    return page.page.locator(".mtl-pareto-demo").first.locator(".widget-html").first.inner_text()


def picture(page) -> str:
    return (
        page.page.locator(".mtl-pareto-demo").first.locator(".mtl-picture svg").evaluate("picture => picture.outerHTML")
    )


def press(page, button: str) -> None:
    page.page.locator(".mtl-pareto-demo").first.locator("button", has_text=button).first.click()


def settled(page) -> bool:
    return page.execute("print(pareto.computing)").strip() == "False"


def go_to(page, fraction: float) -> None:
    """Click on the slider's track at a fraction of its length."""
    track = page.page.locator(".mtl-pareto-demo").first.locator(".noUi-base").first.bounding_box()
    page.page.mouse.click(track["x"] + track["width"] * fraction, track["y"] + track["height"] / 2)


def test_the_front_is_trained_and_the_slider_moves_along_it(page):
    press(page, "Train")
    page.wait_for(lambda: "9 of 9 λ trained" in readout(page), "the front", 120)
    page.wait_for(lambda: settled(page), "the thread to end", 120)
    before = readout(page), picture(page)
    assert re.search(r"dominated by λ left|on the front", before[0])
    go_to(page, 0.76)
    page.wait_for(lambda: "λ left 0.7" in readout(page), "the slider to be heard")
    page.wait_for(lambda: settled(page) and "5 seeds" in readout(page), "the other seeds", 120)
    page.wait_for(lambda: readout(page) != before[0] and picture(page) != before[1], "another model's picture")


def test_stop_gives_up_the_large_model_and_the_small_one_is_still_there(page):
    press(page, "large")
    page.wait_for(lambda: re.search(r"large model.* [1-8] of 9", readout(page)), "a large model", 120)
    press(page, "Stop")
    page.wait_for(lambda: settled(page), "the thread to end")
    assert "9 of 9" not in readout(page)
    press(page, "small")
    page.wait_for(lambda: re.search(r"small model.* 9 of 9", readout(page)), "the small front")
    page.wait_for(lambda: settled(page), "the thread to end", 120)


def test_a_run_of_ones_own_is_placed_and_judged(page):
    before = picture(page)
    assert page.execute("print(pareto.own({'left': 1.0, 'right': 1.0}).place)").strip() == "beyond the front"
    page.wait_for(lambda: "your run (left 1.000, right 1.000) is beyond the front" in readout(page), "the verdict")
    page.wait_for(lambda: picture(page) != before, "the run in the picture")


def test_a_run_of_the_lab_is_placed_by_a_click(page):
    page.execute("lab.reset(); lab.run(50)")
    press(page, "Place my run")
    scores = page.execute("print(f\"left {lab.scores['left']:.3f}, right {lab.scores['right']:.3f}\")").strip()
    page.wait_for(lambda: f"your run ({scores})" in readout(page), "the lab's scores in the readout")


def test_an_error_in_the_thread_is_seen_on_the_page(page):
    page.execute("pareto.runs.train = lambda *_: 1 / 0; pareto.runs.found.clear()")
    press(page, "Train")
    page.page.locator(".mtl-pareto-demo").first.locator("b", has_text="ZeroDivisionError:").wait_for(timeout=30_000)
    page.execute("del pareto.runs.train; pareto.others = 0; pareto.set(share=0.5)")
    page.wait_for(
        lambda: page.page.locator(".mtl-pareto-demo").first.locator("b", has_text="Error:").count() == 0,
        "the error to go",
    )
    press(page, "Train")
    page.wait_for(lambda: re.search(r"[1-9] of 9", readout(page)), "a model", 60)
    press(page, "Stop")
