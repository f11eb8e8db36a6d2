"""Ways of sharing: at the ends of its dial each is hard sharing or separate models; all stand where `MultiTaskModel` does."""

import copy
import math

import pytest
import torch
from torch.optim import SGD, AdamW

from mtl_helpers.data import Batch
from mtl_helpers.models import CNNEncoder, ModelError, MultiTaskModel, OnFeatures, count_parameters
from mtl_helpers.relations import (
    Adapters,
    ConditionedModel,
    CrossStitch,
    MMoE,
    PipelineModel,
    SoftSharing,
    ToldHead,
    gradient_cosines,
    parameters_by_part,
    task_affinity,
)
from mtl_helpers.relations.conditioned import ConditionedHead
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, MultiLabel, Tagging
from mtl_helpers.training import RULES, fit, predict, validate

TASKS = (TOPIC, SENTIMENT, STARS)
TAGS = Tagging("tags", classes=("noun", "verb"))


def encoder(seed=0):
    torch.manual_seed(seed)
    return CNNEncoder(30, embedding_dim=8, filters=4)


def encoders(tasks=TASKS):
    return {task.name: encoder(seed) for seed, task in enumerate(tasks)}


WAYS = {
    "conditioned": lambda tasks: ConditionedModel(
        encoder(), tasks, {t.name: "topic" for t in tasks if t is not TOPIC and TOPIC in tasks}
    ),
    "conditioned, two encoders": lambda tasks: ConditionedModel(
        encoders(tasks), tasks, {t.name: "topic" for t in tasks if t is not TOPIC and TOPIC in tasks}
    ),
    "soft sharing": lambda tasks: SoftSharing(encoders(tasks), tasks, strength=0.1),
    "infinitely soft sharing": lambda tasks: SoftSharing(encoders(tasks), tasks, strength=math.inf),
    "cross-stitch": lambda tasks: CrossStitch(encoders(tasks), tasks),
    "MMoE": lambda tasks: MMoE(encoder(), tasks, experts=3),
    "adapters": lambda tasks: Adapters(encoder(), tasks),
    "pipeline": lambda tasks: PipelineModel(encoder(1), tasks[-1], MultiTaskModel(encoder(), [TOPIC]), "topic"),
}


@pytest.fixture(params=WAYS)
def way(request):
    """A function from tasks to a model."""
    return WAYS[request.param]


@pytest.fixture
def batch(new_loader):
    return next(iter(new_loader()))


def outputs_differ(a, b):
    return max((a[name] - b[name]).abs().max().item() for name in a)


def train(model, loader, steps=6, lr=0.05, optimizer=SGD):
    fit(model, loader, optimizer([p for p in model.parameters() if p.requires_grad], lr=lr), steps=steps)
    return model


def separate(model, tasks=TASKS):
    """A single-task model for each encoder and head of a model with an encoder a task."""
    return {
        task.name: MultiTaskModel(
            copy.deepcopy(model.encoder.by_task[task.name]), [task], {task.name: copy.deepcopy(model.heads[task.name])}
        )
        for task in tasks
    }


def answers(models, inputs):
    return {name: model(inputs)[name] for name, model in models.items()}


# Each dial at its ends


@pytest.mark.parametrize("optimizer", [SGD, AdamW])
@pytest.mark.parametrize(
    "build", [lambda: SoftSharing(encoders(), TASKS, strength=0), lambda: CrossStitch(encoders(), TASKS, keep=1)]
)
def test_without_a_tie_or_a_stitch_the_models_are_separate_in_training_too(build, new_loader, batch, optimizer):
    model = build()
    if isinstance(model, CrossStitch):
        model.unit.requires_grad_(False)
    alone = separate(model)
    assert outputs_differ(model(batch.inputs), answers(alone, batch.inputs)) < 1e-6
    train(model, new_loader(), optimizer=optimizer)
    for single in alone.values():
        train(single, new_loader(), optimizer=optimizer)
    assert outputs_differ(model(batch.inputs), answers(alone, batch.inputs)) < 1e-5


