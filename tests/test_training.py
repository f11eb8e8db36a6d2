"""Step 4: the weights, the one loop, and what `fit` hands back."""

import copy
import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from mtl_helpers.data import Batch, MultiTaskDataset, make_loader
from mtl_helpers.models import ModelError, MultiTaskModel, OnFeatures
from mtl_helpers.relations import SoftSharing
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Classification, Regression
from mtl_helpers.training import (
    RULES,
    TaskWeights,
    TrainingDiverged,
    TrainingError,
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


def test_the_weighted_sum_takes_no_operation_that_changes_nothing():
    losses = {name: torch.tensor(2.0, requires_grad=True) for name in ("topic", "stars", "sentiment")}
    with torch.profiler.profile() as profile:
        total = weighted_sum(losses, {"topic": 1.0, "stars": 0.5, "sentiment": 1.0})
    calls = {event.key: event.count for event in profile.key_averages() if event.key in ("aten::mul", "aten::add")}
    assert total.item() == 5 and calls == {"aten::mul": 1, "aten::add": 2}
    weight = torch.tensor(1.0, requires_grad=True)  # a λ that is learnt keeps its gradient, be it 1
    weighted_sum({"topic": losses["topic"]}, {"topic": weight}).backward()
    assert weight.grad == 2


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


def test_of_classifications_alone_the_best_is_that_of_the_mean_accuracy(new_model, new_loader):
    """So what the lessons show of classes stays."""
    model, seen = new_model(tasks=[TOPIC, SENTIMENT]), []
    options = {"val_loader": new_loader(64), "eval_every": 3, "on_step": lambda r: r.val_scores and seen.append(r)}
    fit(model, new_loader(), Adam(model.parameters(), lr=0.02), steps=9, **options)
    assert [mean_skill(r.val_skills) for r in seen] == [sum(r.val_scores.values()) / 2 for r in seen]


def price_and_class(n=200):
    """A price of about 10,000 beside a class: what a mean of MAE and accuracy cannot weigh against each other."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(n, 4, generator=draw)
    targets = {"kind": (inputs[:, 0] > 0).long(), "price": 10_000 + 1_000 * inputs[:, 1]}
    tasks = [Classification("kind", ("a", "b")), Regression("price").standardised(targets["price"].tolist())]
    return MultiTaskDataset(inputs, targets, tasks=tasks), tasks


class Scripted(SGD):
    """An optimizer that puts the heads where a script says: accuracy is best after step 2, MAE after step 4."""

    def __init__(self, model):
        super().__init__(model.parameters(), lr=0.1)
        self.model, self.steps = model, 0

    def step(self, closure=None):
        self.steps += 1
        kind, price = self.model.heads["kind"], self.model.heads["price"]
        with torch.no_grad():
            for p in self.model.heads.parameters():
                p.zero_()
            kind.weight[1, 0] = {2: 5.0, 3: 5.0}.get(self.steps, -1.0)
            price.weight[0, 1] = {2: 0.3, 3: 0.6, 4: 0.9}.get(self.steps, 0.0)


def scripted(steps=6, **options):
    data, tasks = price_and_class()
    torch.manual_seed(0)
    model, seen = MultiTaskModel(OnFeatures(4), tasks), {}

    def note(record):
        seen[record.step] = (record.val_scores, state_of(model))

    loader = make_loader(data, 100)
    history = fit(model, loader, Scripted(model), steps=steps, val_loader=loader, eval_every=1, on_step=note, **options)
    return model, {step: state for step, (_, state) in seen.items()}, history


@pytest.mark.parametrize(
    ("best", "step"),
    [
        (None, 3),  # both skills together; accuracy minus MAE would take step 4, for a price's sake
        ("kind", 2),
        ("price", 4),
        (lambda scores: scores["kind"] - scores["price"], 4),
    ],
    ids=["skill", "a task", "the other", "a function"],
)
def test_what_best_means_can_be_chosen_and_has_no_unit(best, step):
    model, states, _ = scripted(best=best)
    assert same(state_of(model), states[step])


def test_a_checkpoint_for_each_task():
    each = {}
    model, states, _ = scripted(each=each)
    assert same(each["kind"], states[2]) and same(each["price"], states[4]) and same(state_of(model), states[3])


def test_a_task_that_is_never_validated_has_no_checkpoint(new_model, new_loader, dataset):
    starless = MultiTaskDataset(dataset.inputs, {"topic": dataset.targets["topic"]}, lengths=dataset.lengths)
    model, each = new_model(), {}
    options = {"steps": 4, "eval_every": 2, "val_loader": make_loader(starless)}
    fit(model, new_loader(), SGD(model.parameters(), lr=0.1), each=each, **options)
    assert set(each) == {"topic"}
    for best in ("stars", lambda scores: scores["stars"]):
        with pytest.raises(TrainingError, match=r"is no number at step 2: the validation data say nothing of \['senti"):
            fit(model, new_loader(), SGD(model.parameters(), lr=0.1), best=best, **options)


def test_patience_ends_a_run_that_no_longer_gets_better():
    model, states, history = scripted(steps=50, patience=5)
    assert history.step.max() == 8 and same(state_of(model), states[3])


def test_the_last_step_is_validated_and_the_model_answers(new_model, new_loader):
    model = new_model()
    history = fit(model, new_loader(), Adam(model.parameters()), steps=7, val_loader=new_loader(64), eval_every=5)
    assert history.step[history.val_score.notna()].unique().tolist() == [5, 7] and not model.training


# A loop of one's own, and what the loop can do besides


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
def test_fully_labelled_batches_train_as_by_the_loop_written_out(new_model, dataset, optimizer):
    """Bit for bit."""
    for mask in dataset.masks.values():
        mask.fill_(True)
    weights = {"topic": 1.0, "sentiment": 0.5, "stars": 0.1}
    losses = {"topic": F.cross_entropy, "sentiment": F.cross_entropy, "stars": F.mse_loss}
    by_hand, model = new_model(), new_model()
    steps = optimizer(by_hand.parameters(), lr=0.02)
    expected = []
    for batch in itertools.islice(itertools.chain.from_iterable(itertools.repeat(make_loader(dataset, 16))), 40):
        steps.zero_grad()
        each = {
            name: losses[name](output, batch.targets[name], reduction="none").mean()
            for name, output in by_hand(batch.inputs).items()
        }
        sum(weights[name] * loss for name, loss in each.items()).backward()
        steps.step()
        expected += [loss.item() for loss in each.values()]
    history = fit(model, make_loader(dataset, 16), optimizer(model.parameters(), lr=0.02), steps=40, weights=weights)
    assert history.loss.tolist() == expected and same(state_of(model), state_of(by_hand))


def test_a_plain_dict_of_weights_is_read_anew_at_each_step(new_model, new_loader):
    model, weights = new_model(), {"topic": 1.0}
    steps = train_steps(model, new_loader(), SGD(model.parameters(), lr=0.1), weights=weights)
    first = next(steps)
    weights["topic"] = 0
    assert (first.weights["topic"], next(steps).weights["topic"]) == (1, 0)
    weights["topics"] = 1
    with pytest.raises(TrainingError, match="There is no task 'topics' to weight"):
        next(steps)


class Stream:
    """A loader without a length, that gives the batches anew each time."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        yield from self.batches


def test_a_loader_needs_no_length(new_model, new_loader):
    model, stream = new_model(), Stream(list(new_loader()))
    history = fit(model, stream, SGD(model.parameters(), lr=0.1), steps=20, val_loader=stream)
    assert history.epoch.max() == 2 and history.val_score.notna().any()


class Elsewhere(nn.Module):
    """An encoder on torch's device `meta`, which stands here for a GPU: a batch that stays behind is an error."""

    features = 6

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 6)

    def forward(self, tokens):
        assert tokens.device == self.embedding.weight.device
        return self.embedding(tokens).mean(dim=1)


