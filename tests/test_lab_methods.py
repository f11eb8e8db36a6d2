"""The λ lab with a rule at the wheel, and with a choice of data."""

import math

import pandas as pd
import pytest
import torch
from on_the_page import wait_for

from mtl_helpers.live import LabError, LambdaLab, World, lab_worlds
from mtl_helpers.live.lab.panel import three_digits
from mtl_helpers.live.lab.recording import BY_HAND
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC
from mtl_helpers.training import RULES, GradNorm, RandomWeights, fit

METHODS = [BY_HAND, *RULES]
TAKING_OVER = ("uncertainty", "DWA", "GradNorm", "FAMO")
TASKS = (TOPIC, SENTIMENT)


@pytest.fixture
def new_lab(new_model, new_loader):
    labs = []

    def build(tasks=TASKS, **options) -> LambdaLab:
        labs.append(LambdaLab(new_model(tasks=tasks), new_loader(), new_loader(64, shuffle=False), **options))
        return labs[-1]

    yield build
    for lab in labs:
        lab.close()


@pytest.fixture
def new_worlds(new_model, new_loader):
    """Two worlds of different tasks, one that cannot be read, and what was called."""
    called = []

    def world(name, tasks, **options):
        def make():
            called.append(name)
            return World(new_model(tasks=tasks), new_loader(), new_loader(64, shuffle=False), **options)

        return make

    def broken():
        raise OSError("<no such file>")

    return {"two": world("two", TASKS), "three": world("three", (*TASKS, STARS), lr=0.004), "none": broken}, called


@pytest.fixture
def of_worlds(new_worlds):
    lab = LambdaLab.of(new_worlds[0])
    yield lab
    lab.close()


