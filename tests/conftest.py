"""Small made-up reviews: their words give the labels away, so that a model learns them within a second."""

import random
import signal

import pandas as pd
import pytest
import torch

from mtl_helpers.data import Vocabulary, encode_reviews, make_loader
from mtl_helpers.live import LambdaLab
from mtl_helpers.models import CNNEncoder, LSTMEncoder, MultiTaskModel, TransformerEncoder
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC

# A shell that starts the suite in the background has SIGINT ignored, and Python leaves it so: a test that interrupts waits
# for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TASKS = (TOPIC, SENTIMENT, STARS)
WORDS = {"film": "actor plot screen", "book": "chapter author page", "phone": "battery camera call"}
FILLERS = ["the", "a", "my", "it", "was"]
OPINIONS = {1: "awful", 2: "poor", 3: "average", 4: "good", 5: "superb"}


def pytest_collection_modifyitems(items: list) -> None:
    """The whole of test_bad_input, and elsewhere the tests that are named so, count as bad input."""
    for item in items:
        if item.path.name == "test_bad_input.py" or "bad_input" in item.name:
            item.add_marker(pytest.mark.bad_input)


def pytest_terminal_summary(terminalreporter) -> None:
    """How many bad inputs were given and answered in words."""
    passed = sum("bad_input" in report.keywords for report in terminalreporter.stats.get("passed", []))
    if passed:
        terminalreporter.write_line(f"{passed} bad inputs were answered with the text that the tests ask for")


@pytest.fixture(autouse=True)
def one_thread():
    """Models this small are trained slower by two threads, and far slower on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture
def frame() -> pd.DataFrame:
    """240 texts, 16 of each topic and number of stars; no sentiment at 3 stars, and every tenth row lacks its stars."""
    draw, rows = random.Random(0), []
    for i in range(240):
        topic, stars = list(WORDS)[i % 3], i // 3 % 5 + 1
        words = draw.choices(WORDS[topic].split(), k=2) + draw.choices(FILLERS, k=draw.randint(0, 16))
        draw.shuffle(words)
        sentiment = None if stars == 3 else ("positive" if stars > 3 else "negative")
        rows.append(
            (f"r{i}", f"{' '.join(words)} {OPINIONS[stars]} no{i}", topic, sentiment, None if i % 10 == 9 else stars)
        )
    frame = pd.DataFrame(rows, columns=["id", "text", "topic", "sentiment", "stars"]).astype({"stars": float})
    return frame.sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.fixture
def dataset(frame):
    return encode_reviews(frame, Vocabulary.from_texts(frame.text), TASKS)


@pytest.fixture
def new_loader(dataset):
    return lambda batch_size=16, shuffle=True, seed=0: make_loader(dataset, batch_size, shuffle=shuffle, seed=seed)


@pytest.fixture
def new_model():
    def build(encoder=CNNEncoder, tasks=TASKS, seed=0) -> MultiTaskModel:
        torch.manual_seed(seed)
        return MultiTaskModel(encoder(30, embedding_dim=8), tasks)

    return build


@pytest.fixture
def new_lab(new_model, new_loader):
    labs = []

    def build(tasks=(TOPIC, SENTIMENT), **options) -> LambdaLab:
        labs.append(LambdaLab(new_model(tasks=tasks), new_loader(), new_loader(64, shuffle=False), **options))
        return labs[-1]

    yield build
    for lab in labs:
        lab.close()


@pytest.fixture(params=[CNNEncoder, LSTMEncoder, TransformerEncoder], ids=["CNN", "LSTM", "Transformer"])
def encoder_class(request):
    return request.param
