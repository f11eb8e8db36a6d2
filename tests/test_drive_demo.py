"""The drive demo without a page: the car drives and is told otherwise on the way, λ retrains, and what fails is seen."""

import io
import wave

import numpy as np
import pytest
import torch
from on_the_page import page_clicks, page_says, wait_for

from mtl_helpers.data import make_loader
from mtl_helpers.driving import (
    ACTION,
    DRIVING_TASKS,
    SIGN,
    WAYPOINTS,
    Simulator,
    episode_rows,
    expert,
    make_drives,
    stand_still,
    wav,
)
from mtl_helpers.live import DemoError, DriveDemo
from mtl_helpers.live.demos.drive.ride import Ride
from mtl_helpers.live.widgets import live_widget
from mtl_helpers.models import FusionEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.plots.live.drive_views import Answer
from mtl_helpers.training import TrainingError, mean_skill, validate

STEPS, EXAM = 12, 4


@pytest.fixture(autouse=True)
def _short_exam(monkeypatch):
    for module in ("school", "drive_demo"):
        monkeypatch.setattr(f"mtl_helpers.live.demos.drive.{module}.EXAM", EXAM)


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


@pytest.fixture
def knows_the_rule(monkeypatch):
    """Whatever the model is, action and waypoints are right: what is tested is the drive."""
    says = Ride._answers

    def right(ride, inputs):
        path = torch.from_numpy(expert(ride.simulator)[0]).float()
        way = ride.row.action.iloc[0]
        action = torch.eye(4)[ACTION.classes.index(way)] * 9
        return says(ride, inputs) | {"action": Answer(ACTION, action), "waypoints": Answer(WAYPOINTS, path, way)}

    monkeypatch.setattr(Ride, "_answers", right)


def place(demo) -> tuple[float, ...]:
    return tuple(demo.stage.frame["car"])


# The drive


def test_what_is_chosen_changes_drive_answers_and_picture(new_demo):
    demo = new_demo()
    seen = {(demo.stage.camera, demo.stage.heard)}
    for change in ({"command": "stop"}, {"sign": "left only"}, {"obstacle": "middle"}, {"bend": 1.0}, {"fog": 2.0}):
        before = {name: answer.output for name, answer in demo.answers.items()}
        demo.set(**change)
        assert any(not torch.equal(answer.output, before[name]) for name, answer in demo.answers.items()), change
        seen.add((demo.stage.camera, demo.stage.heard))
    assert len(seen) == 6 and demo.ride.row.action.iloc[0] == "stop"


def test_widgets_do_what_set_does(new_demo):
    by_page, by_code = new_demo(), new_demo()
    for name, value in {"command": "right", "light": 0.5, "sign": "stop"}.items():
        by_page.controls[name].value = value
    by_page.controls["microphone"].value = True
    by_code.set(command="right", light=0.5, sign="stop", microphone=False)
    assert by_page.stage.frame == by_code.stage.frame and by_page.stage.camera == by_code.stage.camera
    assert by_page.readout.value == by_code.readout.value
    assert repr(by_page) == repr(by_code) and "command right, sign stop" in repr(by_page)


@pytest.mark.usefixtures("knows_the_rule")
@pytest.mark.parametrize("command", ["left", "right", "ahead"])
def test_a_command_given_on_the_way_changes_where_the_car_goes(new_demo, command):
    demo = new_demo()
    demo.set(command="stop")
    demo.advance(2)
    before = place(demo)
    demo.set(command=command)
    assert place(demo) == before, "the car stays where it is"
    report = demo.advance()
    assert report.success and report.action == command
    x, y, _ = place(demo)
    assert {"left": x < -1, "right": x > 1, "ahead": y > 1}[command]
    assert demo.stage.frame["note"] == f"Arrived: {command}, as it should." and not demo.stage.frame["warns"]


@pytest.mark.usefixtures("knows_the_rule")
def test_in_the_crossing_no_command_counts_any_more(new_demo):
    demo = new_demo()
    demo.set(command="left")
    while not demo.ride.simulator.decided[0]:
        demo.advance(0.1)
    demo.set(command="right", sign="stop")
    assert "decided: <b>left</b>" in demo.readout.value and demo.advance().success and place(demo)[0] < -1


