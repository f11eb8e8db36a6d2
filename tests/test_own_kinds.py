"""A kind of task and a rule of one's own go everywhere the course's own go: loop, scores, lab, figures, tables, files."""

import math
from dataclasses import dataclass

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from mtl_helpers.data import MultiTaskDataset, make_loader, mixed_loader
from mtl_helpers.evaluation import Arm, delta_table, evaluate, run_arms
from mtl_helpers.live import LabError, LambdaLab
from mtl_helpers.models import MultiTaskModel, OnFeatures
from mtl_helpers.plots import plot_front, plot_history
from mtl_helpers.saving import load, save
from mtl_helpers.tasks import SENTIMENT, Regression, Task
from mtl_helpers.training import RULES, TrainingError, Weighting, fit, validate


class Count(Regression):
    """How many of something."""

    metric = "relative error"

    def losses(self, output, target):
        return F.poisson_nll_loss(output, target, reduction="none")

    def predict(self, output):
        return output.exp()

    def scores(self, predicted, target):
        return {self.metric: ((predicted - target).abs() / target.clamp(min=1)).mean().item()}


@dataclass(frozen=True)
class Above(Task):
    """Whether something is above 0: a kind that shares nothing with those of the course."""

    metric = "hit"
    n_outputs = 1

    def from_head(self, output):
        return output.squeeze(-1)

    def encode_known(self, labels, positions):
        return torch.tensor([float(label) for label in labels])

    def check_known(self, target, mask):
        return target.float()

    def losses(self, output, target):
        return F.softplus(-output * (2 * target - 1))

    def predict(self, output):
        return (output > 0).float()

    def scores(self, predicted, target):
        return {"hit": (predicted == target).float().mean().item()}

    def decode(self, output):
        return pd.DataFrame({self.name: self.predict(output).tolist()})


INPUTS = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
LABELS = {
    "likes": INPUTS[:, 0].clamp(max=0.9).exp().round(),
    "above": (INPUTS[:, 1] > 0).float(),
    "sentiment": (INPUTS[:, 2] > 0).long(),
}
KINDS = pytest.mark.parametrize("task", [Count("likes"), Above("above")], ids=["Count", "Above"])


def made(tasks, masks=None):
    torch.manual_seed(0)
    data = MultiTaskDataset(INPUTS, {task.name: LABELS[task.name] for task in tasks}, masks, tasks=tasks)
    return MultiTaskModel(OnFeatures(4, hidden=16), tasks), data


@pytest.mark.bad_input
@pytest.mark.parametrize("rule", ["FAMO", "GradNorm"])
def test_a_loss_below_zero_is_refused_by_rules_that_divide_by_it(rule):
    """The Poisson loss leaves out a constant, and falls below 0 where counts are large."""
    model, data = made([Count("likes"), SENTIMENT])
    many = MultiTaskDataset(data.inputs, {**data.targets, "likes": data.targets["likes"] + 30})
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    with pytest.raises(
        TrainingError, match=f"{rule} compares how fast .* and the loss of 'likes' is -.*take a rule that"
    ):
        fit(model, make_loader(many), optimizer, steps=300, weights=RULES[rule](model.tasks))


@KINDS
@pytest.mark.parametrize("rule", RULES)
def test_it_learns_by_every_rule_and_is_scored_by_its_own_score(task, rule):
    model, data = made([task, SENTIMENT])
    before = validate(model, make_loader(data))[1][task.name]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    weights = RULES[rule](model.tasks, total=2)
    fit(model, make_loader(data, 24, shuffle=True), optimizer, steps=60, weights=weights, val_loader=make_loader(data))
    found = evaluate(model, make_loader(data)).loc[task.name]
    assert found[task.metric] == pytest.approx(validate(model, make_loader(data))[1][task.name])
    assert math.isnan(found.accuracy) and math.isnan(found.MAE) and found.n == 96
    assert (found[task.metric] > before) == task.higher_is_better


@KINDS
def test_lab_figures_tables_and_files_take_it(task, tmp_path):
    model, data = made([task, SENTIMENT])
    lab = LambdaLab(model, make_loader(data, 24, shuffle=True), make_loader(data))
    lab.run(60)
    history = lab.history
    lab.close()
    assert history[history.task == task.name].val_score.notna().any() and plot_history(history).axes
    scores = evaluate(model, make_loader(data))
    runs = pd.DataFrame({t.name: [scores.loc[t.name, t.metric]] for t in model.tasks})
    (axes,) = plot_front(runs, model.tasks).axes
    assert axes.xaxis.get_inverted() is not task.higher_is_better and task.metric in axes.get_xlabel()
    arms = [Arm("single", [task]), Arm("shared", [task, SENTIMENT])]
    rows = pd.concat(
        pd.DataFrame(
            run_arms(arms, [data] * 3, seed=seed, steps=20, encode=lambda parts, _: (lambda: OnFeatures(4), parts))
        )
        for seed in (0, 1)
    )
    assert task.name in delta_table(rows, [task]).index.get_level_values("task")
    save(model, tmp_path / "mine")
    assert len(load(tmp_path / "mine").answer(INPUTS)[task.name]) == 96


class Lagging(Weighting):
    """A rule of one's own."""

    def weigh(self, losses, model):
        return {name: loss.item() for name, loss in losses.items()}


def test_the_lab_takes_a_rule_of_ones_own():
    model, data = made([Count("likes"), SENTIMENT])
    lab = LambdaLab(model, make_loader(data, 24), make_loader(data))
    lab.run(2)
    lab.use(Lagging(model.tasks, total=3))
    lab.run(2)
    history = lab.history
    lab.close()
    assert history.groupby("step").weight.sum().tolist() == pytest.approx([2, 2, 3, 3])
    last = history[history.step == 4].set_index("task")
    assert last.weight.to_dict() == pytest.approx((3 * last.loss / last.loss.sum()).to_dict())


@pytest.mark.parametrize("n", [8, 9])
def test_the_lab_takes_up_to_eight_tasks(n):
    tasks = [Regression(f"t{i}") for i in range(n)]
    data = MultiTaskDataset(INPUTS, {task.name: INPUTS[:, 0] for task in tasks})
    model, loader = MultiTaskModel(OnFeatures(4), tasks), make_loader(data, 24)
    if n > 8:
        with pytest.raises(LabError, match="The lab shows 1 to 8 tasks; this model has 9"):
            LambdaLab(model, loader, loader)
        return
    lab = LambdaLab(model, loader, loader)
    lab.run(3)
    assert lab.history.task.nunique() == 8 and lab.history.loss.notna().all()
    lab.close()


@pytest.mark.parametrize("rule", RULES)
def test_with_data_sets_of_one_task_each_no_mean_loss_is_diluted(rule):
    """Most batches have no label of the small task: those are nothing, and no zeros."""
    tasks = [Count("likes"), SENTIMENT]
    parts = {
        task.name: MultiTaskDataset(INPUTS[:n], {task.name: LABELS[task.name][:n]})
        for task, n in zip(tasks, (16, 96), strict=True)
    }
    model, _ = made(tasks)
    loader, seen = mixed_loader(parts, 8), []
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    options = {"steps": 42, "weights": RULES[rule](tasks), "on_step": lambda record: seen.append(record.batch.masks)}
    history = fit(model, loader, optimizer, **options)
    for name, losses in history.groupby("task").loss:
        labelled = [bool(masks[name].any()) for masks in seen]
        assert losses.notna().tolist() == labelled and 0 < sum(labelled) < 42
        expected = validate(model, make_loader(parts[name]))[0][name]
        assert losses.mean() == pytest.approx(expected, rel=0.15)
