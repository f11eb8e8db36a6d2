"""The drive demo of lesson 06 in a real browser: what is said and what fails on the way changes where the car goes."""

import json
import random
import re
import time

import pytest
from axe import serious, violations
from browser import open_lesson

pytestmark = pytest.mark.browser

PLAYED = 10  # seconds
DRAWN = "() => document.querySelector('.mtl-stage').stage.drawn"
KNOWS_THE_RULE = """
import torch
from mtl_helpers.driving import expert, WAYPOINTS
from mtl_helpers.live.demos.drive.ride import Ride
from mtl_helpers.plots.live.drive_views import Answer
says = Ride._answers
def right(ride, inputs):
    path = torch.from_numpy(expert(ride.simulator)[0]).float()
    return says(ride, inputs) | {"waypoints": Answer(WAYPOINTS, path, ride.row.action.iloc[0])}
Ride._answers = right
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 06, run from top to bottom, the demo in view."""
    with open_lesson("06_driving.ipynb", tmp_path_factory, ".mtl-drive-demo", "drive") as page:
        yield page


def demo(page):
    return page.page.locator(".mtl-drive-demo")


def press(page, button: str) -> None:
    demo(page).locator("button", has_text=re.compile(rf"^\s*{button}$")).first.click()


def frame(page) -> dict:
    """What the page draws now."""
    return page.page.evaluate("() => document.querySelector('.mtl-stage').stage.model.get('frame')")


def says(page, task: str) -> str:
    """What the page says for a task."""
    line = demo(page).locator(".mtl-stage-answer", has=page.page.get_by_text(task, exact=True))
    return line.locator("> b").inner_text().split()[-1]


def readout(page) -> str:
    return demo(page).locator(".widget-html").first.inner_text()


def kernel(page, value: str):
    return json.loads(page.execute(f"import json; print(json.dumps({value}))"))


def test_what_is_said_on_the_way_is_heard_and_changes_the_path(page):
    page.execute("drive.reset(); drive.set(command='left')")
    page.wait_for(lambda: says(page, "command") == "left", "the word 'left' to be heard")
    press(page, "Drive")
    page.wait_for(lambda: frame(page)["car"][1] > -2, "the car to have gone a little")
    press(page, "right")
    page.wait_for(lambda: says(page, "command") == "right", "the new word to be heard")
    page.wait_for(lambda: frame(page)["points"][-1][0] > 0.2, "the path to lead to the right")
    press(page, "Pause")
    page.wait_for(lambda: "stands" in readout(page), "the car to stand")


def test_a_command_given_on_the_way_changes_where_the_car_goes(page):
    """With the rule of the road at the wheel, so that a badly trained model is no reason to fail."""
    page.execute(KNOWS_THE_RULE + "drive.reset(); drive.set(command='left')")
    try:
        press(page, "Drive")
        page.wait_for(lambda: frame(page)["car"][1] > -2, "the car to have gone a little")
        assert abs(frame(page)["car"][0]) < 0.5 and kernel(page, "drive.driving")
        press(page, "right")
        page.wait_for(lambda: "Arrived: right" in frame(page)["note"], "the car to arrive")
        assert frame(page)["car"][0] > 1 and kernel(page, "float(drive.ride.simulator.pose.x[0])") > 1
        assert demo(page).locator(".mtl-stage-note").inner_text() == "Arrived: right, as it should."
    finally:
        page.execute("Ride._answers = says; drive.reset()")


def test_an_input_fails_on_the_way(page):
    press(page, "Drive")
    page.wait_for(lambda: len(frame(page)["driven"]) > 5, "the car to drive")
    press(page, "no microphone")
    page.wait_for(lambda: not frame(page)["microphone"], "silence")
    assert "hears nothing" in demo(page).inner_text() and "microphone is dead" in readout(page)
    press(page, "no camera")
    page.wait_for(lambda: not frame(page)["camera"], "darkness")
    dark = (
        "() => document.querySelector('.mtl-stage-camera canvas').getContext('2d').getImageData(80, 80, 1, 1).data[0]"
    )
    page.wait_for(lambda: page.page.evaluate(dark) == 0, "a black picture")
    assert kernel(page, "sorted(drive.ride.failing)") == ["camera", "microphone"]
    press(page, "no camera")
    page.wait_for(lambda: page.page.evaluate(dark) > 0, "the picture to come back")
    press(page, "no microphone")
    press(page, "Pause")


