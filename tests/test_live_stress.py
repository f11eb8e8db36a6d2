"""Two threads of the page and a cell at once on everything live: nothing hangs, nothing fails, the last word counts.

20 seconds in all, shared among the widgets; for longer, set MTL_STRESS_SECONDS.
"""

import contextlib
import faulthandler
import itertools
import os
import random
import sys
import tempfile
import threading
import time
import traceback
from itertools import islice
from types import SimpleNamespace

import pandas as pd
import pytest
from on_the_page import controls, say_something

from mtl_helpers.data import data_file, make_loader
from mtl_helpers.driving import DRIVING_TASKS, make_drives
from mtl_helpers.experiments.methods import front_runs
from mtl_helpers.live import (
    ClaimsDemo,
    DataDemo,
    DriveDemo,
    GradientDemo,
    LambdaLab,
    LandscapeDemo,
    MergeDemo,
    ModelDemo,
    NeighboursDemo,
    ParetoDemo,
    PriceDemo,
    TransferDemo,
    World,
)
from mtl_helpers.live.demos import pareto as pareto_demo
from mtl_helpers.live.demos import transfer as transfer_demo
from mtl_helpers.models import FusionEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC

ALL_SECONDS = float(os.environ.get("MTL_STRESS_SECONDS", 20))
PATIENCE = 60  # seconds after which what does not end hangs
WEIGHTS = (0, 0.1, 0.35, 1, 3, 10)


# What is made, what a cell may do with it, and what must hold when all is quiet


def lab(new_model, new_loader):
    def world(tasks):
        return lambda: World(new_model(tasks=tasks), new_loader(), new_loader(64, shuffle=False))

    worlds = {"two": world((TOPIC, SENTIMENT)), "three": world((TOPIC, SENTIMENT, STARS))}
    methods = ("by hand", "GradNorm", "PCGrad", "random")
    acts = [
        *[lambda lab, draw: lab.run(draw.randint(1, 5))] * 3,
        *[lambda lab, draw: lab.set(**{draw.choice(["topic", "sentiment"]): draw.choice(WEIGHTS)})] * 3,
        *[lambda lab, draw: lab.use(draw.choice(methods))] * 3,
        lambda lab, draw: lab.start(),
        lambda lab, draw: lab.pause(),
        lambda lab, draw: lab.stop(),
        lambda lab, draw: lab.reset(),
        lambda lab, draw: lab.keep(),
        lambda lab, draw: lab.remove(1),
        lambda lab, draw: lab.replay(steps=3),
        lambda lab, draw: lab.choose(draw.choice(list(worlds))),
        lambda lab, draw: (lab.history, lab.events, repr(lab), lab._repr_mimebundle_()),
    ]

    def agrees(lab):
        assert lab.method == "by hand"
        assert {name: slider.value for name, slider in lab.sliders.items()} == dict(lab.recorded.weights)

    return lambda: LambdaLab.of(worlds), acts, agrees, lambda lab: list(lab.sliders.values())


