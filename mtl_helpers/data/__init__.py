"""Step 1, data: read, clean, split, encode and batch texts that carry a label for each of several tasks."""

from mtl_helpers.data.baseline import TunedBaseline, bag_of_words, baseline_score, tuned_bag_of_words
from mtl_helpers.data.batches import Batch, MultiTaskDataset, encode_reviews
from mtl_helpers.data.cleaning import CLEANING_STEPS, clean_reviews, clean_with, keep_known_labels
from mtl_helpers.data.loaders import collate, make_loader
from mtl_helpers.data.mixing import joined, mixed_loader, sampling_proportions
from mtl_helpers.data.reviews import PHENOMENA, data_file, load_reviews, read_reviews
from mtl_helpers.data.table.columns import ColumnNumbers
from mtl_helpers.data.table.reading import read_table
from mtl_helpers.data.table.splitting import Splits, split_reviews, split_table, text_folds
from mtl_helpers.data.table.table_cleaning import clean_table
from mtl_helpers.data.tokens import text_key, tokenize
from mtl_helpers.data.vocabulary import PAD, UNK, RaggedTokens, Vocabulary
from mtl_helpers.errors import DataError

__all__ = [
    "CLEANING_STEPS",
    "PAD",
    "PHENOMENA",
    "UNK",
    "Batch",
    "ColumnNumbers",
    "DataError",
    "MultiTaskDataset",
    "RaggedTokens",
    "Splits",
    "TunedBaseline",
    "Vocabulary",
    "bag_of_words",
    "baseline_score",
    "clean_reviews",
    "clean_table",
    "clean_with",
    "collate",
    "data_file",
    "encode_reviews",
    "joined",
    "keep_known_labels",
    "load_reviews",
    "make_loader",
    "mixed_loader",
    "read_reviews",
    "read_table",
    "sampling_proportions",
    "split_reviews",
    "split_table",
    "text_folds",
    "text_key",
    "tokenize",
    "tuned_bag_of_words",
]
