"""The claims of lesson 00, the first look."""

from __future__ import annotations

from mtl_helpers.claims import Claim


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    return []
