"""Tables of one's own: read, cleaned, split and encoded, whatever their columns, encoding and separator."""

import csv

import pandas as pd
import practitioners as own
import pytest
import torch

from mtl_helpers.data import (
    CLEANING_STEPS,
    ColumnNumbers,
    DataError,
    Splits,
    Vocabulary,
    bag_of_words,
    baseline_score,
    clean_reviews,
    clean_table,
    clean_with,
    encode_reviews,
    read_reviews,
    read_table,
    split_reviews,
    split_table,
    text_folds,
)
from mtl_helpers.data.cleaning import drop_conflicts
from mtl_helpers.evaluation import Arm, cross_validate, run_arms
from mtl_helpers.tasks import STARS, TOPIC, Classification, MultiLabel, Regression

HOURS, TEAM = Regression("hours"), Classification("team", classes=("Büro", "Tür"))
ROWS = [("Türöffner klemmt", "Tür", "1,5"), ("Größe fürs Büro", "Büro", ""), ("Öl über Fußböden", "", "12,25")]


def written(folder, data: bytes, name: str = "mine.csv"):
    (folder / name).write_bytes(data)
    return folder / name


def lines(rows, separator=";"):
    return "\r\n".join(separator.join(row) for row in [("text", "team", "hours"), *rows])


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_separator_encoding_and_decimal_commas_are_guessed_and_said(tmp_path, capsys, encoding, separator):
    path = written(tmp_path, lines(ROWS, separator).encode(encoding))
    frame = read_table(path, tasks=[TEAM, HOURS])
    assert frame.text.tolist() == [row[0] for row in ROWS]
    assert TEAM.encode(frame.team)[0].tolist() == [1, 0, 0] and frame.team.isna().tolist() == [False, False, True]
    assert HOURS.encode(frame.hours)[0].tolist() == [1.5, 0, 12.25]
    assert frame.attrs["read"]["separator"] == separator and frame.attrs["read"]["decimal commas"] == ("hours",)
    said = capsys.readouterr().out
    assert frame.attrs["read"]["encoding"] in said and "decimal comma in 'hours'; 3 rows" in said


@pytest.mark.parametrize("mark", ["sep=;\r\n", '"sep=;"\n'])
def test_excels_own_line_is_taken(tmp_path, mark):
    assert len(read_table(written(tmp_path, (mark + lines(ROWS)).encode()), tasks=[TEAM, HOURS])) == 3


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
def test_chinese_encodings_are_told_apart(tmp_path, encoding):
    text = (
        "評論,情感\n這家酒店的早餐非常好吃,好\n手機的電池太差,差\n"
        if encoding == "big5"
        else "评论,情感\n早餐非常好吃,好\n电池太差,差\n"
    )
    frame = read_table(written(tmp_path, text.encode(encoding)), text=text[:2], tasks=[own.MOOD])
    assert frame.情感.tolist() == ["好", "差"] and frame.attrs["read"]["encoding"] == encoding


def test_the_plain_case_is_silent_and_other_columns_become_numbers_where_they_are_some(tmp_path, capsys):
    path = written(tmp_path, b"text,age,code,mixed,hours\ngood,30,007,1,1.5\nbad,,010,x,2\n")
    frame = read_table(path, tasks=[HOURS])
    assert frame.age.iloc[0] == 30 and frame.age.isna().iloc[1]
    assert frame.code.tolist() == ["007", "010"] and frame.mixed.tolist() == ["1", "x"]
    assert capsys.readouterr().out == ""


def test_decimal_points_between_semicolons_are_read_where_they_are_clear(tmp_path):
    path = written(tmp_path, b"text;hours;age\na;0.950;1.200\nb;1.200;1.300\n")
    frame = read_table(path, tasks=[HOURS])
    assert frame.hours.tolist() == [0.95, 1.2] and frame.age.tolist() == [1.2, 1.3]


def test_classes_may_be_numbers_and_stay_as_they_are_defined(tmp_path):
    grade = Classification("grade", classes=(1, 2, 3))
    frame = read_table(written(tmp_path, b"text,grade\na,3\nb,\n"), tasks=[grade])
    assert frame.grade.iloc[0] == 3 and grade.encode(frame.grade)[1].tolist() == [True, False]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (r'"she said \"no\" twice"', 'she said "no" twice'),
        (r'"\"no\", she said"', '"no", she said'),
        ('"she said ""no"" twice"', 'she said "no" twice'),
        (r'"back\slash"', r"back\slash"),
        ('"ends in a \\"', "ends in a \\"),
    ],
)
def test_quotes_inside_quotes_are_read_rightly(tmp_path, content, text):
    frame = read_table(written(tmp_path, f"text,n\n{content},1\n".encode()))
    assert frame.text.tolist() == [text] and frame.n.tolist() == [1]


