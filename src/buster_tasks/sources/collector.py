"""Python's cycle collector, held back while very many objects are made that all stay."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager

_lock = threading.Lock()
_holding = 0
_was_on = False


@contextmanager
def collector_held() -> Generator[None]:
    """A moment of pure computing, a second at most, without it.

    It would look through all models of a large database again and again, for a third of the whole time, and find
    nothing. What others leave in the meantime is collected afterwards. May be used in several threads at once.
    """
    global _holding, _was_on  # noqa: PLW0603 - the collector is one for the whole process, and so is this
    with _lock:
        if _holding == 0:
            _was_on = gc.isenabled()
            gc.disable()
        _holding += 1
    try:
        yield
    finally:
        with _lock:
            _holding -= 1
            if _holding == 0 and _was_on:
                gc.enable()
