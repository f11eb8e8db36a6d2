"""The one thread of a live widget: messages, jobs, interrupts and its end."""

import itertools
import signal
import threading
import time

import pytest
import torch
from on_the_page import wait_for

from mtl_helpers.live.widgets.worker import Worker


@pytest.fixture
def failures():
    return []


@pytest.fixture
def worker(failures):
    worker = Worker("a test's worker", failed=failures.append, closed=ValueError("it was closed"))
    yield worker
    worker.close()


def endless(seen, rest=None):
    try:
        for i in itertools.count():
            seen.append(i)
            yield rest
    finally:
        seen.append("closed")


def test_a_cell_gets_the_result_or_the_error_and_the_page_waits_for_nothing(worker, failures):
    held = threading.Event()
    worker.post(held.wait)
    worker.post(lambda: 1 / 0)
    assert failures == [], "nothing was waited for"
    held.set()
    assert worker.ask(threading.current_thread) is not threading.current_thread()
    assert [type(error) for error in failures] == [ZeroDivisionError]
    for own in (KeyError("mine"), TimeoutError("mine")):
        with pytest.raises(type(own), match="mine"):
            worker.ask(lambda own=own: (_ for _ in ()).throw(own))


def test_of_messages_with_one_key_the_latest_is_taken_at_its_own_place(worker):
    taken, held = [], threading.Event()
    worker.post(held.wait)
    for key, value in [("a", 1), ("b", 1), ("a", 2), (None, 1), (None, 2), ("a", 3)]:
        worker.post(lambda key=key, value=value: taken.append((key, value)), key=key)
    held.set()
    worker.wait()
    assert taken == [("b", 1), (None, 1), (None, 2), ("a", 3)]


def test_two_workers_that_ask_each_other_do_not_hang(worker):
    other, both = Worker("another"), threading.Barrier(2)

    def ask(asked):
        both.wait(5)
        return asked.ask(lambda: asked)

    answers = {}
    for asking, asked in ((worker, other), (other, worker)):
        asking.post(lambda asking=asking, asked=asked: answers.update({asking: ask(asked)}))
    wait_for(lambda: answers == {worker: other, other: worker})
    other.close()


def test_what_the_worker_asks_itself_is_taken_at_once(worker):
    def count():
        for _ in range(3):
            yield
        return worker.ask(lambda: "at once")

    assert worker.ask(lambda: worker.run(count())) == "at once"


def test_a_job_goes_on_between_messages_and_a_flood_of_them_does_not_stop_it(worker):
    seen = []

    def flood():
        worker.post(flood)

    worker.post(flood)
    worker.work(endless(seen))
    wait_for(lambda: len(seen) > 20)
    assert worker.working and worker.ask(lambda: 5) == 5
    worker.cancel()
    assert seen[-1] == "closed" and not worker.working


def test_another_job_takes_the_place_of_the_one_at_work(worker):
    first, second = [], []
    worker.work(endless(first))
    wait_for(lambda: first)
    worker.work(endless(second))
    wait_for(lambda: second)
    assert first[-1] == "closed"


def test_a_job_that_another_replaces_in_mid_step_is_closed_after_it(worker):
    seen = []

    def selfish():
        try:
            seen.append(worker.run(iter([None, None])))
            yield
            seen.append("a step too many")
        finally:
            seen.append("closed")

    assert worker.run(selfish()) is None
    worker.wait()
    assert seen == [None, "closed"]


def test_a_job_may_rest_between_its_steps(worker):
    seen = []
    worker.work(endless(seen, rest=60))
    wait_for(lambda: seen)
    assert worker.ask(lambda: list(seen)) == [0], "messages are taken meanwhile"


def test_what_a_job_raises_is_shown_and_kept_until_it_is_forgotten(worker, failures):
    def broken():
        yield
        raise OSError("no data")

    with pytest.raises(OSError, match="no data"):
        worker.run(broken())
    worker.work(broken())
    worker.wait()
    assert [str(error) for error in failures] == ["no data"] * 2
    with pytest.raises(OSError, match="no data"):
        worker.raise_error()
    worker.forget()
    worker.raise_error()