def test_a_long_cell_beside_backslashes_is_read(tmp_path):
    assert csv.field_size_limit() < 200_000
    frame = read_table(written(tmp_path, b'text,n\n"' + b"word " * 50_000 + rb'\" x",1' + b"\n"))
    assert len(frame) == 1


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        (
            b"text,team\na,Garten\n",
            {"tasks": [TEAM]},
            "mine.csv, row 2, column 'team': 'Garten' is no label of the task",
        ),
        (b"text,team\na,\nb,\nc,tuer\n", {"tasks": [TEAM]}, "row 4, column 'team': 'tuer' .* Spelt otherwise"),
        (b"text,hours\na,1.5\nb,soon\n", {"tasks": [HOURS]}, "row 3, column 'hours': 'soon' is no label"),
        (b'text,hours\na,"1,234"\n', {"tasks": [HOURS]}, "row 2, column 'hours': '1,234' may have a decimal comma or"),
        (
            b"text;hours\na;950\nb;1.200\n",
            {"tasks": [HOURS]},
            "row 3, .* '1.200' may have a decimal point or, .* thousands",
        ),
        (b"text,hours\na,1\n ,2\n", {"tasks": [HOURS]}, "row 3, column 'text': ' ' is empty"),
        (b"review;hours\na;1\n", {"tasks": [HOURS]}, "column 'text' is missing; found 'review', 'hours'"),
        (b"text\n", {}, "has a header and not one row"),
        (b"", {}, "the file is empty"),
        ("text;n\nПривет мир;1\n".encode("cp1251"), {}, "line 2: is not UTF-8, and reads like neither .* encoding="),
        ("text\nschön und größer\n".encode() + b"dam\xe4ged\n", {}, "line 3: byte 0xe4 is not UTF-8"),
        (b"text\na\n", {"encoding": "utf-99"}, "there is no encoding 'utf-99'"),
        (b"PK\x03\x04\x14\0\x06\0", {}, "is a spreadsheet and no CSV. Save it as 'CSV UTF-8', or take .*read_excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", {"encoding": "utf-8"}, "is a spreadsheet and no CSV"),
        (b"text||hours\na||1\n", {"separator": "||"}, "separator is one character, such as ';', .* found '\\|\\|'"),
        (b"text,hours\na,1\n", {"separator": ""}, "separator is one character"),
        (
            b"text,hours\na,1,5\n",
            {},
            "row 2: has more cells .* Put a cell with commas in it, a text or a number, in quotes",
        ),
        (b"text;hours\na;b;1,5\n", {}, "Put a cell with semicolons in it"),
        (b"text,hours\na,1\nb,1,5\n", {}, "does a cell with commas in it lack its quotes"),
        (b'text,n\n"a \\" b" c \\"",1\n', {}, "row 2: a quote inside quotes has a backslash before it"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, data, options, said):
    with pytest.raises(DataError, match=said):
        read_table(written(tmp_path, data), **options)


def test_the_courses_own_reader_reads_backslashed_quotes_too(tmp_path):
    path = written(tmp_path, b'id,text,topic,sentiment,stars\nr1,"a \\"good\\" film",film,positive,5\n')
    assert read_reviews(path).text.tolist() == ['a "good" film']


def test_the_courses_own_reader_takes_semicolons_and_decimal_commas(tmp_path):
    path = written(tmp_path, b"sep=;\r\nid;text;topic;sentiment;stars\r\nr1;gut, sehr;film;positive;4,5\r\n")
    assert read_reviews(path).text.tolist() == ["gut, sehr"] and read_reviews(path).stars.tolist() == [4.5]


def test_a_stray_nul_makes_no_utf_16_of_a_file(tmp_path):
    frame = read_table(written(tmp_path, b"text,n\na\0b,1\n" + b"word,2\n" * 50))
    assert frame.attrs["read"]["encoding"] == "UTF-8" and len(frame) == 51


# Cleaning


