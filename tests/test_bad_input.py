"""What a learner gets wrong is named (row, column, task, value) and comes with what to do: no bare KeyError, no nan."""

from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from mtl_helpers.claims import ClaimError, Quiz
from mtl_helpers.data import (
    DataError,
    MultiTaskDataset,
    Vocabulary,
    clean_reviews,
    data_file,
    encode_reviews,
    make_loader,
    read_reviews,
    split_reviews,
)
from mtl_helpers.evaluation import accuracy_by_phenomenon, confidence_interval, evaluate
from mtl_helpers.live import LabError, LambdaLab
from mtl_helpers.models import CNNEncoder, LSTMEncoder, ModelError, MultiTaskModel, TransformerEncoder
from mtl_helpers.plots import plot_history
from mtl_helpers.relations import gradient_cosines
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Classification, Regression, TaskError, check_tasks
from mtl_helpers.training import TaskWeights, TrainingError, as_history, fit, predict, train_steps, weighted_sum


def refused(act, error: type[Exception], *said: str) -> None:
    with pytest.raises(error) as caught:
        act()
    assert caught.type is error
    for part in said:
        assert part in str(caught.value)


# Files

HEADER = "id,text,topic,sentiment,stars,phenomena\n"
GOOD = "r1,Good film!,film,positive,5,\n"


FILES = {
    "empty": ("", "the file is empty. It needs the columns id, text, topic, sentiment, stars."),
    "blank": ("\n\n", "the file is empty"),
    "header only": (HEADER, "has a header and not one review; add at least one row"),
    "no sentiment": ("id,text,topic,stars\n", "column 'sentiment' missing; found 'id', 'text', 'topic', 'stars'. Name"),
    "colons": (
        (HEADER + GOOD).replace(",", ":"),
        "columns 'id', 'text', 'topic', 'sentiment', 'stars' missing; found",
    ),
    "Latin-1": (HEADER.encode() + b"r1,caf\xe9,,,,", "line 2: byte 0xe9 is not UTF-8. Save the file as UTF-8"),
    "UTF-16": (HEADER.encode("utf-16"), "line 1: byte 0xff is not UTF-8. Save the file as UTF-8"),
    "open quote": (HEADER + 'r1,"Good,film,positive,5,\n', "EOF inside string starting at row 1. Is a quote left open"),
    "comma later": (
        HEADER + GOOD + "r2,Bad, bad,,,,\n",
        "line 3, saw 7. Is a quote left open, or does a cell with commas",
    ),
    "comma first": (HEADER + "r2,Bad, bad,,,,\n", "row 2: has more cells than the header has columns. Put a cell with"),
    "no text": (HEADER + GOOD + "r2,  ,film,,5,\n", "row 3 (id r2), column 'text': '  ' is empty; fill it in or drop"),
    "id twice": (HEADER + GOOD + GOOD, "row 3 (id r1), column 'id': 'r1' is used twice; ids must differ"),
    "topic": (HEADER + "r1,a,tree,,,\n", "row 2 (id r1), column 'topic': 'tree' is unknown; known are film, book"),
    "sentiment": (
        HEADER + "r1,a,,Positive,,\n",
        "column 'sentiment': 'Positive' is unknown; known are negative, positive",
    ),
    "six stars": (
        HEADER + "r1,a,,,6,\n",
        "row 2 (id r1), column 'stars': '6' is not a number from 1 to 5, or empty if",
    ),
    "stars in words": (HEADER + "r1,a,,,four,\n", "column 'stars': 'four' is not a number from 1 to 5"),
    "stars nan": (HEADER + "r1,a,,,nan,\n", "column 'stars': 'nan' is not a number from 1 to 5"),
    "phenomenon": (HEADER + "r1,a,,,,puns\n", "column 'phenomena': 'puns' is unknown; known are negation, contrast"),
}


@pytest.mark.parametrize(("content", "said"), FILES.values(), ids=FILES)
def test_a_file_that_is_wrong(tmp_path, content, said):
    path = tmp_path / "mine.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(lambda: read_reviews(path), DataError, "mine.csv", said)


def test_all_rows_with_the_same_fault_are_counted(tmp_path):
    (tmp_path / "mine.csv").write_text(HEADER + "r1,,,,,\nr2,,,,,\nr3,,,,,\n", encoding="utf-8")
    refused(lambda: read_reviews(tmp_path / "mine.csv"), DataError, "row 2 (id r1)", "(2 more rows like it)")


