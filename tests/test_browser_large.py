"""The price, merge and neighbours demos and the λ lab of lesson 07 in a real browser."""

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
    picture = demo.page.locator(f"{DEMO} .mtl-picture svg")
    demo.page.locator(f"{DEMO} select").nth(0).select_option("BERT base")
    demo.page.locator(f"{DEMO} select").nth(1).select_option("all-MiniLM-L6")
    demo.wait_for(lambda: "from 5 tasks on" in text.inner_text(), "the break-even of BERT base")
    before = picture.inner_html()
    demo.page.locator(f"{DEMO} select").nth(0).select_option("BERT large")
    demo.wait_for(lambda: "from 16 tasks on" in text.inner_text(), "the break-even of BERT large")
    demo.wait_for(lambda: picture.inner_html() != before, "another picture")
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


def test_the_lab_trains_heads_on_the_encoder_while_a_slider_is_dragged(demo):
    """Lesson 07's λ lab: the features of 23 million frozen weights are kept, so it is as live as on a small model."""
    demo.show_lab()
    before, drawn = demo.readout()["step"], demo.picture()
    demo.press("Train")
    demo.wait_for(lambda: demo.readout()["step"] > before + 100, "100 more steps", 30)
    demo.drag("topic", 0.1)
    demo.wait_for(lambda: demo.readout()["topic"] < 0.1, "the loop to use the λ of the slider")
    demo.wait_for(lambda: demo.picture() != drawn, "the curves to move")
    demo.press("Pause")
    demo.wait_for(lambda: demo.execute("print(lab.training)").strip() == "False", "the pause")


def test_a_coefficient_that_is_dragged_to_zero_takes_its_task_away(demo):
    """The merge demo: its slider, readout and picture."""
    merge = ".mtl-merge-demo"
    demo.execute("merging.set(topic=1, sentiment=1)")
    demo.show(merge, "merging")
    text, picture = demo.page.locator(f"{merge} .widget-html").first, demo.page.locator(f"{merge} .mtl-picture svg")
    demo.wait_for(lambda: "W + 1 ΔWtopic + 1 ΔWsentiment" in text.inner_text(), "the readout of 1 and 1")
    before, slider = picture.inner_html(), demo.page.locator(f"{merge} .widget-slider").first
    slider.scroll_into_view_if_needed()
    handle, track = slider.locator(".noUi-handle").bounding_box(), slider.locator(".noUi-base").bounding_box()
    demo.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    demo.page.mouse.down()
    demo.page.mouse.move(track["x"] + 1, handle["y"] + handle["height"] / 2, steps=6)
    demo.page.mouse.up()
    demo.wait_for(lambda: "W + 0 ΔWtopic + 1 ΔWsentiment" in text.inner_text(), "the readout of 0 and 1")
    demo.wait_for(lambda: picture.inner_html() != before, "another picture")
    assert demo.execute("print(merging.coefficients)").strip() == "(0.0, 1.0)"


def test_another_name_brings_other_neighbours(demo):
    """The neighbours demo: a click on a name, and the review by keyboard."""
    near = ".mtl-neighbours-demo"
    demo.execute("neighbours.set(review=1, name='topic', encoder='with LoRA')")
    demo.show(near, "neighbours")
    text, picture = demo.page.locator(f"{near} .widget-html").first, demo.page.locator(f"{near} .mtl-picture svg")
    demo.wait_for(lambda: "topic: " in text.inner_text(), "the name before the texts")
    before = picture.inner_html()
    demo.page.locator(f"{near} button", has_text="sentiment").click()
    demo.wait_for(lambda: "sentiment: " in text.inner_text(), "the other name before the texts")
    demo.wait_for(lambda: picture.inner_html() != before, "another picture")
    assert demo.execute("print(neighbours.name.value)").strip() == "sentiment"
    demo.page.locator(f"{near} .noUi-handle").focus()
    demo.page.keyboard.press("ArrowRight")
    demo.wait_for(lambda: demo.execute("print(neighbours.review.value)").strip() == "2", "the next review")


def test_a_rate_that_is_typed_changes_the_money(demo):
    demo.show(DEMO, "demo")
    text = demo.page.locator(f"{DEMO} .widget-html").first
    before = text.inner_text()
    field = demo.page.locator(f"{DEMO} .widget-text input").first
    field.fill("20")
    field.press("Enter")
    demo.wait_for(lambda: text.inner_text() != before, "other prices")
    assert float(demo.execute("print(demo.rate.value)")) == 20