def test_merging_makes_no_conflict():
    row = {"text": "Fine film", "topic": "film"}
    raw = pd.DataFrame(
        [
            row | {"id": "a", "sentiment": "positive", "stars": ""},
            row | {"id": "b", "sentiment": "", "stars": "1"},
            {"id": "c", "text": "other", "topic": "book", "sentiment": "negative", "stars": "2"},
        ]
    )
    clean = clean_reviews(raw)
    assert clean.id.tolist() == ["c"] and len(drop_conflicts(clean)) == len(clean)


def test_a_label_on_which_copies_disagree_becomes_missing():
    frame = pd.DataFrame(
        {"text": ["Good", "good!", "good.", "bad"], "team": ["Tür", "Büro", "Tür", "Büro"], "hours": [None, 2, 2, 1]}
    )
    clean, table = clean_table(frame, tasks=[TEAM, HOURS])
    assert clean.text.tolist() == ["Good", "bad"]
    assert clean.team.isna().tolist() == [True, False] and clean.hours.tolist() == [2, 1]
    assert table.loc["duplicates", "dropped"] == 2
    assert len(clean_table(frame, tasks=[TEAM], merge=False)[0]) == 4


def test_copies_agree_whose_several_labels_stand_in_another_order():
    about = MultiLabel("about", classes=("price", "taste"))
    labels = ["price;taste", ["taste", "price"], "taste, price", None, "price", "taste"]
    frame = pd.DataFrame({"text": ["Good", "good!", "good", "good", "Bad", "bad"], "about": labels})
    clean, _ = clean_table(frame, tasks=[about])
    target, mask = about.encode(clean.about)
    assert mask.tolist() == [True, False] and target[0].tolist() == [1, 1]


def test_a_table_is_cleaned_whose_index_repeats():
    frame = pd.DataFrame(
        {"text": ["Good", "good!", " ", "bad"], "team": ["tür", "", "Tür", "Büro"]}, index=[0, 0, 1, 1]
    )
    clean, table = clean_table(frame, tasks=[TEAM])
    assert clean.text.tolist() == ["Good", "bad"] and clean.team.tolist() == ["Tür", "Büro"]
    assert table.dropped.tolist() == [0, 0, 1, 0, 1] and table.changed["label spellings"] == 1


def test_several_labels_in_a_cell_are_unified():
    about = MultiLabel("about", classes=("price", "taste"))
    clean, _ = clean_table(pd.DataFrame({"about": ["Price; TASTE", "n/a", " price "]}), None, [about])
    assert about.encode(clean.about)[0].tolist() == [[1, 1], [0, 0], [1, 0]]
    assert about.encode(clean.about)[1].tolist() == [True, False, True]


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"text": ["a"], "team": ["Garten"]}, "unknown label 'Garten' at position 0"),
        (
            {"text": ["a", 7], "team": ["Tür", "Tür"]},
            "row 1 of column 'text' holds 7, which is no text",
        ),
        ({"text": ["a"]}, "column 'team' is missing; found 'text'"),
    ],
)
def test_what_cannot_be_cleaned_is_named(frame, said):
    with pytest.raises(DataError, match=said):
        clean_table(pd.DataFrame(frame), tasks=[TEAM])


# Splitting


