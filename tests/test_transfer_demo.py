"""The transfer demo without a page: tiny runs, and faked ones where only the bookkeeping is in question."""

import time
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from demos import check_that_its_cell_run_again_stops_it, check_that_what_fails_is_seen
from on_the_page import wait_for

from mtl_helpers.evaluation import controlled_splits, paired_changes, run_arms, usual_arms
from mtl_helpers.evaluation.running import paired_runs
from mtl_helpers.experiments.transfer.arms import LR
from mtl_helpers.live import DemoError, TransferDemo
from mtl_helpers.live.demos import transfer
from mtl_helpers.live.demos.transfer import ARMS, transfer_table, verdict
from mtl_helpers.plots import Figure
from mtl_helpers.plots.live.transfer_panels import Limits, plot_transfer
from mtl_helpers.tasks import SENTIMENT, TOPIC

GAIN = {"single": 0.0, "plain sharing": 0.01, "conditioned": 0.2, "control": -0.01}


@pytest.fixture
def new_demo():
    demos = []

    def build(**options) -> TransferDemo:
        demos.append(TransferDemo(**{"n": 100, "filters": 3, "seeds": 2} | options))
        return demos[-1]

    yield build
    for demo in demos:
        demo.close()


@pytest.fixture
def quick(monkeypatch):
    """Runs that train nothing: a step and a score a run. The list is of the (arm, filters, seed) that ran."""
    ran = []

    def run_arm(arm, splits, *, seed, steps, on_step):
        on_step(None, SimpleNamespace(step=1))
        ran.append((arm.name, arm.filters, seed))
        return SimpleNamespace(score=0.6 + GAIN[arm.name] + 0.01 * seed * (arm.name != "single"))

    monkeypatch.setattr(paired_runs, "run_arm", run_arm)
    monkeypatch.setattr(transfer, "controlled_splits", lambda *_, **__: None)
    return ran


@pytest.fixture
def endless(monkeypatch):
    """Runs that never end by themselves; the list grows with each step."""
    taken = []

    def run_arm(arm, splits, *, seed, steps, on_step):
        while True:
            taken.append(arm.filters)
            on_step(None, SimpleNamespace(step=len(taken)))
            time.sleep(0.001)

    monkeypatch.setattr(paired_runs, "run_arm", run_arm)
    monkeypatch.setattr(transfer, "controlled_splits", lambda *_, **__: None)
    return taken


# What it computes


def test_it_runs_the_usual_arms_and_pairs_them_by_seed(new_demo, monkeypatch):
    monkeypatch.setattr(transfer, "STEPS", 40)
    demo = new_demo(relatedness=0.5)
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    found = demo.run(seeds=2)
    assert torch.equal(torch.rand(2), expected), "the notebook's own random state has changed"
    arms = usual_arms(SENTIMENT, TOPIC, filters=3, lr=LR)
    rows = [r for s in (0, 1) for r in run_arms(arms, controlled_splits(100, s, relatedness=0.5), seed=s, steps=40)]
    pd.testing.assert_frame_equal(found, paired_changes(pd.DataFrame(rows)))
    assert demo.cosines[["seed", "step"]].to_numpy().tolist() == [[0, 20], [0, 40], [1, 20], [1, 40]]
    assert demo.cosines.cosine.abs().max() <= 1
    assert demo.tries[["relatedness", "n", "filters", "seeds"]].to_numpy().tolist() == [[0.5, 100, 3, 2]]


def test_a_setting_keeps_its_results_and_goes_on_from_them(new_demo, quick):
    demo = new_demo()
    first = demo.run(2)
    demo.set(filters=8)
    assert demo.changes.empty and demo.cosines.empty
    demo.run(2)
    demo.set(filters=3)
    pd.testing.assert_frame_equal(demo.changes, first)
    assert "2 of 2 seeds" in demo.readout.value
    assert len(demo.run(2)) == 4 and len(quick) == 16  # nothing was computed twice
    demo.run(3)
    assert quick[16:] == [(arm, 3, 2) for arm in ARMS] and set(demo.changes.seeds) == {3}
    assert demo.tries.filters.tolist() == [8, 3]
    assert demo._tried.value.count("<tr>") == 2 + 2


def test_a_run_given_up_half_way_leaves_whole_arms_only(new_demo, monkeypatch):
    monkeypatch.setattr(transfer, "STEPS", 10**6)
    demo = new_demo()
    runs = demo._kept[demo.setting] = demo._new(demo.setting)
    runs.rows.append({"arm": "single", "seed": 0, "score": 0.5})  # the next arm is plain sharing, which is measured
    demo.start()
    wait_for(lambda: len(demo.cosines))
    demo.stop()
    assert not demo.computing and demo.cosines.empty and len(runs.rows) == 1


# The thread


def test_a_slider_starts_the_computation_which_ends_by_itself(new_demo, quick):
    demo = new_demo()
    demo.sliders["filters"].value = 8
    demo.wait(60)
    assert not demo.computing and len(demo.changes) == 4 and {filters for _, filters, _ in quick} == {8}
    assert "conditioned: topic" in demo.readout.value and "2 of 2 seeds" in demo.readout.value
    assert demo.progress.value == demo.progress.max and demo._state.value == ""
    assert not demo.buttons["compute"].disabled and demo.buttons["stop"].disabled