def drive():
    splits = make_drives(48, 24, 8, seed=0)
    signs, commands = ("none", "stop", "left only"), ("left", "right", "stop")

    def new():
        parts = {
            "camera": ImageEncoder(size=32, colours=3, channels=4),
            "microphone": ImageEncoder(size=24, channels=4),
        }
        model = MultiTaskModel(FusionEncoder(parts, hidden=8), DRIVING_TASKS)
        return DriveDemo(
            model, make_loader(splits.train, 16, shuffle=True, seed=0), make_loader(splits.val, 24), steps=6
        )

    acts = [
        *[lambda demo, draw: demo.run(1, sign=draw.choice(WEIGHTS), obstacle=draw.choice(WEIGHTS))] * 5,
        lambda demo, draw: demo.set(sign=draw.choice(signs), command=draw.choice(commands), camera=draw.random() < 0.5),
        lambda demo, draw: demo.advance(draw.choice([0.1, 0.5])),
        lambda demo, draw: demo.new(),
        lambda demo, draw: demo.start(),
        lambda demo, draw: demo.stop(),
        lambda demo, draw: (demo.answers, demo.report, demo.tries, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert {name: slider.value for name, slider in demo.sliders.items()} == dict(demo.recorded.weights)

    return new, acts, agrees, lambda demo: list(demo.sliders.values())


def data():
    raw = pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False).head(300)
    acts = [
        lambda demo, draw: demo.run(),
        lambda demo, draw: demo.set(clean=draw.sample(list(demo.steps), 3)),
        lambda demo, draw: demo.start(),
        lambda demo, draw: demo.stop(),
        lambda demo, draw: (demo.cleaned, demo.results, demo.tries, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert demo.choice == (demo.cleaned, demo.split.value)

    return lambda: DataDemo(raw, repeats=2), acts, agrees, lambda demo: [*demo.steps.values(), demo.split]


def model(new_loader):
    batches = list(islice(new_loader(), 4))
    acts = [
        lambda demo, draw: demo.run(rounds=2),
        lambda demo, draw: demo.set(width=draw.choice([8, 16]), encoder=draw.choice(["CNN", "LSTM"])),
        lambda demo, draw: demo.start(),
        lambda demo, draw: demo.stop(),
        lambda demo, draw: (demo.parameters, demo.time_ratio, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        if demo.heads:  # without one there is nothing to build, and the page says so
            assert demo.model.encoder.embedding.embedding_dim == demo.width.value

    tasks = (TOPIC, SENTIMENT, STARS)
    return lambda: ModelDemo(batches, tasks, 30, encoder="CNN", width=8), acts, agrees, lambda demo: [demo.width]


def transfer():
    acts = [
        lambda demo, draw: demo.run(),
        lambda demo, draw: demo.set(relatedness=draw.choice([0, 0.5, 1])),
        lambda demo, draw: demo.start(),
        lambda demo, draw: demo.stop(),
        lambda demo, draw: (demo.changes, demo.cosines, demo.tries, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert demo.setting.relatedness == demo.sliders["relatedness"].value

    def choosers(demo):
        return [demo.sliders["relatedness"]]

    return lambda: TransferDemo(n=100, filters=3, seeds=2), acts, agrees, choosers


def pareto():
    acts = [
        lambda demo, draw: demo.run(others=0),
        lambda demo, draw: demo.set(share=draw.choice([0.1, 0.5, 0.9])),
        lambda demo, draw: demo.own({"left": 0.5, "right": 0.5}),
        lambda demo, draw: demo.start(),
        lambda demo, draw: demo.stop(),
        lambda demo, draw: (demo.front, demo.seeds, demo.chosen, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert demo.choice == (demo.size.value, demo.slider.value)

    return lambda: ParetoDemo(others=1), acts, agrees, lambda demo: [demo.slider, demo.size]


def gradient():
    acts = [
        lambda demo, draw: demo.set((draw.uniform(0.5, 2), draw.uniform(-1, 1)), (-1, draw.uniform(0.2, 1))),
        lambda demo, draw: demo.preset(draw.choice(["agree", "conflict"])),
        lambda demo, draw: demo.set(methods=draw.sample(demo.methods or ["sum"], 1)),
        lambda demo, draw: (demo.results, demo.cosine, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        for task, (x, y) in demo.gradients.items():
            assert demo.sliders[f"{task} length"].value == pytest.approx((x * x + y * y) ** 0.5, rel=0.06)

    return GradientDemo, acts, agrees, lambda demo: [demo.sliders["topic length"], demo.sliders["sentiment length"]]


def price():
    acts = [
        lambda demo, draw: demo.set(tasks=draw.randint(1, 20), rank=draw.choice([1, 8])),
        lambda demo, draw: (demo.ways, demo.break_even, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert f"{demo.tasks.value}</td>" in demo.readout.value

    return PriceDemo, acts, agrees, lambda demo: [demo.tasks]


def landscape():
    acts = [
        lambda demo, draw: demo.set((draw.uniform(-2, 2), draw.uniform(0, 3)), methods=draw.sample(["sum", "MGDA"], 2)),
        lambda demo, draw: demo.run(draw.randint(1, 20)),
        lambda demo, draw: demo.reset(),
        lambda demo, draw: (demo.results, demo.paths, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert all(path.shape[1] == 2 and (path[0] == demo.start_point).all() for path in demo.paths.values())

    return LandscapeDemo, acts, agrees, lambda demo: [demo.optimizer, demo.rate]


def merge():
    acts = [
        lambda demo, draw: demo.set(topic=draw.choice([0, 0.5, 1]), sentiment=draw.choice([0.25, 0.75])),
        lambda demo, draw: (demo.scores, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert all(f"{task} <b>{score:.3f}</b>" in demo.readout.value for task, score in demo.scores.items())

    return MergeDemo, acts, agrees, lambda demo: list(demo.sliders.values())


def neighbours():
    acts = [
        lambda demo, draw: demo.set(review=draw.randint(1, 360), name=draw.choice(["no name", "topic", "sentiment"])),
        lambda demo, draw: (demo.near, demo.agreement, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert demo._said() in demo.readout.value

    return NeighboursDemo, acts, agrees, lambda demo: [demo.review, demo.name, demo.encoder]


def claims():
    acts = [
        lambda demo, draw: demo.set(claim=draw.choice(demo.claim.options), threshold=draw.choice([0, 1, 5])),
        lambda demo, draw: (demo.words, demo.moved, repr(demo), demo._repr_mimebundle_()),
    ]

    def agrees(demo):
        assert f"moved by a threshold of {demo.threshold.value:g} points" in demo.readout.value

    return ClaimsDemo, acts, agrees, lambda demo: [demo.claim, demo.threshold]


MADE = (lab, drive, data, model, transfer, pareto, gradient, landscape, merge, neighbours, price, claims)
WIDGETS = {make.__name__: make for make in MADE}
SECONDS = ALL_SECONDS / len(WIDGETS)


# The test


@pytest.mark.parametrize("name", WIDGETS)
def test_page_and_cell_at_once(name, request, monkeypatch):
    monkeypatch.setattr(transfer_demo, "STEPS", 5)
    monkeypatch.setattr(front_runs, "STEPS", 3)
    monkeypatch.setattr(pareto_demo, "STEPS", 3)
    interval = sys.getswitchinterval()
    request.addfinalizer(lambda: sys.setswitchinterval(interval))
    sys.setswitchinterval(1e-5)  # threads take turns far more often than usual
    make = WIDGETS[name]
    fixtures = make.__code__.co_varnames[: make.__code__.co_argcount]
    new, acts, agrees, choosers = make(*(request.getfixturevalue(fixture) for fixture in fixtures))
    now, failed, end = SimpleNamespace(widget=new()), [], time.monotonic() + SECONDS

    def page(seed):
        draw = random.Random(seed)
        while time.monotonic() < end:
            few = choosers(now.widget) if draw.random() < 0.6 else []  # mostly those that more than one side moves
            choices = [*few] or list(controls(now.widget.box))
            if choices:
                say_something(draw.choice(choices), draw)
            time.sleep(draw.choice([0, 0, 0.001]))
            while len(now.widget._worker._inbox) > 5:  # more than anybody clicks ahead
                time.sleep(0.001)

    def cell(seed):
        draw = random.Random(seed)
        for number in itertools.count(1):
            if time.monotonic() > end:
                return
            with contextlib.suppress(ValueError):  # said to who asked: no curve to keep yet, the last head taken away
                draw.choice(acts)(now.widget, draw)
            if number % 25 == 0:
                now.widget.close()
                now.widget = new()

    def quiet():
        """The page's last words, while the cell says nothing."""
        draw = random.Random(3)
        with contextlib.suppress(ValueError):
            now.widget.stop()
        now.widget.wait()
        for _ in range(10):
            last = [(chooser, say_something(chooser, draw)) for chooser in choosers(now.widget)]
        now.widget.wait()
        for chooser, state in last:
            for trait, value in state.items():
                assert getattr(chooser, trait) == value
        agrees(now.widget)
        now.widget.close()

    def guarded(act, *args):
        try:
            act(*args)
        except BaseException:
            failed.append(traceback.format_exc())

    for group in ([(page, 0), (page, 1), (cell, 2)], [(quiet,)]):
        threads = [threading.Thread(target=guarded, args=part, daemon=True, name=part[0].__name__) for part in group]
        for thread in threads:
            thread.start()
        until = time.monotonic() + SECONDS + PATIENCE
        for thread in threads:
            thread.join(max(0, until - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            with tempfile.TemporaryFile("w+") as file:
                faulthandler.dump_traceback(file)
                file.seek(0)
                pytest.fail(f"{name} hangs:\n{file.read()}")
        assert not failed, failed[0]
