"""A run that is stopped, saved, loaded into new objects and gone on with takes the steps it would have taken."""

import io
import itertools

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader
from torchjd import Stateful, scalarization
from torchjd.aggregation import PCD, GradVac, PCGrad

from mtl_helpers.data import MultiTaskDataset, make_loader, mixed_loader
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.randomness import drawn_from
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC
from mtl_helpers.training import (
    RULES,
    GradientWeighting,
    HandOver,
    LossWeighting,
    StaticWeights,
    TaskWeights,
    TrainingError,
    checkpoint,
    fit,
    train_steps,
)

TASKS = (TOPIC, SENTIMENT, STARS)
RULES_AND_MORE = {
    **RULES,
    "by hand": lambda tasks: StaticWeights(tasks, TaskWeights(["topic", "sentiment", "stars"], stars=0.2)),
    "a scalarizer": lambda tasks: LossWeighting(tasks, scalarization.IMTLL(3)),
    "GradVac": lambda tasks: GradientWeighting(tasks, GradVac()),
    "PCD": lambda tasks: GradientWeighting(tasks, PCD()),
    "handed over": lambda tasks: HandOver(tasks, RULES["FAMO"](tasks)),
    "uncertainty at its own rate": lambda tasks: RULES["uncertainty"](tasks, lr=0.05, total=3),
}


class Dropping(nn.Module):
    features = 6

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.4))

    def forward(self, inputs):
        return self.layers(inputs)


def data(n=60, seed=0, tasks=TASKS):
    draw = torch.Generator().manual_seed(seed)
    targets = {
        "topic": torch.randint(6, (n,), generator=draw),
        "sentiment": torch.randint(2, (n,), generator=draw),
        "stars": torch.randn(n, generator=draw),
    }
    targets = {task.name: targets[task.name] for task in tasks}
    masks = {name: torch.rand(n, generator=draw) < 0.8 for name in targets}
    return MultiTaskDataset(torch.randn(n, 4, generator=draw), targets, masks, tasks=tasks)


def mixed():
    """Three data sets, a task each: every batch lacks labels, and what is left of a deal goes on into the next epoch."""
    parts = {task.name: data(n, seed, [task]) for seed, (task, n) in enumerate(zip(TASKS, (50, 23, 31), strict=True))}
    return mixed_loader(parts, 8, temperature=2, steps_per_epoch=7)


LOADERS = {
    "mixed": mixed,
    "shuffled": lambda: make_loader(data(), 8, shuffle=True),
    "plain torch": lambda: DataLoader(data(), batch_size=8, shuffle=True),
}


class Run:
    """All the objects of a run, made anew."""

    def __init__(self, name, loader, generator=None, optimizer=AdamW):
        torch.manual_seed(0)
        self.model = MultiTaskModel(Dropping(), TASKS)
        self.optimizer = optimizer(self.model.parameters(), lr=0.02)
        self.scheduler = CosineAnnealingLR(self.optimizer, 30)  # made before the rule, as one does
        self.rule, self.loader = RULES_AND_MORE[name](TASKS), LOADERS[loader]()
        self.generator = generator
        torch.manual_seed(1)

    def steps(self, **more):
        options = {"weights": self.rule, "scheduler": self.scheduler, "clip": 1.0, "generator": self.generator}
        return train_steps(self.model, self.loader, self.optimizer, **options, **more)

    def saved(self, record):
        options = {"weights": self.rule, "scheduler": self.scheduler, "generator": self.generator}
        file = io.BytesIO()
        torch.save(checkpoint(record, self.model, self.optimizer, **options), file)
        file.seek(0)
        return torch.load(file, weights_only=True)


def curve(records):
    return [(r.step, r.epoch, repr(r.losses), repr(r.weights), repr(r.total)) for r in records]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("name", RULES_AND_MORE)
def test_stopped_saved_loaded_and_gone_on_is_the_same_curve(name, loader):
    """In mid-epoch, with dropout, BatchNorm, a scheduler and clipping."""
    whole = Run(name, loader)
    expected = list(itertools.islice(whole.steps(), 36))
    first = Run(name, loader)
    *_, last = itertools.islice(first.steps(), 17)
    state = first.saved(last)
    torch.manual_seed(99)  # the new process draws its own numbers until the run goes on
    second = Run(name, loader)
    found = list(itertools.islice(second.steps(resume=state), 19))
    assert curve(found) == curve(expected[17:])
    assert all(map(torch.equal, whole.model.state_dict().values(), second.model.state_dict().values()))


@pytest.mark.parametrize("stop", [1, 7, 8, 14])
def test_it_may_stop_anywhere_in_an_epoch(stop):
    expected = list(itertools.islice(Run("DWA", "mixed").steps(), 30))
    first = Run("DWA", "mixed")
    *_, last = itertools.islice(first.steps(), stop)
    state = first.saved(last)
    found = itertools.islice(Run("DWA", "mixed").steps(resume=state), 30 - stop)
    assert curve(found) == curve(expected[stop:])


@pytest.mark.parametrize("loader", LOADERS)
def test_with_a_generator_nothing_else_is_drawn_from(loader):
    def run(seed):
        torch.manual_seed(seed)
        return Run("PCGrad", loader, torch.Generator().manual_seed(5))

    whole = run(0)
    outside = torch.get_rng_state()
    expected = list(itertools.islice(whole.steps(), 30))
    assert torch.equal(torch.get_rng_state(), outside)
    first = run(1)
    *_, last = itertools.islice(first.steps(), 17)
    state = first.saved(last)
    torch.manual_seed(99)
    second = Run("PCGrad", loader, torch.Generator())
    assert curve(itertools.islice(second.steps(resume=state), 13)) == curve(expected[17:])


