"""The neighbours demo shows what the tables hold."""

import pytest

from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.adapters.named_tasks import ARMS, NAMES
from mtl_helpers.live import DemoError, NeighboursDemo

NEAR, SCORES = read_result("named_tasks_near"), read_result("named_tasks")


@pytest.fixture
def demo():
    demo = NeighboursDemo()
    yield demo
    demo.close()


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("name", NAMES)
def test_agreement_of_all_reviews_is_the_row_of_the_table(demo, arm, name):
    demo.set(encoder=arm, name=name)
    rows = SCORES[(SCORES.seed == 0) & (SCORES.arm == arm) & (SCORES.name == name) & (SCORES.measure == "neighbours")]
    assert demo.agreement == pytest.approx(rows.set_index("task").score.to_dict(), abs=6e-5), "four places are stored"


def test_by_chance_is_what_any_other_review_gives(demo):
    """180 and 180 of a sentiment, 60 of each of six topics."""
    assert demo.chance == pytest.approx({"topic": 59 / 359, "sentiment": 179 / 359})


def test_the_readout_holds_the_review_and_its_five_nearest_in_order(demo):
    demo.set(review=7, name="topic", encoder=ARMS[1])
    row = NEAR[(NEAR.arm == ARMS[1]) & (NEAR.name == "topic")].iloc[6]
    assert demo.near.index.tolist() == row.near.split()
    rows = demo.readout.value.split("<tr>")[2:]
    assert len(rows) == 6 and all("topic: " in text for text in rows)
    for (_, review), text in zip(demo.near.iterrows(), rows[1:], strict=True):
        assert f" {review.topic}</span>" in text and f" {review.sentiment}</span>" in text


def test_it_counts_the_neighbours_that_are_alike(demo):
    demo.set(review=3, name="sentiment")
    own = demo.reviews.iloc[2]
    alike = {task: (demo.near[task] == own[task]).sum() for task in ("topic", "sentiment")}
    said = f"Its five nearest: {alike['topic']} of its topic, {alike['sentiment']} of its sentiment."
    assert said in demo.readout.value and said in repr(demo)


def test_another_name_changes_neighbours_and_picture(demo):
    demo.set(name="topic")
    near, picture = demo.near.index.tolist(), demo.picture.value
    demo.name.value = "sentiment"
    assert demo.near.index.tolist() != near and demo.picture.value != picture


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"review": 0}, r"review can be 1 to 360; found 0\."),
        ({"review": True}, "review can be 1 to 360; found True"),
        ({"name": "stars"}, "name can be 'no name', 'topic', 'sentiment'; found 'stars'"),
        ({"encoder": "BERT"}, "encoder can be 'as downloaded', 'with LoRA'; found 'BERT'"),
    ],
)
def test_what_cannot_be_chosen_is_refused_and_changes_nothing(demo, choice, said):
    before = repr(demo)
    with pytest.raises(DemoError, match=said):
        demo.set(**{"review": 5, **choice})
    assert repr(demo) == before
