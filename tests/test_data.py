"""Step 1: reading, cleaning, splitting, the vocabulary and the batches."""

import hashlib
import math

import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader

from mtl_helpers.data import (
    CLEANING_STEPS,
    PAD,
    UNK,
    MultiTaskDataset,
    Vocabulary,
    clean_reviews,
    clean_with,
    data_file,
    encode_reviews,
    load_reviews,
    make_loader,
    read_reviews,
    split_reviews,
    text_folds,
)
from mtl_helpers.data.tokens import text_key
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC


def rows_of(loader: DataLoader) -> list[list[int]]:
    """The rows of `numbered` that one epoch of a loader gives, batch by batch."""
    return [batch.targets["row"].int().tolist() for batch in loader]


@pytest.fixture
def numbered():
    """103 rows of 1 to 40 words, each with its row number as target."""
    lengths = torch.randint(1, 41, (103,), generator=torch.Generator().manual_seed(0))
    tokens = torch.where(torch.arange(40) < lengths[:, None], 2, PAD)
    return MultiTaskDataset(tokens, {"row": torch.arange(103.0)}, {"row": torch.ones(103, dtype=torch.bool)}, lengths)


# Reading and cleaning


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with the mark Excel writes"])
def test_what_is_written_is_read(tmp_path, frame, mark):
    path = tmp_path / "reviews.csv"
    path.write_bytes(mark + frame.to_csv(index=False).encode())
    found = read_reviews(str(path))
    assert (found.phenomena == "").all()
    pd.testing.assert_frame_equal(found[frame.columns], frame, check_dtype=False)


def test_the_shipped_corpus_splits_without_a_shared_text():
    splits = split_reviews(load_reviews())
    keys = [set(text_key(part.text)) for part in splits]
    assert min(map(len, keys)) > 0 and sum(map(len, keys)) == len(set().union(*keys))


def digest(parts) -> str:
    return hashlib.sha256("|".join(" ".join(map(str, part)) for part in parts).encode()).hexdigest()[:16]


def test_splits_folds_and_words_are_those_that_the_lessons_numbers_were_made_with():
    reviews = load_reviews()
    raw = pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False)
    copies, _ = clean_with(raw, [step for step in CLEANING_STEPS if step != "duplicates"])
    train = split_reviews(reviews).train
    found = {
        "split": digest(part.id for part in split_reviews(reviews, seed=1)),
        "plain": digest(part.id for part in split_reviews(reviews, by=())),
        "copies": digest(part.id for part in split_reviews(copies, seed=3, fractions=(0.7, 0.1, 0.2))),
        "folds": digest(val.id for _, val in text_folds(reviews, 5, seed=1)),
        "words": digest([Vocabulary.from_texts(train.text).words]),
        "raw words": digest([Vocabulary.from_texts(raw.text).words]),
    }
    assert found == {
        "split": "64f65ca03c5ab408",
        "plain": "69c079659a53ef54",
        "copies": "ae7d90d33754761a",
        "folds": "7c2d91d3d2ddc307",
        "words": "12b2e22ed00e5589",
        "raw words": "e4fe8c16ebde666a",
    }


ROW = {"id": "r1", "text": "good film", "topic": "film", "sentiment": "positive", "stars": "5"}


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("encoding", {"text": "I donâ€™t"}, {"text": "I don't"}),
        ("encoding", {"text": "“café”"}, {"text": '"café"'}),
        ("markup", {"text": "so<br />good &amp; <b>long</b>"}, {"text": "so good &  long "}),
        ("markup", {"text": "3 < 4 and 5 > 4"}, {"text": "3 < 4 and 5 > 4"}),
        ("white space", {"text": "\t good \n film "}, {"text": "good film"}),
        ("label spellings", {"topic": " Films", "sentiment": "POS ", "stars": "four"}, {"topic": "film", "stars": 4.0}),
        ("label spellings", {"sentiment": "-", "stars": "2 stars"}, {"sentiment": "negative", "stars": 2.0}),
        ("label spellings", {"stars": "3.0/5"}, {"stars": 3.0}),
    ],
)
def test_a_cleaning_step_repairs_a_row_and_nothing_else(step, before, after):
    (found,) = CLEANING_STEPS[step](pd.DataFrame([ROW | before])).to_dict("records")
    assert found == ({**ROW, "stars": 5.0} if step == "label spellings" else ROW) | after


