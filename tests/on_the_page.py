"""A live widget as a page sees it, without a page: its messages, its models, and waiting for it."""

import time
from collections.abc import Callable

import ipywidgets
from ipywidgets.widgets.widget import _instances


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
    if widget.comm is not None:
        widget.comm.handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})


def page_clicks(button: ipywidgets.Button) -> None:
    """A click on the page, as the kernel hands it on."""
    if button.comm is not None:
        data = {"method": "custom", "content": {"event": "click"}}
        button.comm.handle_msg({"content": {"data": data}, "buffers": []})
