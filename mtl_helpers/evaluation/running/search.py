"""λ by search: every combination, k-fold cross-validation, or Optuna; each is a table with a row a run."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from tqdm.auto import tqdm

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.data.table.splitting import text_folds
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task, check_tasks

if TYPE_CHECKING:
    import optuna

Scores = Mapping[str, float]
OnRun = Callable[[dict[str, Any]], None]
_STUDY = "task weights"
_OWN = ("seconds", "objective", "error")  # columns of the table


def weight_grid(tasks: Sequence[Task], parts: int = 10) -> list[dict[str, float]]:
    """All λ that are whole multiples of 1 / ``parts``, each above 0, with Σ λᵢ = 1.

    Under Adam a factor common to all λ changes nothing (lesson 04), so the sum may be fixed. For T tasks these are
    (parts - 1)! / ((T - 1)! (parts - T)!) settings: 9 for two tasks and ten parts, 36 for three, 84 for four.

    >>> from mtl_helpers.tasks import SENTIMENT, TOPIC
    >>> weight_grid([TOPIC, SENTIMENT], parts=4)
    [{'topic': 0.25, 'sentiment': 0.75}, {'topic': 0.5, 'sentiment': 0.5}, {'topic': 0.75, 'sentiment': 0.25}]
    """
    names = [task.name for task in check_tasks(tasks)]
    parts = whole_number("parts (one for each task, 10 is usual)", parts, at_least=len(names))
    cuts = itertools.combinations(range(1, parts), len(names) - 1)
    sizes = [[b - a for a, b in itertools.pairwise((0, *cut, parts))] for cut in cuts]
    return [dict(zip(names, (size / parts for size in row), strict=True)) for row in sizes]


def grid_search(
    train: Callable[..., Scores],
    weights: Sequence[Mapping[str, float]],
    settings: Mapping[str, Sequence[Any]] | None = None,
    *,
    on_run: OnRun | None = None,
) -> pd.DataFrame:
    """Train once with each λ, and each combination of the other ``settings``: a row a run, in that order.

    ``train(weights, **setting)`` trains a model and returns its score *on validation* by task. Columns ``λ <task>``, the
    settings, the score of each task under its name, CPU ``seconds``, and ``error``: a setting that fails, because ``train``
    raises or a score is not finite, has its error there and nan for its scores, and the search goes on. If all fail, the first
    error is raised. ``on_run`` gets each row as it is done, for a progress bar say.

    >>> def train(weights, lr):
    ...     return {"left": weights["left"] * lr, "right": weights["right"]}
    >>> runs = grid_search(train, [{"left": 0.2, "right": 0.8}, {"left": 0.5, "right": 0.5}], {"lr": [1.0, 0.1]})
    >>> runs.drop(columns=["seconds", "error"]).round(2)
       λ left  λ right   lr  left  right
    0     0.2      0.8  1.0  0.20    0.8
    1     0.2      0.8  0.1  0.02    0.8
    2     0.5      0.5  1.0  0.50    0.5
    3     0.5      0.5  0.1  0.05    0.5
    """
    settings = {name: list(values) for name, values in (settings or {}).items()}
    rows = []
    for chosen in _checked(weights):
        for values in itertools.product(*settings.values()):
            setting = dict(zip(settings, values, strict=True))
            rows.append(_run(train, chosen, setting))
            if on_run is not None:
                on_run(rows[-1])
    if not rows:
        raise DataError(f"A setting without a value leaves nothing to run; found {settings}.")
    return _table(rows)


def cross_validate(
    train: Callable[[dict[str, float], pd.DataFrame, pd.DataFrame], Scores],
    frame: pd.DataFrame,
    weights: Sequence[Mapping[str, float]],
    *,
    folds: int = 5,
    seed: int = 0,
    groups: str | None = None,
    text: str | None = "text",
    on_run: OnRun | None = None,
) -> pd.DataFrame:
    """Train with each λ once a fold of `text_folds`: a row a run, as `grid_search` with the column ``fold``.

    ``frame`` is training and validation data together (``pd.concat([splits.train, splits.val])``), never the test.
    ``train(weights, train_frame, val_frame)`` trains on one part and returns its score on the other, by task; it makes its
    vocabulary of ``train_frame`` alone. ``groups`` and ``text`` are those of `text_folds`. Every λ sees the same folds, so
    they can be compared fold by fold; k folds cost k runs a λ.

    >>> def train(weights, train_frame, val_frame):
    ...     return {"topic": len(val_frame) / len(train_frame)}
    >>> frame = pd.DataFrame({"text": ["a film", "a book", "a car", "a phone"]})
    >>> cross_validate(train, frame, [{"topic": 1.0}], folds=2).drop(columns=["seconds", "error"])
       λ topic  fold  topic
    0      1.0     0    1.0
    1      1.0     1    1.0
    """
    parts = list(text_folds(frame, folds, seed=seed, groups=groups, text=text))

    def on_fold(chosen: dict[str, float], fold: int) -> Scores:
        return train(chosen, *parts[fold])

    return grid_search(on_fold, weights, {"fold": range(folds)}, on_run=on_run)


def optuna_search(
    train: Callable[..., Scores],
    tasks: Sequence[Task],
    *,
    runs: int = 20,
    objective: Callable[[Scores], float] | None = None,
    lr: tuple[float, float] | None = None,
    seed: int = 0,
    storage: str | Path | None = None,
    on_run: OnRun | None = None,
) -> pd.DataFrame:
    """Let Optuna (Akiba et al., KDD 2019) propose λ, and a learning rate, from what the runs before have shown.

    ``train(weights)``, or ``train(weights, lr)`` if a range ``lr = (low, high)`` is given, returns the score on validation by
    task. ``objective`` makes of the scores the one number to be raised, such as `delta_mtl` of them; without it each task's
    score is an objective of its own, and the search spreads along the Pareto front. Σ λᵢ = 1, and before anything is known
    all such λ are equally likely (for two tasks from 0.02 to 0.98); the learning rate is searched on a log scale. The sampler
    is a tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) that begins with ten random runs.

    Returns the table of `grid_search`, with the column ``objective`` if there is one. The same ``seed`` proposes the same. A
    setting that fails counts as a run, and teaches the sampler nothing. With a file ``storage`` (SQLite; its folder is made)
    finished runs are kept: a search that was cut short goes on where it stopped, until ``runs`` are done in all.

    >>> from mtl_helpers.datasets import LEFT, RIGHT
    >>> def train(weights):
    ...     return {"left": 1 - (weights["left"] - 0.7) ** 2, "right": 0.5}
    >>> table = optuna_search(train, [LEFT, RIGHT], runs=25, objective=lambda scores: scores["left"] + scores["right"])
    >>> table["λ left"][table.objective.idxmax()].round(1)
    np.float64(0.7)
    """
    import optuna  # here, since only a search needs it: it takes a quarter of a second to import

    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    runs, seed = whole_number("runs", runs), whole_number("seed", seed, at_least=0)
    if lr is not None and not (len(lr) == 2 and 0 < lr[0] < lr[1]):
        raise DataError(f"lr is a range of learning rates (low, high) with 0 < low < high; found {lr!r}.")
    directions = ["maximize"]
    if objective is None:
        directions = ["maximize" if task.higher_is_better else "minimize" for task in tasks]
    told = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # else a line on stderr for every run
    try:
        study = _study(directions, storage)
        _refuse_other(study, directions, [*(f"λ {name}" for name in names), *(["lr"] if lr else [])], storage)
        for trial in study.get_trials(deepcopy=False):
            if trial.state.name == "RUNNING":  # cut short: else the sampler would keep away from what it was to try
                study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        while len(done := _rows(study)) < runs:
            # Seeded anew for each run, so that a search that was cut short proposes what it would have proposed.
            study.sampler = optuna.samplers.TPESampler(seed=(seed * 100_003 + len(done)) % 2**32)
            trial = study.ask()
            setting = {} if lr is None else {"lr": trial.suggest_float("lr", *lr, log=True)}
            row = _run(train, _propose(trial, tasks), setting, names, objective)
            trial.set_user_attr("row", row)
            if row["error"]:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, row["objective"] if objective is not None else [row[name] for name in names])
            if on_run is not None:
                on_run(row)
        return _table(done)
    finally:
        optuna.logging.set_verbosity(told)


def _study(directions: Sequence[str], storage: str | Path | None) -> optuna.Study:
    """The study of a file, or of memory."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    address = None
    try:
        if storage is not None:
            Path(storage).parent.mkdir(parents=True, exist_ok=True)
            address = f"sqlite:///{Path(storage).as_posix()}"
        return optuna.create_study(directions=directions, study_name=_STUDY, storage=address, load_if_exists=True)
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError) as problem:
        raise DataError(
            f"The search cannot be kept in {storage}: {str(problem).splitlines()[0]}. "
            "Give a file that may be written, or that a search wrote."
        ) from problem


