"""A loader read epoch after epoch, by as many batches as make a step; it knows its place and can go on from one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain
from typing import Any

import torch

from mtl_helpers.data.batches import Batch
from mtl_helpers.data.loaders import checked_batches
from mtl_helpers.randomness import Private, drawn_from, random_state, set_random_state
from mtl_helpers.tasks import Task
from mtl_helpers.training.task_weights import TrainingError


class Reading:
    """``loader`` in groups of ``at_once`` batches, as ``tasks`` and ``device`` need them.

    What it draws comes from ``generator``, if there is one.
    """

    def __init__(
        self,
        loader: Iterable[Any],
        tasks: Sequence[Task],
        device: torch.device,
        *,
        at_once: int = 1,
        generator: torch.Generator | None = None,
    ) -> None:
        self.loader, self.tasks, self.device, self.at_once = loader, tasks, device, at_once
        self.generator = generator or torch.default_generator
        self._privately = None if generator is None else Private(generator)
        self.epoch = self.taken = 0
        self._start: dict[str, Any] = {}
        self._going_on: dict[str, Any] | None = None

    def place(self, step: int) -> dict[str, Any]:
        """Where the reading stands, for `go_to`: how the epoch began, and the batches taken of it."""
        return {"step": step, "epoch": self.epoch, "batches": self.taken, "start": self._start}

    def go_to(self, place: dict[str, Any], random: dict[str, Any]) -> None:
        """Let the next epoch be the rest of the one that stood at ``place``; draw on from ``random``."""
        self._going_on = {**place, "random": random}

    def groups(self) -> Iterator[list[Batch]]:
        """One epoch; the last group may be smaller. Raises `TrainingError` if there is no batch at all."""
        batches, self.taken = self._drawn(self._begin()), 0
        if (on := self._going_on) is not None:
            self._going_on = None
            while self.taken < on["batches"]:
                if next(batches, None) is None:
                    raise TrainingError(
                        f"The checkpoint had taken {on['batches']} batches of its epoch and the loader gives {self.taken}: go "
                        "on with the data and batch size of the run that was stopped, and a loader that can be read anew."
                    )
                self.taken += 1
            with drawn_from(self.generator):
                set_random_state(on["random"])
        group: list[Batch] = []
        for batch in batches:
            self.taken += 1
            group.append(batch)
            if len(group) == self.at_once:
                yield group
                group = []
        if group:
            yield group
        elif not self.taken:
            raise TrainingError(self._why_empty())

    def _begin(self) -> Iterator[Batch]:
        with drawn_from(self.generator):
            if self._going_on is None:
                self.epoch += 1
                self._start = self._state()
            else:
                self.epoch, self._start = self._going_on["epoch"], self._going_on["start"]
                self._set_state(self._start)
            return begun(checked_batches(self.loader, self.tasks, self.device))

    def _state(self) -> dict[str, Any]:
        sampler = getattr(self.loader, "sampler", None)
        generators = {place: generator.get_state() for place, generator in _generators(self.loader).items()}
        state: dict[str, Any] = {"random": random_state(), "generators": generators}
        if hasattr(sampler, "state_dict"):
            state["sampler"] = sampler.state_dict()
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        set_random_state(state["random"])
        generators = _generators(self.loader)
        if generators.keys() != state["generators"].keys():
            raise TrainingError(
                f"The loader of the checkpoint drew its order from {_places(state['generators'])}, this one from "
                f"{_places(generators)}: make it as that one was made."
            )
        for place, generator in generators.items():
            generator.set_state(state["generators"][place])
        if "sampler" in state:
            self.loader.sampler.load_state_dict(state["sampler"])

    def _drawn(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches, read so that what the loader draws comes from the generator, if there is one."""
        return batches if self._privately is None else self._read_privately(self._privately, batches)

    @staticmethod
    def _read_privately(privately: Private, batches: Iterator[Batch]) -> Iterator[Batch]:
        while True:
            with privately():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _why_empty(self) -> str:
        if self.epoch == 1:
            dropped = getattr(self.loader, "drop_last", False)
            why = "it drops the last one, which is not full (drop_last=True)" if dropped else "the split is empty"
            return f"The training loader has no batch: {why}."
        return (
            f"The training loader gave no batch in epoch {self.epoch}: it can be read only once. Take fewer steps, or give "
            "a loader that begins anew when it is read again."
        )


def _generators(loader: Any) -> dict[str, torch.Generator]:
    """The generators that decide a loader's order, by their place in it: torch's samplers may have one of their own."""
    parts = {"generator": loader}
    for name in ("sampler", "batch_sampler", "batch_sampler.sampler"):
        parts[f"{name}.generator"] = reduce(lambda part, step: getattr(part, step, None), name.split("."), loader)
    found = {place: getattr(part, "generator", None) for place, part in parts.items()}
    return {place: generator for place, generator in found.items() if isinstance(generator, torch.Generator)}


def _places(generators: Iterable[str]) -> str:
    return " and ".join(generators) or "torch's own generator"


def begun(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, the first of which has been read: a plain ``DataLoader`` draws its order as it begins."""
    return chain([first for first in [next(batches, None)] if first is not None], batches)
