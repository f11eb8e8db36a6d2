"""The gradient demo of lesson 04 in a real browser: an arrow and a slider are dragged, and the numbers answer."""

import math
import re

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 04, run from top to bottom, the demo in view."""
    with open_lesson("04_training.ipynb", tmp_path_factory, ".mtl-gradient-demo", "arrows") as page:
        yield page


@pytest.fixture(autouse=True)
def from_the_start(page):
    """Every test begins with the same gradients, drawn on the page."""
    page.execute("arrows.set((1, 0), (0, 1), methods=['sum', 'PCGrad'], same_length=False)")
    page.wait_for(lambda: cosine(page) == 0, "gradients at right angles")
    page.wait_for(lambda: shown_angle(page) == 90, "the slider, which a test may drag")
    page.still(lambda: picture(page))


def readout(page) -> str:
    return page.page.locator(".mtl-gradient-demo .widget-html").first.inner_text()


def cosine(page) -> float:
    return float(re.search(r"cosine of the gradients (-?[\d.]+)", readout(page))[1])


def shown_angle(page) -> float:
    return float(page.page.locator(".mtl-gradient-sentiment-angle .widget-readout").inner_text())


def angle(page) -> float:
    """Of sentiment's gradient, in degrees."""
    x, y = gradient(page, "sentiment")
    return math.degrees(math.atan2(y, x))


def effects(page) -> dict[str, str]:
    rows = [line.split("\t") for line in readout(page).splitlines() if "\t" in line]
    return {row[0].strip(): row[-1].strip() for row in rows[1:]}


def picture(page) -> str:
    return page.page.locator(".mtl-gradient-demo canvas").first.evaluate("canvas => canvas.toDataURL()")


def gradient(page, task: str) -> tuple[float, float]:
    return tuple(map(float, page.execute(f"print(*arrows.gradients['{task}'])").split()))


def on_page(page, x: float, y: float) -> tuple[float, float]:
    """Where the point (x, y) of the demo's plane lies on the page."""
    code = f"p = arrows._plot; print(*p._ax.transData.transform(({x}, {y})), *p.figure.bbox.size)"
    left, low, width, height = map(float, page.execute(code).split())
    canvas = page.page.locator(".mtl-gradient-demo canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + left / width * box["width"], box["y"] + (1 - low / height) * box["height"]


def drag(page, start: tuple[float, float], end: tuple[float, float], *, steps: int = 8, let_go: bool = True) -> None:
    mouse = page.page.mouse
    mouse.move(*on_page(page, *start))
    mouse.down()
    mouse.move(*on_page(page, *end), steps=steps)
    if let_go:
        mouse.up()


def test_an_arrow_is_dragged_and_readout_sliders_and_picture_follow(page):
    before = picture(page)
    drag(page, (0, 1), (-0.6, 0.3), let_go=False)
    try:
        page.wait_for(lambda: math.dist(gradient(page, "sentiment"), (-0.6, 0.3)) < 0.05, "the arrow to follow")
        page.wait_for(lambda: effects(page) == {"sum": "harms sentiment", "PCGrad": "helps both"}, "the readout")
        page.wait_for(lambda: picture(page) != before, "another picture")
        page.wait_for(lambda: abs(shown_angle(page) - 153) <= 3, "the slider to follow")
    finally:
        page.page.mouse.up()
    assert gradient(page, "topic") == (1, 0)


def test_a_drag_leaves_nothing_behind(page):
    drag(page, (1, 0), (0.8, 0.8), steps=30)  # no shorter or longer: the view would change, and all be drawn anew
    page.wait_for(lambda: math.dist(gradient(page, "topic"), (0.8, 0.8)) < 0.02, "the arrow to follow")
    page.wait_for(lambda: abs(cosine(page) - 0.71) < 0.02, "the readout")
    dragged = page.still(lambda: picture(page))
    page.execute("arrows.canvas.draw()")
    assert page.still(lambda: picture(page)) == dragged


def test_a_mouse_that_was_let_go_drags_no_more(page):
    drag(page, (1, 0), (0.8, 0.8))
    page.wait_for(lambda: math.dist(gradient(page, "topic"), (0.8, 0.8)) < 0.02, "the arrow to follow")
    before = gradient(page, "topic")
    page.page.mouse.move(*on_page(page, -1, -1), steps=4)
    drag(page, (-0.5, -0.5), (-1, -1))  # nothing to take hold of there
    page.execute("pass")
    assert gradient(page, "topic") == before and gradient(page, "sentiment") == (0, 1)


def test_a_slider_is_dragged_and_readout_and_arrow_follow(page):
    before = picture(page)
    slider = page.page.locator(".mtl-gradient-sentiment-angle")
    handle, track = slider.locator(".noUi-handle").bounding_box(), slider.locator(".noUi-base").bounding_box()
    level = handle["y"] + handle["height"] / 2
    page.page.mouse.move(handle["x"] + handle["width"] / 2, level)
    page.page.mouse.down()
    page.page.mouse.move(track["x"] + track["width"] * 330 / 360, level, steps=8)
    page.page.mouse.up()
    page.wait_for(lambda: abs(angle(page) - 150) <= 4, "the gradient to follow to the end of the drag")
    page.wait_for(lambda: cosine(page) < -0.8, "a conflict in the readout")
    assert math.isclose(math.hypot(*gradient(page, "sentiment")), 1)
    page.wait_for(lambda: picture(page) != before, "another picture")


def test_a_preset_and_a_method_are_chosen_by_a_click(page):
    page.page.locator(".mtl-gradient-demo button", has_text="conflict").click()
    page.wait_for(lambda: cosine(page) == -0.5, "the preset")
    before = page.still(lambda: picture(page))
    page.page.locator(".mtl-gradient-demo .widget-checkbox", has_text="MGDA").locator("input").click()
    page.wait_for(lambda: set(effects(page)) == {"sum", "MGDA", "PCGrad"}, "another method")
    page.wait_for(lambda: picture(page) != before, "its arrow")
