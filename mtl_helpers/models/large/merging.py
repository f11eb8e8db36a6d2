"""Several LoRAs of one encoder: merged into one set of weights, or each for its own rows of one batch."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mtl_helpers.arguments import number
from mtl_helpers.models.large.pretrained import PretrainedEncoder
from mtl_helpers.models.multi_task import ModelError

Factors = dict[str, tuple[Tensor, Tensor]]  # by map A (rank, in) and s B (out, rank)
TaskVector = dict[str, Tensor]  # by map what is added to it, (out, in)
KEPT = 0.2  # the share of its numbers that TIES keeps of each task vector, as its authors do


def lora_factors(encoder: PretrainedEncoder) -> Factors:
    """By the name of each map that the encoder's LoRA corrects: A ``(rank, in)`` and B ``(out, rank)``, B times the scale s.

    >>> from mtl_helpers.models import load_pretrained
    >>> A, B = lora_factors(load_pretrained()[0].add_lora(rank=4))["encoder.layer.0.attention.self.query"]
    >>> A.shape, B.shape, int(B.count_nonzero())  # at first it changes nothing
    (torch.Size([4, 384]), torch.Size([384, 4]), 0)
    """
    layers = {name: part for name, part in encoder.transformer.named_modules() if hasattr(part, "lora_A")}
    if not layers:
        raise ModelError("This encoder has no LoRA: call add_lora or load_adapter first.")
    return {
        name.removeprefix("base_model.model."): (
            layer.lora_A["default"].weight.detach().clone(),
            layer.scaling["default"] * layer.lora_B["default"].weight.detach(),
        )
        for name, layer in layers.items()
    }


def task_vector(factors: Factors) -> TaskVector:
    """What a LoRA adds to each map: s B A, ``(out, in)``. In the words of Ilharco et al. (2023), the task vector."""
    return {name: B @ A for name, (A, B) in factors.items()}


def combined(
    vectors: Mapping[str, TaskVector],
    coefficients: Mapping[str, float],
    *,
    method: Literal["sum", "TIES"] = "sum",
    kept: float = KEPT,
) -> TaskVector:
    """One vector from one of each task, each with its coefficient.

    ``"sum"`` is task arithmetic, Σ cᵢ vᵢ (Ilharco et al., ICLR 2023). ``"TIES"`` (Yadav et al., NeurIPS 2023) first keeps of
    each vector the share ``kept`` of its numbers, the largest; where two tasks then pull a weight to different sides, only the
    stronger side counts; and those that are left are averaged, not added. Both are `peft`'s, on the task vectors themselves:
    its ``add_weighted_adapter`` applies "linear" and "ties" to A and to B, whose product is another matrix.

    Raises `ModelError` if the tasks do not match, correct different maps, or a coefficient is no finite number.

    >>> v = {"topic": {"map": torch.tensor([[4.0, -1.0, 0.1]])}, "sentiment": {"map": torch.tensor([[-1.0, -3.0, 0.1]])}}
    >>> combined(v, {"topic": 1, "sentiment": 0.5})["map"]
    tensor([[ 3.5000, -2.5000,  0.1500]])
    >>> combined(v, {"topic": 1, "sentiment": 1}, method="TIES", kept=0.7)["map"]  # 4 outvotes -1; -1 and -3 agree
    tensor([[ 4., -2.,  0.]])
    """
    from peft.utils.merge_utils import task_arithmetic, ties

    if set(vectors) != set(coefficients) or not vectors:
        raise ModelError(f"Each task vector needs one coefficient: found {sorted(coefficients)} for {sorted(vectors)}.")
    maps = {name: value.shape for name, value in next(iter(vectors.values())).items()}
    for task, vector in vectors.items():
        if {name: value.shape for name, value in vector.items()} != maps:
            raise ModelError(f"The vector of '{task}' changes other maps than the first one: they are of two encoders.")
        number(f"The coefficient of {task}", coefficients[task], ModelError)
    number("kept, a share below 1,", kept, ModelError, at_least=0, at_most=0.999)
    if method not in ("sum", "TIES"):
        raise ModelError(f"method is 'sum' or 'TIES'; found {method!r}.")
    flat = [torch.cat([vector[name].flatten() for name in maps]) for vector in vectors.values()]
    weights = torch.tensor([float(coefficients[task]) for task in vectors], dtype=flat[0].dtype)
    whole = task_arithmetic(flat, weights) if method == "sum" else ties(flat, weights, density=kept)
    parts = whole.split([shape.numel() for shape in maps.values()])
    return {name: part.view(shape) for (name, shape), part in zip(maps.items(), parts, strict=True)}


def merged(encoder: PretrainedEncoder, vector: TaskVector) -> PretrainedEncoder:
    """A copy of a plain encoder with a task vector added to its weights: as many numbers as before, and no more to compute.

    >>> from mtl_helpers.models import load_pretrained
    >>> encoder, _ = load_pretrained()
    >>> name = "encoder.layer.0.attention.self.query"
    >>> ahead = merged(encoder, {name: torch.ones(384, 384)}).transformer.get_submodule(name).weight
    >>> torch.equal(ahead, encoder.transformer.get_submodule(name).weight + 1)
    True
    """
    result = copy.deepcopy(encoder)
    with torch.no_grad():
        for name, value in vector.items():
            _map(result, name).weight += value
    return result


@contextmanager
def adapters_by_row(
    encoder: PretrainedEncoder, adapters: Mapping[str, Factors], rows: Sequence[str]
) -> Iterator[PretrainedEncoder]:
    """Within it the encoder's next pass sends each row of the batch through the adapter that ``rows`` names for it.

    The base computes W x once for all rows; to each row B A x of its own task is added, as S-LoRA does it (Sheng et al.,
    MLSys 2024), there with kernels of its own. The encoder is a plain one, and all adapters have one rank.

    Raises `ModelError` for a row whose adapter is not there, and for a batch with another number of rows.
    """
    names = list(adapters)
    if unknown := sorted(set(rows) - set(names)):
        raise ModelError(f"There is no adapter {unknown[0]!r}; there are {', '.join(map(repr, names))}.")
    chosen = torch.tensor([names.index(name) for name in rows])

    def beside(name: str) -> Any:
        A, B = (torch.stack([factors[name][i] for factors in adapters.values()])[chosen] for i in (0, 1))

        def add(_: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            if len(output) != len(chosen):
                raise ModelError(f"The batch has {len(output)} rows, and {len(chosen)} adapters are named for them.")
            return output + inputs[0] @ A.mT @ B.mT  # (batch, time, in) (batch, in, rank) (batch, rank, out)

        return add

    handles = [_map(encoder, name).register_forward_hook(beside(name)) for name in adapters[names[0]]]
    try:
        yield encoder
    finally:
        for handle in handles:
            handle.remove()


def _map(encoder: PretrainedEncoder, name: str) -> nn.Linear:
    try:
        found = encoder.transformer.get_submodule(name)
    except AttributeError:
        found = None
    if not isinstance(found, nn.Linear):
        raise ModelError(
            f"The encoder has no linear map {name!r}: take a plain one, of the kind the LoRA was trained on."
        )
    return found
