"""What all demos promise: they leave nothing behind, refuse to be used once closed, and touch no one else's random numbers."""

import gc
import subprocess
import sys
import threading
import weakref
from itertools import islice

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch
from on_the_page import page_models, page_says, wait_for

from mtl_helpers.data import data_file, make_loader
from mtl_helpers.driving import DRIVING_TASKS, make_drives
from mtl_helpers.live import (
    ClaimsDemo,
    DataDemo,
    DemoError,
    DriveDemo,
    GradientDemo,
    LandscapeDemo,
    ModelDemo,
    NeighboursDemo,
    ParetoDemo,
    PriceDemo,
    TransferDemo,
)
from mtl_helpers.models import FusionEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC


def data_demo(request) -> DataDemo:
    return DataDemo(pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False).head(300), repeats=2)


def model_demo(request) -> ModelDemo:
    batches = list(islice(request.getfixturevalue("new_loader")(), 3))
    return ModelDemo(batches, (TOPIC, SENTIMENT, STARS), 30, encoder="Transformer", width=8)


def drive_demo(request) -> DriveDemo:
    splits = make_drives(64, 32, 8, seed=0)
    branches = {
        "camera": ImageEncoder(size=32, colours=3, channels=4),
        "microphone": ImageEncoder(size=24, channels=4),
    }
    model = MultiTaskModel(FusionEncoder(branches, hidden=8, drop=0.3), DRIVING_TASKS)
    return DriveDemo(model, make_loader(splits.train, 16, shuffle=True, seed=0), make_loader(splits.val, 32), steps=40)


MADE = {
    "data": data_demo,
    "model": model_demo,
    "gradient": lambda request: GradientDemo(),
    "landscape": lambda request: LandscapeDemo(),
    "transfer": lambda request: TransferDemo(n=100, filters=3),
    "pareto": lambda request: ParetoDemo(),
    "price": lambda request: PriceDemo(),
    "neighbours": lambda request: NeighboursDemo(),
    "claims": lambda request: ClaimsDemo(),
    "drive": drive_demo,
}
# A choice that the page makes in each: the widget, and what it says.
CHOICE = {
    "data": lambda demo: (demo.steps["markup"], {"value": True}),
    "model": lambda demo: (demo.width, {"index": 2}),
    "gradient": lambda demo: (demo.sliders["topic angle"], {"value": 77}),
    "landscape": lambda demo: (demo.view, {"value": [0.5, 2.5]}),
    "transfer": lambda demo: (demo.sliders["filters"], {"index": 1}),
    "pareto": lambda demo: (demo.slider, {"index": 2}),
    "price": lambda demo: (demo.tasks, {"value": 9}),
    "neighbours": lambda demo: (demo.review, {"value": 9}),
    "claims": lambda demo: (demo.threshold, {"value": 2.5}),
    "drive": lambda demo: (demo.sliders["sign"], {"index": 3}),
}


@pytest.fixture(params=MADE)
def name(request):
    return request.param


@pytest.fixture
def new_demo(name, request):
    made = []

    def build():
        made.append(MADE[name](request))
        return made[-1]

    yield build
    for demo in made:
        demo.close()


def test_a_closed_demo_leaves_no_model_thread_or_figure_behind(new_demo, name):
    new_demo().close()  # what torch, matplotlib and widgets make once
    models, threads, figures = page_models(), threading.active_count(), plt.get_fignums()
    demo = new_demo()
    page_says(CHOICE[name](demo)[0], **CHOICE[name](demo)[1])
    assert len(page_models()) > len(models) + 5
    demo.close()
    assert page_models() == models, "on the page still"
    assert threading.active_count() == threads and plt.get_fignums() == figures
    demo.close()  # again, which does nothing


def test_a_closed_demo_is_collected_with_its_figure(name, request):
    demo = MADE[name](request)
    demo.close()
    left = weakref.ref(demo)
    del demo
    gc.collect()
    assert left() is None


@pytest.mark.bad_input
def test_a_closed_demo_says_so(new_demo):
    demo = new_demo()
    demo.close()
    for act in (demo.set, demo.start):
        with pytest.raises(DemoError, match=r"This demo was closed, or its cell was run again; make a new one\."):
            act()


def test_what_a_cell_draws_is_the_same_while_a_demo_computes(new_demo, name):
    def draw() -> torch.Tensor:
        torch.manual_seed(5)
        return torch.cat([torch.rand(10) for _ in range(20_000)])

    demo, expected = new_demo(), draw()
    widget, state = CHOICE[name](demo)
    page_says(widget, **state)
    assert torch.equal(draw(), expected)


def readout(demo) -> str:
    return demo.readout.value


SHOWN = {"data": lambda demo: demo.choice, "model": readout, "transfer": readout, "pareto": readout}


@pytest.mark.parametrize("name", SHOWN)
def test_a_choice_is_shown_where_a_stop_comes_before_its_first_step(new_demo, name, monkeypatch):
    demo = new_demo()
    before = SHOWN[name](demo)
    monkeypatch.setattr(demo, "start", lambda: None)
    widget, state = CHOICE[name](demo)
    page_says(widget, **state)
    demo.wait(60)
    after = SHOWN[name](demo)
    assert after != before
    demo.set()
    assert SHOWN[name](demo) == after


def test_the_page_and_a_cell_at_once_do_not_wait_for_one_another(name, new_demo):
    """The page turned knobs while a cell ran the demo: each held what the other wanted, for ever."""
    demo = new_demo()
    widget, state = CHOICE[name](demo)
    ends = threading.Event()

    def turn():
        while not ends.is_set():
            page_says(widget, **state)

    page = threading.Thread(target=turn, daemon=True)
    page.start()
    for _ in range(3):
        demo.set()
    ends.set()
    page.join(60)
    assert not page.is_alive()
    demo.stop()
    wait_for(lambda: not demo.computing)


def test_a_program_with_a_demo_ends():
    """Widgets are deleted as the interpreter ends, when no thread can be started any more."""
    program = (
        "from mtl_helpers.live import PriceDemo; demo = PriceDemo(); demo.tasks.value = 5; print(demo.tasks.value)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=120)
    assert done.stdout == "5\n" and done.returncode == 0
