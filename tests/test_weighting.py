"""The rules that choose λ: each does what its formula says, and the loop trains with any of them."""

import copy
import dataclasses
import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from test_sharing import WAYS
from torch import nn
from torch.optim import SGD, Adam, AdamW
from torchjd import scalarization
from torchjd.aggregation import IMTLG, MGDA, AlignedMTL, ConFIG, PCGrad, UPGrad

from mtl_helpers.data import Batch, MultiTaskDataset, make_loader
from mtl_helpers.models import ModelError, MultiTaskModel
from mtl_helpers.relations import SoftSharing, gradient_cosines, task_gradients
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Classification, Regression
from mtl_helpers.training import (
    DWA,
    FAMO,
    RULES,
    GradientWeighting,
    GradNorm,
    HandOver,
    LossWeighting,
    NNLSProjector,
    RandomWeights,
    StaticWeights,
    TaskWeights,
    TrainingDiverged,
    TrainingError,
    Uncertainty,
    Weighting,
    fit,
    task_losses,
    train_steps,
    validate,
    weights_by_count,
)
from mtl_helpers.training.rules.gradnorm import gradnorm_slope, last_shared_layer

TASKS = (TOPIC, SENTIMENT, STARS)
BY_GRADIENT = {"MGDA": MGDA, "PCGrad": PCGrad, "IMTL-G": IMTLG, "Aligned-MTL": AlignedMTL}
BY_GRADIENT["UPGrad"] = lambda: UPGrad(projector=NNLSProjector())


@pytest.fixture(params=RULES)
def name(request):
    return request.param


@pytest.fixture
def new_rule(name):
    return RULES[name]


def losses_of(**values):
    return {name: torch.tensor(value) for name, value in values.items()}


def numbered(n):
    return [Regression(f"t{i}") if i % 2 else Classification(f"t{i}", classes=("a", "b")) for i in range(n)]


def by_gradient(name, n=2, **options):
    return GradientWeighting(numbered(n), BY_GRADIENT[name](), **options)


def some_gradients(n, seed=0, size=7):
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed))


def conflicting(seed=0):
    """Two gradients with a negative product, of norms that differ."""
    a, b = some_gradients(2, seed)
    return torch.stack([a, 3 * b if a @ b < 0 else -3 * b])


def state_of(module):
    return copy.deepcopy(module.state_dict())


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


# Every rule, in the loop


def test_it_trains(new_model, new_loader, new_rule):
    model = new_model()
    fit(model, new_loader(), Adam(model.parameters(), lr=0.02), steps=120, weights=new_rule(model.tasks, total=3))
    _, scores = validate(model, new_loader())
    assert scores["topic"] > 0.9 and scores["sentiment"] > 0.9


@pytest.mark.parametrize("way", WAYS)
def test_gradients_lie_in_memory_as_their_parameters(new_loader, new_rule, way):
    """Else a fused optimizer would mix up their numbers, without an error."""
    model, batch = WAYS[way](TASKS), next(iter(new_loader()))
    rule = new_rule(model.tasks)
    rule.begin(model, SGD(model.parameters(), lr=0.1))
    rule.backward(task_losses(model.tasks, model(batch.inputs), batch), model)
    assert all(p.grad is None or p.grad.stride() == p.stride() for p in model.parameters())


@pytest.mark.parametrize("way", WAYS)
def test_its_weights_are_those_of_the_gradient_with_any_way_of_sharing(new_loader, name, new_rule, way):
    model = WAYS[way](TASKS)
    optimizer, batch = SGD(model.parameters(), lr=0.1), next(iter(new_loader()))
    rule = new_rule(model.tasks)
    rule.begin(model, optimizer)
    losses = task_losses(model.tasks, model(batch.inputs), batch)
    penalty = model.penalty() if isinstance(model, SoftSharing) else None
    weights = rule.backward(losses, model, penalty)
    assert list(weights) == [task.name for task in model.tasks] and weights == rule.weights
    found = [None if p.grad is None else p.grad.clone() for p in model.parameters()]

    shared = {id(p) for p in model.shared_parameters()}
    losses = task_losses(model.tasks, model(batch.inputs), batch)
    parameters = [p for p in model.parameters() if p.requires_grad]
    total = sum(weights[name] * loss for name, loss in losses.items())
    extra = 0 if penalty is None else model.penalty()
    expected = dict(
        zip(
            parameters,
            torch.autograd.grad(total + extra, parameters, retain_graph=True, allow_unused=True),
            strict=True,
        )
    )
    unweighted = torch.autograd.grad(sum(losses.values()) + extra, parameters, allow_unused=True)
    for p, plain in zip(parameters, unweighted, strict=True):
        if name in BY_GRADIENT and id(p) not in shared:
            expected[p] = plain
    for p, gradient in zip(model.parameters(), found, strict=True):
        wanted = expected.get(p)
        assert (gradient is None) == (wanted is None)
        if gradient is not None:
            torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_it_trains_any_way_of_sharing(new_loader, new_rule, way):
    model = WAYS[way](TASKS)
    before = state_of(model)
    optimizer = AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    history = fit(model, new_loader(), optimizer, steps=4, weights=new_rule(model.tasks))
    assert np.isfinite(history[["loss", "weight"]].to_numpy(float)).all() and not same(state_of(model), before)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_any_number_of_tasks_and_any_sum(dataset, new_model, new_rule, n):
    sources = [("topic", TOPIC), ("stars", STARS), ("sentiment", SENTIMENT), ("topic", TOPIC), ("stars", STARS)][:n]
    tasks = [dataclasses.replace(task, name=f"t{i}") for i, (_, task) in enumerate(sources)]
    targets = {f"t{i}": dataset.targets[source] for i, (source, _) in enumerate(sources)}
    masks = {f"t{i}": dataset.masks[source] for i, (source, _) in enumerate(sources)}
    loader = make_loader(MultiTaskDataset(dataset.inputs, targets, masks, dataset.lengths), 16, shuffle=True)
    model = new_model(tasks=tasks)
    for record in itertools.islice(
        train_steps(model, loader, SGD(model.parameters(), lr=0.05), weights=new_rule(tasks, total=n)), 20
    ):
        assert list(record.weights) == [task.name for task in tasks]
        assert sum(record.weights.values()) == pytest.approx(n, rel=1e-4)