def test_batches_are_moved_to_where_the_model_is(new_model, new_loader):
    model = new_model(lambda size, embedding_dim: Elsewhere()).to("meta")
    steps = train_steps(model, new_loader(), SGD(model.parameters(), lr=0.1))
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):  # to read a loss, there is nothing to read
        next(steps)


def test_a_wrapped_model_is_understood(new_model, new_loader):
    """DataParallel hides tasks and penalty behind .module; on a CPU it only hands on."""

    def run(wrap):
        model = SoftSharing({t.name: new_model().encoder for t in [TOPIC, STARS]}, [TOPIC, STARS], strength=0.5)
        for p in model.encoder.by_task["stars"].parameters():
            p.data.add_(0.1)
        torch.manual_seed(0)
        wrapped = wrap(model)
        loader = new_loader()
        history = fit(wrapped, loader, SGD(model.parameters(), lr=0.01), steps=5, weights=RULES["DWA"](model.tasks))
        totals = [r.total for r in itertools.islice(train_steps(wrapped, loader, SGD(model.parameters(), lr=0.01)), 2)]
        return history, totals, validate(wrapped, new_loader(shuffle=False))

    (history, totals, scores), (again, totals_again, scores_again) = run(lambda m: m), run(nn.DataParallel)
    assert history.equals(again) and totals == totals_again and scores == scores_again


