"""The landscape demo without a page: its paths are those of the methods, and mouse, sliders and code say the same."""

import json
import random
import threading

import numpy as np
import pytest
import torch
from on_the_page import page_clicks, page_says, wait_for

from mtl_helpers.live import DemoError, LandscapeDemo
from mtl_helpers.live.demos.landscape import BY_HAND, METHODS, RATES
from mtl_helpers.relations import LandscapeModel, landscape_gradients, pareto_distance
from mtl_helpers.training import fit, two_task_paths

START = (1.4, 2.2)


@pytest.fixture
def new_demo():
    made = []

    def build(*args, **options) -> LandscapeDemo:
        made.append(LandscapeDemo(*args, **options))
        return made[-1]

    yield build
    for demo in made:
        demo.close()


@pytest.fixture
def demo(new_demo):
    return new_demo()


def drag(demo, x: float, y: float) -> None:
    """What the page says of a drag, and what the demo has made of it."""
    page_says(demo.view, value=[x, y])
    wait_for(lambda: demo.start_point == (x, y))
    demo.wait(60)


def steered(demo) -> np.ndarray:
    return demo.paths[BY_HAND]


def test_the_page_gets_the_paths_of_the_methods_as_few_numbers(demo):
    demo.set(methods=METHODS)
    paths = two_task_paths(landscape_gradients, START, METHODS)
    assert list(demo.paths) == list(demo.view.paths) == list(METHODS)
    for name, path in paths.items():
        sent = demo.view.paths[name]
        assert np.array_equal(demo.paths[name], path) and len(sent["x"]) < 160 < len(path)
        points = np.array([sent["x"], sent["y"]]).T
        assert np.allclose(points[[0, -1]], path[[0, -1]], atol=1e-3)
        gaps = np.linalg.norm(path[:, None] - points, axis=-1).min(axis=1)
        assert gaps.max() < 0.05
        assert sent["off"] == pytest.approx(pareto_distance(path[-1]))
    assert len(json.dumps(demo.view.paths)) < 20_000


def test_the_start_is_dragged_and_everything_follows(demo):
    before = demo.readout.value, demo.view.paths
    drag(demo, 0.1, 1.1)
    assert demo.results.distance["MGDA"] > 1 and demo.results.distance["sum"] < 0.01
    assert (
        "ends off it: <b>MGDA, PCGrad, UPGrad</b>" in demo.readout.value != before[0] and demo.view.paths != before[1]
    )
    assert all((path["x"][0], path["y"][0]) == (0.1, 1.1) for path in demo.view.paths.values())


def test_of_many_places_that_the_page_tells_of_in_a_drag_the_latest_is_drawn_and_few_others(demo, monkeypatch):
    drawn, free = [], threading.Event()
    monkeypatch.setattr(demo, "_show_all", lambda: drawn.append(demo.start_point))
    demo._worker.post(lambda: free.wait(60))
    for i in range(40):
        content = {"method": "custom", "content": {"start": [i / 40, 1.0]}}
        demo.view.comm.handle_msg({"content": {"data": content}, "buffers": []})
    free.set()
    wait_for(lambda: demo.start_point == (39 / 40, 1.0))
    demo.wait(60)
    assert drawn[-1] == (39 / 40, 1.0) and len(drawn) < 5
    page_says(demo.view, value=[0.25, 1.0])  # where it was let go
    wait_for(lambda: drawn[-1] == (0.25, 1.0))


def test_optimizer_rate_and_methods_are_chosen_on_the_page_as_from_code(demo, new_demo):
    other = new_demo(START, optimizer="Adam", rate=0.1, methods=["sum", "IMTL-G"])
    page_says(demo.optimizer, index=1)
    page_says(demo.rate, index=RATES.index(0.1))
    page_says(demo.view, methods=["sum", "IMTL-G"])
    wait_for(lambda: demo.view.paths == other.view.paths)
    assert (
        repr(demo)
        == repr(other)
        == ("LandscapeDemo: Adam at 0.1 from (1.4, 2.2); on the Pareto set: sum, IMTL-G; off it: none")
    )


# The path by hand


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_the_path_by_hand_is_the_loop_s_and_with_equal_weights_that_of_the_sum(demo, optimizer):
    demo.set(optimizer=optimizer)
    demo.run(60)
    assert np.allclose(steered(demo), demo.paths["sum"][:61], atol=1e-9)
    demo.set(steep=0.3, gentle=2)
    demo.reset()
    demo.run(40)
    model = LandscapeModel(START)
    own = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}[optimizer](model.parameters(), lr=0.05)
    fit(model, model.loader, own, steps=40, weights={"steep": 0.3, "gentle": 2})
    assert tuple(steered(demo)[-1]) == model.place and len(steered(demo)) == 41


