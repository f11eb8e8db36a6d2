"""A soft prompt: vectors that are read before each text, and all that learns in a frozen encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_helpers.arguments import whole_number
from mtl_helpers.models.described import Described
from mtl_helpers.models.large.pretrained import PretrainedEncoder
from mtl_helpers.models.multi_task import ModelError


class SoftPrompt(Described, nn.Module):
    """A frozen encoder that reads ``vectors`` learnt vectors before every text (Lester et al. 2021, arXiv:2104.08691).

    They stand where embeddings of words stand, and begin as those of words drawn by lot, as in the paper. The
    features are made of the text's own states: the prompt acts on them through attention alone. Raises `ModelError` for fewer
    than one vector, or an encoder that is no `PretrainedEncoder`.

    >>> from mtl_helpers.models import load_pretrained
    >>> encoder, subwords = load_pretrained()
    >>> prompted = SoftPrompt(encoder, 10)
    >>> sum(p.numel() for p in prompted.parameters() if p.requires_grad)  # 10 vectors of 384 numbers
    3840
    >>> prompted(subwords.encode(["A good film."])[0]).shape
    torch.Size([1, 384])
    """

    def __init__(self, encoder: PretrainedEncoder, vectors: int = 10) -> None:
        super().__init__()
        if not isinstance(encoder, PretrainedEncoder):
            raise ModelError(f"A soft prompt stands before a PretrainedEncoder; found {type(encoder).__name__}.")
        self.encoder, self.features = encoder.train_last(0), encoder.features
        self.vectors = whole_number("The number of vectors", vectors, ModelError)
        words = encoder.transformer.get_input_embeddings().weight
        self.prompt = nn.Parameter(
            words[torch.randint(len(words), (self.vectors,), device=words.device)].detach().clone()
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Piece numbers ``(batch, time)``, padded with 0, to ``(batch, features)``."""
        return self.encoder(tokens, self.prompt)