@pytest.mark.parametrize("name", RULES)
def test_accumulated_batches_are_one_large_batch(new_model, dataset, name):
    """Of three micro-batches with unlike numbers of labels, by every rule, up to rounding."""

    def run(batch_size, accumulate):
        torch.manual_seed(0)
        model = new_model()
        optimizer = SGD(model.parameters(), lr=0.02)
        rows = make_loader(dataset, 48)
        batches = [part for batch in rows for part in cut(batch, batch_size)]
        return fit(model, batches, optimizer, steps=12, weights=RULES[name](model.tasks), accumulate=accumulate)

    def cut(batch, size):
        parts = [slice(i, i + size) for i in range(0, 48, size)]
        return [
            Batch(batch.inputs[s], *({k: v[s] for k, v in each.items()} for each in (batch.targets, batch.masks)))
            for s in parts
        ]

    large, small = run(48, 1), run(16, 3)
    columns = ["loss", "weight"]
    np.testing.assert_allclose(small[columns].to_numpy(float), large[columns].to_numpy(float), rtol=2e-3, atol=1e-4)


def test_accumulation_repeats_the_dropout_and_moves_batchnorm_once(new_model):
    class Noisy(nn.Module):
        features = 6

        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))

        def forward(self, inputs):
            return self.layers(inputs)

    draw = torch.Generator().manual_seed(0)
    batches = [
        Batch(
            torch.randn(8, 6, generator=draw),
            {"stars": torch.randn(8, generator=draw)},
            {"stars": torch.ones(8).bool()},
        )
        for _ in range(2)
    ]
    model = new_model(lambda size, embedding_dim: Noisy(), [STARS])
    by_hand = copy.deepcopy(model)
    torch.manual_seed(1)
    fit(model, batches, SGD(model.parameters(), lr=0.1), steps=1, accumulate=2)
    torch.manual_seed(1)
    optimizer = SGD(by_hand.parameters(), lr=0.1)
    sum(STARS.loss(by_hand(b.inputs)["stars"], b.targets["stars"]) / 2 for b in batches).backward()
    optimizer.step()
    for key, value in state_of(by_hand).items():
        torch.testing.assert_close(model.state_dict()[key], value)


@pytest.mark.parametrize("name", RULES)
def test_bf16_autocast_works_with_every_rule(new_model, new_loader, name):
    def run(autocast):
        model = new_model()
        optimizer = SGD(model.parameters(), lr=0.02)
        history = fit(model, new_loader(), optimizer, steps=6, weights=RULES[name](model.tasks), autocast=autocast)
        assert all(p.grad is None or p.grad.dtype == p.dtype == torch.float32 for p in model.parameters())
        return history

    full, mixed = run(None), run("bf16")
    assert not full.loss.equals(mixed.loss) and np.isfinite(mixed.weight).all()
    np.testing.assert_allclose(mixed.loss, full.loss, rtol=0.05)