def test_a_stitch_gives_each_task_its_row_of_the_unit(batch):
    model = CrossStitch(encoders(), TASKS)
    with torch.no_grad():
        model.unit.copy_(torch.arange(9.0).view(3, 3))
    own, mixed = model.encoder(batch.inputs), model.task_features(batch.inputs)
    for row, task in zip(model.unit, TASKS, strict=True):
        expected = sum(share * own[other.name] for share, other in zip(row, TASKS, strict=True))
        torch.testing.assert_close(mixed[task.name], expected)


def test_an_infinite_tie_is_hard_sharing_in_training_too(new_loader, batch):
    soft = SoftSharing(encoders(), TASKS, strength=math.inf)
    hard = MultiTaskModel(copy.deepcopy(soft.encoder.by_task["topic"]), TASKS, copy.deepcopy(dict(soft.heads)))
    assert outputs_differ(soft(batch.inputs), hard(batch.inputs)) == 0 == soft.penalty().item()
    assert sum(p.numel() for p in soft.parameters()) == sum(p.numel() for p in hard.parameters())
    train(soft, new_loader()), train(hard, new_loader())
    assert outputs_differ(soft(batch.inputs), hard(batch.inputs)) < 1e-5


def apart(model):
    """Root mean square distance of the encoders from their mean, before the strength."""
    return math.sqrt(2 * model.penalty().item() / model.strength)


def test_the_stronger_the_tie_the_closer_the_encoders(new_loader):
    distances = [apart(train(SoftSharing(encoders(), TASKS, s), new_loader())) for s in (1e-6, 0.1, 1, 5, 20)]
    assert distances == sorted(distances, reverse=True) and distances[-1] < 0.2 * distances[0]


def test_the_strongest_stable_tie_takes_the_steps_of_hard_sharing(new_loader, batch):
    """With strength = 1/lr each step puts the encoders at their mean, less lr times their own gradients: on average the
    step of hard sharing at lr/T. The difference is of the order of lr, so a tenth of lr (and ten times the steps) leaves a
    tenth of it."""

    def difference(lr, steps):
        soft = SoftSharing(encoders(), TASKS, strength=1 / lr)
        for one in soft.encoder.by_task.values():  # start at one place, so that only training may part them
            one.load_state_dict(soft.encoder.by_task["topic"].state_dict())
        hard = MultiTaskModel(copy.deepcopy(soft.encoder.by_task["topic"]), TASKS, copy.deepcopy(dict(soft.heads)))
        for model, factor in ((soft, 1), (hard, 1 / len(TASKS))):
            groups = [{"params": model.encoder.parameters(), "lr": lr * factor}, {"params": model.heads.parameters()}]
            fit(model, new_loader(), SGD(groups, lr=lr), steps=steps)
        return outputs_differ(soft(batch.inputs), hard(batch.inputs))

    large, small = difference(0.02, 5), difference(0.002, 50)
    assert small < 0.3 * large < 0.3


def test_the_penalty_is_the_formula():
    model = SoftSharing(encoders(), TASKS, strength=0.7)
    flat = torch.stack([torch.cat([p.reshape(-1) for p in e.parameters()]) for e in model.encoder.by_task.values()])
    pairs = sum((flat[a] - flat[b]).square().sum() for a in range(3) for b in range(a))
    assert model.penalty().item() == pytest.approx(0.7 / 2 * pairs.item() / 3, rel=1e-4), "as a sum over the pairs"


def test_the_loop_reports_the_penalty_in_the_total(new_loader):
    model, totals = SoftSharing(encoders(), TASKS, strength=0.5), []
    start = model.penalty().item()
    fit(
        model,
        new_loader(),
        SGD(model.parameters(), lr=0.01),
        steps=1,
        on_step=lambda record: totals.append(record.total - sum(record.losses.values())),
    )
    assert totals == [pytest.approx(start, rel=1e-5)] and start > 0


