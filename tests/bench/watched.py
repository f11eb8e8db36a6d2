"""What the notebook's kernel runs in the live benchmark: one training, watched in different ways, each for a moment.

All train by `train_steps` with the lab's validations and gradient cosines; they differ only in how the curves are shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import anywidget
import torch
from problem import TASKS, new_loaders, new_model, new_optimizer

from mtl_helpers.live import LambdaLab
from mtl_helpers.live.widgets.chart import script
from mtl_helpers.relations import gradient_cosines
from mtl_helpers.training import Record, train_steps

EVAL_EVERY = 25
BARE = "bare numbers to a page, 10 a second"
NAMES = [task.name for task in TASKS]
Due = Callable[[int], bool]


def training() -> Iterator[Record]:
    model = new_model("LSTM")
    train, val = new_loaders()
    steps = train_steps(model, train, new_optimizer("LSTM", model), val_loader=val, eval_every=EVAL_EVERY)
    for record in steps:
        if record.step % EVAL_EVERY == 0:
            gradient_cosines(model, record.batch)
        record.batch = None
        yield record


def every_10_steps() -> Due:
    return lambda step: step % 10 == 0


def every_step() -> Due:
    return lambda step: True


def ten_a_second() -> Due:
    """A tenth of a second from the end of one drawing to the next, as the lab on a fast machine."""
    last, drew = time.perf_counter(), False

    def due(step: int) -> bool:
        nonlocal last, drew
        now = time.perf_counter()
        if drew:
            last = now
        drew = now - last >= 0.1
        return drew

    return due


def unwatched(records: Iterator[Record], due: Due) -> Iterator[Record]:
    yield from records


def livelossplot(records: Iterator[Record], due: Due) -> Iterator[Record]:
    from livelossplot import PlotLosses

    plot = PlotLosses()
    for record in records:
        plot.update(record.losses)
        if due(record.step):
            plot.send()
        yield record


def fastprogress(records: Iterator[Record], due: Due) -> Iterator[Record]:
    from fastprogress.fastprogress import NBMasterBar

    steps, losses = [], {name: [] for name in NAMES}
    master = NBMasterBar(range(1), names=NAMES)
    for _ in master:
        for record in master.progress(records, total=10_000):
            steps.append(record.step)
            for name in NAMES:
                losses[name].append(record.losses[name])
            if due(record.step):
                master.update_graph([[steps, losses[name]] for name in NAMES])
            yield record


def output_widget(records: Iterator[Record], due: Due) -> Iterator[Record]:
    """What a first search finds: a new figure into a cleared Output each time."""
    import matplotlib.pyplot as plt
    from IPython.display import clear_output, display
    from ipywidgets import Output

    output, steps, losses = Output(), [], {name: [] for name in NAMES}
    display(output)
    for record in records:
        steps.append(record.step)
        for name in NAMES:
            losses[name].append(record.losses[name])
        if due(record.step):
            with output:
                clear_output(wait=True)
                for name in NAMES:
                    plt.plot(steps, losses[name], label=name)
                plt.legend()
                plt.show()
        yield record


class BareNumbers(anywidget.AnyWidget):
    """Two curves in one uPlot, and nothing else: what any page that draws numbers costs."""

    _esm = (
        script("uplot.min.js")
        + """
        export default { render({ model, el }) {
          const data = [[], [], []], series = [{}, { stroke: "#0072b2" }, { stroke: "#d55e00" }];
          const plot = new uPlot({ width: 700, height: 300, scales: { x: { time: false } }, series }, data, el);
          model.on("msg:custom", ({ rows }) => {
            for (const row of rows) row.forEach((value, i) => data[i].push(value));
            plot.setData(data);
          });
        } };"""
    )


def bare_numbers(records: Iterator[Record], due: Due) -> Iterator[Record]:
    from IPython.display import display

    page, rows = BareNumbers(), []
    display(page)
    for record in records:
        rows.append([record.step, *record.losses.values()])
        if due(record.step):
            page.send({"rows": rows})
            rows = []
        yield record


CONTENDERS = {
    "without a plot": (unwatched, every_step),
    BARE: (bare_numbers, ten_a_second),
    "livelossplot, every 10 steps": (livelossplot, every_10_steps),
    "livelossplot, 10 a second": (livelossplot, ten_a_second),
    "fastprogress, every 10 steps": (fastprogress, every_10_steps),
    "fastprogress, 10 a second": (fastprogress, ten_a_second),
    "Output + clear_output, every step": (output_widget, every_step),
    "Output + clear_output, 10 a second": (output_widget, ten_a_second),
}


class Bench:
    """The lab and its rivals in one kernel. The lab needs the kernel free: `start` and `pause`; the others run in `watch`.

    ``rates`` are their steps a second; ``used`` is when a changed λ was first in a step of the lab, and the λ of that step.
    """

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self.lab = LambdaLab(new_model("LSTM"), *new_loaders(), optimizer="AdamW", lr=0.002, eval_every=EVAL_EVERY)
        self.rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
        self.cpu: dict[str, list[float]] = {name: [] for name in CONTENDERS}
        self.used: list[tuple[float, dict[str, float]]] = []
        self.pictures, self._last = 0, {}
        chart = self.lab.views.chart
        self._send, chart.send = chart.send, self._count
        self._add, self.lab.views.curves.add = self.lab.views.curves.add, self._note
        self.lab.panel.speed.value = 0

    def _count(self, news: dict[str, Any]) -> None:
        self.pictures += 1
        self._send(news)

    def _note(self, record: Record, *args: Any) -> None:
        if record.weights != self._last:
            self._last = dict(record.weights)
            self.used.append((time.time(), self._last))
        self._add(record, *args)

    def start(self) -> None:
        self.pictures, self._first, self._since = 0, self.lab.step, time.perf_counter()
        self._cpu = time.process_time()
        self.lab.start()

    def pause(self) -> tuple[float, float, float]:
        """Steps and pictures a second since the start, and processor seconds of this process a step."""
        self.lab.stop()
        seconds, steps = time.perf_counter() - self._since, self.lab.step - self._first
        return steps / seconds, self.pictures / seconds, (time.process_time() - self._cpu) / steps

    def watch(self, name: str, seconds: float) -> None:
        """Train for so long in this cell, shown as that contender does; note steps a second and processor time a step."""
        show, cadence = CONTENDERS[name]
        steps, start, cpu = 0, time.perf_counter(), time.process_time()
        for _ in show(training(), cadence()):
            steps += 1
            if time.perf_counter() - start >= seconds:
                break
        self.rates[name].append(steps / (time.perf_counter() - start))
        self.cpu[name].append((time.process_time() - cpu) / steps)
