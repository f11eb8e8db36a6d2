"""The encoder with a branch for each input, and regressions of several numbers: what they promise, whatever the data."""

import pytest
import torch
from torch import nn

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.driving import DRIVING_TASKS, make_drives
from mtl_helpers.evaluation import evaluate
from mtl_helpers.live import LambdaLab
from mtl_helpers.models import FusionEncoder, ImageEncoder, ModelError, MultiTaskModel
from mtl_helpers.tasks import Classification, Regression, TaskError
from mtl_helpers.training import fit

PATH = Regression("path", size=4)
SIDE = Classification("side", classes=("left", "right"))


@pytest.fixture
def inputs() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {"eye": torch.rand(6, 3, 8, 12), "ear": torch.rand(6, 1, 8, 8)}


def new_encoder(drop: float = 0.0, seed: int = 0) -> FusionEncoder:
    torch.manual_seed(seed)
    branches = {"eye": ImageEncoder(size=(8, 12), colours=3, channels=4), "ear": ImageEncoder(size=8, channels=4)}
    return FusionEncoder(branches, hidden=16, drop=drop)


def test_every_input_counts_and_the_batch_does_not(inputs):
    encoder = new_encoder()
    features = encoder(inputs)
    assert features.shape == (6, encoder.features)
    for name in inputs:
        changed = encoder(inputs | {name: torch.rand_like(inputs[name])})
        assert not torch.allclose(changed, features)
    rows = torch.tensor([4, 0])
    torch.testing.assert_close(encoder({name: part[rows] for name, part in inputs.items()}), features[rows])


def test_an_input_without_a_branch_is_not_looked_at(inputs):
    torch.manual_seed(0)
    encoder = FusionEncoder({"ear": ImageEncoder(size=8)})
    assert torch.equal(encoder(inputs), encoder({"ear": inputs["ear"]}))


def test_a_missing_input_leaves_no_trace_of_its_branch(inputs):
    """Also when the branch has biases that would speak in its place."""
    encoder = new_encoder().eval()
    nn.init.constant_(encoder.branches["eye"].hidden.bias, 5.0)
    without = inputs | {"eye": torch.zeros_like(inputs["eye"])}
    before = encoder(without)
    nn.init.normal_(encoder.branches["eye"].hidden.weight)
    assert torch.equal(encoder(without), before) and not torch.allclose(encoder(inputs), before)


def test_dropout_takes_one_input_of_some_examples_in_training_only(inputs):
    encoder = new_encoder(drop=0.5)
    big = {name: part[:1].expand(4000, *part.shape[1:]) for name, part in inputs.items()}
    torch.manual_seed(0)
    rows = encoder.train()(big).detach()
    alone = [encoder.eval()({**inputs, name: torch.zeros_like(inputs[name])})[0] for name in inputs]
    kinds = [encoder(inputs)[0], *alone]
    shares = [float(torch.isclose(rows, kind, atol=1e-5).all(dim=1).float().mean()) for kind in kinds]
    assert sum(shares) == pytest.approx(1) and shares == pytest.approx([0.5, 0.25, 0.25], abs=0.04)
    assert torch.equal(encoder(inputs), encoder(inputs))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda x: FusionEncoder({}), "at least one branch"),
        (lambda x: FusionEncoder({"eye": nn.Linear(2, 2)}), "branch of 'eye' must tell its width in .features"),
        (lambda x: new_encoder(drop=1.5), "probability, 0 to 1"),
        (lambda x: FusionEncoder({"ear": ImageEncoder()}, drop=0.2), "With one branch it must be 0"),
        (lambda x: new_encoder()({"eye": x["eye"]}), r"reads 'eye', 'ear'; found \['eye'\]"),
        (lambda x: new_encoder()(x["eye"]), "reads 'eye', 'ear'; found Tensor"),
        (lambda x: new_encoder()(x | {"ear": x["ear"][:2]}), "same number of examples; found {'eye': 6, 'ear': 2}"),
        (lambda x: new_encoder()(x | {"eye": x["ear"]}), r"shape \(batch, 3, 8, 12\); found float32 of shape"),
    ],
    ids=["none", "no width", "odd drop", "nothing left", "one missing", "no dict", "odd rows", "odd picture"],
)
def test_what_can_not_work_is_said_in_words(inputs, make, said):
    with pytest.raises(ModelError, match=said):
        make(inputs)


