"""Step 4: the weights, the one loop, and what `fit` hands back."""

import copy
import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.tasks import SENTIMENT
from mtl_helpers.training import (
    TaskWeights,
    TrainingDiverged,
    as_history,
    fit,
    mean_skill,
    predict,
    train_steps,
    validate,
    weighted_sum,
)


def state_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(module.state_dict())


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture
def take(new_model, new_loader):
    """The first records of a run, and the model they trained."""

    def take(steps, optimizer=SGD, lr=0.1, **options):
        model = new_model()
        records = train_steps(model, new_loader(), optimizer(model.parameters(), lr=lr), **options)
        return list(itertools.islice(records, steps)), model

    return take


# The weights


def test_weighted_sum_is_the_formula():
    random = np.random.default_rng(0)
    for n in range(1, 6):
        weights, losses = random.random(n), random.random(n)
        names = [f"task{i}" for i in range(n)]
        tensors = dict(zip(names, torch.tensor(losses), strict=True))
        assert weighted_sum(tensors, dict(zip(names, weights, strict=True))).item() == pytest.approx(weights @ losses)


def test_weights_are_one_unless_set_and_may_come_from_numpy():
    weights = TaskWeights(["topic", "stars"], stars=np.float32(0.5))
    weights["topic"] = np.int64(3)
    assert dict(weights) == {"topic": 3, "stars": 0.5} and all(type(value) is float for value in weights.values())


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_lambda_0_switches_a_head_off(take, new_model, optimizer):
    (*_, last), model = take(8, optimizer, weights={"sentiment": 0})
    start = new_model()
    assert last.losses["sentiment"] > 0, "its loss is still measured"
    assert same(state_of(model.heads["sentiment"]), state_of(start.heads["sentiment"]))
    assert not same(state_of(model.heads["topic"]), state_of(start.heads["topic"]))


