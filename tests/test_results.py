"""The tables in data/results say what the lessons teach; whoever computes them again learns here what no longer holds."""

import re
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import torch

from mtl_helpers.evaluation import paired_changes, write_result
from mtl_helpers.evaluation.running.results import computer
from mtl_helpers.experiments import EXPERIMENTS
from mtl_helpers.experiments.methods.methods_tables import tables_of
from mtl_helpers.experiments.real_data.real_data_tables import SHARED_ROWS as SHARED_REAL
from mtl_helpers.training import RULES

RESULTS = Path(__file__).resolve().parents[1] / "data" / "results"
TRANSFER = pd.read_csv(RESULTS / "transfer.csv", comment="#")
RUNS = pd.read_csv(RESULTS / "transfer_runs.csv", comment="#")
METHODS = pd.read_csv(RESULTS / "methods.csv", comment="#")
REAL = pd.read_csv(RESULTS / "real_data.csv", comment="#")
REAL_RUNS = pd.read_csv(RESULTS / "real_data_runs.csv", comment="#")
DRIVING = pd.read_csv(RESULTS / "driving.csv", comment="#")


def arm(name: str, rho: float, n: int) -> pd.Series:
    rows = TRANSFER[
        (TRANSFER.world == "controlled") & (TRANSFER.rho == rho) & (TRANSFER.n == n) & (TRANSFER.arm == name)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.csv")), ids=lambda path: path.stem)
def test_each_table_says_how_it_was_made(path):
    """The command is that of the experiment in whose code the table's name stands."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    made = re.match(
        rf"# python -m mtl_helpers experiment ({'|'.join([*EXPERIMENTS, 'claims'])}), \d{{4}}-\d\d-\d\d, torch \d",
        first,
    )
    assert made
    module = Path(find_spec(f"mtl_helpers.experiments.{made[1]}").origin)
    files = module.parent.rglob("*.py") if module.name == "__init__.py" else [module]
    assert re.search(rf"\b{path.stem}\b", "\n".join(file.read_text(encoding="utf-8") for file in files))


def test_a_result_keeps_the_digits_that_mean_something(tmp_path):
    """A learning rate of 3e-5 was 0.0 once it was written; a count stays one, and what rounding left is nothing."""
    table = pd.DataFrame(
        {"lr": [3e-5, 0.05], "score": [0.123456, 1234.56789], "n": [1, 2], "change": [5e-17, float("nan")], "at": "x"}
    )
    write_result(tmp_path / "a.csv", table, command="make it")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "lr,score,n,change,at",
        "3e-05,0.1235,1,0.0,x",
        "0.05,1234.5679,2,,x",
    ]


def test_a_result_says_the_threads_and_the_processor_that_it_was_computed_with(tmp_path):
    torch.set_num_threads(2)
    write_result(tmp_path / "two.csv", pd.DataFrame({"score": [1]}), command="make it")
    torch.set_num_threads(1)
    first = (tmp_path / "two.csv").read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"# make it, \d{4}-\d\d-\d\d, torch [\d.]+, numpy [\d.]+, .+, 2 threads of \d+ cores", first)
    assert "1 thread of" in computer()
    write_result(tmp_path / "one.csv", pd.DataFrame(), command="make it", computed_on=["b", "a", "b"])
    assert (tmp_path / "one.csv").read_text(encoding="utf-8").splitlines()[0].endswith(", a and b")


def test_the_transfer_table_follows_from_its_runs():
    group = ["world", "rho", "n", "task"]
    for key, rows in TRANSFER.groupby(group, dropna=False):
        of = pd.Series(True, index=RUNS.index)
        for name, value in zip(group, key, strict=True):
            of &= RUNS[name].isna() if pd.isna(value) else RUNS[name] == value
        shared = (RUNS[of].n_test / RUNS[of].n).mean()  # reviews that the runs share, on the corpus
        again = paired_changes(RUNS[of], shared_rows=0 if pd.isna(shared) else shared).loc[rows.arm]
        for column in ("score", "change", "low", "high", "seeds"):
            assert again[column].to_numpy() == pytest.approx(rows[column].to_numpy(), abs=2e-4), (key, column)


def test_the_tables_of_lesson_05_follow_from_their_runs():
    stored = {path.stem: pd.read_csv(path, comment="#") for path in RESULTS.glob("*.csv")}
    searches = stored["search_runs"]
    again = tables_of(stored["methods_runs"], searches[searches.search != "grid"])  # the grid is among the runs
    for name, table in again.items():
        pd.testing.assert_frame_equal(table.round(4), stored[name], check_dtype=False, rtol=0, atol=2e-4, obj=name)


def test_lesson_05_s_table_has_every_arm_in_both_worlds():
    arms = {"single", "equal", "tuned static", *RULES}
    for world in ("digits", "reviews"):
        assert set(METHODS.arm[(METHODS.world == world) & (METHODS.model == "small")]) == arms
    assert METHODS[["lr", "seconds", "seeds"]].notna().all(axis=None)


def test_at_least_ten_paired_seeds_where_a_claim_is_made_and_five_where_a_look_is_taken():
    looks = (TRANSFER.world == "controlled") & TRANSFER.n.isin([300, 3000])
    assert TRANSFER.seeds[~looks].min() >= 10 and TRANSFER.seeds.min() >= 5 and METHODS.seeds.min() >= 10


def test_the_controlled_world_is_hard_for_words_and_learnable_for_a_network():
    assert arm("bag of words", 0, 1000).score <= 0.85 and arm("bag of words", 1, 3000).score <= 0.65
    alone = arm("single", 0, 1000).score
    assert alone >= 0.90 and alone >= arm("bag of words", 0, 1000).score + 0.08


def test_the_conditioned_head_helps_where_the_relation_is_and_not_elsewhere():
    for n, control in ((1000, "control, free"), (3000, "control")):
        assert arm("conditioned", 1, n).low >= 0.10 and abs(arm(control, 1, n).change) <= 0.02
    assert arm("conditioned", 0, 1000).high < 0


def test_sharing_the_encoder_costs_and_training_jointly_hardly_does():
    """Two encoders, trained jointly or not, are ahead of the shared one whatever it learns first; the true topic is ahead."""
    for n in (1000, 3000):
        rows = [arm(name, 1, n).score for name in ("topic first", "two encoders, jointly", "pipeline", "true topic")]
        assert rows == sorted(rows) and rows[1] > arm("conditioned", 1, n).score + 0.01 > rows[0]


def test_300_reviews_are_enough_for_a_pipeline_and_not_for_the_shared_encoder():
    assert arm("pipeline", 1, 300).low > 0.03 and abs(arm("conditioned", 1, 300).change) < 0.02


def test_a_hidden_layer_in_the_head_ends_at_guessing():
    for head in ("MLP head", "told, MLP head"):
        assert abs(arm(head, 1, 3000).score - 0.5) < 0.03 < -arm(head, 1, 3000).high


def test_stars_help_few_sentiments_and_their_labels_read_off_do_as_well():
    for world, name in (
        ("controlled, 300 sentiment labels", "stars on 2,000"),
        ("real, 100 sentiment labels", "stars on all"),
    ):
        rows = TRANSFER[TRANSFER.world == world].set_index("arm")
        runs = RUNS[RUNS.world == world]
        assert rows.low[name] >= 0.08 and paired_changes(runs, against="control").low[name] >= 0.08
        assert rows.score["single on the stars"] >= rows.score[name] - 0.01


def test_without_the_other_tasks_labels_no_way_gains():
    """What soft sharing and adapters gain, the topic labels bring."""
    rows = TRANSFER[TRANSFER.world == "controlled, other ways"]
    controls = rows[rows.arm.str.contains("control")]
    assert len(controls) == 3 and (controls.change.abs() <= 0.02).all()


def test_a_small_model_pays_for_sharing_and_a_large_one_hardly():
    """At equal λ, against tuned single-task models, in points: a front and nearly a corner."""
    equal = METHODS[(METHODS.arm == "equal") & METHODS.change.notna()].set_index(["world", "model", "task"]).change
    for world, tasks in (("digits", ("left", "right")), ("reviews", ("topic", "sentiment"))):
        assert all(equal[world, "small", task] <= -0.03 for task in tasks)
        assert all(equal[world, "large", task] >= -0.03 for task in tasks)


def test_no_rule_is_shown_to_beat_a_tuned_static_weight():
    """What lesson 05 says; the day one does, the lesson has to change."""
    delta = METHODS[
        (METHODS.task == "Δ_MTL") & (METHODS.model == "small") & ~METHODS.arm.isin(["equal", "tuned static"])
    ]
    assert len(delta) == 2 * 10 and not (delta.to_static_low > 0).any()
    assert (delta.p_holm >= delta.p).all() and delta.p_holm.min() == pytest.approx(min(1, 20 * delta.p.min()))
    assert (delta.sees > delta[["to_static_low", "to_static_high"]].diff(axis=1).iloc[:, 1] / 2).all()


LARGE = pd.read_csv(RESULTS / "large_models.csv", comment="#")


def large(part: str, task: str, labels: str | None = None) -> pd.Series:
    """Mean score by arm."""
    rows = LARGE[(LARGE.part == part) & (LARGE.task == task)]
    rows = rows if labels is None else rows[rows.labels == labels]
    return rows.groupby("arm").score.mean()


def test_the_seeds_in_every_cell_of_the_large_models():
    cells = LARGE.groupby(["part", "task", "arm", "labels"], dropna=False).seed.nunique()
    assert cells.min() >= 3 and set(LARGE.part) == {"labels", "tuning", "mixing"}
    for arm in ("bag of words", "MiniLM", "MiniLM, converged", "MiniLM, LinearSVC"):
        assert (cells["labels", :, arm] == 10).all() and len(cells["labels", :, arm]) == 2 * 4


def test_pre_training_ends_the_need_for_labels_of_topic_and_not_of_sentiment():
    few = large("labels", "topic", "20")
    assert few["MiniLM"] > few[["bag of words", "LSTM"]].max() + 0.4
    few, every = large("labels", "sentiment", "20"), large("labels", "sentiment", "all")
    assert abs(few["MiniLM, layer + stars"] - few["MiniLM, layer"]) < 0.03
    assert every["bag of words"] > every["MiniLM"] + 0.1
    assert abs(every["MiniLM, converged"] - every["MiniLM"]) < 0.02
    assert abs(large("labels", "sentiment", "0")["bag of words, off the stars"] - every["bag of words"]) < 0.03


def test_lora_trains_little_and_moves_sentiment():
    mood = large("tuning", "sentiment")
    assert min(mood["LoRA, one per task"], mood["all layers"]) > mood["heads only"] + 0.1
    numbers = LARGE[LARGE.part == "tuning"].groupby("arm")[["trainable", "memory_mb"]].mean()
    assert numbers.trainable["LoRA, one per task"] < 0.01 * numbers.trainable["all layers"]
    assert numbers.memory_mb["LoRA, one per task"] < 0.75 * numbers.memory_mb["all layers"]
    lora = numbers.trainable["LoRA of rank 16, shared"], numbers.trainable["LoRA, one per task"]
    assert lora[0] == lora[1], "rank 16 is there to compare as many numbers"


def test_a_small_task_is_learnt_late_at_a_small_share():
    mood = large("mixing", "sentiment")
    assert mood["proportional"] < 0.55 < mood["temperature 2"] < mood["equal"] - 0.05
    assert abs(mood["proportional"] - 0.5) < 0.02
    assert mood["proportional"] < mood["proportional, twice the steps"] < mood["equal"] - 0.2
    assert abs(mood["sentiment alone, half the steps"] - mood["equal"]) < 0.05


# Real data


def test_the_real_data_table_says_which_version_of_each_archive_it_was_made_of():
    version = r"version .+, (counts as published|re-packed with [\d,]+ \+ [\d,]+ rows), sha256 [0-9a-f]{64}"
    for name in ("real_data.csv", "real_data_runs.csv"):
        lines = (RESULTS / name).read_text(encoding="utf-8").splitlines()[1:4]
        for line, file in zip(lines, ("domain_sentiment_data", "aclImdb_v1", "cifar-10-binary"), strict=True):
            assert re.fullmatch(rf"# data: {file}\.tar\.gz, {version}", line)


def test_the_real_data_table_follows_from_its_runs():
    """Scores and changes of every arm, paired by seed, at five seeds or more; and Δ_MTL is the mean of its rows."""
    runs = REAL_RUNS[REAL_RUNS.chosen]
    for (world, task), rows in REAL[REAL.task != "Δ_MTL"].groupby(["world", "task"]):
        shared = SHARED_REAL[world.partition(",")[0]]
        of = runs[(runs.world == world) & (runs.task == task)]
        again = paired_changes(of, shared_rows=shared).loc[rows.arm]
        for column in ("score", "change", "low", "high", "seeds"):
            assert again[column].to_numpy() == pytest.approx(rows[column].to_numpy(), abs=2e-4), (world, task, column)
    assert REAL.seeds.min() >= 5
    for (world, arm), rows in REAL[REAL.arm != "single"].groupby(["world", "arm"]):
        if (mean := rows[rows.task == "Δ_MTL"].percent).size:
            assert mean.item() == pytest.approx(rows.percent[rows.task != "Δ_MTL"].mean(), abs=1e-3), (world, arm)


def test_settings_are_chosen_by_the_pilots_and_kept_in_every_seed():
    for key, rows in REAL_RUNS[REAL_RUNS.chosen].groupby(["world", "arm", "task"]):
        assert rows[["weights", "lr"]].drop_duplicates().shape[0] == 1 and rows.seed.is_unique, key
    assert set(REAL_RUNS.seed[~REAL_RUNS.chosen]) == {0, 1}, "more than one pilot"


# Driving


def driving(
    measure: str, labels: int, arm: str = "shared", against: str = "single", own: int | None = None
) -> pd.Series:
    """The change of an arm against another of the same seed; ``own`` are the labels of the other."""
    rows = DRIVING[(DRIVING.condition == "whole") & (DRIVING.measure == measure)].rename(columns={"measure": "task"})
    other = rows[(rows.arm == against) & (rows.labels == (labels if own is None else own))]
    return paired_changes(pd.concat([other, rows[(rows.arm == arm) & (rows.labels == labels)]]), against=against).loc[
        arm
    ]


def test_every_run_of_driving_is_there_once():
    keys = ["arm", "labels", "condition", "measure", "seed"]
    assert not DRIVING.duplicated(keys).any() and DRIVING.score.between(0, 4).all()
    seeds = DRIVING.groupby(["arm", "labels", "condition", "measure"]).seed.nunique()
    often = seeds[~seeds.index.get_level_values("measure").isin(["said right", "did right"])]
    assert often.min() == often.max() >= 4, "an arm lacks a seed"


def test_the_ceiling_is_above_all_arms_and_the_floors_below():
    driven = (
        DRIVING[(DRIVING.measure == "success") & (DRIVING.condition == "whole")].groupby(["arm", "labels"]).score.mean()
    )
    assert driven["expert"].item() >= 0.95 and driven.drop("expert").max() <= driven["expert"].item()
    assert driven[["still", "straight"]].max() < 0.1


def test_real_branches():
    table = pd.read_csv(RESULTS / "real_branches.csv", comment="#")
    counts = table.groupby(["world", "arm", "task"]).seed.nunique()
    assert len(counts) == 8 and (counts == 5).all() and table.score.between(0, 1).all()


def test_dropout_buys_what_needs_no_sound_when_there_is_none():
    rows = DRIVING[DRIVING.condition == "no microphone"].pivot_table("score", ["seed", "measure"], "arm")
    better = (rows["modality dropout"] - rows["shared"]).groupby("measure").mean()
    assert better["sign"] > 0 and better["waypoints"] < 0