def visits(n=300):
    return pd.DataFrame(
        {
            "patient": [i // 5 for i in range(n)],
            "note": [f"note {i}" for i in range(n)],
            "ill": [i % 2 for i in range(n)],
        }
    )


def test_a_patients_rows_stay_together():
    frame = visits()
    parts = split_table(frame, groups="patient", text=None)
    assert sum(map(len, parts)) == len(frame) and [len(p) for p in parts] == [210, 45, 45]
    seen = [set(part.patient) for part in parts]
    assert len(set.union(*seen)) == sum(map(len, seen))
    for train, val in text_folds(frame, 4, groups="patient", text="note"):
        assert not set(train.patient) & set(val.patient) and len(train) + len(val) == len(frame)


def test_a_text_that_two_patients_share_ties_them():
    frame = visits(60).assign(note=lambda f: f.note.where(f.index % 5 > 0, "the same " + (f.patient // 2).astype(str)))
    parts = split_table(frame, groups="patient", text="note", fractions=(0.5, 0.25, 0.25))
    for column in ("patient", "note"):
        seen = [set(part[column]) for part in parts]
        assert len(set.union(*seen)) == sum(map(len, seen))


def test_rows_without_a_group_are_their_own():
    frame = visits(30).assign(patient=None)
    assert [len(p) for p in split_table(frame, groups="patient", text=None, fractions=(0.6, 0.2, 0.2))] == [18, 6, 6]


def test_the_courses_split_takes_the_columns_that_are_there(frame):
    parts = split_reviews(frame.drop(columns="stars"))
    assert sum(map(len, parts)) == len(frame)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: split_table(visits()), "Column 'text' is missing; found 'patient', .* text=None for a table without"),
        (lambda: split_table(visits(), text=None, groups="doctor"), "column 'doctor' is missing"),
        (lambda: split_table(visits(10), text=None, groups="patient"), "Cannot split 2 units"),
        (
            lambda: split_table(visits().assign(note="ok"), text="note", groups="patient"),
            "300 of 300 rows hang together by their groups and texts; text=None",
        ),
        (lambda: list(text_folds(visits(10), 3, text=None, groups="patient")), "2 different groups can not be cut"),
        (
            lambda: split_table(visits(2).assign(films=[["a"], ["b"]]), text=None, groups="films"),
            r"a group is one value, a number or a text; column 'films' holds \['a'\] in row 0",
        ),
        (lambda: split_table(visits(), text=None, by=(TEAM,)), "found the task 'team': write 'team'.$"),
        (lambda: split_table(visits(), text=None, by=TEAM), "found the task 'team': write 'team'.$"),
        (lambda: split_table(visits(), text=None, groups=TEAM), "found the task 'team': write 'team'.$"),
    ],
)
def test_splits_that_cannot_be_made_say_why(act, said):
    with pytest.raises(DataError, match=said):
        act()


def test_cross_validation_keeps_groups_and_takes_tables_without_text():
    def train(weights, train_frame, val_frame):
        return {"ill": float(len(set(train_frame.patient) & set(val_frame.patient)))}

    runs = cross_validate(train, visits(), [{"ill": 1.0}], folds=3, groups="patient", text=None)
    assert runs.ill.tolist() == [0, 0, 0]


# Encoding


def test_texts_without_labels_are_encoded(frame):
    vocabulary = Vocabulary.from_texts(frame.text)
    data = encode_reviews(frame[["text"]], vocabulary, tasks=[])
    assert len(data) == len(frame) and data[[0, 1]].targets == {} and data[[0, 1]].size == 2


def test_a_task_without_a_label_in_one_part_is_masked(frame):
    vocabulary = Vocabulary.from_texts(frame.text)
    data = encode_reviews(frame.assign(stars=None), vocabulary, [TOPIC, STARS])
    assert not data.masks["stars"].any() and data.masks["topic"].all()


def test_columns_are_scaled_by_the_training_rows_alone(tmp_path):
    train = pd.DataFrame({"area": [10.0, 30.0, None], "kind": ["a", "b", None]})
    columns = ColumnNumbers.from_frame(train, ["area", "kind"])
    columns.save(tmp_path / "columns.json")
    for each in (columns, ColumnNumbers.load(tmp_path / "columns.json")):
        features, lengths = each.encode(pd.DataFrame({"area": [40, None], "kind": ["b", "new"]}))
        assert lengths is None and features.tolist() == [[2, 0, 1], [0, 0, 0]]
    assert columns.names == ["area", "kind: a", "kind: b"] and columns.features == 3


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda f: ColumnNumbers.from_frame(f, "area"), "single column 'area'. Write \\['area'\\]"),
        (lambda f: ColumnNumbers.from_frame(f, ["rooms"]), "Column 'rooms' is missing; found 'area', 'name'"),
        (lambda f: ColumnNumbers.from_frame(f, ["name"]), "'name' has 60 different values in 60 rows"),
        (lambda f: ColumnNumbers.from_frame(f.assign(area=None), ["area"]), "'area' is empty in every training row"),
        (
            lambda f: ColumnNumbers.from_frame(f, ["area"]).encode(f.assign(area="big")),
            "Column 'area' holds 'big', which is no number",
        ),
    ],
)
def test_columns_that_cannot_be_read_are_named(act, said):
    frame = pd.DataFrame({"area": range(60), "name": [f"flat {i}" for i in range(60)]})
    with pytest.raises(DataError, match=said):
        act(frame)


# The four practitioners, from file to data set and baseline


