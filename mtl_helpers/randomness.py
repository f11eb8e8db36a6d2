"""Random numbers of one's own: draws that no other thread disturbs, and looks at a model that leave no trace.

Torch has one generator for a whole process. Whoever seeds it, or saves and restores it, in one thread changes what another
thread draws meanwhile. So nothing here ever sets that generator for a while: within `drawn_from` each operation of *this*
thread that draws is handed another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from mtl_helpers.arguments import whole_number

RandomState = dict[str, Tensor | list[Tensor]]
"""Where random numbers stand: ``"cpu"``, and ``"cuda"`` (one a device) once CUDA is in use. `torch.save` takes it."""

_in_force: ContextVar[torch.Generator | None] = ContextVar(
    "generator in force", default=None
)  # each thread has its own


def seeded(seed: int) -> torch.Generator:
    """A generator of its own, at the beginning of a seed's numbers; numpy's whole numbers will do.

    >>> torch.rand(2, generator=seeded(0))
    tensor([0.4963, 0.7682])
    """
    return torch.Generator().manual_seed(whole_number("seed", seed, at_least=0))


class Draws(TorchDispatchMode):
    """What `drawn_from` hands out: ``count`` is how many operations have drawn within it, 0 for a model that draws nothing."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator, self.count = generator, 0

    def __torch_dispatch__(self, op: OpOverload, types: Any, args: Any = (), kwargs: dict | None = None) -> Any:
        """Hand the generator to an operation that draws on the CPU and has none."""
        kwargs = kwargs or {}
        drawing, place = _drawing(op)
        if drawing is None or not _on_cpu(args, kwargs):
            return op(*args, **kwargs)
        if kwargs.get("generator") is not None or (len(args) > place and args[place] is not None):
            return op(*args, **kwargs)  # it has one of its own
        self.count += 1
        if drawing is torch.ops.aten.native_dropout.default:
            return _dropout(*args, generator=self.generator)
        return drawing(*args[:place], *args[place + 1 :], **(kwargs | {"generator": self.generator}))


@contextmanager
def drawn_from(generator: torch.Generator) -> Iterator[Draws]:
    """Within it, and in this thread only, what torch draws on the CPU comes from ``generator``.

    Torch's global generator is not touched, whatever other threads draw meanwhile; what is given a generator keeps it. It
    holds for dropout, also that inside an LSTM or an attention, for ``rand`` and its like, initialisation, sampling and
    shuffling. Not for draws on another device, for NumPy's, nor for `torch.utils.checkpoint`, which draws a second time.

    It costs about 5 µs an operation of torch, and an LSTM is thousands: around a forward pass a step of the smallest CNN takes
    0.4 ms more than 0.9, of the course's CNN 0.7 more than 2.7, of its LSTM 5 more than 10; around the whole step twice that.
    So leave it out, or keep it around the forward pass, where ``count`` says that nothing draws.

    >>> with drawn_from(torch.Generator().manual_seed(1)) as draws:
    ...     first = torch.rand(3), nn.Dropout()(torch.ones(4))
    >>> draws.count, torch.equal(first[0], torch.rand(3, generator=torch.Generator().manual_seed(1)))
    (2, True)
    """
    token = _in_force.set(generator)
    try:
        with Draws(generator) as draws:
            yield draws
    finally:
        _in_force.reset(token)


class Private:
    """`drawn_from` over and over, at no cost where nothing draws.

    Call it for each context. If 5 of them have gone by without a draw, only the 10th, 20th, 40th ... is still watched, since
    that has its price. (Should a model begin to draw only then, it takes torch's numbers until it is noticed.) Without a
    generator nothing is done.

    >>> privately = Private(torch.Generator().manual_seed(1))
    >>> for _ in range(3):
    ...     with privately():
    ...         x = torch.rand(3)
    >>> privately.draws
    3
    """

    def __init__(self, generator: torch.Generator | None) -> None:
        self.generator, self.uses, self.draws, self._next = generator, 0, 0, 10

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """The context in which to draw."""
        self.uses += 1
        if self.generator is None:
            yield
        elif self.draws or self.uses <= 5 or self.uses == self._next:
            self._next = max(self._next, 2 * self.uses)
            with drawn_from(self.generator) as draws:
                yield
            self.draws += draws.count
        else:
            token = _in_force.set(self.generator)
            try:
                yield
            finally:
                _in_force.reset(token)


