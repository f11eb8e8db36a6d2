"""The Pareto front and the area it covers, against the definitions themselves."""

import numpy as np
import pandas as pd
import pytest

from mtl_helpers.data import DataError
from mtl_helpers.evaluation import hypervolume, pareto_front


def by_definition(points) -> list[bool]:
    def dominates(a, b):
        return all(x >= y for x, y in zip(a, b, strict=True)) and any(x > y for x, y in zip(a, b, strict=True))

    return [not any(dominates(other, point) for other in points) for point in points]


@pytest.mark.parametrize("tasks", [1, 2, 3])
def test_the_front_is_what_nothing_dominates(tasks):
    draw = np.random.default_rng(0)
    for _ in range(40):
        points = draw.integers(0, 6, size=(draw.integers(1, 25), tasks))  # few values: many ties and many copies
        assert pareto_front(points).tolist() == by_definition(points.tolist())


def test_the_order_of_points_and_of_tasks_changes_nothing():
    points = np.random.default_rng(1).normal(size=(50, 2))
    front, order = pareto_front(points), np.random.default_rng(2).permutation(50)
    assert 1 < front.sum() < 50
    assert (pareto_front(points[order]) == front[order]).all() and (pareto_front(points[:, ::-1]) == front).all()
    assert (pareto_front(pd.DataFrame(points, columns=["a", "b"])) == front).all()
    assert pareto_front(points[front]).all(), "a front is its own front"


def test_the_area_by_hand():
    stairs = [[1, 3], [2, 2], [3, 1]]
    assert hypervolume(stairs, [0, 0]) == 6
    assert hypervolume([*stairs, [1, 1], [2, 2], [1, 2]], [0, 0]) == 6, "what is dominated or equal adds nothing"
    assert hypervolume(stairs, [1, 1]) == 1, "a point on the reference's own line covers nothing"
    assert hypervolume([[-1, 5], [5, -1]], [0, 0]) == 0
    assert hypervolume([[-1, 5], [5, -1], [2, 1]], [0, 0]) == 2


def test_the_area_is_the_share_of_dominated_places():
    draw = np.random.default_rng(0)
    points, places = draw.random((12, 2)), draw.random((40_000, 2))
    covered = (places[:, None] <= points[None]).all(axis=2).any(axis=1).mean()
    assert hypervolume(points, [0, 0]) == pytest.approx(covered, abs=0.01)
    assert hypervolume(points[:, ::-1], [0, 0]) == pytest.approx(hypervolume(points, [0, 0]))
    assert hypervolume(points[pareto_front(points)], [0, 0]) == pytest.approx(hypervolume(points, [0, 0]))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: pareto_front([]), r"row a model and a column a task; found shape \(0,\)"),
        (lambda: pareto_front([0.5, 0.6]), r"found shape \(2,\)"),
        (lambda: pareto_front([[1, 2], [np.nan, 1]]), r"Point 1 is \[nan, 1.0\]"),
        (lambda: pareto_front([[np.nan, np.nan]]), r"take the runs without an error: table\[table.error == ''\]"),
        (lambda: hypervolume([[1, 2, 3]], [0, 0]), r"two tasks .* shape \(1, 3\)"),
        (lambda: hypervolume([[1, 2]], [0]), r"reference of shape \(1,\)"),
        (lambda: hypervolume([[1, 2]], [0, np.inf]), "two finite numbers"),
    ],
)
def test_bad_points_are_refused(act, said):
    with pytest.raises(DataError, match=said):
        act()
