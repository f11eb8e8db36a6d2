"""Lesson 09's template: files broken in many ways, odd tables through the whole chain, a report that stands alone."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtl_helpers.claims import ClaimError
from mtl_helpers.data import DataError
from mtl_helpers.live import LambdaLab
from mtl_helpers.own_data import (
    Upload,
    check_example,
    compare,
    comparing,
    example,
    look,
    one_split,
    picture,
    report,
    verdict,
)
from mtl_helpers.saving import load, save
from mtl_helpers.tasks import Classification

QUICK = [arm for arm in comparing.ARMS if arm != "MiniLM"]
TOPICS = {
    "bill": "invoice payment refund amount",
    "fault": "broken noise stops error",
    "order": "deliver parcel van late",
}


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr(comparing, "LEAST_STEPS", 4)
    monkeypatch.setattr(comparing, "MOST_STEPS", 4)


def rows(n: int = 120, seed: int = 0) -> pd.DataFrame:
    """Texts whose words tell the topic; a mood, hours and a customer beside them."""
    draw = np.random.default_rng(seed)
    topics = draw.choice(list(TOPICS), n)
    texts = [
        " ".join([*draw.choice(TOPICS[topic].split(), 2), "ticket", chr(97 + i % 26) * 3, str(i)])
        for i, topic in enumerate(topics)
    ]
    hours = draw.uniform(1, 30, n).round(1)
    mood = draw.choice(["calm", "cross"], n)
    customer = [f"c{number}" for number in draw.integers(0, n // 4, n)]
    return pd.DataFrame({"text": texts, "topic": topics, "mood": mood, "hours": hours, "customer": customer})


def csv(frame: pd.DataFrame, **options) -> bytes:
    return frame.to_csv(index=False, **options).encode()


GOOD = rows()
READ = {"text": "text", "labels": ["topic", "hours"]}
# What is wrong with a file: its bytes, what of `look` differs, and what the message must name: what was found, what to do.
BROKEN = {
    "wrong separator": (csv(GOOD, sep="#"), {}, ["column 'text' is missing", "one column", "separator='...'"]),
    "wrong encoding": (
        csv(GOOD.assign(text=GOOD.text + " \u0436\u0443\u0440\u043d\u0430\u043b")).decode().encode("cp1251"),
        {},
        ["line 2", "not UTF-8", "encoding=...", "cp1251"],
    ),
    "an encoding that it is not": (
        csv(GOOD.assign(text=GOOD.text + " é")),
        {"encoding": "ascii"},
        ["byte 0xc3", "ascii"],
    ),
    "missing column": (
        csv(GOOD.drop(columns="topic")),
        {},
        ["'topic' is missing", "found 'text', 'mood'", "Correct the name"],
    ),
    "empty file": (b"", {}, ["the file is empty", "first line"]),
    "header only": (b"text,topic,hours\n", {}, ["has a header and not one row"]),
    "one class only": (csv(GOOD.assign(topic="bill")), {}, ["'topic'", "all 120 labels are 'bill'", "Leave"]),
    "labels all different": (csv(GOOD.assign(topic=GOOD.text)), {}, ["120 different values in 120 rows", "no label"]),
    "a row number as label": (
        csv(GOOD.assign(hours=range(120))),
        {},
        ["'hours'", "counts 0, 1, 2", "numbers the rows"],
    ),
    "numbers with commas": (
        csv(GOOD.assign(hours=[f"1,{i:03}" for i in range(120)])),
        {},
        ["row 2", "'1,000'", "decimal comma or stand for thousands", "1299.50"],
    ),
    "mixed types": (
        csv(GOOD.assign(hours=[*GOOD.hours[:60].astype(str), "about five", *GOOD.hours[61:].astype(str)])),
        {},
        ["'hours', row 62", "'about five' is no number", "119 of 120", "Correct that cell"],
    ),
    "numbers with a unit": (
        csv(GOOD.assign(hours=GOOD.hours.map("{} h".format))),
        {},
        ["row 2", "unit", "number alone"],
    ),
    "duplicate header": (
        csv(GOOD).replace(b"text,topic,mood", b"text,topic,topic"),
        {},
        ["names 'topic' 2 times (columns 2 and 3)", "its own name"],
    ),
    "binary file": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, {}, ["no text", "CSV"]),
    "spreadsheet": (b"PK\x03\x04" + bytes(200), {}, ["spreadsheet", "CSV UTF-8"]),
    "open quote": (csv(GOOD) + b'"and so on,bill,calm,1,c1\n', {}, ["quote left open"]),
    "too few rows": (csv(GOOD[:30]), {}, ["30 rows have a label in 'topic'", "at least 60"]),
    "no label at all": (csv(GOOD.assign(topic="")), {}, ["every cell is empty", "another column"]),
    "no words": (csv(GOOD.assign(text="...")), {}, ["no cell holds a word"]),
    "a label that is read, too": (csv(GOOD), {"features": ["topic"]}, ["'topic' is a label", "Name it once"]),
    "a name among the features": (
        csv(GOOD),
        {"text": None, "features": ["text"]},
        ["120 different values", "Leave it out"],
    ),
    "labels as one text": (csv(GOOD), {"labels": "topic"}, ["list of columns", "['topic']"]),
    "nothing to read": (csv(GOOD), {"text": None}, ["text='...'", "features=[...]"]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_bad_input_with_one_clear_message(what, tmp_path: Path):
    """What was found and what to do, in one line; the file is as it was, and a table read before can still be used."""
    before = look(example("products"), labels=["price"], features=["weight_kg"])
    content, options, said = BROKEN[what]
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        look(path, **{**READ, **options})
    message = str(caught.value)
    for part in said:
        assert part in message
    assert "\n" not in message and len(message) < 400
    assert path.read_bytes() == content and list(tmp_path.iterdir()) == [path]
    assert len(before.parts().train) == 234


def test_a_file_that_is_not_there_is_bad_input_and_its_folder_is_named(tmp_path: Path):
    (tmp_path / "tickets_2.csv").write_bytes(csv(GOOD))
    with pytest.raises(DataError, match=r"no file 'tickets.csv'.*there are tickets_2.csv.*Correct FILE"):
        look(tmp_path / "tickets.csv", **READ)
    with pytest.raises(DataError, match="no example 'ticket'; there are 'tickets'"):
        example("ticket")


# What the look sees


def notes(table, kind: str) -> str:
    return "\n".join(f"{note.column}: {note.said}" for note in table.notes if note.kind == kind)


def test_copies_missing_labels_and_imbalance_are_seen(tmp_path: Path):
    frame = GOOD.assign(mood=["calm"] * 110 + ["cross"] * 10)
    frame.loc[:9, "hours"] = None
    frame = pd.concat([frame, frame[:5].assign(text=frame.text[:5].str.upper() + "!")])
    path = tmp_path / "t.csv"
    path.write_bytes(csv(frame))
    table = look(path, text="text", labels=["topic", "mood", "hours"])
    said = notes(table, "odd")
    assert "5 rows repeat a text" in said and len(table.frame) == 120
    assert "hours: 10 of 120 labels are missing (8%)" in said
    assert "mood: 92% are 'calm'" in said
    assert "customer: 30 values, 4 rows each" in said and "GROUPS = 'customer'" in said


def test_a_leak_is_seen_and_a_good_feature_is_none(tmp_path: Path):
    draw = np.random.default_rng(0)
    size = draw.uniform(1, 9, 200)
    frame = pd.DataFrame(
        {"size": size, "price": 3 * size + draw.normal(0, 3, 200), "kind": draw.choice(["a", "b"], 200)}
    )
    frame["tax"], frame["code"] = 0.2 * frame.price, frame.kind.map({"a": "x1", "b": "x2"})
    path = tmp_path / "t.csv"
    path.write_bytes(csv(frame))
    table = look(path, features=["size", "tax", "code"], labels=["price", "kind"])
    assert re.findall(r"(\w+): tells '(\w+)'", notes(table, "leak")) == [("tax", "price"), ("code", "kind")]
    left_out = look(path, features=["size"], labels=["price", "kind"])
    assert notes(left_out, "leak") == "" and "right to leave it out" in notes(left_out, "odd")


def test_texts_alike_but_for_digits_stay_in_one_part(tmp_path: Path):
    frame = rows(200)
    frame["text"] = [f"order {i} came late and box {i % 20 * 'x'} was wet" for i in range(200)]
    path = tmp_path / "t.csv"
    path.write_bytes(csv(frame))
    table = look(path, text="text", labels=["mood"])
    parts = table.parts()
    kinds = [set(part.text.str.replace(r"\d+", "", regex=True)) for part in parts]
    assert not kinds[0] & kinds[2] and not kinds[0] & kinds[1]


def test_groups_stay_in_one_part(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(csv(GOOD))
    parts = look(path, text="text", labels=["topic"], groups="customer").parts()
    assert not set(parts.train.customer) & set(parts.test.customer)


# Tables of other shapes, the whole way


def german(folder: Path) -> tuple[Path, dict]:
    frame = rows().rename(columns={"hours": "Preis (EUR)", "topic": "type", "text": "Anfrage"})
    frame["Anfrage"] += " für Müller"
    path = folder / "anfragen.csv"
    path.write_bytes(frame.to_csv(index=False, sep=";", decimal=",").encode("cp1252"))
    return path, {"text": "Anfrage", "labels": ["type", "Preis (EUR)"]}


def chinese(folder: Path) -> tuple[Path, dict]:
    draw = np.random.default_rng(0)
    about = [draw.choice(["价格", "服务", "质量"], draw.integers(1, 3), replace=False) for _ in range(200)]
    texts = [
        f"第{i}次来，{'和'.join(one)}都说说，{'很好' if i % 2 else '太差'}" + "了" * (i % 9)
        for i, one in enumerate(about)
    ]
    frame = pd.DataFrame(
        {
            "评论": texts,
            "方面": ["、".join(one) for one in about],
            "情感": ["好" if i % 2 else "差" for i in range(200)],
        }
    )
    path = folder / "评论.csv"
    path.write_bytes(frame.to_csv(index=False).encode("gb18030"))
    return path, {"text": "评论", "labels": ["方面", "情感"]}


def text_and_columns(folder: Path) -> tuple[Path, dict]:
    path = folder / "both.tsv"
    path.write_bytes(csv(rows(), sep="\t"))
    return path, {"text": "text", "features": ["hours"], "labels": ["topic", "mood"], "groups": "customer"}


def numbers_only(folder: Path) -> tuple[Path, dict]:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(150, 4)), columns=["a", "b", "c d", "e"]).assign(constant=1)
    path = folder / "numbers.csv"
    path.write_bytes(csv(frame))
    return path, {"features": ["a", "b", "constant"], "labels": ["c d", "e"]}


def one_label(folder: Path) -> tuple[Path, dict]:
    path = folder / "one.csv"
    path.write_bytes(csv(rows(90)))
    return path, {"text": "text", "labels": ["topic"]}


def eight_labels(folder: Path) -> tuple[Path, dict]:
    draw = np.random.default_rng(0)
    frame = rows(100).assign(**{f"q{i}": draw.choice(["yes", "no", ""], 100, p=[0.4, 0.4, 0.2]) for i in range(8)})
    path = folder / "eight.csv"
    path.write_bytes(csv(frame))
    return path, {"text": "text", "labels": [f"q{i}" for i in range(8)]}


@pytest.mark.parametrize("make", [german, chinese, text_and_columns, numbers_only, one_label, eight_labels])
def test_a_table_of_another_shape_goes_the_whole_way(make, tmp_path: Path, few_steps):
    path, options = make(tmp_path)
    table = look(path, **options)
    assert len(table.tasks) == len(options["labels"])
    found = compare(table, arms=QUICK, splits=2, processes=1, progress=False)
    assert found.runs.score.notna().all() and "floor" in found.arms
    assert ("shared" in found.arms) == (len(table.tasks) > 1)
    said = verdict(found)
    asked = {(task.name, arm) for task in table.tasks for arm in set(found.of(task.name).arm)} - {
        (t.name, "floor") for t in table.tasks
    }
    assert len(said.rows) == len(asked) and set(said.rows.comparisons) == {len(asked)}
    page = report(found, said, tmp_path / "out" / "report").read_text(encoding="utf-8")
    assert all(task.name in page for task in table.tasks) and said.sentences[-1].split(";")[0][:40] in page
    ready = one_split(table)
    lab = LambdaLab(ready.model, ready.train, ready.val)
    lab.run(3)
    lab.close()
    if ready.vocabulary is not None:
        save(ready.model, tmp_path / "model", vocabulary=ready.vocabulary)
        new = ready.parts.test[table.text] if table.text else ready.parts.test
        assert len(load(tmp_path / "model").answer(new)) == len(ready.parts.test)


def test_a_hundred_thousand_rows_are_sampled_and_it_says_so(tmp_path: Path):
    path = tmp_path / "large.csv"
    path.write_bytes(csv(rows(100_000)))
    table = look(path, text="text", labels=["topic", "hours"], most_rows=1000)
    assert table.rows == 100_000 and len(table.frame) <= 1000
    assert "100,000 rows: 1,000 drawn at random (seed 0)" in repr(table)


def test_kinds_are_told_by_the_cells_and_may_be_told_by_hand(tmp_path: Path):
    frame = rows().assign(
        stars=np.arange(120) * 7 % 5, yes=np.arange(120) * 3 % 2, tags=["a;b", "b", "a;c", "c;b"] * 30
    )
    path = tmp_path / "t.csv"
    path.write_bytes(csv(frame))
    named = ["stars", "yes", "tags", "topic"]
    metrics = [task.metric for task in look(path, text="text", labels=named).tasks]
    assert metrics == ["MAE", "accuracy", "micro_F1", "accuracy"]
    by_hand = look(path, text="text", labels=named, kinds={"stars": "class", "tags": "class"}).tasks
    assert [task.metric for task in by_hand] == ["accuracy"] * 4 and by_hand[0].classes == ("0", "1", "2", "3", "4")


# What comes out


@pytest.fixture(scope="module")
def compared():
    patch = pytest.MonkeyPatch()
    patch.setattr(comparing, "LEAST_STEPS", 4)
    patch.setattr(comparing, "MOST_STEPS", 4)
    columns = ["weight_kg", "power_w", "net_price"]
    table = look(example("products"), features=columns, labels=["price", "category"], groups="supplier")
    yield compare(table, arms=QUICK, splits=3, processes=1, progress=False)
    patch.undo()


def test_all_ways_are_tested_on_the_same_splits(compared):
    counts = compared.runs.groupby(["task", "arm"]).seed.agg(sorted).map(tuple)
    assert set(counts) == {(0, 1, 2)}
    again = compare(compared.table, arms=["linear"], splits=3, processes=1, progress=False)
    for task in ("price", "category"):
        assert again.score(task, "linear") == compared.score(task, "linear")
        assert again.score(task, "floor") == compared.score(task, "floor")


def test_the_floor_is_the_best_constant_of_the_training_rows():
    train = pd.DataFrame({"mood": ["good"] * 3 + ["bad"] * 2})
    test = pd.DataFrame({"mood": ["good", None, "bad", "bad"]})
    assert comparing.floor_score(Classification("mood", ("bad", "good")), train, test) == pytest.approx(1 / 3)


def test_a_verdict_says_a_leak_and_what_was_not_shown(compared):
    said = verdict(compared)
    assert "Beware: 'net_price'" in said.text
    for row in said.rows.itertuples():
        sentence = next(
            one
            for one in said.sentences
            if one.startswith(row.Index.split("-")[1]) and f"'{row.Index.split('-')[2]}'" in one
        )
        assert ("Not shown that" in sentence) == (row.verdict == "not shown")
        assert "would have been seen" in sentence or row.verdict != "not shown"


def test_a_report_stands_alone(compared, tmp_path: Path):
    said = verdict(compared)
    path = report(compared, said, tmp_path / "r.html", author="A <b>", words=["x < y"])
    page = path.read_text(encoding="utf-8")
    assert not re.findall(r"<script|<link|\bsrc=|@import|url\((?!#)", page), "something external"
    assert not [
        url
        for url in re.findall(r"https?://[^\"'<> ]+", page)
        if "www.w3.org" not in url
        and "purl.org" not in url
        and "creativecommons" not in url
        and "matplotlib.org" not in url
    ]
    assert "A &lt;b&gt;" in page and "x &lt; y" in page and "<svg" in page
    assert page.count("<li") >= len(said.sentences) + len(compared.table.notes)
    for arm in compared.arms:
        assert arm in page


def test_the_picture_names_every_task_and_way(compared):
    axes = picture(compared).axes
    assert [ax.get_title() for ax in axes] == ["price", "category"]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == compared.arms


def test_a_quoted_score_is_checked_for_its_own_table_only(compared, capsys):
    score = compared.score("category", "linear")
    check_example(compared, "products.csv", "category", "linear", round(score, 2), tolerance=0.02)
    assert "checked, within 0.02" in capsys.readouterr().out
    with pytest.raises(ClaimError, match=r"the text says 0\.1"):
        check_example(compared, "products.csv", "category", "linear", 0.1, tolerance=0.01)
    check_example(compared, "tickets.csv", "category", "linear", 0.1, tolerance=0.01)
    assert "yours is products.csv" in capsys.readouterr().out


def test_an_upload_keeps_what_was_there(tmp_path: Path):
    box = Upload(tmp_path / "my_data")
    first = box.keep("a.csv", b"one")
    assert box.keep("a.csv", b"one") == first and box.keep("../a.csv", b"two").name == "a-2.csv"
    assert first.read_bytes() == b"one" and box.path.read_bytes() == b"two" and box.path.parent == first.parent


def test_the_advice_follows_what_was_shown(compared):
    """A way shown to beat the linear model is taken, also where the floor varies too much for that one to be shown."""
    splits = range(6)
    level = {"floor": [30, 5, 60, 2, 90, 10], "linear": [20] * 6, "alone": [10, 11, 9, 10, 11, 9], "shared": [10] * 6}
    runs = [{"task": "price", "arm": arm, "seed": i, "score": float(level[arm][i])} for arm in level for i in splits]
    flat = {"floor": 0.3, "linear": 0.8, "alone": 0.8, "shared": 0.8}
    bend = {"linear": 0.01, "alone": -0.01}
    runs += [
        {"task": "category", "arm": arm, "seed": i, "score": flat[arm] + bend.get(arm, 0) * (-1) ** i}
        for arm in flat
        for i in splits
    ]
    said = verdict(comparing.Comparison(compared.table, pd.DataFrame(runs), steps=1, seconds=0.0))
    assert "price: take 'alone' (though 'linear' was not shown to beat the floor)" in said.sentences[-1]
    assert "category: take 'linear'." in said.sentences[-1]
