"""Four people's own data through the whole course: each step in at most five lines, none of them about torch's insides."""

import math
from pathlib import Path

import practitioners
import pytest
import torch

from mtl_helpers.data import make_loader
from mtl_helpers.training import predict

IMPORTS = """
import pandas as pd
import practitioners
import torch

from mtl_helpers.data import ColumnNumbers, Vocabulary, bag_of_words, baseline_score, clean_table, encode_reviews
from mtl_helpers.data import make_loader, read_table, split_table
from mtl_helpers.evaluation import Arm, cross_validate, delta_table, evaluate, optuna_search, run_arms
from mtl_helpers.live import LambdaLab
from mtl_helpers.models import CNNEncoder, LSTMEncoder, MultiTaskModel, OnFeatures
from mtl_helpers.saving import load, save
from mtl_helpers.training import RULES, fit
"""
MOST_LINES = 5

# What differs between the four: how the file is read and how its rows become the inputs of an encoder.
PEOPLE = {
    "tickets": {
        "tasks": [practitioners.TEAM, practitioners.HOURS],
        "file": practitioners.tickets,
        "text": "Anfrage",
        "read": ["frame = read_table(path, text='Anfrage', tasks=tasks)"],
        "scale": ["tasks = [tasks[0], tasks[1].standardised(parts.train.hours)]"],
    },
    "Chinese, several labels": {
        "tasks": [practitioners.ASPECTS, practitioners.MOOD],
        "file": practitioners.chinese_reviews,
        "text": "评论",
        "read": ["frame = read_table(path, text='评论', tasks=tasks)"],
    },
    "table without text": {
        "tasks": [practitioners.PRICE, practitioners.QUICK],
        "file": practitioners.flats,
        "text": None,
        "groups": "owner",
        "read": ["frame = read_table(path, text=None, tasks=tasks)"],
        "scale": ["tasks = [tasks[0].standardised(parts.train.price), tasks[1]]"],
        "encode": ["words = ColumnNumbers.from_frame(parts.train, practitioners.FLAT_COLUMNS)"],
        "encoder": ["new_encoder = lambda: OnFeatures(words.features, hidden=16)"],
    },
    "word tags": {
        "tasks": [practitioners.TAGS, practitioners.TENSE],
        "file": practitioners.tagged_sentences,
        "text": "sentence",
        "read": ["frame = read_table(path, text='sentence', tasks=tasks)"],
        "encode": ["words = Vocabulary.from_texts(parts.train.sentence, tokenizer=str.split)"],
        "encoder": ["new_encoder = lambda: LSTMEncoder(len(words), hidden=16)"],
        "save, load, answer": [
            "save(model, folder, vocabulary=words)",
            "answers = load(folder, tokenizer=str.split).answer(new_examples)",
        ],
    },
}
USUAL = {
    "clean": ["frame, cleaned = clean_table(frame, text=text, tasks=tasks)"],
    "split": ["parts = split_table(frame, text=text, groups=groups)"],
    "scale": [],
    "encode": ["words = Vocabulary.from_texts(parts.train[text])"],
    "data sets": ["train, val, test = [encode_reviews(part, words, tasks, text=text) for part in parts]"],
    "encoder": ["new_encoder = lambda: CNNEncoder(len(words))"],
    "single, shared": [
        "def learn(tasks, weights=None, steps=STEPS):",
        "    model = MultiTaskModel(new_encoder(), tasks)",
        "    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)",
        "    options = {'steps': steps, 'weights': weights, 'val_loader': make_loader(val)}",
        "    return fit(model, make_loader(train, shuffle=True), optimizer, **options) is not None and model",
    ],
    "rule": ["model = learn(tasks, RULES['uncertainty'](tasks))", "scores = evaluate(model, make_loader(test))"],
    "search": [
        "def score(weights, steps=20):",
        "    found = evaluate(learn(tasks, weights, steps), make_loader(val))",
        "    return {task.name: found.loc[task.name, task.metric] for task in tasks}",
        "runs = optuna_search(score, tasks, runs=2)",
    ],
    "run_arms, delta_table": [
        "encode = lambda parts, tasks: (new_encoder, [encode_reviews(part, words, tasks, text=text) for part in parts])",
        "pairs = [[task, *(other for other in tasks if other is not task)] for task in tasks]",
        "arms = [arm for pair in pairs for arm in (Arm('single', pair[:1]), Arm('shared', pair))]",
        "rows = [row for s in (0, 1) for a in arms for row in run_arms([a], parts, seed=s, steps=20, encode=encode)]",
        "delta = delta_table(pd.DataFrame(rows), tasks)",
    ],
    "cross-validation": [
        "def fold(weights, fold_train, fold_val):",
        "    return {task.name: len(fold_val) / len(fold_train) for task in tasks}",
        "folds = cross_validate(fold, frame, [{task.name: 1.0 for task in tasks}], folds=3, text=text, groups=groups)",
    ],
    "bag of words": [
        "bags = {t.name: bag_of_words(parts.train, t, text=text) for t in tasks if not t.per_word}",
        "floors = {t.name: baseline_score(bags[t.name], parts.test, t, text=text) for t in tasks if t.name in bags}",
    ],
    "λ lab": [
        "lab = LambdaLab(MultiTaskModel(new_encoder(), tasks), make_loader(train, shuffle=True), make_loader(val))",
        "lab.run(steps=12)",
    ],
    "save, load, answer": [
        "save(model, folder, vocabulary=words)",
        "answers = load(folder).answer(new_examples)",
    ],
}


