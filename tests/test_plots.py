"""A task looks the same in every figure, and can be told from the others without seeing colours."""

import itertools
import re
import warnings
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from mtl_helpers.evaluation import pareto_front
from mtl_helpers.live.widgets.landscape_view import _DARK as LANDSCAPE_DARK
from mtl_helpers.plots import (
    WAYS,
    Figure,
    draw_confusion,
    draw_reliability,
    draw_ways,
    figure,
    figure_png,
    figure_svg,
    html_table,
    plot_changes,
    plot_cosines,
    plot_front,
    plot_gates,
    plot_growing_front,
    plot_history,
    plot_learning,
    plot_weights,
    smooth,
    task_markers,
    task_styles,
)
from mtl_helpers.plots.live.arrows import METHOD_STYLES
from mtl_helpers.plots.styles import COLOURS, ON_COLOUR, on_dark
from mtl_helpers.tasks import SENTIMENT, STARS

ROOT = Path(__file__).resolve().parents[1]
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


# What each kind of colour blindness leaves of red, green and blue: Machado, Oliveira and Fernandes 2009, severity 1.
SEEN_BY = {
    "everybody": np.eye(3),
    "protanopes": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deuteranopes": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritanopes": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b*, in which distances are what an eye sees, of linear red, green and blue."""
    to_xyz = [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.0888]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", SEEN_BY)
def test_eight_colours_are_told_apart_by_every_eye(eye):
    styles = task_styles([*COURSE, "speed", "brake", "sign", "word", "route"]).values()
    rgb = np.array([matplotlib.colors.to_rgb(style["color"]) for style in styles])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = [lab(SEEN_BY[eye] @ colour) for colour in linear]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15
    assert all(colour[0] < 80 for colour in seen), "too pale on white"


def contrast(one: str, other: str) -> float:
    """Of two colours by WCAG 2.2: from 1, the same, to 21, black on white."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    return float(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def mixed(colour: str, ink: str, part: float) -> str:
    """As CSS mixes them, ``color-mix(in srgb, colour part, ink)``."""
    rgb = [matplotlib.colors.to_rgb(one) for one in (colour, ink)]
    return matplotlib.colors.to_hex(part * np.array(rgb[0]) + (1 - part) * np.array(rgb[1]))


LIGHT, DARK = "#ffffff", "#111111"  # JupyterLab's two papers


def test_the_measure_of_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#ffffff") == pytest.approx(
        4.48, abs=0.01
    )


@pytest.mark.parametrize("colour", sorted({*COLOURS, *(style["color"] for style in METHOD_STYLES.values())}))
def test_lines_and_words_can_be_seen_on_both_papers(colour):
    """WCAG 2.2 AA: 3 : 1 for a line, 4.5 : 1 for a word; a word is mixed with the ink by ``worded`` of theme.js."""
    dark = LANDSCAPE_DARK.get(colour, on_dark(colour))
    assert contrast(colour, LIGHT) >= 3 and contrast(dark, DARK) >= 3
    theme = (ROOT / "mtl_helpers/live/widgets/page_side/theme.js").read_text(encoding="utf-8")
    part = int(re.search(r"const worded = .*?(\d+)%, .*\"#fff\" : \"#000\"", theme)[1]) / 100
    assert (
        contrast(mixed(colour, "#000000", part), LIGHT) >= 4.5 and contrast(mixed(dark, "#ffffff", part), DARK) >= 4.5
    )


def test_eight_tasks_differ_in_colour_in_line_and_in_marker_and_fifty_in_the_two_together():
    names = [f"task{i}" for i in range(50)]
    looks = [(style["color"], str(style["linestyle"])) for style in task_styles(names).values()]
    assert len({colour for colour, _ in looks[:8]}) == len({dashes for _, dashes in looks[:8]}) == 8
    assert len(set(list(task_markers(names).values())[:8])) == 8
    assert len(set(looks)) == 50, "the ninth looks like another"
    assert {colour for colour, _ in looks[:4]} <= OKABE_ITO


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