def random_state() -> RandomState:
    """The state of the generator that this thread draws from: the one of `drawn_from`, else torch's; and CUDA's, if in use."""
    generator = _in_force.get() or torch.default_generator
    state: RandomState = {"cpu": generator.get_state()}
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: RandomState) -> None:
    """Go on drawing from where `random_state` found the generator of this thread."""
    (_in_force.get() or torch.default_generator).set_state(state["cpu"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])


@contextmanager
def look(model: nn.Module, state: RandomState | None = None) -> Iterator[None]:
    """A look at a model that leaves no trace: afterwards its buffers and the random numbers are as they were before.

    So BatchNorm's running statistics do not move, though the model stays in the mode it is in: in training mode, with dropout.
    Given the `random_state` from before a step, the look draws that step's numbers again, and sees the very same dropout.

    >>> model, x = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()), torch.rand(8, 2)
    >>> state = random_state()
    >>> with look(model):
    ...     seen = model(x)
    >>> torch.equal(seen, model(x)), model[0].num_batches_tracked  # as if it had been the first time
    (True, tensor(1))
    """
    with buffers_kept(model), drawn_again(state):
        yield


@contextmanager
def drawn_again(state: RandomState | None = None) -> Iterator[None]:
    """Within it draws are those that follow ``state`` (None: those that come next anyway); afterwards as if nothing was drawn.

    `drawn_from` has its price for each operation, so keep it around the forward pass: a backward pass draws nothing.
    """
    start = random_state()
    copy = torch.Generator()
    copy.set_state((state or start)["cpu"])
    if state is not None and "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])
    try:
        with drawn_from(copy):
            yield
    finally:
        if "cuda" in start:
            torch.cuda.set_rng_state_all(start["cuda"])


@contextmanager
def buffers_kept(model: nn.Module) -> Iterator[None]:
    """Afterwards the buffers of a model, such as BatchNorm's running statistics, are as they were before."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(buffers[name])


@cache
def _drawing(op: OpOverload) -> tuple[OpOverload | None, int]:
    """``(the operation that takes a generator, its place among the arguments)``; ``(None, 0)`` if ``op`` draws nothing."""
    names = [argument.name for argument in op._schema.arguments]
    if "generator" in names:
        return op, names.index("generator")
    if op is torch.ops.aten.native_dropout.default:
        return op, len(names)
    if torch.Tag.nondeterministic_seeded in op.tags:  # such as rand, beside which there is a rand.generator
        for overload in op.overloadpacket.overloads():
            other = getattr(op.overloadpacket, overload)
            if sorted([*names, "generator"]) == sorted(argument.name for argument in other._schema.arguments):
                return other, len(names)
    return None, 0


def _on_cpu(args: Any, kwargs: dict) -> bool:
    """Whether an operation is on the CPU: by its first tensor, or by the device it is told."""
    for value in args:
        if isinstance(value, Tensor):
            return value.device.type == "cpu"
    return torch.device(kwargs.get("device") or "cpu").type == "cpu"


def _dropout(x: Tensor, p: float, train: bool | None, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`torch.native_dropout`, which has no variant that takes a generator."""
    if not train:
        return x, torch.ones_like(x, dtype=torch.bool)
    kept = torch.empty_like(x).bernoulli_(1 - p, generator=generator)
    return (x * kept / (1 - p) if p < 1 else torch.zeros_like(x)), kept.bool()