def test_classes_and_paths_are_learnt_together(inputs):
    """The same loop and evaluation as for texts: a class from one input, four numbers from the other."""
    torch.manual_seed(0)
    data = {"eye": torch.rand(64, 3, 8, 12), "ear": torch.rand(64, 1, 8, 8)}
    bright = data["ear"][:, 0, :, :4].mean(dim=(1, 2)) > data["ear"][:, 0, :, 4:].mean(dim=(1, 2))
    path = data["eye"][:, 0].mean(dim=1)[:, :4]
    known = torch.arange(64) < 40
    dataset = MultiTaskDataset(data, {"side": bright.long(), "path": path}, {"side": ~known | known, "path": known})
    model = MultiTaskModel(new_encoder(), [SIDE, PATH])
    assert {name: tuple(output.shape) for name, output in model(data).items()} == {"side": (64, 2), "path": (64, 4)}
    history = fit(model, make_loader(dataset, 16, shuffle=True), torch.optim.AdamW(model.parameters(), 0.01), steps=150)
    scores = evaluate(model, make_loader(dataset, 64))
    assert scores.accuracy["side"] > 0.9 and scores.MAE["path"] < 0.08
    assert history[history.task == "path"].loss.iloc[-20:].mean() < history[history.task == "path"].loss.iloc[0] / 4


def test_the_loss_of_several_numbers_is_the_mean_over_them_and_over_what_is_labelled():
    output, target = torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]]), torch.zeros(2, 4)
    assert PATH.loss(output, target, torch.tensor([True, False])).item() == pytest.approx((1 + 4 + 9 + 16) / 4)
    assert PATH.loss(output, target, torch.tensor([False, False])).isnan()
    assert PATH.score(output, target, torch.tensor([True, False])) == pytest.approx(2.5)
    assert PATH.n_outputs == 4 and PATH.label_shape == (4,) and Regression("one").label_shape == ()


def test_labels_of_several_numbers():
    target, mask = PATH.encode([[1, 2, 3, 4], None])
    assert target.tolist() == [[1, 2, 3, 4], [0, 0, 0, 0]] and mask.tolist() == [True, False]
    assert PATH.encode([])[0].shape == (0, 4)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: PATH.encode([[1, 2, 3]]), r"a label is 4 numbers; found \[1, 2, 3\] at position 0"),
        (lambda: PATH.encode([3.0]), "a label is 4 numbers; found 3.0"),
        (lambda: PATH.encode([[1, 2, 3, float("nan")]]), "nan at position 0 is not a finite number"),
        (lambda: PATH.loss(torch.zeros(2), torch.zeros(2, 4)), r"gave shape \(2,\), expected \(2, 4\)"),
        (lambda: Regression("path", size=0), "size, the numbers in a label, must be a whole number of at least 1"),
    ],
    ids=["three", "one", "nan", "odd head", "size 0"],
)
def test_a_wrong_number_of_numbers_is_said(make, said):
    with pytest.raises(TaskError, match=said):
        make()


def test_the_lambda_lab_trains_driving_as_it_does_texts():
    splits = make_drives(200, 50, 1, seed=0, route_labels=100)
    torch.manual_seed(0)
    branches = {"camera": ImageEncoder(size=32, colours=3), "microphone": ImageEncoder(size=24)}
    model = MultiTaskModel(FusionEncoder(branches), DRIVING_TASKS)
    lab = LambdaLab(model, make_loader(splits.train, 32, shuffle=True), make_loader(splits.val, 50), eval_every=3)
    names = [task.name for task in DRIVING_TASKS]
    lab.set(waypoints=5)
    lab.run(3)
    assert list(lab.sliders) == names and set(lab.scores) == set(names)
    losses = lab.history.pivot_table(index="step", columns="task", values="loss")[names]
    assert losses.shape == (3, 5) and (losses > 0).all(axis=None)
    assert set(lab.history[lab.history.task == "waypoints"].weight) == {5}
    lab.close()