def test_its_own_sum_and_sign(new_model, new_loader, name, new_rule):
    """What λ sum to as each rule is published, over thirty steps; PCGrad adds to 1 what it takes out, UPGrad to 1/T."""
    model = new_model()
    steps = train_steps(model, new_loader(40), Adam(model.parameters(), lr=0.02), weights=new_rule(TASKS))
    rows = [list(record.weights.values()) for record in itertools.islice(steps, 30)]
    if sums := {"equal": 3, "DWA": 3, "GradNorm": 3, "random": 1, "FAMO": 1, "MGDA": 1, "IMTL-G": 1}.get(name):
        assert np.sum(rows, axis=1) == pytest.approx(sums, rel=1e-4)
    if name not in {"IMTL-G", "Aligned-MTL"}:
        assert np.min(rows) >= {"PCGrad": 1, "UPGrad": 1 / 3}.get(name, 0) - 1e-6


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"random"}))
def test_the_order_of_the_tasks_does_not_matter_in_training(new_model, new_loader, name):
    """The same model with its two tasks in either order. (Drawn at random, λ are another draw.)"""
    found, begun = [], state_of(new_model(tasks=(TOPIC, SENTIMENT)))
    for tasks in ((TOPIC, SENTIMENT), (SENTIMENT, TOPIC)):
        model = new_model(tasks=tasks)
        model.load_state_dict(begun)
        history = fit(model, new_loader(), SGD(model.parameters(), lr=0.05), steps=40, weights=RULES[name](tasks))
        found.append(history.pivot_table(index="step", columns="task", values=["loss", "weight"]))
    assert np.allclose(*found, rtol=1e-2, atol=1e-3)


def test_the_same_seed_gives_the_same_run_bit_for_bit(new_model, new_loader, new_rule):
    def run():
        model = new_model()
        torch.manual_seed(torch.seed())  # nothing may come from the global random numbers
        loader, outside = new_loader(), torch.get_rng_state()
        history = fit(model, loader, Adam(model.parameters(), lr=0.01), steps=20, weights=new_rule(model.tasks))
        assert torch.equal(torch.get_rng_state(), outside), "nor disturb them"
        return history, state_of(model)

    (history, state), (again, state_again) = run(), run()
    assert history.equals(again) and same(state, state_again)


def test_batches_without_any_label_change_nothing(new_model, dataset, new_rule):
    for mask in dataset.masks.values():
        mask.zero_()
    model = new_model()
    before = state_of(model)
    history = fit(model, make_loader(dataset, 60), SGD(model.parameters(), lr=0.1), steps=9, weights=new_rule(TASKS))
    assert same(state_of(model), before)
    assert history.loss.isna().all()


@pytest.mark.parametrize("start", [0, 120], ids=["never labelled", "labelled in half of the batches"])
def test_a_task_without_labels_does_not_stop_the_others(new_model, dataset, name, new_rule, start):
    """Batches in order: in the first half topic has labels or not, then none."""
    dataset.masks["topic"][start:] = False
    model, loader = new_model(), make_loader(dataset, 24)
    rule = new_rule(TASKS, total=3)
    head = state_of(model.heads["topic"])
    history = fit(model, loader, SGD(model.parameters(), lr=0.05), steps=50, weights=rule)
    others = history[(history.task != "topic") & (history.step > 5)]
    assert np.isfinite(others.weight).all()
    assert others.groupby("step").weight.sum().min() > 0.1, "the step must not be given to the task without labels"
    assert same(state_of(model.heads["topic"]), head) == (start == 0)
    by_epoch = others.assign(epoch=others.epoch).groupby("epoch").loss.mean()
    assert by_epoch.iloc[-1] < by_epoch.iloc[0]


def test_a_frozen_encoder_stays_and_the_heads_learn(new_model, new_loader, name, new_rule):
    model = new_model()
    model.encoder.requires_grad_(False)
    before = state_of(model)
    optimizer = AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    history = fit(model, new_loader(), optimizer, steps=5, weights=new_rule(TASKS))
    assert same(state_of(model.encoder), {k.removeprefix("encoder."): v for k, v in before.items() if "encoder" in k})
    assert not same(state_of(model), before)
    if name in BY_GRADIENT:
        assert (history.weight == 1).all(), "nothing shared, nothing to weigh"


