"""How a test waits for a thread."""

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object]) -> None:
    """Only how long we are willing to wait for a thread; nothing is measured."""
    end = time.time() + 60
    while not condition():
        assert time.time() < end, "waited a minute in vain"
        time.sleep(0.005)
