"""The car that drives: what it does follows from geometry and from the rule, not from how it was written."""

import numpy as np
import pandas as pd
import pytest
import torch

from mtl_helpers.data import DataError
from mtl_helpers.driving import (
    ACTION,
    DRIVING_TASKS,
    Simulator,
    drive,
    drive_rows,
    encode_drives,
    episode_rows,
    expert,
    on_the_road,
    pose_of,
    stand_still,
    steers,
    straight_on,
    way_ahead,
    waypoints,
)
from mtl_helpers.driving.road import place_on_way, seen_from_way
from mtl_helpers.driving.simulator import steering
from mtl_helpers.models import FusionEncoder, ImageEncoder, MultiTaskModel

FREE = {"sign": "none", "obstacle": "none", "bend": 0.0, "aside": 0.0, "turned": 0.0}


def driven_by_expert(rows: pd.DataFrame, **options) -> Simulator:
    simulator = Simulator(rows, **options)
    while not simulator.done.all():
        simulator.step(expert(simulator))
    return simulator


@pytest.fixture(scope="module")
def by_expert() -> Simulator:
    return driven_by_expert(episode_rows(400, seed=7))


def test_the_expert_completes(by_expert):
    report = by_expert.report()
    assert report.groupby("action").success.mean().min() >= 0.95 and set(report.action) == set(ACTION.classes)
    assert report.completion.min() > 0.95 and not report.collision.any() and report.lateral_error.mean() < 0.06
    assert (report.way == report.action).mean() >= 0.95


def test_the_expert_completes_at_other_rates():
    for rate in (4, 10):
        assert driven_by_expert(episode_rows(60, seed=3), steps_per_second=rate).report().success.mean() >= 0.95


def test_floors_do_not():
    still, straight = (drive(Simulator(episode_rows(60, seed=3)), policy) for policy in (stand_still, straight_on))
    assert still.success.sum() == 0 and (still.completion == 0).all() and not still.collision.any()
    assert straight.success.mean() < 0.2 and straight.ran_stop.any() and straight.collision.any()
    assert straight.ran_stop[straight.action == "stop"].all()


def test_a_seed_drives_the_same():
    """Steps, pictures and report; another seed is another drive."""
    one, same, other = (Simulator(episode_rows(6, seed=seed)) for seed in (1, 1, 2))
    for simulator in (one, same, other):
        for _ in range(12):
            simulator.step(expert(simulator))
    for a, b in zip(one.pose, same.pose, strict=True):
        assert np.array_equal(a, b)
    assert torch.equal(one.observe()["camera"], same.observe()["camera"]) and one.report().equals(same.report())
    assert not np.array_equal(one.pose.x, other.pose.x)


@pytest.mark.parametrize(
    "waypoints", [None, np.zeros((5, 10)), torch.full((5, 10), 0.01)], ids=["none", "here", "creep"]
)
def test_a_parked_car_does_not_move(waypoints):
    simulator = Simulator(episode_rows(5, seed=0))
    before = simulator.pose
    for _ in range(10):
        simulator.step(waypoints)
    assert all(np.array_equal(now, then) for now, then in zip(simulator.pose, before, strict=True))


def test_a_mirrored_world_gives_mirrored_steering():
    """Left for right in command, sign, obstacle and road: the same drive in the mirror."""
    swap = {"left": "right", "right": "left", "left only": "right only", "right only": "left only"}
    rows = episode_rows(80, seed=5)
    rows = rows[~rows.command.isin(["turn", "pass"])]  # these ask for one side first
    mirrored = rows.assign(**{name: rows[name].replace(swap) for name in ("command", "sign", "obstacle")})
    mirrored = mirrored.assign(**{name: -rows[name] for name in ("bend", "aside", "turned", "shift_x")})
    one, other = Simulator(rows), Simulator(mirrored)
    for _ in range(45):
        ways = expert(one), expert(other)
        here, there = (steering(way.reshape(-1, 5, 2)) for way in ways)
        np.testing.assert_allclose(here, -there, atol=1e-5)
        one.step(ways[0]), other.step(ways[1])
    np.testing.assert_allclose(one.pose.x, -other.pose.x, atol=1e-4)
    np.testing.assert_allclose(one.pose.y, other.pose.y, atol=1e-4)
    assert abs(one.pose.x).max() > 1


