"""A watch over runs on a Temporal server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from temporalio.service import RPCError

from taskkit.backends.topic_watch import TopicWatch
from taskkit.model.exchange import SCHEDULES_TOPIC, end_topic, run_topic

_EVERY = 0.25
_AGAIN = 2.0
_END, _RUN = end_topic(""), run_topic("")


class TemporalWatch(TopicWatch):
    """Says when the server does that a run has ended, or that there is more of its logs and streams.

    Of every other change of a run the server tells nothing, so of each topic it says that it may have changed.
    Changes of schedules are told by those who make them.
    """

    __slots__ = ("_tasks",)

    def __init__(
        self,
        topics: Sequence[str],
        wait_for_end: Callable[[str], Awaitable[bool]],
        changes_of_schedules: Callable[[], AsyncIterator[None]],
        follow: Callable[[str, Callable[[], None]], Awaitable[None]],
    ) -> None:
        super().__init__(topics, self._stop)
        self._tasks = [
            asyncio.create_task(self._hear(topic, wait_for_end))
            for topic in dict.fromkeys(topics)
            if topic.startswith(_END)
        ]
        self._tasks += [
            asyncio.create_task(self._follow(topic, follow))
            for topic in dict.fromkeys(topics)
            if topic.startswith(_RUN)
        ]
        if SCHEDULES_TOPIC in topics:
            self._tasks.append(asyncio.create_task(self._hear_schedules(changes_of_schedules)))
        polled = [one for one in topics if one != SCHEDULES_TOPIC and not one.startswith(_END)]
        if polled:
            self._tasks.append(asyncio.create_task(self._poll(polled)))

    def _stop(self, _: TopicWatch) -> None:
        for task in self._tasks:
            task.cancel()

    async def _hear(self, topic: str, wait_for_end: Callable[[str], Awaitable[bool]]) -> None:
        while not await wait_for_end(topic.removeprefix(_END)):
            self.notify(topic)  # who looks sees what is wrong, or goes on to wait
        self.notify(topic)

    async def _follow(
        self, topic: str, follow: Callable[[str, Callable[[], None]], Awaitable[None]]
    ) -> None:
        await follow(topic.removeprefix(_RUN), partial(self.notify, topic))

    async def _hear_schedules(self, changes: Callable[[], AsyncIterator[None]]) -> None:
        while True:
            with suppress(RPCError):  # the server is away; who looks for what is due says so
                async for _ in changes():
                    self.notify(SCHEDULES_TOPIC)
            await asyncio.sleep(_AGAIN)

    async def _poll(self, topics: Sequence[str]) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            for topic in topics:
                self.notify(topic)
