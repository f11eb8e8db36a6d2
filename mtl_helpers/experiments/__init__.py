"""The long computations behind data/results, a file a table: its arms, what one run is, and how the runs become the table.

``python -m mtl_helpers experiment transfer`` computes one. Lessons and demos take arms and models from here, so that what a
lesson shows and what the table ran is one object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

EXPERIMENTS = (
    "cost",
    "corpus",
    "transfer",
    "methods",
    "methods_fair",
    "conflicts",
    "amounts",
    "real_data",
    "driving",
    "real_branches",
    "large_models",
    "adapters.merge",
    "adapters.instructions",
    "adapters.named_tasks",
    "sealed",
)
DATA = Path(__file__).resolve().parents[2] / "data"
RESULTS, CACHE = DATA / "results", DATA / "cache"

Config = dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """What `evaluation.sweep` runs, and what is made of it.

    ``configs(seeds)`` lists the runs, and ``run(config)`` does one, with all its chance from the config. ``tables(runs)``
    takes a frame with a row a run, the columns of its config and of its result, and makes the tables by the name of their
    file. ``seeds`` are those of the files. ``prepare()`` is called once before, for downloads say; ``then(runs, seeds)`` lists
    the runs that are known only after the first; ``notes()`` are lines for the files' heads. ``processes`` is how many run at
    a time, unless told otherwise (None: one a core).
    """

    configs: Callable[[int], list[Config]]
    run: Callable[[Config], Mapping[str, Any]]
    tables: Callable[[pd.DataFrame], dict[str, pd.DataFrame]]
    seeds: int
    prepare: Callable[[], object] = lambda: None
    then: Callable[[pd.DataFrame, int], list[Config]] = lambda runs, seeds: []
    notes: Callable[[], list[str]] = list
    processes: int | None = None


def rows_of(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of all runs below one another, where a run has several in its column ``rows``.

    >>> rows_of(pd.DataFrame({"seed": [0, 1], "rows": [[{"score": 0.5}, {"score": 0.6}], [{"score": 0.7}]]})).score.tolist()
    [0.5, 0.6, 0.7]
    """
    return pd.DataFrame([row for rows in runs.rows for row in rows])


def read_result(name: str) -> pd.DataFrame:
    """A table of data/results, by the name of its file.

    >>> read_result("lucky").world.tolist()
    ['digits', 'reviews']
    """
    return pd.read_csv(RESULTS / f"{name}.csv", comment="#")
