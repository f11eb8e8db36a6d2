"""The one thread of a live widget: it alone touches the widget's state; the page and cells send it messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import torch

Message = Callable[[], Any]
Steps = Generator[float | None, None, Any] | Iterable[float | None]

_of_thread: ContextVar[Worker | None] = ContextVar("worker of this thread", default=None)


class GivenUp(Exception):
    """No error: something else is wanted. Raised by `Worker.breathe` in a step whose job has ended."""


class Worker:
    """Takes messages one after another and, between them, the steps of one job.

    A *message* is a callable. `post` leaves one and goes on, for callbacks of the page; `ask` waits for what it returns, for
    cells. A *job* is a generator, such as a training, or a function that makes one: `work` and `run` make it the present one,
    in place of another. Each ``yield`` ends a step; after ``yield seconds`` the next begins so long after this one began, not
    before. A job that is replaced, cancelled or interrupted is closed between two steps, so that its ``finally`` runs.

    No lock is held while anything is called, so nothing that is called can wait for a lock. Where a worker waits long for
    another one, as two widgets that are linked may, it takes its own messages meanwhile. The thread starts with the first
    message and ends when there is nothing left to do: an idle widget has none. While a job is at work torch uses one thread:
    to small models a second one is only in the way, and in the page's.

    Parameters
    ----------
    name
        Of the thread.
    failed
        Called, by the worker, with what a message that was posted or a job raised. A job's is kept in ``error`` too, until
        `forget`, since of a thread nothing is seen by itself.
    closed
        Raised if a closed worker is asked for anything.

    >>> worker = Worker("doctest")
    >>> def count(n):
    ...     for i in range(n):
    ...         yield
    ...     return f"counted to {n}"
    >>> worker.ask(lambda: 6 * 7), worker.run(count(3))
    (42, 'counted to 3')
    """

    def __init__(
        self,
        name: str,
        *,
        failed: Callable[[BaseException], None] = lambda error: None,
        closed: Exception | None = None,
    ) -> None:
        self.name, self._failed = name, failed
        self._refusal = closed or RuntimeError(f"{name} was closed.")
        self.error: BaseException | None = None
        # It guards the four below; held for a moment, and never while anything is called.
        self._news = threading.Condition()
        self._inbox: dict[Hashable, Message] = {}
        self._thread: threading.Thread | None = None
        self._job: _Job | None = None
        self._closed = False
        self._stepping: list[_Job] = []  # jobs in mid-step: one, but where a step runs another job
        self._threads = torch.get_num_threads()  # asked here: a new thread is told what another widget has set

    @property
    def here(self) -> bool:
        """Whether this is the worker's own thread."""
        return threading.current_thread() is self._thread

    @property
    def working(self) -> bool:
        """Whether a job is at work, or about to be."""
        return self._job is not None or bool(self._stepping) or "job" in self._inbox

    @property
    def closed(self) -> bool:
        """Whether it takes no messages any more."""
        return self._closed

    # What it is told -----------------------------------------------------------------------------------------------

    def post(self, message: Message, key: Hashable | None = None) -> None:
        """Leave a message and go on, from any thread. Of several with one ``key`` that wait, only the latest is taken."""
        with self._news:
            if not self._closed:
                self._leave(lambda: self.attempt(message), key)

    def ask(self, message: Message) -> Any:
        """Let the worker take a message, wait for it, and return its result or raise what went wrong.

        In the worker's own thread it is taken at once. An interrupt of the kernel pauses the job at work and is raised.
        """
        if self.here:
            return message()
        answer: Future = Future()
        with self._news:
            if self._closed:
                raise self._refusal
            self._leave(lambda: _settle(answer, message))
        return self._wait_for(answer)

    def work(self, steps: Steps | Callable[[], Steps]) -> None:
        """Take these steps from now on, in place of those of the job at work; do not wait."""
        if self.here:
            self._begin(steps)
        else:
            self.post(lambda: self._begin(steps), key="job")

    def run(self, steps: Steps | Callable[[], Steps]) -> Any:
        """The same, but wait: return what the generator returns, None if it was cancelled; raise what went wrong."""
        job = self.ask(lambda: self._begin(steps))
        if self.here:
            while self._job is job:
                self._step(job)
        return self._wait_for(job.end)

    def cancel(self) -> None:
        """End the job at work after its present step; wait for that, but in mid-step."""
        self.ask(lambda: self._end(self._job))
        self.ask(lambda: None)  # a step that breathes has ended, too, before this is taken

    def breathe(self) -> None:
        """For a step that takes long, to call often: take the messages that wait, and raise `GivenUp` if one ended the job."""
        job = self._stepping[-1]
        while self._inbox and self._job is job and not self._closed:
            self._take()
        if self._closed or self._job is not job:
            raise GivenUp

    def forget(self) -> None:
        """Forget what went wrong in a job."""
        self.error = None

    def raise_error(self) -> None:
        """Raise what went wrong in a job, if anything did and was not forgotten."""
        if self.error is not None:
            raise self.error

    def attempt(self, message: Message) -> None:
        """Take a message here and now, and show what goes wrong: what a callback raises shows nowhere by itself."""
        try:
            message()
        except BaseException as error:
            self._tell(error)

    def wait(self, seconds: float | None = None) -> None:
        """Wait until nothing is left to do, at most so long."""
        thread = self._thread
        if thread is not None and not self.here:
            thread.join(seconds)

    def close(self, last: Message = lambda: None) -> None:
        """End the job and the thread; ``last``, called by the worker, is its last message. It may be called twice."""
        with self._news:
            if not self._closed:
                self._leave(lambda: (self._end(self._job, self._refusal), self.attempt(last)))
                self._closed = True
        self.wait()

    # Its thread ----------------------------------------------------------------------------------------------------

    def _leave(self, message: Message, key: Hashable | None = None) -> None:
        key = object() if key is None else key
        self._inbox.pop(key, None)
        self._inbox[key] = message
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True, name=self.name)
            self._thread.start()
        self._news.notify()

    def _wait_for(self, answer: Future) -> Any:
        try:
            while not self.here:
                try:
                    return answer.result(0.2)  # a wait without an end can not be interrupted on Windows
                except TimeoutError:
                    if answer.done():
                        break  # the message's own
                    if (waiting := _of_thread.get()) is not None:  # the other may be waiting for this one
                        waiting._take()
            return answer.result(0)
        except KeyboardInterrupt:
            self.post(lambda: self._end(self._job))
            raise

    def _serve(self) -> None:
        _of_thread.set(self)
        while True:
            for _ in range(len(self._inbox)):  # those that come meanwhile wait for a step, so that the job goes on
                self._take()
            job = self._job
            with self._news:
                if job is None and not self._inbox:
                    self._thread = None
                    return
                if job is not None and not self._inbox:
                    rest = job.due - time.perf_counter()
                    if rest > 0:
                        self._news.wait(rest)
                        continue
            if job is not None and job.due <= time.perf_counter():
                self._step(job)

    def _take(self) -> None:
        with self._news:
            if not self._inbox:  # a step that breathes took it, within a message before
                return
            message = self._inbox.pop(next(iter(self._inbox)))
        message()

    def _begin(self, steps: Steps | Callable[[], Steps]) -> _Job:
        job = _Job(steps() if callable(steps) else steps)
        self._end(self._job)
        self._job = job
        torch.set_num_threads(1)
        return job

    def _step(self, job: _Job) -> None:
        self._stepping.append(job)
        try:
            job.due = time.perf_counter() + (next(job.steps) or 0)
        except StopIteration as stop:
            self._end(job, result=stop.value)
        except GivenUp:
            pass  # the message that ends it was taken already, or is the next
        except BaseException as error:
            self._end(job, error) if self._job is job else self._tell(error)
        finally:
            self._stepping.remove(job)
        if self._job is not job:
            self._shut(job)

    def _end(self, job: _Job | None, error: BaseException | None = None, result: Any = None) -> None:
        """The end of a job: by itself, by an error, or since something else is wanted."""
        if job is None or self._job is not job:
            return
        self._job = None
        self._shut(job)
        torch.set_num_threads(self._threads)
        if error is not None and error is not self._refusal:
            self.error = error
            self._tell(error)
        job.end.set_exception(error) if error is not None else job.end.set_result(result)

    def _tell(self, error: BaseException) -> None:
        with suppress(Exception):  # a page that can not even show an error must not end the thread
            self._failed(error)

    def _shut(self, job: _Job) -> None:
        if job not in self._stepping:  # which does so itself
            self.attempt(job.close)


class _Job:
    """A job at work, when its next step is due, and what waits for its end."""

    def __init__(self, steps: Steps) -> None:
        self.steps, self.due, self.end = iter(steps), 0.0, Future()
        self.close: Message = getattr(self.steps, "close", lambda: None)


def _settle(answer: Future, message: Message) -> None:
    try:
        answer.set_result(message())
    except BaseException as error:
        answer.set_exception(error)