def same_run(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def weights_of(lab, step) -> dict[str, float]:
    return dict(lab.recorded.records[step - 1].weights)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains(new_lab, method):
    lab = new_lab((*TASKS, STARS), lr=0.01)
    lab.use(method)
    lab.run(30)
    losses = lab.history.groupby("step").loss.sum()
    assert losses.tail(5).mean() < losses.head(5).mean()
    assert lab.method == lab.recorded.driving == method
    assert sum(weights_of(lab, 30).values()) == pytest.approx(3), "runs by different rules compare"
    if method != "by hand":
        assert f"λ by {method}" in lab.panel.readout.value and repr(lab) == f"LambdaLab at step 30, λ by {method}"


@pytest.mark.parametrize("method", RULES)
def test_a_hand_over_and_back_replays_bit_for_bit(new_lab, method):
    lab = new_lab()
    lab.run(5)
    lab.set(topic=0.3)
    lab.use(method)
    lab.run(25)
    lab.set(sentiment=2)
    lab.run(5)
    before, events = lab.history, lab.events
    steered = [
        (1, "topic", 1),
        (1, "sentiment", 1),
        (6, "topic", 0.3),
        (6, "method", method),
        (31, "method", "by hand"),
    ]
    assert list(events.itertuples(index=False, name=None))[:5] == steered
    assert events[events.step == 31].task.tolist() == ["method", "topic", "sentiment"]
    lab.replay()
    same_run(lab.history, before)
    same_run(lab.events, events)
    assert lab.method == "by hand" == lab.panel.method.value
    other = new_lab()
    other.use("MGDA")
    other.replay(events, steps=len(before) // 2)
    same_run(other.history, before)


def test_a_run_steered_in_the_background_replays_bit_for_bit(new_lab):
    lab = new_lab()
    lab.start()
    wheel = [("random", None), (None, 0.1), ("FAMO", None), ("PCGrad", None), (None, 3.0), ("GradNorm", None)]
    for method, value in wheel:
        now = lab.step
        wait_for(lambda now=now: lab.step >= now + 12)
        if method:
            lab.panel.method.value = method
        else:
            lab.sliders["topic"].value = value
    now = lab.step
    wait_for(lambda: lab.step >= now + 12)
    lab.stop()
    before, events = lab.history, lab.events
    methods = ["random", "by hand", "FAMO", "PCGrad", "by hand", "GradNorm"]
    assert events[events.task == "method"].value.tolist() == methods
    lab.replay()
    same_run(lab.history, before)
    same_run(lab.events, events)


@pytest.mark.parametrize("method", ["random", "GradNorm", "FAMO", "PCGrad"])
def test_a_reset_starts_the_very_same_run_by_a_rule(new_lab, method):
    lab = new_lab()
    lab.set(topic=3)
    lab.use(method)
    lab.run(30)
    before = lab.history
    lab.reset()
    assert lab.method == method and dict(lab.weights) == {"topic": 3, "sentiment": 1}
    assert {name: slider.value for name, slider in lab.sliders.items()} == dict(lab.weights)
    lab.run(30)
    same_run(lab.history, before)


@pytest.mark.parametrize("method", TAKING_OVER)
def test_a_rule_takes_over_from_where_the_weights_stand(new_lab, method):
    lab = new_lab()
    lab.set(topic=0.2, sentiment=3)
    lab.run(3)
    lab.use(method)
    lab.run(1)
    assert weights_of(lab, 4) == pytest.approx(weights_of(lab, 3), rel=1e-4)
    lab.run(10)
    left = dict(lab.recorded._weighting.weights)
    lab.use(TAKING_OVER[TAKING_OVER.index(method) - 1])
    lab.run(1)
    assert weights_of(lab, 15) == pytest.approx(left, rel=1e-4), "and from one rule to the next"


def test_the_sum_of_the_weights_goes_on_in_mid_run_and_is_that_of_the_tasks_from_the_start(new_lab):
    lab = new_lab()
    lab.set(topic=3, sentiment=2)
    lab.use("random")
    lab.run(2)
    assert sum(weights_of(lab, 2).values()) == pytest.approx(2)
    lab.use("by hand")
    lab.set(topic=4, sentiment=2)
    lab.run(1)
    lab.use("equal")
    lab.run(1)
    assert weights_of(lab, 4) == {"topic": 3, "sentiment": 3}
    lab.set(topic=0, sentiment=0)
    lab.run(1)
    lab.use("MGDA")
    lab.run(1)
    assert sum(weights_of(lab, 6).values()) == pytest.approx(2), "where all is 0 there is nothing to go on with"


@pytest.mark.parametrize("take", ["slider", "set", "use", "preset"])
def test_the_wheel_is_taken_back_from_where_the_rule_left_it(new_lab, take):
    lab = new_lab()
    lab.use("GradNorm")
    lab.run(60)
    left = lab.recorded._weighting.weights
    assert left["topic"] != pytest.approx(1, abs=0.01)
    if take == "slider":
        lab.sliders["sentiment"].value = 5.0
    elif take == "set":
        lab.set(sentiment=5)
    elif take == "preset":
        lab.panel.preset.label = "only topic"
    else:
        lab.use("by hand")
    assert lab.method == lab.panel.method.value == "by hand" and "you drive" in lab.panel.driver.value
    lab.run(1)
    used = weights_of(lab, 61)
    wanted = {"slider": {"sentiment": 5}, "set": {"sentiment": 5}, "preset": {"topic": 1, "sentiment": 0}}.get(take, {})
    assert used == pytest.approx(left | wanted, rel=0.005) == dict(lab.weights)
    assert {name: slider.value for name, slider in lab.sliders.items()} == used


def test_a_choice_that_is_taken_back_before_a_step_leaves_no_trace(new_lab):
    lab = new_lab()
    lab.set(topic=0.5)
    lab.use("FAMO")
    lab.use("by hand")
    lab.run(2)
    assert list(lab.events.itertuples(index=False, name=None)) == [(1, "topic", 0.5), (1, "sentiment", 1.0)]


def test_a_slider_moved_just_before_the_next_rule_counts(new_lab):
    lab = new_lab()
    lab.use("uncertainty")
    lab.run(5)
    lab.set(topic=0.1)
    lab.use("FAMO")
    lab.run(1)
    used = weights_of(lab, 6)
    assert used["topic"] / used["sentiment"] == pytest.approx(0.1 / lab.weights["sentiment"], rel=1e-3)
    before = lab.history
    lab.replay()
    same_run(lab.history, before)


def test_weights_below_zero_stop_the_slider_at_its_end(new_lab, monkeypatch):
    lab = new_lab()
    lab.use("random")
    monkeypatch.setattr(RandomWeights, "weigh", lambda *_: {"topic": -23.0, "sentiment": 25.0})
    lab.run(25)
    assert "-23.0" in lab.panel.readout.value and "25.0" in lab.panel.readout.value
    track = lab.views.curves.tables["weight"]
    assert track["topic"][-1] == -23 and track["sentiment"][-1] == 25 and len(lab.png()) > 10_000
    lab.use("by hand")
    assert dict(lab.weights) == {"topic": 0, "sentiment": 10}
    assert [slider.value for slider in lab.sliders.values()] == [0, 10]


def test_the_track_holds_the_weights_of_each_step_and_their_running_mean(new_lab):
    lab = new_lab()
    lab.run(10)
    lab.use("random")
    lab.run(50)
    lab.set(topic=0.5)
    lab.run(10)
    history = lab.history[lab.history.task == "topic"].weight.tolist()
    track = lab.views.curves.tables["weight"]
    each, mean = track["each topic"], track["topic"]
    assert each[10:60] == history[10:60] and all(map(math.isnan, each[:10] + each[60:])), "before and after a gap"
    assert mean[:10] == history[:10] and mean[60:] == history[60:], "by hand the track is what was chosen"
    assert mean[59] == pytest.approx(sum(history[40:60]) / 20) and mean[10] == history[10]
    assert lab.views.curves.marks == [(11, "random"), (61, "by hand")]
    lab.keep()
    assert lab.views.ghosts[0]["label"] == "by hand → random → by hand · AdamW 0.002"


def test_the_sliders_follow_a_rule_without_taking_the_wheel(new_lab):
    lab = new_lab()
    lab.use("GradNorm")
    moves = []
    for slider in lab.sliders.values():
        slider.observe(lambda change: moves.append(change["new"]), names="value")
    lab.recorded.set, taken = None, lab.recorded.set
    lab.run(150)
    lab.recorded.set = taken
    assert moves and lab.method == "GradNorm"
    for name, slider in lab.sliders.items():
        assert slider.value == pytest.approx(lab.recorded.mean_weights[name], rel=1e-2)


def test_numbers_of_a_rule_keep_their_width():
    assert [three_digits(v) for v in (0.9, 1.0, 12.5, 100.4, -0.5)] == ["0.900", "1.00", "12.5", "100", "-0.500"]


def test_an_error_of_a_rule_is_shown_and_raised(new_lab, monkeypatch):
    def fail(*_):
        raise RuntimeError("no weights today")

    lab = new_lab()
    lab.run(3)
    monkeypatch.setattr(GradNorm, "backward", fail)
    lab.use("GradNorm")
    lab.start()
    wait_for(lambda: not lab.training)
    assert "no weights today" in lab.error_box.value
    with pytest.raises(RuntimeError, match="no weights today"):
        lab.stop()
    lab.use("by hand")
    lab.reset()
    lab.run(1)
    assert lab.error_box.value == ""


def test_a_wrong_method_is_answered_with_the_names(new_lab):
    lab = new_lab()
    for wrong in ("PCGRAD", None, ["MGDA"]):
        with pytest.raises(
            LabError, match=r"There is no method .* there are by hand, equal, uncertainty, .*Aligned-MTL"
        ):
            lab.use(wrong)
    events = pd.DataFrame([(1, "method", "magic")], columns=["step", "task", "value"])
    with pytest.raises(LabError, match="names the method 'magic'; there are by hand, equal"):
        lab.replay(events, 3)
    assert lab.method == "by hand" and lab.step == 0


# A choice of data


def test_another_world_is_a_new_run_of_its_own_tasks(of_worlds, new_worlds, new_model, new_loader):
    lab, called = of_worlds, new_worlds[1]
    assert called == ["two"] and lab.world == "two", "the others are not made yet"
    lab.use("FAMO")
    lab.run(10)
    lab.keep()
    box = lab.box
    lab.choose("three")
    assert called == ["two", "three"] and lab.box is box and lab.panel.data.value == lab.world == "three"
    assert list(lab.sliders) == lab.names == ["topic", "sentiment", "stars"]
    assert lab.step == 0 and lab.method == "by hand" and not lab.views.ghosts and not lab.views.ghost_row.children
    assert lab.panel.learning_rate.value == 0.004 and "only stars" in [label for label, _ in lab.panel.preset.options]
    lab.sliders["stars"].value = 0.2
    lab.run(20)
    torch.set_num_threads(1)
    model = new_model()
    weights = {"stars": 0.2}
    by_fit = fit(model, new_loader(), torch.optim.AdamW(model.parameters(), lr=0.004), steps=20, weights=weights)
    same_run(lab.history[["step", "task", "loss"]], by_fit[["step", "task", "loss"]])
    assert repr(lab) == "LambdaLab of three at step 20, λ: topic 1, sentiment 1, stars 0.2"
    assert len(lab.png()) > 10_000


def test_data_are_chosen_on_the_page_while_it_trains(of_worlds):
    lab = of_worlds
    lab.start()
    wait_for(lambda: lab.step > 5)
    lab.panel.data.value = "three"
    wait_for(lambda: "stars" in lab.panel.readout.value)
    assert not lab.training
    wait_for(lambda: not lab.panel.buttons["train"].disabled)
    lab.panel.buttons["step"].click()
    assert lab.step == 1


def test_data_that_can_not_be_read_leave_the_lab_as_it_was(of_worlds):
    lab = of_worlds
    lab.run(5)
    with pytest.raises(OSError, match="no such file"):
        lab.choose("none")
    assert "OSError:</b> &lt;no such file&gt;" in lab.error_box.value
    assert lab.world == lab.panel.data.value == "two" and lab.step == 5 and "step 5" in lab.panel.readout.value
    lab.run(1)
    lab._worker.ask(lambda: lab._show_error(None))
    lab.panel.data.value = "none"
    wait_for(lambda: "no such file" in lab.error_box.value and lab.panel.data.value == "two")
    wait_for(lambda: not lab.panel.buttons["train"].disabled)
    assert lab.step == 6


def test_without_worlds_there_is_no_choice(new_lab):
    lab = new_lab()
    assert lab.panel.data.layout.display == "none"
    with pytest.raises(LabError, match=r"no data 'x' to choose; there are none: make the lab with LambdaLab.of"):
        lab.choose("x")


def test_wrong_worlds(new_model, new_loader, of_worlds):
    with pytest.raises(LabError, match="There are no data 'four' to choose; there are 'two', 'three', 'none'"):
        of_worlds.choose("four")
    for wrong in ({}, None, [1]):
        with pytest.raises(LabError, match="Worlds are functions by name, such as lab_worlds"):
            LambdaLab.of(wrong)
    with pytest.raises(LabError, match=r"The world 'a' must be a function that returns .*found World"):
        LambdaLab.of({"a": World(new_model(), new_loader())})
    with pytest.raises(LabError, match=r"The function of the world 'a' must return .*found tuple of 1"):
        LambdaLab.of({"a": lambda: (new_model(),)})
    lab = LambdaLab.of({"a": lambda: (new_model(), new_loader())})
    lab.run(1)
    lab.close()


@pytest.mark.parametrize("name", lab_worlds())
def test_the_worlds_of_the_course(name):
    before = torch.get_rng_state()
    lab = LambdaLab.of({name: lab_worlds()[name]})
    assert torch.equal(torch.get_rng_state(), before), "the notebook's random numbers go on as if nothing was drawn"
    lab.run(50)
    first = lab.history
    assert set(lab.scores) == set(lab.names)
    lab.choose(name)
    lab.run(50)
    same_run(lab.history, first)
    lab.close()


def test_two_digits_show_the_trade_off_plainly():
    lab = LambdaLab.of({"two digits": lab_worlds()["two digits"]})
    scores = []
    for preset in ({"left": 10, "right": 1}, {"left": 1, "right": 10}):
        lab.reset()
        lab.set(**preset)
        lab.run(300)
        scores.append(lab.scores)
    assert scores[0]["left"] > scores[1]["left"] + 0.1 and scores[1]["right"] > scores[0]["right"] + 0.1
    lab.close()
