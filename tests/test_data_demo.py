"""The data demo without a page, and what stands behind it: cleaning by choice, and the bag-of-words baseline."""

import pandas as pd
import pytest
from on_the_page import wait_for

from mtl_helpers.data import (
    CLEANING_STEPS,
    DataError,
    bag_of_words,
    baseline_score,
    clean_reviews,
    clean_with,
    data_file,
    keep_known_labels,
)
from mtl_helpers.data.cleaning import count_changed
from mtl_helpers.data.tokens import text_key
from mtl_helpers.live import DataDemo
from mtl_helpers.live.demos import data as data_demo
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC

STEPS = list(CLEANING_STEPS)


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The first 700 rows of the raw file; the copies of some of them are among them."""
    return pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False).head(700)


@pytest.fixture
def demo(raw):
    demo = DataDemo(raw, repeats=2)
    yield demo
    demo.stop()


# Cleaning by choice


def test_all_steps_are_the_whole_cleaning_and_every_row_is_accounted_for(raw):
    frame, table = clean_with(raw, STEPS)
    pd.testing.assert_frame_equal(frame.sort_values("id").reset_index(drop=True), clean_reviews(raw))
    assert (table.before - table.dropped == table.after).all()
    assert table.after.iloc[:-1].tolist() == table.before.iloc[1:].tolist()
    assert table.before.iloc[0] == len(raw) and table.after.iloc[-1] == len(frame)


@pytest.mark.parametrize("left_out", STEPS)
def test_any_step_may_be_left_out(raw, left_out):
    frame, table = clean_with(raw, [step for step in STEPS if step != left_out])
    assert left_out not in table.index and 0 < len(frame) <= len(raw)
    for task in (TOPIC, SENTIMENT, STARS):
        task.encode(frame[task.name])  # raises for a label that the task does not know


def test_the_order_of_the_names_does_not_matter(raw):
    pd.testing.assert_frame_equal(clean_with(raw, STEPS[::-1])[0], clean_with(raw, STEPS)[0])


def test_labels_that_nobody_cleans_are_missing_where_they_are_not_spelled_exactly():
    raw = pd.DataFrame(
        {"topic": ["film", "Film"], "sentiment": ["POS", "negative"], "stars": ["four", "4.0"], "text": ["a", "b"]}
    )
    found = keep_known_labels(raw).isna()
    assert found.to_numpy().tolist() == [[False, True, True, False], [True, False, False, False]]


def test_a_number_written_otherwise_is_no_change_and_a_word_is():
    before = pd.DataFrame({"text": ["a", "b"], "topic": "film", "sentiment": "", "stars": ["4", "four"]})
    assert count_changed(before, before.assign(sentiment=None, stars=[4.0, 4.0])) == 1


@pytest.mark.bad_input
def test_an_unknown_step_is_named_with_those_there_are(raw):
    with pytest.raises(DataError, match="'tags'; there are 'encoding', 'markup'"):
        clean_with(raw, ["tags"])


# The baseline


def test_the_baseline_learns_what_words_tell(frame):
    train, test = frame[:120], frame[120:]
    for task in (TOPIC, SENTIMENT):
        assert baseline_score(bag_of_words(train, task), test, task) > 0.9
    guess = (test.stars - train.stars.mean()).abs().mean()
    assert baseline_score(bag_of_words(train, STARS), test, STARS) < 0.8 * guess


def test_the_baseline_leaves_unlabelled_rows_out(frame):
    train, test = frame[:120], frame[120:]
    more = pd.concat([train, test.assign(sentiment=None)], ignore_index=True)
    expected = bag_of_words(train, SENTIMENT).predict(test.text).tolist()
    assert bag_of_words(more, SENTIMENT).predict(test.text).tolist() == expected


def test_only_pairs_can_tell_word_order():
    train = pd.DataFrame(
        {"text": ["not good but bad", "not bad but good"] * 5, "sentiment": ["negative", "positive"] * 5}
    )
    assert baseline_score(bag_of_words(train, SENTIMENT), train, SENTIMENT) == 1
    assert baseline_score(bag_of_words(train, SENTIMENT, pairs=False), train, SENTIMENT) == 0.5


@pytest.mark.parametrize("label", [None, "positive"], ids=["no label", "one class"])
def test_a_task_with_nothing_to_learn_says_so(frame, label):
    with pytest.raises(DataError, match="do not hold two different classes"):
        bag_of_words(frame.assign(sentiment=label), SENTIMENT)


def test_a_regression_without_labels_and_a_missing_column_say_so(frame):
    with pytest.raises(DataError, match="no training row has a label"):
        bag_of_words(frame.assign(stars=None), STARS)
    with pytest.raises(DataError, match="Column 'topic' is missing"):
        bag_of_words(frame.drop(columns="topic"), TOPIC)


# The demo


def test_it_opens_with_nothing_cleaned_and_nothing_measured(demo, raw):
    assert demo.cleaned == [] and demo.results.empty and demo.tries.empty
    assert f"<b>{len(raw):,} rows</b>" in demo.readout.value
    assert demo.png().startswith(b"\x89PNG")
    assert repr(demo) == "DataDemo: cleaned nothing; split by random rows; 700 rows"


def test_a_choice_changes_the_counts_before_anything_is_measured(demo, raw):
    before = demo.readout.value
    demo.set(clean=STEPS, split="no text on both sides")
    assert demo.results.empty and demo.cleaned == STEPS
    assert len(demo.frame) == len(clean_reviews(raw)) and demo.readout.value != before


def test_a_split_by_text_parts_no_copies_and_so_reports_the_same_without_them(demo):
    leaky = demo.run()
    assert (leaky.copied > 0).all()
    demo.set(clean=STEPS, split="no text on both sides")
    proper = demo.run()
    assert (proper.copied == 0).all() and proper.reported.equals(proper.without_copies)
    assert demo.tries.cleaned.tolist() == ["nothing", "all"]


def test_the_reviews_set_aside_are_trained_on_in_no_form(demo, monkeypatch):
    trained, scored = [], []

    def fit(train, task):
        trained.append(train)
        return bag_of_words(train, task)

    def score(baseline, frame, task):
        scored.append(frame)
        return baseline_score(baseline, frame, task)

    monkeypatch.setattr(data_demo, "bag_of_words", fit)
    monkeypatch.setattr(data_demo, "baseline_score", score)
    demo.run()
    assert len(scored) == 3 * len(trained) == 12  # two repeats of two tasks
    for train, aside in zip(trained, scored[2::3], strict=True):
        assert not set(demo._key[train.index]) & set(text_key(aside.text))


def test_the_thread_gives_the_same_scores(demo):
    blocking = demo.run()
    demo.start()
    wait_for(lambda: len(demo.tries) == 2 and not demo.computing)
    pd.testing.assert_frame_equal(demo.results, blocking)


def test_it_can_be_stopped_and_a_click_starts_anew(demo):
    demo.repeats = 1000
    demo.start()
    wait_for(lambda: len(demo.results) >= 2)
    demo.stop()
    assert not demo.computing and demo.tries.empty
    demo.repeats = 2
    demo.steps["markup"].value = True
    wait_for(lambda: len(demo.tries) == 1 and not demo.computing)
    assert demo.tries.cleaned.item() == "markup"


def test_the_stop_button_stops_and_lets_measure_again(demo):
    demo.repeats = 1000
    demo.buttons["again"].click()
    wait_for(lambda: len(demo.results) >= 2)
    assert demo.buttons["again"].disabled
    demo.buttons["stop"].click()
    wait_for(lambda: not demo.computing)
    assert demo.buttons["stop"].disabled and not demo.buttons["again"].disabled


def test_a_new_choice_gives_up_the_measurement_of_the_old_one(demo):
    demo.start()
    demo.split.value = "no text on both sides"
    wait_for(lambda: len(demo.tries) == 1 and not demo.computing)
    assert demo.tries.split.item() == "no text on both sides" and (demo.results.copied == 0).all()


def test_clean_all_and_clean_none_are_one_measurement_each(demo):
    for button, cleaned in (("all", STEPS), ("none", [])):
        demo.buttons[button].click()
        wait_for(lambda: not demo.computing)
        assert demo.choice[0] == demo.cleaned == cleaned
    assert demo.tries.cleaned.tolist() == ["all", "nothing"]


def test_an_error_in_the_thread_is_shown_and_raised(demo, monkeypatch):
    def fail(seed):
        raise DataError("Nothing <to> split.")

    monkeypatch.setattr(demo, "_repeat", fail)
    with pytest.raises(DataError, match="Nothing"):
        demo.run()
    demo.start()
    wait_for(lambda: not demo.computing)
    assert "Nothing &lt;to&gt; split." in demo.error_box.value and "DataError" not in demo.error_box.value
    with pytest.raises(DataError, match="Nothing"):
        demo.stop()
    monkeypatch.undo()
    demo.run()
    assert demo.error_box.value == ""


@pytest.mark.bad_input
def test_what_can_not_be_chosen_is_refused_and_changes_nothing(demo, raw):
    with pytest.raises(DataError, match="There is no split 'by luck'"):
        demo.set(split="by luck")
    with pytest.raises(DataError, match="no cleaning step 'tags'"):
        demo.set(clean=["tags"])
    with pytest.raises(DataError, match="repeats must be a whole number of at least 2"):
        DataDemo(raw, repeats=1)
    assert demo.cleaned == [] and demo.split.value == "random rows"


def test_it_shows_itself_as_widget_picture_and_text(demo):
    bundle = demo._repr_mimebundle_()
    assert {"text/plain", "image/png"} < set(bundle) and "mtl-data-demo" in demo.box._dom_classes
    assert bundle["text/plain"] == repr(demo)


def test_an_error_in_showing_is_seen_too(demo, monkeypatch):
    monkeypatch.setattr(demo, "_show_all", lambda: 1 / 0)
    demo.start()
    wait_for(lambda: not demo.computing)
    assert "ZeroDivisionError" in demo.error_box.value
    monkeypatch.undo()
    demo.run()
    assert demo.error_box.value == ""


def test_a_part_without_labels_has_no_score(demo):
    demo.run()
    demo.results.loc[demo.results.task == "topic", "reported"] = float("nan")
    assert demo._interval("topic", "reported") == "–" != demo._interval("topic", "set_aside")
