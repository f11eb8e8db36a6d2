"""What live widgets put on the page: buttons, errors, themselves; who may change it, and how it is taken off again."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import ipywidgets as widgets

from mtl_helpers.live.widgets.worker import Worker

WRAP = {"flex_flow": "row wrap"}


def row(*parts: widgets.Widget) -> widgets.HBox:
    """Widgets beside one another, on more than one line where the page is narrow."""
    return widgets.HBox(parts, layout=WRAP)


def error_html(error: BaseException | None) -> str:
    """An error as a box that is seen; nothing for None.

    A refusal of the course's own says all in words; of any other error the kind is named, too.

    >>> error_html(ZeroDivisionError("2 < 3"))
    '<div class="mtl-error"><b>ZeroDivisionError:</b> 2 &lt; 3</div>'
    """
    if error is None:
        return ""
    kind = "" if type(error).__module__.startswith("mtl_helpers") else f"<b>{type(error).__name__}:</b> "
    return f'<div class="mtl-error">{kind}{html.escape(str(error))}</div>'


def mime_bundle(box: widgets.Box, png: bytes, text: str, **kwargs: Any) -> dict[str, Any]:
    """How a widget shows itself: live where there is a kernel, as a picture where there is none, as text in a comparison."""
    picture = base64.b64encode(png).decode("ascii")
    return {**box._repr_mimebundle_(**kwargs), "image/png": picture, "text/plain": text}


def models(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """All models that the page holds for a widget: its children's, their layouts and styles, then its own.

    >>> [type(model).__name__ for model in models(row(widgets.Label()))]
    ['Layout', 'LabelStyle', 'Label', 'Layout', 'HBox']
    """
    for name in sorted(widget.keys):
        value = getattr(widget, name)
        for part in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(part, widgets.Widget):
                yield from models(part)
    yield widget


def close_models(*parts: widgets.Widget) -> None:
    """Take widgets off the page, with all that belongs to them."""
    for part in parts:
        for model in list(models(part)):
            model.close()


def adopt(worker: Worker, *parts: widgets.Widget) -> None:
    """From now on only ``worker`` changes these widgets and all that is in them.

    What the page says of them is a message to it, of which the latest counts; so is what code sets, which waits until it is
    done. All that observes them is called by the worker, too.
    """
    for part in parts:
        for model in list(models(part)):
            if not isinstance(model, _Adopted):
                model.__class__ = _adopted(type(model))  # as `add_traits` does
                model._worker = worker
                model.comm.on_msg(model._handle_msg)


@contextmanager
def only_shown(widget: widgets.Widget) -> Iterator[None]:
    """Within it a change of the widget is what it shows, and nobody's choice: `LiveWidget._watch` passes it over."""
    widget.shown_only = True
    try:
        yield
    finally:
        widget.shown_only = False


def refill(worker: Worker, box: widgets.Box, parts: Iterable[widgets.Widget]) -> None:
    """Put other widgets into a box; those that were in it are taken off the page."""
    before, box.children = box.children, list(parts)
    adopt(worker, *box.children)
    close_models(*before)


class _Adopted:
    """Mixed into the class of a widget that a worker has adopted."""

    _worker: Worker

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        state = msg["content"]["data"].get("state")
        # Not by its model: that is gone once another thread has closed the widget.
        key = None if state is None else (id(self), *sorted(state))
        self._worker.post(lambda: super(_Adopted, self)._handle_msg(msg), key)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "comm" or not self.has_trait(name) or self._worker_is_here():  # comm: when it is collected
            super().__setattr__(name, value)
        else:
            self._worker.ask(lambda: super(_Adopted, self).__setattr__(name, value))

    def _worker_is_here(self) -> bool:
        worker = self.__dict__.get("_worker")
        return worker is None or worker.here


@cache
def _adopted(cls: type[widgets.Widget]) -> type[widgets.Widget]:
    return type(cls)(cls.__name__, (_Adopted, cls), {"__module__": cls.__module__})
