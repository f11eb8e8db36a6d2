"""What the λ lab shows beside its sliders: curves as the page has them, the encoder's points, the pull, targets and locks."""

import json
import math

import numpy as np
import pytest
import torch
from on_the_page import page_clicks, page_says, wait_for

from mtl_helpers.data import collate, make_loader
from mtl_helpers.live import LabError, LambdaLab
from mtl_helpers.live.lab.encoder_points import plane
from mtl_helpers.live.widgets.chart import Chart
from mtl_helpers.relations import task_gradients
from mtl_helpers.tasks import STARS


class Page:
    """What `chart.js` does with the messages of a chart, in Python: rows are appended where they belong."""

    def __init__(self, chart: Chart, monkeypatch) -> None:
        self.run, self.tables, self.whole, self.drop = -1, {}, 0, False
        monkeypatch.setattr(chart, "send", self.take)

    def take(self, message: dict) -> None:
        if self.drop:
            return
        message = json.loads(json.dumps(message, allow_nan=False))
        if message.get("whole"):
            self.run, self.tables, self.whole = message["run"], {}, self.whole + 1
        self.complete = message["run"] == self.run
        for panel, rows in (message["tables"] if self.complete else {}).items():
            table = self.tables.setdefault(panel, {"x": []})
            self.complete &= rows["from"] <= len(table["x"])
            if rows["from"] <= len(table["x"]):
                for key, values in {"x": rows["x"], **rows["columns"]}.items():
                    table[key] = table.get(key, [])[: rows["from"]] + values


def drawn(tables):
    known = {p: {k: [None if v != v else v for v in c] for k, c in t.items()} for p, t in tables.items()}
    return json.loads(json.dumps(known))


def test_the_page_has_every_step_and_one_that_missed_some_asks_for_all(new_lab, monkeypatch):
    lab = new_lab(eval_every=5)
    page = Page(lab.views.chart, monkeypatch)
    lab.run(12)
    assert not page.complete, "it never saw the beginning"
    lab.views.chart._send_all()
    assert page.tables == drawn(lab.views.curves.tables)
    lab.run(7)
    assert page.whole == 1 and page.tables == drawn(lab.views.curves.tables)
    page.drop = True
    lab.run(3)
    page.drop = False
    lab.run(3)
    assert not page.complete
    lab.views.chart._send_all()
    assert page.tables == drawn(lab.views.curves.tables) and page.tables["loss"]["x"] == list(range(1, 26))
    lab.reset()
    lab.run(4)
    assert page.tables == drawn(lab.views.curves.tables) and page.tables["loss"]["x"] == [1, 2, 3, 4]


def test_history_has_the_pull_where_it_was_measured(new_lab):
    lab = new_lab(eval_every=10)
    lab.set(topic=0.5)
    lab.run(20)
    history = lab.history.set_index(["step", "task"]).pull
    assert history.notna().groupby("step").all().pipe(lambda known: known[known].index.tolist()) == [10, 20]
    gradients = task_gradients(lab.model, lab.recorded.records[-1].batch)
    for name, weight in (("topic", 0.5), ("sentiment", 1.0)):
        assert history[20, name] == pytest.approx(weight * gradients[name].norm().item(), rel=1e-5)
    angle = math.acos(torch.cosine_similarity(*gradients.values(), dim=0).item())
    assert lab.views.pull.angle == pytest.approx(angle, abs=1e-3)
    assert [pull["length"] for pull in lab.views.pull.pulls] == [history[20, "topic"], history[20, "sentiment"]]


def test_a_target_lights_up_at_the_step_that_meets_it_and_once(new_lab):
    lab = new_lab()
    lab.aim("seven steps taken", lambda lab: lab.step >= 7)
    assert "mtl-met" not in lab.panel.light.value and "seven steps taken" in lab.panel.light.value
    lab.run(6)
    assert "mtl-met" not in lab.panel.light.value
    lab.run(6)
    assert "mtl-met" in lab.panel.light.value and "met at step 7" in lab.panel.light.value
    assert lab.ever(lambda loss: loss["topic"] > 0) and not lab.ever(lambda loss: loss["topic"] < 0)
    lab.reset()
    assert "mtl-met" not in lab.panel.light.value
    with pytest.raises(LabError, match="words and a function"):
        lab.aim("nothing", 3)


def test_run_to_a_step_stops_there_and_a_step_that_has_passed_is_refused(new_lab):
    lab = new_lab()
    lab.run_to(12)
    assert lab.step == 12
    with pytest.raises(LabError, match=r"Step 12 has passed: the run is at step 12\. Press Reset"):
        lab.run_to(12)
    lab.panel.speed.value, lab.panel.goal_step.value = 0, 20
    lab.panel.buttons["to"].click()
    wait_for(lambda: not lab.training)
    assert lab.step == 20


def test_a_preset_can_be_chosen_again(new_lab):
    lab = new_lab()
    for _ in range(2):
        lab.panel.preset.label = "only sentiment"
        assert dict(lab.weights) == {"topic": 0, "sentiment": 1}
        lab.set(topic=3)
    assert lab.panel.preset.index == 0


