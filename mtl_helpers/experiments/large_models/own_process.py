"""A run in a process of its own, which has PyTorch and transformers imported already."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from typing import Any

from mtl_helpers.evaluation.running.sweep import begin_worker

# What a run needs; the last two would be imported when its model is loaded.
_IMPORTED_ONCE = ["mtl_helpers.experiments.large_models", "transformers.models.bert.modeling_bert", "peft"]


def in_own_process(run: Callable[..., Any], *values: Any, **arguments: Any) -> Any:
    """What ``run(...)`` returns in a process where nothing ran before: memory and torch's random numbers are its own.

    The imports take 5 s, longer than many a run. Where the system can fork, one process imports, and each run has a fork of
    it. An error of the run is raised here; a process that is killed raises `BrokenProcessPool`.

    >>> in_own_process(divmod, 7, 2)
    (3, 1)
    """
    forked = "forkserver" in get_all_start_methods()
    context = get_context("forkserver" if forked else "spawn")
    if forked:
        context.set_forkserver_preload(_IMPORTED_ONCE)
    with ProcessPoolExecutor(1, mp_context=context, initializer=begin_worker) as pool:
        return pool.submit(run, *values, **arguments).result()
