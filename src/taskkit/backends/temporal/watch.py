"""A watch over runs on a Temporal server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from taskkit.model.exchange import end_topic

_EVERY = 0.25
_END = end_topic("")


class TemporalWatch:
    """Says that a run has ended when the server says so, and of every other topic that it may have changed.

    The server tells a waiting call when a workflow closes, and nothing of what happens before that.
    """

    def __init__(
        self, topics: Sequence[str], wait_for_end: Callable[[str], Awaitable[None]]
    ) -> None:
        self._closed = False
        self._due: dict[str, None] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._polled = [topic for topic in topics if not topic.startswith(_END)]
        self._tasks = [
            asyncio.create_task(self._hear(topic, wait_for_end))
            for topic in dict.fromkeys(topics)
            if topic.startswith(_END)
        ]
        if self._polled:
            self._tasks.append(asyncio.create_task(self._poll()))

    @property
    def is_closed(self) -> bool:
        return self._closed

    def __aiter__(self) -> TemporalWatch:
        return self

    async def __anext__(self) -> str:
        while not self._due:
            if self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        topic = next(iter(self._due))
        del self._due[topic]
        return topic

    def take(self) -> list[str]:
        """The other topics that have changed."""
        due = list(self._due)
        self._due.clear()
        return due

    def close(self) -> None:
        self._closed = True
        self._due.clear()
        for task in self._tasks:
            task.cancel()
        self._wake()

    async def _hear(self, topic: str, wait_for_end: Callable[[str], Awaitable[None]]) -> None:
        await wait_for_end(topic.removeprefix(_END))
        self._say(topic)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            for topic in self._polled:
                self._say(topic)

    def _say(self, topic: str) -> None:
        self._due[topic] = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
