"""What everything live has in common: a worker, a box on the page, a place for errors, and an end."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import ipywidgets as widgets

from mtl_helpers.live.widgets.page import adopt, close_models, error_html, mime_bundle
from mtl_helpers.live.widgets.worker import Worker


def by_worker(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that the widget's worker carries out, whoever calls it; the caller waits for the result."""

    @wraps(method)
    def ask(self: LiveWidget, *args: Any, **kwargs: Any) -> Any:
        return self._worker.ask(lambda: method(self, *args, **kwargs))

    return ask


class LiveWidget:
    """A widget with a worker, see `Worker`; when its cell is run again, the new one closes the one it replaces.

    A live widget outlives the cell that made it, since the page holds it. So they are known by the cell they come from, and
    by nothing else.

    A class that builds on this calls `_opened` once its ``box`` is made, with ``error_box`` in it; makes buttons by `_button`
    and observes by `_watch`, so that what is done is done by the worker and what goes wrong is seen; says in `png` how it
    looks; and leaves each public call that changes anything to the worker, by `by_worker`, ``run`` or ``work``.
    """

    what: ClassVar[str] = "demo"
    refusal: ClassVar[type[Exception]] = ValueError  # what a closed one raises
    _by_cell: ClassVar[dict[str, list[tuple[int, weakref.ref]]]] = {}

    box: widgets.Box

    def __init__(self) -> None:
        self.error_box = widgets.HTML()
        closed = self.refusal(f"This {self.what} was closed, or its cell was run again; make a new one.")
        self._worker = Worker(type(self).__name__, failed=self._show_error, closed=closed)

    def png(self) -> bytes:
        """How it looks, for where no live page is."""
        raise NotImplementedError

    @property
    def error(self) -> BaseException | None:
        """What went wrong in its work, if anything did."""
        return self._worker.error

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._worker.closed

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the worker has nothing left to do, at most so long."""
        self._worker.wait(seconds)

    def stop(self) -> None:
        """Give up what is being computed; raise what went wrong in it, if anything did."""
        self._worker.cancel()
        self._worker.raise_error()

    def close(self) -> None:
        """Stop the thread and take the widget off the page, with all its models. It can not be used again."""
        self._worker.close(lambda: close_models(self.box))

    def _show_error(self, error: BaseException | None) -> None:
        self.error_box.value = error_html(error)

    def _button(
        self, text: str, act: Callable[[], Any], *, icon: str = "", tip: str = "", width: str = "8.6em"
    ) -> widgets.Button:
        """A button that lets the worker do ``act()``."""
        button = widgets.Button(description=text, icon=icon, tooltip=tip, layout={"width": width})
        button.on_click(lambda _: self._worker.ask(lambda: self._worker.attempt(act)))
        return button

    def _watch(self, widget: widgets.Widget, act: Callable[[Any], Any], trait: str = "value") -> None:
        """Let the worker do ``act(value)`` when a widget gets another value, but not where it is `only_shown`."""

        def changed(change: dict[str, Any]) -> None:
            if not getattr(widget, "shown_only", False):
                self._worker.attempt(lambda: act(change["new"]))

        widget.observe(changed, names=trait)

    def _opened(self) -> None:
        """Once all is made: the page is the worker's, and what this cell made before is closed."""
        adopt(self._worker, self.box)
        cell = current_cell()
        if cell is None:
            return
        key, count = cell
        kept = []
        for made, ref in self._by_cell.get(key, []):
            older = ref()
            if older is not None and made < count:
                older.close()
            elif older is not None:
                kept.append((made, ref))
        self._by_cell[key] = [*kept, (count, weakref.ref(self))]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return mime_bundle(self.box, self.png(), repr(self), **kwargs)


def current_cell() -> tuple[str, int] | None:
    """What tells the running notebook cell from others, and the number of its run; None outside a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return str(cell), shell.execution_count