def test_adapters_leave_the_encoder_unchanged_at_the_start(batch):
    hard = MultiTaskModel(encoder(), TASKS)
    adapted = Adapters(copy.deepcopy(hard.encoder), TASKS, heads=copy.deepcopy(dict(hard.heads)))
    assert outputs_differ(adapted(batch.inputs), hard(batch.inputs)) == 0
    for features in adapted.task_features(batch.inputs).values():
        assert torch.equal(features, hard.encoder(batch.inputs))


def test_adapters_learn_on_a_frozen_encoder(new_loader):
    model = Adapters(encoder(), TASKS)
    model.encoder.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    train(model, new_loader())
    changed = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"adapters", "heads"}
    assert any(adapter[-1].weight.any() for adapter in model.adapters.values())


def test_an_mmoe_gate_sums_to_one_and_each_task_has_its_own(batch):
    model = MMoE(encoder(), TASKS, experts=5)
    gates = [model.gate(task.name, model.encoder(batch.inputs)) for task in TASKS]
    for gate in gates:
        assert gate.shape == (16, 5) and (gate > 0).all()
        torch.testing.assert_close(gate.sum(dim=1), torch.ones(16))
    assert not torch.allclose(gates[0], gates[1])


def test_one_expert_is_one_more_shared_layer(batch):
    model = MMoE(encoder(), TASKS, experts=1)
    features = model.experts[0](model.encoder(batch.inputs))
    for task in TASKS:
        expected = model.heads[task.name](features)
        torch.testing.assert_close(model(batch.inputs)[task.name], expected.squeeze(-1) if task is STARS else expected)


def test_a_head_under_a_uniform_condition_is_a_plain_head():
    torch.manual_seed(0)
    head, plain = ConditionedHead(12, 6, 2), torch.nn.Linear(12, 2)
    with torch.no_grad():
        plain.weight.copy_(head.linear.weight.unflatten(0, (6, 2)).mean(dim=0))
        plain.bias.copy_(head.linear.bias.unflatten(0, (6, 2)).mean(dim=0))
    features = torch.randn(5, 12)
    torch.testing.assert_close(head(features, torch.full((5, 6), 1 / 6)), plain(features))


def test_a_head_under_a_certain_condition_is_that_classs_head():
    head, features = ConditionedHead(12, 6, 2), torch.randn(5, 12)
    sure = torch.eye(6)[[3] * 5]
    expected = features @ head.linear.weight[6:8].T + head.linear.bias[6:8]
    torch.testing.assert_close(head(features, sure), expected)


@pytest.mark.parametrize("detach", [True, False])
def test_whether_the_condition_gets_a_gradient(batch, detach):
    model = ConditionedModel(encoder(), TASKS, {"sentiment": "topic"}, detach=detach)
    SENTIMENT.loss(model(batch.inputs)["sentiment"], *batch.labels_of("sentiment")).backward()
    gradient = model.heads["topic"].weight.grad
    assert gradient is None if detach else gradient.any()
    assert model.encoder.embedding.weight.grad.any()


@pytest.mark.parametrize("detach", [True, False])
def test_conditioned_encoders_share_nothing_but_the_condition(batch, detach):
    """Two encoders trained jointly: the control that tells what sharing an encoder adds to conditioning."""
    model = ConditionedModel(encoders(), TASKS, {"sentiment": "topic"}, detach=detach)
    SENTIMENT.loss(model(batch.inputs)["sentiment"], *batch.labels_of("sentiment")).backward()
    reached = {name for name, own in model.encoder.by_task.items() if own.embedding.weight.grad is not None}
    assert reached == ({"sentiment"} if detach else {"sentiment", "topic"})
    shared = {id(p) for p in model.shared_parameters()}
    of_topic = [*model.encoder.by_task["topic"].parameters(), *model.heads["topic"].parameters()]
    assert shared == (set() if detach else {id(p) for p in of_topic})