def _rows(study: optuna.Study) -> list[dict[str, Any]]:
    """The runs that came to an end, with a score or with an error; not those that were cut short."""
    rows = [trial.user_attrs.get("row") for trial in study.get_trials(deepcopy=False)]
    return [{**row, "error": row.get("error", "")} for row in rows if row is not None]


def _refuse_other(study: optuna.Study, directions: list[str], columns: list[str], storage: Any) -> None:
    """A file that holds another search would mix two tables: refuse it."""
    found = [direction.name.lower() for direction in study.directions]
    rows = _rows(study)
    if found != directions or any([*row][: len(columns)] != columns for row in rows):
        raise DataError(
            f"{storage} holds a search of other tasks, settings or objectives ({len(rows)} runs); this one is for "
            f"{', '.join(columns)}. Give another file, or delete that one."
        )


def _propose(trial: optuna.Trial, tasks: Sequence[Task]) -> dict[str, float]:
    """λ with the sum 1, uniform over all such: each task in turn breaks its part off the stick that is left."""
    weights, rest = {}, 1.0
    for i, task in enumerate(tasks[:-1]):
        share = trial.suggest_float(f"share of {task.name}", 0.02, 0.98)
        weights[task.name] = rest * (1 - (1 - share) ** (1 / (len(tasks) - 1 - i)))
        rest -= weights[task.name]
    return {**weights, tasks[-1].name: rest}


