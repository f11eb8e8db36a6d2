"""Time per step of each rule that chooses λ over the plain sum of the losses, for two, four and eight tasks."""

from collections.abc import Callable
from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch
from measure import WARM_UP, Batches, Turns, line, report, stepper, take_turns, title
from problem import MODELS, TASKS, datasets, new_optimizer

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.experiments.conflicts import SEES_GRADIENTS
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import Classification, Task
from mtl_helpers.training import RULES, train_steps

TARGETS = {"uncertainty": 1.05, "MGDA": 1.8, "PCGrad": 1.8, "UPGrad": 1.8}  # for the LSTM and two tasks
ON_FEATURES = {2: 1.2, 8: 1.4}  # for the LSTM, by number of tasks


def more_tasks(n: int) -> tuple[list[Task], MultiTaskDataset]:
    """Topic and sentiment again and again under new names, on the same texts."""
    data = datasets()[0]
    pairs = [(TASKS[i % 2], f"{TASKS[i % 2].name}_{i // 2}") for i in range(n)]
    tasks = [Classification(name, classes=task.classes) for task, name in pairs]
    targets = {name: data.targets[task.name] for task, name in pairs}
    masks = {name: data.masks[task.name] for task, name in pairs}
    return tasks, MultiTaskDataset(data.inputs, targets, masks, data.lengths)


def train(kind: str, tasks: list[Task], new_rule: Callable | None, batches: Turns) -> None:
    torch.manual_seed(0)
    model = MultiTaskModel(MODELS[kind](datasets()[2]), tasks)
    weights = None if new_rule is None else new_rule(tasks)
    for _ in islice(train_steps(model, batches, new_optimizer(kind, model), weights=weights), len(batches)):
        pass


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize(("kind", "repeats", "steps"), [("LSTM", 2, 40), ("CNN", 2, 60), ("tiny CNN", 2, 200)])
def test_time_per_step(kind, repeats, steps, n):
    title(f"Time per step of a rule over the plain sum: {kind}, {n} tasks, {repeats} x {steps} steps each, in turns")
    tasks, data = more_tasks(n)
    batches = Batches(make_loader(data, batch_size=32, shuffle=True))
    rules = {"plain sum": None, **RULES}
    parts = []
    for _ in range(repeats):
        contenders = {
            name: stepper(partial(train, kind, tasks, rule), batches, steps + WARM_UP) for name, rule in rules.items()
        }
        parts.append(take_turns(contenders, steps, WARM_UP))
    times = {name: np.concatenate([part[name] for part in parts]) for name in rules}
    line("plain sum", f"{1000 * np.median(times['plain sum']):.2f} ms a step")
    targets = TARGETS if (kind, n) == ("LSTM", 2) else None
    report(times, "plain sum", targets=targets, notes={"equal": "the same step: how exact this is"})


@pytest.mark.parametrize("n", [2, 8])
@pytest.mark.parametrize(("kind", "steps"), [("LSTM", 40), ("CNN", 40)])
def test_time_on_the_features(kind, steps, n):
    """One pass through the encoder for all tasks, beside one a task."""
    title(
        f"Time per step of a rule that sees gradients over the plain sum, on the features: {kind}, {n} tasks, {steps} steps"
    )
    tasks, data = more_tasks(n)
    batches = Batches(make_loader(data, batch_size=32, shuffle=True))
    rules = {f"{name}, features": partial(RULES[name], on="features") for name in SEES_GRADIENTS}
    rules = {"plain sum": None, **rules, "MGDA, parameters": RULES["MGDA"]}
    contenders = {
        name: stepper(partial(train, kind, tasks, rule), batches, steps + WARM_UP) for name, rule in rules.items()
    }
    times = take_turns(contenders, steps, WARM_UP)
    line("plain sum", f"{1000 * np.median(times['plain sum']):.2f} ms a step")
    targets = dict.fromkeys(rules, ON_FEATURES[n]) if kind == "LSTM" else {}
    targets.pop("MGDA, parameters", None)
    report(times, "plain sum", targets=targets)


@pytest.mark.parametrize(("kind", "steps"), [("tiny CNN", 40), ("CNN", 20)])
def test_time_per_task(kind, steps):
    title(
        f"Time of a step per task, of the plain sum and of MGDA: {kind}, 2, 10 and 50 tasks, {steps} steps each, in turns"
    )
    contenders, counts = {}, (2, 10, 50)
    for n in counts:
        tasks, data = more_tasks(n)
        batches = Batches(make_loader(data, batch_size=32, shuffle=True))
        for name, rule in {"plain sum": None, "MGDA": RULES["MGDA"]}.items():
            contenders[name, n] = stepper(partial(train, kind, tasks, rule), batches, steps + 5)
    times = take_turns(contenders, steps, 5)
    per_task = {key: 1000 * np.median(times[key]) / key[1] for key in contenders}
    for name in ("plain sum", "MGDA"):
        found = "  ".join(f"{n}: {per_task[name, n]:.2f}" for n in counts)
        line(f"{name}, ms a task", found, "50 <= 10", per_task[name, 50] <= 1.1 * per_task[name, 10])
