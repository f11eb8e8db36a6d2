"""The landscape of two losses: its Pareto set is what it is said to be, and paths written out are those of the loop."""

import numpy as np
import pytest
import torch

from mtl_helpers.evaluation.gradient_methods import METHODS
from mtl_helpers.plots import plot_landscape
from mtl_helpers.plots.landscapes import landscape_contours, landscape_front, losses_at
from mtl_helpers.relations import LandscapeModel, landscape_gradients, landscape_losses, pareto_distance
from mtl_helpers.relations.landscape import CENTRE, RADIUS
from mtl_helpers.training import TWO_TASK_RULES, TrainingError, train_steps, two_task_paths, two_task_weights

START = (1.4, 2.2)
OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}


def pairs() -> list[np.ndarray]:
    """Pairs of gradients, some in conflict and some one of which is far longer."""
    draw = np.random.default_rng(0)
    return [draw.normal(size=(2, 2)) * [[10.0 ** draw.uniform(-1, 1)], [1.0]] for _ in range(200)]


def by_the_loop(start, rule, optimizer: str, steps: int, rate: float = 0.05) -> np.ndarray:
    """The path that `train_steps` takes."""
    model = LandscapeModel(start)
    places = [model.place]
    loop = train_steps(model, model.loader, OPTIMIZERS[optimizer](model.parameters(), lr=rate), weights=rule)
    for _ in range(steps):
        next(loop)
        places.append(model.place)
    return np.array(places)


def distance(path: np.ndarray) -> float:
    return float(pareto_distance(path[-1]))


# The landscape


def test_the_gradients_are_those_of_autograd():
    torch.manual_seed(0)
    theta = (torch.rand(200, 2, dtype=torch.float64) * 5 - 2).requires_grad_()
    found = landscape_gradients(theta.detach().numpy())
    for loss, own in zip(landscape_losses(*theta.unbind(-1)), found, strict=True):
        (expected,) = torch.autograd.grad(loss.sum(), theta, retain_graph=True)
        assert np.allclose(own, expected.numpy(), atol=1e-12)


def test_every_other_point_is_worse_in_both_losses_than_one_of_the_pareto_set():
    steep, gentle = landscape_front(2001).T
    draw = np.random.default_rng(0)
    points = [draw.uniform(-3, 4, (4000, 2)), np.array(CENTRE) + RADIUS * draw.uniform(-1, 1, (4000, 2))]
    losses = losses_at(np.concatenate(points))
    at_the_same_gentle = np.interp(losses[:, 1], gentle[::-1], steep[::-1])
    assert (at_the_same_gentle <= losses[:, 0] + 1e-5).all() and (gentle.min() <= losses[:, 1]).all()


def test_no_point_of_the_pareto_set_is_better_in_both_losses_than_another():
    steep, gentle = landscape_front(401).T
    assert (np.diff(steep) > 0).all() and (np.diff(gentle) < 0).all()


def test_the_losses_fight_in_the_disc_and_hardly_anywhere_else_above_the_set_and_one_is_steeper():
    points = np.random.default_rng(0).uniform((-2.4, 0.95), (2.4, 3.1), (4000, 2))
    g, h = landscape_gradients(points)
    inside, fights = np.hypot(*(points - CENTRE).T) < RADIUS, (g * h).sum(-1) < 0
    assert fights[inside].mean() > 0.4 > 0.01 > fights[~inside].mean()
    assert np.linalg.norm(g[inside], axis=-1).max() > 2 * np.linalg.norm(h[inside], axis=-1).max()


# The rules


@pytest.mark.parametrize("name", TWO_TASK_RULES)
def test_a_rule_written_out_gives_the_weights_of_the_rule_itself(name):
    tasks = LandscapeModel(START).tasks
    rule = METHODS[name](tasks)
    for pair in pairs():
        expected = rule.from_gradients(torch.from_numpy(pair)) if name != "sum" else torch.ones(2)
        expected = (2 * expected / expected.sum()).numpy()
        assert two_task_weights(pair[:, None], [name])[:, 0] == pytest.approx(expected, abs=1e-5), pair


@pytest.mark.parametrize("name", [name for name in TWO_TASK_RULES if name != "sum"])
@pytest.mark.parametrize("pair", [((0, 0), (1, 2)), ((1, 2), (0, 0)), ((0, 0), (0, 0))])
def test_a_gradient_that_is_nothing_has_no_say(name, pair):
    gradients = np.array(pair, dtype=float)
    expected = METHODS[name](LandscapeModel(START).tasks).from_gradients(torch.from_numpy(gradients))
    found = two_task_weights(gradients[:, None], [name])[:, 0]
    assert found == pytest.approx((2 * expected / expected.sum()).numpy())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", TWO_TASK_RULES)