def test_another_setting_gives_up_the_one_under_way_within_a_step(new_demo, endless):
    demo = new_demo()
    demo.buttons["compute"].click()
    wait_for(lambda: len(endless) > 3)
    assert demo.buttons["compute"].disabled and not demo.buttons["stop"].disabled
    demo.sliders["filters"].value = 8
    wait_for(lambda: endless[-1] == 8)
    assert endless == sorted(endless), "the old setting went on beside the new one"
    demo.set(filters=32)
    wait_for(lambda: not demo.computing)
    assert demo.setting.filters == 32 and "32 filters" in demo.readout.value


def test_the_stop_button_stops_and_lets_compute_again(new_demo, endless):
    demo = new_demo()
    demo.start()
    wait_for(lambda: endless)
    demo.buttons["stop"].click()
    wait_for(lambda: not demo.computing)
    taken = len(endless)
    assert demo.buttons["stop"].disabled and not demo.buttons["compute"].disabled
    demo.start()
    wait_for(lambda: len(endless) > taken)


def test_threads_are_put_back(new_demo, quick):
    torch.set_num_threads(2)
    demo = new_demo()
    demo.run()
    assert torch.get_num_threads() == 2
    demo.sliders["filters"].value = 8
    demo.wait(60)
    assert torch.get_num_threads() == 2


def test_running_the_cell_again_stops_the_demo_it_made_before(new_demo, endless, monkeypatch):
    check_that_its_cell_run_again_stops_it(new_demo, endless, monkeypatch).set(filters=8)


@pytest.mark.parametrize(("where", "fails"), [(transfer, "controlled_splits"), (paired_runs, "run_arm")])
def test_an_error_in_the_thread_is_shown_and_raised_and_forgotten(new_demo, quick, monkeypatch, where, fails):
    check_that_what_fails_is_seen(new_demo(), monkeypatch, where, fails)


# What it is told and what it shows


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"relatedness": 0.3}, "relatedness must be one of 0, 0.25, 0.5, 0.75, 1; found 0.3"),
        ({"relatedness": True}, "relatedness must be one of .* found True"),
        ({"n": 200}, "n must be one of 100, 300, 1000, 3000; found 200"),
        ({"filters": "8"}, "filters must be one of 3, 8, 32; found '8'"),
    ],
)
def test_what_no_slider_has_is_refused_and_changes_nothing(new_demo, options, message):
    with pytest.raises(DemoError, match=message):
        new_demo(**options)
    demo = new_demo()
    before = demo.setting
    with pytest.raises(DemoError, match=message):
        demo.set(**options)
    assert demo.setting == before


@pytest.mark.bad_input
@pytest.mark.parametrize("seeds", [1, 2.5, True, "3"])
def test_an_interval_needs_two_seeds(new_demo, seeds):
    with pytest.raises(DemoError, match="seeds must be a whole number of at least 2"):
        new_demo(seeds=seeds)
    with pytest.raises(DemoError, match="seeds must be a whole number of at least 2"):
        new_demo().run(seeds)


def test_it_shows_itself_as_widget_picture_and_text_without_a_trained_number(new_demo, quick):
    demo = new_demo()
    before = repr(demo), demo.picture.value
    assert before[0].startswith(
        "TransferDemo: ρ 1, 100 reviews, 3 filters; 500 steps a run; arms single, plain sharing, conditioned, control"
    )
    demo.run()
    bundle = demo._repr_mimebundle_()
    assert bundle["text/plain"] == repr(demo) == before[0] and "image/png" in bundle
    assert "mtl-transfer-demo" in demo.box._dom_classes and demo.box.children[0] is demo.readout
    assert demo.png().startswith(b"\x89PNG") and demo.picture.value != before[1]


def test_the_axes_grow_by_doubling_and_never_shrink():
    limits = Limits(points=15, cosine=0.25)
    none = pd.DataFrame(columns=["change", "low", "high"])
    plot_transfer(Figure(), limits, {"control": [0.31]}, none, [[(20, -0.6), (40, 0.1)]], steps=100)
    assert (limits.points, limits.cosine) == (60, 1)
    plot_transfer(Figure(), limits, {"control": [0.01]}, none, [[]], steps=100)
    assert (limits.points, limits.cosine) == (60, 1)


def test_the_readout_says_where_the_intervals_lie():
    assert [verdict(0.1, 0.2), verdict(-0.1, 0.1), verdict(-0.2, -0.1)] == [1, 0, -1]
    rows = {"plain sharing": (-0.05, -0.09, -0.01), "conditioned": (0.2, 0.15, 0.25), "control": (0.02, 0.01, 0.03)}
    changes = pd.DataFrame.from_dict(rows, orient="index", columns=["change", "low", "high"])
    text = transfer_table(dict.fromkeys(rows, [0.1] * 5), changes, [[(20, 0.5)]])
    for said in ("+20.0 ± 5.0", "lies below zero", "plain sharing: topic harms", "conditioned: topic helps", "+0.50"):
        assert said in text
    assert "the control gains too" in text