def test_a_figure_is_shown_once_by_itself_and_pyplot_does_not_know_it(history):
    """A new formatter is what a kernel has before anybody asks for pyplot."""
    before = plt.get_fignums()
    figure = plot_history(history)
    shown, _ = DisplayFormatter().format(figure)
    assert shown["image/png"].startswith(b"\x89PNG") and plt.get_fignums() == before
    assert shown["text/plain"] == "<Figure size 750x740 with 3 Axes>"


def test_the_same_figure_gives_the_same_bytes(history):
    assert figure_png(plot_history(history)) == figure_png(plot_history(history))


def test_a_step_without_a_label_is_a_gap_and_no_zero(history):
    history.loc[(history.task == "topic") & (history.step % 2 == 0), "loss"] = np.nan
    line = plot_history(history, window=1).axes[0].lines[0]
    assert set(line.get_xdata() % 2) == {1} and min(line.get_ydata()) == pytest.approx(1 / 29)


# Letters of other scripts


@pytest.fixture
def fonts(monkeypatch):
    """The fonts that are installed: none, until a test adds paths. Nothing is remembered from other tests."""
    paths = []
    monkeypatch.setattr(figure, "findSystemFonts", lambda: paths)
    for remembered in (figure._installed_with, figure._warn_of):
        remembered.cache_clear()
    yield paths
    for remembered in (figure._installed_with, figure._warn_of):
        remembered.cache_clear()


def test_a_task_whose_letters_no_font_has_is_told_of_once_with_what_to_install(fonts, history):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            figure_png(plot_history(history.replace({"task": {"topic": "主题", "stars": "评分"}})))
    (only,) = [str(warning.message) for warning in said]  # and not one of Matplotlib's for each letter
    assert "No installed font" in only and "fonts-noto-cjk" in only and "box" in only


def test_an_installed_font_that_has_the_letters_is_used(fonts, recwarn):
    letter = "\u214a"  # DejaVu Sans lacks it
    fonts.append(str(Path(matplotlib.get_data_path(), "fonts/ttf/STIXGeneral.ttf")))
    drawing = Figure()
    text = drawing.text(0.5, 0.5, f"task {letter}")
    figure_png(drawing)
    assert text.get_fontfamily() == ["sans-serif", "STIXGeneral"]
    assert not [warning for warning in recwarn if "missing from font" in str(warning.message)]


def test_a_table_is_a_row_of_heads_and_its_cells():
    table = html_table(["task", "score"], [["topic", 0.9], ["mood", "–"]], above=[("your tries", 2)])
    assert table.count("<tr>") == 4 and '<th colspan="2" style="text-align:left">your tries</th>' in table
    assert '<td style="text-align:left">topic</td><td>0.9</td>' in table


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


def test_an_error_is_better_the_smaller_it_is():
    """A regression is scored by its error: nothing else in the table says so."""
    runs = pd.DataFrame({"sentiment": [0.9, 0.8, 0.7], "stars": [0.5, 0.4, 0.6]})
    assert pareto_front(runs, [True, False]).tolist() == [True, True, False]
    ax = plot_front(runs, (SENTIMENT, STARS)).axes[0]
    pale, front = (collection.get_offsets().tolist() for collection in ax.collections)
    assert pale == [[0.7, 0.6]] and front == [[0.8, 0.4], [0.9, 0.5]]
    assert ax.yaxis_inverted() and not ax.xaxis_inverted(), "better is to the upper right"
    assert ax.get_ylabel() == "stars: MAE (less is better)"


def test_a_front_is_drawn_into_axes_that_are_given_the_chosen_one_strong():
    ax = Figure().subplots()
    drawn = plot_front(
        {"small": RUNS, "large": RUNS + 0.05, "none": RUNS.head(0)}, ("left", "right"), ax=ax, chosen="large"
    )
    assert drawn is ax.figure
    small, large = ax.collections[1], ax.collections[3]
    assert small.get_alpha() == 0.5 and large.get_alpha() is None
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["small front", "large front"]


def test_of_several_own_runs_the_last_is_named():
    own = [{"left": 0.2, "right": 0.3}, {"left": 0.4, "right": 0.5}]
    figure = plot_front(RUNS, ("left", "right"), own=own)
    assert dots(figure)[2:] == [[[0.2, 0.3]], [[0.4, 0.5]]]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["front", "your run"]