def test_a_path_is_the_one_that_the_loop_takes(name, optimizer):
    tasks = LandscapeModel(START).tasks
    for start in (START, (0.1, 1.1)):
        rule = METHODS[name](tasks)
        rule.total = 2.0
        found = two_task_paths(landscape_gradients, start, [name], optimizer=optimizer, steps=60)[name]
        assert np.abs(found - by_the_loop(start, rule, optimizer, 60)).max() < 1e-6


# The paths


@pytest.mark.parametrize("factor", [0.1, 3.0])
@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.3, 2.0)])
def test_under_sgd_a_common_factor_of_the_weights_is_a_learning_rate(weights, factor):
    times = tuple(factor * weight for weight in weights)
    one = two_task_paths(landscape_gradients, START, ["sum"], rate=0.02, weights=times)["sum"]
    other = two_task_paths(landscape_gradients, START, ["sum"], rate=0.02 * factor, weights=weights)["sum"]
    assert np.allclose(one, other, atol=1e-9) and not np.allclose(one[-1], START, atol=0.05)
    adam = [
        two_task_paths(landscape_gradients, START, ["sum"], optimizer="Adam", weights=given)["sum"]
        for given in (times, weights)
    ]
    assert np.allclose(*adam, atol=1e-5)


def test_mgda_ends_on_the_pareto_set_from_every_start_outside_of_the_disc_s_lee():
    starts = np.random.default_rng(0).uniform((-2.4, -0.9), (2.4, 0.8), (100, 2))
    ends = two_task_paths(landscape_gradients, starts, ["MGDA"], steps=400)["MGDA"][-1]
    assert pareto_distance(ends).max() < 0.01 < pareto_distance(starts).max() / 50


@pytest.mark.parametrize("name", ["MGDA", "PCGrad", "UPGrad"])
def test_no_step_of_theirs_harms_a_task(name):
    starts = np.random.default_rng(0).uniform((-2.4, -0.9), (2.4, 3.1), (50, 2))
    path = two_task_paths(landscape_gradients, starts, [name, "sum"], rate=0.001, steps=300)
    rises = {key: np.diff(losses_at(places), axis=0).max() for key, places in path.items()}
    assert rises[name] < 1e-5 < 1e-4 < rises["sum"]


def test_who_is_caught_depends_on_the_start_and_on_the_optimizer():
    def ends(start, optimizer):
        paths = two_task_paths(landscape_gradients, start, optimizer=optimizer)
        return {name for name, path in paths.items() if distance(path) > 0.05}

    assert ends(START, "SGD") == {"sum"} and ends(START, "Adam") == set()
    assert "MGDA" in ends((0.1, 1.1), "SGD") and "sum" not in ends((0.1, 1.1), "SGD")
    assert "sum" in ends((0.3, 3.0), "SGD") and "sum" in ends((0.3, 3.0), "Adam")


def test_many_starts_at_once_are_as_one_after_the_other():
    starts = np.array([START, (0.1, 1.1), (-2.0, 0.5)])
    together = two_task_paths(landscape_gradients, starts, steps=50, optimizer="Adam")
    for i, start in enumerate(starts):
        for name, path in two_task_paths(landscape_gradients, start, steps=50, optimizer="Adam").items():
            assert np.allclose(together[name][:, i], path, atol=1e-12)


@pytest.mark.bad_input
def test_what_there_is_not_is_refused():
    for options, said in {
        "methods": ({"methods": ["CAGrad"]}, "no method 'CAGrad' here; there are 'sum', 'MGDA'"),
        "optimizer": ({"optimizer": "LBFGS"}, "is 'SGD' or 'Adam'; found 'LBFGS'"),
        "rate": ({"rate": 0}, "rate, the learning rate, must be .*above 0"),
        "steps": ({"steps": 0.5}, "steps must be a whole number"),
    }.values():
        with pytest.raises(TrainingError, match=said):
            two_task_paths(landscape_gradients, START, **options)


# The picture


def test_lines_are_of_equal_loss_and_the_figure_has_every_path():
    for i, lines in enumerate(landscape_contours().values()):
        for line in lines:
            assert np.ptp(losses_at(line)[:, i]) < 0.02
    paths = two_task_paths(landscape_gradients, START)
    plane, space = plot_landscape(paths, start=START).axes
    for name, path in paths.items():
        for ax, points in ((plane, path), (space, losses_at(path))):
            (line,) = [line for line in ax.lines if line.get_label() == name]
            assert np.array_equal(line.get_xydata(), points)