@pytest.mark.parametrize("label", ["", "n/a", "None", "?", " NULL "])
def test_a_label_that_says_nothing_is_missing(label):
    found = CLEANING_STEPS["label spellings"](
        pd.DataFrame([ROW | dict.fromkeys(["topic", "sentiment", "stars"], label)])
    )
    assert found[["topic", "sentiment", "stars"]].isna().all(axis=None)


def test_cleaning_drops_empty_conflicting_and_topicless_rows_and_merges_copies():
    raw = pd.DataFrame(
        [
            ROW | {"id": "r3", "text": "Not bad!", "topic": ""},
            ROW | {"id": "r1", "text": "not <i>bad</i>", "topic": "film", "stars": ""},
            ROW | {"id": "r2", "text": " <br/> "},
            ROW | {"id": "r4", "text": "five stars and negative", "sentiment": "neg"},
            ROW | {"id": "r5", "text": "of no topic", "topic": "n/a"},
            ROW | {"id": "r0", "text": "three stars go with both", "stars": "3"},
        ]
    )
    clean = clean_reviews(raw)
    assert clean.id.tolist() == ["r0", "r1"]
    assert clean.loc[1, ["topic", "stars"]].tolist() == ["film", 5], "a copy fills in the label that was missing"


def test_rows_are_cleaned_whose_index_repeats():
    """As pd.concat leaves it."""
    raw = pd.DataFrame([ROW | {"id": "r1", "stars": ""}, ROW | {"id": "r2", "text": "Good film!"}])
    raw = pd.concat([raw, raw.assign(id=["r3", "r4"], text=["other", "more"])])
    clean = clean_reviews(raw)
    assert clean.id.tolist() == ["r1", "r3", "r4"] and clean.stars.fillna(0).tolist() == [5, 0, 5]
    assert clean_with(raw, CLEANING_STEPS)[0].id.tolist() == ["r1", "r3", "r4"]
    assert CLEANING_STEPS["duplicates"](CLEANING_STEPS["label spellings"](raw)).id.tolist() == ["r1", "r3", "r4"]


# Splitting


def test_a_split_keeps_every_row_once_and_every_group_in_proportion(frame):
    splits = split_reviews(frame, seed=3, fractions=(0.5, 0.25, 0.25))
    assert sorted(pd.concat(splits).id) == sorted(frame.id)
    groups = frame.groupby(["topic", "stars"], dropna=False).size()
    for part, fraction in zip(splits, (0.5, 0.25, 0.25), strict=True):
        counts = part.groupby(["topic", "stars"], dropna=False).size().reindex(groups.index, fill_value=0)
        assert ((counts - fraction * groups).abs() <= 1).all()


def test_the_seed_alone_decides_the_split(frame):
    ids = [[part.id.tolist() for part in split_reviews(frame, seed=seed)] for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]


def test_copies_of_a_text_stay_together(frame):
    shouted = frame.assign(id="x" + frame.id, text=frame.text.str.upper().str.replace(" ", " ... ") + "!")
    splits = split_reviews(pd.concat([frame, shouted]), seed=0)  # their index repeats, as concat leaves it
    assert sum(map(len, splits)) == 2 * len(frame)
    for part in splits:
        assert part.id.str.removeprefix("x").value_counts().eq(2).all()


def test_without_by_the_split_is_plain(frame):
    assert [len(part) for part in split_reviews(frame, by=(), fractions=(0.5, 0.25, 0.25))] == [120, 60, 60]


# Vocabulary


