"""The Pareto explorer without a page: one short training, and faked ones where only the bookkeeping is in question."""

import math
import time

import ipywidgets as widgets
import pandas as pd
import pytest
import torch
from demos import check_that_its_cell_run_again_stops_it, check_that_what_fails_is_seen
from on_the_page import wait_for

from mtl_helpers.data import make_loader
from mtl_helpers.datasets import LEFT, RIGHT, two_digits
from mtl_helpers.evaluation import dominated_by, judge
from mtl_helpers.experiments.methods import front_runs
from mtl_helpers.experiments.methods.front_runs import SHARES, Found, FrontRuns, Key
from mtl_helpers.live import DemoError, LambdaLab, ParetoDemo
from mtl_helpers.models import ImageEncoder, MultiTaskModel
from mtl_helpers.training import StaticWeights, fit, validate


@pytest.fixture
def new_demo():
    demos = []

    def build(**options) -> ParetoDemo:
        demos.append(ParetoDemo(**{"others": 2} | options))
        return demos[-1]

    yield build
    for demo in demos:
        demo.close()


@pytest.fixture
def quick(monkeypatch):
    """Models that are not trained: their scores follow from λ and seed. The list is of the keys asked for."""
    ran = []

    def train(self, key, on_step):
        on_step(1)
        ran.append(key)
        bonus = 0.1 * (key.size == "large") + 0.01 * key.seed
        scores = {"left": 0.5 + 0.3 * key.share + bonus, "right": 0.8 - 0.3 * key.share + bonus}
        scores = {task.name: scores[task.name] for task in key.tasks}
        table = pd.DataFrame([[3] * 10] * 10)
        self.found[key] = Found(None, scores, dict.fromkeys(scores, 1.0), dict.fromkeys(scores, table))

    monkeypatch.setattr(FrontRuns, "train", train)
    return ran


@pytest.fixture
def endless(monkeypatch):
    """Training that never ends by itself; the list grows with each step."""
    taken = []

    def train(self, key, on_step):
        while True:
            taken.append(key)
            on_step(1)
            time.sleep(0.001)

    monkeypatch.setattr(FrontRuns, "train", train)
    return taken


# What it computes


def test_a_model_is_what_fit_makes_of_its_lambda_and_seed(monkeypatch):
    monkeypatch.setattr(front_runs, "STEPS", 20)
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    runs, steps = FrontRuns(), []
    for share in (0.3, 1):
        runs.train(Key("small", share, 2), steps.append)
    assert torch.equal(torch.rand(2), expected), "the notebook's own random state has changed"
    assert steps == [*range(1, 21)] * 2

    splits = two_digits(seed=0)
    torch.manual_seed(2)
    model = MultiTaskModel(ImageEncoder(channels=8, hidden=32), [LEFT, RIGHT])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    weights = StaticWeights(model.tasks, {"left": 0.6, "right": 1.4})
    fit(model, make_loader(splits.train, shuffle=True, seed=2), optimizer, steps=20, weights=weights)
    losses, scores = validate(model, make_loader(splits.val, 500))
    found = runs.found["small", 0.3, 2]
    assert found.scores == pytest.approx(scores) and found.losses == pytest.approx(losses)
    assert found.confusion["left"].to_numpy().sum() == 500
    right = found.confusion["right"].to_numpy()
    assert right.trace() / right.sum() == pytest.approx(scores["right"])
    assert list(runs.found["small", 1, 2].scores) == ["left"]


def test_it_trains_the_chosen_first_then_what_is_missing_and_nothing_twice(new_demo, quick):
    demo = new_demo(share=0.3)
    front = demo.run()
    assert quick[0] == Key("small", 0.3) and len(quick) == len(set(quick)) == 9 + 2 + 2
    assert front["λ left"].tolist() == list(SHARES) and front.front.all()
    assert quick[-2:] == [Key("small", 0.3, 1), Key("small", 0.3, 2)] and len(demo.seeds) == 3
    demo.set(share=0.7)
    demo.run(others=0)
    assert len(quick) == 13 and demo.chosen.scores["left"] == pytest.approx(0.71)
    demo.set(size="large")
    assert demo.front.empty and demo.chosen is None
    assert len(demo.run(others=0)) == 9 and len(quick) == 13 + 11