def test_sign_and_weather_change_on_the_way(page):
    page.execute("drive.reset(); drive.advance(1)")
    demo(page).locator("select").first.select_option("stop")
    page.wait_for(lambda: "rule of the road: stop" in readout(page), "the sign to count")
    assert kernel(page, "drive.ride.seconds") == 1 and len(frame(page)["driven"]) == 11
    fog = demo(page).locator(".widget-hslider", has_text="fog").locator(".noUi-handle")
    before = page.page.evaluate("() => document.querySelector('.mtl-stage-camera canvas').toDataURL()")
    fog.focus()
    for _ in range(10):
        page.page.keyboard.press("ArrowRight")
    page.wait_for(lambda: kernel(page, "float(drive.ride.row.fog.iloc[0])") > 0.3, "fog")
    canvas = "() => document.querySelector('.mtl-stage-camera canvas').toDataURL()"
    page.wait_for(lambda: page.page.evaluate(canvas) != before, "a foggy picture")
    page.execute("drive.reset()")


def test_the_map_is_driven_by_the_keyboard(page):
    road = demo(page).locator(".mtl-stage-map canvas")
    road.focus()
    page.page.keyboard.press("ArrowUp")
    page.wait_for(lambda: "you say ahead" in readout(page), "the word")
    page.page.keyboard.press(" ")
    page.wait_for(lambda: kernel(page, "drive.driving"), "the car to drive")
    page.page.keyboard.press(" ")
    page.wait_for(lambda: not kernel(page, "drive.driving"), "the car to stand")
    assert "the car at" in road.get_attribute("aria-label")


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_nobody_is_kept_out(page, theme):
    page.theme(theme)
    assert not serious(violations(page.page, ".mtl-drive-demo"))
    demo(page).locator(".mtl-numbers summary").last.click()
    page.wait_for(lambda: "waypoint 5" in demo(page).inner_text(), "the numbers of the map")
    demo(page).locator(".mtl-numbers summary").last.click()


def test_the_command_can_be_heard(page):
    listen = demo(page).locator(".mtl-listen")
    listen.locator("button").click()
    page.wait_for(lambda: (listen.evaluate("e => e.played") or "").startswith("blob:"), "the sound to begin")


def test_releasing_a_weight_retrains_while_the_car_drives(page):
    page.execute("drive.reset()")
    press(page, "Drive")
    track = demo(page).locator(".mtl-lambda-sign input[type=range]").bounding_box()
    page.page.mouse.click(track["x"] + 1, track["y"] + track["height"] / 2)
    page.wait_for(lambda: kernel(page, "drive.training and drive.driving"), "the training to begin")
    before = page.page.evaluate(DRAWN)
    page.wait_for(lambda: page.page.evaluate(DRAWN) > before + 5, "pictures of the drive")
    press(page, "Stop")
    page.wait_for(lambda: not kernel(page, "drive.training"), "the training to stop")
    assert kernel(page, "drive.recorded.weights['sign']") == 0
    page.execute("drive.stop()")


@pytest.mark.parametrize("width", [1440, 1000, 700])
def test_all_of_it_is_seen_at_any_width(page, width):
    try:
        page.page.set_viewport_size({"width": width, "height": 1400})
        page.wait_for(lambda: demo(page).bounding_box()["width"] < width, "the page to follow")
        assert demo(page).evaluate("e => e.scrollWidth <= e.clientWidth")
        for part in ("camera", "map", "answers"):
            assert demo(page).locator(f".mtl-stage-{part}").bounding_box()["width"] > 180, part
    finally:
        page.page.set_viewport_size({"width": 1250, "height": 1400})


def test_an_error_in_the_thread_is_seen_on_the_page(page):
    page.execute("step, drive.recorded.step = drive.recorded.step, lambda: 1 / 0")
    press(page, "Train")
    demo(page).get_by_text("ZeroDivisionError:").wait_for(timeout=30_000)
    page.execute("drive.recorded.step = step; drive.reset()")


def test_ten_seconds_of_anything_and_then_run_all(page):
    """Whoever plays and then runs the lesson gets what it says."""
    draw, end = random.Random(0), time.time() + PLAYED
    buttons = demo(page).locator("button:not([disabled])")
    while time.time() < end:
        act = draw.random()
        if act < 0.7:
            text = buttons.all_inner_texts()
            buttons.nth(draw.randrange(len(text))).click(timeout=2000)
        elif act < 0.85:
            demo(page).locator("select").nth(draw.randrange(2)).select_option(index=draw.randrange(4))
        else:
            slider = demo(page).locator("input[type=range]").nth(draw.randrange(5))
            slider.focus()
            page.page.keyboard.press(draw.choice(["ArrowLeft", "ArrowRight", "Home"]))
        time.sleep(0.1)
    page.run_all(600)
    page.show(".mtl-drive-demo", "drive")
    assert not kernel(page, "drive.computing")
