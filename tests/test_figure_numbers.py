"""The numbers behind a figure are those that were drawn, few enough to be read, and such that a page can be sent them."""

import json

import numpy as np
import pytest

from mtl_helpers.live.demos.claims import ClaimsDemo
from mtl_helpers.live.demos.price import PriceDemo
from mtl_helpers.plots import Figure
from mtl_helpers.plots.figure_numbers import ROWS, figure_numbers


def test_a_long_curve_keeps_its_ends():
    figure = Figure()
    figure.subplots().plot(np.arange(1000), np.linspace(1, 0, 1000), label="topic")
    (table,) = figure_numbers(figure)
    assert len(table["rows"]) == ROWS and table["rows"][0] == ["topic", 0, 1] and table["rows"][-1] == ["topic", 999, 0]


def test_bars_clouds_grids_and_words_are_read_and_nothing_is_nan():
    figure = Figure()
    bars, cloud, grid, words = figure.subplots(1, 4)
    bars.bar(["a", "b"], [0.5, 0.75], label="score")
    cloud.scatter([1, 2, 3], [3, np.nan, 4], label="runs")
    cloud.axvline(2)
    grid.imshow([[1, 2], [3, np.nan]])
    grid.set_title("cosines")
    words.text(0, 0, "no numbers here")
    tables = figure_numbers(figure)
    assert tables[0]["rows"] == [["score", "a", 0.5], ["score", "b", 0.75]]
    assert tables[1]["rows"] == [["runs", 1, 3], ["runs", 3, 4]], "what was not measured and a guide are no points"
    assert tables[2] == {
        "title": "cosines",
        "heads": ["row", "column 1", "column 2"],
        "rows": [[1, 1, 2], [2, 3, None]],
    }
    assert len(tables) == 3 and "NaN" not in json.dumps(tables)


@pytest.mark.parametrize("demo", [PriceDemo, ClaimsDemo])
def test_each_demo_tells_its_numbers_when_it_is_asked(demo):
    made = demo()
    told = []
    made.picture.send = told.append
    made.picture._handle_custom_msg({"want": "numbers"}, [])
    made.close()
    rows = [row for table in told[0]["numbers"] for row in table["rows"]]
    assert rows and any(isinstance(value, float) for row in rows for value in row)
