"""The claims explorer shows what the register and the rule say, and moves with the threshold."""

import pytest

from mtl_helpers.claims import read_claims
from mtl_helpers.claims.article import ARTICLE_CLAIMS, judge_claim, verdicts
from mtl_helpers.live import ClaimsDemo, DemoError


@pytest.fixture
def demo():
    return ClaimsDemo()


def test_it_opens_with_a_claim_that_has_rows_and_a_picture(demo):
    assert demo.judgement.readings and demo.picture.png()[:4] == b"\x89PNG"
    assert all(name in demo.picture.value for name in demo.judgement.readings), "the picture names its rows"


@pytest.mark.parametrize("claim", ARTICLE_CLAIMS, ids=lambda claim: claim.id)
def test_each_claim_is_shown_with_its_verdict(demo, claim):
    demo.claim.value = claim.id
    said = judge_claim(claim, read_claims()).said
    assert claim.chinese in demo.readout.value and demo.judgement.said == said
    assert repr(demo) == f"ClaimsDemo: {claim.id} at 0 points: {said}"
    assert len(demo.picture.value) > 2000


def test_a_higher_threshold_moves_verdicts_and_says_which(demo):
    before, picture = demo.readout.value, demo.picture.value
    assert demo.moved == {} and "moved by a threshold of 0 points: none" in before
    demo.threshold.value = 10.0
    assert demo.words == verdicts(10.0).to_dict() != verdicts().to_dict()
    assert demo.moved and all(f"{name}: " in demo.readout.value for name in demo.moved)
    assert demo.picture.value != picture
    demo.threshold.value = 0.0
    assert demo.readout.value == before


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"claim": "nothing"}, "There is no claim 'nothing'; there are learning-ability"),
        ({"threshold": 11}, "from 0 to 10; found 11"),
        ({"threshold": True}, "found True"),
        ({"threshold": -0.5}, "found -0.5"),
    ],
)
def test_what_cannot_be_chosen_is_said_and_changes_nothing(demo, choice, said):
    before = repr(demo)
    with pytest.raises(DemoError, match=said):
        demo.set(**{"claim": "future", **choice})
    assert repr(demo) == before
