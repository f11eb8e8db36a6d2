"""The gradient demo without a page: its numbers are the methods' own, and mouse, sliders and code say the same."""

import itertools
import math

import pytest
import torch
from on_the_page import page_says
from torchjd.aggregation import IMTLG, MGDA, AlignedMTL, PCGrad

from mtl_helpers.live import DemoError, GradientDemo
from mtl_helpers.live.demos.gradient import METHODS, PRESETS
from mtl_helpers.plots.live.arrows import HANDLE, safe_wedge

PAIRS = {
    "agree": ((1.0, 0.2), (0.5, 1.0)),
    "conflict": ((1.0, 0.0), (-0.6, 0.3)),
    "one 100 times longer": ((80.0, 60.0), (-0.9, 0.3)),
    "nearly opposite": ((2.0, 0.0), (-1.0, 0.01)),
}


@pytest.fixture(scope="module")
def shared():
    return GradientDemo()


@pytest.fixture
def demo(shared):
    """The demo as it opens."""
    shared.set(methods=METHODS, same_length=False)
    shared.preset("conflict")
    return shared


def pull(demo, task: str, x: float, y: float, *, held: bool = True) -> None:
    """What the page says when the tip of a task's arrow is pulled to (x, y), and let go there."""
    page_says(demo.plane, value={"task": task, "x": x, "y": y, "held": held})
    demo.wait()


# The numbers


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_each_result_is_its_method_s(demo, pair):
    demo.set(*pair)
    jacobian = torch.tensor(pair, dtype=torch.float64)
    expected = {
        "sum": jacobian.sum(dim=0),
        **{
            name: made(jacobian)
            for name, made in {
                "MGDA": MGDA(),
                "PCGrad": PCGrad(),
                "IMTL-G": IMTLG(),
                "Aligned-MTL": AlignedMTL(),
            }.items()
        },
    }
    for name, d in expected.items():
        assert demo.results.loc[name, ["x", "y"]].tolist() == pytest.approx(d.tolist(), rel=1e-6, abs=1e-9), name
    for row in demo.results.itertuples():
        d = torch.tensor([row.x, row.y], dtype=torch.float64)
        weighted = row.topic_weight * jacobian[0] + row.sentiment_weight * jacobian[1]
        assert weighted.tolist() == pytest.approx(d.tolist(), rel=1e-6)
        assert [row.topic_change, row.sentiment_change] == pytest.approx((jacobian @ d).tolist(), rel=1e-4, abs=1e-9)
        assert row.length == pytest.approx(d.norm().item())


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_mgda_pcgrad_and_upgrad_harm_no_task_however_long_its_gradient(demo, pair):
    demo.set(*pair)
    assert set(demo.results.loc[["MGDA", "PCGrad", "UPGrad"], "effect"]) == {"helps both"}


def test_upgrad_is_the_mean_of_the_gradients_each_without_its_conflict(demo):
    demo.set((1, 0), (-0.6, 0.3))
    g, h = torch.tensor([1.0, 0.0]), torch.tensor([-0.6, 0.3])
    free = [a - min(0, a @ b) / (b @ b) * b for a, b in ((g, h), (h, g))]
    assert demo.results.loc["UPGrad", ["x", "y"]].tolist() == pytest.approx((sum(free) / 2).tolist(), abs=1e-6)


def test_a_sum_that_harms_a_task_where_pcgrad_helps_both_and_a_pcgrad_that_stands_still(demo):
    demo.set((2, 0), (-0.5, 0.5))
    assert demo.results.effect[["sum", "PCGrad"]].tolist() == ["harms sentiment", "helps both"]
    demo.set((2, 0), (-1, 0))
    assert demo.results.loc["PCGrad", "length"] == 0 and demo.results.effect["PCGrad"] == "changes next to nothing"
    assert demo.results.effect["IMTL-G"] == "harms sentiment" and demo.results.sentiment_weight["IMTL-G"] < 0
    assert demo.plane.tips["PCGrad"] == (0, 0) != demo.plane.tips["sum"]