def test_a_file_that_is_not_there(tmp_path):
    refused(lambda: read_reviews(tmp_path / "mine.csv"), DataError, "There is no file", "mine.csv", "columns id, text")
    refused(lambda: data_file("mine.csv"), DataError, "'mine.csv' was not found in", "install the package again")


# Frames, labels and tasks

ROW = {"id": "r1", "text": "Good", "topic": "film", "sentiment": "positive", "stars": "5"}


def clean(**cells):
    return lambda: clean_reviews(pd.DataFrame([ROW | cells]))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            clean(sentiment="meh"),
            "Row r1: cannot read the labels topic 'film', sentiment 'meh', stars '5'. Correct them",
        ),
        (clean(stars="nine"), "stars 'nine'"),
        (clean(stars="9"), "stars '9'"),
        (clean(topic="tree"), "topic 'tree'"),
        (clean(text=None), "column 'text' holds None"),
        (clean(stars=5), "which is no text. Read the file with pd.read_csv(path, dtype=str, keep_default_na=False)"),
        (lambda: clean_reviews(pd.DataFrame({"id": [], "text": []})), "column 'topic' is missing; found 'id', 'text'"),
    ],
)
def test_raw_rows_that_cannot_be_cleaned(act, said):
    refused(act, DataError, said)


@pytest.mark.parametrize(
    "fractions", [(0.8, 0.2), (0.8, 0.2, 0.0), (0.8, 0.3, -0.1), (0.7, 0.7, 0.7), 0.8, "all", (1, None, 2)]
)
def test_fractions(frame, fractions):
    said = f"three positive numbers that add up to 1; found {fractions!r}"
    refused(lambda: split_reviews(frame, fractions=fractions), DataError, said)


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda frame: frame[:0], {}, "Cannot split 0 texts by topic x stars: every group needs at least 3"),
        (lambda frame: frame[:20], {}, "Give more data, or fewer columns in by=()"),
        (lambda frame: frame, {"fractions": (0.98, 0.01, 0.01)}, "a split would be empty or miss a group"),
        (
            lambda frame: frame.drop(columns="stars"),
            {"by": ("stars",)},
            "column 'stars' is missing; found 'id', 'text'",
        ),
        (lambda frame: frame, {"by": "topic"}, "by must be a tuple of columns; found 'topic'. Write by=('topic',)"),
    ],
)
def test_a_split_that_cannot_be_made(frame, change, options, said):
    refused(lambda: split_reviews(change(frame), **options), DataError, said)


ONE = {"a": torch.zeros(1)}
MASK = {"a": torch.ones(1, dtype=torch.bool)}


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            lambda: Vocabulary.from_texts(["all", "once"]),
            "No word occurs at least min_count=2 times; give more texts or",
        ),
        (lambda: Vocabulary(["a"]).encode(["a", "..."]), "Text 1 holds no word at all; drop it"),
        (lambda: Vocabulary(["a"]).encode(["a", None]), "Text 1 is no text but None; drop the row"),
        (lambda: Vocabulary(["a"]).encode("a film"), "found the single text 'a film'. Write [text]."),
        (lambda: Vocabulary(["a"]).encode([]), "the split is empty"),
        (
            lambda: encode_reviews(pd.DataFrame({"text": ["a"]}), Vocabulary(["a"]), [STARS]),
            "No column 'stars' for the task",
        ),
        (
            lambda: MultiTaskDataset(torch.zeros(2, 3), ONE, MASK),
            "{'inputs': 2, \"targets of 'a'\": 1, \"mask of 'a'\": 1}",
        ),
        (lambda: MultiTaskDataset(torch.zeros(1, 3), ONE, {"b": MASK["a"]}), "Targets are for ['a'], masks for ['b']"),
        (lambda: accuracy_by_phenomenon(pd.DataFrame({"phenomena": [""]}), []), "1 rows and 0 predictions"),
        (
            lambda: accuracy_by_phenomenon(pd.DataFrame({"text": ["a"]}), [True]),
            "'phenomena' is missing; found 'text'. Use",
        ),
        (lambda: confidence_interval([0.5]), "at least two runs; found 1. Repeat with more seeds"),
        (lambda: confidence_interval([0.5, float("nan")]), "A run gave no finite value: [0.5, nan]"),
    ],
)
def test_data_that_do_not_fit(act, said):
    refused(act, DataError, said)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "16", None, True])
