"""A task looks the same in every figure, and can be told from the others without seeing colours."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mtl_helpers.plots import (
    WAYS,
    draw_confusion,
    draw_ways,
    plot_changes,
    plot_cosines,
    plot_front,
    plot_history,
    plot_weights,
    smooth,
    task_styles,
)

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


RUNS = pd.DataFrame({"left": [0.9, 0.6, 0.7, 0.5], "right": [0.3, 0.6, 0.5, 0.4]}, index=[3, 3, 0, 1])


def dots(figure) -> list[list[list[float]]]:
    return [collection.get_offsets().tolist() for collection in figure.axes[0].collections]


def test_the_front_is_joined_and_what_it_dominates_is_pale():
    figure = plot_front(RUNS, ("left", "right"), own={"left": 0.8, "right": 0.8}, single={"left": 0.95, "right": 0.7})
    pale, front, own = dots(figure)
    assert pale == [[0.5, 0.4]] and own == [[0.8, 0.8]]
    assert front == [[0.6, 0.6], [0.7, 0.5], [0.9, 0.3]]
    stairs, vertical, horizontal = figure.axes[0].lines
    assert stairs.get_xydata().tolist() == front and stairs.get_drawstyle() == "steps-pre"
    assert figure.axes[0].collections[0].get_alpha() < 0.5 and figure.axes[0].collections[1].get_alpha() is None
    assert set(vertical.get_xdata()) == {0.95} and set(horizontal.get_ydata()) == {0.7}
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("left: score", "right: score")


def test_several_fronts_differ_in_colour_and_marker_and_the_figure_is_shown_once():
    before = plt.get_fignums()
    figure = plot_front({"small": RUNS, "large": RUNS + 0.05}, ("left", "right"), title="two models")
    assert plt.get_fignums() == before and figure.axes[0].get_title() == "two models"
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["small front", "large front"]
    small, large = figure.axes[0].collections[1], figure.axes[0].collections[3]
    assert small.get_facecolor().tolist() != large.get_facecolor().tolist()
    assert len(small.get_paths()[0].vertices) != len(large.get_paths()[0].vertices)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"runs": RUNS[["left"]]}, r"no score for 'right'; found \['left'\]"),
        ({"runs": RUNS, "own": {"left": 1}}, "no score for 'right'"),
        ({"runs": {}}, "1 to 5 sets of runs apart; found 0"),
    ],
)
def test_a_front_that_can_not_be_drawn_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        plot_front(tasks=("left", "right"), **arguments)


def test_a_confusion_matrix_shows_counts_and_colours_shares():
    table = pd.DataFrame([[8, 2], [0, 0]], index=["no", "yes"], columns=["no", "yes"])
    figure = draw_confusion({"mood": table, "topic": table.T}, title="what is confused")
    first, second = figure.axes
    assert [text.get_text() for text in first.texts] == ["8", "2", "0", "0"]
    assert [text.get_text() for text in second.texts] == ["8", "0", "2", "0"]
    assert first.images[0].get_array().tolist() == [[0.8, 0.2], [0, 0]]
    assert [label.get_text() for label in first.get_yticklabels()] == ["no", "yes"]
    assert first.get_title() == "mood" and first.get_xlabel() == "predicted"
    with pytest.raises(ValueError, match="no confusion matrix"):
        draw_confusion({})


# Changes, cosines and the sketches of the ways of sharing


def changes() -> pd.DataFrame:
    numbers = {"helps": (0.05, 0.02, 0.08), "unclear": (0.01, -0.01, 0.03), "harms": (-0.04, -0.05, -0.03)}
    return pd.DataFrame.from_dict(numbers, orient="index", columns=["change", "low", "high"])


def test_an_interval_that_reaches_zero_looks_different():
    (ax,) = plot_changes({"world": changes()}).axes
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [float(dot.get_xdata()[0]) for dot in dots] == pytest.approx([5, 1, -4])
    hollow = [dot.get_markerfacecolor() == "white" for dot in dots]
    assert hollow == [False, True, False]
    bars = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_color() == dots[0].get_color()]
    assert [list(bar.get_xdata()) for bar in bars] == [pytest.approx([2, 8]), pytest.approx([-5, -3])]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["helps", "unclear", "harms"]


@pytest.mark.parametrize("tables", [{}, {"empty": pd.DataFrame(columns=["change", "low", "high"])}])
def test_no_change_is_no_picture(tables):
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_changes(tables)


def test_cosines_are_drawn_with_their_running_mean():
    cosines = pd.DataFrame({"stars": [0.0, 0.4, 0.2], "topic": [0.1, -0.1, 0.0]}, index=[5, 10, 15])
    (ax,) = plot_cosines(cosines, window=2).axes
    lines = [list(line.get_ydata()) for line in ax.lines]
    assert lines[0] == [0.0, 0.4, 0.2] and lines[1] == pytest.approx([0.0, 0.2, 0.3])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["stars", "topic"]


def test_each_way_is_sketched_with_its_heads_and_encoders():
    figure = draw_ways()
    assert [ax.get_title() for ax in figure.axes] == list(WAYS)
    for ax in figure.axes:
        said = [text.get_text() for text in ax.texts]
        assert {"words", "topic head", "sentiment head"} <= set(said)
        assert said.count("encoder") == (2 if ax.get_title() in {"soft sharing", "cross-stitch"} else 1)
    with pytest.raises(ValueError, match=r"no sketch of 'magic'.*'cross-stitch'"):
        draw_ways(["magic"])


def test_the_weights_of_a_task_are_drawn_rule_by_rule(history):
    figure = plot_weights({"by hand": history, "doubled": history.assign(weight=2 * history.weight)}, "sentiment")
    assert [ax.get_title() for ax in figure.axes] == ["by hand", "doubled"]
    assert [set(ax.lines[1].get_ydata()) for ax in figure.axes] == [{1.0}, {2.0}]
    with pytest.raises(ValueError, match=r"'by hand' has no task 'speed'.*'sentiment'"):
        plot_weights({"by hand": history}, "speed")