def test_several_fronts_differ_in_colour_and_marker_and_the_figure_is_shown_once():
    before = plt.get_fignums()
    figure = plot_front({"small": RUNS, "large": RUNS + 0.05}, ("left", "right"), title="two models")
    assert plt.get_fignums() == before and figure.axes[0].get_title() == "two models"
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["small front", "large front"]
    small, large = figure.axes[0].collections[1], figure.axes[0].collections[3]
    assert small.get_facecolor().tolist() != large.get_facecolor().tolist()
    assert len(small.get_paths()[0].vertices) != len(large.get_paths()[0].vertices)


def test_a_dollar_in_a_label_is_a_dollar_and_a_formula_is_a_formula():
    classes = ["$", "$$", "$x_{$"]
    draw_confusion({"price": pd.DataFrame(np.eye(3, dtype=int), classes, classes)})._repr_png_()
    figure = Figure()
    texts = [figure.text(0.1, 0.5, said) for said in ("from 10 $ to 20 $", r"$\lambda$")]
    figure_png(figure)
    assert [text.get_parse_math() for text in texts] == [False, True]


def test_runs_of_a_search_that_failed_are_left_out():
    whole = RUNS.assign(error="")
    failed = pd.DataFrame({"left": [float("nan")], "right": [float("nan")], "error": ["TrainingDiverged: at step 3"]})
    bytes_of = [
        figure_png(plot_front(runs, ("left", "right")))
        for runs in (RUNS, pd.concat([failed, whole, failed], ignore_index=True))
    ]
    assert bytes_of[0] == bytes_of[1]


@pytest.mark.bad_input
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


def test_each_seed_is_a_dot_beside_its_interval():
    table = changes().assign(each=[[0.03, 0.07], [0.0, 0.02], [-0.05, -0.03]])
    (ax,) = plot_changes({"world": table}).axes
    dots = [collection.get_offsets()[:, 0].tolist() for collection in ax.collections]
    assert dots == [pytest.approx([3, 7]), pytest.approx([0, 2]), pytest.approx([-5, -3])]


@pytest.mark.bad_input
@pytest.mark.parametrize("tables", [{}, {"empty": pd.DataFrame(columns=["change", "low", "high"])}])
def test_no_change_is_no_picture(tables):
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_changes(tables)


def test_shares_are_a_heat_map_with_each_number_in_its_cell():
    gates = pd.DataFrame([[0.9, 0.1], [0.25, 0.75]], index=["film", "car"], columns=["expert 1", "expert 2"])
    stitch = pd.DataFrame([[1.2, -0.1]], index=["topic"], columns=["topic", "sentiment"])
    left, right = plot_gates({"sentiment": gates, "stitch": stitch}).axes
    assert [text.get_text() for text in left.texts] == ["0.90", "0.10", "0.25", "0.75"]
    assert [text.get_text() for text in right.texts] == ["1.20", "-0.10"]
    assert left.images[0].get_clim() == right.images[0].get_clim() == (0, 1), "the same colour is the same share"
    assert [label.get_text() for label in left.get_yticklabels()] == ["film", "car"]
    ink = {text.get_text(): text.get_color() for text in left.texts}
    assert ink["0.90"] != ink["0.10"], "light on dark and dark on light"


def test_an_arm_looks_the_same_in_every_panel_of_learning_curves():
    first = pd.DataFrame({"single": [0.5, 0.6], "conditioned": [0.5, 0.8]}, index=[100, 200])
    left, right = plot_learning({"300": first[["conditioned"]], "3000": first}, floor=0.5).axes
    lines = {line.get_label(): line for line in right.lines}
    (alone,) = [line for line in left.lines if line.get_label() == "conditioned"]
    assert list(lines["single"].get_ydata()) == [0.5, 0.6]
    for look in ("color", "marker", "linestyle"):
        assert getattr(alone, f"get_{look}")() == getattr(lines["conditioned"], f"get_{look}")()
    assert alone.get_color() != lines["single"].get_color()