def test_batch_size(dataset, batch_size):
    said = f"batch_size must be a whole number of at least 1; found {batch_size!r}"
    refused(lambda: make_loader(dataset, batch_size), DataError, said)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            lambda: SENTIMENT.encode(["positive", "meh"]),
            "Task 'sentiment': unknown label 'meh' at position 1; known are",
        ),
        (
            lambda: SENTIMENT.encode([1]),
            "unknown label 1 at position 0; known are 'negative', 'positive'. Clean the labels",
        ),
        (lambda: SENTIMENT.encode([["positive", "negative"]]), "unknown label ['positive', 'negative'] at position 0"),
        (
            lambda: STARS.encode([4, "four"]),
            "Task 'stars': label 'four' at position 1 is not a finite number; correct it, or",
        ),
        (lambda: STARS.encode([float("inf")]), "label inf at position 0 is not a finite number"),
        (lambda: STARS.encode([[1, 2]]), "label [1, 2] at position 0 is not a finite number"),
        (lambda: Regression("my task"), "must be a plain word such as 'topic'; found 'my task'"),
        (
            lambda: Regression("_hours"),
            "must be a plain word such as 'topic'; found '_hours'",
        ),  # a legend would leave it out
        (
            lambda: Regression("values"),
            "'values': torch's ModuleDict, which holds the heads, uses that name",
        ),
        (
            lambda: Regression("stars", size=0),
            "Task 'stars': size, the numbers in a label, must be a whole number of at",
        ),
        (lambda: Classification("mood"), "Task 'mood': classification needs at least two classes; found ()"),
        (lambda: Classification("mood", classes=("a", "b", "a")), "Task 'mood': a class is listed twice"),
        (lambda: check_tasks([]), "needs at least one task; found none"),
        (lambda: check_tasks(TOPIC), "found the single task 'topic'. Write [topic]."),
        (lambda: check_tasks(["topic"]), "Expected a Task; found 'topic' (str)"),
        (lambda: check_tasks([STARS, TOPIC, STARS]), "Two tasks share a name in ['stars', 'topic', 'stars']"),
        (
            lambda: TOPIC.loss(torch.zeros(4, 2), torch.zeros(4)),
            "Task 'topic': the head gave shape (4, 2), expected (4, 6)",
        ),
        (
            lambda: STARS.loss(torch.zeros(4, 1), torch.zeros(4)),
            "Task 'stars': the head gave shape (4, 1), expected (4,)",
        ),
    ],
)
def test_tasks_and_labels(act, said):
    refused(act, TaskError, said)


# Models

WORDS = torch.tensor([[2, 3], [4, 0]])


class Narrow(nn.Linear):
    features = 5


def heads(**sizes):
    return {name: nn.Linear(*size) for name, size in sizes.items()}


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: MultiTaskModel(nn.Linear(2, 3), [STARS]), "The encoder Linear must tell its width in .features"),
        (
            lambda: MultiTaskModel(Narrow(2, 3), [STARS])(torch.zeros(4, 2)),
            "The encoder Narrow gave shape (4, 3); the heads",
        ),
        (
            lambda: MultiTaskModel(Narrow(2, 5), [STARS, TOPIC], heads(stars=(5, 1))),
            "Heads are for ['stars'] and tasks are ['stars', 'topic']: each task needs its own head",
        ),
        (
            lambda: MultiTaskModel(Narrow(2, 5), [TOPIC], heads(topic=(5, 2))),
            "The head of 'topic' puts out 2 numbers; the task needs 6",
        ),
        (
            lambda: MultiTaskModel(Narrow(2, 5), [TOPIC], heads(topic=(3, 6))),
            "The head of 'topic' takes 3 numbers; the encoder gives 5 features",
        ),
        (
            lambda: CNNEncoder(9)(WORDS.float()),
            "takes whole word numbers of shape (batch, time); found float32 of shape (2, 2)",
        ),
        (lambda: LSTMEncoder(9)(WORDS[0]), "found int64 of shape (2,). Encode the texts with a Vocabulary first"),
        (
            lambda: TransformerEncoder(9, max_length=3)(WORDS.repeat(1, 2)),
            "A text of 4 words is longer than max_length=3; cut",
        ),
        (
            lambda: TransformerEncoder(9, embedding_dim=10),
            "attention_heads=4 takes an equal part of the vectors: embedding_dim=10 must be",
        ),
    ],
)
def test_models(act, said):
    refused(act, ModelError, said)