def test_conditioned_encoders_answer_as_the_pipeline_of_their_parts(batch):
    model = ConditionedModel(encoders([TOPIC, SENTIMENT]), [TOPIC, SENTIMENT], {"sentiment": "topic"})
    first = MultiTaskModel(model.encoder.by_task["topic"], [TOPIC], {"topic": model.heads["topic"]})
    row = PipelineModel(model.encoder.by_task["sentiment"], SENTIMENT, first, "topic")
    row.heads["sentiment"] = model.heads["sentiment"]
    torch.testing.assert_close(row(batch.inputs)["sentiment"], model(batch.inputs)["sentiment"])


@pytest.mark.parametrize(("hidden", "adds"), [(0, True), (8, False)])
def test_a_linear_head_that_is_told_can_only_add(hidden, adds):
    """What another p changes is the same whatever the features are; with a hidden layer it is not."""
    torch.manual_seed(0)
    head, features = ToldHead(12, 6, 2, hidden=hidden), torch.randn(5, 12)
    change = head(features, torch.eye(6)[[0] * 5]) - head(features, torch.eye(6)[[3] * 5])
    assert torch.allclose(change, change[:1].expand_as(change), atol=1e-6) == adds


def test_a_conditioned_model_may_have_another_head(batch):
    model = ConditionedModel(encoder(), [TOPIC, SENTIMENT], {"sentiment": "topic"}, head=ToldHead)
    outputs = model(batch.inputs)
    told = model.heads["sentiment"](model.encoder(batch.inputs), outputs["topic"].softmax(dim=1))
    assert isinstance(model.heads["sentiment"], ToldHead) and torch.equal(outputs["sentiment"], told)


def test_a_pipeline_leaves_its_first_model_alone(new_loader):
    first = train(MultiTaskModel(encoder(), [TOPIC]), new_loader())
    before = copy.deepcopy(first.state_dict())
    model = train(PipelineModel(encoder(1), SENTIMENT, first, "topic"), new_loader(), optimizer=AdamW)
    assert all(torch.equal(value, before[name]) for name, value in model.first.state_dict().items())
    assert all(p.requires_grad for p in first.parameters()), "the caller's model can be trained on"


def test_a_pipelines_first_model_answers_without_dropout():
    first = MultiTaskModel(encoder(), [TOPIC])
    first.encoder.dropout = torch.nn.Dropout()
    model = PipelineModel(encoder(1), SENTIMENT, first, "topic").train()
    assert model.training and not any(module.training for module in model.first.modules())


def test_a_head_may_be_conditioned_on_any_answer(batch):
    """Classes tell their softmax, several labels each its own probability, a regression its number."""
    several = MultiLabel("several", classes=("a", "b", "c"))
    model = ConditionedModel(encoder(), [several, STARS, SENTIMENT], {"sentiment": "several"}).eval()
    told = []
    model.heads["sentiment"].register_forward_pre_hook(lambda head, inputs: told.append(inputs[1]))
    outputs = model(batch.inputs)
    assert torch.equal(told[0], outputs["several"].sigmoid())
    by_number = ConditionedModel(encoder(), [STARS, SENTIMENT], {"sentiment": "stars"})
    assert by_number(batch.inputs)["sentiment"].shape == (16, 2)


# Every way stands where MultiTaskModel does


def test_it_learns(way, new_loader):
    model = train(way([TOPIC, SENTIMENT]), new_loader(), steps=120, lr=0.02, optimizer=AdamW)
    assert min(validate(model, new_loader())[1].values()) > 0.9


def test_it_has_the_shapes_of_its_tasks(way, batch):
    model = way(TASKS)
    outputs = model(batch.inputs)
    assert {t.name: tuple(outputs[t.name].shape) for t in model.tasks} == {
        t.name: (16, len(t.classes)) if t.classes else (16,) for t in model.tasks
    }
    assert list(outputs) == [t.name for t in model.tasks]


