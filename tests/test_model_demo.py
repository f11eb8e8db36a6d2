"""The model demo shows the module that was picked, its true size and step, and never a wrong choice silently."""

import threading
from itertools import islice

import matplotlib.pyplot as plt
import pytest
import torch

from mtl_helpers.evaluation import StepTimer
from mtl_helpers.live import DemoError, ModelDemo
from mtl_helpers.live.demos.model import WIDTHS
from mtl_helpers.models import MultiTaskModel, count_parameters
from mtl_helpers.plots import draw_architecture, encoder_parts
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, TaskError

TASKS = (TOPIC, SENTIMENT, STARS)


@pytest.fixture
def batches(new_loader):
    return list(islice(new_loader(), 4))


@pytest.fixture
def demo(batches):
    demo = ModelDemo(batches, TASKS, 30, encoder="CNN", width=8)
    yield demo
    demo.wait(20)


@pytest.mark.parametrize("encoder", ["CNN", "LSTM", "Transformer"])
@pytest.mark.parametrize("heads", [["topic"], ["topic", "sentiment", "stars"]])
def test_the_ratio_of_parameters_is_that_of_models_built_one_by_one(demo, encoder, heads):
    demo.set(encoder=encoder, width=16, heads=heads)
    single = [MultiTaskModel(demo.model.encoder, [task]) for task in demo.model.tasks]
    sizes = [sum(p.numel() for p in model.parameters()) for model in single]
    assert demo.heads == heads and list(demo.model.heads) == heads
    assert demo.parameter_ratio == pytest.approx(sum(p.numel() for p in demo.model.parameters()) / sum(sizes))
    assert f"{sum(sizes):,}" in demo.readout.value


def test_one_head_is_no_saving(demo):
    demo.set(heads=["sentiment"])
    assert demo.parameter_ratio == 1


def test_run_times_the_shared_model_and_each_single_one(demo):
    times = demo.run(rounds=3)
    assert list(times) == ["shared", "topic", "sentiment"] and all(ms > 0 for ms in times.values())
    assert demo.time_ratio == pytest.approx(times["shared"] / (times["topic"] + times["sentiment"]))
    demo.set(width=16)
    assert demo.step_ms == {} and demo.time_ratio != demo.time_ratio, "the time of another model is left standing"


def test_a_click_measures_in_the_background_and_ends_by_itself(demo):
    demo.encoder.value = "LSTM"
    demo.width.value = 16
    demo.head_boxes["stars"].value = True
    demo.wait(20)
    assert not demo.computing and demo.error is None
    assert list(demo.step_ms) == ["shared", "topic", "sentiment", "stars"]
    assert "LSTM, width 16" in demo.readout.value and " ms" in demo.readout.value


def test_many_clicks_leave_one_thread_and_the_last_choice(demo):
    before = threading.active_count()
    for width in WIDTHS[:4] * 3:
        demo.width.value = width
        assert threading.active_count() <= before + 1
    demo.wait(30)
    assert demo.model.encoder.embedding.embedding_dim == WIDTHS[3] and demo.step_ms


def test_no_head_is_said_in_words_and_mended_by_a_tick(demo):
    for box in demo.head_boxes.values():
        box.value = False
    demo.wait(20)
    assert "tick at least one task" in demo.error_box.value
    demo.head_boxes["stars"].value = True
    demo.wait(20)
    assert demo.error is None and list(demo.model.heads) == ["stars"]


def test_an_error_in_the_thread_is_shown(demo, batches):
    for batch in batches:
        batch.targets["stars"].fill_(float("nan"))
    demo.head_boxes["stars"].value = True
    demo.wait(20)
    assert isinstance(demo.error, TaskError) and "stars" in demo.error_box.value
    with pytest.raises(TaskError):
        demo.run(rounds=2)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"encoder": "GRU"}, "choose one of CNN, LSTM, Transformer"),
        ({"width": 7}, "must be one of 8, 16"),
        ({"heads": []}, "tick at least one"),
        ({"heads": ["colour"]}, "no task 'colour'"),
    ],
)
def test_a_wrong_choice_changes_nothing(demo, choice, said):
    before = repr(demo)
    with pytest.raises(DemoError, match=said):
        demo.set(**choice)
    assert repr(demo) == before


def test_it_leaves_the_random_numbers_and_threads_of_the_notebook_alone(demo):
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    demo.set(encoder="Transformer", width=16)
    demo.run(rounds=2)
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads


def test_what_the_notebook_stores_holds_no_time(demo):
    before = repr(demo)
    demo.run(rounds=2)
    stored = demo._repr_mimebundle_()
    assert stored["text/plain"] == repr(demo) == before and stored["image/png"]


@pytest.mark.bad_input
def test_without_batches_there_is_nothing_to_time():
    with pytest.raises(DemoError, match="no batch"):
        ModelDemo([], TASKS, 30)


def test_the_timer_takes_turns_and_drops_the_warm_up(new_model, batches):
    timer = StepTimer({"a": new_model(), "b": new_model()}, batches)
    timer.measure(5)
    assert timer.medians() == {}
    timer.measure(3)
    assert {name: len(values) for name, values in timer.seconds.items()} == {"a": 3, "b": 3}


def test_the_drawing_accounts_for_every_parameter(new_model, encoder_class):
    model = new_model(encoder_class)
    assert sum(size for _, size in encoder_parts(model.encoder).values()) == count_parameters(model)["encoder"]
    before = plt.get_fignums()
    figure = draw_architecture(model, title="a model")
    assert plt.get_fignums() == before, "it would be shown twice"
    ax, bar = figure.axes
    drawn = " ".join(text.get_text() for text in ax.texts)
    assert type(model.encoder).__name__ in drawn and f"(batch, {model.encoder.features})" in drawn
    for name, size in count_parameters(model).items():
        assert name == "encoder" or f"{name} · {size:,}" in drawn
    assert sum(patch.get_width() for patch in bar.patches) == pytest.approx(1)


def test_a_frozen_or_empty_encoder_can_be_drawn(new_model):
    model = new_model()
    model.requires_grad_(False)
    draw_architecture(model)