def test_lambda_0_for_all_others_is_single_task_training(take, new_model, new_loader):
    _, model = take(8, weights={"topic": 0, "stars": 0})
    single = new_model(tasks=[SENTIMENT])
    single.load_state_dict(new_model().state_dict(), strict=False)
    list(itertools.islice(train_steps(single, new_loader(), SGD(single.parameters(), lr=0.1)), 8))
    for a, b in zip(model.encoder.parameters(), single.encoder.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_lambda_changed_between_steps_counts_from_the_next(new_model, new_loader):
    model, weights = new_model(), TaskWeights(["topic", "sentiment", "stars"])
    steps = train_steps(model, new_loader(), SGD(model.parameters(), lr=0.1), weights=weights)
    first = next(steps)
    weights["topic"] = 0
    head = state_of(model.heads["topic"])
    second = next(steps)
    assert (first.weights["topic"], second.weights["topic"]) == (1, 0)
    assert same(state_of(model.heads["topic"]), head)
    weights["topic"] = 5
    assert next(steps).weights["topic"] == 5 and not same(state_of(model.heads["topic"]), head)


# The loop


def test_a_record_says_what_its_step_did(take):
    weights = {"topic": 0.5, "sentiment": 2, "stars": 0.1}
    records, _ = take(33, weights=weights)
    assert [r.step for r in records] == list(range(1, 34))
    assert [r.epoch for r in records] == [1] * 15 + [2] * 15 + [3] * 3, "240 texts make 15 batches of 16"
    for record in records:
        assert record.weights == weights and not record.val_scores
        assert record.total == pytest.approx(sum(weights[name] * loss for name, loss in record.losses.items()))


def test_the_reported_losses_are_those_of_the_batch_before_the_step(take, new_model):
    (record,), _ = take(1)
    output = new_model()(record.batch.inputs)["sentiment"]
    mask = record.batch.masks["sentiment"]
    expected = nn.functional.cross_entropy(output[mask], record.batch.targets["sentiment"][mask])
    assert record.losses["sentiment"] == pytest.approx(expected.item())


def test_a_task_without_labels_costs_and_changes_nothing(new_model, dataset):
    dataset.masks["stars"].zero_()
    model = new_model()
    head = state_of(model.heads["stars"])
    loader = make_loader(dataset, 16, shuffle=True)
    history = fit(model, loader, SGD(model.parameters(), lr=0.1), steps=5, val_loader=loader)
    stars = history[history.task == "stars"]
    assert stars[["loss", "val_loss", "val_score"]].isna().all(axis=None)
    assert history[history.task == "topic"].loss.notna().all()
    assert same(state_of(model.heads["stars"]), head)
    assert all(p.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
def test_the_same_seed_gives_the_same_run_bit_for_bit(new_model, new_loader, encoder_class, optimizer):
    def run(seed):
        model = new_model(encoder_class, seed=seed)
        torch.manual_seed(torch.seed())  # only model and loader may decide
        loader = new_loader(seed=seed)
        options = {"steps": 12, "val_loader": new_loader(64, shuffle=False), "eval_every": 6}
        return fit(model, loader, optimizer(model.parameters(), lr=0.01), **options), state_of(model)

    (history, state), (again, state_again), (other, _) = run(0), run(0), run(1)
    pd.testing.assert_frame_equal(history, again, check_exact=True)
    assert same(state, state_again)
    assert not history.loss.equals(other.loss)


def test_a_loss_that_is_not_finite_stops_before_the_step(new_model, dataset):
    dataset.targets["stars"][:] = 1e30  # its square is no float32 any more
    model = new_model()
    before = state_of(model)
    steps = train_steps(model, make_loader(dataset), SGD(model.parameters(), lr=0.1), weights={"stars": 0.25})
    with pytest.raises(TrainingDiverged, match=r"step 1: 'stars' \(loss (inf|nan), λ 0\.25\).*learning rate"):
        next(steps)
    assert same(state_of(model), before)


def test_a_learning_rate_that_is_far_too_large_is_told(new_model, new_loader):
    model = new_model()
    with pytest.raises(TrainingDiverged, match=r"step [2-9]: .*\(loss (inf|nan), λ 1\)"):
        fit(model, new_loader(), SGD(model.parameters(), lr=1e12), steps=10)


# Validation and prediction


class Dropping(nn.Module):
    """An encoder that answers differently each time it is in training mode."""

    features = 6

    def forward(self, inputs):
        return nn.functional.dropout(inputs, 0.5, self.training)


@pytest.fixture
def dropping(new_model):
    random = torch.Generator().manual_seed(0)
    target = torch.randint(2, (40,), generator=random)
    mask = torch.rand(40, generator=random) < 0.5
    dataset = MultiTaskDataset(torch.randn(40, 6, generator=random), {"sentiment": target}, {"sentiment": mask})
    model = new_model(lambda size, embedding_dim: Dropping(), [SENTIMENT])
    return model, make_loader(dataset, 16)


@pytest.mark.parametrize("training", [True, False])
def test_predictions_are_made_without_dropout_and_the_mode_is_kept(dropping, training):
    model, loader = dropping
    model.train(training)
    outputs = [predict(model, loader)["sentiment"][0] for _ in range(2)]
    assert torch.equal(*outputs) and model.training is model.encoder.training is training
    assert validate(model, loader) == validate(model, loader)
    assert all(p.grad is None for p in model.parameters())


def test_a_validation_is_the_mean_over_texts_whatever_the_batches(new_model, new_loader, encoder_class):
    model = new_model(encoder_class)
    losses, scores = validate(model, new_loader(240, shuffle=False))
    for batch_size in (7, 100):
        other_losses, other_scores = validate(model, new_loader(batch_size, shuffle=False))
        assert other_losses == pytest.approx(losses, rel=1e-5) and other_scores == pytest.approx(scores, rel=1e-5)


def test_predictions_come_in_the_loaders_order(new_model, new_loader, dataset):
    output, target, mask = predict(new_model(), new_loader(50, shuffle=False))["stars"]
    assert torch.equal(target, dataset.targets["stars"]) and torch.equal(mask, dataset.masks["stars"])
    torch.testing.assert_close(output, new_model()(dataset[torch.arange(240)].inputs)["stars"].detach())


def test_one_number_for_a_validation():
    assert mean_skill({"topic": 0.5, "sentiment": 0.75, "stars": -2.0}) == pytest.approx(-0.25)
    assert mean_skill({"topic": 0.5, "sentiment": math.nan, "stars": math.nan}) == 0.5
    assert mean_skill(dict.fromkeys(["topic", "sentiment", "stars"], math.nan)) == -math.inf


# fit


def test_it_learns(new_model, new_loader):
    model = new_model()
    fit(model, new_loader(), Adam(model.parameters(), lr=0.02), steps=100, weights={"stars": 0.3})
    _, scores = validate(model, new_loader())
    assert scores["topic"] > 0.95 and scores["sentiment"] > 0.95 and scores["stars"] < 0.6


def test_the_history_is_tidy(new_model, new_loader):
    model = new_model()
    optimizer = Adam(model.parameters())
    history = fit(
        model, new_loader(), optimizer, steps=20, val_loader=new_loader(64), eval_every=8, weights={"stars": 2}
    )
    assert list(history) == ["step", "epoch", "task", "loss", "weight", "val_loss", "val_score"]
    assert len(history) == 60 and not history.duplicated(["step", "task"]).any()
    assert history.groupby("task").weight.unique().explode().to_dict() == {"sentiment": 1, "stars": 2, "topic": 1}
    assert history.loss.notna().all()
    for column in ("val_loss", "val_score"):
        assert history.step[history[column].notna()].unique().tolist() == [8, 16, 20], "the last step, too"


def test_a_short_run_is_validated_at_its_end(new_model, new_loader):
    model = new_model()
    history = fit(model, new_loader(), Adam(model.parameters()), steps=3, val_loader=new_loader(64))
    assert history.step[history.val_score.notna()].unique().tolist() == [3]


def test_no_steps_make_an_empty_history():
    assert as_history([]).empty and "val_score" in as_history([])


def test_the_best_validated_weights_are_kept(new_model, new_loader):
    model, kept = new_model(), {}

    def spoil(record):
        if record.val_scores:
            kept[record.step] = (mean_skill(record.val_skills), state_of(model))
        if record.step == 20:
            nn.init.constant_(model.heads["stars"].bias, 1e3)

    options = {"steps": 40, "val_loader": new_loader(64), "eval_every": 10}
    fit(model, new_loader(), Adam(model.parameters(), lr=0.01), on_step=spoil, **options)
    best = max(kept, key=lambda step: kept[step][0])
    assert list(kept) == [10, 20, 30, 40] and best == 20
    assert same(state_of(model), kept[20][1])


def test_without_validation_the_last_weights_stay(new_model, new_loader):
    model, seen = new_model(), []
    fit(model, new_loader(), Adam(model.parameters()), steps=3, on_step=lambda record: seen.append(state_of(model)))
    assert same(state_of(model), seen[-1]) and not same(seen[-1], seen[-2])
