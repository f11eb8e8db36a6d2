"""Many runs at once: on the laptop's cores, or on any `concurrent.futures.Executor`, kept on disk as they finish."""

from __future__ import annotations

import json
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from multiprocessing import get_all_start_methods, get_context, parent_process
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm.auto import tqdm

from mtl_helpers.arguments import whole_number
from mtl_helpers.errors import DataError
from mtl_helpers.evaluation.running.run_store import RunStore, plain

Config = Mapping[str, Any]
Run = Callable[[dict[str, Any]], Mapping[str, Any]]
Call = Callable[[Run, dict], dict]  # of one run, wherever it is computed
_OWN = ("seconds", "error")  # columns that a sweep adds
_turn = threading.RLock()


def sweep(
    configs: Iterable[Config],
    run: Run,
    *,
    executor: Executor | None = None,
    processes: int | None = None,
    store: str | Path | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Call ``run(config)`` for each config, as many at a time as there are workers: a row a config, in their order.

    Parameters
    ----------
    configs
        Dicts that JSON can write, all different, such as ``{"weight": 0.3, "seed": 1}``. ``run`` must take all its chance
        from them (seed itself), so that the result does not depend on who computes it.
    run
        Returns a dict of what `plain` takes: numbers, texts, lists, dicts, numpy and torch arrays, dates, paths; the table
        has plain numbers, lists and texts in their place. A function of a notebook cell will do.
    executor
        Who computes: None takes ``processes`` worker processes of this machine (None: one a core; 1: no other process). For a
        cluster: ``dask.distributed.Client(address).get_executor()``. Threads of one process take turns, since they share
        PyTorch's seed: start workers with one thread each (``dask worker --nthreads 1 --nworkers 4``).
    store
        A file to which each finished run is appended at once, one JSON line each. A sweep that was interrupted goes on where
        it stopped, and repeats nothing. Give it another name when ``run`` changes: that cannot be seen here.

    Every worker computes with one thread. Columns are those of the configs, those of the results, ``seconds`` (wall time of
    the run) and ``error``: a run that raises is reported with its config, does not stop the others, and is tried again by
    the next sweep on the same ``store``. So is one whose worker process was killed. An interrupt ends the worker processes at
    once, after every finished run was stored; an ``executor`` of your own is told to begin no further run.

    >>> sweep([{"x": 2}, {"x": 3}], lambda config: {"square": config["x"] ** 2}, processes=1, progress=False)[["x", "square"]]
       x  square
    0  2       4
    1  3       9
    """
    wanted = _checked(configs)
    kept = RunStore(store)
    columns = frozenset(name for config in wanted.values() for name in config)
    found = {key: kept.found[key] for key in wanted if key in kept.found}
    todo = {key: config for key, config in wanted.items() if key not in found}
    bar = tqdm(total=len(wanted), initial=len(found), desc="runs", disable=not progress, leave=False)
    with bar, closing(_compute(todo, run, executor, processes, kept, columns)) as outcomes:
        for key, outcome in outcomes:
            kept.add(key, outcome)
            found[key] = outcome
            if outcome["error"]:
                tqdm.write(f"failed: {wanted[key]}: {outcome['error']}")
            bar.update()
    return pd.DataFrame(
        {**config, **found[key]["result"], **{name: found[key][name] for name in _OWN}}
        for key, config in wanted.items()
    )


def _compute(
    todo: dict[str, dict],
    run: Run,
    executor: Executor | None,
    processes: int | None,
    kept: RunStore,
    columns: frozenset[str],
) -> Iterator[tuple[str, dict]]:
    """Key and outcome of each run, as they finish; ``columns`` are those of all configs."""
    one, in_turn = partial(_one, columns=columns), partial(_in_turn, columns=columns)
    processes = os.cpu_count() or 1 if processes is None else whole_number("processes", processes)
    if executor is not None:
        yield from _on_executor(todo, run, executor, kept, in_turn)
    elif processes == 1:
        threads = torch.get_num_threads()
        try:
            for key, config in todo.items():
                yield key, in_turn(run, config)
        finally:
            torch.set_num_threads(threads)
    else:
        yield from _on_cores(todo, run, processes, kept, one)


def _on_executor(
    todo: dict[str, dict], run: Run, executor: Executor, kept: RunStore, one: Call
) -> Iterator[tuple[str, dict]]:
    futures: dict[Future, str] = {}
    given_up = []
    try:
        _submit(executor, one, run, todo, kept, futures)
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except Exception:  # not of the run but of its worker: a cluster gives up all that died with it too often
                given_up.append(futures[future])
        for key in given_up:  # and with it those that only stood beside: alone, each answers for itself
            try:  # (as a partial: the very same call dask would answer from memory, with the same failure)
                yield key, executor.submit(partial(one, run), todo[key]).result()
            except Exception as problem:
                yield key, _failed(problem)
    finally:
        for future in futures:
            future.cancel()


def _on_cores(todo: dict[str, dict], run: Run, processes: int, kept: RunStore, one: Call) -> Iterator[tuple[str, dict]]:
    try:
        pickle.dumps(run)
    except Exception as problem:
        raise DataError(
            f"Other processes cannot be told of {run!r}: define it at the top of a cell or module, not inside a function; "
            f"or give processes=1. ({type(problem).__name__}: {problem})"
        ) from None
    left, alone = dict(todo), False
    while left:
        batch, before, broken = dict(list(left.items())[:1]) if alone else left, len(left), False
        pool, futures = _pool(min(processes, len(batch))), {}
        try:
            _submit(pool, one, run, batch, kept, futures)
            for future in as_completed(futures):
                try:
                    outcome = future.result()
                except BrokenProcessPool:  # a worker was killed, and nobody can say in which run
                    broken = True
                    continue
                del left[futures[future]]
                yield futures[future], outcome
        except BaseException:  # an interrupt, most likely
            _kill(pool)
            wait(futures, timeout=0.5)  # until what was finished is stored, and the others know that they are not
            for future, key in futures.items():
                if future.done():  # stored already, unless the interrupt came before it was said who stores it
                    _keep(kept, key, future)
            raise
        pool.shutdown()
        if broken and alone:
            (key,) = batch
            del left[key]
            yield key, {"result": {}, "seconds": 0.0, "error": "its worker process was killed; too little memory?"}
        alone = broken and (alone or len(left) == before)  # no progress: find the culprit, one run at a time


def _submit(
    executor: Executor, call: Call, run: Run, todo: dict[str, dict], kept: RunStore, futures: dict[Future, str]
) -> None:
    """Add the runs to ``futures``. Each is stored by the executor's own thread, which no interrupt ever hits."""
    for key, config in todo.items():
        future = executor.submit(call, run, config)
        futures[future] = key
        future.add_done_callback(partial(_keep, kept, key))


def _keep(kept: RunStore, key: str, future: Future) -> None:
    if not future.cancelled() and future.exception() is None:
        kept.add(key, future.result())


def _pool(processes: int) -> Executor:
    """Worker processes that know the functions of a notebook's cells: forked, or, where that is not safe, by loky."""
    if "fork" in get_all_start_methods() and os.uname().sysname == "Linux":
        return ProcessPoolExecutor(processes, mp_context=get_context("fork"), initializer=begin_worker)
    from joblib.externals.loky import ProcessPoolExecutor as LokyExecutor  # 4 to 8 s to start

    return LokyExecutor(processes, initializer=begin_worker)


def begin_worker() -> None:
    """One thread. An interrupt reaches all processes, and is the parent's to handle; without a parent, a worker ends."""
    global _turn
    torch.set_num_threads(1)
    _turn = threading.RLock()  # a fork may have copied one that a thread held
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := parent_process()) is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _kill(pool: Executor) -> None:
    """End the workers in the middle of what they do; Python 3.14 has a public way."""
    workers = list((pool._processes or {}).values())
    pool.shutdown(wait=False)
    for worker in workers:
        worker.kill()


