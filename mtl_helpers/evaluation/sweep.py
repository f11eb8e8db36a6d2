"""Many runs at once: on the laptop's cores, or on any `concurrent.futures.Executor`, kept on disk as they finish."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm.auto import tqdm

from mtl_helpers.errors import DataError

Config = Mapping[str, Any]
Run = Callable[[dict[str, Any]], Mapping[str, Any]]


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
        Returns a dict that JSON can write. A function of a notebook cell will do.
    executor
        Who computes: None takes ``processes`` worker processes of this machine (None: one a core; 1: no other process). For a
        cluster: ``dask.distributed.Client(address).get_executor()``.
    store
        A file to which each finished run is appended at once, one JSON line each. A sweep that was interrupted goes on where
        it stopped, and repeats nothing. Give it another name when ``run`` changes: that can not be seen here.

    Every worker computes with one thread. Columns are those of the configs, those of the results, ``seconds`` (wall time of
    the run) and ``error``: a run that raises is reported with its config, does not stop the others, and is tried again by
    the next sweep on the same ``store``. So is one whose worker process was killed.

    >>> sweep([{"x": 2}, {"x": 3}], lambda config: {"square": config["x"] ** 2}, processes=1, progress=False)[["x", "square"]]
       x  square
    0  2       4
    1  3       9
    """
    wanted = _checked(configs)
    found = _read(store)
    todo = {key: config for key, config in wanted.items() if key not in found}
    bar = tqdm(total=len(wanted), initial=len(wanted) - len(todo), desc="runs", disable=not progress, leave=False)
    with bar:
        for key, outcome in _compute(todo, run, executor, processes):
            found[key] = outcome
            if outcome["error"]:
                tqdm.write(f"failed: {wanted[key]}: {outcome['error']}")
            else:
                _append(store, key, outcome)
            bar.update()
    return pd.DataFrame(
        {**config, **found[key]["result"], "seconds": found[key]["seconds"], "error": found[key]["error"]}
        for key, config in wanted.items()
    )


def _compute(
    todo: dict[str, dict], run: Run, executor: Executor | None, processes: int | None
) -> Iterator[tuple[str, dict]]:
    """Key and outcome of each run, as they finish."""
    if executor is not None:
        futures = {executor.submit(_one, run, config): key for key, config in todo.items()}
        given_up = []
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except Exception:  # not of the run but of its worker: a cluster gives up all that died with it too often
                given_up.append(futures[future])
        for key in given_up:  # and with it those that only stood beside: alone, each answers for itself
            try:  # (as a partial: the very same call dask would answer from memory, with the same failure)
                yield key, executor.submit(partial(_one, run), todo[key]).result()
            except Exception as problem:
                yield key, _failed(problem)
        return
    processes = processes or os.cpu_count() or 1
    if processes == 1:
        threads = torch.get_num_threads()
        try:
            for key, config in todo.items():
                yield key, _one(run, config)
        finally:
            torch.set_num_threads(threads)
        return
    try:
        pickle.dumps(run)
    except Exception as problem:
        raise DataError(
            f"Other processes can not be told of {run!r}: define it at the top of a cell or module, not inside a function; "
            f"or give processes=1. ({type(problem).__name__}: {problem})"
        ) from None
    left, alone = dict(todo), False
    while left:
        batch, before = dict(list(left.items())[:1]) if alone else left, len(left)
        with _pool(min(processes, len(batch))) as pool:
            futures = {pool.submit(_one, run, config): key for key, config in batch.items()}
            broken = False
            for future in as_completed(futures):
                try:
                    outcome = future.result()
                except BrokenProcessPool:  # a worker was killed, and nobody can say in which run
                    broken = True
                    continue
                del left[futures[future]]
                yield futures[future], outcome
        if broken and alone:
            (key,) = batch
            del left[key]
            yield key, {"result": {}, "seconds": 0.0, "error": "its worker process was killed; too little memory?"}
        alone = broken and (alone or len(left) == before)  # no progress: find the culprit, one run at a time


def _pool(processes: int) -> Executor:
    """Worker processes that know the functions of a notebook's cells: forked, or, where that is not safe, by loky."""
    if "fork" in get_all_start_methods() and os.uname().sysname == "Linux":
        return ProcessPoolExecutor(processes, mp_context=get_context("fork"))
    from joblib.externals.loky import ProcessPoolExecutor as LokyExecutor  # 4 to 8 s to start

    return LokyExecutor(processes)


def _one(run: Run, config: dict) -> dict:
    """One run in a worker; what it raises is an outcome too."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    try:
        result = dict(run(dict(config)))
        json.dumps(result)
    except Exception as problem:
        return _failed(problem, time.perf_counter() - start)
    return {"result": result, "seconds": time.perf_counter() - start, "error": ""}


def _failed(problem: Exception, seconds: float = 0.0) -> dict:
    return {"result": {}, "seconds": seconds, "error": f"{type(problem).__name__}: {problem}"}


def _checked(configs: Iterable[Config]) -> dict[str, dict]:
    """The configs by what identifies them."""
    wanted: dict[str, dict] = {}
    for config in configs:
        try:
            key = json.dumps(dict(config), sort_keys=True)
        except (TypeError, ValueError) as problem:
            raise DataError(
                f"A config must be a dict of plain numbers, texts, lists or dicts; found {config!r}: {problem}."
            ) from None
        if key in wanted:
            raise DataError(f"The config {dict(config)} stands in the sweep twice; add a seed that tells them apart.")
        wanted[key] = dict(config)
    if not wanted:
        raise DataError("There is no config to run.")
    return wanted


def _read(store: str | Path | None) -> dict[str, dict]:
    """The finished runs of a file, by key; a last line that was cut off by an interruption is left out."""
    if store is None or not Path(store).exists():
        return {}
    lines = Path(store).read_text(encoding="utf-8").split("\n")
    found = {}
    for number, line in enumerate(lines[:-1], start=1):
        try:
            row = json.loads(line)
            found[row.pop("key")] = row
        except (ValueError, KeyError, AttributeError):
            raise DataError(f"Line {number} of {store} is no finished run; is it the file of a sweep?") from None
    if lines[-1]:
        Path(store).write_text("\n".join([*lines[:-1], ""]), encoding="utf-8")
    return found


def _append(store: str | Path | None, key: str, outcome: dict) -> None:
    if store is None:
        return
    Path(store).parent.mkdir(parents=True, exist_ok=True)
    with Path(store).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"key": key, **outcome}) + "\n")
        file.flush()
        os.fsync(file.fileno())
