"""A watch for stores that cannot tell when something changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from taskkit.model.clock import SYSTEM_CLOCK, Clock, Timer


class PollingWatch:
    """Says of every topic, again and again, that it may have changed: `return PollingWatch(topics, every=0.25)`.

    A watch is a hint, and who hears it reads again; so a store that has nothing better to offer returns
    this. `every` in seconds.
    """

    def __init__(
        self, topics: Sequence[str], *, every: float = 0.25, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._topics = tuple(topics)
        self._every = every
        self._clock = clock
        self._due: list[str] = []
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None
        self._timer: Timer | None = None

    def __aiter__(self) -> PollingWatch:
        return self

    async def __anext__(self) -> str:
        if not self._due:
            await self._pause()
        if self._closed or not self._topics:
            raise StopAsyncIteration
        return self._due.pop()

    async def _pause(self) -> None:
        if self._closed:
            return
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        self._timer = self._clock.call_at(self._clock.monotonic() + self._every, self._wake)
        try:
            await waiter
        finally:
            self._timer.cancel()
        self._due = list(reversed(self._topics))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> list[str]:
        """The other topics of this round."""
        due, self._due = self._due, []
        return due

    def close(self) -> None:
        self._closed = True
        self._wake()