def test_padding_changes_nothing(way, batch):
    model = way(TASKS).eval()
    padded = torch.cat([batch.inputs, torch.zeros(16, 7, dtype=torch.long)], dim=1)
    assert outputs_differ(model(batch.inputs), model(padded)) < 1e-5


def test_a_reviews_answer_does_not_depend_on_its_batch(way, batch):
    model = way(TASKS).eval()
    whole = model(batch.inputs)
    alone = model(batch.inputs[:1])
    assert outputs_differ({name: output[:1] for name, output in whole.items()}, alone) < 1e-5


def test_labels_may_be_missing(way, dataset, new_loader):
    for name, mask in dataset.masks.items():
        mask[:: 2 if name == "topic" else 3] = False
    dataset.masks["stars"].zero_()
    model = train(way(TASKS), new_loader())
    assert all(p.isfinite().all() for p in model.parameters())
    assert all(output.isfinite().all() for output, _, _ in predict(model, new_loader()).values())


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_one_task_will_do(way, task, new_loader, batch):
    model = train(way([task]), new_loader())
    assert list(model(batch.inputs)) == [task.name]


@pytest.mark.parametrize("name", ["soft sharing", "cross-stitch", "adapters", "infinitely soft sharing", "conditioned"])
def test_with_one_task_it_is_the_single_task_model(name, new_loader, batch):
    model = WAYS[name]([SENTIMENT])
    inner = model.encoder.by_task["sentiment"] if hasattr(model.encoder, "by_task") else model.encoder
    single = MultiTaskModel(copy.deepcopy(inner), [SENTIMENT], copy.deepcopy(dict(model.heads)))
    assert outputs_differ(model(batch.inputs), single(batch.inputs)) < 1e-6


def test_gradients_and_affinity_can_be_had(way, batch):
    model = way(TASKS)
    cosines, affinity = gradient_cosines(model, batch), task_affinity(model, batch, lr=0.01)
    names = [task.name for task in model.tasks]
    assert len(cosines) == len(names) * (len(names) - 1) // 2 and len(affinity) == len(names) ** 2
    if not model.shared_parameters():
        assert all(map(math.isnan, cosines.values())) and not any(affinity.values()), (
            "a step in nothing changes nothing"
        )
        return
    assert all(math.isfinite(value) for value in (*cosines.values(), *affinity.values()))
    assert all(affinity[name, name] > 0 for name in names)


def test_each_way_says_what_its_tasks_share(batch):
    """Exactly those parameters that the losses of more than one task reach."""
    for name, build in {**WAYS, "conditioned, not detached": not_detached}.items():
        model, reached = build(TASKS), {}
        for task in model.tasks:
            parameters = [p for p in model.parameters() if p.requires_grad]
            loss = task.loss(model(batch.inputs)[task.name], *batch.labels_of(task.name))
            found = torch.autograd.grad(loss, parameters, allow_unused=True)
            for p, gradient in zip(parameters, found, strict=True):
                reached.setdefault(id(p), []).extend([task.name] * (gradient is not None))
        if len(model.tasks) > 1:
            shared = {p for p, tasks in reached.items() if len(tasks) > 1}
            shared -= {id(model.unit)} if name == "cross-stitch" else set()  # of its rows each is of one task
            assert {id(p) for p in model.shared_parameters()} == shared, name


def not_detached(tasks):
    return ConditionedModel(encoder(), tasks, {"sentiment": "topic"}, detach=False)