@pytest.mark.usefixtures("knows_the_rule")
def test_a_sign_and_a_truck_put_up_on_the_way_count(new_demo):
    demo = new_demo()
    demo.set(command="pass")
    demo.advance(1)
    demo.set(obstacle="middle")
    assert demo.ride.row.action.iloc[0] == "right" and [thing["kind"] for thing in demo.stage.scene["things"]] == [
        "truck"
    ]
    demo.set(sign="stop")
    assert demo.ride.row.action.iloc[0] == "stop" and demo.ride.seconds == 1
    assert demo.advance().success and demo.stage.frame["note"] == "Waited, as it should."


def test_another_bend_is_another_road(new_demo):
    demo = new_demo()
    demo.advance(1)
    demo.set(fog=0.4)
    assert demo.ride.seconds == 1
    demo.set(bend=-1.0)
    assert demo.ride.seconds == 0 and demo.ride.row.fog.iloc[0] == 0.4


@pytest.mark.usefixtures("knows_the_rule")
def test_after_its_end_a_drive_begins_again_in_the_weather_of_now(new_demo):
    demo = new_demo()
    start = place(demo)
    demo.advance()
    demo.set(fog=0.3, command="right")
    assert demo.ride.done and demo.advance(0.1).fog == 0.3 and demo.ride.seconds == 0.1
    demo.new(demo._seed)
    assert place(demo) == start and demo.advance().action == "right"


def test_an_input_that_fails_on_the_way_is_zero_for_the_model(new_demo):
    demo = new_demo()
    demo.advance(0.5)
    demo.set(microphone=False)
    said = demo.answers["command"].output
    demo.set(command="pass")
    assert torch.equal(demo.answers["command"].output, said), "the word cannot be heard"
    assert not any(demo.ride._inputs()["microphone"].flatten()) and demo.stage.frame["microphone"] is False
    assert not any(np.frombuffer(demo.audio.value[44:], np.int16)), "silence"
    demo.set(camera=False)
    assert not any(demo.stage.camera) and not any(demo.stage.seen) and demo.stage.frame["camera"] is False
    demo.set(microphone=True, camera=True)
    assert not torch.equal(demo.answers["command"].output, said) and any(demo.stage.camera)


def test_the_car_follows_the_path_and_not_the_action(new_demo, monkeypatch):
    """What the lesson says of an action and a path that disagree."""
    straight = torch.stack([torch.zeros(5), 0.55 * torch.arange(1, 6)], dim=1).flatten()
    says, left = Ride._answers, torch.tensor([9.0, 0, 0, 0])

    def straight_on(ride, inputs):
        off = ride._off(straight.numpy())
        path = Answer(WAYPOINTS, straight, min(off, key=off.get))
        return says(ride, inputs) | {"action": Answer(ACTION, left), "waypoints": path}

    monkeypatch.setattr(Ride, "_answers", straight_on)
    demo = new_demo()
    demo.set(command="left", bend=0.0)
    demo.ride._begin(demo.ride.row.assign(along=-3.0))
    demo.set(rain=0.0)
    assert "agrees" in demo.stage.frame["note"] and not demo.stage.frame["warns"], "far off all ways are alike"
    demo.advance(2)
    note = "The action says left, but the path leads straight on. The car follows the path."
    assert demo.stage.frame["note"] == note and demo.stage.frame["warns"]
    report = demo.advance()
    assert report.wrong_turn and place(demo)[1] > 1
    assert demo.stage.frame["note"] == "The car took the wrong way; the rule of the road says left."


@pytest.mark.parametrize(
    ("drive", "path", "said"),
    [
        ({"command": "left"}, (0.0, 0.0), "The car did not get there in time; the rule of the road says left."),
        ({"command": "ahead", "sign": "stop"}, (0.0, 0.55), "The car went on where it had to stop; the rule of"),
        ({"command": "ahead", "obstacle": "middle"}, (0.0, 0.55), "The car hit the truck and went on where it had to"),
        ({"command": "ahead"}, (0.3, 0.5), "The car left the road; the rule of the road says ahead."),
    ],
    ids=["stands", "runs the sign", "hits", "off the road"],
)
def test_what_went_wrong_is_said(new_demo, monkeypatch, drive, path, said):
    points = (torch.arange(1, 6)[:, None] * torch.tensor(path)).flatten()
    answers = Ride._answers
    monkeypatch.setattr(
        Ride, "_answers", lambda ride, x: answers(ride, x) | {"waypoints": Answer(WAYPOINTS, points, "ahead")}
    )
    demo = new_demo()
    demo.set(**drive)
    demo.advance()
    assert demo.stage.frame["note"].startswith(said) and demo.stage.frame["warns"]


