"""What happens to runs because time passes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush
from typing import TypeAlias

from taskkit.backends.memory.record import Record

Due: TypeAlias = Callable[[Record, int, datetime], None]
"""Called with the record, the stamp it was set with, and the moment at which it was due."""


class Timers:
    """A heap of due moments. Nothing is taken out: who is called looks at the stamp, and at the record."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Due, Record, int]] = []
        self._numbers = itertools.count()

    def at(self, due: datetime, do: Due, record: Record, stamp: int) -> None:
        heappush(self._heap, (due, next(self._numbers), do, record, stamp))

    def run(self, now: datetime, limit: int) -> datetime | None:
        """Do what is due, in order, at most `limit` of it; when the next is due."""
        heap = self._heap
        while heap and heap[0][0] <= now and limit > 0:
            due, _, do, record, stamp = heappop(heap)
            do(record, stamp, due)
            limit -= 1
        return heap[0][0] if heap else None
