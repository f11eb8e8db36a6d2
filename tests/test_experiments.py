"""Experiments: each one's smallest run is the committed row, its tables are the committed ones, and one runner goes on."""

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path

import distributed
import pandas as pd
import pytest
import torch

from mtl_helpers import __main__ as launcher
from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import Splits
from mtl_helpers.datasets.digits import source_digits
from mtl_helpers.driving import (
    COMMAND,
    DRIVING_TASKS,
    OBSTACLE,
    SIGN,
    drive,
    drive_rows,
    episode_rows,
    keep_route_labels,
    route_action,
)
from mtl_helpers.evaluation import delta_mtl
from mtl_helpers.experiments import (
    EXPERIMENTS,
    RESULTS,
    Experiment,
    corpus,
    cost,
    driving,
    large_models,
    methods,
    methods_fair,
    real_data,
    rows_of,
    transfer,
)
from mtl_helpers.experiments import __main__ as runner
from mtl_helpers.experiments.driving import learning as driving_learning
from mtl_helpers.experiments.large_models import label_counts
from mtl_helpers.experiments.large_models.own_process import in_own_process
from mtl_helpers.experiments.methods import methods_tables
from mtl_helpers.experiments.real_data import real_data_tables
from mtl_helpers.experiments.transfer.arms import OTHER_WAYS, told_topic
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, TOPIC

ROOT = Path(__file__).resolve().parents[1]
CLOSE = 0.05  # another processor, or another version, rounds otherwise, and may stop at another step


def stored(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"{name}.csv", comment="#")


def one_run(experiment: Experiment, config: dict) -> pd.DataFrame:
    """The run of one config of the table's, as the runner hands it on."""
    assert config in experiment.configs(experiment.seeds)
    return pd.DataFrame([{**config, **experiment.run(config)}])


def alike(table: pd.DataFrame, name: str, on: list[str], scores: list[str]) -> None:
    """A table of some rows: the columns of the file, and in these rows its scores."""
    file = stored(name)
    assert list(table) == list(file)
    both = table.astype({key: file[key].dtype for key in on}).merge(file, on=on, suffixes=("", " of the file"))
    assert len(both) == len(table) > 0
    for score in scores:
        assert both[score].to_numpy() == pytest.approx(both[f"{score} of the file"].to_numpy(), abs=CLOSE, nan_ok=True)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_experiment_lists_runs_that_are_all_different_and_more_for_more_seeds(name):
    experiment = import_module(f"mtl_helpers.experiments.{name}").EXPERIMENT
    configs = experiment.configs(experiment.seeds)
    assert len({str(sorted(config.items())) for config in configs}) == len(configs) > 5
    assert [config for config in configs if config["seed"] < 2] != configs or name == "real_data"


# One run of each


def test_cost():
    runs = one_run(cost.EXPERIMENT, {"encoder": "CNN", "seed": 0})
    alike(cost.tables(runs)["cost"], "cost", ["encoder", "seed", "arm"], ["topic", "sentiment"])


def test_corpus():
    runs = one_run(corpus.EXPERIMENT, {"study": "copies", "seed": 0})
    alike(corpus.tables(runs)["corpus"], "corpus", ["study", "seed", "arm", "part", "task"], ["score"])


def test_transfer():
    world = next(i for i, (world, _) in enumerate(transfer.WORLDS) if world.args[:2] == (1, 300))
    rows = rows_of(one_run(transfer.EXPERIMENT, {"world": world, "seed": 0})).drop(columns="place")
    keys, scores = (
        ["world", "rho", "n", "arm", "task", "seed"],
        ["score", "helper", *(f"at_{s}" for s in transfer.CURVE)],
    )
    alike(rows[stored("transfer_runs").columns], "transfer_runs", keys, scores)


def test_the_worlds_of_transfer_have_a_single_model_for_every_seed():
    """Every arm is compared with the single-task model of its own world and seed."""
    runs = stored("transfer_runs")
    for _, group in runs.groupby(["world", "rho", "n", "task"], dropna=False):
        assert set(group.seed) == set(group[group.arm == "single"].seed)