def test_tickets_from_excel(tmp_path, capsys):
    tasks = [own.TEAM, own.HOURS]
    frame = read_table(own.tickets(tmp_path), text="Anfrage", tasks=tasks)
    assert "Windows-1252" in capsys.readouterr().out
    clean, _ = clean_table(frame, "Anfrage", tasks)
    train, _, test = split_table(clean, by=("team",), text="Anfrage")
    vocabulary = Vocabulary.from_texts(train.Anfrage)
    assert "türöffner" in vocabulary
    data = encode_reviews(train, vocabulary, tasks, text="Anfrage")
    assert data[[0]].inputs.min() > 0 and not data.masks["hours"].all()
    assert baseline_score(bag_of_words(train, own.TEAM, text="Anfrage"), test, own.TEAM, text="Anfrage") > 0.9
    assert baseline_score(bag_of_words(train, own.HOURS, text="Anfrage"), test, own.HOURS, text="Anfrage") < 2


def test_chinese_reviews_with_several_labels(tmp_path):
    tasks = [own.ASPECTS, own.MOOD]
    frame = read_table(own.chinese_reviews(tmp_path), text="评论", tasks=tasks)
    assert frame.attrs["read"]["encoding"] == "gb18030"
    clean, _ = clean_table(frame, "评论", tasks)
    assert len(clean) == len(frame)
    train, _, test = split_table(clean, by=("情感",), text="评论")
    data = encode_reviews(train, Vocabulary.from_texts(train.评论), tasks, text="评论")
    assert data.targets["方面"].shape == (len(train), 3)
    for task in tasks:
        assert baseline_score(bag_of_words(train, task, text="评论"), test, task, text="评论") > 0.9


def test_a_table_without_text(tmp_path):
    tasks = [own.PRICE, own.QUICK]
    frame = read_table(own.flats(tmp_path), text=None, tasks=tasks)
    clean, _ = clean_table(frame, None, tasks)
    train, _, test = split_table(clean, text=None, groups="owner")
    columns = ColumnNumbers.from_frame(train, own.FLAT_COLUMNS)
    data = encode_reviews(test, columns, tasks, text=None)
    assert data[[0, 1]].inputs.shape == (2, columns.features) and columns.features == 4
    assert torch.isfinite(data[range(len(data))].inputs).all()


def test_sentences_with_a_tag_a_word(tmp_path):
    tasks = [own.TAGS, own.TENSE]
    frame = read_table(own.tagged_sentences(tmp_path), text="sentence", tasks=tasks)
    train, _, _ = split_table(frame, text="sentence")
    vocabulary = Vocabulary.from_texts(train.sentence, tokenizer=str.split)
    data = encode_reviews(train, vocabulary, tasks, text="sentence")
    assert data.targets["tags"].shape[1] == data.lengths.max() == 4
    assert (
        baseline_score(
            bag_of_words(train, own.TENSE, text="sentence", tokenizer=str.split), train, own.TENSE, text="sentence"
        )
        == 1
    )


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "act",
    [
        lambda f: clean_with(f, ["encoding"]),
        lambda f: clean_with(f, ["duplicates"]),
        lambda f: clean_with(f.rename(columns={"Anfrage": "text"}), ["white space"]),
        lambda f: CLEANING_STEPS["encoding"](f),
        lambda f: CLEANING_STEPS["white space"](f),
        lambda f: split_reviews(f),
        lambda f: list(text_folds(f)),
        lambda f: bag_of_words(f, TEAM),
        lambda f: encode_reviews(f, Vocabulary(["a"]), [TEAM]),
        lambda f: list(run_arms([Arm("alone", [TEAM])], Splits(f, f, f), seed=0, steps=1)),
    ],
)
def test_a_table_with_other_columns_is_never_met_by_a_bare_error(act):
    with pytest.raises(DataError, match=r"olumn '(id|text)' is missing; found '(Anfrage|text)', 'team'"):
        act(pd.DataFrame({"Anfrage": ["a", "b"], "team": ["Tür", "Büro"]}))


@pytest.mark.bad_input
@pytest.mark.parametrize("gap", [None, float("nan"), 3])
@pytest.mark.parametrize(
    "act",
    [
        lambda f: split_table(f),
        lambda f: list(text_folds(f)),
        lambda f: bag_of_words(f, TEAM),
        lambda f: encode_reviews(f, Vocabulary(["a"]), [TEAM]),
        lambda f: Vocabulary.from_texts(f.text),
    ],
)
def test_a_row_without_a_text_is_named(act, gap):
    with pytest.raises(DataError, match=f"Text 1 is no text but {gap!r}; drop the row"):
        act(pd.DataFrame({"text": pd.Series(["a", gap, "b"], dtype=object), "team": ["Tür", "Büro", "Tür"]}))
