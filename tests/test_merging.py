"""Several LoRAs of one encoder: what merging and mixed batches must do whatever the weights are."""

import copy

import pytest
import torch
from tiny_models import save_tiny

from mtl_helpers.models import ModelError, load_pretrained
from mtl_helpers.models.large.merging import adapters_by_row, combined, lora_factors, merged, task_vector

TEXTS = ["A good film.", "An unputdownable book, and a long one at that!", "no!", "a film"]
RANK = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("models") / "bert", "bert", TEXTS)


@pytest.fixture(scope="module")
def plain(folder):
    return load_pretrained(folder)[0].eval()


@pytest.fixture(scope="module")
def tokens(folder):
    return load_pretrained(folder)[1].encode(TEXTS)[0]


@pytest.fixture(scope="module")
def adapted(folder):
    """By task an encoder whose LoRA has learnt something, here by lot."""
    encoders = {}
    for seed, task in enumerate(("topic", "sentiment")):
        torch.manual_seed(seed)
        encoders[task] = load_pretrained(folder)[0].add_lora(RANK).eval()
        with torch.no_grad():
            for name, value in encoders[task].named_parameters():
                if "lora_B" in name:
                    value.normal_(std=0.5)
    return encoders


@pytest.fixture(scope="module")
def factors(adapted):
    return {task: lora_factors(encoder) for task, encoder in adapted.items()}


@pytest.fixture(scope="module")
def vectors(factors):
    return {task: task_vector(of) for task, of in factors.items()}


def difference(a, b):
    return (a - b).abs().max().item()


# Merging ------------------------------------------------------------------------------------------------------------


def test_a_zero_adapter_changes_nothing(folder, plain, tokens):
    vector = task_vector(lora_factors(load_pretrained(folder)[0].add_lora(RANK)))
    with torch.no_grad():
        assert torch.equal(merged(plain, vector)(tokens), plain(tokens))


@pytest.mark.parametrize("task", ["topic", "sentiment"])
def test_one_adapter_merged_is_the_same_encoder_as_unmerged(adapted, plain, vectors, tokens, task):
    one_of_two = combined(vectors, {"topic": 0, "sentiment": 0, task: 1})
    with torch.no_grad():
        unmerged = adapted[task](tokens)
        assert difference(merged(plain, vectors[task])(tokens), unmerged) < 1e-5
        assert difference(merged(plain, one_of_two)(tokens), unmerged) < 1e-5
        assert difference(plain(tokens), unmerged) > 0.05, "the adapter does nothing, and the test could not fail"


def test_merged_it_has_the_parts_and_numbers_of_the_plain_one(plain, vectors):
    """So it takes the same time: there is nothing more to compute."""
    one = merged(plain, combined(vectors, {"topic": 1, "sentiment": 1}))
    shapes = {name: value.shape for name, value in plain.state_dict().items()}
    assert {name: value.shape for name, value in one.state_dict().items()} == shapes
    assert list(map(type, one.modules())) == list(map(type, plain.modules()))


def test_the_plain_encoder_stays_what_it_was(plain, vectors):
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    merged(plain, vectors["topic"])
    assert all(torch.equal(value, before[name]) for name, value in plain.state_dict().items())


@pytest.mark.parametrize(("kind", "same"), [("cat", True), ("linear", False)])
def test_the_sum_is_what_peft_calls_cat_and_not_what_it_calls_linear(adapted, plain, vectors, tokens, kind, same):
    """ "linear" adds A to A and B to B, so that each B also meets the other task's A."""
    from peft import set_peft_model_state_dict
    from peft.utils import get_peft_model_state_dict

    coefficients = {"topic": 0.7, "sentiment": 0.4}
    both = copy.deepcopy(adapted["topic"])
    model = both.transformer
    model.add_adapter("other", model.peft_config["default"])
    set_peft_model_state_dict(model, get_peft_model_state_dict(adapted["sentiment"].transformer), adapter_name="other")
    model.add_weighted_adapter(["default", "other"], list(coefficients.values()), "both", combination_type=kind)
    model.set_adapter("both")
    with torch.no_grad():
        ours = merged(plain, combined(vectors, coefficients))(tokens)
        assert (difference(both(tokens), ours) < 1e-5) == same


def test_the_order_of_the_tasks_does_not_matter(vectors):
    turned = dict(reversed(vectors.items()))
    for method in ("sum", "TIES"):
        one = combined(vectors, {"topic": 0.7, "sentiment": 0.4}, method=method)
        other = combined(turned, {"sentiment": 0.4, "topic": 0.7}, method=method)
        assert max(difference(one[name], other[name]) for name in one) < 1e-6