def test_fit_goes_on_too(new_model, new_loader):
    def run(steps, **options):
        model = new_model()
        optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
        kept = []

        def keep(record):
            if record.step == 5:
                kept.append(checkpoint(record, model, optimizer))

        return fit(model, new_loader(), optimizer, steps=steps, on_step=keep, **options), kept

    history, kept = run(12)
    again, _ = run(12, resume=kept[0])
    assert again.equals(history[history.step > 5].reset_index(drop=True))


@pytest.mark.parametrize("name", RULES_AND_MORE)
def test_a_rule_begins_anew_on_another_model_and_goes_on_with_the_same(name):
    def weights(rule, run):
        options = {"weights": rule, "scheduler": run.scheduler}
        records = itertools.islice(train_steps(run.model, run.loader, run.optimizer, **options), 25)
        return [repr(record.weights) for record in records]

    one, two = Run(name, "shuffled"), Run(name, "shuffled")
    first = weights(one.rule, one)
    assert weights(one.rule, Run(name, "shuffled")) == first, "where it stood with the first model must not matter"
    weights(two.rule, two)
    remember_no_weights = {"equal", "by hand", "MGDA", "PCGrad", "UPGrad", "IMTL-G", "Aligned-MTL", "GradVac", "PCD"}
    if name not in remember_no_weights:
        assert repr(two.rule.weights) != first[0]
        assert weights(two.rule, two) != first


@pytest.mark.parametrize("new", [GradVac, PCD])
def test_what_an_aggregator_remembers_goes_on_from_a_file(new):
    draw = torch.Generator().manual_seed(0)
    gradients = torch.randn(6, len(TASKS), 5, generator=draw)
    whole, other, fresh = (GradientWeighting(TASKS, new()) for _ in range(3))
    for each in gradients[:5]:
        whole.from_gradients(each)
    file = io.BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    found = whole.from_gradients(gradients[5])
    assert torch.equal(other.from_gradients(gradients[5]), found)
    assert not torch.equal(fresh.from_gradients(gradients[5]), found)


def test_a_loaded_rule_does_not_begin_anew():
    run = Run("GradNorm", "shuffled")
    list(itertools.islice(run.steps(), 40))
    rule = RULES["GradNorm"](TASKS)
    rule.load_state_dict(run.rule.state_dict())
    other = Run("equal", "shuffled")
    first = next(train_steps(other.model, other.loader, other.optimizer, weights=rule))
    assert first.weights == run.rule.weights != dict.fromkeys(first.weights, 1.0)


def test_a_state_stays_as_it_was_saved():
    run = Run("FAMO", "shuffled")
    steps = run.steps()
    list(itertools.islice(steps, 10))
    state = run.rule.state_dict()
    before = repr(state)
    list(itertools.islice(steps, 5))
    assert repr(state) == before and repr(run.rule.state_dict()) != before


def test_a_loop_in_a_cell_is_not_disturbed_by_a_look_at_its_rule():
    """A weighed gradient draws from the rule's own generator, in this thread alone."""
    rule = RULES["PCGrad"](TASKS)
    with drawn_from(torch.Generator().manual_seed(3)) as draws:
        rule.from_gradients(torch.randn(3, 5))
    assert draws.count == 1, "the five numbers, and not PCGrad's order"


class Secretive(PCGrad, Stateful):
    """An aggregator of somebody's own that remembers something, and has no way to tell it."""

    def reset(self):
        pass


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            lambda state: RULES["DWA"](TASKS).load_state_dict(state["weights"]),
            "This is the state of FAMO for the tasks",
        ),
        (
            lambda state: RULES["FAMO"](TASKS[:2]).load_state_dict(state["weights"]),
            "this rule is FAMO for ['topic', 'sen",
        ),
        (lambda state: next(Run("MGDA", "mixed").steps(resume=state)), "the state of FAMO"),
        (
            lambda state: next(Run("FAMO", "mixed").steps(resume=_without(state, "weights"))),
            "the checkpoint has none of it: give checkpoint(weights=...)",
        ),
        (lambda state: _bare(Run("FAMO", "mixed"), resume=state), "The checkpoint has a scheduler, and the run"),
        (lambda state: LossWeighting(TASKS, scalarization.DWA()), "Take DWA(tasks) of this course"),
        (lambda state: GradientWeighting(TASKS, Secretive()).state_dict(), "Secretive remembers what only it knows"),
    ],
)
def test_what_does_not_fit_is_said(act, said):
    run = Run("FAMO", "mixed")
    state = run.saved(next(run.steps()))
    with pytest.raises(TrainingError) as caught:
        act(state)
    assert said in str(caught.value)


def _without(state, name):
    return {key: value for key, value in state.items() if key != name}


def _bare(run, resume):
    next(train_steps(run.model, run.loader, run.optimizer, weights=run.rule, resume=resume))


@pytest.mark.bad_input
@pytest.mark.parametrize("steps", [4, 3])
def test_a_run_that_is_over_takes_no_step_more(steps):
    first = Run("equal", "shuffled")
    state = first.saved(next(itertools.islice(first.steps(), 3, None)))
    again = Run("equal", "shuffled")
    options = {"weights": again.rule, "scheduler": again.scheduler, "resume": state}
    with pytest.raises(TrainingError, match=f"is of step 4, and steps={steps} in all: none is left"):
        fit(again.model, again.loader, again.optimizer, steps=steps, **options)
    assert fit(again.model, again.loader, again.optimizer, steps=5, **options).step.unique().tolist() == [5]
