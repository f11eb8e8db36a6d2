"""Step 3: gradients of the tasks in the parameters they share."""

import copy
import math

import pytest
import torch
from torch import nn

from mtl_helpers.data import Batch
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.relations import gradient_cosines, task_affinity, task_gradients
from mtl_helpers.tasks import Regression
from mtl_helpers.training import task_losses, train_steps, weighted_sum

PAIR = [Regression("one"), Regression("two")]


@pytest.fixture
def batch(new_loader):
    return next(iter(new_loader()))


@pytest.fixture
def twins(new_model):
    """A model of two tasks with equal heads."""
    model = new_model(tasks=PAIR)
    model.heads["two"].load_state_dict(model.heads["one"].state_dict())
    return model


def pair_batch(inputs, one, two) -> Batch:
    return Batch(
        inputs, {"one": one, "two": two}, dict.fromkeys(["one", "two"], torch.ones(len(one), dtype=torch.bool))
    )


def test_equal_tasks_have_cosine_1_and_opposed_ones_minus_1(twins, batch):
    target = torch.arange(16.0)
    assert gradient_cosines(twins, pair_batch(batch.inputs, target, target)) == {("one", "two"): pytest.approx(1)}
    # With target 2f - y the error f - target is that of y with the other sign, and so is the gradient.
    mirrored = 2 * twins(batch.inputs)["one"].detach() - target
    assert gradient_cosines(twins, pair_batch(batch.inputs, target, mirrored))["one", "two"] == pytest.approx(-1)


def test_gradients_are_those_of_backward(new_model, batch, encoder_class):
    model = new_model(encoder_class)
    gradients = task_gradients(model, batch)
    weights = {"topic": 1.0, "sentiment": 0.3, "stars": 2.0}
    weighted_sum(task_losses(model.tasks, model(batch.inputs), batch), weights).backward()
    expected = torch.cat([p.grad.reshape(-1) for p in model.encoder.parameters()])
    torch.testing.assert_close(sum(weights[name] * gradients[name] for name in weights), expected)


def test_grad_and_parameters_stay_as_they_were(new_model, batch):
    model = new_model()
    before = [p.detach().clone() for p in model.parameters()]
    gradient_cosines(model, batch)
    assert all(p.grad is None for p in model.parameters())
    for p in model.parameters():
        p.grad = torch.full_like(p, 7)
    gradient_cosines(model, batch)
    assert all((p.grad == 7).all() for p in model.parameters())
    assert all(map(torch.equal, model.parameters(), before))


def test_every_pair_has_a_cosine(new_model, batch):
    cosines = gradient_cosines(new_model(), batch)
    assert list(cosines) == [("topic", "sentiment"), ("topic", "stars"), ("sentiment", "stars")]
    assert all(0 < abs(value) < 1 for value in cosines.values())


def test_a_task_without_a_label_has_no_cosine_and_no_affinity(new_model, batch):
    batch.masks["stars"].zero_()
    model = new_model()
    cosines, affinity = gradient_cosines(model, batch), task_affinity(model, batch)
    assert {pair for pair, value in cosines.items() if math.isnan(value)} == {
        ("topic", "stars"),
        ("sentiment", "stars"),
    }
    assert {pair for pair, value in affinity.items() if math.isnan(value)} == {p for p in affinity if "stars" in p}
    assert "stars" not in task_gradients(model, batch)


def test_tasks_on_a_frozen_encoder_have_no_cosine(new_model, batch):
    model = new_model()
    model.encoder.requires_grad_(False)
    assert all(map(math.isnan, gradient_cosines(model, batch).values()))


def test_affinity_is_the_loss_a_real_step_takes_away(new_model, batch):
    model, after = new_model(), new_model()
    affinity = task_affinity(model, batch, lr=0.05)
    task_losses(after.tasks, after(batch.inputs), batch)["topic"].backward()
    torch.optim.SGD(after.encoder.parameters(), lr=0.05).step()
    for name, loss in task_losses(model.tasks, model(batch.inputs), batch).items():
        ratio = task_losses(model.tasks, after(batch.inputs), batch)[name] / loss
        assert affinity["topic", name] == pytest.approx(1 - ratio.item(), abs=1e-5)
    assert affinity["topic", "topic"] > 0


def test_affinity_leaves_the_model_as_it_was(new_model, batch):
    model = new_model()
    task_affinity(model, batch)
    assert all(map(torch.equal, model.parameters(), new_model().parameters()))
    assert all(p.grad is None for p in model.parameters())


def test_a_wrapped_model_is_looked_at_as_the_one_inside(new_model, batch):
    model = new_model()
    for look in (gradient_cosines, task_affinity):
        assert repr(look(nn.DataParallel(model), batch)) == repr(look(model, batch))


class Shifting(nn.Module):
    """An encoder with BatchNorm and dropout."""

    features = 6

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))

    def forward(self, inputs):
        return self.layers(inputs)


@pytest.fixture
def shifting():
    torch.manual_seed(0)
    model = MultiTaskModel(Shifting(), PAIR).train()
    batch = Batch(
        torch.randn(32, 4),
        {"one": torch.randn(32), "two": torch.randn(32)},
        dict.fromkeys(["one", "two"], torch.ones(32, dtype=torch.bool)),
    )
    return model, batch


@pytest.mark.parametrize("look", [task_gradients, gradient_cosines, task_affinity])
def test_a_look_moves_neither_batchnorm_nor_random_numbers_nor_gradients(shifting, look):
    model, batch = shifting
    for p in model.parameters():
        p.grad = torch.full_like(p, 7)
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    look(model, batch)
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    assert torch.equal(torch.get_rng_state(), random) and model.training
    assert all((p.grad == 7).all() for p in model.parameters())


def test_affinity_of_a_tiny_step_is_nothing_though_there_is_dropout(shifting):
    affinity = task_affinity(*shifting, lr=1e-9)
    assert list(affinity.values()) == pytest.approx([0] * 4, abs=1e-6)


def test_gradients_with_the_dropout_of_a_step_are_those_of_the_step(shifting):
    model, batch = shifting
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    copy_of_it = copy.deepcopy(model)
    record = next(train_steps(model, [batch], optimizer))
    step = torch.cat([p.grad.flatten() for p in model.encoder.parameters()])
    found = sum(task_gradients(copy_of_it, batch, record.random_state).values())
    torch.testing.assert_close(found, step)
    assert not torch.allclose(sum(task_gradients(copy_of_it, batch).values()), step)
