"""The one runner of all experiments: ``python -m mtl_helpers experiment transfer``.

Finished runs are kept in data/cache, under a name that changes with the code they came from and with the versions of PyTorch
and NumPy: what was interrupted or killed goes on where it stopped, and repeats nothing; what has changed begins anew.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mtl_helpers.evaluation import sweep, write_result
from mtl_helpers.evaluation.running.results import computer
from mtl_helpers.experiments import CACHE, EXPERIMENTS, RESULTS, Config, Experiment
from mtl_helpers.experiments.claims import write_claims

_IMPORTED = re.compile(r"^\s*(?:from|import) (mtl_helpers[\w.]*)", re.MULTILINE)


def fingerprint(module: str) -> str:
    """Eight characters that change with the code of a module, or of any of the package that it imports; not with comments.

    >>> fingerprint("mtl_helpers.errors") == fingerprint("mtl_helpers.errors") != fingerprint("mtl_helpers.arguments")
    True
    """
    digest, todo = hashlib.sha256(f"{torch.__version__} {np.__version__}".encode()), [module]
    for name in todo:  # grows on the way
        source = Path(find_spec(name).origin).read_text(encoding="utf-8")
        digest.update(ast.dump(ast.parse(source)).encode())
        todo += sorted(set(_IMPORTED.findall(source)) - set(todo))
    return digest.hexdigest()[:8]


def measured(run: Any, config: Config) -> dict[str, Any]:
    """One run, and what computed it, which on a cluster may be another computer than this."""
    return {"result": run(config), "on": computer()}


@contextmanager
def workers(cluster: str | None, processes: int | None) -> Iterator[dict[str, Any]]:
    """Who computes, as `evaluation.sweep` takes it."""
    if cluster is None:
        yield {"processes": processes}
        return
    from distributed import Client

    with Client(cluster) as client:
        yield {"executor": client.get_executor()}


def compute(
    experiment: Experiment, configs: Sequence[Config], store: Path, who: Mapping[str, Any]
) -> tuple[pd.DataFrame, set[str]]:
    """The runs, as frame of configs and results, and what computed them; ends the program if one failed."""
    found = sweep(configs, partial(measured, experiment.run), store=store, **who)
    if len(failed := found[found.error != ""]):
        raise SystemExit(
            f"{len(failed)} of {len(found)} runs failed, see above; the same command tries them once more."
        )
    rows = [{**config, **result} for config, result in zip(configs, found.result, strict=True)]
    return pd.DataFrame(rows), set(found.on)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command, compute what is not computed yet, print the tables and write them."""
    parser = argparse.ArgumentParser(
        "python -m mtl_helpers experiment", description="Compute the tables in data/results."
    )
    parser.add_argument("name", choices=[*EXPERIMENTS, "claims"])
    parser.add_argument(
        "--seeds", type=int, help="paired runs of each arm; fewer than the table's are a look, not written"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--processes", type=int, help="worker processes of this machine")
    where.add_argument("--cluster", metavar="tcp://...", help="a Dask scheduler, whose workers have one thread each")
    parser.add_argument("--fresh", action="store_true", help="compute everything anew")
    options = parser.parse_args(arguments)
    if options.name == "claims":  # it runs nothing: it reads the tables of the others
        write_claims()
        return
    module = f"mtl_helpers.experiments.{options.name}"
    experiment: Experiment = import_module(module).EXPERIMENT
    seeds = experiment.seeds if options.seeds is None else options.seeds
    if seeds < 2:
        parser.error(f"an interval needs at least 2 seeds; found {seeds}")
    store = CACHE / f"{options.name}-{fingerprint(module)}.jsonl"
    if options.fresh:
        store.unlink(missing_ok=True)
    experiment.prepare()
    with workers(options.cluster, options.processes or experiment.processes) as who:
        runs, on = compute(experiment, experiment.configs(seeds), store, who)
        if more := experiment.then(runs, seeds):
            runs, on = compute(experiment, [*experiment.configs(seeds), *more], store, who)
    tables = experiment.tables(runs)
    with pd.option_context("display.width", 240, "display.max_columns", None, "display.max_rows", 100):
        for name, table in tables.items():
            print(f"\n{name}\n{table.round(4)}")
    if seeds < experiment.seeds:
        print(f"\nA look with {seeds} seeds; the files have {experiment.seeds} and stay as they are.")
        return
    command = f"python -m mtl_helpers experiment {options.name}" + f" --seeds {seeds}" * (seeds != experiment.seeds)
    for name, table in tables.items():
        write_result(RESULTS / f"{name}.csv", table, command=command, notes=experiment.notes(), computed_on=sorted(on))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted. What was finished is kept; the same command goes on.") from None
