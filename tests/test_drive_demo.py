"""The drive demo without a page: what is chosen is drawn, λ retrains, and what fails is seen."""

import io
import wave

import numpy as np
import pytest
import torch
from on_the_page import page_clicks, page_says, wait_for

from mtl_helpers.data import make_loader
from mtl_helpers.driving import DRIVING_TASKS, SIGN, make_drives, wav
from mtl_helpers.live import DemoError, DriveDemo
from mtl_helpers.live.widgets import live_widget
from mtl_helpers.models import FusionEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.plots.live.drive_views import Answer
from mtl_helpers.training import TrainingError, mean_skill, validate

STEPS = 12


@pytest.fixture(scope="module")
def splits():
    return make_drives(96, 48, 8, seed=0)


def new_model(tasks=DRIVING_TASKS) -> MultiTaskModel:
    torch.manual_seed(0)
    branches = {
        "camera": ImageEncoder(size=32, colours=3, channels=4),
        "microphone": ImageEncoder(size=24, channels=4),
    }
    return MultiTaskModel(FusionEncoder(branches, hidden=16), tasks)


@pytest.fixture
def new_demo(splits):
    demos = []

    def build(**options) -> DriveDemo:
        loaders = make_loader(splits.train, 16, shuffle=True, seed=0), make_loader(splits.val, 48)
        demos.append(DriveDemo(new_model(), *loaders, **{"steps": STEPS} | options))
        return demos[-1]

    yield build
    for demo in demos:
        demo.close()


def test_what_is_chosen_changes_drive_answers_and_picture(new_demo):
    demo = new_demo()
    seen = {demo.picture.value}
    for change in ({"command": "stop"}, {"sign": "left only"}, {"obstacle": "middle"}, {"bend": 1.0}, {"fog": 2.0}):
        before = {name: answer.output for name, answer in demo.answers.items()}
        demo.set(**change)
        assert any(not torch.equal(answer.output, before[name]) for name, answer in demo.answers.items()), change
        seen.add(demo.picture.value)
    assert len(seen) == 6 and demo.row.action.iloc[0] == "stop"


def test_widgets_do_what_set_does(new_demo):
    by_page, by_code = new_demo(), new_demo()
    by_page.command.value, by_page.light.value, by_page.sign.value = "right", 0.5, "stop"
    by_code.set(command="right", light=0.5, sign="stop")
    assert by_page.picture.value == by_code.picture.value and by_page.readout.value == by_code.readout.value
    assert repr(by_page) == repr(by_code) and "command right, sign stop" in repr(by_page)


def test_an_input_that_is_off_is_zero_for_the_model(new_demo):
    demo = new_demo()
    demo.set(microphone=False)
    said = demo.answers["command"].output
    demo.set(command="pass")
    assert torch.equal(demo.answers["command"].output, said), "the word can not be heard"
    demo.set(microphone=True)
    assert not torch.equal(demo.answers["command"].output, said)


def test_training_follows_from_weights_alone_and_is_compared_with_single_models(new_demo):
    single = {"sign": 0.0, "waypoints": 0.0}
    demo = new_demo(single=single)
    first = demo.run(waypoints=4)
    assert demo.recorded.records[-1].weights["waypoints"] == 4 and demo.sliders["waypoints"].value == 4
    assert first.points["sign"] == pytest.approx(100 * first.validation["sign"])
    assert first.points["waypoints"] == pytest.approx(-100 * first.validation["waypoints"]), "a smaller error is better"
    assert first.points.isna().sum() == 3 and "1 of 2 tasks within 2 points" in demo.readout.value
    demo.run(waypoints=0, command=0)
    assert demo.run(waypoints=4, command=1).validation.equals(first.validation), "another λ left something behind"


def test_a_trained_model_is_taken_over_and_a_slider_goes_on_from_the_first_weights(new_demo):
    first, demo = new_demo(), new_demo(single={"sign": 0.0})
    again = demo.run(sign=2).validation
    trained = first.run()
    taken = demo.take(first.model)
    assert taken.validation.equals(trained.validation) and taken.points["sign"] == 100 * taken.validation["sign"]
    assert "this model was trained before" in demo.readout.value and demo.picture.value == first.picture.value
    assert demo.run(sign=2).validation.equals(again)
    with pytest.raises(DemoError, match="other parts"):
        demo.take(new_model([SIGN]))


def test_a_slider_retrains_in_the_background_while_the_scene_changes(new_demo):
    demo = new_demo(steps=40)
    demo.sliders["sign"].value = 2.0
    demo.set(command="ahead")
    demo.wait(60)
    assert demo.error is None and not demo.computing and demo.step == 40 and set(demo.scores) == set(demo.sliders)
    assert demo.recorded.records[-1].weights["sign"] == 2.0
    assert "command ahead" in repr(demo)


def test_another_weight_gives_up_what_was_being_trained(new_demo):
    demo = new_demo(steps=100_000)
    demo.start()
    wait_for(lambda: demo.step > 2)
    demo.sliders["action"].value = 3.0
    wait_for(lambda: demo.recorded.records and demo.recorded.records[-1].weights["action"] == 3.0)
    demo.stop()
    assert 0 < demo.step < 100_000 and demo.scores == {} and not demo.computing


