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
    return page.page.locator(".mtl-arrows > svg").evaluate("picture => picture.outerHTML")


def gradient(page, task: str) -> tuple[float, float]:
    return tuple(map(float, page.execute(f"print(*arrows.gradients['{task}'])").split()))


def on_page(page, x: float, y: float) -> tuple[float, float]:
    """Where the point (x, y) of the demo's plane lies on the page."""
    plane, radius = page.page.locator(".mtl-arrows > svg"), float(page.execute("print(arrows.plane.radius)"))
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    return box["x"] + box["width"] / 2 * (1 + x / radius), box["y"] + box["height"] / 2 * (1 - y / radius)


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


def test_results_and_shade_are_drawn_where_they_are(page):
    page.execute("arrows.set((1.5, 0), (-0.5, 0.5), methods=['sum', 'PCGrad'])")
    page.still(lambda: picture(page))
    tips = "name => document.querySelector(`.mtl-arrows polygon[data-arrow=${name}]`).points[0]"
    box = page.page.locator(".mtl-arrows > svg").bounding_box()
    for name in ("sum", "PCGrad"):
        x, y = map(float, page.execute(f"print(*arrows.results.loc['{name}', ['x', 'y']])").split())
        tip = page.page.evaluate(f"name => {{ const p = ({tips})(name); return [p.x, p.y] }}", name)
        there = on_page(page, x, y)
        assert math.dist((box["x"] + tip[0], box["y"] + tip[1]), there) < 2, name
    inside = """([x, y]) => { const shade = document.querySelector('.mtl-arrows-safe'), svg = shade.ownerSVGElement;
        return shade.isPointInFill(Object.assign(svg.createSVGPoint(), {x, y})) }"""
    for name, harmless in (("sum", False), ("PCGrad", True)):
        tip = page.page.evaluate(f"name => {{ const p = ({tips})(name); return [p.x, p.y] }}", name)
        assert page.page.evaluate(inside, tip) == harmless, name


def test_the_keyboard_turns_and_lengthens(page):
    page.page.locator(".mtl-arrows-handle").nth(1).focus()
    for key in ("ArrowLeft", "ArrowLeft"):
        page.page.keyboard.press(key)
        page.still(lambda: angle(page), 0.2)
    assert math.isclose(angle(page), 100, abs_tol=0.1)
    page.page.keyboard.press("ArrowUp")
    page.wait_for(
        lambda: math.isclose(math.hypot(*gradient(page, "sentiment")), 10**0.05, rel_tol=1e-3), "a longer arrow"
    )


def test_the_view_glides_and_rests_where_a_drag_ends(page):
    before = page.execute("print(arrows.plane.radius)")
    drag(page, (0, 1), (-0.7, 0.7))
    page.wait_for(lambda: math.dist(gradient(page, "sentiment"), (-0.7, 0.7)) < 0.05, "the arrow to follow")
    assert page.execute("print(arrows.plane.radius)") == before


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
    page.page.locator(".mtl-arrows-key button", has_text="MGDA").click()
    page.wait_for(lambda: set(effects(page)) == {"sum", "MGDA", "PCGrad"}, "another method")
    page.wait_for(lambda: picture(page) != before, "its arrow")


def test_all_of_it_is_seen_on_a_narrow_page(page):
    try:
        page.page.set_viewport_size({"width": 700, "height": 900})
        demo = page.page.locator(".mtl-gradient-demo")
        page.wait_for(lambda: demo.bounding_box()["width"] < 500, "the narrow page")
        assert demo.evaluate("e => e.scrollWidth <= e.clientWidth")
    finally:
        page.page.set_viewport_size({"width": 1250, "height": 1400})
