"""Tasks with data sets of different size: batches drawn from several data sets, in proportion, uniformly or in between."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import DataLoader, Sampler

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.batches import MultiTaskDataset
from mtl_helpers.data.loaders import as_is
from mtl_helpers.data.vocabulary import PAD, RaggedTokens
from mtl_helpers.errors import DataError
from mtl_helpers.randomness import seeded
from mtl_helpers.tasks.rows import below_one_another


def sampling_proportions(sizes: Mapping[str, int], temperature: float = 1.0) -> dict[str, float]:
    """The share of each data set, pᵢ = nᵢ^(1/τ) / Σⱼ nⱼ^(1/τ), with nᵢ its size and τ the ``temperature`` (温度采样).

    τ = 1 is proportional sampling (each example counts the same), τ = ∞ uniform (each data set counts the same); between
    them a small data set is seen more often than its size, and a large one less (Arivazhagan et al. 2019, who take τ = 5;
    Raffel et al. 2020, T5, section 3.5.2, compare the three).

    >>> sizes = {"topic": 8100, "sentiment": 100}
    >>> for temperature in (1, 2, 5, math.inf):
    ...     print({name: round(p, 3) for name, p in sampling_proportions(sizes, temperature).items()})
    {'topic': 0.988, 'sentiment': 0.012}
    {'topic': 0.9, 'sentiment': 0.1}
    {'topic': 0.707, 'sentiment': 0.293}
    {'topic': 0.5, 'sentiment': 0.5}
    """
    if isinstance(temperature, bool) or not isinstance(temperature, numbers.Real) or not temperature > 0:
        raise DataError(
            f"temperature must be a number above 0: 1 for proportional, math.inf for uniform; found {temperature!r}."
        )
    if not sizes:
        raise DataError("There is no data set to draw from.")
    for name, n in sizes.items():
        if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 1:
            raise DataError(f"The data set '{name}' is empty, or its size is no whole number ({n!r}): leave it out.")
    logs = {name: math.log(n) / temperature for name, n in sizes.items()}
    powers = {name: math.exp(log - max(logs.values())) for name, log in logs.items()}  # so that none overflows
    return {name: power / sum(powers.values()) for name, power in powers.items()}


def mixed_loader(
    datasets: Mapping[str, MultiTaskDataset],
    batch_size: int = 32,
    *,
    temperature: float = 1.0,
    steps_per_epoch: int | None = None,
    seed: int = 0,
) -> DataLoader:
    """A ``DataLoader`` that draws each batch from one of several data sets, chosen at random by `sampling_proportions`.

    Each is a `Batch` with all the tasks of all data sets; a task for which the batch's own data set has no labels has
    a mask of ``False`` throughout. So ``fit`` and ``train_steps`` take it like any other loader.

    Parameters
    ----------
    datasets
        By name, for one task or for a group of tasks each. They must be encoded alike, texts with *one* vocabulary: a number
        that stands for different words in two of them can not be seen here, and only spoils what is learnt.
    temperature
        1: in proportion to the sizes; ``math.inf``: uniformly; between them: between.
    steps_per_epoch
        Batches of an epoch; None: as many as hold all examples once.

    A data set is dealt like a pack of cards: shuffled, dealt to its end, shuffled again, epoch after epoch, so that every
    example is seen before any is seen again. A batch is always full: it may hold the end of one deal and the start of the
    next. Epochs differ, and depend on ``seed`` alone; set the loader's ``generator`` back to where it began, and the same
    batches come again.

    >>> labels = {"topic": torch.zeros(90), "stars": torch.zeros(10)}
    >>> parts = {
    ...     name: MultiTaskDataset(torch.zeros(len(y), 3), {name: y}, {name: y == 0}) for name, y in labels.items()
    ... }
    >>> loader = mixed_loader(parts, batch_size=4, temperature=math.inf)
    >>> batch = next(iter(loader))
    >>> len(loader), sorted(int(mask.sum()) for mask in batch.masks.values())  # four labels of one task, none of the other
    (25, [0, 4])
    """
    batch_size = whole_number("batch_size", batch_size)
    if not isinstance(datasets, Mapping) or not all(isinstance(d, MultiTaskDataset) for d in datasets.values()):
        found = {name: type(d).__name__ for name, d in datasets.items()} if isinstance(datasets, Mapping) else datasets
        raise DataError(
            f"datasets must map names to MultiTaskDatasets, such as {{'topic': ...}}; found {found!r:.200}."
        )
    sizes = {name: len(dataset) for name, dataset in datasets.items()}
    shares = sampling_proportions(sizes, temperature)
    steps = -(-sum(sizes.values()) // batch_size) if steps_per_epoch is None else steps_per_epoch
    steps = whole_number("steps_per_epoch, if it is not None,", steps)
    generator = seeded(seed)
    sampler = MixingSampler(sizes, shares, batch_size, steps, generator)
    return DataLoader(joined(datasets), sampler=sampler, batch_size=None, collate_fn=as_is, generator=generator)


class MixingSampler(Sampler):
    """Rows of batches, each from one data set of several that lie one after another, with the given ``shares``."""

    def __init__(
        self,
        sizes: Mapping[str, int],
        shares: Mapping[str, float],
        batch_size: int,
        steps: int,
        generator: torch.Generator,
    ) -> None:
        ends = torch.tensor(list(sizes.values())).cumsum(0)
        self.rows = dict(zip(sizes, torch.arange(int(ends[-1])).tensor_split(ends[:-1]), strict=True))
        self.shares, self.batch_size, self.steps, self.generator = dict(shares), batch_size, steps, generator
        self._beginning: Tensor | None = None
        self._left = {name: rows[:0] for name, rows in self.rows.items()}

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Tensor]:
        state = self.generator.get_state()
        if self._beginning is None or torch.equal(state, self._beginning):
            self._beginning, self._left = state, {name: rows[:0] for name, rows in self.rows.items()}
        names, shares = list(self.shares), torch.tensor(list(self.shares.values()))
        for _ in range(self.steps):
            yield self._deal(names[torch.multinomial(shares, 1, generator=self.generator).item()])

    def state_dict(self) -> dict[str, Any]:
        """What is left of each data set's deal: with the generator's state, all that the next batches depend on."""
        return {"beginning": self._beginning, "left": dict(self._left)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._beginning, self._left = state["beginning"], dict(state["left"])

    def _deal(self, name: str) -> Tensor:
        left = self._left[name]
        while len(left) < self.batch_size:
            rows = self.rows[name]
            left = torch.cat([left, rows[torch.randperm(len(rows), generator=self.generator)]])
        batch, self._left[name] = left.tensor_split([self.batch_size])
        return batch


def joined(datasets: Mapping[str, MultiTaskDataset]) -> MultiTaskDataset:
    """The data sets one after another, with the tasks of all of them; a label that one does not have is masked."""
    parts = list(datasets.values())
    if len({part.lengths is None for part in parts}) > 1:
        without = [name for name, part in datasets.items() if part.lengths is None]
        raise DataError(f"Of the data sets, {without} have no lengths and the others do; encode all of them alike.")
    inputs: Tensor | RaggedTokens | dict[str, Tensor]
    kinds = {tuple(sorted(p.inputs)) if isinstance(p.inputs, dict) else type(p.inputs).__name__ for p in parts}
    if len(kinds) > 1:
        raise DataError(f"The data sets have different inputs: {sorted(map(str, kinds))}; one model can not read both.")
    if isinstance(parts[0].inputs, dict):
        inputs = {
            key: _end_to_end(datasets, {name: d.inputs[key] for name, d in datasets.items()}) for key in parts[0].inputs
        }
    elif isinstance(parts[0].inputs, RaggedTokens):
        inputs = RaggedTokens.join([part.inputs for part in parts])
    else:
        inputs = _end_to_end(datasets, {name: d.inputs for name, d in datasets.items()})
    known = {name: target for part in parts for name, target in part.targets.items()}
    targets = {
        name: below_one_another([p.targets.get(name, target.new_zeros(len(p), *target.shape[1:])) for p in parts])
        for name, target in known.items()
    }
    masks = {
        name: torch.cat([p.masks.get(name, torch.zeros(len(p), dtype=torch.bool)) for p in parts]) for name in known
    }
    lengths = None if parts[0].lengths is None else torch.cat([part.lengths for part in parts])
    return MultiTaskDataset(inputs, targets, masks, lengths)


def _end_to_end(datasets: Mapping[str, MultiTaskDataset], inputs: dict[str, Tensor]) -> Tensor:
    """Inputs ``(n, ...)`` below one another; of texts with lengths, the shorter are padded to ``(n, longest)``."""
    if all(datasets[name].lengths is not None for name in inputs):
        longest = max(part.shape[1] for part in inputs.values())
        inputs = {name: pad(part, (0, longest - part.shape[1]), value=PAD) for name, part in inputs.items()}
    shapes = {name: tuple(part.shape[1:]) for name, part in inputs.items()}
    if len(set(shapes.values())) > 1:
        raise DataError(f"An example has another shape in another data set: {shapes}; one model can not read them all.")
    return torch.cat(list(inputs.values()))