def test_what_the_page_draws_is_where_the_car_is(new_demo):
    demo = new_demo()
    demo.set(sign="left only", bend=0.7)
    demo.advance(1.5)
    frame, pose = demo.stage.frame, demo.ride.simulator.pose
    np.testing.assert_allclose(frame["car"], [float(value[0]) for value in pose[:3]], atol=1e-3)
    assert len(frame["driven"]) == 16 and frame["driven"][-1] == frame["car"][:2] == frame["right"][0]
    first = np.subtract(frame["points"][0], frame["car"][:2])
    assert np.hypot(*first) == pytest.approx(demo.answers["waypoints"].output[:2].norm().item(), abs=2e-3)
    picture = demo.ride.simulator.camera(160)[0].transpose(1, 2, 0)
    pixels = np.frombuffer(demo.stage.camera, np.uint8).reshape(160, 160, 3)
    np.testing.assert_allclose(pixels / 255, picture, atol=1 / 255)
    assert demo.png().startswith(b"\x89PNG")


# The buttons


@pytest.mark.usefixtures("knows_the_rule")
def test_drive_and_pause(new_demo):
    demo = new_demo()
    page_clicks(demo.buttons["drive"])
    wait_for(lambda: demo.ride.seconds >= 0.3)
    assert demo.driving and demo.buttons["drive"].disabled and not demo.buttons["pause"].disabled
    demo.set(command="right", fog=0.4)
    assert demo.driving, "it goes on"
    before = demo.ride.seconds
    wait_for(lambda: demo.ride.seconds > before)
    page_clicks(demo.buttons["pause"])
    demo.wait(30)
    stands, pictures = place(demo), demo.stage.pictures
    assert not demo.driving and not demo.computing and not demo.buttons["drive"].disabled and pictures > 3
    page_clicks(demo.buttons["one"])
    demo.wait(30)
    assert place(demo) != stands and demo.stage.pictures == pictures + 1


@pytest.mark.usefixtures("knows_the_rule")
def test_a_drive_ends_by_itself_and_drive_begins_it_anew(new_demo, monkeypatch):
    monkeypatch.setattr("mtl_helpers.live.demos.drive.drive_demo.TICK", 0.0)
    demo = new_demo()
    for _ in range(2):
        page_clicks(demo.buttons["drive"])
        demo.wait(60)
        assert demo.ride.done and not demo.driving and "Arrived: left" in demo.stage.frame["note"]


def test_keys_on_the_map_speak_and_drive(new_demo):
    demo = new_demo()

    def press(said):
        data = {"method": "custom", "content": said}
        demo.stage.comm.handle_msg({"content": {"data": data}, "buffers": []})

    press({"say": "right"})
    wait_for(lambda: demo.ride.row.command.iloc[0] == "right")
    press({"go": True})
    wait_for(lambda: demo.driving and demo.ride.seconds > 0)
    press({"go": True})
    demo.wait(30)
    assert not demo.driving
    press({"say": "fly"})
    demo.wait(30)
    assert demo.controls["command"].value == "right" and demo.error_box.value == ""


def test_a_new_drive_keeps_what_was_chosen(new_demo):
    demo = new_demo()
    demo.set(command="turn", sign="no entry", bend=-0.5, camera=False)
    demo.advance(1)
    before = demo.ride.row.copy()
    page_clicks(demo.buttons["new"])
    demo.wait(30)
    same = ["command", "sign", "obstacle", "bend", "action"]
    now = demo.ride.row
    assert now[same].iloc[0].equals(before[same].iloc[0]) and now.pitch.iloc[0] != before.pitch.iloc[0]
    assert demo.ride.seconds == 0 and demo.ride.failing == {"camera"}


def test_reset_is_the_first_drive_and_all_weights_one(new_demo):
    demo = new_demo()
    first, before = demo.stage.frame, repr(demo)
    page_clicks(demo.buttons["new"])
    demo.set(sign="stop", fog=1.0, microphone=False)
    page_says(demo.sliders["sign"], value=5)
    page_clicks(demo.buttons["drive"])
    demo.wait(30)
    assert repr(demo) != before
    demo.new(0)
    demo.reset()
    assert repr(demo) == before and not demo.ride.failing and not demo.computing and not demo.driving
    assert demo.stage.frame["car"] == first["car"] and not demo.controls["microphone"].value
    assert set(demo.recorded.weights.values()) == {1.0} == {slider.value for slider in demo.sliders.values()}