def test_a_loss_that_is_not_finite_stops_before_the_step(new_model, dataset, new_rule):
    dataset.targets["stars"][:] = 1e30
    model = new_model()
    before = state_of(model)
    with pytest.raises(TrainingDiverged, match=r"step 1: 'stars' \(loss (inf|nan), λ .*learning rate"):
        fit(model, make_loader(dataset), SGD(model.parameters(), lr=0.1), steps=1, weights=new_rule(TASKS))
    assert same(state_of(model), before)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_a_gradient_that_is_not_finite_stops_before_the_step(new_model, new_loader, name):
    model = new_model()
    model.encoder.embedding.weight.register_hook(lambda gradient: gradient * math.inf)
    before = state_of(model)
    with pytest.raises(TrainingDiverged, match=r"step 1: 'topic' \(loss .*, λ nan\)"):
        fit(model, new_loader(), SGD(model.parameters(), lr=0.1), steps=1, weights=RULES[name](TASKS))
    assert same(state_of(model), before)


# Taking over


def test_a_rule_takes_over_from_where_weights_stand(new_model, new_loader, name, new_rule):
    model, by_hand = new_model(), TaskWeights(["topic", "sentiment", "stars"], sentiment=0.5, stars=0.25)
    weights = HandOver(TASKS, by_hand)
    steps = train_steps(model, new_loader(), Adam(model.parameters(), lr=0.01), weights=weights)
    records = list(itertools.islice(steps, 5))
    rule = new_rule(TASKS)
    weights.to(rule)
    records += itertools.islice(steps, 40)
    given = {"topic": 1, "sentiment": 0.5, "stars": 0.25}
    assert all(record.weights == given for record in records[:5])
    assert [record.step for record in records] == list(range(1, 46)), "one run"
    if name in {"uncertainty", "DWA", "GradNorm", "FAMO"}:
        assert records[5].weights == pytest.approx(given, rel=1e-5)
    else:
        assert rule.start_from(given) is False, "it has no state that could"
    if name != "DWA":
        assert records[-1].weights != pytest.approx(given, rel=1e-3), "and goes on from there"
    assert weights.weights == records[-1].weights or name == "GradNorm"


def test_back_by_hand_the_weights_are_what_the_rule_left(new_model, new_loader):
    model, by_hand = new_model(), TaskWeights(["topic", "sentiment", "stars"])
    weights = HandOver(TASKS, Uncertainty(TASKS, lr=0.1))
    steps = train_steps(model, new_loader(), Adam(model.parameters(), lr=0.01), weights=weights)
    left = list(itertools.islice(steps, 20))[-1].weights
    weights.to(StaticWeights(TASKS, by_hand))
    assert next(steps).weights == dict(by_hand) and by_hand == pytest.approx(left)
    by_hand["topic"] = 7
    assert next(steps).weights["topic"] == 7


def test_a_weight_of_zero_is_taken_over_as_a_small_one():
    for rule in (Uncertainty(TASKS), FAMO(TASKS), GradNorm(TASKS)):
        assert rule.start_from({"topic": 1.0, "sentiment": 0.0, "stars": -0.5})
        if not isinstance(rule, GradNorm):
            rule.weigh(losses_of(topic=1.0, sentiment=0.5, stars=2.0), None)
        assert all(0 < weight <= 1 for weight in rule.weights.values())


# A rule of one's own, and which tasks a rule sees


class ByLoss(Weighting):
    """All that a rule of one's own needs."""

    def weigh(self, losses, model):
        return {name: loss.detach() for name, loss in losses.items()}


def test_total_holds_for_a_rule_of_ones_own_without_its_doing(new_model, new_loader):
    model = new_model()
    steps = train_steps(model, new_loader(), SGD(model.parameters(), lr=0.01), weights=ByLoss(TASKS, total=6))
    for record in itertools.islice(steps, 20):
        assert sum(record.weights.values()) == pytest.approx(6)
        losses = np.array(list(record.losses.values()))
        assert list(record.weights.values()) == pytest.approx(6 * losses / losses.sum())


@pytest.mark.parametrize("rule", [ByLoss, *RULES])
def test_a_rule_sees_only_tasks_with_a_label(new_model, dataset, rule):
    """The share of the total that an absent task would have had is left out; its loss is shown as nothing."""
    dataset.masks["stars"].zero_()
    model, seen = new_model(), set()
    made = ByLoss(TASKS, total=3) if rule is ByLoss else RULES[rule](TASKS, total=3)
    weigh = made.weigh
    made.weigh = lambda losses, model: seen.update(losses) or weigh(losses, model)
    steps = train_steps(model, make_loader(dataset, 16), SGD(model.parameters(), lr=0.01), weights=made)
    for record in itertools.islice(steps, 25):
        known = [value for value in record.weights.values() if not math.isnan(value)]
        assert math.isnan(record.losses["stars"]) and len(known) >= 2
        assert sum(known) == pytest.approx(len(known), rel=1e-4)
        present = ("topic", "sentiment")
        weighted = sum(record.weights[name] * record.losses[name] for name in present)
        assert record.total == pytest.approx(weighted + record.own_loss)
    assert "stars" not in seen


