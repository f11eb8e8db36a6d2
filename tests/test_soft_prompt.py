"""A soft prompt acts through attention alone, is all that learns, and is the one of `peft`."""

import pytest
import torch
from tiny_models import SIZES, save_tiny

from mtl_helpers.data import encode_reviews, load_reviews, make_loader
from mtl_helpers.models import CNNEncoder, ModelError, MultiTaskModel, SoftPrompt, load_pretrained
from mtl_helpers.saving import load, save
from mtl_helpers.tasks import SENTIMENT
from mtl_helpers.training import fit

TEXTS = ["A good film.", "An unputdownable book, and a long one at that!", "! no!"]
REVIEWS = load_reviews().dropna(subset=["sentiment"]).iloc[::40].reset_index(drop=True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {family: save_tiny(folder / family, family, list(REVIEWS.text)) for family in ("bert", "gpt")}


@pytest.fixture(params=["bert", "gpt"])
def tiny(request, folders):
    encoder, subwords = load_pretrained(folders[request.param], max_length=60)
    torch.manual_seed(0)
    return SoftPrompt(encoder, 4).eval(), subwords


def test_the_order_of_the_rows_and_their_padding_change_nothing(tiny):
    prompted, subwords = tiny
    tokens, lengths = subwords.encode(TEXTS)
    together, turned = prompted(tokens), prompted(tokens.flip(0)).flip(0)
    alone = torch.cat([prompted(tokens[i : i + 1, : lengths[i]]) for i in range(len(TEXTS))])
    assert torch.allclose(together, turned, atol=1e-6) and torch.allclose(together, alone, atol=1e-5)


def test_only_the_prompt_learns_and_the_encoder_answers_as_before(tiny):
    prompted, subwords = tiny
    tokens, _ = subwords.encode(TEXTS)
    plain = prompted.encoder(tokens)
    model = MultiTaskModel(prompted, [SENTIMENT])
    learnt = [p for p in model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in learnt) == 4 * SIZES["width"] + SIZES["width"] * 2 + 2
    before = {name: p.clone() for name, p in prompted.named_parameters()}
    loader = make_loader(encode_reviews(REVIEWS, subwords, [SENTIMENT]), 8)
    fit(model, loader, torch.optim.AdamW(learnt, lr=0.05), steps=3)
    changed = {name for name, p in prompted.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"prompt"} and torch.equal(prompted.encoder.eval()(tokens), plain)


def test_without_a_vector_the_encoder_is_the_plain_one_and_with_some_it_is_not(tiny):
    prompted, subwords = tiny
    tokens, _ = subwords.encode(TEXTS)
    plain = prompted.encoder(tokens)
    assert torch.equal(prompted.encoder(tokens, prompted.prompt[:0]), plain)
    assert not torch.allclose(prompted(tokens), plain, atol=1e-3)


def test_its_states_are_those_of_peft(folders):
    """The mean is over the text's own states, which stand behind those of the prompt."""
    peft = pytest.importorskip("peft")
    encoder, subwords = load_pretrained(folders["bert"])
    prompted = SoftPrompt(encoder, 4).eval()
    tokens, lengths = subwords.encode(TEXTS)
    other, _ = load_pretrained(folders["bert"])
    config = peft.PromptTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=4)
    theirs = peft.get_peft_model(other.transformer, config).eval()
    with torch.no_grad():
        theirs.prompt_encoder["default"].embedding.weight.copy_(prompted.prompt)
        states = theirs(input_ids=tokens, attention_mask=(tokens != 0).long()).last_hidden_state[:, 4:]
    for row, length, features in zip(states, lengths, prompted(tokens), strict=True):
        assert torch.allclose(row[:length].mean(dim=0), features, atol=1e-5)


def test_it_is_saved_and_loaded_with_its_model(tiny, tmp_path):
    prompted, subwords = tiny
    model = MultiTaskModel(prompted, [SENTIMENT]).eval()
    save(model, tmp_path / "mine", vocabulary=subwords)
    again = load(tmp_path / "mine")
    tokens, _ = subwords.encode(TEXTS)
    assert torch.equal(again.model(tokens)["sentiment"], model(tokens)["sentiment"])
    assert {name for name, p in again.model.named_parameters() if p.requires_grad} >= {"encoder.prompt"}


@pytest.mark.bad_input
def test_what_is_no_prompt_is_refused(folders):
    with pytest.raises(ModelError, match="stands before a PretrainedEncoder; found CNNEncoder"):
        SoftPrompt(CNNEncoder(10))
    encoder, _ = load_pretrained(folders["bert"])
    with pytest.raises(ModelError, match=r"The number of vectors .*found 0"):
        SoftPrompt(encoder, 0)
    with pytest.raises(ModelError, match=r"longer than the 59 positions .*at most 59"):
        SoftPrompt(encoder, 5)(torch.full((1, 60), 5))
