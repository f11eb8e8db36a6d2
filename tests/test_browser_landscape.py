"""The landscape demo of lesson 04 in a real browser: start and λ are dragged while the path runs, and the paths answer."""

import math

import pytest
from browser import open_lesson

pytestmark = pytest.mark.browser
DEMO = ".mtl-landscape-demo"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 04, run from top to bottom, the demo in view."""
    with open_lesson("04_training.ipynb", tmp_path_factory, ".mtl-landscape", "landscape") as page:
        yield page


@pytest.fixture(autouse=True)
def from_the_start(page):
    """Every test begins with the same start and λ, drawn on the page."""
    page.execute("landscape.set((1.4, 2.2), optimizer='SGD', methods=['sum', 'MGDA'], steep=1, gentle=1)")
    page.wait_for(lambda: drawn(page, "l.start") == [1.4, 2.2] and "by hand" not in paths(page), "the start")
    page.wait_for(lambda: set(paths(page)) == {"sum", "MGDA"}, "the paths")


def drawn(page, what: str):
    """Something of what the page draws."""
    return page.page.locator(".mtl-landscape").first.evaluate(f"el => {{ const l = el.landscape; return {what}; }}")


def paths(page) -> dict[str, dict]:
    return drawn(page, "l.paths")


def ends(page) -> dict[str, float]:
    """How far each path's end is from the Pareto set."""
    return {name: path["off"] for name, path in paths(page).items()}


def picture(page) -> str:
    return drawn(page, "l.plane.canvas.toDataURL() + l.space.canvas.toDataURL()")


def on_page(page, x: float, y: float) -> tuple[float, float]:
    """Where the parameters (x, y) lie on the page."""
    canvas = page.page.locator(f"{DEMO} canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + drawn(page, f"l.plane.x({x})"), box["y"] + drawn(page, f"l.plane.y({y})")


def test_the_start_is_dragged_and_paths_and_picture_follow(page):
    before, mouse = picture(page), page.page.mouse
    assert ends(page)["sum"] > 1 > 0.05 > ends(page)["MGDA"]
    target = on_page(page, 0.1, 1.1)
    mouse.move(*on_page(page, 1.4, 2.2))
    mouse.down()
    mouse.move(*target, steps=10)
    try:
        page.wait_for(lambda: ends(page)["MGDA"] > 1 > 0.05 > ends(page)["sum"], "the paths of the new start")
        page.wait_for(lambda: picture(page) != before, "another picture")
    finally:
        mouse.up()
    x, y = map(float, page.execute("print(*landscape.start_point)").split())
    assert math.dist((x, y), (0.1, 1.1)) < 0.05
    assert drawn(page, "l.start") == [x, y] == [paths(page)["sum"][axis][0] for axis in ("x", "y")]
    mouse.move(*on_page(page, -1, 0.5), steps=3)  # a mouse that was let go drags no more
    page.execute("pass")
    assert drawn(page, "l.start") == [x, y]


def test_the_arrow_keys_move_the_start(page):
    page.page.locator(f"{DEMO} canvas").first.focus()
    page.page.keyboard.press("ArrowLeft")
    page.wait_for(lambda: paths(page)["sum"]["x"][0] == 1.35, "the path from one step to the left")


def test_lambda_is_dragged_while_the_path_runs_and_leads_it_out_of_the_trap(page):
    demo = page.page.locator(DEMO)
    demo.locator("button", has_text="Run by hand").click()
    page.wait_for(lambda: "by hand" in paths(page) and paths(page)["by hand"]["steep"][-1] < 0.3, "the trap")
    assert ends(page)["by hand"] > 1
    demo.locator(".mtl-lambda-steep input[type=range]").focus()
    for _ in range(6):
        page.page.keyboard.press("ArrowLeft")
    page.wait_for(lambda: ends(page)["by hand"] < 0.05, "the path to arrive")
    demo.locator("button", has_text="Pause").click()
    page.wait_for(lambda: page.execute("print(landscape.computing)").strip() == "False", "the pause")
    assert demo.locator(".mtl-landscape-key label", has_text="by hand").inner_text().endswith("on the set")


def test_a_method_is_chosen_in_the_key(page):
    page.page.locator(f"{DEMO} .mtl-landscape-key label", has_text="IMTL-G").locator("input").click()
    page.wait_for(lambda: set(paths(page)) == {"sum", "MGDA", "IMTL-G"}, "the path of IMTL-G")
    page.page.locator(f"{DEMO} .mtl-landscape-key label", has_text="MGDA").locator("input").click()
    page.wait_for(lambda: set(paths(page)) == {"sum", "IMTL-G"}, "MGDA to go")


def test_it_is_drawn_as_wide_as_the_page_and_in_its_theme(page):
    wide = picture(page)
    for width in (760, 1700):
        before = picture(page)
        page.page.set_viewport_size({"width": width, "height": 1400})
        page.wait_for(lambda before=before: picture(page) != before, "another width")
        for plane in ("plane", "space"):
            room, taken = drawn(page, f"[l.{plane}.box.clientWidth, l.{plane}.canvas.getBoundingClientRect().width]")
            assert 0.9 * room < taken <= room
    page.page.set_viewport_size({"width": 1250, "height": 1400})
    page.wait_for(lambda: picture(page) == wide, "the picture as it was")
    page.theme("Dark")
    page.wait_for(lambda: picture(page) != wide, "a dark picture")
    page.theme("Light")
    page.wait_for(lambda: picture(page) == wide, "the light one again")