def test_dwa_and_famo_are_those_of_torchjd_where_every_task_has_labels():
    draw = torch.Generator().manual_seed(0)
    dwa, famo, theirs = (
        DWA(TASKS),
        FAMO(TASKS),
        (scalarization.DWA(2.0), scalarization.FAMO(3, torch.full((3,), -0.01))),
    )
    for step in range(40):
        values, after = torch.rand(2, 3, generator=draw) + 0.1
        losses = dict(zip(dwa.names, values, strict=True))
        for rule, other in zip((dwa, famo), theirs, strict=True):
            seen = values.clone().requires_grad_()
            assert list(rule.weigh(losses, None).values()) == torch.autograd.grad(other(seen), seen)[0].tolist()
        famo.after_step(None, lambda after=after: dict(zip(famo.names, after, strict=True)))
        theirs[1].update(after)
        if step % 5 == 4:
            dwa.after_epoch()
            theirs[0].step()


def test_a_loss_of_zero_is_not_a_missing_label():
    """It counts in the mean of an epoch, in FAMO's sum and in GradNorm's progress."""
    rule = DWA(TASKS[:2])
    for sentiment in (1.0, 0.0, 1.0):
        weights = rule.weigh(losses_of(topic=1.0, sentiment=sentiment), None)
        rule.after_epoch()
    assert weights["sentiment"] < weights["topic"], "it fell to 0, so it needs less"
    weights = rule.weigh(losses_of(topic=1.0, sentiment=1.0), None)
    assert weights["sentiment"] == pytest.approx(2) and weights["topic"] == pytest.approx(0), (
        "from 0 up is infinitely worse"
    )
    famo = FAMO(TASKS[:2], floor=0.01)
    assert famo.weigh(losses_of(topic=1.0, sentiment=0.0), None)["sentiment"] > 0.98
    rule = GradNorm(TASKS[:2], first=1)
    for sentiment in (1.0, 0.0, 0.0):
        rule.update(torch.tensor([1.0, 1.0]), torch.tensor([1.0, sentiment]))
    assert rule.weights["topic"] > 1 > rule.weights["sentiment"], "sentiment has made all the progress there is"


def test_uncertainty_learns_of_a_loss_of_zero(new_model):
    """s falls, and λ grows without end, where there is no noise; it rests where there is no label."""
    rule, model = Uncertainty(TASKS[:2]), new_model(tasks=TASKS[:2])
    rule.begin(model, SGD(model.parameters(), lr=0.1))
    rule.weigh(losses_of(topic=0.0, sentiment=1.0), model)
    assert rule.s.grad.tolist() == pytest.approx([0.5, -0.5])
    rule.weigh(losses_of(sentiment=1.0), model)
    assert rule.s.grad.tolist() == pytest.approx([0.0, -0.5])


class Coin(nn.Module):
    """An encoder that is nothing but BatchNorm and dropout."""

    features = 4

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)

    def forward(self, inputs):
        return nn.functional.dropout(self.norm(inputs), 0.5, self.training)


def test_famos_second_look_repeats_the_dropout_and_leaves_batchnorm():
    """If nothing is learnt nothing is gained, and z stays at one half each, whatever is dropped."""
    torch.manual_seed(0)
    tasks = [Regression("a"), Regression("b")]
    model = MultiTaskModel(Coin(), tasks)
    data = MultiTaskDataset(torch.randn(64, 4), {t.name: torch.randn(64) for t in tasks}, tasks=tasks)
    rule = FAMO(tasks, weight_decay=0)
    steps = train_steps(model, make_loader(data, 8), SGD(model.parameters(), lr=1e-12), weights=rule)
    for record in itertools.islice(steps, 100):
        assert model.encoder.norm.num_batches_tracked == record.step
    assert rule.w.softmax(dim=0).tolist() == pytest.approx([0.5, 0.5], abs=1e-3)


# By hand, and by amount of data


def test_static_weights_are_the_mapping_bit_for_bit(new_model, new_loader):
    def run(weights):
        model = new_model()
        return fit(model, new_loader(), Adam(model.parameters(), lr=0.01), steps=12, weights=weights), state_of(model)

    mapping = {"topic": 0.3, "stars": 0.1}
    (history, state), (again, state_again) = run(mapping), run(StaticWeights(TASKS, mapping))
    assert history.equals(again) and same(state, state_again)


def test_weights_by_count(dataset):
    counts = {name: int(mask.sum()) for name, mask in dataset.masks.items()}
    assert counts == {"topic": 240, "sentiment": 192, "stars": 216}
    for alpha in (0.0, 0.5, 1.0, -1.0):
        weights = weights_by_count(dataset, alpha=alpha)
        assert sum(weights.values()) == pytest.approx(3)
        assert weights["topic"] / weights["sentiment"] == pytest.approx((240 / 192) ** alpha)


# From the losses


