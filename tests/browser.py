"""A real JupyterLab in a real Chromium, as a small object that the browser tests and the benchmark drive."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mtl_helpers.stored import normalise

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
STATUS = """() => { const w = window.jupyterapp.shell.currentWidget; const s = w && w.sessionContext?.session;
    return s && s.kernel ? s.kernel.connectionStatus + ' ' + s.kernel.status : 'no kernel' }"""
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code'
    && c.model.sharedModel.source.trim()).map(c => [c.model.executionCount, c.promptNode ? c.promptNode.textContent : '',
    (c.model.sharedModel.outputs || []).filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue).join()])"""


def need_chromium() -> None:
    """Skip with a reason where there is no browser; on CI there has to be one."""
    if CHROMIUM is None:
        reason = "no Chromium found: install it (Debian, Ubuntu: sudo apt install chromium) to run the browser tests"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def copy_course(target: Path) -> Path:
    """A copy of what git does not ignore, committed, so that nothing a test does touches the checkout or goes unseen."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    author = ["-c", "user.name=course", "-c", "user.email=course@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "as shipped"]):
        subprocess.run(["git", *command], cwd=target, check=True)
    return target


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def changed_files(course: Path) -> str:
    """What git finds changed or new in a copy of the course."""
    status = ["git", "status", "--porcelain"]
    return subprocess.run(status, cwd=course, capture_output=True, encoding="utf-8", check=True).stdout


class Server:
    """A Jupyter server or Voilà on a free port, ended with its whole process group."""

    def __init__(self, command: list[str], folder: Path, scratch: Path, ready: str) -> None:
        self.token = secrets.token_hex(8)
        self.log = scratch / "server.log"
        home = {
            f"JUPYTER{name}_DIR": str(scratch / name)
            for name in ("LAB_SETTINGS", "LAB_WORKSPACES", "_RUNTIME", "_CONFIG")
        }
        # What a test solves is not what the one who runs it has solved.
        environment = {**os.environ, **home, "JUPYTER_TOKEN": self.token, "MTL_DATA": str(scratch / "data")}
        self.port = int(next(part for part in command if part.startswith("PORT=")).removeprefix("PORT="))
        command = [part.removeprefix("PORT=") for part in command]
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.url, start = f"http://127.0.0.1:{self.port}", time.time()
        while True:
            try:
                urllib.request.urlopen(f"{self.url}{ready}?token={self.token}", timeout=30).read()
                return
            except urllib.error.HTTPError:
                return  # it answers, if only that there is no such page
            except OSError:
                if self.process.poll() is not None or time.time() - start > 120:
                    self.close()
                    said = self.log.read_text(encoding="utf-8")[-3000:]
                    raise RuntimeError(f"the server did not start:\n{said}") from None
                time.sleep(0.2)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)


def start_lab(folder: Path, scratch: Path) -> Server:
    """JupyterLab as `make lab` starts it."""
    (scratch / "_CONFIG").mkdir()
    (scratch / "_CONFIG" / "jupyter_lab_config.json").write_text(
        '{"LabApp": {"expose_app_in_browser": true}}', encoding="utf-8"
    )
    command = [sys.executable, "-m", "mtl_helpers", "lab", "--no-browser", "--port", f"PORT={free_port()}"]
    return Server(command, folder, scratch, "/api/status")


def launch(playwright):
    sandbox = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *sandbox])


def stored(path: Path) -> list:
    """All that a notebook says in the form in which it is stored, but for the pixels, which differ between machines."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    normalise(notebook)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/png", None)
    return notebook


@contextmanager
def open_lesson(name: str, folders: pytest.TempPathFactory, demo: str, cell: str = "demo") -> Iterator[NotebookPage]:
    """A lesson run from top to bottom in a browser, with the demo of CSS class ``demo``, made by ``cell``, in view.

    Saved, the learner's copy is as the lesson was shipped, and the course as git knows it has not changed.
    """
    need_chromium()
    from playwright.sync_api import sync_playwright

    course = copy_course(folders.mktemp("course"))
    before, server = stored(course / "notebooks" / name), start_lab(course, folders.mktemp("server"))
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            page = NotebookPage(browser, server, name)
            page.run_all(600)
            page.save()
            page.wait_for(lambda: page.saved(), "the notebook to be saved")
            assert stored(course / "learn" / name) == before, f"saved, {name} differs in more than its pictures"
            assert changed_files(course) == ""
            page.show(demo, cell)
            yield page
            assert page.errors == []
            browser.close()
    finally:
        server.close()


