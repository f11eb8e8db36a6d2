"""The drive demo of lesson 06 in a real browser: a command button changes the drawn route, a λ slider retrains."""

import re

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 06, run from top to bottom, the demo in view."""
    with open_lesson("06_driving.ipynb", tmp_path_factory, ".mtl-drive-demo", "drive") as page:
        yield page


def readout(page) -> str:
    return page.page.locator(".mtl-drive-demo .widget-html").first.inner_text()


def picture(page) -> str:
    return page.page.locator(".mtl-drive-demo .mtl-picture svg").evaluate("picture => picture.outerHTML")


def press(page, button: str) -> None:
    page.page.locator(".mtl-drive-demo button").get_by_text(button, exact=True).first.click()


def route(page) -> list[float]:
    return [float(x) for x in page.execute("print(*drive.answers['waypoints'].output.tolist())").split()]


def says(page, task: str) -> str:
    """What the readout says for a task."""
    return re.search(rf"^{task}\s+(\w+)", readout(page), re.M)[1]


def test_a_command_button_changes_the_drawn_route(page):
    press(page, "left")
    page.wait_for(lambda: says(page, "command") == "left", "the word 'left' to be heard")
    before, drawn = route(page), picture(page)
    press(page, "right")
    page.wait_for(lambda: says(page, "command") == "right" and picture(page) != drawn, "the new drawing")
    after = route(page)
    assert before[-2] < -0.5 < 0.5 < after[-2], "the last waypoint goes from the left to the right"
    assert says(page, "action") == "right"


def test_the_scene_and_a_failing_microphone_change_the_drawing(page):
    drawn = picture(page)
    page.page.locator(".mtl-drive-demo select").first.select_option("stop")
    page.wait_for(lambda: says(page, "action") == "stop" and picture(page) != drawn, "the stop sign to be obeyed")
    drawn = picture(page)
    page.page.locator(".mtl-drive-demo input[type=checkbox]").nth(1).click()
    page.wait_for(lambda: picture(page) != drawn, "the silent drive")
    page.page.locator(".mtl-drive-demo input[type=checkbox]").nth(1).click()
    page.page.locator(".mtl-drive-demo select").first.select_option("none")


def test_the_command_can_be_heard(page):
    listen = page.page.locator(".mtl-drive-demo .mtl-listen")
    listen.locator("button").click()
    page.wait_for(lambda: (listen.evaluate("e => e.played") or "").startswith("blob:"), "the sound to begin")


def test_releasing_a_weight_retrains_in_the_background(page):
    page.wait_for(lambda: "step 0" not in readout(page), "a trained model")
    track = page.page.locator(".mtl-drive-demo .mtl-lambda-sign input[type=range]").bounding_box()
    page.page.mouse.click(track["x"] + 1, track["y"] + track["height"] / 2)
    page.wait_for(lambda: page.execute("print(drive.computing)").strip() == "True", "the training to begin")
    drawn = picture(page)
    page.wait_for(lambda: picture(page) != drawn, "the drawing to follow")
    press(page, "Stop")
    page.wait_for(lambda: page.execute("print(drive.computing)").strip() == "False", "the training to stop")
    assert float(page.execute("print(drive.recorded.weights['sign'])")) == 0


def test_an_error_in_the_thread_is_seen_on_the_page(page):
    page.execute("drive.recorded.step = lambda: 1 / 0")
    press(page, "Train")
    page.page.locator(".mtl-drive-demo").get_by_text("ZeroDivisionError:").wait_for(timeout=30_000)
