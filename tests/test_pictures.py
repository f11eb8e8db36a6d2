"""The pictures of lessons 00 to 02 show the numbers they were given, and colour is never the only sign."""

import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from mtl_helpers.data import data_file
from mtl_helpers.data.cleaning import column_states
from mtl_helpers.models import CNNEncoder, LSTMEncoder, MultiTaskModel
from mtl_helpers.plots import figure_png
from mtl_helpers.plots.pictures import (
    draw_copies,
    draw_shapes,
    plot_amounts,
    plot_influence,
    plot_padding,
    plot_seed_pairs,
    plot_shares,
    plot_turn,
)
from mtl_helpers.plots.pictures.of_models import shapes_of
from mtl_helpers.tasks import SENTIMENT, TOPIC

TOKENS = torch.tensor([[5, 7, 3, 0], [8, 9, 3, 2], [4, 0, 0, 0]])


def test_the_raw_columns_are_what_the_lesson_counts():
    raw = pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False)
    states = column_states(raw)
    assert states.sum(axis=1).to_numpy() == pytest.approx(1)
    assert round(states.missing["text"] * len(raw)) == 12, "the rows that white space drops"
    assert round(states.contradicts["stars"] * len(raw)) == 54, "the rows that conflicts drop"
    odd = ~raw.sentiment.isin(["positive", "negative"])
    assert states["as it should be"]["sentiment"] + states.contradicts["sentiment"] >= 1 - odd.mean()


def test_a_bar_is_as_long_as_its_shares_and_each_part_has_a_hatch_of_its_own():
    shares = pd.DataFrame({"fine": [0.5, 0.9], "odd": [0.3, 0.1], "missing": [0.2, 0.0]}, index=["text", "topic"])
    (ax,) = plot_shares(shares).axes
    for bars, part in zip(ax.containers, shares, strict=True):
        assert [bar.get_width() for bar in bars] == pytest.approx(shares[part].tolist())
    assert len({bars[0].get_hatch() for bars in ax.containers}) == 3
    assert {"50%", "30%", "20%", "90%", "10%"} == {text.get_text() for text in ax.texts}


def test_only_a_text_on_both_sides_is_framed():
    split = {"a": ["train", "test"], "b": ["train", "train"], "c": ["test", "test"], "d": ["val", "test"]}
    (ax,) = draw_copies({"at random": split}).axes
    frames = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert [round(frame.get_x() + frame.get_width() / 2) for frame in frames] == [0, 3]
    assert ax.get_title(loc="left") == "at random: 2 of 4 texts on both sides"
    looks = {line.get_label(): (line.get_marker(), to_hex(line.get_color())) for line in ax.lines}
    assert len(set(looks.values())) == 3 and len({marker for marker, _ in looks.values()}) == 3


def test_padding_is_what_is_0():
    (ax,) = plot_padding({"few": TOKENS}).axes
    assert ax.images[0].get_array().tolist() == (TOKENS != 0).float().tolist()
    assert ax.get_title() == "few: 33% padding"


@pytest.mark.parametrize("encoder", [CNNEncoder, LSTMEncoder])
def test_the_shapes_are_those_of_the_tensors_and_no_hook_stays(encoder):
    model = MultiTaskModel(encoder(10), [TOPIC, SENTIMENT])
    shapes = shapes_of(model, TOKENS)
    assert shapes["word numbers"] == (3, 4) and shapes["embedding"] == (3, 4, 32)
    assert shapes["features"] == tuple(model.encoder(TOKENS).shape)
    assert {name: shapes[f"{name} head"] for name in model.heads} == {"topic": (3, 6), "sentiment": (3, 2)}
    assert not any(module._forward_hooks for module in model.modules())
    said = [text.get_text() for text in draw_shapes(model, TOKENS).axes[0].texts]
    assert all(any(str(shape) in text for text in said) for shape in shapes.values())


def test_however_small_a_change_it_has_a_dot():
    changes = torch.tensor([[1.0, 1e-9, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    (ax,) = plot_influence({"wrong": changes}).axes
    dots = sorted(zip(ax.lines[0].get_ydata().tolist(), ax.lines[0].get_xdata().tolist(), strict=True))
    assert dots == [(0, 0), (0, 1), (1, 1), (2, 2)]
    assert "4 of 9 pairs" in ax.get_title()


def test_a_line_a_seed_and_their_mean_on_top():
    table = pd.DataFrame({"no twin": [0.7, 0.8], "all": [0.8, 0.9]})
    (ax,) = plot_seed_pairs({"network": table}).axes
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == table.to_numpy().tolist()
    assert ax.lines[2].get_ydata().tolist() == pytest.approx([0.75, 0.85])


def test_the_turn_shows_both_arms_and_the_pull_of_each_task():
    rows = [
        {"arm": arm, "seed": seed, "task": task, "step": step, "val_score": 0.5 + 0.1 * seed, "pull": step / 10}
        for arm in ("rises", "stays")
        for seed in (0, 1)
        for task in ("topic", "sentiment")
        for step in (20, 40)
    ]
    score, pull = plot_turn(pd.DataFrame(rows), turn=30, task="sentiment", turned="rises", other="stays").axes
    means = [line for line in score.lines if line.get_label() in ("rises", "stays")]
    assert [line.get_ydata().tolist() for line in means] == [pytest.approx([0.55, 0.55])] * 2
    assert means[0].get_linestyle() != "-" and {line.get_label() for line in pull.lines[:2]} == {"topic", "sentiment"}


def test_scores_by_labels_have_a_line_an_arm_and_a_gap_where_there_is_no_score():
    keys = [("topic", "words", "20"), ("topic", "words", "all"), ("topic", "net", "all"), ("mood", "net", "20")]
    index = pd.MultiIndex.from_tuples(keys)
    scores = pd.DataFrame({"score": [0.2, 0.8, 0.9, 0.5]}, index=index)
    scores = scores.assign(low=scores.score - 0.1, high=scores.score + 0.2)
    topic, mood = plot_amounts(scores, marks={"mood": ("none", 0.6)}).axes
    lines = {bars.get_label(): bars[0].get_ydata().tolist() for bars in topic.containers}
    assert lines == {"words": [0.2, 0.8], "net": [0.9]} and topic.containers[1][0].get_xdata()[0] > 0.9
    (low, high) = mood.containers[0][2][0].get_segments()[0][:, 1]
    assert (low, high) == (pytest.approx(0.4), pytest.approx(0.7)) and mood.texts[0].get_text() == "none"
    assert {bars[0].get_marker() for bars in topic.containers} == {"o", "s"}


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot_shares(pd.DataFrame()),
        lambda: draw_copies({}),
        lambda: plot_padding({}),
        lambda: plot_influence({}),
        lambda: plot_amounts(pd.DataFrame()),
        lambda: plot_seed_pairs({}),
        lambda: plot_turn(pd.DataFrame(), turn=1, task="topic", turned="a", other="b"),
    ],
)
def test_no_picture_is_empty(draw):
    with pytest.raises(ValueError, match="nothing to draw"):
        draw()


def test_the_same_picture_gives_the_same_bytes():
    model = MultiTaskModel(CNNEncoder(10), [TOPIC, SENTIMENT])
    assert figure_png(draw_shapes(model, TOKENS)) == figure_png(draw_shapes(model, TOKENS))