def test_another_drive_keeps_what_was_chosen(new_demo):
    demo = new_demo()
    demo.set(command="turn", sign="no entry", bend=-0.5)
    before = demo.row.copy()
    demo.buttons["other"].click()
    same = ["command", "sign", "obstacle", "bend", "action"]
    assert demo.row[same].iloc[0].equals(before[same].iloc[0]) and demo.row.pitch.iloc[0] != before.pitch.iloc[0]


def test_what_goes_wrong_in_the_thread_is_shown_and_raised(new_demo, monkeypatch):
    demo = new_demo()
    monkeypatch.setattr(demo.recorded, "step", lambda: 1 / 0)
    demo.start()
    demo.wait(30)
    assert "ZeroDivisionError" in demo.error_box.value
    with pytest.raises(ZeroDivisionError):
        demo.stop()


def test_running_its_cell_again_closes_it(new_demo, monkeypatch):
    monkeypatch.setattr(live_widget, "current_cell", lambda: ("a cell", 1))
    older = new_demo()
    monkeypatch.setattr(live_widget, "current_cell", lambda: ("a cell", 2))
    new_demo()
    with pytest.raises(DemoError, match="was closed"):
        older.set(command="stop")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda d: d.set(command="fly"), "command is one of left, right, ahead, stop, turn, pass; found 'fly'"),
        (lambda d: d.set(bend=3), "bend lies between -1 and 1; found 3"),
        (lambda d: d.set(pitch=100), "A drive has command, sign, obstacle, bend, light, fog, rain, hum; found 'pitch'"),
        (lambda d: d.run(speed=2), "There is no task 'speed' to weight"),
    ],
    ids=["word", "number", "no slider", "no task"],
)
def test_bad_choices_change_nothing(new_demo, act, said):
    demo = new_demo()
    before = repr(demo)
    with pytest.raises(DemoError, match=said):
        act(demo)
    assert repr(demo) == before


@pytest.mark.bad_input
def test_a_demo_of_other_tasks_is_refused(splits, new_demo):
    with pytest.raises(
        DemoError, match="draws the tasks sign, obstacle, command, action, waypoints; the model has sign"
    ):
        DriveDemo(new_model([SIGN]), make_loader(splits.train, 16), make_loader(splits.val, 48))
    with pytest.raises(DemoError, match="There is no task 'speed' to compare with"):
        new_demo(single={"speed": 1.0})
    with pytest.raises(TrainingError, match="steps must be a whole number"):
        new_demo(steps=0)


def test_confidence_is_the_softmax_of_what_is_said():
    answer = Answer(SIGN, torch.tensor([0.0, 3.0, 0.0, 0.0, 0.0]))
    assert answer.says == "stop" and answer.confidence == pytest.approx(np.exp(3) / (np.exp(3) + 4))
    path = Answer(DRIVING_TASKS[-1], torch.arange(10.0))
    assert path.confidence is None and path.says == "to (+8.0, 9.0)"


def test_the_player_gets_a_wave_file_that_others_read():
    clip = np.sin(np.linspace(0, 100, 4000))
    with wave.open(io.BytesIO(wav(clip))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 4000)
        samples = np.frombuffer(file.readframes(4000), dtype="<i2") / 32767
    np.testing.assert_allclose(samples, clip, atol=1e-4)


def test_it_ends_with_the_best_validation(new_demo, monkeypatch):
    monkeypatch.setattr("mtl_helpers.live.demos.drive.EVAL_EVERY", 4)
    demo = new_demo()
    demo.run()
    seen = {mean_skill(record.val_skills): record.val_scores for record in demo.recorded.records if record.val_scores}
    assert len(seen) == 3 and demo.scores == seen[max(seen)]
    assert validate(demo.model, demo.recorded.val_loader)[1] == pytest.approx(demo.scores)


def test_tries_are_kept_beside_one_another(new_demo):
    demo = new_demo(single={"sign": 0.0, "waypoints": 0.0})
    demo.take(new_model())
    for weight in (1, 5):
        demo.run(waypoints=weight)
    points = demo.tries["sign"].tolist()
    assert demo.tries["λ waypoints"].tolist() == [1, 1, 5] and points[-1] == demo.gaps["sign"]
    assert demo._tried.value.count("<tr>") == 2 + 3 and f"5 : <b>{demo.gaps['waypoints']:+.1f}</b>" in demo._tried.value
    demo.start()
    demo.stop()
    assert len(demo.tries) == 3, "what was given up is no try"


def test_reset_is_the_first_drive_and_all_weights_one(new_demo):
    demo = new_demo()
    first, before = demo.row, repr(demo)
    page_clicks(demo.buttons["other"])
    demo.set(sign="stop", fog=1.0, microphone=False)
    page_says(demo.sliders["sign"], value=5)
    demo.wait()
    assert repr(demo) != before
    demo.reset()
    assert repr(demo) == before and demo.row.equals(first) and demo.microphone.value and not demo.computing
    assert set(demo.recorded.weights.values()) == {1.0} == {slider.value for slider in demo.sliders.values()}
