"""Training steps one after another, now or in a background thread that can be paused, told to the page now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import torch

# Seconds between two news of the training to the page; within these bounds REST times what showing the last took, so that
# on a slow machine too the page costs the training little.
PUSH_INTERVAL, LONGEST, REST = 0.1, 0.3, 30


class Stepper:
    """Calls ``take`` step after step; ``show`` three to ten times a second, ``done`` when it has come to an end.

    What goes wrong in a thread shows nowhere by itself: it is kept in ``error``, and raised by `raise_error`. ``rate`` is the
    steps per second of late. Torch has one thread meanwhile: to small models a second one is only in the way, and in the
    page's.
    """

    def __init__(self, *, show: Callable[[], None], done: Callable[[], None]) -> None:
        self._show, self._done = show, done
        self._pause = threading.Event()
        self.thread: threading.Thread | None = None
        self.clear()

    def clear(self) -> None:
        """Forget what went wrong."""
        self.error: Exception | None = None
        self.rate = 0.0

    @property
    def training(self) -> bool:
        """Whether the background thread is at work."""
        return self.thread is not None and self.thread.is_alive()

    def ready(self) -> None:
        """Before `drive` and `start`."""
        self.raise_error()
        self._threads = torch.get_num_threads()  # asked here: a new thread is told what another lab has set
        self._pause.clear()

    def drive(self, take: Callable[[], None], limit: int | None, pace: Callable[[], float] = lambda: 0) -> None:
        """Take steps until paused, or ``limit`` of them; not more than ``pace`` a second, unless that is 0."""
        torch.set_num_threads(1)
        taken, since, counted, next_at, interval = 0, time.perf_counter(), 0, 0.0, PUSH_INTERVAL
        try:
            while not self._pause.is_set() and (limit is None or taken < limit):
                if steps_per_second := pace():
                    self._pause.wait(max(0.0, next_at - time.perf_counter()))
                    next_at = time.perf_counter() + 1 / steps_per_second
                take()
                taken += 1
                now = time.perf_counter()
                if now - since >= interval:
                    self.rate = (taken - counted) / (now - since)
                    self._show()
                    since, counted = time.perf_counter(), taken
                    interval = min(max(PUSH_INTERVAL, REST * (since - now)), LONGEST)
        except Exception as error:
            self.error = error
        finally:
            torch.set_num_threads(self._threads)
        self._done()

    def start(self, take: Callable[[], None], limit: int | None, pace: Callable[[], float] = lambda: 0) -> None:
        """The same in a background thread."""
        self.thread = threading.Thread(target=self.drive, args=(take, limit, pace), daemon=True, name="lambda-lab")
        self.thread.start()

    def pause(self) -> None:
        """Let the thread finish its step and wait for it."""
        self._pause.set()
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join()
        self.thread = None

    def raise_error(self) -> None:
        """Raise what went wrong, if anything did."""
        if self.error is not None:
            raise self.error