def test_words_of_the_other_splits_stay_unknown(frame):
    train, _, test = split_reviews(frame)
    vocabulary = Vocabulary.from_texts(train.text, min_count=1)
    seen = set(" ".join(train.text).split())
    new = [word for word in " ".join(test.text).split() if word not in seen]
    assert new and all(word in vocabulary for word in seen)
    assert (vocabulary.encode(new)[0] == UNK).all() and (vocabulary.encode(sorted(seen))[0] > UNK).all()


def test_the_most_frequent_words_are_kept():
    texts = ["b b b a a c", "c d"]
    assert Vocabulary.from_texts(texts).words[2:] == ["b", "a", "c"]
    assert Vocabulary.from_texts(texts, min_count=1, max_size=2).words[2:] == ["b", "a"]


def test_padding_stands_at_the_end_and_nowhere_else(frame):
    tokens, lengths = Vocabulary.from_texts(frame.text).encode(frame.text)
    assert lengths.tolist() == frame.text.str.split().str.len().tolist()
    assert torch.equal(tokens != PAD, torch.arange(tokens.shape[1]) < lengths[:, None])


# Data set and batches


def test_targets_and_masks_are_those_of_the_labels(frame):
    tasks = [TOPIC, SENTIMENT, STARS]
    dataset = encode_reviews(frame, Vocabulary.from_texts(frame.text), tasks)
    for task in tasks:
        known, mask = frame[task.name].notna(), dataset.masks[task.name]
        assert mask.tolist() == known.tolist()
        assert torch.equal(dataset.targets[task.name][mask], task.encode(frame[task.name][known])[0])
    assert not dataset.masks["sentiment"].all() and not dataset.masks["stars"].all()


def test_a_batch_is_cut_to_its_longest_text(numbered):
    batch = numbered[[3, 5, 8]]
    assert batch.inputs.shape == (3, numbered.lengths[[3, 5, 8]].max()) and batch.size == 3
    assert numbered[7].inputs.tolist() == numbered[[7]].inputs[0].tolist()  # one row is an example


def test_inputs_may_be_named(numbered):
    named = MultiTaskDataset({"words": numbered.inputs, "speed": torch.arange(103.0)}, numbered.targets, numbered.masks)
    assert named[[4, 2]].inputs["speed"].tolist() == [4, 2]


@pytest.mark.parametrize("batch_size", [1, 10, 103, 500])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("bucketed", [True, False])
def test_an_epoch_has_every_row_once(numbered, batch_size, shuffle, bucketed):
    if not bucketed:
        numbered.lengths = None
    loader = make_loader(numbered, batch_size, shuffle=shuffle)
    rows = rows_of(loader)
    flat = [row for batch in rows for row in batch]
    assert sorted(flat) == list(range(103))
    assert len(rows) == len(loader) == math.ceil(103 / batch_size) and max(map(len, rows)) <= batch_size
    assert (flat == list(range(103))) == (not shuffle)


def test_the_order_depends_on_seed_and_epoch_alone(numbered):
    first, again, other = (make_loader(numbered, 8, shuffle=True, seed=seed) for seed in (1, 1, 2))
    epochs = [rows_of(first), rows_of(first)]
    torch.rand(5)  # the global random numbers have no part in it
    assert epochs == [rows_of(again), rows_of(again)]
    assert epochs[0] != epochs[1] and epochs[0] != rows_of(other)


def test_the_generators_state_brings_the_order_back(numbered):
    loader = make_loader(numbered, 8, shuffle=True)
    rows_of(loader)
    state = loader.generator.get_state()
    epochs = [rows_of(loader), rows_of(loader)]
    loader.generator.set_state(state)
    assert [rows_of(loader), rows_of(loader)] == epochs


def test_buckets_need_far_less_padding_than_a_random_order(numbered):
    def padding(batches) -> int:
        return sum(int((batch.inputs == PAD).sum()) for batch in batches)

    random_order = torch.randperm(103, generator=torch.Generator().manual_seed(0)).split(8)
    bucketed = padding(make_loader(numbered, 8, shuffle=True))
    assert 3 * bucketed < padding(numbered[rows] for rows in random_order)
