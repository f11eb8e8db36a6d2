"""A live widget as a page sees it, without a page: its messages, its models, and waiting for it."""

import random
import time
from collections.abc import Callable, Iterator

import ipywidgets
from ipywidgets.widgets.widget import _instances

from mtl_helpers.live.demos.gradient_plane import GradientPlane
from mtl_helpers.live.widgets.landscape_view import LandscapeView
from mtl_helpers.live.widgets.listen import Listen
from mtl_helpers.live.widgets.picture import Picture
from mtl_helpers.live.widgets.slider import STOPS, LambdaSlider


def wait_for(condition: Callable[[], object]) -> None:
    """Only how long we are willing to wait for a thread; nothing is measured."""
    end = time.time() + 60
    while not condition():
        assert time.time() < end, "waited a minute in vain"
        time.sleep(0.005)


def page_models() -> set[str]:
    """The models that a page would hold now; `Widget.widgets` says the same and warns of it."""
    return set(_instances)


def page_says(widget: ipywidgets.Widget, **state: object) -> None:
    """A message of the page, as the kernel hands it on."""
    comm = widget.comm  # None once it is closed, and a cell may close it at any moment
    if comm is not None:
        comm.handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})


def page_clicks(button: ipywidgets.Button) -> None:
    """A click on the page, as the kernel hands it on."""
    comm = button.comm
    if comm is not None:
        data = {"method": "custom", "content": {"event": "click"}}
        comm.handle_msg({"content": {"data": data}, "buffers": []})


SHOWS = (ipywidgets.HTML, ipywidgets.Label, Picture, Listen, ipywidgets.IntProgress, ipywidgets.FloatProgress)


def controls(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """What can be pressed or moved."""
    for child in getattr(widget, "children", ()):
        yield from controls(child)
    moved = isinstance(widget, ipywidgets.Button) or hasattr(widget, "index") or "value" in widget.keys
    can = not getattr(widget, "disabled", False) and widget.layout.display != "none"
    if moved and can and not isinstance(widget, SHOWS):
        yield widget


def say_something(widget: ipywidgets.Widget, draw: random.Random) -> dict[str, object]:
    """What a page may say of a widget; returns the state that it said last."""
    if isinstance(widget, ipywidgets.Button):
        page_clicks(widget)
        return {}
    if isinstance(widget, GradientPlane):
        pull = {"task": draw.choice(["topic", "sentiment"]), "x": draw.uniform(-3, 3), "y": draw.uniform(-3, 3)}
        page_says(widget, value={**pull, "held": draw.random() < 0.7})
        page_says(widget, shown=draw.sample(widget.methods, 3))
        return {}
    if isinstance(widget, LandscapeView):
        page_says(widget, value=[draw.uniform(-2, 2), draw.uniform(0, 3)])
        page_says(widget, methods=draw.sample(["sum", "MGDA", "PCGrad", "IMTL-G"], draw.randrange(4)))
        return {}
    if hasattr(widget, "index"):
        state = {"index": draw.randrange(len(widget.options))}
    elif isinstance(widget, LambdaSlider):
        state = {"value": draw.choice(STOPS)}
    elif isinstance(widget, ipywidgets.Checkbox | ipywidgets.ToggleButton):
        state = {"value": draw.random() < 0.5}
    else:
        step = widget.step or (widget.max - widget.min) / 10  # a box of numbers need not have one
        state = {"value": widget.min + draw.randrange(int((widget.max - widget.min) / step) + 1) * step}
    page_says(widget, **state)
    return state