def test_in_conflict_the_sum_harms_a_task_and_the_methods_go_ways_of_their_own(demo):
    effects = demo.results.effect
    assert effects["sum"] == "harms sentiment" and set(effects.drop("sum")) == {"helps both"}
    angles = sorted(math.degrees(math.atan2(y, x)) for x, y in demo.results.drop("UPGrad")[["x", "y"]].to_numpy())
    assert min(b - a for a, b in itertools.pairwise(angles)) > 3, "UPGrad alone is PCGrad's half"


def test_in_no_other_preset_is_a_task_harmed(demo):
    for name in set(PRESETS) - {"conflict"}:
        demo.preset(name)
        assert set(demo.results.effect) == {"helps both"} and demo.error is None, name


# Page, sliders and code


def test_an_arrow_is_dragged_and_everything_follows(demo):
    demo.set((1, 0), (0, 1))
    before, topic = demo.readout.value, demo.gradients["topic"]
    pull(demo, "sentiment", -0.8, 0.6)
    assert demo.gradients["sentiment"] == pytest.approx((-0.8, 0.6)) and demo.gradients["topic"] == topic
    assert demo.cosine == pytest.approx(-0.8) and "gradients -0.8" in demo.readout.value != before
    assert demo.sliders["sentiment angle"].value == 143 and demo.sliders["sentiment length"].value == 1
    assert demo.plane.gradients["sentiment"] == pytest.approx([-0.8, 0.6])
    pull(demo, "sentiment", -0.3, 0.4, held=False)  # the last move may come with the release alone
    assert demo.gradients["sentiment"] == pytest.approx((-0.3, 0.4))


def test_the_view_rests_while_an_arrow_is_dragged_and_where_it_is_let_go(demo):
    demo.set((1, 0), (0, 1))
    radius = demo.plane.radius
    pull(demo, "topic", 50, 0)
    assert demo.plane.radius == radius and demo.gradients["topic"] == pytest.approx((0.98 * radius, 0))
    pull(demo, "topic", 0.8 * radius, 0, held=False)
    assert demo.plane.radius == radius, "it snaps"
    demo.set(methods=["sum"])
    radius = demo.plane.radius
    pull(demo, "topic", 0, 0.98 * radius)
    pull(demo, "topic", 0, 0.98 * radius, held=False)
    assert demo.plane.radius > radius, "the sum is longer than the view is wide"


def test_results_are_drawn_as_long_as_they_are_however_short(demo):
    demo.set((1, 0), (-1, 0.05))
    short = demo.results.loc["PCGrad"]
    assert 0 < short.length < 0.15 and demo.plane.tips["PCGrad"] == pytest.approx((short.x, short.y))


def test_an_arrow_too_short_to_hold_can_be_turned_without_growing(demo):
    demo.set((100, 0), (0, 1))
    held = HANDLE * demo.plane.radius
    assert held > 10, "so far out is its handle"
    pull(demo, "sentiment", -held, 0.0)
    assert demo.gradients["sentiment"] == pytest.approx((-1, 0), abs=0.05)
    pull(demo, "sentiment", -4 * held, 0, held=False)
    assert demo.gradients["sentiment"] == pytest.approx((-4 * held, 0), abs=1)


def test_a_key_makes_even_a_short_arrow_longer(demo):
    demo.set((100, 0), (0, 1))
    page_says(demo.plane, value={"task": "sentiment", "x": 0, "y": 1.12, "held": False, "key": True})
    demo.wait()
    assert demo.gradients["sentiment"] == pytest.approx((0, 1.12))


