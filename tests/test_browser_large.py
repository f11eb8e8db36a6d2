"""The price demo and the λ lab of lesson 07 in a real browser."""

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser
DEMO = ".mtl-price-demo"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Lesson 07, run from top to bottom, the demo in view."""
    with open_lesson("07_large_models.ipynb", tmp_path_factory, DEMO) as page:
        yield page


def test_another_encoder_changes_readout_and_picture(demo):
    text = demo.page.locator(f"{DEMO} .widget-html").first
    picture = demo.page.locator(f"{DEMO} img").first
    demo.page.locator(f"{DEMO} select").nth(0).select_option("BERT base")
    demo.page.locator(f"{DEMO} select").nth(1).select_option("all-MiniLM-L6")
    demo.wait_for(lambda: "from 5 tasks on" in text.inner_text(), "the break-even of BERT base")
    before = picture.get_attribute("src")
    demo.page.locator(f"{DEMO} select").nth(0).select_option("BERT large")
    demo.wait_for(lambda: "from 16 tasks on" in text.inner_text(), "the break-even of BERT large")
    demo.wait_for(lambda: picture.get_attribute("src") != before, "another picture")
    assert demo.execute("print(demo.large.value, demo.break_even)").strip() == "BERT large 16"


def test_a_dragged_slider_changes_the_number_of_tasks(demo):
    slider = demo.page.locator(f"{DEMO} .widget-slider").first
    slider.scroll_into_view_if_needed()
    handle, track = slider.locator(".noUi-handle").bounding_box(), slider.locator(".noUi-base").bounding_box()
    demo.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    demo.page.mouse.down()
    demo.page.mouse.move(track["x"] + track["width"] - 2, handle["y"] + handle["height"] / 2, steps=6)
    demo.page.mouse.up()
    demo.wait_for(lambda: int(demo.execute("print(demo.tasks.value)")) > 55, "the tasks to follow the mouse")