def test_a_weight_that_is_dragged_while_the_path_runs_counts_from_the_next_step(demo):
    demo.run(80)
    caught = demo.results.distance[BY_HAND]
    demo.sliders["steep"].value = 0.2
    demo.run(150)
    assert caught > 1 and demo.results.distance[BY_HAND] < 0.01
    assert np.allclose(steered(demo)[:81], demo.paths["sum"][:81], atol=1e-9)


def test_it_runs_in_the_background_until_it_is_paused_and_a_drag_takes_it_to_the_new_start(demo):
    page_clicks(demo.buttons["run"])
    wait_for(lambda: len(demo._steered) > 3)
    page_says(demo.sliders["steep"], value=0.5)
    wait_for(lambda: demo.weights["steep"] == 0.5)
    page_says(demo.view, value=[-1.5, 1.0])
    wait_for(lambda: demo._steered[0] == (-1.5, 1.0) and len(demo._steered) > 3)
    assert demo.computing and demo.buttons["run"].disabled
    page_clicks(demo.buttons["stop"])
    wait_for(lambda: not demo.computing)
    taken = len(steered(demo))
    demo.run(5)
    assert len(steered(demo)) == taken + 5
    page_clicks(demo.buttons["reset"])
    wait_for(lambda: BY_HAND not in demo.paths)


def test_played_at_random_it_then_runs_as_a_new_one(demo, new_demo):
    draw = random.Random(0)
    for _ in range(60):
        moves = {
            "start": lambda: page_says(demo.view, value=[round(draw.uniform(-2, 2), 3), round(draw.uniform(0, 3), 3)]),
            "slider": lambda: page_says(demo.sliders["gentle"], value=draw.choice([0.0, 0.3, 1.0, 5.0])),
            "optimizer": lambda: page_says(demo.optimizer, index=draw.randrange(2)),
            "rate": lambda: page_says(demo.rate, index=draw.randrange(len(RATES))),
            "methods": lambda: page_says(demo.view, methods=draw.sample(METHODS, draw.randrange(4))),
            "button": lambda: page_clicks(draw.choice(list(demo.buttons.values()))),
            "code": lambda: demo.run(3),
        }
        moves[draw.choice(list(moves))]()
    demo.stop()
    assert demo.error is None
    chosen = {"optimizer": "SGD", "rate": 0.05, "methods": ["sum", "MGDA"]}
    demo.set(START, **chosen, steep=0.3, gentle=1)
    demo.run(50)
    other = new_demo(START, **chosen)
    other.set(steep=0.3)
    other.run(50)
    assert demo.view.paths == other.view.paths and demo.results.equals(other.results)


@pytest.mark.bad_input
def test_what_it_does_not_have_is_refused_and_changes_nothing(demo):
    before = demo.view.paths, dict(demo.weights)
    for options, said in [
        ({"start": (5, 0)}, "θ₁ from -2.4 to 2.4.*found \\(5, 0\\)"),
        ({"start": (float("nan"), 0)}, "A start lies in the picture"),
        ({"start": 1}, "two numbers; found 1"),
        ({"optimizer": "AdamW"}, "optimizer is one of 'SGD', 'Adam'; found 'AdamW'"),
        ({"rate": 3}, "rate is one of 0.005"),
        ({"methods": ["GradNorm"]}, "no method 'GradNorm' here; there are 'sum'"),
        ({"flat": 1}, "no task 'flat' here; there are 'steep', 'gentle'"),
        ({"steep": 0.1, "gentle": -1}, "λ of 'gentle'"),
    ]:
        with pytest.raises(ValueError, match=said) as refused:
            demo.set(**options)
        assert isinstance(refused.value, DemoError) or "λ" in said
    assert (demo.view.paths, dict(demo.weights)) == before


def test_it_shows_itself_as_widget_picture_and_text(demo):
    bundle = demo._repr_mimebundle_()
    assert {"text/plain", "image/png"} < set(bundle) and demo.box.children[0] is demo.readout
    assert bundle["text/plain"] == (
        "LandscapeDemo: SGD at 0.05 from (1.4, 2.2); on the Pareto set: MGDA, PCGrad, UPGrad; off it: sum"
    )
