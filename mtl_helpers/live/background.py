"""A demo that computes in a background thread, and gives up at once when something else is chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import ipywidgets as widgets
import torch

from mtl_helpers.live.cells import OneToACell
from mtl_helpers.live.demos.demo import DemoError
from mtl_helpers.live.page import close_widgets, error_html, mime_bundle


class GivenUp(Exception):
    """No error: something else is wanted first, or nothing. Raised within a computation whose turn is over."""


class BackgroundDemo(OneToACell):
    """The part that demos have in common: one thread, which computes what was chosen last, and ends by itself.

    A class that builds on this

    - calls `_begin` when its parts are made: ``box`` with ``readout`` first and ``error_box`` in it, ``picture``, and
      ``buttons``, of which ``go`` names the one that starts and ``"stop"`` the other (if it has any);
    - computes in `_work`, which calls ``go_on()`` often: that raises `GivenUp` once something else is wanted;
    - shows all that is known in `_show_all`; `_amount` is what a click asks `_work` for.

    What goes wrong in a thread shows nowhere by itself: it is shown in ``error_box`` and raised by `stop`.
    """

    go: ClassVar[str] = ""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.error_box = widgets.HTML()
        self.buttons: dict[str, widgets.Button] = {}
        self._working, self._showing, self._changing = threading.Lock(), threading.Lock(), threading.RLock()
        self._turn = 0  # a computation goes on only while the turn is its own
        self._wanted: tuple[int, Any] | None = None
        self._silent = self._closed = False
        self._thread: threading.Thread | None = None
        self._threads = torch.get_num_threads()  # asked here: a new thread is told what another lab has set

    def _work(self, amount: Any, go_on: Callable[[], None]) -> None:
        raise NotImplementedError

    def _show_all(self) -> None:
        raise NotImplementedError

    def _amount(self) -> Any:
        return None

    def _begin(self) -> None:
        self._enable(computing=False)
        self._chosen()
        self._show()
        self._replace_older()

    # What can be asked of it from code --------------------------------------------------------------------------

    @property
    def computing(self) -> bool:
        """Whether the background thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Compute what is chosen in the background; what was being computed is given up."""
        with self._changing:
            self._alive()
            self._wanted = (self._cancel(), self._amount())
            if not self.computing:
                self._thread = threading.Thread(target=self._serve, daemon=True, name=type(self).__name__)
                self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the background thread to finish, at most so long."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)

    def stop(self) -> None:
        """Give up the background computation; raise what went wrong in it, if anything did."""
        self._cancel()
        self.wait()
        self._raise()

    def close(self) -> None:
        """Stop the thread and take the demo off the page. It can not be used again."""
        with self._changing:
            closed, self._closed = self._closed, True
            self._cancel()
        if not closed:
            self.wait()
            close_widgets(self.box)

    # For the classes that build on this -------------------------------------------------------------------------

    def _compute_now(self, amount: Any) -> None:
        """Compute in this thread; raise what goes wrong, after showing it."""
        self._alive()
        self._compute(self._cancel(), amount)
        self._raise()

    @contextmanager
    def _choosing(self) -> Iterator[None]:
        """Change what is chosen, without starting a computation; what is under way is given up."""
        self._alive()
        with self._changing:
            self._cancel()
            self._silent = True
            try:
                yield
            finally:
                self._silent = False
        with self._working:
            self.error = None
            self._chosen()
            self._show()

    def _chosen(self) -> None:
        """After a choice and before it is shown."""

    def _picked(self, _: Any = None) -> None:
        """For widgets to observe: a choice on the page starts its computation."""
        if not self._silent:
            self.start()

    def _cancel(self) -> int:
        with self._changing:
            self._turn += 1
            self._wanted = None
            return self._turn

    def _show(self) -> None:
        with self._showing:  # two threads may have something to show
            self._show_all()
            self.error_box.value = error_html(self.error)

    def _serve(self) -> None:
        while True:
            with self._changing:
                wanted, self._wanted = self._wanted, None
                if wanted is None:
                    self._thread = None
                    return
            self._compute(*wanted)

    def _compute(self, turn: int, amount: Any) -> None:
        def go_on() -> None:
            if turn != self._turn:
                raise GivenUp

        with self._working:
            if turn != self._turn:
                return
            self.error, self.error_box.value = None, ""
            torch.set_num_threads(1)  # small models: a second thread only gets in the way, and in the page's
            try:
                self._enable(computing=True)
                self._work(amount, go_on)
            except GivenUp:
                pass
            except Exception as error:
                self.error = error
            finally:
                torch.set_num_threads(self._threads)
                self._enable(computing=False)
                try:
                    self._show()
                except Exception as error:  # of a thread nothing is seen but what the box says
                    self.error = self.error or error
                    self.error_box.value = error_html(self.error)

    def _enable(self, *, computing: bool) -> None:
        if self.go:
            self.buttons[self.go].disabled, self.buttons["stop"].disabled = computing, not computing

    def _alive(self) -> None:
        if self._closed:
            raise DemoError("This demo was closed, or its cell was run again; make a new one.")

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return mime_bundle(self.box, self.picture.value, repr(self), **kwargs)