def _checked(weights: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    if isinstance(weights, Mapping):
        raise DataError(
            f"Expected a list of λ to try; found one, {dict(weights)}. Write [weights], or use weight_grid."
        )
    weights = [dict(chosen) for chosen in weights]
    if not weights:
        raise DataError("There is no λ to try: the list is empty.")
    if odd := next((chosen for chosen in weights if chosen.keys() != weights[0].keys()), None):
        raise DataError(f"Every λ must be for the same tasks; found {sorted(weights[0])} and {sorted(odd)}.")
    return weights


def _run(
    train: Callable[..., Scores],
    weights: dict[str, float],
    setting: Mapping[str, Any],
    names: Sequence[str] = (),
    objective: Callable[[Scores], float] | None = None,
) -> dict[str, Any]:
    """One call of ``train`` as one row of the table. What it raises, and a score that is not finite, fail this run alone."""
    where = ", ".join(
        [*(f"λ {name} {value:g}" for name, value in weights.items()), *(f"{k} {v}" for k, v in setting.items())]
    )
    row, found, error = {**{f"λ {name}": value for name, value in weights.items()}, **setting}, {}, ""
    start = time.thread_time()
    try:
        scores = train(dict(weights), **setting)
    except Exception as problem:
        scores, error = {}, f"{type(problem).__name__}: {problem}"
    seconds = time.thread_time() - start
    if not error:
        found, error = _scores(scores, where, names, {*_OWN, *setting})
    if not error and objective is not None:
        try:
            found["objective"], error = _finite("the objective", objective(dict(found)))
        except Exception as problem:
            error = f"the objective: {type(problem).__name__}: {problem}"
    if error:
        found = dict.fromkeys(found or names, math.nan)
        tqdm.write(f"failed: {where}: {error}")
    return {**row, **found, "seconds": seconds, "error": error}


def _scores(scores: Any, where: str, names: Sequence[str], own: set[str]) -> tuple[dict[str, float], str]:
    """The scores as numbers, and what is wrong with them; raises `DataError` if ``train`` returns no scores at all."""
    if not isinstance(scores, Mapping) or not scores:
        raise DataError(f"train must return the score of each task by its name; it returned {scores!r} ({where}).")
    if absent := set(names) - set(scores):
        raise DataError(f"train returned no score for the task '{min(absent)}' but for {sorted(scores)} ({where}).")
    if clash := own & set(scores):
        raise DataError(f"The table needs the column '{min(clash)}' for itself; give the task another name ({where}).")
    checked = {name: _finite(f"the score of '{name}' ({where})", score) for name, score in scores.items()}
    return {name: score for name, (score, _) in checked.items()}, next((e for _, e in checked.values() if e), "")


def _finite(what: str, value: Any) -> tuple[float, str]:
    """The value as a number, and an error if it is none that is finite."""
    try:
        return number(what[0].upper() + what[1:], value), ""
    except DataError as problem:
        return math.nan, str(problem)


def _table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows; raises `DataError` if none has a score."""
    if all(row["error"] for row in rows):
        raise DataError(f"All {len(rows)} settings failed. The first: {rows[0]['error']}")
    table = pd.DataFrame(rows)
    last = ["objective", "seconds", "error"]  # also where the first setting failed, so that scores came later
    return table[[*(name for name in table if name not in last), *(name for name in last if name in table)]]
