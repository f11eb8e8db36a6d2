"""The model demo of lesson 02 in a real browser: clicks and a dragged slider build, draw and time another model."""

import re

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Lesson 02, run from top to bottom, the demo in view."""
    with open_lesson("02_model.ipynb", tmp_path_factory, ".mtl-model-demo") as page:
        yield page


def text(page) -> str:
    return page.page.locator(".mtl-model-demo .widget-html").first.inner_text()


def picture(page) -> str:
    return page.page.locator(".mtl-model-demo .mtl-picture svg").evaluate("picture => picture.outerHTML")


def timed(page, *shown: str) -> None:
    """Wait until the readout names the model and gives the time of its step."""
    page.wait_for(
        lambda: all(part in text(page) for part in shown) and re.search(r"\d\.\d ms", text(page)), f"{shown}, timed"
    )


def test_a_click_on_an_encoder_builds_draws_and_times_it(demo):
    before = picture(demo)
    demo.page.locator(".mtl-model-demo button", has_text="CNN").click()
    timed(demo, "CNN, width 32")
    demo.wait_for(lambda: picture(demo) != before, "another picture")
    assert demo.execute("print(type(demo.model.encoder).__name__)").strip() == "CNNEncoder"


def test_the_width_slider_and_the_heads_answer(demo):
    slider = demo.page.locator(".mtl-model-demo .widget-slider")
    slider.scroll_into_view_if_needed()
    handle, track = slider.locator(".noUi-handle").bounding_box(), slider.locator(".noUi-base").bounding_box()
    demo.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    demo.page.mouse.down()
    demo.page.mouse.move(track["x"] + 2, handle["y"] + handle["height"] / 2, steps=6)
    demo.page.mouse.up()
    timed(demo, "width 8")
    boxes = demo.page.locator(".mtl-model-demo input[type=checkbox]")
    for number in range(3):
        boxes.nth(number).set_checked(number == 2)
    timed(demo, "1 single-task model")
    assert demo.execute("print(demo.heads, demo.parameter_ratio)").strip() == "['stars'] 1.0"


def test_without_a_head_the_page_says_what_to_do(demo):
    boxes = demo.page.locator(".mtl-model-demo input[type=checkbox]")
    for number in range(3):
        boxes.nth(number).uncheck()
    demo.page.get_by_text("tick at least one task").first.wait_for(timeout=20_000)
    boxes.nth(0).check()
    timed(demo, "1 single-task model")


def test_the_picture_keeps_within_the_page_and_takes_its_ink(demo):
    picture = demo.page.locator(".mtl-model-demo .mtl-picture")
    looks = """e => { const looks = getComputedStyle(e), svg = e.shadowRoot.querySelector('svg');
        return [getComputedStyle(svg).fill, looks.getPropertyValue('--mtl-0072b2'), e.clientWidth] }"""
    try:
        demo.page.set_viewport_size({"width": 700, "height": 900})
        demo.wait_for(lambda: picture.evaluate(looks)[2] < 500, "the narrow page")
        assert demo.page.locator(".mtl-model-demo").evaluate("e => e.scrollWidth <= e.clientWidth")
        demo.theme("Dark")
        demo.wait_for(lambda: picture.evaluate(looks)[1] not in ("#0072B2", "#0072b2"), "the dark page")
        ink, blue, *_ = picture.evaluate(looks)
        assert min(map(int, re.findall(r"\d+", ink)[:3])) > 200 and blue == "#3E9BE0"
    finally:
        demo.theme("Light")
        demo.page.set_viewport_size({"width": 1250, "height": 1400})
