"""Step 2: what every encoder promises, and how heads share one."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mtl_helpers.data import PAD
from mtl_helpers.models import CNNEncoder, ModelError, MultiTaskModel, OnFeatures, count_parameters
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Tagging

TEXTS = torch.tensor([[5, 7, 3, 9, 4, 8], [6, 2, 9, 0, 0, 0], [4, 0, 0, 0, 0, 0]])


@pytest.fixture
def encoder(encoder_class):
    torch.manual_seed(0)
    return encoder_class(10, embedding_dim=8)


@pytest.mark.parametrize("training", [True, False])
def test_padding_changes_nothing(encoder, training):
    encoder.train(training)
    features = encoder(TEXTS)
    assert features.shape == (3, encoder.features)
    padded = torch.cat([TEXTS, torch.full((3, 4), PAD)], dim=1)
    torch.testing.assert_close(encoder(padded), features)


@pytest.mark.parametrize("training", [True, False])
def test_the_rest_of_the_batch_changes_nothing(encoder, training):
    encoder.train(training)
    features = encoder(TEXTS)
    for text, expected in zip(TEXTS, features, strict=True):
        torch.testing.assert_close(encoder(text[text != PAD][None])[0], expected)
    torch.testing.assert_close(encoder(TEXTS[[2, 0, 1]]), features[[2, 0, 1]])


def test_every_word_counts(encoder):
    """Else an encoder that ignores its input would pass the two tests above."""
    for place in range(6):
        changed = TEXTS[:1].clone()
        changed[0, place] = 1
        assert not torch.allclose(encoder(changed), encoder(TEXTS[:1]), atol=1e-4)


def test_padding_is_never_trained(encoder):
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=0.1)
    encoder(TEXTS).sum().backward()
    optimizer.step()
    assert (encoder.embedding.weight[PAD] == 0).all() and encoder.embedding.weight.isfinite().all()


def test_the_windows_of_the_cnn_are_those_of_conv1d():
    torch.manual_seed(0)
    encoder, features = CNNEncoder(10, embedding_dim=8, filters=4, widths=(3, 1, 2)), []
    vectors = encoder.embedding(TEXTS).transpose(1, 2)
    for convolution in encoder.convolutions:
        found = convolution(F.pad(vectors, (0, convolution.kernel_size[0] - 1)))
        features.append(
            torch.stack([row[:, : (text != PAD).sum()].amax(1) for row, text in zip(found, TEXTS, strict=True)])
        )
    expected = F.relu(torch.cat(features, dim=1))
    torch.testing.assert_close(encoder(TEXTS), expected)
    parameters = list(encoder.parameters())
    weighted = torch.rand_like(expected)
    got = torch.autograd.grad((encoder(TEXTS) * weighted).sum(), parameters)
    torch.testing.assert_close(got, torch.autograd.grad((expected * weighted).sum(), parameters))


def test_every_task_answers_by_its_name(new_model, encoder_class):
    outputs = new_model(encoder_class)(TEXTS)
    assert {name: tuple(output.shape) for name, output in outputs.items()} == {
        "topic": (3, 6),
        "sentiment": (3, 2),
        "stars": (3,),
    }


def test_a_tasks_loss_reaches_the_encoder_and_its_own_head_only(new_model, encoder_class):
    model = new_model(encoder_class)
    model(TEXTS)["sentiment"].square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.heads["sentiment"].parameters())
    assert all(p.grad is None for name in ("topic", "stars") for p in model.heads[name].parameters())
    assert sum(p.grad.abs().sum() for p in model.encoder.parameters() if p.grad is not None) > 0


def test_own_heads_and_any_encoder_will_do():
    class Sensors(nn.Module):
        features = 4

        def forward(self, inputs):
            return torch.cat([inputs["speed"], inputs["angle"]], dim=1)

    heads = {"stars": nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 1)), "sentiment": nn.Linear(4, 2)}
    model = MultiTaskModel(Sensors(), [SENTIMENT, STARS], heads)
    outputs = model({"speed": torch.ones(2, 1), "angle": torch.ones(2, 3)})
    assert outputs["sentiment"].shape == (2, 2) and outputs["stars"].shape == (2,)


def test_parameters_are_counted_by_part(new_model):
    model = new_model()
    counts = count_parameters(model)
    assert counts["topic head"] == (model.encoder.features + 1) * TOPIC.n_outputs
    assert sum(counts.values()) == sum(p.numel() for p in model.parameters())
    model.encoder.requires_grad_(False)
    assert count_parameters(model)["encoder"] == 0


def test_words_have_features_too_and_padding_changes_none(encoder):
    encoder.eval()
    words = encoder.by_word(TEXTS)
    assert words.shape == (3, 6, encoder.features)
    longer = encoder.by_word(torch.cat([TEXTS, torch.full((3, 4), PAD)], dim=1))
    for row, text in enumerate(TEXTS):
        n = int((text != PAD).sum())
        torch.testing.assert_close(longer[row, :n], words[row, :n])
        torch.testing.assert_close(encoder.by_word(text[None, :n])[0], words[row, :n])
    assert not torch.allclose(words[0, 0], words[0, 1], atol=1e-4)


def test_a_label_for_each_word_beside_one_for_the_text(encoder):
    tags = Tagging("tags", ("noun", "verb", "other"))
    model = MultiTaskModel(encoder, [SENTIMENT, tags])
    outputs = model(TEXTS)
    assert outputs["sentiment"].shape == (3, 2) and outputs["tags"].shape == (3, 6, 3)
    target, mask = tags.encode([["noun"] * 6, None, ["verb"]])
    tags.loss(outputs["tags"], target, mask).backward()
    assert encoder.embedding.weight.grad[5:8].abs().sum() > 0
    assert (encoder.embedding.weight.grad[6] == 0).all()  # a word of the unlabelled text only


@pytest.mark.bad_input
def test_an_encoder_without_words_cannot_label_them():
    model = MultiTaskModel(OnFeatures(3), [Tagging("tags", ("noun", "verb"))])
    with pytest.raises(ModelError, match="'tags' labels words, and the encoder OnFeatures has no method by_word"):
        model(torch.zeros(2, 3))


def test_what_is_shared_is_the_encoder_unless_it_is_frozen(new_model):
    model = new_model()
    assert {id(p) for p in model.shared_parameters()} == {id(p) for p in model.encoder.parameters()}
    model.encoder.requires_grad_(False)
    assert model.shared_parameters() == []