def test_uncertainty_is_its_formula(new_model, new_loader):
    model, rule = new_model(), Uncertainty(TASKS)
    rule.begin(model, SGD(model.parameters(), lr=0.1))
    with torch.no_grad():
        rule.s.copy_(torch.tensor([0.5, -1.0, 2.0]))
    losses = losses_of(topic=1.5, sentiment=0.2, stars=3.0)
    c, s, values = torch.tensor([1, 1, 0.5]), rule.s.detach(), torch.tensor([1.5, 0.2, 3.0])
    assert list(rule.weigh(losses, model).values()) == pytest.approx((c * (-s).exp()).tolist())
    torch.testing.assert_close(rule.s.grad, -c * (-s).exp() * values + 0.5)
    assert rule.own_loss() == pytest.approx(s.sum().item() / 2)
    rule.weigh(losses_of(topic=1.5, stars=3.0), model)
    assert rule.s.grad[1] == 0 and (rule.s.grad[[0, 2]] != 0).all(), "no label, no opinion"
    rule.weigh(losses_of(topic=1.5, sentiment=0.0, stars=3.0), model)
    assert rule.s.grad[1] == 0.5, "a loss of 0 is no missing label"


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
def test_uncertainty_learns_by_an_optimizer_of_its_own_and_rests_without_a_label(new_model, dataset, optimizer):
    """The model's optimizer stays as it was made, so that schedulers and checkpoints of it still fit."""
    model, before = new_model(), None
    theirs = optimizer(model.parameters(), lr=0.01, weight_decay=0.5)
    rule = Uncertainty(TASKS, lr=0.05)
    for _ in range(2):
        fit(model, make_loader(dataset, 16), theirs, steps=3, weights=rule)
    assert len(theirs.param_groups) == 1 and (rule.s != 0).all()
    dataset.masks["stars"].zero_()
    before = rule.s.detach().clone()
    fit(model, make_loader(dataset, 16), theirs, steps=3, weights=rule)
    assert rule.s[2] == before[2] and (rule.s[:2] != before[:2]).all(), "momentum must not move it either"


def test_the_learning_rate_of_uncertainty_follows_the_scheduler(new_model, new_loader):
    """A scheduler made before the rule, as one does."""
    model = new_model()
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step < 5))
    rule, seen = Uncertainty(TASKS), []
    options = {"weights": rule, "scheduler": scheduler, "on_step": lambda record: seen.append(rule.s.tolist())}
    fit(model, new_loader(), optimizer, steps=8, **options)
    assert all(map(np.not_equal, seen[3], seen[4])) and seen[4] == seen[5] == seen[7]


def test_the_total_of_uncertainty_may_be_negative(new_model, new_loader):
    model = new_model()
    steps = train_steps(model, new_loader(), Adam(model.parameters(), lr=0.03), weights=Uncertainty(TASKS, lr=0.05))
    *_, last = itertools.islice(steps, 150)
    assert last.total < 0 < min(last.losses.values())


class Identity(nn.Module):
    features = 2

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, inputs):
        return self.linear(inputs)


def regressions(noise, scale=(1.0, 1.0), n=2000):
    """Two regressions on the same two numbers, with that noise; a model and a loader."""
    random = torch.Generator().manual_seed(0)
    inputs, errors = torch.randn(n, 2, generator=random), torch.randn(n, 2, generator=random)
    tasks = [Regression("a"), Regression("b")]
    truth = inputs @ torch.tensor([[1.0, -1.0], [1.0, 1.0]]) + errors * torch.tensor(noise)
    targets = {"a": scale[0] * truth[:, 0], "b": scale[1] * truth[:, 1]}
    masks = {"a": torch.ones(n, dtype=torch.bool), "b": torch.ones(n, dtype=torch.bool)}
    torch.manual_seed(0)
    model = MultiTaskModel(Identity(), tasks)
    return model, make_loader(MultiTaskDataset(inputs, targets, masks), 200, shuffle=True)


def test_uncertainty_finds_the_noise_of_kendalls_toy():
    """Kendall, Gal and Cipolla's own check: σ = 10 and 1; they find 8.59 and 0.92."""
    model, loader = regressions(noise=(10.0, 1.0))
    rule = Uncertainty(model.tasks, lr=0.1)
    fit(model, loader, Adam(model.parameters(), lr=0.05), steps=400, weights=rule)
    assert (rule.s / 2).exp().tolist() == pytest.approx([10, 1], rel=0.2)


def test_dwa_is_its_formula_and_changes_with_the_epoch():
    rule = DWA(TASKS, temperature=0.5)
    epochs = [  # two batches each
        [(4.0, 1.0, 9.0), (2.0, 1.0, 7.0)],
        [(2.0, 1.0, 8.0), (1.0, 1.0, 8.0)],
        [(1.0, 0.5, 8.0), (0.5, 0.7, 9.0)],
    ]
    for epoch in epochs[:2]:
        for batch in epoch:
            weights = rule.weigh(dict(zip(rule.names, map(torch.tensor, batch), strict=True)), None)
            assert weights == {"topic": 1, "sentiment": 1, "stars": 1}
        rule.after_epoch()
    ratios = np.array([1.5 / 3, 1 / 1, 8 / 8])
    expected = 3 * np.exp(ratios / 0.5) / np.exp(ratios / 0.5).sum()
    for batch in epochs[2]:
        weights = rule.weigh(dict(zip(rule.names, map(torch.tensor, batch), strict=True)), None)
        assert list(weights.values()) == pytest.approx(expected)
    rule.after_epoch()
    ratios = np.array([0.75 / 1.5, 0.6 / 1, 8.5 / 8])
    expected = 3 * np.exp(ratios / 0.5) / np.exp(ratios / 0.5).sum()
    assert list(rule.weigh(losses_of(topic=1.0, sentiment=1.0, stars=1.0), None).values()) == pytest.approx(expected)