def test_ties_keeps_few_numbers_and_of_two_signs_the_stronger(vectors):
    vector = combined(vectors, {"topic": 1, "sentiment": 1}, method="TIES", kept=0.2)
    whole, topic, mood = (torch.cat([v.flatten() for v in of.values()]) for of in (vector, *vectors.values()))
    assert 0.2 <= whole.count_nonzero() / len(whole) <= 0.4
    cuts = [of.abs().topk(len(of) // 5).values.min() for of in (topic, mood)]
    both = (topic.abs() >= cuts[0]) & (mood.abs() >= cuts[1])
    fight = both & (topic.sign() != mood.sign())
    assert fight.any() and (both & ~fight).any()
    stronger = torch.where(topic.abs() > mood.abs(), topic, mood)
    assert torch.allclose(whole[fight], stronger[fight])
    assert torch.allclose(whole[both & ~fight], (topic + mood)[both & ~fight] / 2)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coefficients": {"topic": 1}}, r"one coefficient: found \['topic'\] for \['sentiment', 'topic'\]"),
        ({"coefficients": {"topic": float("nan"), "sentiment": 1}}, "coefficient of topic must be a finite"),
        ({"method": "mean"}, "'sum' or 'TIES'; found 'mean'"),
        ({"kept": 1}, "kept, a share below 1, must be .* found 1"),
    ],
)
def test_what_can_not_be_combined_is_said(vectors, change, said):
    with pytest.raises(ModelError, match=said):
        combined(vectors, **{"coefficients": {"topic": 1, "sentiment": 1}, **change})


@pytest.mark.bad_input
def test_vectors_of_other_encoders_are_refused(plain, vectors):
    short = {"topic": vectors["topic"], "sentiment": dict(list(vectors["sentiment"].items())[1:])}
    with pytest.raises(ModelError, match="'sentiment' changes other maps"):
        combined(short, {"topic": 1, "sentiment": 1})
    with pytest.raises(ModelError, match="no linear map 'of_another'"):
        merged(plain, {"of_another": torch.zeros(2, 2)})
    with pytest.raises(ModelError, match="has no LoRA"):
        lora_factors(plain)


# A batch of several tasks -------------------------------------------------------------------------------------------

ROWS = ["topic", "sentiment", "sentiment", "topic"]


@torch.no_grad()
def by_row(plain, factors, tokens, rows):
    with adapters_by_row(plain, factors, rows):
        return plain(tokens)


def test_each_row_gets_what_a_pass_of_its_own_adapter_gives(plain, adapted, factors, tokens):
    found = by_row(plain, factors, tokens, ROWS)
    with torch.no_grad():
        apart = torch.cat([adapted[task](tokens[i : i + 1]) for i, task in enumerate(ROWS)])
        assert difference(adapted["topic"](tokens), adapted["sentiment"](tokens)) > 0.05
    assert difference(found, apart) < 1e-5


def test_a_batch_of_one_task_is_the_plain_pass_of_that_adapter(plain, adapted, factors, tokens):
    with torch.no_grad():
        alone = adapted["topic"](tokens)
    assert difference(by_row(plain, factors, tokens, ["topic"] * 4), alone) < 1e-5


def test_the_order_of_rows_does_not_matter(plain, factors, tokens):
    order = [2, 0, 3, 1]
    there = by_row(plain, factors, tokens, ROWS)[order]
    assert difference(by_row(plain, factors, tokens[order], [ROWS[i] for i in order]), there) < 1e-6


def test_peft_says_the_same_by_adapter_names(adapted, plain, factors, tokens):
    from peft import set_peft_model_state_dict
    from peft.utils import get_peft_model_state_dict

    both = copy.deepcopy(adapted["topic"]).transformer
    both.add_adapter("sentiment", both.peft_config["default"])
    set_peft_model_state_dict(
        both, get_peft_model_state_dict(adapted["sentiment"].transformer), adapter_name="sentiment"
    )
    names = ["default" if task == "topic" else task for task in ROWS]
    mask = tokens != 0
    with torch.no_grad():
        states = both(input_ids=tokens, attention_mask=mask.long(), adapter_names=names).last_hidden_state
    theirs = (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
    assert difference(theirs, by_row(plain, factors, tokens, ROWS)) < 1e-5


def test_afterwards_the_encoder_is_plain_again_even_if_the_pass_failed(plain, factors, tokens):
    with torch.no_grad():
        before = plain(tokens)
        with pytest.raises(ModelError, match="The batch has 2 rows, and 4 adapters"):
            by_row(plain, factors, tokens[:2], ROWS)
        assert torch.equal(plain(tokens), before)


@pytest.mark.bad_input
def test_an_adapter_that_is_not_there_is_named(plain, factors, tokens):
    with pytest.raises(ModelError, match="no adapter 'stars'; there are 'topic', 'sentiment'"):
        by_row(plain, factors, tokens, ["topic", "stars", "topic", "topic"])
