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


@pytest.mark.browser
def test_in_a_browser_the_lab_trains_without_code_and_gives_its_kernel_back(tmp_path):
    need_chromium()
    from playwright.sync_api import sync_playwright

    build_app(tmp_path / "app")
    port = free_port()
    command = [
        f"PORT={port}" if part == str(port) else part
        for part in app_command(tmp_path / "app", port, browser=False, idle=20)
    ]
    server = Server(command, tmp_path, tmp_path, "/voila/static/")
    try:
        served = psutil.Process(server.process.pid)
        assert {c.laddr.ip for c in served.net_connections() if c.status == "LISTEN" and c.laddr.port == port} == {
            "127.0.0.1"
        }
        with sync_playwright() as playwright:
            browser = launch(playwright)
            contents, wrong = browser.new_page(), []
            contents.goto(server.url)
            with contents.expect_popup() as opened:
                contents.get_by_text("00_lambda_lab").first.click(timeout=30_000)
            page = opened.value
            page.on("pageerror", lambda error: wrong.append(str(error)))
            lab = page.locator(".mtl-lambda-lab")
            lab.wait_for(timeout=120_000)
            assert "LambdaLab" not in page.locator("body").inner_text() and "demo_pages" not in page.content()
            assert page.get_by_role("heading", name="The λ lab").is_visible()
            lab.locator("button", has_text="Train").click()
            lab.locator(".mtl-readout").get_by_text(re.compile(r"step [1-9]\d")).wait_for(timeout=30_000)
            kernels = [child for child in served.children(recursive=True) if "ipykernel" in " ".join(child.cmdline())]
            assert len(kernels) == 1 and wrong == []
            browser.close()
        psutil.wait_procs(kernels, timeout=60)
        assert not [kernel for kernel in kernels if kernel.is_running()]
    finally:
        server.close()
