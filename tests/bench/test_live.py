"""The λ lab in a real page: what its live plot costs the training, and how fast a slider reaches the loop."""

import json
import random
import statistics
import time

import nbformat
import numpy as np
import pytest
from measure import line, missing, report, title
from watched import BARE, CONTENDERS

from mtl_helpers.live.widgets.slider import STOPS

ROUNDS, MOVES = 5, 60
LONG, SHORT = 3, 1.5  # seconds at a time: of the lab and the training without a plot, and of the others
SET_UP = """import sys
sys.path.insert(0, "../tests/bench")
import watched
bench = watched.Bench()
lab = bench.lab
lab"""
RUN_CELL = """async i => { const app = window.jupyterapp, book = app.shell.currentWidget.content;
    book.activeCellIndex = i; book.deselectAll(); await app.commands.execute('notebook:run-cell');
    const outputs = book.widgets[i].model.sharedModel.outputs || [];
    return outputs.filter(o => o.output_type === 'error').map(o => o.evalue).join() }"""
NOTE_MOVES = """() => { window.moves = [];
    const now = () => (performance.timeOrigin + performance.now()) / 1000;
    document.addEventListener('keydown', () => window.moves.push(now()), true) }"""


@pytest.fixture(scope="module")
def page(server, chromium):
    """A notebook with the lab in its first cell, running, and a cell for each other way to watch a training."""
    from browser import NotebookPage

    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    seconds = {name: LONG if name in ("without a plot", BARE) else SHORT for name in CONTENDERS}
    cells = [SET_UP, *(f"bench.watch({name!r}, {seconds[name]})" for name in CONTENDERS)]
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(notebook, server.folder / "learn" / "bench.ipynb")
    page = NotebookPage(chromium, server, "bench.ipynb", height=1800)
    assert not page.page.evaluate(RUN_CELL, 0)
    page.page.wait_for_selector(".mtl-lambda-lab .mtl-chart canvas")
    time.sleep(1)
    yield page
    page.close()
    (server.folder / "learn" / "bench.ipynb").unlink()


def test_live_plot(page):
    title(f"Steps/s with a live plot over the same training without, in the browser, {ROUNDS} rounds in turns")
    absent = missing(["livelossplot", "fastprogress"])
    names = [name for name in CONTENDERS if name.split(",")[0] not in absent]
    cells = {name: 1 + i for i, name in enumerate(CONTENDERS)}
    lab_rates, lab_cpu, pictures = [], [], []
    page.execute("lab.reset()")
    for round_ in range(-1, ROUNDS):  # the first is not counted: everything is slow once
        for name in ["lab", *names] if round_ % 2 else [*names, "lab"]:
            if name == "lab":
                before = page.picture()
                page.execute("bench.start()")
                time.sleep(LONG)
                rate, sent, cpu = json.loads(page.execute("import json; print(json.dumps(bench.pause()))"))
                assert page.picture() != before, "the page shows no new curve"
                lab_rates.append(rate)
                lab_cpu.append(cpu)
                pictures.append(sent)
            else:
                failed = page.page.evaluate(RUN_CELL, cells[name])
                assert not failed, f"{name}: {failed}"
            time.sleep(0.3)  # what the page still has to draw is not the next one's cost
    rates = json.loads(page.execute("print(json.dumps(bench.rates))")) | {"the λ lab": lab_rates}
    rates = {name: np.array(rates[name][1:]) for name in ["the λ lab", *names]}
    line("without a plot", f"{np.median(rates['without a plot']):.0f} steps/s")
    line("the λ lab", f"{statistics.median(pictures[1:]):.1f} pictures/s")
    report(rates, "without a plot", targets={"the λ lab": 0.95}, more_is_better=True)
    title("The same over a page with nothing but two curves of bare numbers")
    report({name: rates[name] for name in ("the λ lab", BARE)}, BARE, targets={"the λ lab": 0.98}, more_is_better=True)
    title("Processor seconds of the kernel a step, over those without a plot")
    cpu = json.loads(page.execute("print(json.dumps(bench.cpu))")) | {"the λ lab": lab_cpu}
    cpu = {name: np.array(cpu[name][1:]) for name in ("the λ lab", "without a plot", BARE)}
    report(cpu, "without a plot", targets={"the λ lab": 1.02})


def test_slider_to_loop(page):
    title(f"From a move of the slider in the page to the first training step that used it, {MOVES} moves, in ms")
    slider = page.page.locator(".mtl-lambda-topic")
    slider.scroll_into_view_if_needed()
    page.page.evaluate(NOTE_MOVES)
    page.execute("bench.start()")
    time.sleep(1)
    page.execute("bench.used.clear()")
    slider.locator("input[type=range]").focus()
    wait, stop, wanted = random.Random(0), STOPS.index(1), []
    for i in range(MOVES):
        stop += -1 if i // 6 % 2 else 1
        wanted.append(STOPS[stop])
        page.page.keyboard.press("ArrowLeft" if i // 6 % 2 else "ArrowRight")
        time.sleep(wait.uniform(0.2, 0.4))
    used = json.loads(page.execute("print(json.dumps(bench.used))"))
    rate, *_ = json.loads(page.execute("import json; print(json.dumps(bench.pause()))"))
    moves = page.page.evaluate("() => window.moves")
    assert len(moves) == MOVES and used[-1][1]["topic"] == wanted[-1], "the page or the loop missed a move"
    delays, overtaken = waited(moves, wanted, [(at, weights["topic"]) for at, weights in used])
    assert min(delays) > 0 and overtaken <= MOVES // 10, f"{overtaken} moves never reached the loop; delays {delays}"
    median = round(2 * 1000 / rate + 30)  # two steps and what the page needs
    for name, found, target in [("median", np.median(delays), median), ("p95", np.percentile(delays, 95), 2 * median)]:
        line(name, f"{found:.0f} ms", f"<= {target} ms", bool(found <= target))
    if overtaken:
        line("overtaken by the next move", f"{overtaken}", note="counted until the next one arrived")


def waited(moves: list[float], wanted: list[float], used: list[tuple[float, float]]) -> tuple[list[float], int]:
    """Milliseconds from each move to the first step with its λ, and how many moves a later one overtook on the way."""
    delays, overtaken, place = [], 0, 0
    for moved, value, following in zip(moves, wanted, [*wanted[1:], None], strict=True):
        while used[place][0] < moved or used[place][1] not in (value, following):
            place += 1
        delays.append(1000 * (used[place][0] - moved))
        overtaken += used[place][1] != value
    return delays, overtaken