def test_scatter_is_the_deviation_over_seeds_pooled_over_tasks(quick):
    runs = FrontRuns()
    assert math.isnan(runs.scatter("small"))
    for seed in range(3):
        runs.train(Key("small", 0.5, seed), lambda step: None)
    assert runs.scatter("small") == pytest.approx(0.01) and math.isnan(runs.scatter("large"))


# A run of one's own


@pytest.fixture
def front():
    λ = pd.Index([0.2, 0.5, 0.8], name="λ left")
    return pd.DataFrame({"left": [0.6, 0.7, 0.8], "right": [0.8, 0.6, 0.65]}, index=λ)


@pytest.mark.parametrize(
    ("own", "place", "by", "margin"),
    [
        ((0.55, 0.7), "dominated", (0.2,), 0.05),
        ((0.55, 0.6), "dominated", (0.2, 0.8), 0.05),
        ((0.6, 0.8), "on the front", (), 0.0),
        ((0.7, 0.7), "on the front", (), 0.05),
        ((0.85, 0.65), "beyond the front", (0.8,), 0.05),
        ((0.9, 0.9), "beyond the front", (0.2, 0.8), 0.25),
    ],
)
def test_a_run_is_dominated_on_the_front_or_beyond_it(front, own, place, by, margin):
    verdict = judge(dict(zip(("left", "right"), own, strict=True)), front, scatter=0.01)
    assert (verdict.place, verdict.by) == (place, by) and verdict.margin == pytest.approx(margin)
    assert verdict.noise == pytest.approx(0.0277, abs=1e-4) and verdict.clear == (margin > 0.03)
    assert place in str(verdict) and ("more than luck makes (" in str(verdict)) == verdict.clear


def test_of_a_scatter_that_was_not_measured_nothing_is_clear(front):
    verdict = judge({"left": 0.9, "right": 0.9}, front, scatter=math.nan)
    assert not verdict.clear and "not measured" in str(verdict)
    assert dominated_by(front, 0.5) == [0.8] and dominated_by(front, 0.2) == []


def test_the_page_says_what_to_press_and_what_will_be_trained(new_demo):
    demo = new_demo()
    says = "".join(html.value for html in demo.box.children if isinstance(html, widgets.HTML))
    assert "Press Train" in says and "with 2 more seeds; 400 steps a model" in says


def test_a_chosen_size_is_shown_before_its_first_model_is_trained(new_demo, endless):
    demo = new_demo()
    demo.size.value = "large"
    wait_for(lambda: endless)
    assert "large model, λ left 0.5" in demo.readout.value
    demo.stop()


def test_a_lab_that_took_other_steps_than_the_models_is_told_apart(new_demo, quick):
    splits, lab = two_digits(seed=0), None
    try:
        model = MultiTaskModel(ImageEncoder(channels=4, hidden=8), [LEFT, RIGHT])
        lab = LambdaLab(
            model, make_loader(splits.train, shuffle=True, seed=0), make_loader(splits.val, 500), eval_every=1
        )
        demo = new_demo(lab=lab)
        demo.run()
        lab.run(2)
        demo.own(lab)
        assert "It took 2 steps, the models 400" in demo.readout.value
        demo.own({"left": 0.5, "right": 0.5})
        assert "It took" not in demo.readout.value
    finally:
        lab.close()


def test_own_runs_are_placed_shown_and_counted(new_demo, quick):
    demo = new_demo()
    with pytest.raises(DemoError, match="no front to beat yet"):
        demo.own({"left": 0.5, "right": 0.5})
    demo.run()
    before = demo.picture.value
    assert demo.own({"left": 0.9, "right": 0.9}).place == "beyond the front"
    assert demo.picture.value != before and "beyond the front" in demo.readout.value
    assert demo.own({"left": 0.1, "right": 0.1}).place == "dominated"
    assert "try 2" in demo.readout.value
    for wrong, message in (
        ({"left": 0.5}, "no score for 'right'"),
        ({"left": 50, "right": 0.5}, "from 0 to 1; found 50"),
    ):
        with pytest.raises(DemoError, match=message):
            demo.own(wrong)
    assert "try 2" in demo.readout.value


