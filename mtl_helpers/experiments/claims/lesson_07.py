"""The claims of lesson 07, large models."""

from __future__ import annotations

from mtl_helpers.claims import Claim


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    return []