@pytest.mark.parametrize("name", RULES)
def test_within_autocast_of_ones_own_a_rule_works_too(new_model, new_loader, name):
    model = new_model()
    with torch.autocast("cpu", torch.bfloat16):
        steps = train_steps(model, new_loader(), SGD(model.parameters(), lr=0.02), weights=RULES[name](model.tasks))
        records = list(itertools.islice(steps, 3))
    assert all(math.isfinite(value) for r in records for value in r.weights.values())
    assert all(p.grad.dtype == torch.float32 for p in model.parameters() if p.grad is not None)


def test_a_gradient_that_is_too_long_is_clipped(new_model, new_loader):
    model = new_model()
    before = state_of(model)
    next(train_steps(model, new_loader(), SGD(model.parameters(), lr=1.0), clip=0.01))
    moved = sum((value - before[name]).square().sum() for name, value in model.state_dict().items()).sqrt()
    assert moved.item() == pytest.approx(0.01, rel=1e-3)


def test_validation_takes_no_random_number_and_puts_each_part_back_to_its_mode(dropping):
    model, loader = dropping
    plain = DataLoader(loader.dataset, batch_size=16)  # draws a number when it begins
    model.train()
    model.heads.eval()
    before = torch.get_rng_state()
    validate(model, plain)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.encoder.training and not model.heads.training


def test_new_texts_without_labels_can_be_predicted(new_model, dataset):
    bare = MultiTaskDataset(dataset.inputs, None, lengths=dataset.lengths)
    output, target, mask = predict(new_model(), make_loader(bare, 50))["stars"]
    assert output.shape == target.shape == (240,) and not mask.any()


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda m, o, b: next(train_steps(m, b, SGD(o.parameters(), lr=1))), "holds no parameter of this model"),
        (
            lambda m, o, b: next(train_steps(nn.Linear(1, 1), b, SGD(m.parameters()))),
            "a wrapper that keeps it as .module",
        ),
        (lambda m, o, b: list(train_steps(m, iter(b), SGD(m.parameters()))), "it can be read only once"),
        (lambda m, o, b: next(train_steps(m, Stream([]), SGD(m.parameters()))), "has no batch: the split is empty"),
        (lambda m, o, b: predict(m, Stream([])), "nothing to predict: the loader has no batch"),
        (lambda m, o, b: next(train_steps(m, b, SGD(m.parameters()), autocast="fp16")), "autocast is 'bf16' or None"),
        (lambda m, o, b: next(train_steps(m, b, SGD(m.parameters()), clip=0)), "clip, the longest gradient, must be"),
        (
            lambda m, o, b: next(train_steps(m, b, SGD(m.parameters()), accumulate=0)),
            "accumulate must be a whole number",
        ),
        (
            lambda m, o, b: next(train_steps(m, b, s := SGD(m.parameters()), scheduler=ReduceLROnPlateau(s))),
            "ReduceLROnPlateau wants a score",
        ),
        (lambda m, o, b: fit(m, b, SGD(m.parameters()), steps=1, val_loader=b, best="mood"), "found 'mood'"),
        (lambda m, o, b: fit(m, b, SGD(m.parameters()), steps=1, val_loader=b, best=3), "or None; found 3"),
        (lambda m, o, b: fit(m, b, SGD(m.parameters()), steps=1, patience=3), "give a val_loader"),
        (lambda m, o, b: fit(m, b, SGD(m.parameters()), steps=True), "steps must be a whole number of at least 1"),
    ],
)
def test_what_cannot_train_is_said(new_model, new_loader, act, said):
    with pytest.raises((TrainingError, ModelError)) as caught:
        act(new_model(), new_model(), list(new_loader(120)))
    assert said in str(caught.value)
