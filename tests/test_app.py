"""The app: a page for every live demo, without code, to this computer alone, and a closed page gives its kernel back."""

import re
import typing

import nbformat
import psutil
import pytest
from browser import Server, free_port, launch, need_chromium

from mtl_helpers import live
from mtl_helpers.stored import NOTEBOOKS
from mtl_helpers.teaching.app import app_command, build_app
from mtl_helpers.teaching.demo_pages import PAGES
from mtl_helpers.teaching.lesson_pages import lessons


def test_every_demo_and_every_lesson_has_a_page(tmp_path):
    made = build_app(tmp_path / "app")
    shown = {typing.get_type_hints(make)["return"].__name__ for make in PAGES.values()}
    assert shown == {name for name in live.__all__ if name.endswith("Demo")} | {"LambdaLab"}
    assert {name[:2] for name in PAGES} == {path.name[:2] for path in lessons(NOTEBOOKS)}
    for path in made:
        text, code = nbformat.read(path, as_version=4).cells
        assert re.match(r"# \w.+\n\n\w", text.source) and code.source.splitlines()[-1].endswith("()")


@pytest.mark.parametrize("name", [name for name in PAGES if name != "06_drive"])  # which draws 5,500 drives
def test_a_page_s_demo_opens(name):
    demo = PAGES[name]()
    try:
        assert demo.error is None and demo.png()[:4] == b"\x89PNG"
    finally:
        demo.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The app, as `make app` serves it, but for the time after which it takes a kernel back."""
    need_chromium()
    folder, scratch, port = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("server"), free_port()
    build_app(folder)
    command = app_command(folder, port, browser=False, idle=20)
    server = Server(
        [f"PORT={port}" if part == str(port) else part for part in command], folder, scratch, "/voila/static/"
    )
    yield server
    server.close()


@pytest.fixture(scope="module")
def page(server):
    """The page of the lab, opened from the list of pages."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        contents, wrong = browser.new_context(viewport={"width": 1600, "height": 900}).new_page(), []
        contents.goto(server.url)
        with contents.expect_popup() as opened:
            contents.get_by_text("00_lambda_lab").first.click(timeout=30_000)
        opened.value.on("pageerror", lambda error: wrong.append(str(error)))
        opened.value.locator(".mtl-lambda-lab").wait_for(timeout=120_000)
        yield opened.value
        assert wrong == []
        browser.close()


@pytest.mark.browser
def test_the_lab_trains_on_a_page_without_code(page):
    lab = page.locator(".mtl-lambda-lab")
    assert "LambdaLab" not in page.locator("body").inner_text() and "demo_pages" not in page.content()
    assert page.get_by_role("heading", name="The λ lab").is_visible()
    lab.locator("button", has_text="Train").click()
    lab.locator(".mtl-readout").get_by_text(re.compile(r"step [1-9]\d")).wait_for(timeout=30_000)
    lab.locator("button", has_text="Pause").click()


SIZES = """() => { const chart = document.querySelector('.mtl-chart').chart, plot = chart.panels[0].plot;
    const px = where => parseFloat(getComputedStyle(document.querySelector(where)).fontSize);
    return { ticks: parseFloat(plot.axes[0].font[0].match(/[\\d.]+px/)[0]) / devicePixelRatio, line: plot.series[1].width,
    tall: plot.height, title: px('.mtl-panel-title'), name: px('.mtl-slider-name'), read: px('.mtl-readout td'),
    button: px('.mtl-lambda-lab .jupyter-button') } }"""


@pytest.mark.browser
def test_the_teacher_s_mode_makes_all_of_the_lab_bigger_and_is_remembered(page):
    switch, small = page.locator(".mtl-big-switch"), page.evaluate(SIZES)
    switch.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.mtl-chart').chart.look.big > 1")
    big = page.evaluate(SIZES)
    assert {part: round(big[part] / small[part], 1) for part in ("ticks", "line", "tall", "title")} == dict.fromkeys(
        ("ticks", "line", "tall", "title"), 1.6
    )
    assert min(big[part] / small[part] for part in big) > 1.35 and min(big[p] for p in big if p != "line") >= 19
    assert switch.get_attribute("aria-pressed") == "true"
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("() => localStorage.getItem('mtl-big')") == "yes"
    switch.click()
    page.wait_for_function("() => document.querySelector('.mtl-chart').chart.look.big === 1")
    assert page.evaluate(SIZES) == small and switch.get_attribute("aria-pressed") == "false"


@pytest.mark.browser
def test_it_serves_this_computer_alone_and_a_page_that_is_closed_gives_its_kernel_back(server, page):
    served = psutil.Process(server.process.pid)
    heard = [c for c in served.net_connections() if c.status == "LISTEN" and c.laddr.port == server.port]
    assert {c.laddr.ip for c in heard} == {"127.0.0.1"}
    kernels = [child for child in served.children(recursive=True) if "ipykernel" in " ".join(child.cmdline())]
    assert len(kernels) == 1
    page.close()
    _, alive = psutil.wait_procs(kernels, timeout=90)
    assert alive == []