def test_experts_on_ready_made_features_are_what_is_shared():
    """There the encoder learns nothing, and the tasks meet in the experts: so rules and cosines look there."""
    torch.manual_seed(0)
    model = MMoE(OnFeatures(5), [SENTIMENT, STARS], experts=2)
    targets = {"sentiment": torch.randint(2, (8,)), "stars": torch.randn(8)}
    batch = Batch(torch.randn(8, 5), targets, dict.fromkeys(targets, torch.ones(8, dtype=torch.bool)))
    assert math.isfinite(gradient_cosines(model, batch)["sentiment", "stars"])
    history = fit(model, [batch], SGD(model.parameters(), lr=0.1), steps=1, weights=RULES["MGDA"](model.tasks))
    assert history.weight.sum() == pytest.approx(1, rel=1e-5), "and not λ = 1 for both"


def test_separate_encoders_have_nothing_in_common(batch):
    model = SoftSharing(encoders(), TASKS, strength=0.1)
    assert all(map(math.isnan, gradient_cosines(model, batch).values()))
    affinity = task_affinity(model, batch)
    assert all(value == pytest.approx(0, abs=1e-6) for (a, b), value in affinity.items() if a != b)


def test_parameters_are_counted_by_part(way):
    model = way(TASKS)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    parts = parameters_by_part(model)
    assert sum(parts.values()) == trainable and {"encoder", "heads"} <= set(parts)
    assert sum(count_parameters(model).values()) == trainable, "what lies beside encoder and heads counts too"


def test_what_each_way_costs():
    size = parameters_by_part(MultiTaskModel(encoder(), TASKS))["encoder"]
    assert parameters_by_part(SoftSharing(encoders(), TASKS, 0.1))["encoder"] == 3 * size
    assert parameters_by_part(SoftSharing(encoders(), TASKS, math.inf))["encoder"] == size
    assert parameters_by_part(CrossStitch(encoders(), TASKS))["unit"] == 9
    assert parameters_by_part(ConditionedModel(encoder(), TASKS, {"sentiment": "topic"}))["heads"] == (
        6 * 13 + 6 * 2 * 13 + 13
    )


# Bad input


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: SoftSharing(encoders(), TASKS, -1), "at least 0; found -1"),
        (lambda: SoftSharing(encoders(), TASKS, math.nan), "at least 0; found nan"),
        (lambda: SoftSharing(encoders(), TASKS, "strong"), "at least 0; found 'strong'"),
        (lambda: SoftSharing(encoder(), TASKS, 1), "own encoder, given by name.*CNNEncoder"),
        (lambda: SoftSharing(encoders([TOPIC]), TASKS, math.inf), r"own encoder.*found \['topic'\]"),
        (lambda: CrossStitch(encoders([TOPIC]), TASKS), r"own encoder.*found \['topic'\]"),
        (lambda: CrossStitch(encoders() | {"stars": CNNEncoder(30, filters=5)}, TASKS), "same width.*'stars': 15"),
        (
            lambda: SoftSharing(encoders() | {"stars": CNNEncoder(31, embedding_dim=8, filters=4)}, TASKS, 1),
            "one architecture",
        ),
        (lambda: CrossStitch(encoders(), TASKS, keep=1.5), "from 0 to 1; found 1.5"),
        (lambda: MMoE(encoder(), TASKS, experts=0), "at least 1; found 0"),
        (lambda: Adapters(encoder(), TASKS, size=2.5), "whole number.*2.5"),
        (lambda: ConditionedModel(encoder(), TASKS, {"sentiment": "mood"}), "no task 'mood'.*'topic'"),
        (lambda: ConditionedModel(encoder(), TASKS, {"sentiment": "sentiment"}), "another task"),
        (
            lambda: ConditionedModel(encoder(), TASKS, {"sentiment": "topic", "topic": "sentiment"}),
            "another task with a plain head",
        ),
        (lambda: ConditionedModel(encoder(), [STARS, TAGS], {"stars": "tags"}), "'tags' has an answer a word"),
        (lambda: PipelineModel(encoder(), SENTIMENT, MultiTaskModel(encoder(), [STARS]), "topic"), "no task 'topic'"),
    ],
)
def test_bad_input_is_said_in_words(build, said):
    with pytest.raises(ModelError, match=said):
        build()