# Training


def test_training_follows_from_weights_alone(new_demo):
    demo = new_demo()
    first = demo.run(waypoints=4)
    assert (
        demo.recorded.records[-1].weights["waypoints"] == 4 == first["λ waypoints"] == demo.sliders["waypoints"].value
    )
    assert first[list(demo.sliders)].to_dict() == demo.school.scores
    demo.advance(1)
    demo.run(waypoints=0, command=0)
    assert demo.run(waypoints=4, command=1).equals(first), "another λ or a drive left something behind"


def test_a_training_too_short_for_a_validation_has_scores_all_the_same(new_demo):
    demo = new_demo(steps=STEPS)
    assert demo.run(1)[list(demo.sliders)].notna().all() and demo.school.step == 1


def test_a_trained_model_is_taken_over_and_a_slider_goes_on_from_the_first_weights(new_demo):
    first, demo = new_demo(), new_demo()
    again = demo.run(sign=2)
    trained = first.run()
    demo.reset()
    assert demo.take(first.school.model).equals(trained)
    assert "a model that was trained before" in demo.readout.value and demo.stage.frame == first.stage.frame
    assert demo.run(sign=2).equals(again)
    with pytest.raises(DemoError, match="other parts"):
        demo.take(new_model([SIGN]))


def test_the_car_drives_while_a_slider_retrains_and_begins_anew_where_it_ends(new_demo, monkeypatch):
    monkeypatch.setattr("mtl_helpers.live.demos.drive.drive_demo.TICK", 0.0)
    monkeypatch.setattr("mtl_helpers.driving.simulator.SECONDS", 1)
    demo = new_demo(steps=100_000)
    page_clicks(demo.buttons["drive"])
    page_says(demo.sliders["sign"], value=2.0)
    wait_for(lambda: demo.training and demo.driving and demo.school.step > 2)
    pictures = demo.stage.pictures
    wait_for(lambda: demo.stage.pictures > pictures + 12)
    assert demo.driving and demo.ride.seconds <= 1 and demo.recorded.records[-1].weights["sign"] == 2.0
    page_clicks(demo.buttons["stop"])
    wait_for(lambda: not demo.training)
    assert 0 < demo.school.step < 100_000 and demo.school.scores == {} and demo.tries.empty
    demo.wait(60)
    assert demo.ride.done and not demo.driving and demo.error is None, "the drive itself went on to its end"


def test_a_slider_retrains_in_the_background_while_the_scene_changes(new_demo):
    demo = new_demo(steps=40)
    demo.sliders["sign"].value = 2.0
    demo.set(command="ahead")
    demo.wait(120)
    assert demo.error is None and not demo.computing and demo.school.step == 40
    assert set(demo.school.scores) == set(demo.sliders) and demo.recorded.records[-1].weights["sign"] == 2.0
    assert "command ahead" in repr(demo) and demo.ride.seconds == 0


def test_another_weight_gives_up_what_was_being_trained(new_demo):
    demo = new_demo(steps=100_000)
    demo.start()
    wait_for(lambda: demo.school.step > 2)
    demo.sliders["action"].value = 3.0
    wait_for(lambda: demo.recorded.records and demo.recorded.records[-1].weights["action"] == 3.0)
    demo.stop()
    assert 0 < demo.school.step < 100_000 and demo.school.scores == {} and not demo.computing and not demo.training


def test_it_ends_with_the_best_validation(new_demo, monkeypatch):
    monkeypatch.setattr("mtl_helpers.live.demos.drive.school.EVAL_EVERY", 4)
    demo = new_demo()
    demo.run()
    seen = {mean_skill(record.val_skills): record.val_scores for record in demo.recorded.records if record.val_scores}
    assert len(seen) == 3 and demo.school.scores == seen[max(seen)]
    assert validate(demo.school.model, demo.recorded.val_loader)[1] == pytest.approx(demo.school.scores)


def test_tries_are_kept_beside_one_another(new_demo):
    demo = new_demo()
    demo.take(new_model())
    for weight in (1, 5):
        last = demo.run(waypoints=weight)
    assert demo.tries["λ waypoints"].tolist() == [1, 1, 5] and demo.tries.iloc[-1].to_dict() == last.to_dict()
    cells = f"<td>5 : {last.waypoints:.2f}</td><td>{last.drives:g} of {EXAM}</td>"
    assert demo._tried.value.count("<tr>") == 2 + 3 and cells in demo._tried.value
    demo.start()
    demo.stop()
    assert len(demo.tries) == 3, "what was given up is no try"