def test_an_interrupt_pauses_the_job_and_leaves_the_worker_usable(worker):
    seen = []
    for _ in range(3):
        timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            worker.run(endless(seen))
        worker.ask(lambda: None)
        assert seen[-1] == "closed" and not worker.working
    assert worker.run(iter([None])) is None


def test_a_closed_worker_has_no_thread_and_says_so(worker):
    seen, last = [], []
    worker.work(endless(seen))
    waiting = []

    def wait_in_vain():
        with pytest.raises(ValueError, match="it was closed"):
            worker.run(endless(seen))
        waiting.append("told")

    thread = threading.Thread(target=wait_in_vain)
    wait_for(lambda: seen)
    thread.start()
    wait_for(lambda: seen.count("closed") == 1)
    worker.close(lambda: last.append(threading.current_thread().name))
    worker.close(lambda: last.append("twice"))
    thread.join(60)
    assert last == ["a test's worker"] and seen[-1] == "closed" and waiting == ["told"]
    assert "a test's worker" not in [thread.name for thread in threading.enumerate()]
    worker.post(lambda: last.append("too late"))
    with pytest.raises(ValueError, match="it was closed"):
        worker.ask(lambda: None)
    assert len(last) == 1


def test_it_may_be_closed_by_one_of_its_own_messages(worker):
    worker.ask(worker.close)
    worker.wait()
    assert worker.closed


def test_an_idle_worker_has_no_thread(worker):
    worker.ask(lambda: None)
    worker.wait()
    assert "a test's worker" not in [thread.name for thread in threading.enumerate()]


def test_torch_has_one_thread_in_a_job_and_as_many_as_before_outside(failures):
    torch.set_num_threads(2)
    worker, during = Worker("two", failed=failures.append), []

    def job():
        yield
        during.append(torch.get_num_threads())

    worker.run(job())
    after = worker.ask(torch.get_num_threads)
    worker.close()
    assert (during, after, torch.get_num_threads()) == ([1], 2, 2)


def test_a_page_that_can_not_show_an_error_does_not_end_the_thread():
    def fail(error):
        raise RuntimeError("no page")

    worker = Worker("no page", failed=fail)
    worker.post(lambda: 1 / 0)
    assert worker.ask(lambda: "still there") == "still there"
    worker.close()


def test_messages_from_many_threads_are_all_taken(worker):
    taken = []

    def talk():
        for _ in range(300):
            worker.post(lambda: taken.append(1))
            worker.ask(lambda: taken.append(1))
            time.sleep(0)

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    worker.wait()
    assert len(taken) == 2400


def long_step(worker, seen):
    """A job of one step, which ends only by giving up."""
    try:
        while True:
            seen.append("at work")
            worker.breathe()
            time.sleep(0.001)
    finally:
        seen.append("given up")
    yield


def test_a_long_step_that_breathes_takes_messages_and_is_given_up(worker, failures):
    seen = []
    worker.work(long_step(worker, seen))
    wait_for(lambda: seen)
    assert worker.ask(lambda: "meanwhile") == "meanwhile" and worker.working
    worker.cancel()
    assert seen[-1] == "given up" and not worker.working and not failures and worker.error is None


def test_another_job_begins_when_the_long_step_has_ended(worker, failures):
    seen = []
    worker.work(long_step(worker, seen))
    wait_for(lambda: seen)

    def other():
        seen.append("other")
        yield

    worker.run(other())
    assert seen[-2:] == ["given up", "other"] and not failures


def test_a_long_step_ends_before_the_last_message_of_a_closed_worker(worker, failures):
    seen = []
    worker.work(long_step(worker, seen))
    wait_for(lambda: seen)
    worker.close(lambda: seen.append("closed"))
    assert seen[-2:] == ["given up", "closed"] and not failures