def test_while_a_cell_drives_or_a_run_is_replayed_the_page_is_locked_but_for_pause(new_lab):
    lab = new_lab()
    seen = []
    lab.aim("never", lambda lab: seen.append((lab.panel.driver.value, *pressable(lab))))
    lab.run(2)
    assert "a cell drives the lab" in seen[-1][0] and seen[-1][1:] == ("pause",)
    lab.replay()
    assert "replaying" in seen[-1][0] and seen[-1][1:] == ("pause",)
    assert set(pressable(lab)) == {"train", "step", "reset", "to", "keep", "replay", "topic", "sentiment"}
    lab.panel.speed.value = 0
    lab.start()
    wait_for(lambda: lab.step > 4)
    assert {"pause", "topic", "sentiment"} <= set(pressable(lab))


def pressable(lab):
    widgets = {**lab.panel.buttons, **lab.sliders}
    return [name for name, widget in widgets.items() if not widget.disabled]


def test_a_slider_moved_before_the_first_step_is_in_the_table_at_once(new_lab):
    lab = new_lab()
    page_says(lab.sliders["topic"], value=3)
    lab.wait()
    assert ">3</td>" in lab.panel.readout.value


@pytest.mark.bad_input
def test_a_part_that_the_lab_does_not_have_is_refused(new_lab):
    with pytest.raises(LabError, match=r"The lab can show cosine, pull, encoder, preset, .*; found 'speeed'"):
        new_lab(shows=["speeed"])


def test_a_lesson_says_what_is_shown(new_lab):
    lab = new_lab(shows=["speed"])
    lab.run(30)
    assert [panel["key"] for panel in lab.views.chart.panels] == ["loss", "score", "weight"]
    assert lab.views.pull.layout.display == lab.views.sees.layout.display == "none"
    more = lab.panel.more.children[1]
    assert lab.panel.speed in more.children and lab.panel.method not in more.children
    assert more.layout.display == "none"
    lab.panel.fold.value = True
    assert more.layout.display is None


# What the encoder sees


def test_points_come_from_the_validations_that_are_made_anyway(new_lab, frame):
    lab = new_lab(eval_every=10, examples=list(frame.text))
    calls = []
    lab.model.encoder.register_forward_hook(lambda module, *_: calls.append(module.training))
    lab.run(20)
    without, calls[:] = calls[:], []
    lab.reset()
    lab.views.sees.value = True
    lab.run(20)
    assert calls == without, "not one forward pass more"
    assert [picture["step"] for picture in lab.views.points._pictures] == [10, 20]
    assert lab.views.points._about["examples"][0] == frame.text.iloc[0]
    lab.model.eval()
    whole = torch.cat([lab.model.encoder(batch.inputs) for batch in lab.recorded.val_loader]).detach().double().numpy()
    assert list(lab.views.points.planes) == [
        "as topic's head sees it",
        "as sentiment's head sees it",
        "main directions",
    ]
    weights = {name: lab.model.heads[name].weight.detach().double().numpy() for name in ("topic", "sentiment")}
    for (_, shown), head in zip(lab.views.points.planes.items(), (*weights.values(), None), strict=True):
        assert np.allclose(distances(shown), distances(plane(whole[: len(shown)], head=head)), atol=1e-4)
    shown, topics = lab.points, frame.topic.iloc[: len(lab.points)]
    assert np.allclose(distances(shown[["x", "y"]].to_numpy()), distances(next(iter(lab.views.points.planes.values()))))
    assert [t for t, known in zip(shown.topic, topics.notna(), strict=True) if known] == topics.dropna().tolist()
    same = new_lab(eval_every=10)
    assert same.points.empty
    same.run(20)
    assert same.history.equals(lab.history), "to look changes nothing"


def distances(points):
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def test_a_rotation_of_the_features_changes_no_drawn_distance():
    draw = np.random.default_rng(0)
    features = draw.normal(size=(40, 6)) * [5, 3, 1, 0.5, 0.2, 0.1]
    rotation, _ = np.linalg.qr(draw.normal(size=(6, 6)))
    before, head = draw.normal(size=(40, 2)), draw.normal(size=(4, 6))
    for weights in (None, head, head[:2]):
        turned = plane(features @ rotation, before, head=None if weights is None else weights @ rotation)
        assert np.allclose(distances(plane(features, before, head=weights)), distances(turned))
        assert np.linalg.norm(turned - before) <= np.linalg.norm(turned @ np.diag([-1, 1]) - before)


def test_features_of_one_number_and_all_alike_are_drawn(new_lab):
    assert plane(np.ones((5, 1))).shape == (5, 2) and not plane(np.ones((5, 3))).any()


def test_a_loader_that_shuffles_or_is_missing_has_no_view_of_the_encoder(new_model, new_loader, dataset):
    torch_shuffles = torch.utils.data.DataLoader(dataset, 8, shuffle=True, collate_fn=collate)
    for val_loader in (None, new_loader(shuffle=True), torch_shuffles):
        lab = LambdaLab(new_model(), new_loader(), val_loader)
        assert lab.views.sees.layout.display == "none"
        lab.views.sees.value = True
        lab.run(25)
        assert lab.views.points.planes == {}
        lab.close()


def test_numbers_are_shown_as_a_colour_scale_and_a_new_run_begins_without_pictures(new_model, dataset):
    lab = LambdaLab(new_model(tasks=(STARS,)), make_loader(dataset, 16, shuffle=True), make_loader(dataset, 64))
    lab.views.sees.value = True
    lab.run(25)
    (about,) = lab.views.points._about["tasks"]
    assert about["name"] == "stars" and about["classes"] == [] and max(v for v in about["values"] if v) == 5
    assert lab.views.points._pictures[0]["said"]["stars"][0].count(".") == 1
    lab.reset()
    assert lab.views.points._pictures == []
    page_clicks(lab.panel.buttons["pause"])
    lab.close()