def test_what_topic_alone_has_learnt_begins_the_shared_model():
    new_encoder = partial(CNNEncoder, 50, filters=4)
    first = MultiTaskModel(new_encoder(), [TOPIC])
    pipeline, shared = (arm.build(new_encoder, arm.tasks) for arm in transfer.after_topic(first))
    tokens = torch.randint(2, 50, (5, 9))
    assert torch.equal(shared(tokens)["topic"], first(tokens)["topic"])
    assert shared.encoder is not first.encoder and [p.shape for p in pipeline.first.parameters()]


def test_the_true_topic_is_told_and_not_read():
    """The condition is the label, and the encoder sees the text alone: the ceiling of conditioning."""
    frame = make_reviews(40, relatedness=1, seed=0)
    new_encoder, (train, *_) = told_topic(Splits(frame[:20], frame[20:30], frame[30:]), [SENTIMENT])
    model = transfer.ORACLE.build(new_encoder, [SENTIMENT])
    tokens = train[list(range(20))].inputs
    told = TOPIC.condition(model.first(tokens)["topic"])
    assert [TOPIC.classes[i] for i in told.argmax(dim=1)] == frame.topic[:20].tolist()
    assert told.amax(dim=1).min() > 0.999
    other = tokens.clone()
    other[:, 0] = tokens[0, 0]
    assert torch.equal(model.encoder(other), model.encoder(tokens))


def test_methods(monkeypatch):
    monkeypatch.setattr(methods, "SHARES", (0.5,))
    rows = rows_of(one_run(methods.EXPERIMENT, {"name": "digits", "size": "large", "lr": 0.003, "seed": 0}))
    alike(rows, "methods_runs", ["world", "model", "arm", "lr", "task", "seed", "share"], ["val", "test"])


@pytest.mark.parametrize(
    "config",
    [
        {"arm": "without a model", "seed": 0},
        {"arm": "single", "task": "action", "seed": 0, "labels": 300},
        {"arm": "standardised", "seed": 0, "labels": 300},
    ],
    ids=["floors", "single", "standardised"],
)
def test_driving(config):
    """The last one drives, too: a score of 40 drives may move by some of them on another processor."""
    table = driving.tables(one_run(driving.EXPERIMENT, config))["driving"]
    table = table[table.measure.isin(["action", "waypoints", "success"])]
    file = stored("driving")
    keys = ["arm", "labels", "seed", "condition", "measure"]
    both = table.merge(file, on=keys, suffixes=("", " of the file"))
    assert list(table) == list(file) and len(both) == len(table) > 0
    close = both.measure.map({"action": CLOSE, "waypoints": CLOSE, "success": 0.15})
    assert (abs(both.score - both["score of the file"]) <= close).all()


def test_each_drive_of_the_test_is_new():
    """No drive of the closed loop begins as a moment that was learnt from, nor as one that DAgger collected."""
    rows = driving.new_simulator(0).rows
    learnt = pd.concat([drive_rows(5500, seed=0), episode_rows(driving.EPISODES, seed=20_000)])
    assert not set(rows.pitch) & set(learnt.pitch) and len(rows) == driving.EPISODES


def test_half_of_each_batch_has_a_route():
    data = driving_learning.drives(0)[0].val
    data = keep_route_labels(data, 20)
    loader = driving_learning.in_every_batch(data, 0, batches=7)
    assert [int(batch.masks["waypoints"].sum()) for batch in loader] == [16] * 7 and len(loader) == 7


def test_a_pipeline_with_perfect_models_drives_as_the_expert_does():
    """Perception that says the truth, and the map: only the rule is left, and that is the expert's."""
    simulator = driving.Simulator(episode_rows(30, seed=9))
    policy = driving.Pipeline(simulator, {})
    truth = {name: simulator.rows[name].tolist() for name in ("command", "sign", "obstacle")}
    pipelines_module = import_module("mtl_helpers.experiments.driving.pipelines")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipelines_module, "perceived", lambda models, observed: truth)
        assert drive(simulator, policy).success.mean() >= 0.95


