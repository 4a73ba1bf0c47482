"""Ids: time-ordered ones for what is new, derived ones for what must be met again after a crash."""

from __future__ import annotations

import itertools
import os
import time
from hashlib import blake2b

_BODY = 26


class _Sequence:
    """Ids of this process: milliseconds, a random part drawn once, a counter.

    A counter is several times cheaper than a fresh random number, and the random part keeps processes
    apart; it is drawn again after a fork and when the counter is used up.
    """

    __slots__ = ("_counter", "_millisecond", "_seed", "_start")

    def __init__(self) -> None:
        self.reseed()

    def reseed(self) -> None:
        self._seed = os.urandom(5).hex()[:9]
        self._counter = itertools.count()
        self._millisecond = 0
        self._start = ""

    def next_run_id(self) -> str:
        """A fresh run id: `run_` and 26 characters that sort by time of creation."""
        number = next(self._counter)
        if number > 0xFFFFFF:
            self.reseed()
            number = next(self._counter)
        millisecond = time.time_ns() // 1_000_000
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            self._start = f"run_{millisecond:011x}{self._seed}"
        return f"{self._start}{number:06x}"


_sequence = _Sequence()
os.register_at_fork(after_in_child=_sequence.reseed)


new_run_id = _sequence.next_run_id


def new_id(prefix: str) -> str:
    """A fresh id `<prefix>_` and 26 characters that sort by time of creation."""
    return f"{prefix}_{_sequence.next_run_id()[4:]}"


def derived_id(prefix: str, *parts: str | bytes) -> str:
    """The same id for the same parts, on every machine; parts of other lengths never collide by joining."""
    # `ascii` writes quotes and escapes, so that parts stay apart, and is the same in every Python.
    digest = blake2b(ascii(parts).encode(), digest_size=_BODY // 2)
    return f"{prefix}_{digest.hexdigest()}"
