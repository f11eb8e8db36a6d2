"""The λ lab as it is seen: no step lost on its way to the page, any width, light and dark, points that can be read."""

import json
import random
import time

import nbformat
import pytest
from browser import NotebookPage, copy_course, launch, need_chromium, start_lab

from mtl_helpers.plots.styles import on_dark, task_styles

pytestmark = pytest.mark.browser
CELL = """from mtl_helpers.live import LambdaLab, lab_worlds
lab = LambdaLab.of(lab_worlds())
lab.panel.speed.value = 0
lab"""
SILHOUETTE = """
from sklearn.metrics import silhouette_score as silhouette
import json
def apart(x, y, labels):
    known = [i for i, label in enumerate(labels) if label is not None]
    return float(silhouette([[x[i], y[i]] for i in known], [labels[i] for i in known]))
"""
PICTURE = """e => { const { state, picture } = e.points;
    return { step: picture.step, x: picture.x, y: picture.y, labels: state.about.tasks.map(t => t.values) } }"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    need_chromium()
    from playwright.sync_api import sync_playwright

    course = copy_course(tmp_path_factory.mktemp("course"))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(CELL)]
    (course / "learn").mkdir(exist_ok=True)
    nbformat.write(notebook, course / "learn" / "lab.ipynb")
    server = start_lab(course, tmp_path_factory.mktemp("server"))
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            page = NotebookPage(browser, server, "lab.ipynb")
            page.run_all()
            page.show_lab()
            page.execute(SILHOUETTE)
            yield page
            assert page.errors == []
            browser.close()
    finally:
        server.close()


@pytest.fixture(autouse=True)
def anew(lab):
    lab.execute("lab.set(topic=1, sentiment=1)")
    yield
    lab.page.set_viewport_size({"width": 1440, "height": 1400})
    lab.press("Reset")
    lab.wait_for(lambda: lab.readout()["step"] == 0, "the lab at step 0")


def test_what_the_page_has_drawn_is_the_history_at_every_stop(lab):
    draw = random.Random(0)
    same = """print(json.loads(%r) == {p: {k: [None if v != v else v for v in c] for k, c in t.items()}
        for p, t in lab.views.curves.tables.items()})"""
    for stop in range(50):
        lab.execute(f"lab.set(topic={draw.choice([0, 0.1, 1, 10])}); lab.run({draw.randint(1, 9)})")
        if stop % 10 == 9:
            lab.execute("lab.reset(); lab.run(2)")
        steps = int(lab.execute("print(lab.step)"))
        lab.wait_for(lambda steps=steps: len(lab.drawn()["loss"]["x"]) == steps, f"{steps} steps on the page", 10)
        assert lab.execute(same % json.dumps(lab.drawn())).strip() == "True", f"stop {stop}"


def test_islands_form_when_the_weight_of_topic_is_raised(lab):
    """Six topics, and the encoder: with λ topic 0.01 they lie mixed, with λ 3 apart."""
    lab.execute("lab.set(topic=0.01)")
    lab.page.get_by_text("what the encoder sees").first.click()
    cloud = lab.page.locator(".mtl-points")

    def apart() -> float:
        steps = int(lab.execute("print(lab.step)"))
        lab.wait_for(lambda: cloud.evaluate("e => e.points.picture?.step") == steps, "the last picture", 20)
        shown = cloud.evaluate(PICTURE)
        return float(lab.execute(f"print(apart({shown['x']}, {shown['y']}, {shown['labels'][0]!r}))"))

    lab.execute("lab.run(150)")
    mixed = apart()
    lab.drag("topic", 0.84)
    lab.wait_for(lambda: lab.readout()["topic"] == 3, "λ topic at 3")
    lab.execute("lab.run(300)")
    islands = apart()
    assert mixed < 0.1 and islands > mixed + 0.15, (mixed, islands)

    cloud.locator("canvas").first.scroll_into_view_if_needed()
    x, y = cloud.evaluate(
        "e => { const b = e.points.canvas.getBoundingClientRect(), [x, y] = e.points.places[7]; return [b.x + x, b.y + y] }"
    )
    lab.page.mouse.move(x, y)
    over = lab.wait_for(lambda: cloud.evaluate("e => e.points.over") is not None, "the point under the mouse") and (
        cloud.evaluate("e => e.points.over")
    )
    text = lab.execute(f"print(lab_worlds()['reviews']().examples[{over}])").strip()
    told = cloud.locator(".mtl-points-tip").inner_text()
    assert text[:40] in told and "topic: " in told and "the head says" in told
    first = cloud.evaluate("e => e.points.state.pictures[0].step")
    cloud.locator(".mtl-points-time input").evaluate("e => { e.value = 0; e.dispatchEvent(new Event('input')) }")
    assert cloud.evaluate("e => e.points.picture.step") == first == 25
    lab.page.get_by_text("what the encoder sees").first.click()


@pytest.mark.parametrize("width", [1440, 1000, 700])
def test_nothing_is_cut_at_any_width_and_the_sliders_stay_in_sight(lab, width):
    lab.execute("lab.run(40)")
    lab.page.set_viewport_size({"width": width, "height": 800})
    time.sleep(1)
    box = lab.page.locator(".mtl-lambda-lab").bounding_box()
    inside = lab.page.locator(".mtl-lambda-lab").evaluate(
        """lab => [...lab.querySelectorAll('.mtl-panel canvas, .mtl-slider, button, .mtl-readout, svg')]
            .filter(e => e.offsetParent !== null || e instanceof SVGElement).map(e => e.getBoundingClientRect())
            .filter(b => b.width && b.right > lab.getBoundingClientRect().right + 1).length"""
    )
    assert inside == 0 and box["width"] <= width
    lab.page.locator(".mtl-panel").last.scroll_into_view_if_needed()
    time.sleep(0.5)
    slider = lab.page.locator(".mtl-lambda-sentiment input[type=range]").bounding_box()
    assert 0 <= slider["y"] < 800, "the sliders are beside or above the curves, wherever the page stands"


def test_the_dark_theme_has_light_ink_on_every_panel(lab):
    lab.execute("lab.run(30)")
    ink = "e => getComputedStyle(e).color"
    light = lab.page.locator(".mtl-chart").evaluate(ink)
    lab.theme("Dark")
    try:
        lab.wait_for(lambda: lab.page.locator(".mtl-chart").evaluate("e => e.chart.look.dark"), "the charts to notice")
        assert lab.page.locator(".mtl-chart").evaluate(ink) != light
        topic = (
            "e => e.style.getPropertyValue('--mtl-task') || e.querySelector('*').style.getPropertyValue('--mtl-task')"
        )
        assert lab.page.locator(".mtl-lambda-topic").evaluate(topic) == on_dark(
            task_styles(["topic"])["topic"]["color"]
        )
    finally:
        lab.theme("Light")
    lab.wait_for(lambda: not lab.page.locator(".mtl-chart").evaluate("e => e.chart.look.dark"), "the light theme")


def test_a_curve_can_be_hovered_and_a_weight_typed(lab):
    lab.execute("lab.run(40)")
    panel = lab.page.locator(".mtl-panel").first
    panel.scroll_into_view_if_needed()
    box = panel.locator(".u-over").bounding_box()
    lab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = panel.locator(".mtl-panel-tip")
    lab.wait_for(lambda: "step 2" in tip.inner_text() and "topic" in tip.inner_text(), "the values under the mouse")
    typed = lab.page.locator(".mtl-lambda-topic .mtl-slider-value")
    typed.fill("1,25")
    typed.press("Enter")
    lab.wait_for(lambda: lab.readout()["topic"] == 1.25, "the typed λ")
    typed.fill("a lot")
    typed.press("Enter")
    assert "mtl-wrong" in typed.get_attribute("class") and lab.readout()["topic"] == 1.25
    typed.fill("1")
    typed.press("Enter")
    lab.wait_for(lambda: lab.readout()["topic"] == 1, "λ back at 1")


def test_step_preset_and_replay_by_button(lab):
    page = lab
    page.press("Step")
    page.wait_for(lambda: page.readout()["step"] == 1, "one step")
    page.press("more")
    page.page.locator("select:has(option:text-is('only sentiment'))").select_option(label="only sentiment")
    page.press("Train")
    page.wait_for(lambda: page.readout()["step"] > 30, "30 steps")
    page.press("Pause")
    page.wait_for(lambda: page.execute("print(lab.training)").strip() == "False", "the pause")
    assert page.readout()["topic"] == 0 and page.readout()["sentiment"] == 1
    page.execute("before, first = lab.history, lab.recorded.records")
    page.press("Replay")
    replayed = "print(lab.recorded.records is not first and lab.step == len(before) // 2 and not lab.training)"
    page.wait_for(lambda: page.execute(replayed).strip() == "True", "the replay, begun and ended")
    assert page.execute("print(lab.history.equals(before))").strip() == "True"
    page.press("more")


def test_a_rule_takes_the_wheel_by_the_choice_on_the_page_and_a_slider_takes_it_back(lab):
    page = lab
    page.press("Train")
    page.wait_for(lambda: page.readout()["step"] > 10, "10 steps")
    page.press("more")
    page.page.locator(".mtl-lambda-method select").select_option("random")
    header = page.page.locator(".mtl-lambda-lab .mtl-readout")
    header.get_by_text("λ by random").wait_for()
    at = page.readout()["step"]
    page.wait_for(lambda: page.readout()["step"] > at + 25 and page.readout()["topic"] != 1, "λ by the rule")
    drawn = page.picture()
    at = page.readout()["step"]
    page.wait_for(lambda: page.readout()["step"] > at + 10 and page.picture() != drawn, "the track to move")
    assert page.execute("print(lab.method)").strip() == "random", "a slider that follows a rule does not take over"

    page.drag("topic", 0.1)
    page.page.get_by_text("you drive").wait_for()
    page.wait_for(lambda: page.readout()["topic"] < 0.1, "λ of the slider")
    page.press("Pause")
    methods = page.execute("print(*lab.events.query('task == \"method\"').value, sep='|')")
    assert methods.strip() == "random|by hand"
    page.press("more")
    page.execute("lab.set(topic=1)")


def test_other_data_are_chosen_on_the_page(lab):
    shown = lab.page.locator(".mtl-lambda-data select")
    before = lab.page.locator(".mtl-lambda-lab").bounding_box()
    shown.select_option("two digits")
    lab.page.locator(".mtl-lambda-left").wait_for()
    box = lab.page.locator(".mtl-lambda-lab")  # while it is laid out a row may be a few pixels lower
    lab.wait_for(lambda: abs(box.bounding_box()["height"] - before["height"]) < 5, "a lab as high as before: no jump")
    lab.press("Train")
    lab.wait_for(lambda: lab.readout()["step"] > 20, "20 steps")
    lab.press("Pause")
    assert {"left", "right"} <= lab.readout().keys()
    shown.select_option("reviews")
    lab.page.locator(".mtl-lambda-topic").wait_for()
