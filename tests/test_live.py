"""The lambda lab without a page: the same steps, buttons and sliders, driven from code (test_browser.py has the mouse)."""

import dataclasses
import gc
import itertools
import math
import signal
import threading
import time
import weakref

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from on_the_page import page_models, wait_for

from mtl_helpers.data import Vocabulary, encode_reviews, make_loader, mixed_loader
from mtl_helpers.live import LabError, LambdaLab
from mtl_helpers.live.lab import lab as lab_module
from mtl_helpers.live.lab import recording
from mtl_helpers.live.widgets import live_widget
from mtl_helpers.models import LSTMEncoder, TransformerEncoder
from mtl_helpers.plots import task_styles
from mtl_helpers.randomness import look
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Classification, Regression
from mtl_helpers.training import RULES, TaskWeights, TrainingDiverged, TrainingError, Weighting, fit, task_losses


def same_run(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def break_model(lab: LambdaLab) -> None:
    lab.model.heads["topic"].weight.data.fill_(float("nan"))


def test_the_lab_does_what_fit_does(new_lab, new_model, new_loader):
    torch.set_num_threads(1)  # as the lab does: with two, a sum may be added up in another order
    lab = new_lab(lr=0.01)
    lab.set(topic=0.5)
    lab.run(30)
    model = new_model(tasks=(TOPIC, SENTIMENT))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    by_fit = fit(model, new_loader(), optimizer, steps=30, weights={"topic": 0.5})
    same_run(lab.history[["step", "task", "loss", "weight"]], by_fit[["step", "task", "loss", "weight"]])


def test_reset_starts_the_very_same_run(new_lab):
    lab = new_lab()
    lab.run(30)
    first = lab.history
    lab.reset()
    assert lab.step == 0 and lab.history.empty and lab.events.empty and lab.scores == {}
    lab.run(30)
    same_run(lab.history, first)


def test_a_run_in_pieces_is_the_run(new_lab):
    lab, other = new_lab(), new_lab()
    lab.run(40)
    for steps in (1, 9, 30):
        other.run(steps)
    same_run(lab.history, other.history)


def test_a_steered_background_run_replays_bit_for_bit(new_lab):
    lab = new_lab()
    lab.start()
    for step, value in ((10, 0.1), (30, 0.0), (50, 3.0)):
        wait_for(lambda step=step: lab.step >= step)
        lab.sliders["topic"].value = value
    lab.sliders["sentiment"].value = 0.5
    wait_for(lambda: lab.step >= 80)
    lab.pause()
    before, events = lab.history, lab.events
    assert events[events.task == "topic"].value.tolist() == [1.0, 0.1, 0.0, 3.0]
    lab.replay()
    same_run(lab.history, before)
    same_run(lab.events, events)


@pytest.mark.parametrize(("encoder", "optimizer"), [(LSTMEncoder, "Adam"), (TransformerEncoder, "SGD")])
def test_other_encoders_and_optimizers_replay_too(new_model, new_loader, encoder, optimizer):
    lab = LambdaLab(new_model(encoder), new_loader(), optimizer=optimizer, lr=0.01)  # without a validation
    lab.run(5)
    lab.set(stars=0, topic=10)
    lab.run(30)
    before = lab.history
    lab.replay()
    same_run(lab.history, before)
    assert lab.scores == {}
    lab.close()


def test_events_from_elsewhere_replay_too(new_lab):
    lab, other = new_lab(), new_lab()
    lab.run(10)
    lab.set(sentiment=0.35)  # between the slider's stops
    lab.run(10)
    other.replay(lab.events, steps=20)
    same_run(other.history, lab.history)
    assert other.sliders["sentiment"].value == 0.35


def test_events_say_which_lambda_took_effect_when(new_lab):
    lab = new_lab()
    lab.run(3)
    lab.set(topic=0.1)
    lab.set(topic=2)  # only what a step used counts
    lab.run(2)
    expected = [(1, "topic", 1.0), (1, "sentiment", 1.0), (4, "topic", 2.0)]
    assert list(lab.events.itertuples(index=False, name=None)) == expected


class Watched(TaskWeights):
    """Weights that keep what they were ever set to."""

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        self.__dict__.setdefault("seen", []).append((name, value))


def test_a_lambda_between_the_stops_is_reached_without_a_detour(new_lab):
    """The widget passes through its first stop, 0, when it gets a new one; a step taken just then must not see that."""
    lab = new_lab()
    lab.recorded.weights = Watched(lab.names)
    lab.set(topic=0.123)
    lab.set(topic=4.56, sentiment=2)
    assert lab.recorded.weights.seen == [("topic", 0.123), ("topic", 4.56), ("sentiment", 2)]


def test_one_wrong_lambda_leaves_all_sliders_where_they_were(new_lab):
    lab = new_lab()
    with pytest.raises(TrainingError, match="λ of 'sentiment'"):
        lab.set(topic=0.1, sentiment=-1)
    assert dict(lab.weights) == {"topic": 1, "sentiment": 1}


def test_presets_move_the_sliders(new_lab):
    lab = new_lab()
    for label, preset in list(lab.panel.preset.options)[1:]:
        lab.panel.preset.label = label
        assert {name: slider.value for name, slider in lab.sliders.items()} == preset == dict(lab.weights)


def test_a_slider_has_a_true_zero_and_is_logarithmic(new_lab):
    stops = new_lab().sliders["topic"].stops
    assert stops[0] == 0 and min(stops[1:]) == 0.01 and max(stops) == 10
    ratios = [b / a for a, b in itertools.pairwise(stops[1:])]
    assert max(ratios) < 2


def test_kept_runs(new_lab):
    lab = new_lab()
    for number in range(5):
        lab.run(5)
        lab.keep()
        assert len(lab.views.ghosts) == number + 1
    lab.run(5)
    with pytest.raises(LabError, match="5 runs are kept already; remove one first"):
        lab.keep()
    label = lab.views.ghosts[2]["label"]
    lab.remove(2)
    assert lab.views.ghosts[1]["label"] == label and len(lab.views.ghost_row.children) == 4
    lab.reset()
    assert len(lab.views.ghosts) == 4, "a reset keeps what was kept"
    lab.views.ghost_row.children[0].click()
    assert len(lab.views.ghosts) == 3


def test_a_kept_run_changes_the_picture_and_its_removal_changes_it_back(new_lab):
    lab = new_lab()
    empty = lab.png()
    lab.run(40)
    drawn = lab.png()
    lab.keep()
    lab.reset()
    ghost = lab.png()
    lab.remove(1)
    assert len({empty, drawn, ghost}) == 3 and lab.png() == empty


def test_a_run_can_be_kept_while_it_goes_on(new_lab):
    lab = new_lab()
    lab.start()
    for number in range(5):
        wait_for(lambda number=number: lab.step > 2 * number)
        lab.keep()
    lab.pause()
    lengths = [{len(column) for column in ghost["tables"]["loss"].values()} for ghost in lab.views.ghosts]
    assert len(lengths) == 5 and all(len(length) == 1 for length in lengths), "of a step all is kept, or nothing"


def test_a_run_is_not_kept_twice_and_waits_while_other_data_are_shown(new_model, new_loader):
    lab = LambdaLab.of({name: lambda: (new_model(), new_loader(), new_loader(64, shuffle=False)) for name in "ab"})
    lab.run(5)
    lab.keep()
    with pytest.raises(LabError, match="These curves are kept already, as run 1"):
        lab.keep()
    lab.choose("b")
    assert lab.views.ghosts == []
    lab.choose("a")
    assert len(lab.views.ghosts) == 1 and len(lab.views.ghost_row.children) == 1
    lab.close()


def test_a_task_is_drawn_as_in_every_other_figure(new_lab):
    loss = new_lab().views.chart.panels[0]
    drawn = {series["label"]: series["colour"][0] for series in loss["series"]}
    assert drawn == {name: style["color"] for name, style in task_styles(["topic", "sentiment"]).items()}


EIGHT = (
    TOPIC,
    SENTIMENT,
    STARS,
    Classification("mood", classes=("low", "high")),
    Regression("price"),
    Regression("weight"),
    Classification("place", classes=("here", "there")),
    Regression("age"),
)


@pytest.mark.parametrize("tasks", [(STARS,), (TOPIC,), (TOPIC, SENTIMENT, STARS), EIGHT], ids=len)
def test_one_to_eight_tasks(tasks, new_model, dataset):
    for task in tasks[3:]:
        dataset.targets[task.name] = dataset.targets["sentiment" if task.classes else "stars"]
        dataset.masks[task.name] = dataset.masks["stars"]
    lab = LambdaLab(new_model(tasks=tasks), make_loader(dataset, 16, shuffle=True), make_loader(dataset, 64))
    lab.run(30)
    assert set(lab.scores) == {task.name for task in tasks}
    assert len(lab.png()) > 10_000
    for task in tasks:
        assert task.name in lab.panel.readout.value
    looks = [(tuple(series["colour"]), str(series["dash"])) for series in lab.views.chart.panels[0]["series"]]
    assert len(set(looks)) == len({colour for colour, _ in looks}) == len(tasks)
    lab.close()


@pytest.mark.bad_input
def test_a_ninth_task_is_refused(new_model, new_loader):
    tasks = [Classification(f"t{i}", classes=(0, 1)) for i in range(9)]
    with pytest.raises(LabError, match="The lab shows 1 to 8 tasks; this model has 9"):
        LambdaLab(new_model(tasks=tasks), new_loader())


def test_an_error_in_the_thread_is_shown_and_raised(new_lab):
    lab = new_lab()
    break_model(lab)
    lab.start()
    wait_for(lambda: not lab.training)
    assert "Training stopped at step 1" in lab.error_box.value and "'topic'" not in lab.error_box.value
    for action in (lab.stop, lambda: lab.run(1)):
        with pytest.raises(TrainingDiverged, match="'topic'"):
            action()
    lab.reset()
    assert lab.error_box.value == "" and lab.error is None
    lab.run(2)


def test_an_error_is_shown_as_text_not_as_html(new_lab):
    def fail(*_):
        raise RuntimeError("<b>not & bold</b>")

    lab = new_lab()
    hook = lab.model.heads["topic"].register_forward_hook(fail)
    lab.panel.buttons["step"].click()
    assert "<b>RuntimeError:</b> &lt;b&gt;not &amp; bold&lt;/b&gt;" in lab.error_box.value
    with pytest.raises(RuntimeError, match="not & bold"):
        lab.stop()
    hook.remove()
    lab.reset()
    lab.run(1)
    assert "RuntimeError" not in lab.error_box.value


def test_what_a_button_may_not_do_is_said_on_the_page(new_lab):
    lab = new_lab()
    lab.panel.buttons["keep"].click()
    assert "no curve to keep yet" in lab.error_box.value


def test_buttons_do_what_they_say(new_lab):
    lab = new_lab()
    lab.panel.buttons["step"].click()
    assert lab.step == 1 and lab.panel.optimizer.disabled
    lab.panel.buttons["train"].click()
    wait_for(lambda: lab.step > 20)
    assert lab.panel.buttons["train"].disabled and not lab.panel.buttons["pause"].disabled
    lab.panel.buttons["pause"].click()
    assert not lab.training and not lab.panel.buttons["train"].disabled
    before = lab.history
    lab.panel.buttons["replay"].click()
    wait_for(lambda: not lab.training and lab.step == before.step.max())
    same_run(lab.history, before)
    lab.panel.buttons["reset"].click()
    assert lab.step == 0 and not lab.panel.optimizer.disabled


def test_the_optimizer_counts_from_the_next_run_on(new_lab):
    lab = new_lab()
    lab.run(5)
    adamw = lab.history
    lab.reset()
    lab.panel.optimizer.value, lab.panel.learning_rate.value = "SGD", 0.1
    lab.run(5)
    assert not lab.history.loss.equals(adamw.loss)


def test_closing_frees_the_thread_and_the_page(new_lab):
    lab = new_lab()
    lab.start()
    thread = lab._worker._thread
    lab.close()
    assert not thread.is_alive() and lab.box.comm is None
    with pytest.raises(LabError, match="closed, or its cell was run again"):
        lab.run(1)
    lab.close()


def test_two_labs_side_by_side_do_not_disturb_each_other(new_lab):
    alone = new_lab()
    alone.run(60)
    left, right = new_lab(), new_lab(tasks=(TOPIC, SENTIMENT, STARS))
    left.start()
    right.start()
    wait_for(lambda: left.step >= 60 and right.step >= 60)
    left.pause()
    right.pause()
    same_run(left.history[left.history.step <= 60].reset_index(drop=True), alone.history)


def test_two_labs_may_take_turns_on_one_loader(new_model, new_loader):
    loader = new_loader()
    before = loader.generator.get_state()
    alone, left, right = (LambdaLab(new_model(tasks=(TOPIC,)), loader) for _ in range(3))
    alone.run(40)
    for _ in range(4):
        left.run(10)
        right.set(topic=0.5)
        right.run(10)
    same_run(left.history, alone.history)
    assert set(right.history.weight) == {0.5} and torch.equal(loader.generator.get_state(), before)
    for lab in (alone, left, right):
        lab.close()


def test_a_frozen_encoder_can_be_watched_too(new_model, new_loader):
    model = new_model(tasks=(TOPIC, SENTIMENT))
    model.encoder.requires_grad_(False)
    lab = LambdaLab(model, new_loader(), eval_every=5)
    lab.run(5)
    assert "step 5" in lab.panel.readout.value and "cosine" not in lab.panel.readout.value, "nothing is shared"
    lab.close()


def test_running_a_cell_again_stops_the_lab_it_made_before(new_lab, monkeypatch):
    def in_cell(cell, count):
        monkeypatch.setattr(live_widget, "current_cell", lambda: (cell, count))
        return new_lab()

    old, neighbour, elsewhere = in_cell("a", 1), in_cell("a", 1), in_cell("b", 2)
    old.start()
    new = in_cell("a", 3)
    assert old.closed and neighbour.closed and not old.training
    assert not elsewhere.closed and not new.closed


@pytest.mark.parametrize(("cost", "gap"), [(0.001, 0.1), (0.006, 0.18), (0.1, 0.3)])
def test_the_page_hears_from_the_training_more_seldom_the_longer_showing_takes(new_lab, monkeypatch, cost, gap):
    """From ten times a second to three: the time from the end of one showing to the next, on a clock of our own."""
    lab, now, ends = new_lab(), [0.0], []

    def look() -> float:
        now[0] += 0.001
        return now[0]

    def show(cosines) -> None:
        now[0] += cost - 0.001  # the look at its end is the last millisecond
        ends.append(now[0])

    monkeypatch.setattr(lab_module.time, "perf_counter", look)
    monkeypatch.setattr(lab.views, "show", show)
    lab.run(2000)
    waits = [b - a - cost for a, b in itertools.pairwise(ends[1:-1])]  # the last comes with the end
    assert len(waits) > 3 and min(waits) >= gap - 0.002 and max(waits) <= gap + 0.01


def test_the_number_of_threads_is_put_back(new_lab):
    torch.set_num_threads(2)
    left, right = new_lab(), new_lab()
    left.run(2)
    assert torch.get_num_threads() == 2
    during, after = [], []
    left.model.encoder.register_forward_hook(lambda *_: during.append(torch.get_num_threads()))
    left.start()
    right.start()
    wait_for(lambda: left.step > 5 and right.step > 5)
    left.pause()
    right.pause()
    thread = threading.Thread(target=lambda: after.append(torch.get_num_threads()))  # told what was set last anywhere
    thread.start()
    thread.join()
    assert set(during) == {1} and after == [2] and torch.get_num_threads() == 2


def test_what_a_notebook_stores_is_the_same_on_every_machine(new_lab):
    lab = new_lab()
    lab.set(topic=0.2)
    lab.run(7)
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"] == "LambdaLab at step 7, λ: topic 0.2, sentiment 1"
    assert bundle["image/png"].startswith("iVBORw0KGgo") and "text/html" not in bundle


def test_the_sliders_come_first_and_the_readout_says_what_is_known(new_lab):
    lab = new_lab()
    lab.run(25)
    assert lab.panel.steer.children[0].children == tuple(lab.sliders.values())
    assert "step 25" in lab.panel.readout.value and "accuracy" in lab.panel.readout.value


# Random numbers, labels that are not there, rules of one's own, interrupts, and what is left behind


def with_dropout(model):
    model.encoder.register_forward_hook(lambda module, args, output: F.dropout(output, 0.5, module.training))
    return model


def parts_of(frame):
    """The topic of one half and the stars of the other, as two data sets."""
    vocabulary, half = Vocabulary.from_texts(frame.text), len(frame) // 2
    return {
        task.name: encode_reviews(part, vocabulary, [task])
        for task, part in ((TOPIC, frame[:half]), (STARS, frame[half:]))
    }


@pytest.mark.parametrize("method", ["by hand", "PCGrad", "FAMO"])
def test_a_run_with_dropout_and_a_mixed_loader_that_was_looked_at_replays_bit_for_bit(new_model, frame, method):
    loader = mixed_loader(parts_of(frame), 8, temperature=5)
    next(iter(loader))
    lab = LambdaLab(with_dropout(new_model(tasks=(TOPIC, STARS))), loader, eval_every=10)
    lab.set(topic=0.5)
    lab.use(method)
    lab.run(30)
    torch.rand(7)  # a cell goes on drawing
    lab.run(15)
    before, cosines = lab.history, repr(lab.views.curves.tables["cosine"])
    torch.manual_seed(99)
    lab.replay()
    same_run(lab.history, before)
    assert repr(lab.views.curves.tables["cosine"]) == cosines and len(lab.views.curves.tables["pull"]["x"]) == 4
    lab.reset()
    lab.use(method)
    lab.run(45)
    same_run(lab.history[["step", "task", "loss"]], before[["step", "task", "loss"]])
    lab.close()


def test_dropout_is_drawn_anew_each_step(new_model, new_loader):
    lab = LambdaLab(with_dropout(new_model(tasks=(TOPIC,))), new_loader(), lr=1e-12)
    lab.run(1)
    first = lab.history.loss.iloc[0]
    lab.run(len(lab.recorded.loader))
    assert first not in lab.history.loss.iloc[1:].tolist()
    lab.close()


def test_a_rule_of_one_s_own_that_draws_late_replays_and_takes_nobody_s_numbers(new_lab):
    class Late(Halving):
        def weigh(self, losses, model):
            weights = super().weigh(losses, model)
            return weights if self.taken < 4 else {name: torch.rand(1).item() + 0.1 for name in weights}

    lab = new_lab()
    lab.use(Late(lab.model.tasks))
    torch.manual_seed(5)
    lab.run(8)
    assert torch.equal(torch.get_rng_state(), torch.Generator().manual_seed(5).get_state())
    before = lab.history
    lab.replay()
    same_run(lab.history, before)


def test_a_cosine_is_that_of_the_step_with_its_dropout(new_model, new_loader, monkeypatch):
    seen = []

    def losses(model, batch, state):
        with look(model, state):
            seen.append(
                {name: loss.item() for name, loss in task_losses(model.tasks, model(batch.inputs), batch).items()}
            )
        return {}

    monkeypatch.setattr(recording, "task_gradients", losses)
    lab = LambdaLab(with_dropout(new_model(tasks=(TOPIC, SENTIMENT))), new_loader(), lr=1e-12, eval_every=1)
    lab.run(3)
    for record, found in zip(lab.recorded.records, seen, strict=True):
        assert found == pytest.approx(record.losses, rel=1e-4)
    lab.close()


def test_a_long_run_keeps_no_batch_and_no_random_state_alive(new_lab):
    lab = new_lab(eval_every=2)
    lab.run(5)
    assert not any(r.batch or r.random_state or r.place for r in lab.recorded.records[:-1])


def test_what_a_cell_draws_is_the_same_while_labs_train(new_model, new_loader):
    def sequence():
        torch.manual_seed(3)
        drawn = []
        for _ in range(200):
            drawn.append(torch.rand(2))
            time.sleep(0.001)
        return torch.stack(drawn)

    alone = sequence()
    labs = [LambdaLab(with_dropout(new_model()), new_loader(), new_loader(), eval_every=5) for _ in range(2)]
    for lab, method in zip(labs, ("PCGrad", "random"), strict=True):
        lab.use(method)
        lab.start()
    wait_for(lambda: all(lab.step > 3 for lab in labs))
    steps = [lab.step for lab in labs]
    assert torch.equal(sequence(), alone)
    assert all(lab.step > step for lab, step in zip(labs, steps, strict=True)), "they did train meanwhile"
    for lab in labs:
        lab.close()


def test_a_task_without_a_label_has_a_gap_and_no_loss(new_lab):
    lab = new_lab()
    lab.run(1)
    record = dataclasses.replace(lab.recorded.records[0], losses={"topic": 2.0, "sentiment": math.nan})
    lab.views.clear()
    for step in range(1, 31):
        lab.views.curves.add(dataclasses.replace(record, step=step), {}, {})
    for step in range(31, 61):
        losses = {"topic": math.nan, "sentiment": 1.0 if step % 2 else math.nan}
        lab.views.curves.add(dataclasses.replace(record, step=step, losses=losses), {}, {})
    topic, sentiment = (lab.views.curves.tables["loss"][name] for name in ("topic", "sentiment"))
    assert topic[:49] == [2.0] * 49 and all(map(math.isnan, topic[49:])), "nothing in the last 20 steps"
    assert all(map(math.isnan, sentiment[:30])) and sentiment[30:] == [1.0] * 30, "the mean is over the labels alone"
    lab.recorded.records[:] = [record]
    lab._worker.ask(lab._show)
    assert ">–</td>" in lab.panel.readout.value and "nan" not in lab.panel.readout.value
    assert len(lab.png()) > 10_000


class Halving(Weighting):
    """A rule of one's own: each task counts half as much as the one before it, and ever less."""

    def __init__(self, tasks, **options):
        super().__init__(tasks, **options)
        self.taken = 0

    def weigh(self, losses, model):
        self.taken += 1
        return {name: 0.5**i / self.taken for i, name in enumerate(losses)}


def test_a_rule_of_one_s_own_drives_the_lab_and_replays(new_lab):
    lab = new_lab()
    rule = Halving(lab.model.tasks)
    lab.run(2)
    lab.use(rule)
    lab.run(3)
    assert lab.method == "Halving" == lab.panel.method.value and rule.taken == 0, "the lab has a copy"
    assert lab.history[lab.history.step == 5].weight.tolist() == pytest.approx([4 / 3, 2 / 3])
    lab.use("by hand")
    lab.run(1)
    before, events = lab.history, lab.events
    assert events[events.task == "method"].value.tolist() == ["Halving", "by hand"]
    lab.replay()
    same_run(lab.history, before)
    lab.use(rule)
    assert lab.method == "Halving"
    lab.use(Halving(lab.model.tasks))
    assert lab.method == "Halving 2"
    lab.panel.method.value = "Halving"
    assert lab.method == "Halving"


@pytest.mark.bad_input
def test_a_rule_for_other_tasks_is_refused(new_lab):
    with pytest.raises(LabError, match=r"This Halving was made for the tasks \['stars'\]; the lab has \['topic'"):
        new_lab().use(Halving([STARS]))


def test_a_rule_that_is_added_later_can_be_chosen(new_lab, monkeypatch):
    monkeypatch.setitem(RULES, "halving", Halving)
    lab = new_lab()
    assert "halving" in lab.panel.method.options
    lab.use("halving")
    lab.run(2)
    assert lab.recorded.driving == "halving"


def test_an_interrupt_pauses_the_run_and_leaves_the_lab_usable(new_lab):
    lab = new_lab()
    for _ in range(3):
        before = lab.step
        timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            lab.run(1_000_000)
        wait_for(lambda: not lab.training)
        assert lab.step > before
        lab.run(2)
    history = lab.history
    lab.replay()
    same_run(lab.history, history)


def test_closing_a_lab_leaves_no_model_on_the_page(new_model, new_loader):
    before = page_models()
    tasks = (TOPIC, SENTIMENT)

    def world(tasks):
        return lambda: (new_model(tasks=tasks), new_loader())

    lab = LambdaLab.of({"two": world(tasks), "three": world((*tasks, STARS))})
    opened = len(page_models() - before)
    lab.run(3)
    lab.keep()
    lab.run(1)
    lab.keep()
    lab.remove(1)
    lab.remove(1)
    lab.choose("three")
    lab.choose("two")
    assert len(page_models() - before) == opened, "of what was replaced nothing is left"
    lab.start()
    lab.close()
    assert page_models() == before and lab._worker._thread is None


def test_a_reset_from_code_sets_what_the_page_has_chosen(new_lab):
    lab = new_lab(optimizer="AdamW", lr=0.002)
    lab.panel.optimizer.value, lab.panel.learning_rate.value = "SGD", 0.3
    lab.run(2)
    lab.reset(optimizer="AdamW", lr=0.004)
    assert (lab.panel.optimizer.value, lab.panel.learning_rate.value, lab.step) == ("AdamW", 0.004, 0)
    lab.run(3)
    other = new_lab(optimizer="AdamW", lr=0.004)
    other.run(3)
    same_run(lab.history, other.history)
    for wrong, said in ({"optimizer": "Adagrad"}, "Unknown optimizer 'Adagrad'"), ({"lr": 0}, "The learning rate"):
        with pytest.raises(LabError, match=said):
            lab.reset(**wrong)
    assert lab.step == 3, "what is refused changes nothing"


def test_a_closed_lab_is_collected(new_model, new_loader):
    lab = LambdaLab(new_model(), new_loader())
    lab.run(2)
    lab.close()
    gone = weakref.ref(lab)
    del lab
    gc.collect()
    assert gone() is None