def test_the_loop_tells_dwa_when_an_epoch_is_over(new_model, new_loader):
    model = new_model()
    steps = train_steps(model, new_loader(40), Adam(model.parameters(), lr=0.02), weights=DWA(TASKS))
    records = list(itertools.islice(steps, 24))
    by_epoch = {epoch: [r.weights for r in records if r.epoch == epoch] for epoch in (1, 2, 3, 4)}
    assert all(weights == by_epoch[epoch][0] for epoch in by_epoch for weights in by_epoch[epoch])
    assert by_epoch[1][0] == by_epoch[2][0] == dict.fromkeys(by_epoch[1][0], 1.0)
    means = [np.mean([list(r.losses.values()) for r in records if r.epoch == e], axis=0) for e in (1, 2)]
    expected = np.exp(means[1] / means[0] / 2)
    assert list(by_epoch[3][0].values()) == pytest.approx(3 * expected / expected.sum(), rel=1e-4)


def test_random_weights_are_drawn_as_torchjd_draws_them():
    rule = RandomWeights(TASKS, generator=torch.Generator().manual_seed(3))
    torch.manual_seed(3)
    for _ in range(3):
        values = torch.ones(3, requires_grad=True)
        expected = torch.autograd.grad(scalarization.Random()(values), values)[0]
        assert list(rule.weigh({}, None).values()) == pytest.approx(expected.tolist())


def test_famo_is_its_formula_and_shifts_to_the_task_that_gains_least(new_model, new_loader):
    model, rule = new_model(), FAMO(TASKS)
    optimizer, batch = SGD(model.parameters(), lr=0.1), next(iter(new_loader()))
    rule.begin(model, optimizer)
    losses = task_losses(TASKS, model(batch.inputs), batch)
    values = np.array([loss.item() for loss in losses.values()])
    weights = np.array(list(rule.backward(losses, model).values()))
    assert weights == pytest.approx((1 / (values + 0.01)) / (1 / (values + 0.01)).sum(), rel=1e-5), "equal z"
    optimizer.step()
    rule.after_step(model, lambda: task_losses(TASKS, model(batch.inputs), batch))
    after = task_losses(TASKS, model(batch.inputs), batch)
    gain = np.log(values + 0.01) - np.log([loss.item() + 0.01 for loss in after.values()])
    z = rule.w.softmax(dim=0).tolist()
    assert z[gain.argmax()] < 1 / 3 < z[gain.argmin()]


def test_famo_lowers_every_loss(new_model, new_loader):
    model = new_model()
    history = fit(model, new_loader(), Adam(model.parameters(), lr=0.02), steps=60, weights=FAMO(TASKS))
    pivot = history.pivot_table(index="step", columns="task", values="loss")
    assert (pivot.tail(15).mean() < 0.8 * pivot.head(15).mean()).all()


def test_any_scalarizer_of_torchjd_is_a_rule(new_model, new_loader):
    model, rule = new_model(), LossWeighting(TASKS, scalarization.IMTLL(3))
    history = fit(model, new_loader(), Adam(model.parameters(), lr=0.02), steps=30, weights=rule)
    assert history.groupby("task").weight.nunique().min() == 30, "its scales are learnt"


# From the gradients


@pytest.mark.parametrize("seed", range(5))
def test_pcgrad_for_two_tasks(seed):
    """Each loses its part along the other; then the sum."""
    a, b = conflicting(seed)
    expected = (a - (a @ b) / (b @ b) * b) + (b - (a @ b) / (a @ a) * a)
    weights = by_gradient("PCGrad").from_gradients(torch.stack([a, b]))
    torch.testing.assert_close(weights @ torch.stack([a, b]), expected)
    assert by_gradient("PCGrad").from_gradients(torch.stack([a, -b])).tolist() == [1, 1], "no conflict: the plain sum"


