"""The price demo computes what the sizes say, and the sizes are those that the models have and their authors publish."""

import pytest
import torch

from mtl_helpers.live import DemoError, PriceDemo
from mtl_helpers.models import ModelError, load_pretrained
from mtl_helpers.models.sizes import ARCHITECTURES, break_even, ways


@pytest.fixture
def demo():
    return PriceDemo()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_formula_meets_what_was_published(name):
    size = ARCHITECTURES[name]
    assert size.parameters == pytest.approx(size.published, rel=0.02)


@pytest.mark.parametrize("bert", [True, False])
def test_the_formula_is_exact(bert):
    """Against the library's own modules, built without memory."""
    from transformers import BertConfig, BertModel, GPT2Config, GPT2Model

    size = ARCHITECTURES["BERT base" if bert else "GPT-2 XL"]
    with torch.device("meta"):
        built = (
            BertModel(BertConfig())
            if bert
            else GPT2Model(GPT2Config(n_embd=size.width, n_layer=size.layers, n_head=25))
        )
    assert size.parameters == sum(p.numel() for p in built.parameters())


def test_the_adapter_is_as_large_as_the_real_one():
    encoder, _ = load_pretrained()
    encoder.add_lora(8)
    assert sum(p.numel() for p in encoder.parameters() if p.requires_grad) == ARCHITECTURES["all-MiniLM-L6"].adapter(8)


@pytest.mark.parametrize("rank", [1, 8, 64])
def test_from_the_break_even_on_the_large_encoder_is_the_smaller_one(rank):
    large, small = ARCHITECTURES["BERT large"], ARCHITECTURES["all-MiniLM-L6"]
    point = break_even(large, small, rank)
    for tasks, pays in ((point - 1, False), (point, True)):
        many, one, *_ = ways(large, small, tasks, rank)
        assert (one.kept < many.kept) == pays


def test_it_never_pays_where_an_adapter_is_as_large_as_the_small_model(demo):
    demo.set(large="GPT-3", small="all-MiniLM-L6", rank=8)
    assert demo.break_even is None and "never pays" in demo.readout.value and "never pays" in repr(demo)


def test_a_choice_changes_readout_and_picture(demo):
    readout, picture = demo.readout.value, demo.picture.value
    demo.tasks.value = 12
    assert demo.readout.value != readout and demo.picture.value != picture
    assert [way.passes for way in demo.ways] == [12, 12, 1, 1]
    assert all(f"{way.passes}</td>" in demo.readout.value for way in demo.ways)


def test_memory_is_2_bytes_a_frozen_number_and_16_a_trained_one(demo):
    for way in demo.ways:
        assert way.gb_kept == pytest.approx(2e-9 * way.kept)
        assert way.gb_trained == pytest.approx(1e-9 * (2 * (way.kept - way.trained) + 16 * way.trained))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"large": "GPT-9"}, "large can be 'all-MiniLM-L6', .*; found 'GPT-9'"),
        ({"tasks": 0}, "tasks can be 1 to 64; found 0"),
        ({"tasks": True}, "found True"),
        ({"rank": 3}, "rank can be 1, 2, 4"),
    ],
)
def test_what_can_not_be_chosen_is_said_and_changes_nothing(demo, choice, said):
    before = repr(demo)
    with pytest.raises(DemoError, match=said):
        demo.set(**{"small": "BERT base", **choice})
    assert repr(demo) == before


@pytest.mark.bad_input
def test_sizes_refuse_what_is_no_number_of_tasks():
    size = ARCHITECTURES["BERT base"]
    with pytest.raises(ModelError, match="at least 1; found 0"):
        ways(size, size, 0, 8)
    with pytest.raises(ModelError, match="rank of LoRA"):
        size.adapter(0)
