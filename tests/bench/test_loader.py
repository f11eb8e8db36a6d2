"""`make_loader` over torch's DataLoader on the same rows, alone and with the training step that uses the batch."""

from functools import partial

import pytest
import torch
from loops import step_by_hand
from measure import line, report, take_turns, title
from problem import datasets, new_loaders, new_model, new_optimizer
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, default_collate

from mtl_helpers.data.batches import Batch


class Rows(Dataset):
    """The same examples one by one, as most tutorials write a data set; cut to its own length where ``cut``."""

    def __init__(self, cut: bool) -> None:
        self.data, self.cut = datasets()[0], cut
        self.tokens = self.data.inputs.rows(torch.arange(len(self.data)))

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        tokens = self.tokens[i, : self.data.lengths[i]] if self.cut else self.tokens[i]
        targets = {name: target[i] for name, target in self.data.targets.items()}
        return tokens, targets, {name: mask[i] for name, mask in self.data.masks.items()}


def pad(rows):
    tokens = pad_sequence([row[0] for row in rows], batch_first=True)
    return tokens, *default_collate([row[1:] for row in rows])


def loaders() -> dict[str, DataLoader]:
    same = {"batch_size": 32, "shuffle": True}
    return {
        "default collate": DataLoader(Rows(cut=False), **same, generator=torch.Generator().manual_seed(0)),
        "make_loader": new_loaders()[0],
        "pad_sequence in collate_fn": DataLoader(
            Rows(cut=True), **same, collate_fn=pad, generator=torch.Generator().manual_seed(0)
        ),
    }


def epoch(loader, seen, use):
    for batch in loader:
        batch = Batch(*batch)
        use(batch)
        seen.append((batch.size, int(batch.inputs.sum()), int(batch.targets["topic"].sum())))


@pytest.mark.parametrize(("kind", "epochs"), [(None, 20), ("LSTM", 8), ("CNN", 8)])
def test_loader(kind, epochs):
    what = f"with the {kind} step" if kind else "the loader alone"
    title(f"Time per epoch over DataLoader with its default collate: {what}")
    contenders, seen = {}, {}
    for name, loader in loaders().items():
        use, seen[name] = (lambda batch: None), []
        if kind:
            model = new_model(kind)
            use = partial(step_by_hand, model, new_optimizer(kind, model))
        contenders[name] = partial(epoch, loader, seen[name], use)
    times = take_turns(contenders, epochs, warm_up=1)
    base = times["default collate"]
    line("default collate", f"{1000 * sorted(base)[len(base) // 2] / len(new_loaders()[0]):.2f} ms a batch")
    notes = {"make_loader": "tried before: 0.85 to 0.95"} if kind else {}
    report(times, "default collate", notes=notes)
    totals = {name: [sum(part) for part in zip(*rows, strict=True)] for name, rows in seen.items()}
    assert len(set(map(tuple, totals.values()))) == 1, f"the loaders did not give the same rows: {totals}"
