"""Modules that know the arguments they were made with, so that the same one can be made again in another process."""

from __future__ import annotations

import inspect
from typing import Any, Self


class Described:
    """Stands before ``nn.Module`` among a class's bases; `mtl_helpers.saving` asks for `arguments`.

    >>> from mtl_helpers.models import CNNEncoder
    >>> CNNEncoder(100, filters=4).arguments()
    {'vocabulary_size': 100, 'filters': 4}
    """

    _made_with: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:  # noqa: D102
        made = super().__new__(cls)
        object.__setattr__(made, "_made_with", (args, kwargs))  # nn.Module takes no attribute before its __init__
        return made

    def arguments(self) -> dict[str, Any]:
        """The arguments by name, as they were given."""
        args, kwargs = self._made_with
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs).arguments
        return {name: value for name, value in bound.items() if name != "self"}

    @classmethod
    def made_from(cls, arguments: dict[str, Any]) -> Self:
        """A new one from what `arguments` said; its weights are new, too."""
        return cls(**arguments)