@pytest.mark.parametrize("bend", [-1.0, -0.3, 0.0, 0.8])
def test_off_road_is_what_geometry_says(bend):
    """Against polygons: the distance to the road's middle as a line of many points, and the band of the side road."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-2, 2, 800), rng.uniform(-2.5, 2.5, 800)
    line = np.linspace(-4, 4, 4001)
    middle_x, middle_y, _ = place_on_way(line, np.zeros(4001), np.full(4001, bend))
    away = np.hypot(x[:, None] - middle_x, y[:, None] - middle_y).min(axis=1)
    clear = (abs(away - 0.5) > 0.01) & (abs(abs(y) - 0.4) > 1e-6)
    expected = (away < 0.5) | (abs(y) < 0.4)
    assert (on_the_road(x, y, np.full(800, bend)) == expected)[clear].all() and 0.2 < expected.mean() < 0.8


def test_a_car_that_leaves_the_road_is_reported():
    rows = episode_rows(1, seed=0).assign(command="ahead", **FREE)
    simulator = Simulator(rows)
    to_the_right = np.tile([0.4, 0.4], 5).reshape(5, 2) * np.arange(1, 6)[:, None]
    for _ in range(12):
        simulator.step(to_the_right.reshape(1, 10))
    assert simulator.pose.x[0] > 0.5 and simulator.report().off_road[0] > 0 and not simulator.report().success[0]


def test_a_place_on_a_way_is_found_again():
    rng = np.random.default_rng(1)
    along, aside = rng.uniform(-3, 1.3, 500), rng.uniform(-0.3, 0.3, 500)
    side, bend = rng.integers(-1, 2, 500), rng.uniform(-1, 1, 500)
    x, y, heading = place_on_way(along, side, bend)
    found = seen_from_way(x + aside * np.cos(heading), y - aside * np.sin(heading), side, bend)
    np.testing.assert_allclose(found, [along, aside], atol=1e-6)


def test_waypoints_turn_with_the_car():
    """They lie in its frame: the same places on the map, seen from a car that looks elsewhere."""
    rows = drive_rows(60, seed=2)
    turned = rows.assign(turned=rows.turned + 0.7)

    def on_the_map(rows):
        x, y, heading, _ = (part[:, None] for part in pose_of(rows))
        right, ahead = waypoints(rows).reshape(-1, 5, 2).transpose(2, 0, 1)
        return x + np.cos(heading) * right + np.sin(heading) * ahead, y - np.sin(heading) * right + np.cos(
            heading
        ) * ahead

    np.testing.assert_allclose(on_the_map(rows), on_the_map(turned), atol=1e-6)
    assert abs(waypoints(rows) - waypoints(turned)).max() > 0.3


def test_the_car_drives_the_circle_through_a_point():
    """Pure pursuit: 0.3 to the right and 0.4 ahead lie on a circle of radius 0.5² / 0.6 that touches the heading."""
    points = np.array([[[0.15, 0.2], [0.3, 0.4], [0.45, 0.6], [0.6, 0.8], [0.75, 1.0]]])
    target = np.array([0.36, 0.48])  # 0.6 away, on the same line
    assert np.tan(steering(points)[0]) / 0.34 == pytest.approx(2 * target[0] / (target**2).sum())


def test_a_command_in_mid_drive_changes_the_way_of_the_expert():
    rows = episode_rows(2, seed=0).assign(command="ahead", **FREE)
    simulator = Simulator(rows)
    for _ in range(8):
        simulator.step(expert(simulator))
    heard = simulator.observe()["microphone"]
    simulator.say(1, "left")
    assert simulator.rows.action.tolist() == ["ahead", "left"]
    now = simulator.observe()["microphone"]
    assert torch.equal(now[0], heard[0]) and not torch.equal(now[1], heard[1])
    while not simulator.done.all():
        simulator.step(expert(simulator))
    assert simulator.report().way.tolist() == ["ahead", "left"] and simulator.report().success.all()


def test_a_command_in_the_crossing_comes_too_late():
    simulator = Simulator(episode_rows(1, seed=0).assign(command="left", **FREE))
    while not simulator.decided.all():
        simulator.step(expert(simulator))
    simulator.say(0, "right")
    assert simulator.rows.action.tolist() == ["left"] and simulator.rows.command.tolist() == ["right"]


def test_a_stopped_car_drives_on_when_it_is_told_to():
    simulator = Simulator(episode_rows(1, seed=0).assign(command="stop", **FREE))
    for _ in range(25):
        simulator.step(expert(simulator))
    assert simulator.pose.speed[0] == 0 and simulator.pose.y[0] < -1.05
    simulator.say(0, "ahead")
    while not simulator.done.all():
        simulator.step(expert(simulator))
    assert simulator.report().success[0] and simulator.pose.y[0] > 1.1


def test_the_weather_changes_on_the_way():
    simulator = Simulator(episode_rows(2, seed=0))
    before = simulator.observe()
    simulator.set_weather(fog=1.5)
    foggy = simulator.observe()
    assert not torch.equal(foggy["camera"], before["camera"]) and torch.equal(foggy["microphone"], before["microphone"])
    simulator.set_weather(hum=np.array([0.4, 0.01]))
    assert not torch.equal(simulator.observe()["microphone"][0], before["microphone"][0])
    assert simulator.report().fog.tolist() == [1.5, 1.5]


def test_collisions_are_with_what_stands_there():
    rows = episode_rows(2, seed=0).assign(**{**FREE, "command": "ahead", "shift_x": 0.0, "shift_y": 0.0})
    rows["obstacle"] = ["middle", "left"]
    report = drive(Simulator(rows), straight_on)
    assert report.collision.tolist() == [True, False] and report.success.tolist() == [False, True]


def test_moments_of_a_drive_are_rows_to_learn_from():
    """Their labels are what the expert does from there: DAgger needs no more."""
    simulator = Simulator(episode_rows(40, seed=4))
    for _ in range(14):
        simulator.step(expert(simulator) + 0.1)
    rows = simulator.moments()
    for found, true in zip(pose_of(rows)[:2], simulator.pose[:2], strict=True):
        np.testing.assert_allclose(found, true, atol=1e-5)
    np.testing.assert_allclose(waypoints(rows), expert(simulator), atol=1e-5)
    assert encode_drives(rows).masks["action"].tolist() == (~simulator.decided).tolist()


def test_a_model_steers_in_road_widths():
    """Also one that learnt in other units: its answer is turned back."""
    tasks = [*DRIVING_TASKS[:4], DRIVING_TASKS[4].standardised(waypoints(drive_rows(50, seed=0)).tolist())]
    branches = {"camera": ImageEncoder(size=32, colours=3, channels=4), "microphone": ImageEncoder(size=24, channels=4)}
    model = MultiTaskModel(FusionEncoder(branches), tasks)
    for parameter in model.heads["waypoints"].parameters():
        torch.nn.init.zeros_(parameter)
    said = steers(model)(Simulator(episode_rows(2, seed=0)).observe())
    np.testing.assert_allclose(said[0], tasks[4].centre, rtol=1e-5)


def test_who_stops_halts_at_the_line():
    start = np.zeros(1), np.array([-2.4]), np.zeros(1)
    y = way_ahead(["stop"], np.zeros(1), *start).reshape(5, 2)[:, 1]
    assert (np.diff(y) > 0).all() and 1.2 < y[-1] < 1.3
    beyond = way_ahead(["stop"], np.zeros(1), np.array([0.1]), np.array([-0.8]), np.zeros(1))
    assert abs(beyond).max() < 1e-9


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            lambda s: s.step(np.zeros((2, 10))),
            r"10 finite numbers for each of the 3 cars, shape \(3, 10\); found shape \(2, 10\)",
        ),
        (lambda s: s.step(np.full((3, 10), np.nan)), "found shape .* with nan or infinity"),
        (lambda s: s.say(0, "fly"), "A command is one of left, right, ahead, stop, turn, pass; found 'fly'"),
        (lambda s: s.say(3, "left"), "There are cars 0 to 2; found 3"),
        (lambda s: s.set_weather(snow=1), "The weather has fog, rain, light, grain, hum; found 'snow'"),
        (lambda s: Simulator(s.rows.drop(columns="bend")), "A drive needs bend: draw the rows with episode_rows"),
        (
            lambda s: Simulator(s.rows, steps_per_second=0),
            "steps_per_second must be a whole number of at least 1; found 0",
        ),
    ],
    ids=["shape", "nan", "word", "car", "weather", "rows", "rate"],
)
def test_bad_input_says_what_was_found(act, said):
    with pytest.raises(DataError, match=said):
        act(Simulator(episode_rows(3, seed=0)))
