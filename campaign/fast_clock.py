"""A clock that goes faster than the machine's, the same in every process that is given the same beginning."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2030, 1, 1, tzinfo=UTC)


class FastClock:
    """`factor` seconds pass in each; `began` is the moment of CLOCK_MONOTONIC, in ns, that it calls 2030."""

    def __init__(self, began: int, factor: float) -> None:
        self.busy = 0
        self._began = began
        self._factor = factor

    def now(self) -> datetime:
        passed = (time.monotonic_ns() - self._began) / 1e9
        return _EPOCH + timedelta(seconds=passed * self._factor)

    def at(self, moment: datetime) -> int:
        """The nanosecond of CLOCK_MONOTONIC at which it shows this."""
        return self._began + int((moment - _EPOCH).total_seconds() / self._factor * 1e9)

    def monotonic(self) -> float:
        return time.monotonic() * self._factor

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        seconds = max(0.0, when - self.monotonic()) / self._factor
        return asyncio.get_running_loop().call_later(seconds, callback)
