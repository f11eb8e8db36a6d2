"""Two digits in one picture: every picture is checked against the images it was made of."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from mtl_helpers.data import DataError, make_loader
from mtl_helpers.datasets import LEFT, RIGHT, overlay, source_digits, two_digits
from mtl_helpers.evaluation import evaluate
from mtl_helpers.models import ImageEncoder, ModelError, MultiTaskModel
from mtl_helpers.training import fit

N = 60
# The part of each digit that the other never covers: the right one begins at least 3 pixels further right and down.
L_SHAPE = np.zeros((8, 8), dtype=bool)
L_SHAPE[:3] = L_SHAPE[:, :3] = True
ALONE = {"left": (L_SHAPE, (0, 1)), "right": (L_SHAPE[::-1, ::-1], (3, 4))}


@pytest.fixture(scope="module")
def splits():
    return two_digits(N, N, N, seed=3)


def sources_of(picture: np.ndarray, side: str) -> set[int]:
    """Rows of scikit-learn's digits that agree with the picture, to the last bit, where that side's digit stands alone."""
    shape, corners = ALONE[side]
    images = (load_digits().images / 16).astype(np.float32)[:, shape]
    windows = [picture[y : y + 8, x : x + 8][shape] for y in corners for x in corners]
    return {int(row) for window in windows for row in np.flatnonzero((images == window).all(axis=1))}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_labels_and_sources_are_what_the_picture_shows(splits, part, side):
    """Fails if left and right are exchanged, a label is another picture's, or a source stands in two parts."""
    labels, allowed = load_digits().target, set(source_digits(seed=3)[part].tolist())
    split = getattr(splits, part)
    for picture, label in zip(split.inputs[:, 0].numpy(), split.targets[side].tolist(), strict=True):
        found = sources_of(picture, side)
        assert found and {labels[row] for row in found} == {label}
        assert found <= allowed


def test_no_source_stands_in_two_parts_and_every_digit_is_as_frequent_in_each():
    for seed in range(3):
        parts = source_digits(seed)
        rows = np.concatenate(list(parts.values()))
        assert len(rows) == len(set(rows.tolist())) == 1797
        for chosen in parts.values():
            share = np.bincount(load_digits().target[chosen], minlength=10) / len(chosen)
            assert share.min() > 0.08 and share.max() < 0.12


def test_pixels_run_from_0_to_1_and_labels_from_0_to_9(splits):
    for split in splits:
        assert split.inputs.shape == (N, 1, 12, 12) and split.inputs.dtype == torch.float32
        assert split.inputs.min() == 0 and split.inputs.max() == 1
        for task in (LEFT, RIGHT):
            target = split.targets[task.name]
            assert target.dtype == torch.long and len(set(target.tolist()) - set(range(10))) == 0
            assert split.masks[task.name].all()


def test_the_seed_decides():
    first, again, other = (two_digits(5, 5, 5, seed=seed).train.inputs for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_pair_stands_wherever_it_fits():
    """Both digits reach every border: neither is always in the same place, which would make its task the easier one."""
    pictures = two_digits(400, 1, 1, seed=0).train.inputs[:, 0]
    first_row, last_row = pictures[:, 0].amax(dim=1) > 0, pictures[:, -1].amax(dim=1) > 0
    assert 0.5 < first_row.float().mean() < 0.9 and 0.5 < last_row.float().mean() < 0.9


def test_the_larger_pixel_counts():
    one, two = np.zeros((1, 8, 8)), np.full((1, 8, 8), 0.5)
    one[0, 7, 7] = 0.9
    picture = overlay(one, two, [[0, 0]], [[4, 4]])[0]
    assert picture[7, 7] == 0.9 and picture[4, 4] == 0.5 and picture[3, 3] == 0
    assert picture.sum() == pytest.approx(0.5 * 63 + 0.9)


def test_loader_loop_and_evaluation_take_them_as_they_take_texts(splits):
    torch.manual_seed(0)
    model = MultiTaskModel(ImageEncoder(channels=4, hidden=32), [LEFT, RIGHT])
    before = evaluate(model, make_loader(splits.train, 50)).accuracy
    fit(model, make_loader(splits.train, 20, shuffle=True), torch.optim.AdamW(model.parameters(), lr=0.01), steps=120)
    after = evaluate(model, make_loader(splits.train, 50))
    assert list(after.index) == ["left", "right"] and set(after.n) == {N}
    assert (before < 0.35).all() and (after.accuracy > 0.7).all()


def test_the_encoder_sees_every_pixel_and_each_picture_for_itself():
    torch.manual_seed(0)
    encoder, pictures = ImageEncoder(channels=8, hidden=32), torch.rand(3, 1, 12, 12, requires_grad=True)
    features = encoder(pictures)
    assert features.shape == (3, encoder.features) == (3, 32)
    features[1].sum().backward()
    reached = pictures.grad[:, 0] != 0
    assert reached[1].float().mean() > 0.5 and not reached[[0, 2]].any()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (torch.rand(2, 12, 12), r"found float32 of shape \(2, 12, 12\).*\[:, None\]"),
        (torch.zeros(2, 1, 12, 12, dtype=torch.uint8), "float32.*found uint8.*Scale"),
        (torch.rand(2, 1, 28, 28), r"\(batch, 1, 12, 12\).*another size="),
    ],
)
def test_the_encoder_says_what_it_takes(wrong, said):
    with pytest.raises(ModelError, match=said):
        ImageEncoder()(wrong)


@pytest.mark.parametrize(
    ("act", "error", "said"),
    [
        (
            lambda: two_digits(0),
            DataError,
            "n_train, the number of pictures, must be a whole number of at least 1; found 0",
        ),
        (lambda: two_digits(n_val=2.5), DataError, "n_val, the number of pictures, .* found 2.5"),
        (lambda: two_digits(seed=-1), DataError, "seed must be a whole number of at least 0; found -1"),
        (lambda: overlay(*[np.zeros((2, 8, 8))] * 2, [[0, 0]], [[4, 4]]), DataError, r"each of the 2 .*\(1, 2\)"),
        (lambda: overlay(*[np.zeros((1, 8, 8))] * 2, [[0, 0]], [[5, 4]]), DataError, "0 to 4.*values 4 to 5"),
        (lambda: ImageEncoder(size=3), ModelError, "leave nothing of a picture of 3 pixels"),
    ],
)
def test_bad_input_is_answered_in_words(act, error, said):
    with pytest.raises(error, match=said):
        act()
