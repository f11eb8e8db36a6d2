"""Gradient rules on the gradients of the shared features: one pass through the encoder, and what that changes."""

import pytest
import torch
from test_sharing import WAYS
from torch import nn
from torch.optim import SGD, AdamW
from torchjd.aggregation import MGDA

from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Regression
from mtl_helpers.training import RULES, GradientWeighting, TrainingError, fit, task_losses, train_steps, validate

TASKS = (TOPIC, SENTIMENT, STARS)
BY_GRADIENT = ["GradNorm", "MGDA", "PCGrad", "UPGrad", "IMTL-G", "Aligned-MTL"]


class Linear(nn.Linear):
    """An encoder of one layer without bias."""

    def __init__(self, inputs, features):
        super().__init__(inputs, features, bias=False)
        self.features = features


def two_regressions(inputs, seed=0):
    """A linear encoder, two heads, and the losses of these inputs ``(batch, 6)``."""
    torch.manual_seed(seed)
    tasks = [Regression("a"), Regression("b"), Regression("c")]
    model = MultiTaskModel(Linear(inputs.shape[1], 4), tasks)
    targets = {task.name: torch.randn(len(inputs)) for task in tasks}

    def losses():
        outputs = model(inputs)
        found = {name: (outputs[name] - target).square().mean() for name, target in targets.items()}
        kept = task_losses([], outputs, None)
        kept.update(found)
        return kept

    return model, losses


def found_by(name, model, losses, on):
    """λ, and every gradient, of one backward pass."""
    rule = RULES[name](model.tasks, on=on)
    rule.begin(model, SGD(model.parameters(), lr=0.1))
    weights = rule.backward(losses(), model)
    return list(weights.values()), [p.grad.clone() for p in model.parameters()]


@pytest.mark.parametrize("name", BY_GRADIENT[1:])
@pytest.mark.parametrize("seed", range(4))
def test_both_ways_agree_if_the_inputs_are_orthonormal_or_one(name, seed):
    """For Z = X W the Gramian of the parameters is tr(Gᵢᵀ X Xᵀ Gⱼ): with X Xᵀ = c I, c times that of the features."""
    torch.manual_seed(seed)
    orthonormal = 3 * torch.linalg.qr(torch.randn(6, 6))[0][:5]
    for inputs in (orthonormal, torch.randn(1, 6)):
        model, losses = two_regressions(inputs, seed)
        (exact, gradients), (cheap, others) = (found_by(name, model, losses, on) for on in ("parameters", "features"))
        assert cheap == pytest.approx(exact, abs=2e-3)
        for one, other in zip(gradients, others, strict=True):
            torch.testing.assert_close(one, other, atol=5e-3, rtol=1e-2)


def test_else_they_may_differ_in_what_conflicts():
    """Twice the same input, on which the tasks agree in the parameters: in the features, each its own row, they are apart."""
    inputs = torch.ones(2, 1)
    model, _ = two_regressions(inputs)
    features = model.encoder(inputs)
    losses = task_losses([], model.answers(dict.fromkeys("abc", features)), None)
    losses.update(a=features[0].sum(), b=features[1].sum())
    gradients = [torch.autograd.grad(loss, model.encoder.weight, retain_graph=True)[0] for loss in losses.values()]
    assert torch.equal(*gradients)
    at_features = [torch.autograd.grad(loss, features, retain_graph=True)[0] for loss in losses.values()]
    assert (at_features[0] * at_features[1]).sum() == 0


