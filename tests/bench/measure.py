"""How the benchmarks measure: contenders take turns, so that a busy machine slows all of them, and only ratios are judged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from greenlet import getcurrent, greenlet  # comes with playwright

WARM_UP = 20  # rounds that are not counted

Times = dict[str, np.ndarray]


class Batches(list):
    """The batches of a loader, read beforehand, and the data set behind them."""

    def __init__(self, loader: Iterable, epochs: int = 1) -> None:
        super().__init__(batch for _ in range(epochs) for batch in loader)
        self.dataset = loader.dataset


class Turns:
    """A loader that gives a batch only when its reader has the turn: so a framework's own loop halts before each step."""

    def __init__(self, batches: Sequence, steps: int) -> None:
        self.batches, self.steps = batches, steps
        self.dataset = getattr(batches, "dataset", None)  # as of a DataLoader: its labels are checked once, as a whole

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator:
        for i in range(self.steps):
            getcurrent().parent.switch()
            yield self.batches[i % len(self.batches)]


def stepper(loop: Callable[[Turns], None], batches: Sequence, steps: int) -> Callable[[], None]:
    """Set off ``loop`` up to its first batch; each call of what is returned then lets it take one whole step."""
    runner = greenlet(lambda: loop(Turns(batches, steps)))
    runner.switch()
    return runner.switch


def take_turns(
    contenders: dict[str, Callable[[], object]],
    rounds: int,
    warm_up: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> Times:
    """Seconds by contender and round. Each round calls every contender once, and starts with another one.

    With ``clock=time.process_time`` they are seconds of the CPU, all threads of this process together.
    """
    names = list(contenders)
    times = {name: np.zeros(rounds) for name in names}
    for i in range(-warm_up, rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            start = clock()
            contenders[name]()
            if i >= 0:
                times[name][i] = clock() - start
    return times


def ratios(measured: Times, name: str, base: str, best: int) -> tuple[float, float]:
    """``(p10, median)`` of what a contender measured over the base.

    p10 compares each one's tenth best, percentile ``best``: what it does when nothing else disturbs it. median is the median
    of the ratios within a round.
    """
    p10 = np.percentile(measured[name], best) / np.percentile(measured[base], best)
    return float(p10), float(np.median(measured[name] / measured[base]))


def title(text: str) -> None:
    """Say what is measured, and how busy the machine is: above one or two, only what was interleaved means anything."""
    load = f" (load before: {os.getloadavg()[0]:.1f})" if hasattr(os, "getloadavg") else ""
    print(f"\n\n{text}{load}")


def line(name: str, found: str, target: str = "", met: bool | None = None, note: str = "") -> None:
    """One measured thing, and its target where it has one."""
    verdict = "" if met is None else f"target {target}: {'met' if met else 'MISSED'}"
    print(f"  {name:<40} {found:<28} {verdict or note}".rstrip(), flush=True)


def report(
    measured: Times,
    base: str,
    *,
    targets: dict[str, float] | None = None,
    notes: dict[str, str] | None = None,
    more_is_better: bool = False,
) -> None:
    """Print each contender over the base; a target, an upper bound for times, is held against the median."""
    for name in measured:
        if name != base:
            p10, median = ratios(measured, name, base, 90 if more_is_better else 10)
            bound, sign = (targets or {}).get(name), ">=" if more_is_better else "<="
            met = None if bound is None else (median >= bound if more_is_better else median <= bound)
            line(name, f"p10 {p10:.3f}  median {median:.3f}", f"{sign} {bound}", met, (notes or {}).get(name, ""))


def missing(modules: Iterable[str]) -> list[str]:
    """Which of the peers are not installed here."""
    from importlib.util import find_spec

    absent = [module for module in modules if find_spec(module) is None]
    for module in absent:
        line(module, "not installed", note="pip install -r tests/bench/requirements.txt")
    return absent
