"""Features of a frozen encoder, computed once and kept; and what may still be learnt on top of them."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from mtl_helpers.data.vocabulary import check_texts
from mtl_helpers.models.described import Described
from mtl_helpers.models.large.pretrained import PretrainedEncoder
from mtl_helpers.models.large.subwords import Subwords
from mtl_helpers.models.multi_task import ModelError


class FrozenFeatures:
    """Stands where a `Vocabulary` stands, and gives a frozen encoder's features of each text instead of word numbers.

    So ``encode_reviews(frame, FrozenFeatures(encoder, subwords), tasks)`` is a data set of features ``(n, features)``. The
    features of a text are computed once; with ``store``, a file, not even once a session: what it holds of the very same
    encoder and ``max_length`` is read, and what is new is added. Long computations show a bar.
    """

    def __init__(
        self, encoder: PretrainedEncoder, subwords: Subwords, *, store: str | Path | None = None, batch_size: int = 32
    ) -> None:
        if any(p.requires_grad for p in encoder.parameters()):
            raise ModelError(
                "Features can be kept only of an encoder that no longer changes: call encoder.train_last(0) first."
            )
        self.encoder, self.subwords, self.batch_size = encoder.eval(), subwords, batch_size
        self.store = None if store is None else Path(store)
        self._known: dict[bytes, Tensor] = {}
        if self.store is not None:
            self.fingerprint = _fingerprint(encoder, subwords)
            self._read()

    @property
    def features(self) -> int:
        """Numbers by text."""
        return self.encoder.features

    def __len__(self) -> int:
        """Texts whose features are known."""
        return len(self._known)

    def encode(self, texts: Iterable[str]) -> tuple[Tensor, None]:
        """``(features (n, features), None)`` of the texts; the place of the lengths is empty."""
        tokens, lengths = self.subwords.encode(texts := check_texts(texts))
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        new = {key: row for row, key in enumerate(keys) if key not in self._known}
        # The bar counts what is known, too: a notebook shows the same whether its features were kept or not.
        with tqdm(total=len(keys), desc="features", leave=False, mininterval=0.3, disable=len(keys) < 200) as bar:
            bar.update(len(keys) - len(new))
            if new:
                self._compute(tokens, lengths, new, bar)
        if new and self.store is not None:
            self._write()
        return torch.stack([self._known[key] for key in keys]), None

    @torch.no_grad()
    def _compute(self, tokens: Tensor, lengths: Tensor, new: dict[bytes, int], bar: tqdm) -> None:
        device = next(self.encoder.parameters()).device
        order = sorted(new.items(), key=lambda item: int(lengths[item[1]]))  # so that little is padding
        for start in range(0, len(order), self.batch_size):
            keys, rows = zip(*order[start : start + self.batch_size], strict=True)
            batch = tokens[list(rows), : int(lengths[list(rows)].max())]
            self._known.update(zip(keys, self.encoder(batch.to(device)).cpu(), strict=True))
            bar.update(len(keys))

    def _read(self) -> None:
        from safetensors import SafetensorError, safe_open

        if not self.store.is_file():
            return
        try:
            with safe_open(self.store, framework="pt") as file:
                if (file.metadata() or {}).get("encoder") != self.fingerprint:
                    return  # another encoder's: computed anew, and the file replaced
                # Copies: the file itself is let go, since Windows replaces none that is mapped into memory.
                keys, rows = (file.get_tensor(name).clone() for name in ("keys", "features"))
        except SafetensorError as error:
            raise ModelError(
                f"The stored features in {self.store} can not be read ({error}); delete the file."
            ) from error
        self._known = {bytes(key.tolist()): row for key, row in zip(keys, rows, strict=True)}

    def _write(self) -> None:
        from safetensors.torch import save_file

        self.store.parent.mkdir(parents=True, exist_ok=True)
        keys = torch.tensor([list(key) for key in self._known], dtype=torch.uint8)
        part = self.store.with_name(f"{self.store.name}.{os.getpid()}")  # two programs may write at once
        tensors = {"keys": keys, "features": torch.stack(list(self._known.values()))}
        save_file(tensors, part, metadata={"encoder": self.fingerprint})
        try:
            os.replace(part, self.store)
        except OSError as error:
            part.unlink()
            warnings.warn(
                f"{self.store} could not be replaced ({error.strerror}): another program, such as a second "
                "notebook, has it open. The features are right, and will be computed again the next time.",
                stacklevel=3,
            )


class OnFeatures(Described, nn.Module):
    """The encoder for ready-made features: hands them on as they are, or through one layer that the tasks share.

    ``(batch, width)`` to ``(batch, features)``: with ``hidden`` None features is ``width`` and nothing is learnt here, else a
    linear layer and ReLU make ``hidden`` numbers.

    >>> OnFeatures(384)(torch.rand(2, 384)).shape, OnFeatures(384, hidden=32)(torch.rand(2, 384)).shape
    (torch.Size([2, 384]), torch.Size([2, 32]))
    """

    def __init__(self, width: int, *, hidden: int | None = None) -> None:
        super().__init__()
        self.width, self.features = width, hidden or width
        self.layer = nn.Identity() if hidden is None else nn.Sequential(nn.Linear(width, hidden), nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(batch, width)`` to ``(batch, features)``."""
        if features.dim() != 2 or features.shape[1] != self.width or not features.is_floating_point():
            raise ModelError(
                f"OnFeatures({self.width}) takes features as float of shape (batch, {self.width}); found "
                f"{str(features.dtype).removeprefix('torch.')} of shape {tuple(features.shape)}. "
                "Encode texts with FrozenFeatures and a table with ColumnNumbers; of a tensor of whole numbers give x.float()."
            )
        return self.layer(features)


def _fingerprint(encoder: PretrainedEncoder, subwords: Subwords) -> str:
    """Changes with anything that changes a text's features."""
    digest = hashlib.sha256(f"{encoder.pooling} {subwords.tokenizer.to_str()}".encode())
    for name, value in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