@pytest.mark.parametrize("seed", range(5))
def test_mgda_for_two_tasks(seed):
    """The point nearest to 0 on the line between them; past an end, that end."""
    for a, b in (conflicting(seed), some_gradients(2, seed) + 1):
        share = ((b - a) @ b / ((a - b) @ (a - b))).clamp(0, 1)
        weights = by_gradient("MGDA").from_gradients(torch.stack([a, b]))
        torch.testing.assert_close(weights, torch.stack([share, 1 - share]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_upgrad_conflicts_with_no_task(n, seed):
    gradients = some_gradients(n, seed, size=4 if n < 5 else 8)
    step = by_gradient("UPGrad", n).from_gradients(gradients) @ gradients
    norms = gradients.norm(dim=1) * step.norm()
    assert (gradients @ step / norms).min() > -1e-3, "but for the regularization of 1e-4"
    total = gradients.sum(dim=0)
    assert (gradients @ total).min() >= 0 or not torch.allclose(step, total / n), "the mean is changed if it conflicts"


@pytest.mark.parametrize("seed", range(6))
def test_the_projector_solves_the_quadratic_programme(seed):
    """Against all sets of active bounds vᵢ = uᵢ, one by one: the best that keeps the others."""
    gramian = (g := some_gradients(3, seed, size=4).double()) @ g.T
    solved = NNLSProjector()(torch.eye(3, dtype=torch.float64) / 3, gramian).numpy()
    matrix = (gramian / gramian.trace()).numpy() + 1e-4 * np.eye(3)
    for u, found in zip(np.eye(3) / 3, solved, strict=True):
        candidates = []
        for active in itertools.product([False, True], repeat=3):
            v, free = u.copy(), ~np.array(active)
            if free.any():
                v[free] = np.linalg.solve(matrix[np.ix_(free, free)], -matrix[np.ix_(free, ~free)] @ u[~free])
            if (v >= u - 1e-12).all():
                candidates.append(v)
        best = min(candidates, key=lambda v: v @ matrix @ v)
        assert found == pytest.approx(best, abs=1e-9)


def test_upgrad_needs_no_solver_under_the_gpl():
    code = """
import sys
sys.modules.update(quadprog=None, qpsolvers=None, cvxpy=None)
import torch
from mtl_helpers.tasks import SENTIMENT, STARS
from mtl_helpers.training import RULES
print(RULES["UPGrad"]([SENTIMENT, STARS]).from_gradients(torch.eye(2)).tolist())
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.strip() == "[0.5, 0.5]"


@pytest.mark.parametrize("n", [2, 3])
def test_imtl_g_has_one_cosine_with_all(n):
    gradients = some_gradients(n) * torch.tensor([1.0, 5.0, 0.2])[:n, None]
    weights = by_gradient("IMTL-G", n).from_gradients(gradients)
    products = (gradients / gradients.norm(dim=1, keepdim=True)) @ (weights @ gradients)
    torch.testing.assert_close(products, products.mean().expand(n), rtol=1e-4, atol=1e-6)
    assert weights.sum().item() == pytest.approx(1, rel=1e-4)


def test_aligned_mtl_makes_equal_steps_of_unequal_gradients():
    """Orthogonal gradients of norms 1 and 10 count the same, with the smaller one's length."""
    weights = by_gradient("Aligned-MTL").from_gradients(torch.tensor([[1.0, 0.0], [0.0, 10.0]]))
    assert weights.tolist() == pytest.approx([0.5, 0.05])


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_the_order_of_tasks_does_not_matter(name):
    gradients = conflicting() if name == "PCGrad" else some_gradients(4)  # PCGrad draws an order for more than two
    n = len(gradients)
    forth, back = (by_gradient(name, n).from_gradients(g) for g in (gradients, gradients.flip(0)))
    torch.testing.assert_close(forth, back.flip(0), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["MGDA", "PCGrad", "UPGrad"])
def test_weights_that_cannot_be_negative(name):
    for seed in range(10):
        weights = by_gradient(name, 4).from_gradients(some_gradients(4, seed))
        lowest = {"MGDA": 0, "PCGrad": 1, "UPGrad": 1 / 4}[name]
        assert weights.min() >= lowest - 1e-6
        assert name != "MGDA" or weights.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_a_task_without_gradient_has_no_say(name):
    gradients = some_gradients(3)
    with_nothing = torch.stack([gradients[0], torch.zeros(7), gradients[1], gradients[2]])
    expected = by_gradient(name, 3).from_gradients(gradients)
    torch.testing.assert_close(
        by_gradient(name, 4).from_gradients(with_nothing), expected[[0, 0, 1, 2]] * torch.tensor([1, 0, 1, 1])
    )


def test_gradnorms_slope_is_that_of_its_loss():
    w, norms = torch.tensor([0.5, 1.5, 1.0]).double(), torch.tensor([2.0, 0.4, 1.0]).double()
    progress, alpha = torch.tensor([0.9, 0.5, 0.2]).double(), 1.5
    target = (w * norms).mean() * (progress / progress.mean()) ** alpha  # held constant

    def loss(w):
        return (w * norms - target).abs().sum().item()

    slope = [(loss(w + 1e-6 * unit) - loss(w - 1e-6 * unit)) / 2e-6 for unit in torch.eye(3).double()]
    assert gradnorm_slope(w, norms, progress, alpha).tolist() == pytest.approx(slope, rel=1e-6)


def test_gradnorm_gives_more_to_the_slow_task_and_keeps_the_sum():
    rule = GradNorm(TASKS, first=3)
    norms = torch.ones(3)
    for _ in range(3):
        rule.update(norms, torch.tensor([2.0, 1.0, 4.0]))
    assert rule.weights == {"topic": 1, "sentiment": 1, "stars": 1}, "all go on at one rate"
    for _ in range(5):
        rule.update(norms, torch.tensor([2.0, 0.1, 1.0]))  # topic stands still
    assert sum(rule.weights.values()) == pytest.approx(3, rel=1e-6)
    assert rule.weights["topic"] > 1.05 and rule.weights["sentiment"] < 0.95


def test_gradnorm_takes_the_mean_of_the_first_losses_for_the_start():
    """Two noisy first batches are as one batch of their mean."""
    noisy, known = GradNorm(TASKS, first=2), GradNorm(TASKS, first=1)
    norms, still = torch.tensor([1.0, 2.0, 1.5]), torch.zeros(3)
    noisy.update(still, torch.tensor([1.0, 3.0, 0.5]))
    noisy.update(still, torch.tensor([3.0, 1.0, 0.7]))
    known.update(still, torch.tensor([2.0, 2.0, 0.6]))
    assert noisy.weights == known.weights == {"topic": 1, "sentiment": 1, "stars": 1}
    for _ in range(10):
        noisy.update(norms, torch.tensor([0.5, 0.5, 0.55]))
        known.update(norms, torch.tensor([0.5, 0.5, 0.55]))
    assert noisy.weights == pytest.approx(known.weights) and noisy.weights["stars"] > 1.1


def test_gradnorm_equalises_gradients_of_two_scales():
    """Two targets of equal noise, the second in a unit ten times smaller; a learning rate at which little changes."""
    model, loader = regressions(noise=(1.0, 1.0), scale=(1.0, 10.0))
    rule, ratios, weighted = GradNorm(model.tasks, alpha=0.0, first=1), [], []
    for record in itertools.islice(train_steps(model, loader, SGD(model.parameters(), lr=1e-4), weights=rule), 200):
        norms = {name: gradient.norm().item() for name, gradient in task_gradients(model, record.batch).items()}
        ratios.append(norms["b"] / norms["a"])
        weighted.append(ratios[-1] * record.weights["b"] / record.weights["a"])
    assert np.median(ratios) > 3 and np.median(weighted[-50:]) == pytest.approx(1, abs=0.2)


def test_the_last_shared_layer(new_model, encoder_class):
    model = new_model(encoder_class)
    layer = {id(p) for p in last_shared_layer(model)}
    encoder = model.encoder
    assert layer == {id(p) for p in [*encoder.children()][-1].parameters()}
    assert id(encoder.embedding.weight) not in layer


# What a learner gets wrong


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda m, fit: fit(DWA), "weights is the class DWA; make a rule of it: DWA(model.tasks)"),
        (lambda m, fit: fit("DWA"), "weights must be a Weighting, or give λ by task name, such as {'topic': 1}"),
        (
            lambda m, fit: fit(DWA([TOPIC])),
            "made for the tasks ['topic']; the model has ['topic', 'sentiment', 'stars']",
        ),
        (lambda m, fit: DWA(TASKS, temperature=0), "The temperature of DWA must be a finite number above 0; found 0"),
        (lambda m, fit: DWA(TASKS, total=0), "total, the sum of λ, must be a finite number above 0; found 0"),
        (lambda m, fit: FAMO(TASKS, floor=-1), "The floor of FAMO must be a finite number of at least 0; found -1"),
        (lambda m, fit: Uncertainty(TASKS, lr=-1), "The learning rate of λ must be a finite number above 0"),
        (lambda m, fit: GradNorm(TASKS, first=0), "the batches that give L(0), must be a whole number of at least 1"),
        (lambda m, fit: GradNorm(TASKS, alpha=math.nan), "alpha of GradNorm must be a finite number; found nan"),
        (lambda m, fit: GradientWeighting(TASKS, "PCGrad"), "such as torchjd.aggregation.PCGrad(); found 'PCGrad'"),
        (lambda m, fit: GradientWeighting(TASKS, ConFIG()), "an aggregator that weighs by the Gramian"),
        (lambda m, fit: LossWeighting(TASKS, PCGrad()), "needs a scalarizer, such as torchjd.scalarization.Mean()"),
        (lambda m, fit: HandOver(TASKS).to(DWA([TOPIC])), "handed over to a Weighting for the tasks ['topic', 'sen"),
        (lambda m, fit: HandOver(TASKS).to({"topic": 1}), "found {'topic': 1}"),
        (lambda m, fit: FAMO(TASKS).start_from({"topic": 1}), "a rule needs a finite λ for 'sentiment'; found None"),
        (lambda m, fit: StaticWeights(TASKS, {"topics": 1}), "There is no task 'topics' to weight"),
        (lambda m, fit: weights_by_count(make_loader), "For a loader, give loader.dataset"),
    ],
)
def test_it_is_said_what_is_wrong(new_model, new_loader, act, said):
    model = new_model()

    def train(weights):
        fit(model, new_loader(), SGD(model.parameters(), lr=0.1), steps=1, weights=weights)

    with pytest.raises(TrainingError) as caught:
        act(model, train)
    assert said in str(caught.value)


