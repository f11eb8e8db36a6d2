"""Step 1, data: read, clean, split, encode and batch texts that carry a label for each of several tasks."""

from mtl_helpers.data.batches import (
    PAD,
    UNK,
    Batch,
    MultiTaskDataset,
    Vocabulary,
    encode_reviews,
    make_loader,
    tokenize,
)
from mtl_helpers.data.cleaning import CLEANING_STEPS, clean_reviews
from mtl_helpers.data.reviews import PHENOMENA, DataError, Splits, data_file, load_reviews, read_reviews, split_reviews

__all__ = [
    "CLEANING_STEPS",
    "PAD",
    "PHENOMENA",
    "UNK",
    "Batch",
    "DataError",
    "MultiTaskDataset",
    "Splits",
    "Vocabulary",
    "clean_reviews",
    "data_file",
    "encode_reviews",
    "load_reviews",
    "make_loader",
    "read_reviews",
    "split_reviews",
    "tokenize",
]
