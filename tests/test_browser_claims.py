"""The claims explorer of lesson 08 in a real browser."""

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser
DEMO = ".mtl-claims-demo"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Lesson 08, run from top to bottom, the demo in view."""
    with open_lesson("08_claims.ipynb", tmp_path_factory, DEMO) as page:
        yield page


def test_another_claim_changes_readout_and_picture(demo):
    text = demo.page.locator(f"{DEMO} .widget-html").first
    picture = demo.page.locator(f"{DEMO} .mtl-picture svg")
    demo.page.locator(f"{DEMO} select").select_option("future")
    demo.wait_for(lambda: "cannot be tested here" in text.inner_text(), "the verdict on the future")
    before = picture.inner_html()
    demo.page.locator(f"{DEMO} select").select_option("driving")
    demo.wait_for(lambda: "for driving" in text.inner_text(), "the claim on driving")
    demo.wait_for(lambda: picture.inner_html() != before, "another picture")
    assert demo.execute("print(demo.claim.value)").strip() == "driving"


def test_a_dragged_threshold_moves_verdicts(demo):
    text = demo.page.locator(f"{DEMO} .widget-html").first
    demo.execute("demo.set(threshold=0)")
    demo.wait_for(lambda: "threshold of 0 points: none" in text.inner_text(), "a threshold of 0")
    slider = demo.page.locator(f"{DEMO} .widget-slider").first
    slider.scroll_into_view_if_needed()
    handle, track = slider.locator(".noUi-handle").bounding_box(), slider.locator(".noUi-base").bounding_box()
    demo.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    demo.page.mouse.down()
    demo.page.mouse.move(track["x"] + track["width"] - 2, handle["y"] + handle["height"] / 2, steps=6)
    demo.page.mouse.up()
    demo.wait_for(lambda: float(demo.execute("print(demo.threshold.value)")) > 9, "the threshold to follow the mouse")
    demo.wait_for(lambda: "→" in text.inner_text(), "verdicts that have moved")
