"""Going on within `fit`, with torch's own loaders and wrappers: what was best is remembered, the order is the same."""

import io

import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, WeightedRandomSampler

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.evaluation import evaluate
from mtl_helpers.models import MultiTaskModel, OnFeatures
from mtl_helpers.tasks import SENTIMENT, STARS
from mtl_helpers.training import TrainingError, checkpoint, fit

NUMBERS = torch.randn(70, 4, generator=torch.Generator().manual_seed(0))
DATA = MultiTaskDataset(NUMBERS, {"stars": NUMBERS[:, 0], "sentiment": (NUMBERS[:, 1] > 0).long()})
TWO = (STARS, SENTIMENT)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


LOADERS = {
    "a sampler's own generator": lambda: DataLoader(
        DATA, batch_size=16, sampler=WeightedRandomSampler(NUMBERS[:, 0].exp(), 70, generator=seeded())
    ),
    "a batch sampler's": lambda: DataLoader(
        DATA, batch_sampler=BatchSampler(RandomSampler(DATA, generator=seeded()), 16, drop_last=False)
    ),
    "the loader's": lambda: DataLoader(DATA, batch_size=16, shuffle=True, generator=seeded()),
    "none": lambda: DataLoader(DATA, batch_size=16, shuffle=True),
}


def parts(wrap=lambda model: model, features: int = 6):
    torch.manual_seed(1)
    model = MultiTaskModel(OnFeatures(4, hidden=features), TWO)
    return wrap(model), torch.optim.Adam(model.parameters(), lr=0.05)


def stopped_at(step: int, loader, *, steps: int = 20, wrap=lambda model: model, **options):
    """The whole run's history and model, and what it had stored after ``step``."""
    model, optimizer = parts(wrap)
    states = {}

    def store(record):
        if record.step == step:
            file = io.BytesIO()
            torch.save(checkpoint(record, model, optimizer), file)
            states[0] = torch.load(io.BytesIO(file.getvalue()), weights_only=True)

    history = fit(model, loader, optimizer, steps=steps, on_step=store, **options)
    return history, model, states[0]


@pytest.mark.parametrize("loader", LOADERS)
def test_the_order_of_torchs_own_loaders_goes_on(loader):
    history, _, state = stopped_at(7, LOADERS[loader]())
    model, optimizer = parts()
    again = fit(model, LOADERS[loader](), optimizer, steps=20, resume=state)
    assert again.step.min() == 8 and again.loss.tolist() == history.loss[history.step > 7].tolist()


def test_what_was_best_before_the_stop_is_not_forgotten():
    def score():  # best at the second validation, and never again
        given = iter([0.0, 9.0, *range(8)])
        return lambda scores: next(given)

    options = {"val_loader": make_loader(DATA), "eval_every": 2}
    each = {}
    history, model, state = stopped_at(7, make_loader(DATA), best=score(), patience=4, **options, each=each)
    assert history.step.max() == 12
    other, optimizer = parts()
    again_each = {}
    options |= {"best": lambda scores: 1.0, "patience": 4, "each": again_each}
    again = fit(other, make_loader(DATA), optimizer, steps=20, resume=state, **options)
    assert again.step.max() == 12  # one validation had been waited for, three more were
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])
        assert all(torch.equal(each[task][name], again_each[task][name]) for task in each)


def test_a_wrapped_model_goes_on_bare_and_wrapped():
    history, _, state = stopped_at(3, make_loader(DATA), steps=6, wrap=nn.DataParallel)
    for wrap in (nn.DataParallel, lambda model: model):
        model, optimizer = parts(wrap)
        again = fit(model, make_loader(DATA), optimizer, steps=6, resume=state)
        assert again.loss.tolist() == history.loss[history.step > 3].tolist()
    assert evaluate(nn.DataParallel(model), make_loader(DATA)).equals(evaluate(model, make_loader(DATA)))


def test_a_state_can_be_gone_on_from_twice():
    history, _, state = stopped_at(3, make_loader(DATA), steps=6)
    for _ in range(2):
        model, optimizer = parts()
        again = fit(model, make_loader(DATA), optimizer, steps=6, resume=state)
        assert again.loss.tolist() == history.loss[history.step > 3].tolist()


def test_what_can_not_go_on_bad_input():
    _, _, state = stopped_at(3, make_loader(DATA, 16), steps=4)
    few = make_loader(MultiTaskDataset(DATA.inputs[:20], {name: y[:20] for name, y in DATA.targets.items()}), 16)
    cases = {
        "The checkpoint is of step 3, and steps=3 in all: none is left": {"steps": 3},
        "had taken 3 batches of its epoch and the loader gives 2": {"loader": few},
        "drew its order from generator and sampler.generator, this one from torch's own": {
            "loader": [DATA[:16], DATA[16:32]]
        },
        "resume is what checkpoint(...) gave, read by torch.load if it is in a file; found 'run.pt'": {
            "resume": "run.pt"
        },
        "torch.load if it is in a file; found ['model']": {"resume": {"model": {}}},
        "The checkpoint does not fit the model; make it as it was made. (size mismatch for heads": {"features": 7},
    }
    for said, case in cases.items():
        model, optimizer = parts(features=case.get("features", 6))
        loader, options = case.get("loader", make_loader(DATA, 16)), {"steps": 9, "resume": state}
        options |= {name: case[name] for name in options if name in case}
        with pytest.raises(TrainingError) as caught:
            fit(model, loader, optimizer, **options)
        assert said in str(caught.value)
