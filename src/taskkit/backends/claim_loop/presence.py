"""Lets the store know that a worker is there."""

from __future__ import annotations

import asyncio
import contextlib
import math
from datetime import datetime

from taskkit.backends.base import QueueBackend, Runner, SupportsReports
from taskkit.errors import StoreUnavailableError
from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.model.exchange import WorkerRecord

_BEATS = 3
"""Beats without a report after which a worker counts as gone."""
_SHORTEST = 5.0
"""Seconds without a report that mean nothing, however short the leases are."""
_LAST_WORD = 2.0
"""Seconds that a worker that stops takes to say so."""


class Presence:
    """Reports a worker at its start, with its beats and at its end, where the store wants to know.

    On a clock that somebody moves it counts as there until it says that it has stopped: the store's own clock
    goes on meanwhile.
    """

    def __init__(
        self, backend: QueueBackend, runner: Runner, name: str, clock: Clock, beat: float
    ) -> None:
        self._store = backend if isinstance(backend, SupportsReports) else None
        self._runner = runner
        self._name = name
        self._clock = clock
        self._lasts = max(_BEATS * beat, _SHORTEST) if clock is SYSTEM_CLOCK else None
        self._pause = beat / 2
        """Seconds in which nothing new is reported: a cancel makes a worker beat too."""
        self._due = math.inf if self._store is None else -math.inf
        self._is_known = False
        self._started_at = clock.now()

    async def show(self, *, is_news: bool = False) -> None:
        """Say that it is there, unless it has just been said, and nothing is new."""
        now = self._clock.monotonic()
        if self._store is not None and (is_news or now >= self._due):
            await self._store.report(self._record(self._clock.now()), lasts=self._lasts)
            self._is_known = True
            self._due = now + self._pause

    async def end(self, failure: BaseException | None) -> None:
        """Say that it is gone, and what it died of; a store that does not answer now finds out by itself."""
        if self._store is None or not self._is_known:
            return
        told = None if failure is None else f"{type(failure).__name__}: {failure}"
        record = self._record(self._clock.now(), alive=False, failure=told)
        with contextlib.suppress(StoreUnavailableError, TimeoutError):
            async with asyncio.timeout(_LAST_WORD):
                await self._store.report(record, lasts=self._lasts)

    def _record(
        self, now: datetime, *, alive: bool = True, failure: str | None = None
    ) -> WorkerRecord:
        manifest = self._runner.manifest
        return WorkerRecord(
            self._name, manifest.tasks, now, alive, failure, manifest.version, self._started_at
        )
