"""The tables in data/results say what the lessons teach; whoever computes them again learns here what no longer holds."""

from pathlib import Path

import pandas as pd
import pytest

from mtl_helpers.evaluation import paired_changes

RESULTS = Path(__file__).resolve().parents[1] / "data" / "results"
TRANSFER = pd.read_csv(RESULTS / "transfer.csv", comment="#")
METHODS = pd.read_csv(RESULTS / "methods.csv", comment="#")


def arm(name: str, rho: float, n: int) -> pd.Series:
    rows = TRANSFER[
        (TRANSFER.world == "controlled") & (TRANSFER.rho == rho) & (TRANSFER.n == n) & (TRANSFER.arm == name)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.csv")), ids=lambda path: path.stem)
def test_each_table_says_how_it_was_made(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# python data/make_") and "torch" in first
    assert (RESULTS.parents[1] / first.split()[2].rstrip(",")).is_file()


def test_the_transfer_table_follows_from_its_runs():
    runs = pd.read_csv(RESULTS / "transfer_runs.csv", comment="#")
    group = ["world", "rho", "n", "task"]
    for key, rows in TRANSFER.groupby(group, dropna=False):
        of = pd.Series(True, index=runs.index)
        for name, value in zip(group, key, strict=True):
            of &= runs[name].isna() if pd.isna(value) else runs[name] == value
        again = paired_changes(runs[of]).loc[rows.arm]
        for column in ("score", "change", "low", "high", "seeds"):
            assert again[column].to_numpy() == pytest.approx(rows[column].to_numpy(), abs=2e-4), (key, column)


def test_at_least_ten_paired_seeds_in_every_row():
    assert TRANSFER.seeds.min() >= 10 and METHODS.seeds.min() >= 10


def test_the_controlled_world_is_hard_for_words_and_learnable_for_a_network():
    assert arm("TF-IDF + LR", 0, 3000).score <= 0.85 and arm("TF-IDF + LR", 1, 3000).score <= 0.65
    alone = arm("single", 0, 3000).score
    assert alone >= 0.90 and alone >= arm("TF-IDF + LR", 0, 3000).score + 0.08


def test_the_conditioned_head_helps_where_the_relation_is_and_not_elsewhere():
    large = arm("conditioned", 1, 3000)
    assert large.score >= 0.75 and large.low >= 0.10
    assert arm("conditioned", 1, 1000).change > 0.05
    for n in (1000, 3000):
        assert abs(arm("control", 1, n).change) <= 0.02 and abs(arm("control", 0, n).change) <= 0.02
        none = arm("conditioned", 0, n)
        assert none.low >= -0.06 and none.high <= 0.02
    assert arm("pipeline", 1, 3000).score > large.score, "the lesson says that the pipeline is better"


def test_useless_labels_harm_and_stars_help_few_sentiments():
    for filters in (32, 3):
        rows = TRANSFER[TRANSFER.world == f"controlled, {filters} filters"].set_index("arm")
        assert rows.high["random labels, lambda 4"] < 0
    for world, name in (
        ("controlled, 300 sentiment labels", "stars on 2,000"),
        ("real, 100 sentiment labels", "stars on all"),
    ):
        rows = TRANSFER[TRANSFER.world == world].set_index("arm")
        assert rows.low[name] >= 0.08


def test_a_small_model_pays_for_sharing_and_a_large_one_hardly():
    """At equal λ, against tuned single-task models, in points: a front and nearly a corner."""
    equal = METHODS[(METHODS.arm == "equal") & METHODS.change.notna()].set_index(["world", "model", "task"]).change
    for world, tasks in (("digits", ("left", "right")), ("reviews", ("topic", "sentiment"))):
        assert all(equal[world, "small", task] <= -0.03 for task in tasks)
        assert all(equal[world, "large", task] >= -0.03 for task in tasks)


def test_no_rule_beats_a_tuned_static_weight():
    """What lesson 05 says; the day one does, the lesson has to change."""
    delta = METHODS[
        (METHODS.task == "Δ_MTL") & (METHODS.model == "small") & ~METHODS.arm.isin(["equal", "tuned static"])
    ]
    assert len(delta) == 2 * 10 and not (delta.to_static_low > 0).any()


LARGE = pd.read_csv(RESULTS / "large_models.csv", comment="#")


def large(part: str, task: str, labels: str | None = None) -> pd.Series:
    """Mean score by arm."""
    rows = LARGE[(LARGE.part == part) & (LARGE.task == task)]
    rows = rows if labels is None else rows[rows.labels == labels]
    return rows.groupby("arm").score.mean()


def test_at_least_three_seeds_in_every_cell_of_the_large_models():
    cells = LARGE.groupby(["part", "task", "arm", "labels"], dropna=False).seed.nunique()
    assert cells.min() >= 3 and set(LARGE.part) == {"labels", "tuning", "mixing"}


def test_pre_training_ends_the_need_for_stars_where_it_is_related_only():
    few = large("labels", "topic", "20")
    assert few["MiniLM"] > few[["bag of words", "LSTM", "LSTM + stars"]].max() + 0.4
    few, every = large("labels", "sentiment", "20"), large("labels", "sentiment", "all")
    assert few["LSTM + stars"] > few["LSTM"] + 0.1 and abs(few["MiniLM, layer + stars"] - few["MiniLM, layer"]) < 0.03
    assert every["bag of words"] > every["MiniLM"] + 0.1


def test_lora_trains_little_and_moves_sentiment():
    mood = large("tuning", "sentiment")
    assert min(mood["LoRA, one a task"], mood["all layers"]) > mood["heads only"] + 0.1
    numbers = LARGE[LARGE.part == "tuning"].groupby("arm")[["trainable", "memory_mb"]].mean()
    assert numbers.trainable["LoRA, one a task"] < 0.01 * numbers.trainable["all layers"]
    assert numbers.memory_mb["LoRA, one a task"] < 0.7 * numbers.memory_mb["all layers"]


def test_a_small_task_starves_in_a_proportional_mixture():
    mood = large("mixing", "sentiment")
    assert mood["proportional"] < 0.55 < mood["temperature 2"] < mood["equal"] - 0.05