@pytest.mark.parametrize("who", PEOPLE)
def test_a_persons_own_data_go_the_whole_way(who, tmp_path: Path, capsys):
    person = {"groups": None, **PEOPLE[who]}
    names = {}
    exec(IMPORTS, names)
    names |= {"tasks": person["tasks"], "text": person["text"], "groups": person["groups"], "STEPS": 150}
    names |= {"path": person["file"](tmp_path), "folder": tmp_path / "saved"}
    torch.manual_seed(0)
    steps = {"read": person["read"], **USUAL, **{k: v for k, v in person.items() if k in USUAL}}
    counted = {}
    for step, lines in steps.items():
        if step == "bag of words" and person["text"] is None:
            continue  # there are no words
        if step == "save, load, answer":
            texts = names["parts"].test
            names["new_examples"] = texts.drop(columns=[task.name for task in names["tasks"]])
            if person["text"] is not None:
                names["new_examples"] = names["new_examples"][person["text"]]
        exec("\n".join(lines), names)
        counted[step] = len(lines)
    if "lab" in names:
        names["lab"].close()
    assert max(counted.values()) <= MOST_LINES, counted
    with capsys.disabled():
        print(
            f"\n{who}: " + ", ".join(f"{step} {'at once' if n <= 1 else f'{n} lines'}" for step, n in counted.items())
        )

    tasks, parts, answers = names["tasks"], names["parts"], names["answers"]
    predictions = predict(names["model"], make_loader(names["test"]))
    for task in tasks:  # it learnt: far better than the answer that knows nothing
        output, target, mask = predictions[task.name]
        floor = 0.3 if task.metric == "MAE" else 0.75
        assert task.skill(task.predict(output), target, mask) > floor, names["scores"]
    assert len(answers) == len(parts.test) and not answers.isna().any(axis=None)
    assert set(names["delta"].index.get_level_values("task")) >= {task.name for task in tasks}
    assert names["runs"][[task.name for task in tasks]].notna().all(axis=None)
    assert names["lab"].history.task.nunique() == len(tasks) == names["folds"].columns.str.startswith("λ ").sum()
    if "floors" in names:
        assert all(map(math.isfinite, names["floors"].values()))
    if who == "tickets":
        assert "türöffner" in names["words"] and answers.hours.between(-5, 30).all()
