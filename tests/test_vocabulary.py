"""Vocabularies are kept, cut and given a tokenizer; a long text costs its own length alone."""

import json
import subprocess
import sys

import pandas as pd
import pytest
import torch
from tiny_models import save_tiny

from mtl_helpers.data import DataError, RaggedTokens, Vocabulary, encode_reviews, joined, make_loader
from mtl_helpers.models import FrozenFeatures, load_pretrained
from mtl_helpers.tasks import SENTIMENT, TOPIC

TEXTS = ["good film", "a good book", "很好看", "café 👍🏽"]


def test_what_is_saved_is_loaded_with_the_same_numbers(tmp_path):
    vocabulary = Vocabulary.from_texts(TEXTS, min_count=1, max_words=3)
    vocabulary.save(tmp_path / "words.json")
    again = Vocabulary.load(tmp_path / "words.json")
    assert again.words == vocabulary.words and again.max_words == 3
    assert torch.equal(again.encode(TEXTS)[0], vocabulary.encode(TEXTS)[0])
    json.loads((tmp_path / "words.json").read_text(encoding="utf-8"))


def test_a_saved_vocabulary_answers_in_a_new_process(tmp_path):
    vocabulary = Vocabulary.from_texts(TEXTS, min_count=1)
    vocabulary.save(tmp_path / "words.json")
    code = (
        "import sys; from mtl_helpers.data import Vocabulary; "
        "print(Vocabulary.load(sys.argv[1]).encode(['a good 很好'])[0].tolist())"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "words.json"], capture_output=True, encoding="utf-8", check=True
    )
    assert out.stdout.strip() == str(vocabulary.encode(["a good 很好"])[0].tolist())


def test_a_tokenizer_of_ones_own_is_used_and_asked_for(tmp_path):
    vocabulary = Vocabulary.from_texts(["Good film.", "Good"], tokenizer=str.split, min_count=1)
    assert vocabulary.words[2:] == ["Good", "film."] and vocabulary.encode(["good film."])[0].tolist() == [[1, 3]]
    vocabulary.save(tmp_path / "words.json")
    with pytest.raises(DataError, match=r"a tokenizer of its own, .*split; give load\(path, tokenizer="):
        Vocabulary.load(tmp_path / "words.json")
    assert Vocabulary.load(tmp_path / "words.json", tokenizer=str.split).encode(["Good"])[0].tolist() == [[2]]


def test_a_word_that_looks_like_padding_is_unknown():
    vocabulary = Vocabulary.from_texts(["<unk> <pad> word"] * 2, tokenizer=str.split)
    assert vocabulary.words == ["<pad>", "<unk>", "word"]
    assert vocabulary.encode(["<pad> <unk> word"])[0].tolist() == [[1, 1, 2]]


def test_texts_are_cut_after_max_words():
    vocabulary = Vocabulary.from_texts(["a b c d", "a b"], max_words=3)
    assert vocabulary.words[2:] == ["a", "b"] and vocabulary.encode(["a b c d", "b"])[1].tolist() == [3, 1]


@pytest.fixture(scope="module")
def long():
    texts = ["good film"] * 50 + [" ".join(["word"] * 20_000)]
    frame = pd.DataFrame({"text": texts, "sentiment": "positive"})
    return encode_reviews(frame, Vocabulary.from_texts(texts), [SENTIMENT])


def test_a_long_text_costs_its_own_length(long):
    assert long.inputs.flat.numel() == 50 * 2 + 20_000
    widths = sorted(batch.inputs.shape[1] for batch in make_loader(long, 1, shuffle=True))
    assert widths == [2] * 50 + [20_000]


def test_a_batch_of_ragged_texts_is_that_of_padded_ones(frame):
    vocabulary = Vocabulary.from_texts(frame.text)
    data = encode_reviews(frame, vocabulary, [TOPIC])
    tokens, lengths = vocabulary.encode(frame.text)
    assert torch.equal(data.lengths, lengths)
    for rows in ([3, 1, 4], [0], list(range(len(frame)))):
        assert torch.equal(data[rows].inputs, tokens[rows][:, : int(lengths[rows].max())])
        assert data[rows].inputs.dtype == torch.int64


def test_ragged_data_sets_are_joined(long, frame):
    other = encode_reviews(frame, Vocabulary.from_texts(frame.text), [TOPIC])
    both = joined({"long": long, "course": other})
    assert isinstance(both.inputs, RaggedTokens) and both[[len(long)]].inputs.equal(other[[0]].inputs)
    assert both.inputs.flat.numel() == long.inputs.flat.numel() + other.inputs.flat.numel()


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda path: Vocabulary(Vocabulary(["a"]).words), r"'<pad>' stands in every vocabulary already.*load\(path\)"),
        (lambda path: Vocabulary(["a", "b", "a"]), "The word 'a' is listed 2 times"),
        (lambda path: Vocabulary(["a", 3]), "holds words; found 3"),
        (lambda path: Vocabulary("words"), "is a list of words; found the single text 'words'"),
        (
            lambda path: Vocabulary.from_texts(["a a"], max_size=-1),
            "max_size must be a whole number of at least 1; found -1",
        ),
        (
            lambda path: Vocabulary.from_texts(["a a"], max_words=0),
            "max_words must be a whole number of at least 1; found 0",
        ),
        (lambda path: Vocabulary(["a"], max_words=0), "max_words must be a whole number of at least 1; found 0"),
        (lambda path: Vocabulary.load(path), "There is no file"),
        (lambda path: (path.write_text("{}", encoding="utf-8"), Vocabulary.load(path)), "holds no vocabulary"),
        (lambda path: Vocabulary.from_texts("one text"), r"single text 'one text'. Write \[text\]"),
    ],
)
def test_what_is_no_vocabulary_is_refused(tmp_path, act, said):
    with pytest.raises(DataError, match=said):
        act(tmp_path / "words.json")


@pytest.mark.bad_input
def test_a_single_text_is_refused_by_every_encoder(tmp_path):
    encoder, subwords = load_pretrained(save_tiny(tmp_path, "bert", TEXTS))
    for each in (Vocabulary(["good"]), subwords, FrozenFeatures(encoder.train_last(0), subwords)):
        with pytest.raises(DataError, match=r"single text 'good film'. Write \[text\]"):
            each.encode("good film")
    assert not hasattr(subwords, "from_texts"), "pieces come with their model, never from texts"
