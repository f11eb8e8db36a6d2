"""``python -m mtl_helpers.teaching site``, ``slides``, ``handout`` or ``app``: build a part of the kit into ``build/``."""

from __future__ import annotations

import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build"


def main(arguments: list[str]) -> None:
    """Build what is named, and say where it is."""
    from mtl_helpers.teaching.site import build_site

    pages = build_site(BUILD / "site")
    print(f"{len(pages)} pages; open {BUILD / 'site' / 'index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
