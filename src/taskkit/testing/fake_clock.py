"""Time that a test moves."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from taskkit.errors import InvalidOptionError
from taskkit.model.duration import Duration, seconds

_REAL_PAUSE = 0.0005
_ROUNDS_WITHOUT_SIGHT = 50


class FakeClock:
    """A `Clock` that stands still until it is moved: `async with taskkit.local(clock=clock): ...`.

    `advance` goes from one due moment to the next, in order, and lets everything that is due happen before
    it goes on. It waits, in real time, for the threads that work for runs, but it cannot see other real
    work (a socket, `asyncio.sleep`): await that before moving on.
    """

    def __init__(self, start: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise InvalidOptionError("start", start, "give an aware datetime.")
        self.busy = 0
        self._start = start.astimezone(UTC)
        self._elapsed = 0.0
        self._timers: list[tuple[float, int, _FakeTimer]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        """The wall time."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds that were advanced so far."""
        return self._elapsed

    def call_at(self, when: float, callback: Callable[[], None]) -> _FakeTimer:
        """See `Clock`."""
        timer = _FakeTimer(callback)
        heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    async def advance(self, duration: Duration) -> None:
        """Move on by this long, through each due moment in order."""
        await self._advance_to(self._elapsed + seconds(duration, what="the duration to advance"))

    async def advance_to(self, moment: datetime) -> None:
        """Move on to this moment, which must not be in the past."""
        if moment.tzinfo is None:
            raise InvalidOptionError("moment", moment, "give an aware datetime.")
        if moment < self.now():
            raise InvalidOptionError(
                "moment", moment, f"it is before {self.now()}, and time only moves on."
            )
        await self._advance_to((moment - self._start).total_seconds())

    async def _advance_to(self, target: float) -> None:
        await self.settle()
        while self._timers and self._timers[0][0] <= target:
            when = self._timers[0][0]
            self._elapsed = max(self._elapsed, when)
            self._ring(when)
            await self.settle()
        self._elapsed = max(self._elapsed, target)

    def _ring(self, when: float) -> None:
        while self._timers and self._timers[0][0] <= when:
            heappop(self._timers)[2].ring()

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        ready = getattr(asyncio.get_running_loop(), "_ready", None)
        blind_rounds = 0
        while True:
            await asyncio.sleep(0)
            if self.busy > 0:
                await asyncio.sleep(_REAL_PAUSE)  # a thread works; only real time lets it
            elif ready is not None:
                if not ready:
                    return
            elif (blind_rounds := blind_rounds + 1) > _ROUNDS_WITHOUT_SIGHT:
                return  # another event loop, which does not show what is ready

    def __repr__(self) -> str:
        return f"<FakeClock at {self.now().isoformat()}>"


class _FakeTimer:
    __slots__ = ("_callback", "_context")

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback
        self._context = contextvars.copy_context()

    def cancel(self) -> None:
        self._callback = None

    def ring(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            self._context.run(callback)
