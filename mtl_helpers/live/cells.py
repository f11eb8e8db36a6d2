"""Which notebook cell a live widget comes from, so that running the cell again stops what it made before."""

from __future__ import annotations

import weakref
from typing import ClassVar


class OneToACell:
    """A live widget with a thread; when its cell is run again, the new one closes the one it replaces.

    A live widget outlives the cell that made it, since its thread and the page hold it. So they are known by the cell they
    come from, and by nothing else. A class that builds on this has a ``close()`` and calls `_replace_older` once it is made.
    """

    _by_cell: ClassVar[dict[str, list[tuple[int, weakref.ref]]]] = {}

    def close(self) -> None:
        """Stop the thread and take the widget off the page."""
        raise NotImplementedError(f"{type(self).__name__} needs a close().")

    def _replace_older(self) -> None:
        cell = current_cell()
        if cell is None:
            return
        key, count = cell
        kept = []
        for made, ref in self._by_cell.get(key, []):
            older = ref()
            if older is not None and made < count:
                older.close()
            elif older is not None:
                kept.append((made, ref))
        self._by_cell[key] = [*kept, (count, weakref.ref(self))]


def current_cell() -> tuple[str, int] | None:
    """What tells the running notebook cell from others, and the number of its run; None outside a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return str(cell), shell.execution_count