def test_a_count_of_no_labels_is_told(dataset):
    dataset.masks["stars"].zero_()
    with pytest.raises(TrainingError, match="Task 'stars' has no label in the data: leave it out"):
        weights_by_count(dataset)
    with pytest.raises(
        TrainingError, match="alpha, 0 for equal λ and 1 for λ by label, must be a finite number; found '1'"
    ):
        weights_by_count(dataset, alpha="1")


class WithTasksAlone(nn.Module):
    """A model of one's own that has not heard of `shared_parameters`."""

    def __init__(self):
        super().__init__()
        self.tasks = (SENTIMENT, TOPIC)
        self.encoder = nn.Linear(3, 4)
        self.heads = nn.ModuleDict({task.name: nn.Linear(4, task.n_outputs) for task in self.tasks})

    def forward(self, inputs):
        return {name: head(self.encoder(inputs)) for name, head in self.heads.items()}


@pytest.mark.bad_input
@pytest.mark.parametrize("what", ["PCGrad", "GradNorm", "cosines"])
def test_a_model_that_does_not_say_what_is_shared_is_told_to(what):
    model = WithTasksAlone()
    labels = {"sentiment": torch.tensor([0, 1]), "topic": torch.tensor([3, 1])}
    batch = Batch(torch.rand(2, 3), labels, {name: torch.tensor([True, True]) for name in labels})
    with pytest.raises(ModelError, match=r"WithTasksAlone does not say what that is\. Add a method shared_parameters"):
        if what == "cosines":
            gradient_cosines(model, batch)
        else:
            next(train_steps(model, [batch], SGD(model.parameters(), lr=0.1), weights=RULES[what](model.tasks)))
    model.shared_parameters = lambda: list(model.encoder.parameters())
    assert len(gradient_cosines(model, batch)) == 1
