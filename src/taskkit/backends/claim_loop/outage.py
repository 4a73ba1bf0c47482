"""The time in which a store does not answer."""

from __future__ import annotations

import asyncio
import logging
import math
import random

from taskkit.errors import StoreUnavailableError
from taskkit.model.clock import Clock

_log = logging.getLogger("taskkit.worker")
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_TRIES_PER_LEASE = 6  # at least: what runs shall be held again before others may take it


class Outage:
    """Who of a worker does not reach the store, since when, and how long each waits before it tries again.

    It is logged once when the first of them fails, and once when all have got through. `since` is None while
    the store answers, otherwise a moment of the clock's steady time.
    """

    def __init__(self, worker: str, clock: Clock, lease: float) -> None:
        self.pause_clock = clock
        self._clock = clock
        self.since: float | None = None
        self._worker = worker
        self._longest = min(_LONGEST_PAUSE, lease / _TRIES_PER_LEASE)
        self._tries: dict[object, int] = {}
        self._pauses: set[asyncio.Future[None]] = set()

    def met(self, who: object, error: StoreUnavailableError) -> float:
        """One of them was not answered: the seconds to wait, more with each time and never the same for all."""
        if self.since is None:
            self.since = self._clock.monotonic()
            _log.warning(
                "worker %s: the store cannot be reached, and is tried again until it is back: %s",
                self._worker,
                error,
            )
        tries = self._tries[who] = self._tries.get(who, 0) + 1
        longest = min(self._longest, math.ldexp(_FIRST_PAUSE, min(tries - 1, 10)))
        return longest * random.uniform(0.5, 1.0)

    def passed(self, who: object) -> None:
        """One of them was answered."""
        self.gave_up(who)
        if self._tries or self.since is None:
            return
        away = self._clock.monotonic() - self.since
        self.since = None
        _log.warning("worker %s: the store is back after %.1f s", self._worker, away)

    def gave_up(self, who: object) -> None:
        """One of them asks no more, answered or not."""
        self._tries.pop(who, None)

    async def pause(self, seconds: float) -> None:
        """Return after this time, or when the pauses are cut short."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pauses.add(over)
        alarm = self.pause_clock.call_at(self.pause_clock.monotonic() + seconds, lambda: _end(over))
        try:
            await over
        finally:
            alarm.cancel()
            self._pauses.discard(over)

    def cut_short(self) -> None:
        """Whoever pauses looks again: the store is back, or there is no time left."""
        for over in self._pauses:
            _end(over)


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
