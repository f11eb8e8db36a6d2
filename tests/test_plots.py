"""A task looks the same in every figure, and can be told from the others without seeing colours."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mtl_helpers.plots import plot_history, smooth, task_styles

OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
COURSE = ["topic", "sentiment", "stars"]


@pytest.fixture
def history():
    steps = np.arange(1, 31)
    parts = [
        pd.DataFrame(
            {"step": steps, "epoch": 1, "task": name, "loss": 1 / steps, "weight": float(i), "val_loss": np.nan}
        )
        for i, name in enumerate(COURSE)
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(val_score=frame.loss.where(frame.step % 10 == 0))


def test_the_courses_tasks_keep_their_style_in_any_company():
    alone = {name: task_styles([name])[name] for name in COURSE}
    for n in range(1, 6):
        for names in itertools.permutations([*COURSE, "speed", "brake"], n):
            styles = task_styles(names)
            assert all(styles[name] == alone[name] for name in names if name in alone)


def test_five_tasks_differ_in_colour_and_in_line_style():
    styles = list(task_styles([*COURSE, "speed", "brake"]).values())
    assert len({style["color"] for style in styles}) == len({str(style["linestyle"]) for style in styles}) == 5
    assert {style["color"] for style in styles} <= OKABE_ITO


def test_every_panel_draws_a_task_in_its_style(history):
    figure = plot_history(history, title="three tasks")
    loss, score, weight = figure.axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == COURSE
    for ax in (loss, score, weight):
        for line, style in zip(ax.lines, task_styles(COURSE).values(), strict=True):
            (plain,) = plt.Figure().subplots().plot([0], [0], **style)
            assert (line.get_color(), line._dash_pattern) == (plain.get_color(), plain._dash_pattern)
    assert loss.get_title() == "three tasks"
    assert [len(line.get_xdata()) for line in score.lines] == [3, 3, 3], "only where it was validated"
    assert weight.lines[2].get_ydata().tolist() == [2.0] * 30


def test_without_validation_there_is_no_score_panel(history):
    history.val_score = np.nan
    assert len(plot_history(history).axes) == 2


def test_lambda_0_throughout_can_be_drawn(history):
    assert plot_history(history.assign(weight=0.0)).axes[-1].get_ylim() == (0, 1)


def test_the_figure_is_shown_once(history):
    before = plt.get_fignums()
    plot_history(history)
    assert plt.get_fignums() == before


def test_smoothing_starts_with_what_there_is():
    assert smooth(pd.Series([1.0, 3.0, 5.0, 7.0]), window=2).tolist() == [1, 2, 4, 6]