def test_words_an_encoder_cannot_take(encoder_class):
    refused(
        lambda: encoder_class(4)(WORDS), ModelError, "knows the word numbers 0 to 3; found 0 to 4", "len(vocabulary)"
    )
    refused(lambda: encoder_class(9)(WORDS * torch.tensor([[1], [0]])), ModelError, "Row 1 of the batch holds no word")
    refused(lambda: encoder_class(9)(WORDS[:, :0]), ModelError, "Row 0 of the batch holds no word, only padding; drop")


# Training

BAD_LAMBDAS = [-0.1, float("nan"), float("inf"), "1", None, True, [1]]


@pytest.fixture
def the(new_model, new_loader, dataset):
    """A model, a loader, and what is done with them."""
    model, loader = new_model(), new_loader()

    def train(steps=1, loader=loader, **options):
        return fit(model, loader, torch.optim.SGD(model.parameters(), lr=0.1), steps=steps, **options)

    without = {name: part for name, part in dataset.targets.items() if name != "stars"}
    starless = make_loader(MultiTaskDataset(dataset.inputs, without, {name: dataset.masks[name] for name in without}))
    return SimpleNamespace(model=model, loader=loader, fit=train, starless=starless, dataset=dataset)


@pytest.mark.parametrize("value", BAD_LAMBDAS, ids=repr)
def test_lambda(the, value):
    said = f"λ of 'topic' must be a finite number of at least 0; found {value!r}"
    refused(lambda: TaskWeights(["topic"], topic=value), TrainingError, said)
    refused(lambda: the.fit(weights={"topic": value}), TrainingError, said)


@pytest.mark.parametrize("steps", [0, -5, 1.5, "10", None, True])
def test_steps(the, steps):
    refused(lambda: the.fit(steps), TrainingError, f"steps must be a whole number of at least 1; found {steps!r}")
    refused(
        lambda: the.fit(1, eval_every=steps),
        TrainingError,
        f"eval_every must be a whole number of at least 1; found {steps!r}",
    )


def test_an_unknown_task(the):
    said = "There is no task 'topics' to weight; tasks are 'topic', 'sentiment', 'stars'"
    refused(lambda: the.fit(weights={"topics": 1}), TrainingError, said)
    others = TaskWeights(["topic", "sentiment"])
    refused(
        lambda: the.fit(weights=others), TrainingError, "There is no λ for the task 'stars'", "['sentiment', 'topic']"
    )
    refused(lambda: weighted_sum({"a": torch.ones(())}, {}), TrainingError, "There is no λ for the task 'a'")
    refused(lambda: others.pop("topic"), TrainingError, "set λ of 'topic' to 0 to switch it off")


def test_weights_by_position(the):
    refused(
        lambda: the.fit(weights=[1, 0.5, 2]), TrainingError, "λ by task name, such as {'topic': 1}; found [1, 0.5, 2]"
    )


def test_data_without_labels_for_a_task(the):
    said = (
        "Task 'stars' has no labels in the batch; there are labels for ['sentiment', 'topic']",
        "same tasks as the model",
    )
    refused(lambda: the.fit(loader=the.starless), DataError, *said)
    assert the.fit(val_loader=the.starless).val_score.notna().sum() == 2  # a part may lack a task, a model may not
    refused(lambda: gradient_cosines(the.model, next(iter(the.starless))), DataError, *said)
    for mask in the.dataset.masks.values():
        mask.zero_()
    said = (
        "No example of this loader has a label for any of ['sentiment', 'stars', 'topic']; there is nothing to evaluate"
    )
    refused(lambda: evaluate(the.model, the.loader), DataError, said)


def test_nothing_to_train_on(the):
    empty = DataLoader([])
    refused(lambda: the.fit(loader=empty), TrainingError, "The training loader has no batch: the split is empty")
    optimizer = torch.optim.SGD(the.model.parameters())
    refused(lambda: next(train_steps(the.model, empty, optimizer)), TrainingError, "the split is empty")
    refused(lambda: predict(the.model, empty), TrainingError, "There is nothing to predict: the loader has no batch")


