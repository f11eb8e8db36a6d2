"""The course in a real browser: JupyterLab as `make lab` starts it, a real kernel, a mouse on the sliders."""

import os
import re
import sys
import time
from pathlib import Path

import pytest
from browser import (
    ROOT,
    NotebookPage,
    Server,
    changed_files,
    copy_course,
    free_port,
    launch,
    need_chromium,
    start_lab,
    stored,
)

pytestmark = pytest.mark.browser

IDLE = """() => { const s = window.jupyterapp.shell.currentWidget?.sessionContext?.session;
    return s?.kernel?.status === 'idle' && s.kernel.connectionStatus === 'connected' }"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    need_chromium()
    return copy_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def server(course, tmp_path_factory):
    server = start_lab(course, tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def browser():
    need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def start_here(browser, server):
    """Lesson 00, run from top to bottom, the lab in view and back at step 0."""
    page = NotebookPage(browser, server, "00_start_here.ipynb")
    page.run_all()
    page.show_lab()
    page.press("Reset")
    page.wait_for(lambda: page.readout()["step"] == 0, "the lab at step 0")
    yield page
    assert page.errors == []
    page.close()


def test_it_runs_again_after_a_restart_and_leaves_no_trace(browser, server, course):
    """Each lesson is run once by nbval and once in its own browser test; this one twice in one page."""
    path = course / "learn" / "00_start_here.ipynb"
    page, before = NotebookPage(browser, server, path.name), stored(course / "notebooks" / path.name)
    time.sleep(1)
    assert page.saved(), "marked as unsaved as soon as it is opened"
    assert page.page.locator("img[alt^='A review goes']").evaluate("image => image.naturalWidth") > 0
    page.run_all()
    page.show_lab()
    page.restart_kernel()
    sign = "e => getComputedStyle(e, '::before').content"
    lab = page.page.locator(".mtl-lambda-lab.jupyter-widgets-disconnected")
    lab.wait_for()
    assert "Run this cell" in lab.evaluate(sign)
    assert set(lab.locator(".jupyter-widgets-disconnected").evaluate_all(f"all => all.map({sign})")) == {"none"}
    page.run_all()
    assert page.errors == []
    page.save()
    page.wait_for(page.saved, "the notebook to be saved")
    assert stored(path) == before, "a saved notebook differs from the shipped one in more than its pictures"
    page.close()
    assert changed_files(course) == ""


def test_every_lesson_is_opened_in_a_browser():
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_browser*.py"))
    lessons = [path.name for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert lessons and [name for name in lessons if f'"{name}"' not in tests] == []


def test_the_loop_takes_what_the_mouse_drags_while_it_trains(start_here):
    page = start_here
    empty = page.still_picture()
    page.press("Train")
    page.wait_for(lambda: page.readout()["step"] > 20, "20 steps")
    page.wait_for(lambda: page.picture() != empty, "the curves to appear")
    drawn, before = page.picture(), page.readout()
    page.drag("topic", 0.1)
    page.wait_for(lambda: page.readout()["topic"] < 0.1, "the loop to use the λ of the slider")
    assert page.readout()["sentiment"] == before["sentiment"]
    later = page.readout()["step"]
    page.wait_for(lambda: page.readout()["step"] > later + 10, "training to go on")
    page.wait_for(lambda: page.picture() != drawn, "the curves to move")
    events = page.execute("print(lab.events.query('task == \"topic\"').value.iloc[-1] < 0.1)")
    assert events.strip() == "True", "the λ was not recorded"

    page.press("Pause")
    page.wait_for(lambda: page.execute("print(lab.training)").strip() == "False", "the thread to pause")
    stopped = int(page.execute("print(lab.step)"))
    page.wait_for(lambda: page.readout()["step"] == stopped, "the last step to be shown")
    time.sleep(1)
    assert page.readout()["step"] == stopped == int(page.execute("print(lab.step)"))

    page.press("Keep run")
    page.page.get_by_text("run 1:").wait_for()
    page.press("Reset")
    page.wait_for(lambda: page.readout()["step"] == 0, "step 0")
    assert page.execute("print(len(lab.history))").strip() == "0"
    page.page.get_by_text("run 1:").click()
    page.page.get_by_text("run 1:").wait_for(state="detached")
    page.wait_for(lambda: page.picture() == empty, "an empty figure as at the start")


def test_an_error_in_the_training_thread_is_seen_on_the_page(start_here):
    page = start_here
    page.execute("model.heads['topic'].weight.data.fill_(float('nan'))")
    page.press("Train")
    page.page.get_by_text("Training stopped at step").first.wait_for(timeout=20_000)
    assert page.execute("print(lab.training)").strip() == "False"
    page.press("Reset")
    page.wait_for(
        lambda: page.page.get_by_text("Training stopped at step").count() == 0, "the message to go with Reset"
    )


def test_a_lab_off_the_screen_is_seen_in_the_corner_while_a_cell_drives_it(start_here):
    page, corner = start_here, start_here.page.locator(".mtl-hung")
    page.execute("lab.run(5)")
    time.sleep(0.5)
    assert corner.count() == 0, "a copy although the lab is in sight"
    page.page.evaluate(
        "() => { const n = window.jupyterapp.shell.currentWidget.content; n.scrollToItem(n.widgets.length - 1) }"
    )
    page.wait_for(lambda: not page.in_sight(".mtl-lambda-lab .mtl-chart"), "the lab to be off the screen")
    page.start("lab.run_to(400)")
    corner.locator("canvas").nth(1).wait_for()
    drawn = "e => Math.max(...Object.values(e.chart.state.tables).map(t => t.x.at(-1) || 0))"
    page.wait_for(lambda: corner.locator(".mtl-chart").evaluate(drawn) > 100, "the curves of the copy to move")
    page.show_lab()
    corner.wait_for(state="detached", timeout=5_000)
    page.wait_for(lambda: page.readout()["step"] == 400, "the end of the cell")


def test_an_interrupted_cell_pauses_the_lab_and_leaves_it_usable(start_here):
    page = start_here
    page.start("lab.run(100_000)")
    page.wait_for(lambda: page.readout()["step"] > 20, "steps taken by the cell")
    page.page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    page.wait_for(lambda: page.execute("print(lab.training)").strip() == "False", "the lab to pause, at its next step")
    stopped = int(page.execute("print(lab.step)"))
    page.wait_for(lambda: page.readout()["step"] == stopped, "the last step to be shown")
    page.press("Train")
    page.wait_for(lambda: page.readout()["step"] > stopped + 10, "training by the button after the interrupt")
    page.press("Pause")


def test_a_kernel_restart_in_mid_training_leaves_a_working_page(start_here):
    page = start_here
    page.press("Train")
    page.wait_for(lambda: page.readout()["step"] > 5, "some steps")
    page.restart_kernel()
    page.run_all()
    page.show_lab()
    page.press("Reset")
    page.press("Train")
    page.wait_for(lambda: page.readout()["step"] > 20, "training after the restart")
    page.press("Pause")


def test_running_the_cell_again_stops_the_lab_it_replaces(start_here):
    page = start_here
    page.execute("old = lab")
    page.press("Train")
    page.wait_for(lambda: page.readout()["step"] > 5, "some steps")
    page.run_all()
    assert page.execute("print(old.training, old.closed, lab is old)").split() == ["False", "True", "False"]


def test_notebook_7_runs_the_lab(browser, course, tmp_path):
    (tmp_path / "_CONFIG").mkdir()
    (tmp_path / "_CONFIG" / "jupyter_notebook_config.json").write_text(
        '{"JupyterNotebookApp": {"expose_app_in_browser": true}}', encoding="utf-8"
    )
    command = [sys.executable, "-m", "notebook", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    server = Server([*command, "--port", f"PORT={free_port()}"], course, tmp_path, "/api/status")
    try:
        page = browser.new_page()
        page.goto(f"{server.url}/notebooks/notebooks/00_start_here.ipynb?token={server.token}", timeout=120_000)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        page.wait_for_function("() => window.jupyterapp", timeout=30_000)
        page.wait_for_function(IDLE, timeout=60_000)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        train_a_little(page.locator(".mtl-lambda-lab").first)
    finally:
        server.close()


def train_a_little(lab) -> None:
    """Reset the lab, train, and see steps counted, points drawn, and the training stand still again."""
    lab.wait_for(timeout=120_000)
    lab.scroll_into_view_if_needed()
    lab.locator("button", has_text="Reset").click()
    lab.locator(".mtl-readout").get_by_text("step 0").wait_for()
    lab.locator("button", has_text="Train").click()
    lab.locator(".mtl-readout").get_by_text(re.compile(r"step [1-9]\d")).wait_for(timeout=30_000)
    lab.locator("button", has_text="Pause").click()
    drawn = "e => Math.max(...Object.values(e.chart.state.tables).map(t => t.x.length))"
    assert lab.locator(".mtl-chart").evaluate(drawn) > 5


def test_voila_serves_the_lab(browser, course, tmp_path):
    command = [sys.executable, "-m", "voila", "notebooks/00_start_here.ipynb", "--no-browser", "--Voila.ip=127.0.0.1"]
    server = Server(
        [*command, "--Voila.tornado_settings={}", "--port", f"PORT={free_port()}"], course, tmp_path, "/voila/static/"
    )
    try:
        page = browser.new_page()
        page.goto(server.url, timeout=120_000)
        train_a_little(page.locator(".mtl-lambda-lab"))
    finally:
        server.close()


def test_the_browser_is_found_or_said_to_be_missing(monkeypatch):
    import browser as driver

    monkeypatch.setattr(driver, "CHROMIUM", None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="sudo apt install chromium"):
        driver.need_chromium()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="sudo apt install chromium"):
        driver.need_chromium()