def test_a_rule_learnt_from_few_drives_stops_where_it_knows_nothing():
    rows = drive_rows(40, seed=0).assign(decided=False)
    rule = driving.learnt_rule(rows)
    seen = set(zip(rows.command, rows.sign, rows.obstacle, strict=True))
    every = set(product(COMMAND.classes, SIGN.classes, OBSTACLE.classes))
    assert {rule(*one) for one in every - seen} == {"stop"}
    assert all(rule(*one) == route_action(*one) for one in seen)


def test_dagger_labels_where_the_model_went():
    """The added moments have the expert's waypoints of where they are, and lie off the usual ones."""
    splits = driving_learning.make_drives(300, 60, 10, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driving, "ADDED", 50)
        patch.setattr(driving, "trained", lambda tasks, loader, val, seed: (driving.new_model(tasks, seed), 0))
        more = driving.aggregated(splits.train, splits.val, 3)
    assert len(more) == 350 and more.masks["waypoints"][300:].all()
    assert torch.equal(more.inputs["camera"][:300], splits.train.inputs["camera"])


@pytest.mark.parametrize(
    "config",
    [
        {"part": "labels", "arm": "bag of words", "task": "topic", "n": 20, "seed": 0},
        {"part": "labels", "arm": "bag of words, off the stars", "task": "sentiment", "n": 0, "seed": 5},
        {"part": "labels", "arm": "MiniLM, converged", "task": "sentiment", "n": 240, "seed": 9},
        {"part": "labels", "arm": "MiniLM, layer + stars", "task": "sentiment", "n": 20, "seed": 1},
        {"part": "tuning", "arm": "bag of words", "n": 240, "seed": 1},
        {"part": "tuning", "arm": "heads only", "n": 240, "seed": 0},
    ],
    ids=lambda config: f"{config['part']}, {config['arm']}",
)
def test_large_models(config):
    pytest.importorskip("transformers")
    table = large_models.tables(one_run(large_models.EXPERIMENT, config))["large_models"]
    alike(table, "large_models", ["part", "arm", "seed", "task", "labels"], ["score"])
    assert (table.memory_mb > 0).all() or config["arm"] != "heads only"


@pytest.mark.skipif("MTL_DATA" not in os.environ, reason="set MTL_DATA to a folder with the published archives")
def test_real_data():
    config = {"world": "domains", "seed": 0, "arm": "TF-IDF", "tasks": ["stars"], "weights": [1], "lr": 0}
    found = one_run(real_data.EXPERIMENT, config)
    rows = stored("real_data_runs")
    row = rows[(rows.world == "domains") & (rows.arm == "TF-IDF") & (rows.task == "stars") & (rows.seed == 0)]
    assert found.test[0]["stars"] == pytest.approx(row.score.item(), abs=1e-3)


def test_what_runs_in_its_own_process_is_new_each_time_and_raises_here():
    pids = {in_own_process(os.getpid), in_own_process(os.getpid), os.getpid()}
    assert len(pids) == 3
    assert in_own_process(torch.get_num_threads) == 1
    with pytest.raises(ZeroDivisionError):
        in_own_process(divmod, 7, 0)
    with pytest.raises(BrokenProcessPool):
        in_own_process(os.abort)


