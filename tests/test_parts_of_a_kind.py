"""A kind of task of one's own: what it may be, and what is said when a part of it is missing or of the wrong shape."""

import math

import pytest
import torch
import torch.nn.functional as F

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.evaluation import evaluate
from mtl_helpers.models import ModelError, MultiTaskModel, OnFeatures
from mtl_helpers.saving import Trained
from mtl_helpers.tasks import Classification, Regression, Task, TaskError
from mtl_helpers.training import TrainingError, Weighting, fit, predict

FEATURES = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
GRADES = (FEATURES[:, 0] + 2).round().clamp(0, 4)


class Ordinal(Classification):
    """Classes with an order: one yes or no for each step up, scored by how many steps an answer is off."""

    metric, higher_is_better = "steps off", False

    @property
    def n_outputs(self):
        return len(self.classes) - 1

    def losses(self, output, target):
        above = (target[:, None] > torch.arange(self.n_outputs)).float()
        return F.binary_cross_entropy_with_logits(output, above, reduction="none").mean(dim=1)

    def predict(self, output):
        return (output > 0).sum(dim=1)

    def scores(self, predicted, target):
        return {self.metric: (predicted - target).abs().float().mean()}


class Steps(Regression):
    """The same as a number: four outputs for one label, without a from_head of its own."""

    n_outputs = 4
    losses, predict = Ordinal.losses, Ordinal.predict


GRADE = Ordinal("grade", classes=("1", "2", "3", "4", "5"))


def run(task: Task, grades: torch.Tensor = GRADES):
    torch.manual_seed(0)
    loader = make_loader(MultiTaskDataset(FEATURES, {task.name: grades}))
    model = MultiTaskModel(OnFeatures(3), [task])
    history = fit(model, loader, torch.optim.Adam(model.parameters(), lr=0.1), steps=20, val_loader=loader)
    return model, loader, history


def test_an_own_metric_is_what_history_and_evaluation_show():
    model, loader, history = run(GRADE)
    output, target, _ = predict(model, loader)["grade"]
    off = (GRADE.predict(output) - target).abs().float().mean().item()
    assert history.val_score.iloc[-1] == evaluate(model, loader)["steps off"]["grade"] == off
    assert isinstance(evaluate(model, loader)["steps off"]["grade"], float)
    assert 0 < off < 1.5 and off != (GRADE.predict(output) == target).float().mean().item()


def test_classes_are_counted_by_the_classes_not_by_the_outputs_bad_input():
    assert GRADE.check(GRADES)[0].max() == 4
    with pytest.raises(TaskError, match=r"row 0 holds class 5.0; classes are numbered 0 to 4. Are they counted from 1"):
        GRADE.check(torch.tensor([5.0, 1.0]))


def test_a_number_may_have_several_outputs():
    model, loader, _ = run(Steps("grade"))
    assert evaluate(model, loader).MAE.grade < 1.5


def test_answers_of_a_head_that_is_not_one_number_a_class_bad_input():
    with pytest.raises(
        TaskError, match=r"Ordinal.condition gives \(4,\) numbers an example and there are 5 classes: write a"
    ):
        Trained(run(GRADE)[0]).answer(FEATURES)


class Averaged(Regression):
    def losses(self, output, target):
        return F.mse_loss(output, target)


class Misnamed(Regression):
    metric = "RMSE"


class Alone(Regression):
    def scores(self, predicted, target):
        return 1.0


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Averaged, r"its losses must be one number an example, shape \(32,\); found \(\)"),
        (Misnamed, "its scores must be a dict with its metric, 'RMSE'; found {'MAE'"),
        (Alone, "its scores must be a dict with its metric, 'MAE'; found 1.0"),
    ],
)
def test_a_kind_that_gives_something_else_bad_input(kind, said):
    with pytest.raises(TaskError, match=f"Task 'grade': {said}"):
        run(kind("grade"))


def test_a_kind_without_its_parts_bad_input():
    class Nothing(Task):
        """Says nothing."""

    for ask, part in ((lambda t: t.n_outputs, "n_outputs"), (lambda t: t.encode([1]), "encode_known")):
        with pytest.raises(NotImplementedError, match=rf"'grade': Nothing does not say its {part}; help\(Task\) shows"):
            ask(Nothing("grade"))


def test_an_own_model_that_forgets_from_head_is_told_bad_input():
    class Own(MultiTaskModel):
        def forward(self, inputs):
            return {task.name: self.heads[task.name](self.encoder(inputs)) for task in self.tasks}

    loader = make_loader(MultiTaskDataset(FEATURES, {"grade": GRADES}))
    model = Own(OnFeatures(3), [Regression("grade")])
    with pytest.raises(TaskError, match=r"shape \(32, 1\), expected \(32,\) .* hands on task.from_head"):
        fit(model, loader, torch.optim.SGD(model.parameters()), steps=1)


def test_no_example_no_score():
    assert math.isnan(GRADE.score(torch.zeros(0), torch.zeros(0)))


# A rule, a model of one's own

TWO = (Regression("grade"), Regression("other"))
LOADER = make_loader(MultiTaskDataset(FEATURES, {task.name: GRADES for task in TWO}))


def one_step(model=None, rule=None, **options):
    model = MultiTaskModel(OnFeatures(3), TWO) if model is None else model
    return fit(model, LOADER, torch.optim.SGD(model.parameters(), lr=0.1), steps=1, weights=rule, **options)


@pytest.mark.parametrize("found", [None, [1.0, 1.0], {"grade": 1.0, "another": 1.0}], ids=str)
def test_a_rule_that_gives_no_weights_by_name_bad_input(found):
    class Own(Weighting):
        def weigh(self, losses, model):
            return found

    with pytest.raises(TrainingError, match="Own must give λ by task name, of grade, other; found"):
        one_step(rule=Own(TWO, total=2))


def test_a_rule_may_give_tensors_that_know_their_gradient(recwarn):
    class Own(Weighting):
        def weigh(self, losses, model):
            return {name: 1 / loss for name, loss in losses.items()}

    history = one_step(rule=Own(TWO))
    assert (history.weight * history.loss).round(5).tolist() == [1.0, 1.0]
    assert not [warning for warning in recwarn if "requires_grad" in str(warning.message)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [(lambda out: list(out.values()), "a list"), (lambda out: {"other": out["other"]}, "other")],
)
@pytest.mark.parametrize("autocast", [None, "bf16"])
def test_a_model_that_does_not_answer_by_task_bad_input(answer, said, autocast):
    class Own(MultiTaskModel):
        def forward(self, inputs):
            return answer(super().forward(inputs))

    model = Own(OnFeatures(3), TWO)
    for ask in (lambda: one_step(model, autocast=autocast), lambda: predict(model, LOADER)):
        with pytest.raises(
            TrainingError, match=f"answers with a dict, an output for each task; for 'grade' found.*{said}"
        ):
            ask()


def test_no_optimizer_bad_input():
    with pytest.raises(TrainingError, match=r"Give an optimizer, such as .*; found None"):
        fit(MultiTaskModel(OnFeatures(3), TWO), LOADER, None, steps=1)


def test_whole_numbers_as_features_bad_input():
    whole = make_loader(MultiTaskDataset(FEATURES.long(), {task.name: GRADES for task in TWO}))
    model = MultiTaskModel(OnFeatures(3), TWO)
    with pytest.raises(
        ModelError, match=r"found int64 of shape \(32, 3\)\. .*a table with ColumnNumbers; .*give x\.float\(\)"
    ):
        fit(model, whole, torch.optim.SGD(model.parameters()), steps=1)
