"""The price demo computes what the sizes say, and the sizes are those that the models have and their authors publish."""

import pytest
import torch

from mtl_helpers.live import DemoError, PriceDemo
from mtl_helpers.models import ModelError, load_pretrained
from mtl_helpers.models.sizes import ARCHITECTURES, MIXTRAL, break_even, ways
from mtl_helpers.plots.live.prices import plot_prices


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


def test_flops_are_those_that_are_counted_in_a_pass():
    """By torch's own counter, for one token, whose attention to itself is next to nothing."""
    from torch.utils.flop_counter import FlopCounterMode

    encoder, _ = load_pretrained()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        encoder.eval()(torch.tensor([[101]]))
    assert ARCHITECTURES["all-MiniLM-L6"].flops_per_token == pytest.approx(counter.get_total_flops(), rel=0.001)


def test_a_mixture_of_experts_is_as_large_as_published():
    assert MIXTRAL.total == pytest.approx(46.7e9, rel=0.002) and MIXTRAL.active == pytest.approx(12.9e9, rel=0.002)


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


def test_money_follows_the_rate_and_the_passes(demo):
    demo.set(large="BERT base", small="BERT base", tasks=10, rate=3.0, tflops=50)
    each, lora, shared, whole = (way.dollars(3.0, tflops=50) for way in demo.ways)
    assert each == pytest.approx(10 * whole) and whole < shared < lora / 9.9
    assert demo.ways[0].dollars(6.0, tflops=50) == pytest.approx(2 * each)
    assert demo.ways[0].dollars(3.0, tflops=100) == pytest.approx(each / 2)
    by_hand = 1e6 * 64 * 2 * 12 * 12 * 768**2 / 50e12 / 3600 * 3
    assert whole == pytest.approx(by_hand) and f"${whole:.3f}" in demo.readout.value


def test_another_rate_changes_readout_and_picture(demo):
    readout, picture = demo.readout.value, demo.picture.value
    demo.rate.value = 7.5
    assert demo.readout.value != readout and demo.picture.value != picture


@pytest.mark.parametrize("large", list(ARCHITECTURES)[1:])
@pytest.mark.parametrize("rank", [1, 8, 256])
def test_where_it_pays_lies_inside_the_axis(large, rank):
    big, small = ARCHITECTURES[large], ARCHITECTURES["all-MiniLM-L6"]
    ax = plot_prices(big, small, rank, 2, most=64, rate=2, tflops=100).axes[0]
    point, (first, last) = break_even(big, small, rank), ax.get_xlim()
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots == ([] if point is None else [point]) and first < (point or 2) < last


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"large": "GPT-9"}, "large can be 'all-MiniLM-L6', .*; found 'GPT-9'"),
        ({"tasks": 0}, "tasks can be 1 to 64; found 0"),
        ({"tasks": True}, "found True"),
        ({"rank": 3}, "rank can be 1, 2, 4"),
        ({"rate": -1}, r"\$ an hour must be a finite number from 0 to"),
        ({"tflops": 0}, "TFLOP/s must be a finite number from 0.001"),
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