def test_with_stars_the_few_labels_are_drawn_at_least_as_often_as_alone(monkeypatch):
    """Every second batch of twice as many is of stars; the others are full, and alone the last of an epoch is not."""
    pytest.importorskip("transformers")
    drawn = {}

    def counted(model, loader, optimizer, *, steps, weights):
        batches = [batch for _ in range(-(-steps // len(loader))) for batch in loader][:steps]
        drawn[tuple(batches[0].masks)] = sum(int(batch.masks["sentiment"].sum()) for batch in batches)

    monkeypatch.setattr(label_counts, "fit", counted)
    for arm in ("MiniLM, layer", "MiniLM, layer + stars"):
        large_models.labels_run(arm, "sentiment", 100, 0, steps=200)
    alone, beside = drawn[("sentiment",)], drawn[("sentiment", "stars")]
    assert beside == pytest.approx(200 * 32, rel=0.2) and beside > alone


# The tables follow from the runs


def test_the_tables_of_transfer_are_the_committed_ones():
    """The rows of the files as the runs of one world, seed by seed."""
    files = {"transfer_runs": "runs", "gradients": "gradients"}
    rows = pd.concat(stored(file).assign(table=table) for file, table in files.items())
    runs = []
    for seed, part in rows.groupby("seed"):
        runs.append({"world": 0, "rows": [{"place": i, **row} for i, row in enumerate(part.to_dict("records"))]})
        assert seed in range(10)
    for name, table in transfer.tables(pd.DataFrame(runs)).items():
        keys = [column for column in table if table[column].dtype == object or column in ("rho", "n", "seed")]
        again, there = (t.sort_values(keys, ignore_index=True) for t in (table, stored(name)))
        pd.testing.assert_frame_equal(
            again, there, check_dtype=False, rtol=0, atol=0.11 if name == "transfer" else 2e-4
        )


def test_the_tables_of_methods_are_the_committed_ones():
    searches = stored("search_runs")
    found = searches[searches.search != "grid"]  # the grid is among the runs
    runs = [
        {"lr": 0.003, "rows": stored("methods_runs").to_dict("records")},
        {"lr": float("nan"), "rows": found.to_dict("records")},
    ]
    tables = methods.tables(pd.DataFrame(runs))
    assert len(tables) == 6
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table.round(4), stored(name), check_dtype=False, rtol=0, atol=2e-4, obj=name)


def test_the_table_of_real_data_is_the_committed_one():
    table = real_data_tables.table_of(stored("real_data_runs"), real_data.SCORED).astype({"settings": float})
    pd.testing.assert_frame_equal(table, stored("real_data"), check_dtype=False, rtol=0, atol=0.011)


def test_the_pilots_of_real_data_choose_what_the_other_seeds_run():
    """The pilots' runs are faked: their second learning rate is the better one for every arm."""
    pilots = real_data.configs(5)
    assert {config["seed"] for config in pilots} == {0, 1}
    runs = []
    for config in pilots:
        good = config["lr"] in (0, max(real_data.LRS)) and len(set(config["weights"])) == 1
        tasks = {task.name: task for task in real_data.SCORED[config["world"]]}
        scored = [name for name in tasks if name in config["tasks"]]
        scores = {name: 0.8 if good == tasks[name].higher_is_better else 0.6 for name in scored}
        runs.append({**config, "val": scores, "test": scores, "cpu_s": 1.0, "n_train": 2, "n_test": 1})
    more = real_data.then(pd.DataFrame(runs), 4)
    assert {config["seed"] for config in more} == {2, 3}
    assert {config["lr"] for config in more} == {0, max(real_data.LRS)}
    assert all(len(set(config["weights"])) == 1 for config in more)


def test_no_one_seed_chooses_alone():
    """A setting that seed 0 alone likes best is not chosen if the mean over the pilots likes another."""
    runs = []
    for seed, vals in ((0, (0.9, 0.8)), (1, (0.5, 0.8))):
        for lr, val in zip(real_data.LRS, vals, strict=True):
            run = {"world": "domains, 100 labels", "arm": "single", "tasks": ["sentiment"], "weights": [1], "lr": lr}
            run |= {"seed": seed, "val": {"sentiment": val}, "test": {"sentiment": 0.7}}
            runs.append({**run, "cpu_s": 1.0, "n_train": 2, "n_test": 1})
    rows = real_data_tables.chosen_runs(pd.DataFrame(runs), {"domains, 100 labels": (SENTIMENT,)})
    assert set(rows.lr[rows.chosen]) == {real_data.LRS[1]}


def test_stars_over_the_threshold_are_the_sentiment_of_every_review():
    frame = pd.DataFrame({"stars": [1.0, 2.0, 4.0, 5.0], "sentiment": None})
    assert real_data.from_stars(frame, "domains, 100 labels").sentiment.tolist() == ["negative"] * 2 + ["positive"] * 2
    films = pd.DataFrame({"stars": [4.0, 7.0], "sentiment": None})
    assert real_data.from_stars(films, "imdb").sentiment.tolist() == ["negative", "positive"]


# Lesson 05: each seed chooses for itself


@pytest.mark.parametrize("world", ["digits", "reviews"])
def test_each_seed_chooses_by_its_own_validation(world):
    """Worked out anew, without `best_of`: no setting of that seed and arm has a better Δ_MTL on validation."""
    runs = stored("methods_runs").query("world == @world and model == 'small'")
    chosen, tasks = methods_tables.chosen_runs(runs), methods_tables.TASKS[world]
    for seed in (0, 7):
        of, mine = runs[runs.seed == seed], chosen[chosen.seed == seed]
        single = {task.name: of[(of.arm == "single") & (of.task == task.name)].val.max() for task in tasks}
        assert mine[mine.arm == "single"].set_index("task").val.to_dict() == single
        for arm, rows in methods_tables.candidates(of).items():
            worth = [
                delta_mtl(group.set_index("task").val.to_dict(), single, tasks)
                for _, group in rows.groupby(["share", "lr"], dropna=False)
            ]
            found = delta_mtl(mine[mine.arm == arm].set_index("task").val.to_dict(), single, tasks)
            assert found == pytest.approx(max(worth)), (seed, arm)


def test_another_seed_s_validation_changes_no_choice():
    runs = stored("methods_runs").query("world == 'reviews' and model == 'small'")
    before = methods_tables.chosen_runs(runs)
    other = runs.assign(val=runs.val.where(runs.seed == 3, 1 - runs.val))
    after = methods_tables.chosen_runs(other)
    columns = ["arm", "task", "share", "lr", "score"]
    one, two = (frame[frame.seed == 3][columns].reset_index(drop=True) for frame in (before, after))
    pd.testing.assert_frame_equal(one, two)
    assert not before.lr.reset_index(drop=True).equals(after.lr.reset_index(drop=True))


def test_the_correction_knows_how_many_rows_the_splits_share():
    digits, reviews = source_digits(4), methods.reviews(4)
    assert methods_tables.SHARED_ROWS["digits"] == len(digits["test"]) / len(digits["train"])
    for world in ("reviews", "stars"):
        assert methods_tables.SHARED_ROWS[world] == len(reviews.test) / len(reviews.train)
    rows = stored("real_data_runs").drop_duplicates("world").set_index("world")
    for world in ("domains", "imdb"):
        assert real_data_tables.SHARED_ROWS[world] == rows.n_test[world] / rows.n_train[world]
    assert large_models.SHARED_ROWS["labels"] == len(reviews.test) / len(reviews.train)
    train, test = large_models.tuning_data(0, "all")
    assert large_models.SHARED_ROWS["tuning"] == len(test) / len(train)


def test_the_wide_model_has_the_parameters_of_two_small_ones():
    for name, world in methods.WORLDS.items():
        words = 3000 if name == "reviews" else 0
        two = sum(parameters(MultiTaskModel(world.encoder(words, "small"), [task])) for task in world.tasks)
        wide = replace(world, sizes={"small": methods_fair.WIDE[name]})
        assert parameters(MultiTaskModel(wide.encoder(words, "small"), world.tasks)) == pytest.approx(two, rel=0.02)


def parameters(model) -> int:
    return sum(one.numel() for one in model.parameters())


def test_methods_fair(monkeypatch):
    monkeypatch.setattr(methods_fair, "STARS_RULES", ())
    monkeypatch.setattr(methods_fair, "STARS_SHARES", (0.5,))
    rows = rows_of(one_run(methods_fair.EXPERIMENT, {"world": "stars", "lr": 0.024, "seed": 0}))
    alike(rows, "methods_fair_runs", ["world", "model", "arm", "lr", "task", "seed", "share"], ["val", "test"])


@pytest.mark.parametrize(
    "act",
    [
        lambda: driving.new_model([SENTIMENT], 0, drop=0.3),
        lambda: cost.arms("CNN", 0),
        lambda: large_models.labels_run("LSTM", "topic", 20, 0, steps=2),
        lambda: list(methods.arms("digits", "large", 0.003, 0))[:0],
    ],
    ids=["driving", "cost", "large_models", "methods"],
)
def test_an_experiment_leaves_the_caller_s_random_numbers_alone(act, monkeypatch):
    monkeypatch.setattr(methods, "SHARES", ())
    monkeypatch.setitem(methods.WORLDS, "digits", replace(methods.WORLDS["digits"], steps=2))
    torch.manual_seed(7)
    before = torch.get_rng_state()
    act()
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_dropped_in_driving_follows_from_the_seed_as_the_first_weights_do():
    """Whatever the caller drew before, and his own random numbers stay as they are."""
    splits = driving_learning.make_drives(96, 16, 16, seed=1)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    runs = [
        driving.trained(DRIVING_TASKS, _driving_loader(splits), splits.val, 1, drop=d, steps=3)[0]
        for d in (0.3, 0, 0.3)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    first, other, again = (list(model.parameters()) for model in runs)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def _driving_loader(splits):
    return driving.new_loader(splits.train, DRIVING_TASKS, 1)


# What a lesson, a demo and a table take is one object


@pytest.mark.parametrize(
    "arm",
    [*OTHER_WAYS, *transfer.HEADS, transfer.JOINT_ENCODERS, transfer.ORACLE, transfer.FREE_CONTROL, *transfer.USUAL],
    ids=lambda a: a.name,
)
def test_an_arm_can_be_sent_to_another_process(arm):
    again = pickle.loads(pickle.dumps(arm))
    assert again.name == arm.name and again.tasks == arm.tasks


def test_the_tasks_of_the_methods_worlds_are_those_of_their_tables():
    worlds = {**methods.WORLDS, "stars": methods_fair.REGRESSION}
    assert {name: world.tasks for name, world in worlds.items()} == methods_tables.TASKS


# The runner


def test_the_launcher_hands_the_command_on(monkeypatch):
    called = []
    monkeypatch.setattr(launcher, "install", lambda *extras: "python")
    monkeypatch.setattr(launcher.subprocess, "call", lambda command, cwd: called.append(command) or 0)
    with pytest.raises(SystemExit) as ended:
        launcher.main(["experiment", "transfer", "--processes", "3"])
    assert called == [["python", "-m", "mtl_helpers.experiments", "transfer", "--processes", "3"]]
    assert ended.value.code == 0


def test_the_store_s_name_changes_with_the_code_and_not_with_its_comments(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for source in ("x = 1\n", "x  =  1  # a comment\n", "x = 2\n", "from mtl_helpers.errors import DataError\nx = 2\n"):
        (tmp_path / "probe.py").write_text(source, encoding="utf-8")
        found.append(runner.fingerprint("probe"))
    assert found[0] == found[1] and len(set(found)) == 3


SCRIPT = """
import sys, time
from pathlib import Path
from mtl_helpers.experiments import Experiment, __main__ as runner, cost, rows_of
folder = Path(sys.argv[1])
runner.CACHE, runner.RESULTS = folder / "cache", folder / "results"
def configs(seeds):
    return [{"seed": seed} for seed in range(seeds)]
def run(config):
    with (folder / "log").open("a", encoding="utf-8") as file:
        file.write(f"{config['seed']}\\n")
    while config["seed"] >= 4 and not (folder / "go_on").exists():
        time.sleep(0.01)
    return {"rows": [{"seed": config["seed"], "score": config["seed"] / 8}]}
cost.EXPERIMENT = Experiment(configs, run, lambda runs: {"cost": rows_of(runs)}, seeds=8, notes=lambda: ["data: none"])
runner.main(["cost", "--processes", "2"])
"""


def test_killed_in_mid_run_and_in_mid_write_it_goes_on_and_repeats_nothing(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    first = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    while (
        not (stores := list(tmp_path.glob("cache/cost-*.jsonl")))
        or stores[0].read_text(encoding="utf-8").count("\n") < 4
    ):
        assert first.poll() is None
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    store = stores[0]
    with store.open("a", encoding="utf-8") as file:
        file.write('{"key": "{\\"seed\\": 4}", "resul')
    (tmp_path / "log").write_text("", encoding="utf-8")
    (tmp_path / "go_on").touch()
    second = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert "runs:  50%" in second.stderr, "it shows how far it is, and what is kept counts"
    assert sorted((tmp_path / "log").read_text(encoding="utf-8").split()) == list("4567")
    assert list(tmp_path.glob("cache/*")) == [store]
    first_line, note = (tmp_path / "results" / "cost.csv").read_text(encoding="utf-8").splitlines()[:2]
    on = r"torch [\d.]+, numpy [\d.]+, .+, 1 thread of \d+ cores"
    assert re.fullmatch(rf"# python -m mtl_helpers experiment cost, \d{{4}}-\d\d-\d\d, {on}", first_line)
    assert note == "# data: none"
    table = pd.read_csv(tmp_path / "results" / "cost.csv", comment="#")
    assert table.to_dict("list") == {"seed": list(range(8)), "score": [seed / 8 for seed in range(8)]}


def squares(config: dict) -> dict:
    if config["seed"] == 13:
        raise RuntimeError("no luck")
    return {"rows": [{"seed": config["seed"], "square": config["seed"] ** 2}]}


@pytest.fixture
def fake(tmp_path, monkeypatch):
    def build(first: int = 0, **more) -> Path:
        monkeypatch.setattr(runner, "CACHE", tmp_path / "cache")
        monkeypatch.setattr(runner, "RESULTS", tmp_path / "results")
        experiment = Experiment(
            lambda seeds: [{"seed": first + seed} for seed in range(seeds)],
            squares,
            lambda runs: {"squares": rows_of(runs)},
            **{"seeds": 4, "processes": 1} | more,
        )
        monkeypatch.setattr(cost, "EXPERIMENT", experiment)
        return tmp_path / "results" / "squares.csv"

    return build


def test_a_quick_look_is_written_nowhere(fake, capsys):
    path = fake()
    runner.main(["cost", "--seeds", "2"])
    assert not path.exists() and "A look with 2 seeds; the files have 4" in capsys.readouterr().out
    runner.main(["cost"])
    assert pd.read_csv(path, comment="#").square.tolist() == [0, 1, 4, 9]


def test_what_is_known_only_after_the_first_runs_is_run_too(fake):
    path = fake(then=lambda runs, seeds: [{"seed": 10 * len(runs)}])
    runner.main(["cost"])
    assert pd.read_csv(path, comment="#").square.tolist() == [0, 1, 4, 9, 1600]


@pytest.mark.bad_input
def test_a_failed_run_ends_it_and_the_finished_ones_are_kept(fake, tmp_path):
    path = fake(first=10)
    with pytest.raises(SystemExit, match="1 of 4 runs failed, see above; the same command tries them once more"):
        runner.main(["cost"])
    (store,) = tmp_path.glob("cache/*")
    assert not path.exists() and len(store.read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["cost", "--seeds", "1"], "an interval needs at least 2 seeds; found 1"), (["costs"], "invalid choice: 'costs'")],
)
def test_a_command_that_cannot_be_is_answered_in_words(arguments, said, capsys):
    with pytest.raises(SystemExit):
        runner.main(arguments)
    assert said in capsys.readouterr().err


def test_a_cluster_computes_the_same(fake, tmp_path):
    path = fake()
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "local_directory": str(tmp_path)}
    with distributed.LocalCluster(**options) as cluster:
        runner.main(["cost", "--cluster", cluster.scheduler_address])
    assert pd.read_csv(path, comment="#").square.tolist() == [0, 1, 4, 9]