@pytest.mark.bad_input
@pytest.mark.parametrize("tables", [{}, {"empty": pd.DataFrame()}])
@pytest.mark.parametrize("plot", [plot_gates, plot_learning])
def test_an_empty_table_is_no_picture(plot, tables):
    with pytest.raises(ValueError, match="nothing to draw"):
        plot(tables)


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


def test_a_figure_for_the_page_leaves_ink_paper_and_palette_to_it():
    figure = Figure()
    ax = figure.subplots()
    ax.plot([0, 1], color="#0072B2")
    ax.text(0.5, 0.5, "on a ground of its own", color=ON_COLOUR)
    svg = figure_svg(figure)
    assert svg.startswith("<svg") and svg.endswith("</svg>\n")
    assert "currentColor" in svg and "var(--mtl-paper, #fff)" in svg and "var(--mtl-0072b2, #0072b2)" in svg
    assert f"var(--mtl-{ON_COLOUR[1:]}, {ON_COLOUR})" in svg
    for fixed in ("#000000", "#ffffff"):
        assert fixed not in svg
    assert svg == figure_svg(figure), "the same figure, the same text"


def test_each_run_is_a_dot_behind_its_interval():
    table = pd.DataFrame({"change": [2.0], "low": [1.0], "high": [3.0], "each": [[1.5, 2.5, 2.0]]}, index=["arm"])
    (ax,) = plot_changes({"world": table}, scale=1).axes
    (dots,) = (found for found in ax.collections if len(found.get_offsets()))
    assert dots.get_offsets()[:, 0].tolist() == [1.5, 2.5, 2.0]


def test_a_single_run_is_never_drawn_as_clear():
    """It has no interval, and stood there solid and blue, as if it were clear."""
    one = pd.DataFrame({"change": [0.03], "low": [0.03], "high": [0.03]}, index=["seed 0"])
    (ax,) = plot_changes({"one": one}).axes
    assert [line.get_markerfacecolor() for line in ax.lines if line.get_marker() == "o"] == ["white"]


def test_a_front_grows_run_by_run_on_the_same_axes():
    runs = pd.DataFrame({"left": [0.2, 0.5, 0.9, 0.4], "right": [0.9, 0.6, 0.3, 0.4]})
    panels = plot_growing_front(runs, ("left", "right"), after=(1, 3, 4)).axes
    assert [ax.get_title() for ax in panels] == ["1 of 4 runs", "3 of 4 runs", "4 of 4 runs"]
    drawn = [sum(len(found.get_offsets()) for found in ax.collections) - 1 for ax in panels]  # the ring apart
    assert drawn == [1, 3, 4] and len({ax.get_xlim() for ax in panels}) == 1
    newest = [ax.collections[-1].get_offsets()[0].tolist() for ax in panels]
    assert newest == [[0.2, 0.9], [0.9, 0.3], [0.4, 0.4]]


@pytest.mark.bad_input
@pytest.mark.parametrize("after", [(), (0,), (5,)])
def test_a_front_does_not_grow_beyond_its_runs(after):
    runs = pd.DataFrame({"left": [0.2, 0.5], "right": [0.9, 0.6]})
    with pytest.raises(ValueError, match="after counts runs, from 1 to 2"):
        plot_growing_front(runs, ("left", "right"), after=after)


def test_a_reliability_diagram_has_a_dot_for_each_bin_that_is_not_empty():
    table = pd.DataFrame(
        {"confidence": [float("nan"), 0.65, 0.95], "accuracy": [float("nan"), 0.6, 0.8], "n": [0, 5, 15]}
    )
    ax, other = draw_reliability({"as trained": table, "other": table}).axes
    dots = ax.collections[-1]
    assert dots.get_offsets().tolist() == [[0.65, 0.6], [0.95, 0.8]]
    assert dots.get_sizes()[1] > dots.get_sizes()[0]
    assert ax.get_xlim() == ax.get_ylim() == other.get_xlim()


@pytest.mark.bad_input
def test_without_a_calibration_there_is_no_diagram():
    with pytest.raises(ValueError, match="no table of calibration"):
        draw_reliability({})