def test_a_slider_changes_its_part_and_leaves_the_rest(demo):
    demo.set((0.31, 0.42), (0, 1))
    demo.sliders["topic angle"].value = 90
    assert demo.gradients["topic"] == pytest.approx((0, math.hypot(0.31, 0.42)))
    demo.sliders["topic length"].value = 10.0
    assert demo.gradients["topic"] == pytest.approx((0, 10)) and demo.cosine == pytest.approx(1)
    assert demo.gradients["sentiment"] == (0, 1)


def test_the_key_chooses_methods_and_a_button_a_preset(demo):
    page_says(demo.plane, shown=[name for name in METHODS if name != "MGDA"])
    demo.wait()
    assert "MGDA" not in demo.results.index and "MGDA" not in demo.readout.value
    assert "MGDA" not in demo.plane.tips and demo.methods == [n for n in METHODS if n != "MGDA"]
    demo.buttons["agree"].click()
    assert demo.cosine == pytest.approx(math.cos(math.radians(50)))


def test_results_of_one_length_keep_their_directions_and_their_numbers(demo):
    demo.set((3, 0), (-0.5, 0.5))
    before = demo.results
    demo.same_length.value = True
    assert demo.results.equals(before)
    lengths = {round(math.hypot(*demo.plane.tips[name]), 9) for name in METHODS}
    assert len(lengths) == 1
    for name, row in before.iterrows():
        x, y = demo.plane.tips[name]
        assert math.atan2(y, x) == pytest.approx(math.atan2(row.y, row.x))


@pytest.mark.parametrize("angle", [10, 60, 120, 175, -10, -60, -120, -175])
def test_the_shade_is_where_no_task_is_harmed(demo, angle):
    demo.set((1, 0), (math.cos(math.radians(angle)), math.sin(math.radians(angle))))
    (start, end), (g, h) = safe_wedge(demo.gradients), map(torch.tensor, demo.gradients.values())
    assert end - start == pytest.approx(180 - abs(angle))
    for turn, inside in ((0.02, True), (0.5, True), (0.98, True), (-0.1, False), (1.1, False)):
        at = math.radians(start + turn * (end - start))
        d = torch.tensor([math.cos(at), math.sin(at)])
        assert bool(d @ g >= 0 and d @ h >= 0) == inside


@pytest.mark.bad_input
def test_what_can_not_be_drawn_is_refused_and_changes_nothing(demo):
    before = dict(demo.gradients)
    for wrong, said in {
        "(0, 0)": ((0, 0), "'topic' must have a length from 0.1 to 100.*found 0"),
        "nan": ((math.nan, 1), "found nan"),
        "three": ((1, 2, 3), r"two numbers; found \(1, 2, 3\) for 'topic'"),
        "a number": (1, "two numbers; found 1"),
    }.values():
        with pytest.raises(DemoError, match=said):
            demo.set(wrong, (0, 1))
    with pytest.raises(DemoError, match="no method 'CAGrad' here; there are 'sum', 'MGDA'"):
        demo.set((1, 0), methods=["sum", "CAGrad"])
    with pytest.raises(DemoError, match="no preset 'chaos'; there are 'agree'"):
        demo.preset("chaos")
    assert demo.gradients == before and demo.methods == list(METHODS)


def test_an_error_in_a_callback_is_shown(demo, monkeypatch):
    monkeypatch.setattr(demo, "_compute", lambda: 1 / 0)
    demo.sliders["topic angle"].value = 33
    assert "ZeroDivisionError" in demo.error_box.value
    monkeypatch.undo()
    demo.sliders["topic angle"].value = 34
    assert demo.error_box.value == ""


def test_it_shows_itself_as_widget_picture_and_text(demo):
    demo.set((1, 0), (-1, 0), methods=["sum"])
    bundle = demo._repr_mimebundle_()
    assert {"text/plain", "image/png"} < set(bundle) and "mtl-gradient-demo" in demo.box._dom_classes
    assert bundle["text/plain"] == "GradientDemo: topic 1 at 0°, sentiment 1 at 180°; cosine -1.00; sum"
    assert demo.readout in demo.box.children[0].children