def test_who_knows_the_rule_passes_the_exam_and_who_stands_still_does_not(new_demo, monkeypatch):
    class Knows(Simulator):
        def step(self, waypoints):
            super().step(expert(self))

    demo = new_demo()
    with monkeypatch.context() as patch:
        patch.setattr("mtl_helpers.live.demos.drive.ride.Simulator", Knows)
        demo.take(new_model())
    monkeypatch.setattr("mtl_helpers.live.demos.drive.ride.steers", lambda model: stand_still)
    demo.take(new_model())
    assert demo.tries["drives"].tolist() == [EXAM, 0]


# What fails


def test_what_goes_wrong_in_the_thread_is_shown_and_raised(new_demo, monkeypatch):
    demo = new_demo()
    with monkeypatch.context() as patch:
        patch.setattr(demo.recorded, "step", lambda: 1 / 0)
        demo.start()
        demo.wait(30)
        assert "ZeroDivisionError" in demo.error_box.value
        with pytest.raises(ZeroDivisionError):
            demo.stop()
    monkeypatch.setattr(demo.ride, "step", lambda path: 1 / 0)
    page_clicks(demo.buttons["drive"])
    demo.wait(30)
    assert "ZeroDivisionError" in demo.error_box.value and not demo.driving and not demo.buttons["drive"].disabled


def test_running_its_cell_again_closes_it(new_demo, monkeypatch):
    monkeypatch.setattr(live_widget, "current_cell", lambda: ("a cell", 1))
    older = new_demo()
    page_clicks(older.buttons["drive"])
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
        (lambda d: d.set(camera="broken"), "camera is True, then it works, or False; found 'broken'"),
        (lambda d: d.set(pitch=100), "A drive has command, sign, obstacle, bend, light, .*, microphone; found 'pitch'"),
        (lambda d: d.advance(0), "seconds must be a finite number above 0; found 0"),
        (lambda d: d.new(-1), "seed must be a whole number"),
        (lambda d: d.run(speed=2), "There is no task 'speed' to weight"),
    ],
    ids=["word", "number", "input", "no slider", "no time", "seed", "no task"],
)
def test_bad_choices_change_nothing(new_demo, act, said):
    demo = new_demo()
    before = repr(demo), demo.stage.frame
    with pytest.raises(DemoError, match=said):
        act(demo)
    assert (repr(demo), demo.stage.frame) == before


@pytest.mark.bad_input
def test_a_demo_of_other_tasks_is_refused(splits, new_demo):
    with pytest.raises(
        DemoError, match="draws the tasks sign, obstacle, command, action, waypoints; the model has sign"
    ):
        DriveDemo(new_model([SIGN]), make_loader(splits.train, 16), make_loader(splits.val, 48))
    with pytest.raises(TrainingError, match="steps must be a whole number"):
        new_demo(steps=0)


# Its parts


def test_confidence_is_the_softmax_of_what_is_said():
    answer = Answer(SIGN, torch.tensor([0.0, 3.0, 0.0, 0.0, 0.0]))
    assert answer.says == "stop" and answer.confidence == pytest.approx(np.exp(3) / (np.exp(3) + 4))
    path = Answer(WAYPOINTS, torch.arange(10.0), "left")
    assert path.confidence is None and path.says == "left"


def test_the_way_a_path_leads_is_the_nearest_one():
    ride = Ride(new_model(), episode_rows(1, seed=0).assign(command="ahead", sign="none", obstacle="none"))
    for _ in range(20):
        ride.simulator.step(expert(ride.simulator))
    for action in ACTION.classes:
        ride.change(command=action)
        off = ride._off(expert(ride.simulator)[0])
        assert off[action] == pytest.approx(0, abs=1e-6) == min(off.values())


def test_the_player_gets_a_wave_file_that_others_read():
    clip = np.sin(np.linspace(0, 100, 4000))
    with wave.open(io.BytesIO(wav(clip))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 4000)
        samples = np.frombuffer(file.readframes(4000), dtype="<i2") / 32767
    np.testing.assert_allclose(samples, clip, atol=1e-4)
