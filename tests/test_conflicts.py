"""What lesson 04's tables were made of: conflicts, whom a step harms, the cheap way, λ by amount; and their pictures."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.optim import SGD, AdamW

from mtl_helpers.experiments import RESULTS, amounts, conflicts
from mtl_helpers.experiments.conflicts import EVERY, Watched
from mtl_helpers.plots import plot_pull, plot_runs
from mtl_helpers.training import RULES, fit

CLOSE = 0.05  # another processor rounds otherwise


def stored(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"{name}.csv", comment="#")


def watched(model, loader, optimizer, name="equal", steps=3 * EVERY):
    rule = Watched(RULES[name](model.tasks, total=3))
    fit(model, loader, optimizer, steps=steps, weights=rule)
    return rule


# The watcher


def test_a_watched_run_is_the_run_that_is_not_watched(new_model, new_loader):
    for name in ("equal", "PCGrad"):
        seen, alone = new_model(), new_model()
        watched(seen, new_loader(), AdamW(seen.parameters(), lr=0.01), name)
        fit(
            alone,
            new_loader(),
            AdamW(alone.parameters(), lr=0.01),
            steps=3 * EVERY,
            weights=RULES[name](alone.tasks, total=3),
        )
        assert all(torch.equal(a, b) for a, b in zip(seen.parameters(), alone.parameters(), strict=True))


def test_the_first_order_change_of_a_step_of_sgd_is_what_its_gradients_say(new_model, new_loader):
    """gᵢ · Δ = -η Σⱼ gᵢ·gⱼ for the plain sum: from the cosines alone one cannot say it, from the gradients one can."""
    model = new_model()
    rule = Watched(RULES["equal"](model.tasks))
    steps = 2 * EVERY
    fit(model, new_loader(), SGD(model.parameters(), lr=0.01), steps=steps, weights=rule)
    gradients = torch.stack(list(rule.gradients.values()))
    expected = -0.01 * (gradients @ gradients.T).sum(dim=1)
    last = [row["change"] for row in rule.steps[-4:-1]]
    assert last == pytest.approx(expected.tolist(), rel=1e-2)
    assert len(rule.steps) == 4 * steps // EVERY and len(rule.pairs) == 3 * steps // EVERY


def test_a_step_uphill_for_one_task_is_seen(new_model, new_loader):
    class Uphill(RULES["equal"]):
        def weigh(self, losses, model):
            return {"topic": 1.0, "sentiment": 1.0, "stars": -5.0}

    model = new_model()
    rule = Watched(Uphill(model.tasks))
    fit(model, new_loader(), SGD(model.parameters(), lr=0.01), steps=EVERY, weights=rule)
    assert {row["task"]: row["harmed"] for row in rule.steps}["stars"] and rule.steps[-1] == {
        "task": "any",
        "harmed": True,
    }


# The files follow from the code


@pytest.mark.parametrize("name", ["conflicts", "amounts"])
def test_the_tables_have_every_run(name):
    experiment = {"conflicts": conflicts, "amounts": amounts}[name].EXPERIMENT
    configs = pd.DataFrame(experiment.configs(experiment.seeds))
    if name == "amounts":
        assert len(stored("amounts")) == 2 * len(configs)
        return
    watched_runs = configs[configs.optimizer.notna()]
    assert len(stored("conflicts_steps").query("task == 'any'")) == len(watched_runs)
    keys = ["world", "arm", "place", "seed"]
    assert stored("conflicts_scores")[keys].drop_duplicates().shape[0] == len(configs) - len(watched_runs)


def test_one_run_is_as_in_the_file():
    config = {"world": "digits", "arm": "MGDA", "place": "features", "seed": 0}
    assert config in conflicts.EXPERIMENT.configs(5)
    runs = pd.DataFrame([{"optimizer": np.nan, **config, **conflicts.run(config)}])
    rows = conflicts.tables(runs)["conflicts_scores"].merge(stored("conflicts_scores"), on=[*config, "task"])
    assert len(rows) == 2 and (rows.score_x - rows.score_y).abs().max() < CLOSE


# Pictures


def test_weight_pull_and_loss_stand_on_one_axis_of_steps(new_model, new_loader):
    steps = pd.DataFrame({"step": [1, 1, 2, 2], "task": ["topic", "sentiment"] * 2, "loss": [2.0, 0.7, 1.0, np.nan]})
    history = steps.assign(weight=[1.0, 1.0, 0.5, 1.0], pull=[np.nan, np.nan, 3.0, 4.0])
    weights, pulls, losses = plot_pull(history, window=1).axes
    assert weights.get_shared_x_axes().joined(weights, losses)
    assert [list(line.get_ydata()) for line in weights.lines] == [[1.0, 0.5], [1.0, 1.0]]
    assert [list(line.get_ydata()) for line in pulls.lines] == [[3.0], [4.0]]
    assert [list(line.get_ydata()) for line in losses.lines] == [[2.0, 1.0], [0.7]]
    assert len({line.get_color() for line in losses.lines}) == len({line.get_linestyle() for line in losses.lines}) == 2
    with pytest.raises(ValueError, match="no pull to draw"):
        plot_pull(history.assign(pull=np.nan))


def test_runs_are_dots_and_their_mean_a_bar():
    runs = pd.DataFrame({"share": [0.1, 0.3, 0.5], "how": ["SGD", "SGD", "AdamW"]}, index=["a", "a", "b"])
    (ax,) = plot_runs(runs, {"a share": "share"}, by="how", marks={"a share": 0.5}).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert sorted(x for line in ax.lines if line.get_marker() in "os" for x in line.get_xdata()) == [0.1, 0.3, 0.5]
    assert any(list(line.get_xdata()) == pytest.approx([0.2, 0.2]) for line in ax.lines)
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_runs(runs.iloc[:0], {"a share": "share"})
    with pytest.raises(ValueError, match=r"3 groups apart; 'how' has \[0, 1, 2, 3\]"):
        plot_runs(pd.DataFrame({"share": 0.0, "how": range(4)}, index=list("abcd")), {"a share": "share"}, by="how")