class NotebookPage:
    """One notebook, the learner's copy, open in JupyterLab."""

    def __init__(self, browser, server: Server, name: str, height: int = 1400) -> None:
        self.page = browser.new_context(viewport={"width": 1250, "height": height}).new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        workspace = secrets.token_hex(4)
        self.page.goto(f"{server.url}/lab/workspaces/{workspace}/tree/learn/{name}?token={server.token}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.command("application:set-mode", {"mode": "single-document"})
        self.wait_for(lambda: self.page.evaluate(STATUS) == "connected idle", "an idle kernel", 60)

    def command(self, name: str, arguments: dict | None = None) -> None:
        self.page.evaluate("([c, a]) => { window.jupyterapp.commands.execute(c, a) }", [name, arguments or {}])

    def wait_for(self, condition, what: str, seconds: float = 60):
        end = time.time() + seconds
        while time.time() < end:
            result = condition()
            if result:
                return result
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds} s for {what}")

    def cells(self) -> list[list]:
        return self.page.evaluate(CELLS)

    def run_all(self, seconds: float = 300) -> float:
        """Run every cell from a fresh kernel; return the seconds it took. Raises with the error of a cell that failed."""
        before = time.time()
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")

        def done():
            cells = self.cells()
            bad = [error for _, _, error in cells if error]
            assert not bad, bad
            return all(count is not None and "*" not in prompt for count, prompt, _ in cells)

        self.wait_for(done, "all cells to have run", seconds)
        return time.time() - before

    def find(self, cell: str) -> int:
        """The place of the cell whose last line is ``cell``."""
        return self.page.evaluate(
            """end => window.jupyterapp.shell.currentWidget.content.widgets.findIndex(
            c => c.model.sharedModel.source.trimEnd().split('\\n').pop() === end)""",
            cell,
        )

    def show(self, widget: str, cell: str) -> None:
        """Scroll the widget of a CSS class into view, by the last line of its cell; far away it is not drawn at all.

        What is folded is opened before, as a learner opens an appendix.
        """
        self.command("notebook:expand-all-headings")
        scroll = "i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start')"
        self.page.evaluate(scroll, self.find(cell))
        self.page.locator(widget).first.wait_for(timeout=30_000)
        self.page.locator(widget).first.scroll_into_view_if_needed()  # what lies above it may have grown meanwhile

    def run_cell(self, cell: str) -> None:
        """Run one cell again, by its last line."""
        index = self.find(cell)
        count = "i => window.jupyterapp.shell.currentWidget.content.widgets[i].model.executionCount"
        before = self.page.evaluate(count, index)
        self.page.evaluate("i => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = i }", index)
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
        self.wait_for(lambda: (self.page.evaluate(count, index) or 0) > before, "the cell to have run")

    def show_lab(self) -> None:
        """Scroll the λ lab into view."""
        self.show(".mtl-lambda-lab", "lab")

    def restart_kernel(self) -> None:
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self.wait_for(lambda: self.page.evaluate(STATUS) == "connected idle", "the restarted kernel", 60)

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def saved(self) -> bool:
        return not self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.dirty")

    def execute(self, code: str) -> str:
        """Run code in the notebook's kernel beside the cells, without touching them; return what it printed."""
        return self.page.evaluate(
            """async code => { const k = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel; let text = '';
            const f = k.requestExecute({code, store_history: false});
            f.onIOPub = m => { if (m.content.text) text += m.content.text; if (m.content.evalue) text += m.content.evalue };
            await f.done; return text }""",
            code,
        )

    def start(self, code: str) -> None:
        """As `execute`, without waiting for the end."""
        self.page.evaluate(
            """code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute(
            {code, store_history: false}) }""",
            code,
        )

    def in_sight(self, widget: str) -> bool:
        """Whether any part of what a CSS selector finds is on the screen."""
        return self.page.evaluate(
            """w => [...document.querySelectorAll(w)].some(e => { const b = e.getBoundingClientRect();
            return b.width > 0 && b.bottom > 0 && b.top < innerHeight })""",
            widget,
        )

    def readout(self, lab: int = 0) -> dict[str, float]:
        """The numbers the lab shows: the step, and by task its λ."""
        text = self.page.locator(".mtl-lambda-lab").nth(lab).locator(".mtl-readout").inner_text()
        numbers = {"step": float(re.search(r"step (\d+)", text)[1])}
        for line in text.splitlines():
            parts = line.split()
            if len(parts) >= 3 and re.fullmatch(r"-?[\d.]+", parts[1]):
                numbers[parts[0]] = float(parts[1])
        return numbers

    def theme(self, name: str) -> None:
        """Switch to the theme "Light" or "Dark" of JupyterLab, and wait until its splash screen is gone.

        Two switches within 200 ms make JupyterLab take that away twice: an error of its own in the page.
        """
        change = "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab ' + name})"
        self.page.evaluate(change, name)
        gone = "() => !document.getElementById('jupyterlab-splash')"
        self.wait_for(lambda: self.page.evaluate(gone), "the end of the splash screen")
        time.sleep(0.3)

    def press(self, button: str, lab: int = 0) -> None:
        self.page.locator(".mtl-lambda-lab").nth(lab).locator("button", has_text=button).first.click()

    def drag(self, task: str, fraction: float, lab: int = 0) -> None:
        """Drag a task's slider by mouse to a fraction of its length.

        While a rule drives, the handle may move from under the mouse before it is pressed: that takes the wheel at another
        place, and the handle, which then stands still, is dragged once more, as a learner would.
        """
        slider = self.page.locator(".mtl-lambda-lab").nth(lab).locator(f".mtl-lambda-{task}")
        slider.scroll_into_view_if_needed()
        target = self.place(slider, fraction)[0]

        def handle() -> tuple[float, float]:
            return self.place(slider)

        def dragged() -> bool:
            x, y = handle()
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            self.page.mouse.move(target, y, steps=8)
            self.page.mouse.up()
            time.sleep(0.3)
            return abs(handle()[0] - target) < slider.bounding_box()["width"] / 20  # a slider rests on its stops

        self.wait_for(dragged, f"the handle of {task} at {fraction}")

    def place(self, slider: Any, fraction: float | None = None) -> tuple[float, float]:
        """Where the handle of a λ slider is on the page, or would be at a fraction of its length."""
        track = slider.locator("input[type=range]")
        box = track.bounding_box()
        at = track.evaluate("r => r.value / r.max") if fraction is None else fraction
        return box["x"] + 11 + (box["width"] - 22) * at, box["y"] + box["height"] / 2  # half a handle at each end

    def drawn(self, lab: int = 0) -> dict[str, dict[str, list]]:
        """The curves that the page holds, by panel, with the column ``x``."""
        tables = "e => Object.entries(e.chart.state.tables).map(([k, t]) => [k, {x: t.x, ...t.columns}])"
        return dict(self.page.locator(".mtl-lambda-lab").nth(lab).locator(".mtl-chart").evaluate(tables))

    def picture(self, lab: int = 0) -> bytes:
        """What the first panel's canvas holds, as the page has it."""
        canvas = self.page.locator(".mtl-lambda-lab").nth(lab).locator(".mtl-chart canvas").first
        return canvas.evaluate("c => c.toDataURL()").encode()

    def still_picture(self, lab: int = 0) -> bytes:
        """The lab's picture once nothing is on its way to the page any more."""
        return self.still(lambda: self.picture(lab))

    def still(self, read: Callable[[], Any], seconds: float = 0.7) -> Any:
        """What ``read`` gives once it has not changed for so long: on a busy machine a picture is drawn late."""
        seen = [read()]

        def unchanged() -> bool:
            time.sleep(seconds)
            seen.append(read())
            return seen[-1] == seen[-2]

        self.wait_for(unchanged, "the picture to stand still")
        return seen[-1]

    def close(self) -> None:
        self.page.context.close()
