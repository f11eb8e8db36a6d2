"""The merge demo shows what the table holds, and the table what its weights give."""

import pandas as pd
import pytest
import torch
from matplotlib.colors import to_rgb

from mtl_helpers.data import encode_reviews
from mtl_helpers.evaluation import pareto_front
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.adapters import (
    HEADS,
    SUMS,
    WEIGHTS,
    accuracy,
    load_heads,
    save_adapter,
    stored,
    text_features,
)
from mtl_helpers.experiments.adapters import merge as experiment
from mtl_helpers.live import DemoError, MergeDemo
from mtl_helpers.models import ModelError, MultiTaskModel, load_pretrained
from mtl_helpers.models.large.merging import combined, lora_factors, merged, task_vector

RUNS = read_result("merge")


@pytest.fixture
def demo():
    demo = MergeDemo()
    yield demo
    demo.close()


def test_its_scores_are_the_means_of_the_table(demo):
    demo.set(topic=0.75, sentiment=0.5)
    rows = RUNS[(RUNS.part == "validation") & (RUNS.arm == "sum") & (RUNS.a == 0.75) & (RUNS.b == 0.5)]
    assert len(rows) == 2 * RUNS.seed.nunique()
    for task, scores in rows.groupby("task").score:
        assert demo.scores[task] == pytest.approx(scores.mean())
        assert f"{task} <b>{scores.mean():.3f}</b>" in demo.readout.value


def test_it_says_of_each_pair_whether_it_is_on_the_front(demo):
    front = demo.plane.index[pareto_front(demo.plane)]
    off = next(pair for pair in demo.plane.index if pair not in front)
    for (topic, sentiment), said in ((front[0], "On the front"), (off, "Dominated")):
        demo.set(topic=topic, sentiment=sentiment)
        assert said in demo.readout.value and said in repr(demo)


def test_words_and_ring_can_be_read_on_their_cell(demo):
    """4.5 : 1 for words, as WCAG 2.2 AA asks; the ring takes the ink of its cell, and does not turn with the page."""
    demo.set(topic=0.0, sentiment=0.0)
    cells = demo.picture._figure.axes[0]
    grounds = {tuple(p.get_xy()): p.get_facecolor() for p in cells.patches if p.get_fill()}
    inks = {text.get_position(): text.get_color() for text in cells.texts}
    assert len(inks) == len(grounds) == len(demo.plane)
    for (x, y), ink in inks.items():
        light, dark = sorted((luminance(ink), luminance(grounds[x - 0.5, y - 0.5])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (x, y)
    assert cells.lines[0].get_markeredgecolor() == inks[0, 0]


def luminance(colour):
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_a_slider_changes_readout_and_picture(demo):
    readout, picture = demo.readout.value, demo.picture.value
    demo.sliders["topic"].value = 0.25
    assert demo.coefficients == (0.25, 1.0) and demo.readout.value != readout and demo.picture.value != picture


@pytest.mark.bad_input
@pytest.mark.parametrize("value", [0.3, 2, True, "much"])
def test_a_coefficient_off_the_plane_is_refused_and_changes_nothing(demo, value):
    before = repr(demo)
    with pytest.raises(DemoError, match=r"coefficient of sentiment can be 0, 0\.25, .*; found"):
        demo.set(topic=0.5, sentiment=value)
    assert repr(demo) == before


# The table and its weights ------------------------------------------------------------------------------------------


def test_every_seed_has_the_whole_plane_and_what_validation_chose():
    for _, rows in RUNS.groupby("seed"):
        on = rows[(rows.part == "validation") & (rows.task == "topic")].groupby("arm").size().to_dict()
        assert on == {"sum": len(experiment.GRID) ** 2, "TIES": len(experiment.TIES), "shared": 1}
        chosen = rows[rows.chosen & (rows.part == "test")]
        assert sorted(chosen.arm) == ["TIES"] * 2 + ["sum"] * 2
        means = rows[(rows.part == "validation") & (rows.arm == "sum")].groupby(["a", "b"]).score.mean()
        a, b = chosen[chosen.arm == "sum"][["a", "b"]].iloc[0]
        assert means[a, b] == pytest.approx(means.max(), abs=1e-3)


def test_the_weights_that_are_stored_give_the_row_of_the_table():
    plain, subwords = load_pretrained()
    val = encode_reviews(experiment.data_of(0)[1].iloc[:120], subwords, experiment.TASKS)
    vectors, heads = {}, {}
    for task in experiment.TASKS:
        model = MultiTaskModel(load_pretrained()[0].load_adapter(stored("merge") / task.name), [task])
        heads[task.name] = load_heads(model, stored("merge") / task.name).heads[task.name]
        vectors[task.name] = task_vector(lora_factors(model.encoder))
    features = text_features(merged(plain, combined(vectors, {"topic": 1, "sentiment": 1})), val)
    row = RUNS[(RUNS.seed == 0) & (RUNS.part == "validation") & (RUNS.arm == "sum") & (RUNS.a == 1) & (RUNS.b == 1)]
    for task in experiment.TASKS:
        file = row[row.task == task.name].score.item()
        found = accuracy(heads[task.name], features, val, task)
        assert found == pytest.approx(file, abs=0.09), "120 of the 360 reviews, and fp32 for bf16"
        assert found > {"topic": 0.3, "sentiment": 0.55}[task.name]


def test_weights_are_small_and_hold_no_path_of_a_machine():
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) < 3e6
    said = (stored("merge") / "topic" / "adapter_config.json").read_text(encoding="utf-8")
    assert "/work" not in said and "/tmp" not in said and '"sentence-transformers/all-MiniLM-L6-v2"' in said


@pytest.mark.bad_input
def test_weights_that_were_changed_are_not_loaded(tmp_path, monkeypatch):
    import shutil

    shutil.copytree(WEIGHTS / "merge", tmp_path / "merge")
    monkeypatch.setattr("mtl_helpers.experiments.adapters.WEIGHTS", tmp_path)
    path = stored("merge") / "topic" / HEADS
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match=r"heads\.safetensors is not the file it should be"):
        stored("merge")
    (tmp_path / "merge" / SUMS).unlink()
    with pytest.raises(ModelError, match="comes with the course, or from the experiment 'merge'"):
        stored("merge")


def test_an_adapter_is_the_same_after_it_was_saved(tmp_path):
    torch.manual_seed(0)
    encoder, subwords = load_pretrained()
    model = MultiTaskModel(encoder.add_lora(2), [experiment.TOPIC]).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.05)
    save_adapter(model, tmp_path / "mine")
    again = MultiTaskModel(load_pretrained()[0].load_adapter(tmp_path / "mine"), [experiment.TOPIC]).eval()
    load_heads(again, tmp_path / "mine")
    tokens, _ = subwords.encode(["A good film."])
    with torch.no_grad():
        assert torch.equal(model(tokens)["topic"], again(tokens)["topic"])


def test_the_table_is_made_of_runs_in_any_order():
    row = {"arm": "sum", "part": "test", "a": 0.5, "b": 1.0, "task": "topic", "score": 0.8}
    runs = pd.DataFrame(
        [
            {"arm": "separate", "seed": 0, "rows": [row], "best": [["sum", 0.5, 1.0], ["TIES", 2.0, 2.0]]},
            {"arm": "shared", "seed": 0, "rows": [{**row, "arm": "shared", "a": None, "b": None}], "best": None},
        ]
    )
    table = experiment.tables(runs)["merge"]
    assert table.chosen.tolist() == [True, False] and list(table) == list(RUNS)
