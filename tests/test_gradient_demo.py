"""The gradient demo without a page: its numbers are the methods' own, and mouse, sliders and code say the same."""

import math

import pytest
import torch
from torchjd.aggregation import IMTLG, MGDA, AlignedMTL, PCGrad

from mtl_helpers.live import DemoError, GradientDemo
from mtl_helpers.live.demos.gradient import METHODS, PRESETS

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


def near(x: float, y: float):
    """The mouse stands on whole pixels."""
    return pytest.approx((x, y), abs=0.01)


def mouse(demo, kind: str, x: float, y: float, *, buttons: int = 1) -> None:
    """What the page sends when the mouse does something at the point (x, y) of the demo's plane."""
    canvas = demo.canvas
    left, low = demo._plot._ax.transData.transform((x, y))
    content = {"type": kind, "x": left, "y": canvas.get_renderer().height - low, "button": 0, "buttons": buttons}
    canvas._handle_message(None, {**content, "modifiers": []}, [])


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
    assert "PCGrad = 0" in "".join(text.get_text() for text in demo._plot._texts.values())


def test_no_preset_gives_the_target_away(demo):
    for name in PRESETS:
        demo.preset(name)
        assert set(demo.results.effect) == {"helps both"} and demo.error is None, name


# Mouse, sliders and code


def test_an_arrow_is_dragged_and_everything_follows(demo):
    demo.set((1, 0), (0, 1))
    before, topic = demo.readout.value, demo.gradients["topic"]
    mouse(demo, "button_press", 0, 1)
    mouse(demo, "motion_notify", -0.8, 0.6)
    assert demo.gradients["sentiment"] == near(-0.8, 0.6) and demo.gradients["topic"] == topic
    assert demo.cosine == pytest.approx(-0.8, abs=0.01) and "gradients -0.8" in demo.readout.value != before
    assert demo.sliders["sentiment angle"].value in (143, 144) and demo.sliders["sentiment length"].value == 1
    assert demo._plot._tips["sentiment"] == near(-0.8, 0.6)
    mouse(demo, "button_release", -0.3, 0.4, buttons=0)  # the last move may come with the release alone
    assert demo.gradients["sentiment"] == near(-0.3, 0.4)
    mouse(demo, "motion_notify", 0.5, 0.5)
    assert demo.gradients["sentiment"] == near(-0.3, 0.4)


def test_the_page_is_sent_whole_pictures(demo):
    """Of differences that follow fast upon each other the page may lose one, and what it showed would stay."""
    canvas = demo.canvas
    for angle in (30, 40):
        demo.sliders["topic angle"].value = angle
        assert canvas._current_image_mode == "full"


def test_only_a_tip_can_be_taken_hold_of_and_a_button_let_go_outside_counts(demo):
    demo.set((1, 0), (0, 1))
    mouse(demo, "button_press", 0.5, 0)
    mouse(demo, "motion_notify", 0.5, 0.5)
    assert demo.gradients["topic"] == (1, 0)
    mouse(demo, "button_press", 1, 0)
    mouse(demo, "motion_notify", 0.5, 0.5, buttons=0)
    assert demo.gradients["topic"] == (1, 0) and demo._dragged is None


def test_the_view_rests_while_an_arrow_is_dragged_and_holds_it(demo):
    demo.set((1, 0), (0, 1))
    radius = demo._plot.radius
    mouse(demo, "button_press", 1, 0)
    mouse(demo, "motion_notify", 50, 0)
    assert demo._plot.radius == radius and demo.gradients["topic"] == near(0.98 * radius, 0)
    mouse(demo, "button_release", 50, 0, buttons=0)
    assert demo._plot.radius > radius


def test_an_arrow_drawn_longer_than_it_is_can_be_turned_without_growing(demo):
    demo.set((100, 0), (0, 1))
    x, y = demo._plot._tips["sentiment"]
    assert y > 10 and "sentiment*" in demo._plot._texts["sentiment"].get_text() and demo._plot._note.get_visible()
    mouse(demo, "button_press", x, y)
    mouse(demo, "motion_notify", -y, 0.0)
    assert demo.gradients["sentiment"] == pytest.approx((-1, 0), abs=0.05)
    mouse(demo, "button_release", -4 * y, 0, buttons=0)
    assert demo.gradients["sentiment"] == pytest.approx((-4 * y, 0), abs=1)


def test_a_slider_changes_its_part_and_leaves_the_rest(demo):
    demo.set((0.31, 0.42), (0, 1))
    demo.sliders["topic angle"].value = 90
    assert demo.gradients["topic"] == pytest.approx((0, math.hypot(0.31, 0.42)))
    demo.sliders["topic length"].value = 10.0
    assert demo.gradients["topic"] == pytest.approx((0, 10)) and demo.cosine == pytest.approx(1)
    assert demo.gradients["sentiment"] == (0, 1)


def test_a_checkbox_chooses_a_method_and_a_button_a_preset(demo):
    demo.boxes["MGDA"].value = False
    assert "MGDA" not in demo.results.index and "MGDA" not in demo.readout.value
    assert demo._plot._lines["MGDA"].get_xdata() == [] and demo.methods == [n for n in METHODS if n != "MGDA"]
    demo.buttons["agree"].click()
    assert demo.cosine == pytest.approx(math.cos(math.radians(50)))


def test_results_of_one_length_keep_their_directions_and_their_numbers(demo):
    demo.set((3, 0), (-0.5, 0.5))
    before = demo.results
    demo.same_length.value = True
    assert demo.results.equals(before)
    lengths = {round(math.hypot(*demo._plot._tips[name]), 9) for name in METHODS}
    assert len(lengths) == 1
    for name, row in before.iterrows():
        x, y = demo._plot._tips[name]
        assert math.atan2(y, x) == pytest.approx(math.atan2(row.y, row.x))


@pytest.mark.parametrize("angle", [10, 60, 120, 175, -10, -60, -120, -175])
def test_the_shade_is_where_no_task_is_harmed(demo, angle):
    demo.set((1, 0), (math.cos(math.radians(angle)), math.sin(math.radians(angle))))
    wedge, (g, h) = demo._plot._safe, map(torch.tensor, demo.gradients.values())
    assert wedge.theta2 - wedge.theta1 == pytest.approx(180 - abs(angle))
    for turn, inside in ((0.02, True), (0.5, True), (0.98, True), (-0.1, False), (1.1, False)):
        at = math.radians(wedge.theta1 + turn * (wedge.theta2 - wedge.theta1))
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
    assert demo.box.children[0] is demo.readout