def test_a_lab_on_the_same_pictures_is_placed_by_its_button(new_demo, quick):
    splits = two_digits(seed=0)

    def lab(val) -> LambdaLab:
        model = MultiTaskModel(ImageEncoder(channels=2, hidden=4), [LEFT, RIGHT])
        return LambdaLab(model, make_loader(splits.train), val and make_loader(val, 500), eval_every=1)

    mine = lab(splits.val)
    demo = new_demo(lab=mine)
    demo.run()
    demo.buttons["place"].click()
    assert "no validation score yet" in demo.error_box.value
    mine.run(1)
    demo.buttons["place"].click()
    assert demo.error_box.value == "" and "your run" in demo.readout.value
    for other in (lab(None), lab(splits.test)):
        with pytest.raises(DemoError, match="must validate on the pictures of this demo"):
            demo.own(other)


# The thread


def test_the_slider_trains_what_is_missing_and_ends_by_itself(new_demo, quick):
    demo = new_demo()
    demo.slider.value = 0.2
    demo.wait(60)
    assert not demo.computing and quick[0] == Key("small", 0.2) and len(demo.front) == 9
    assert "9 of 9 λ trained" in demo.readout.value and demo._state.value == ""
    assert not demo.buttons["train"].disabled and demo.buttons["stop"].disabled


def test_another_choice_gives_up_the_model_under_way_and_stop_stops(new_demo, endless):
    demo = new_demo()
    demo.buttons["train"].click()
    wait_for(lambda: len(endless) > 3)
    assert demo.buttons["train"].disabled and not demo.buttons["stop"].disabled
    demo.size.value = "large"
    wait_for(lambda: endless[-1].size == "large")
    demo.buttons["stop"].click()
    wait_for(lambda: not demo.computing)
    assert not demo.buttons["train"].disabled and demo.runs.found == {}
    demo.stop()


def test_threads_are_put_back(new_demo, quick):
    torch.set_num_threads(2)
    demo = new_demo()
    demo.run()
    demo.slider.value = 0.2
    demo.wait(60)
    assert torch.get_num_threads() == 2


def test_running_the_cell_again_stops_the_demo_it_made_before(new_demo, endless, monkeypatch):
    check_that_its_cell_run_again_stops_it(new_demo, endless, monkeypatch)


def test_an_error_in_the_thread_is_shown_and_raised_and_forgotten(new_demo, quick, monkeypatch):
    check_that_what_fails_is_seen(new_demo(), monkeypatch, FrontRuns, "train")


# What it is told and what it shows


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "huge"}, "size must be one of small, large; found 'huge'"),
        ({"share": 0.55}, "share, λ of the left digit, must be one of 0.1, .* found 0.55"),
        ({"share": True}, "share, .* found True"),
    ],
)
def test_what_no_slider_has_is_refused_and_changes_nothing(new_demo, options, message):
    with pytest.raises(DemoError, match=message):
        new_demo(**options)
    demo = new_demo()
    with pytest.raises(DemoError, match=message):
        demo.set(**options)
    assert demo.choice == ("small", 0.5)
    for wrong in ({"others": -1}, {"others": 1.5}, {"lab": {"left": 0.5}}):
        with pytest.raises(DemoError):
            new_demo(**wrong)


def test_it_shows_itself_as_widget_picture_and_text_without_a_trained_number(new_demo, quick):
    demo = new_demo()
    before = repr(demo), demo.picture.value
    assert before[0] == "ParetoDemo: small model, λ left 0.5, right 0.5; 400 steps a model"
    demo.run()
    bundle = demo._repr_mimebundle_()
    assert bundle["text/plain"] == repr(demo) == before[0] and "image/png" in bundle
    assert "mtl-pareto-demo" in demo.box._dom_classes and demo.box.children[0] is demo.readout
    assert demo.png().startswith(b"\x89PNG") and demo.picture.value != before[1]
    assert "on the front; another seed alone moves a score by ± 0.010" in demo.readout.value


def test_the_axes_only_ever_grow(new_demo, quick):
    demo = new_demo()
    demo.set(size="large")  # whose models are all better than 0.6
    demo.run()
    before = dict(demo._low)
    demo.own({"left": 0.31, "right": 0.9})
    assert demo._low == {**before, "left": 0.25}
    demo._own.clear()
    demo.set(share=0.7)
    assert demo._low == {**before, "left": 0.25}
