"""The task named in an encoder's text: the loss and the neighbours by property, and the table by its weights."""

import pytest
import torch

from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.adapters import named_tasks as experiment
from mtl_helpers.experiments.adapters import stored
from mtl_helpers.models import ModelError, load_pretrained
from mtl_helpers.models.large.named_tasks import agreement, contrastive_loss, in_a_plane, nearest, with_name

LABELS, NAMES = torch.tensor([0, 1, 0, 2, 1, 0]), torch.randn(3, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def features():
    return torch.randn(6, 8, generator=torch.Generator().manual_seed(0))


def test_the_loss_is_the_one_written_out_by_hand(features):
    def cosine(a, b):
        return (a @ b) / (a.norm() * b.norm())

    losses = []
    for text, label in zip(features, LABELS, strict=True):
        loudness = [(cosine(text, name) / 0.1).exp() for name in NAMES]
        losses.append(-(loudness[label] / sum(loudness)).log().item())
    assert contrastive_loss(features, LABELS, NAMES, 0.1).item() == pytest.approx(sum(losses) / 6, rel=1e-4)


def test_neither_length_nor_order_nor_the_numbering_of_classes_matters(features):
    loss = contrastive_loss(features, LABELS, NAMES)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert torch.isclose(contrastive_loss(7 * features, LABELS, 3 * NAMES), loss)
    assert torch.isclose(contrastive_loss(features[order], LABELS[order], NAMES), loss)
    assert torch.isclose(contrastive_loss(features, 2 - LABELS, NAMES.flip(0)), loss)


def test_steps_down_draw_each_text_to_the_name_of_its_class(features):
    moved = features.clone().requires_grad_()
    for _ in range(200):
        (gradient,) = torch.autograd.grad(contrastive_loss(moved, LABELS, NAMES), moved)
        moved = (moved - gradient).detach().requires_grad_()
    cosines = torch.nn.functional.cosine_similarity(moved[:, None], NAMES, dim=2)
    assert cosines.argmax(dim=1).tolist() == LABELS.tolist()


def test_a_row_is_never_its_own_neighbour(features):
    found = nearest(features, k=5)
    assert all(sorted(row) == [j for j in range(6) if j != i] for i, row in enumerate(found.tolist()))


def test_neighbours_that_know_nothing_agree_as_often_as_chance():
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(2000, 16, generator=generator)
    assert agreement(nearest(points), torch.arange(2000) % 4) == pytest.approx(0.25, abs=0.02)


@pytest.mark.bad_input
def test_what_has_no_neighbour_is_said(features):
    with pytest.raises(ModelError, match=r"k must be from 1 to 5, .* found 6"):
        nearest(features, k=6)
    with pytest.raises(ModelError, match="from 0 to 2, for there are 3 names; found 0 to 3"):
        contrastive_loss(features[:2], torch.tensor([0, 3]), NAMES)


def test_a_plane_keeps_what_lies_in_one():
    """Directions that vary in two ways only keep all distances."""
    angles = torch.linspace(0, 5, 9)
    features = torch.stack([3 * angles.cos(), 3 * angles.sin(), torch.zeros(9)], dim=1)
    places = in_a_plane(features)
    assert torch.allclose(torch.cdist(places, places), torch.cdist(features, features) / 3, atol=1e-5)


def test_the_stored_adapter_gives_the_row_of_the_table():
    """On the whole test set of seed 0, under one name."""
    plain, subwords = load_pretrained()
    encoder = plain.load_adapter(stored("named_tasks"))
    test = experiment.data_of(0)[2]
    features = experiment.named_features(encoder, subwords, test, "sentiment")
    table = read_result("named_tasks")
    table = table[(table.seed == 0) & (table.arm == experiment.ARMS[1]) & (table.measure == "neighbours")]
    rows = table[table.name == "sentiment"].set_index("task").score
    for task in experiment.TASKS:
        labels = experiment.labels_of(test, task)
        assert agreement(nearest(features), labels) == pytest.approx(rows[task.name], abs=0.02), "fp32 for bf16"


def test_every_review_of_the_map_has_five_others_that_are_there():
    near = read_result("named_tasks_near")
    ids = experiment.data_of(0)[2].id.tolist()
    assert set(zip(near.arm, near.name, strict=True)) == {(a, n) for a in experiment.ARMS for n in experiment.NAMES}
    for _, of in near.groupby(["arm", "name"]):
        assert of.id.tolist() == ids
    for one, others in zip(near.id, near.near.str.split(), strict=True):
        assert len(set(others)) == experiment.NEAREST and set(others) <= set(ids) and one not in others


def test_a_step_of_training_changes_the_lora_and_nothing_else():
    plain, _ = load_pretrained()
    encoder, _ = experiment.trained(0, steps=1)
    before, moved = plain.state_dict(), 0
    for name, value in encoder.state_dict().items():
        if "lora_" in name:
            moved += "lora_B" in name and value.abs().max().item() > 0
        else:
            assert torch.equal(value, before[name.replace("base_model.model.", "").replace(".base_layer.", ".")])
    assert moved == 12
    assert with_name("topic", ["a"]) == ["topic: a"]