def _in_turn(run: Run, config: dict, columns: frozenset[str]) -> dict:
    """One run in a process that may have other threads with runs: one after the other, as they share PyTorch's seed."""
    with _turn:
        return _one(run, config, columns)


def _one(run: Run, config: dict, columns: frozenset[str]) -> dict:
    """One run in a worker; what it raises is an outcome too."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    try:
        result = run(dict(config))
        seconds = time.perf_counter() - start
        return {"result": _checked_result(result, config, columns), "seconds": seconds, "error": ""}
    except Exception as problem:
        return _failed(problem, time.perf_counter() - start)


def _failed(problem: Exception, seconds: float = 0.0) -> dict:
    return {"result": {}, "seconds": seconds, "error": f"{type(problem).__name__}: {problem}"}


def _checked_result(result: Any, config: dict, columns: frozenset[str]) -> dict[str, Any]:
    if not isinstance(result, Mapping):
        raise DataError(f"run must return a dict of results by name; it returned {result!r:.80}.")
    result, given = plain(result), plain(config)
    for name in result:
        if name in _OWN:
            raise DataError(f"The sweep needs the column '{name}' for itself; let run return it under another name.")
        if name in given and given[name] != result[name]:
            raise DataError(
                f"run returned '{name}' = {result[name]!r:.80}, but the config has {given[name]!r:.80} there; "
                "let run return it under another name."
            )
        if name in columns and name not in given:
            raise DataError(
                f"run returned '{name}', and other configs of the sweep have a column of that name; "
                "let run return it under another name."
            )
    return result


def _checked(configs: Iterable[Config]) -> dict[str, dict]:
    """The configs by what identifies them."""
    wanted: dict[str, dict] = {}
    if isinstance(configs, Mapping):
        raise DataError(f"configs is a list of dicts; found the single config {configs!r:.80}. Write [config].")
    for config in configs:
        try:
            if not isinstance(config, Mapping):
                raise TypeError(f"it is a {type(config).__name__}")
            key = json.dumps(plain(config), sort_keys=True)
        except (TypeError, ValueError) as problem:
            raise DataError(
                f"A config must be a dict of plain numbers, texts, lists or dicts; found {config!r}: {problem}."
            ) from None
        if own := next((name for name in _OWN if name in config), None):
            raise DataError(f"The sweep needs the column '{own}' for itself; give it another name in the configs.")
        if key in wanted:
            raise DataError(f"The config {dict(config)} stands in the sweep twice; add a seed that tells them apart.")
        wanted[key] = dict(config)
    if not wanted:
        raise DataError("There is no config to run.")
    return wanted