def test_nothing_to_draw():
    refused(
        lambda: plot_history(as_history([])),
        ValueError,
        "There is nothing to draw: the history holds no step. Train first",
    )


# The lab


@pytest.fixture
def lab(the):
    lab = LambdaLab(the.model, the.loader)
    yield lab
    lab.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"optimizer": "Adagrad"}, "Unknown optimizer 'Adagrad'; choose one of SGD, Adam, AdamW"),
        ({"optimizer": torch.optim.Adam}, "choose one of SGD, Adam, AdamW"),
        ({"lr": 0}, "The learning rate must be a finite number above 0; found 0"),
        ({"lr": -0.1}, "found -0.1"),
        ({"lr": float("nan")}, "found nan"),
        ({"lr": "0.1"}, "found '0.1'"),
        ({"lr": True}, "found True"),
    ],
)
def test_a_lab_that_cannot_be_made(the, options, said):
    refused(lambda: LambdaLab(the.model, the.loader, **options), LabError, said)


def test_a_lab_for_a_wrong_loader_or_model(the):
    plain = DataLoader(the.dataset, shuffle=True)
    refused(
        lambda: LambdaLab(the.model, plain),
        LabError,
        "The training loader has no generator",
        "Use make_loader, or pass",
    )
    nine = MultiTaskModel(CNNEncoder(9), [Regression(f"t{i}") for i in range(9)])
    refused(
        lambda: LambdaLab(nine, the.loader), LabError, "The lab shows 1 to 8 tasks; this model has 9. Train it with fit"
    )
    refused(lambda: LambdaLab(the.model, the.loader, eval_every=0), LabError, "eval_every must be a whole number")


def test_what_a_lab_can_not_do(lab):
    for steps in (0, -1, 1.5, True, "10"):
        refused(
            lambda steps=steps: lab.run(steps),
            LabError,
            f"steps must be a whole number of at least 1; found {steps!r}",
        )
    for value in BAD_LAMBDAS:
        refused(
            lambda value=value: lab.set(topic=value),
            TrainingError,
            "λ of 'topic' must be a finite number",
            repr(value),
        )
    refused(lambda: lab.set(topics=1), TrainingError, "There is no task 'topics' to weight; tasks are 'topic'")
    refused(lab.keep, LabError, "There is no curve to keep yet: train first")
    refused(lambda: lab.remove(1), LabError, "There is no kept run 1; there are 0")
    refused(lab.replay, LabError, "There is nothing to replay: train first, or give events and steps")
    assert lab.step == 0 and set(lab.weights.values()) == {1}


@pytest.mark.parametrize(
    ("change", "steps", "error", "said"),
    [
        ({"task": "topics"}, 5, TrainingError, "There is no task 'topics' to weight"),
        ({"value": -1}, 5, TrainingError, "λ of 'topic' must be a finite number of at least 0; found -1"),
        ({"value": "much"}, 5, TrainingError, "found 'much'"),
        ({"step": 0}, 5, LabError, "An event's step must be a whole number of at least 1; found 0"),
        ({"step": 1.5}, 5, LabError, "An event's step must be a whole number of at least 1; found 1.5"),
        ({}, 2.5, LabError, "steps must be a whole number of at least 1; found 2.5"),
        ({}, "5", LabError, "steps must be a whole number of at least 1; found '5'"),
    ],
)
def test_events_that_cannot_be_replayed(lab, change, steps, error, said):
    events = pd.DataFrame([{"step": 1, "task": "topic", "value": 2.0} | change])
    refused(lambda: lab.replay(events, steps), error, said)
    refused(
        lambda: lab.replay(events.drop(columns="value"), 5),
        LabError,
        "need the columns step, task and value; missing: value",
    )


# Quizzes


def test_quizzes():
    refused(
        lambda: Quiz("1 + 1?", {"2": "Yes."}, right="3"),
        ClaimError,
        "Quiz '1 + 1?': the right answer must be an option",
    )
    refused(lambda: Quiz("1 + 1?", {"2": "Yes.", "3": ""}, right="2"), ClaimError, "every option needs its explanation")
    quiz = Quiz("1 + 1?", {"2": "Yes.", "3": "No."}, right="2")
    refused(lambda: quiz.choose("4"), ClaimError, "There is no answer '4'; choose one of '2', '3'")
