"""A watch for backends that tell it what has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence


class TopicWatch:
    """A subscription; topics that change while nobody iterates are merged.

    `leave` is called once, when it is closed. Lives on the event loop.
    """

    __slots__ = ("_changed", "_leave", "_waiter", "is_closed", "topics")

    def __init__(self, topics: Sequence[str], leave: Callable[[TopicWatch], None]) -> None:
        self.topics = tuple(topics)
        self.is_closed = False
        self._leave = leave
        self._changed: dict[str, None] = {}
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> TopicWatch:
        return self

    async def __anext__(self) -> str:
        while not self._changed:
            if self.is_closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        topic = next(iter(self._changed))
        del self._changed[topic]
        return topic

    def take(self) -> list[str]:
        """The other topics that have changed; see `SupportsTake`."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def notify(self, topic: str) -> None:
        """This has changed."""
        self._changed[topic] = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._leave(self)
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
