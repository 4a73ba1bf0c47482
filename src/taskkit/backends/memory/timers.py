"""What happens to runs because time passes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush
from typing import Any, TypeVar

SubjectT = TypeVar("SubjectT")


class Timers:
    """A heap of due moments. Nothing is taken out: who is called looks at the stamp, and at the record."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Callable[[Any, int, datetime], None], Any, int]] = []
        self._numbers = itertools.count()

    def at(
        self,
        due: datetime,
        do: Callable[[SubjectT, int, datetime], None],
        subject: SubjectT,
        stamp: int,
    ) -> None:
        """Call `do` with the subject, the stamp and the moment at which it was due, once that has come."""
        heappush(self._heap, (due, next(self._numbers), do, subject, stamp))

    @property
    def next_due(self) -> datetime | None:
        return self._heap[0][0] if self._heap else None

    def run(self, now: datetime, limit: int) -> None:
        """Do what is due, in order, at most `limit` of it."""
        heap = self._heap
        while heap and heap[0][0] <= now and limit > 0:
            due, _, do, subject, stamp = heappop(heap)
            do(subject, stamp, due)
            limit -= 1