def test_equal_weights_give_the_plain_sum(new_model, new_loader):
    model, batch = new_model(), next(iter(new_loader()))
    rule = GradientWeighting(TASKS, MGDA(), on="features")
    rule.from_gradients = lambda jacobian: torch.ones(len(jacobian))
    rule.begin(model, SGD(model.parameters(), lr=0.1))
    assert set(rule.backward(task_losses(TASKS, model(batch.inputs), batch), model).values()) == {1.0}
    found = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    sum(task_losses(TASKS, model(batch.inputs), batch).values()).backward()
    for p, gradient in zip(model.parameters(), found, strict=True):
        torch.testing.assert_close(gradient, p.grad)
        assert gradient.stride() == p.grad.stride()


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_its_weights_are_those_of_the_gradient(new_model, new_loader, name):
    """Σ λᵢ gᵢ in the encoder, with the λ that the rule says; in the heads the plain sum, by GradNorm the weighted one."""
    model, batch = new_model(), next(iter(new_loader()))
    weights, found = found_by(name, model, lambda: task_losses(TASKS, model(batch.inputs), batch), "features")
    losses = task_losses(TASKS, model(batch.inputs), batch)
    parameters = list(model.parameters())
    plain = torch.autograd.grad(sum(losses.values()), parameters, retain_graph=True)
    total = sum(weight * loss for weight, loss in zip(weights, losses.values(), strict=True))
    weighted = torch.autograd.grad(total, parameters)
    shared = {id(p) for p in model.encoder.parameters()}
    for p, gradient, one, other in zip(parameters, found, weighted, plain, strict=True):
        wanted = one if id(p) in shared or name == "GradNorm" else other
        torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_it_trains_at_the_sum_that_is_asked_for(new_model, new_loader, name):
    model = new_model()
    rule = RULES[name](TASKS, on="features", total=3)
    history = fit(model, new_loader(), AdamW(model.parameters(), lr=0.02), steps=120, weights=rule)
    assert history.groupby("step").weight.sum().to_numpy() == pytest.approx(3, rel=1e-4)
    _, scores = validate(model, new_loader())
    assert scores["topic"] > 0.9 and scores["sentiment"] > 0.9


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_the_encoder_is_entered_once_however_many_tasks_there_are(new_model, new_loader, name):
    model, batch, entered = new_model(), next(iter(new_loader())), []
    model.encoder.embedding.weight.register_hook(lambda gradient: entered.append(1))
    rule = RULES[name](TASKS, on="features")
    rule.begin(model, SGD(model.parameters(), lr=0.1))
    rule.backward(task_losses(TASKS, model(batch.inputs), batch), model)
    assert len(entered) == 1


@pytest.mark.parametrize("name", ["GradNorm", "MGDA"])
@pytest.mark.parametrize(
    "way", ["conditioned", "soft sharing", "infinitely soft sharing", "cross-stitch", "MMoE", "adapters"]
)
def test_bad_input_a_model_whose_tasks_read_different_features(new_loader, name, way):
    model = WAYS[way](TASKS)
    rule = RULES[name](TASKS, on="features")
    with pytest.raises(
        TrainingError, match=rf"{rule.kind} with on='features' .* same features.*{type(model).__name__}"
    ):
        next(train_steps(model, new_loader(), SGD(model.parameters(), lr=0.1), weights=rule))


def test_bad_input_several_batches_a_step_and_no_such_place(new_model, new_loader):
    model = new_model()
    rule = RULES["MGDA"](TASKS, on="features")
    with pytest.raises(TrainingError, match=r"one batch.*accumulate"):
        next(train_steps(model, new_loader(), SGD(model.parameters(), lr=0.1), weights=rule, accumulate=2))
    for new in RULES["GradNorm"], RULES["MGDA"]:
        with pytest.raises(TrainingError, match="'parameters' or 'features'; found 'heads'"):
            new(TASKS, on="heads")


@pytest.mark.parametrize("name", ["GradNorm", "MGDA"])
def test_a_frozen_encoder_stays_and_the_heads_learn(new_model, new_loader, name):
    model = new_model()
    model.encoder.requires_grad_(False)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    history = fit(model, new_loader(), optimizer, steps=3, weights=RULES[name](TASKS, on="features"))
    assert (history.weight == 1).all()
    for p, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(p, old) != p.requires_grad


def test_in_mixed_precision_too(new_model, new_loader):
    model = new_model()
    rule = RULES["MGDA"](TASKS, on="features")
    record = next(train_steps(model, new_loader(), AdamW(model.parameters()), weights=rule, autocast="bf16"))
    assert sum(record.weights.values()) == pytest.approx(1, rel=1e-5)
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters())
