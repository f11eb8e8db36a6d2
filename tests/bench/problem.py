"""What is trained in the benchmarks: topic and sentiment of the course's reviews, with the course's models."""

from __future__ import annotations

from functools import cache

import torch

from mtl_helpers.data import Vocabulary, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.data.batches import MultiTaskDataset
from mtl_helpers.models import CNNEncoder, LSTMEncoder, MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, TOPIC

TASKS = (TOPIC, SENTIMENT)
WEIGHTS = {"topic": 1.0, "sentiment": 0.5}
MODELS = {
    "LSTM": lambda words: LSTMEncoder(words),
    "CNN": lambda words: CNNEncoder(words),
    "tiny CNN": lambda words: CNNEncoder(words, embedding_dim=8, filters=8, widths=(3,)),
}
OPTIMIZERS = {
    "LSTM": (torch.optim.AdamW, 0.002),
    "CNN": (torch.optim.AdamW, 0.002),
    "tiny CNN": (torch.optim.SGD, 0.1),  # AdamW alone would take 0.2 ms of a 0.7 ms step
}


@cache
def datasets() -> tuple[MultiTaskDataset, MultiTaskDataset, int]:
    """Training set, validation set, and the number of words."""
    train, val, _ = split_reviews(load_reviews(), seed=0)
    vocabulary = Vocabulary.from_texts(train.text)
    return encode_reviews(train, vocabulary, TASKS), encode_reviews(val, vocabulary, TASKS), len(vocabulary)


def new_model(kind: str) -> MultiTaskModel:
    """The same first weights at each call."""
    torch.manual_seed(0)
    return MultiTaskModel(MODELS[kind](datasets()[2]), TASKS)


def new_optimizer(kind: str, model: MultiTaskModel) -> torch.optim.Optimizer:
    optimizer, lr = OPTIMIZERS[kind]
    return optimizer(model.parameters(), lr=lr)


def new_loaders() -> tuple[torch.utils.data.DataLoader, torch.utils.data.DataLoader]:
    """The loaders of notebook 00."""
    train, val, _ = datasets()
    return make_loader(train, batch_size=32, shuffle=True, seed=0), make_loader(val, batch_size=128)
