"""Who wants to hear of which changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from taskkit.backends.memory.record import Record
from taskkit.model.exchange import SCHEDULES_TOPIC, batch_topic, end_topic, run_topic, tag_topic


class MemoryWatch:
    """A subscription; topics that change while nobody iterates are merged."""

    __slots__ = ("_changed", "_closed", "_topics", "_waiter", "_watches")

    def __init__(self, watches: Watches, topics: Sequence[str]) -> None:
        self._watches = watches
        self._topics = topics
        self._changed: dict[str, None] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def __aiter__(self) -> MemoryWatch:
        return self

    async def __anext__(self) -> str:
        while not self._changed:
            if self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        topic = next(iter(self._changed))
        del self._changed[topic]
        return topic

    def take(self) -> list[str]:
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def notify(self, topic: str) -> None:
        self._changed[topic] = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._watches.remove(self, self._topics)
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)


class Watches:
    """Subscriptions by topic, and the workers to wake."""

    def __init__(self) -> None:
        self._by_topic: dict[str, list[MemoryWatch]] = {}
        self._ends = 0  # subscriptions to the end of a run
        self.details = 0  # subscriptions to its other changes; most changes are no end
        self._workers: list[Callable[[str], None]] = []

    def add(self, topics: Sequence[str]) -> MemoryWatch:
        watch = MemoryWatch(self, tuple(topics))
        for topic in topics:
            self._by_topic.setdefault(topic, []).append(watch)
            self._count(topic, 1)
        return watch

    def remove(self, watch: MemoryWatch, topics: Sequence[str]) -> None:
        for topic in topics:
            watches = self._by_topic.get(topic, [])
            if watch in watches:
                watches.remove(watch)
                self._count(topic, -1)
            if not watches:
                self._by_topic.pop(topic, None)

    def _count(self, topic: str, number: int) -> None:
        if topic.startswith("end:"):
            self._ends += number
        elif topic != SCHEDULES_TOPIC:  # which every worker listens to, and no run changes
            self.details += number

    def publish(self, topic: str) -> None:
        for watch in self._by_topic.get(topic, ()):
            watch.notify(topic)

    def publish_all(self) -> None:
        """Something happened that concerns everybody, such as the end of a worker."""
        for topic in list(self._by_topic):
            self.publish(topic)

    def changed(self, record: Record) -> None:
        """Something about the run is not as it was."""
        if not self.details:
            return
        self.publish(run_topic(record.id))
        for tag in record.tags:
            self.publish(tag_topic(tag))
        if record.batch_id is not None:
            self.publish(batch_topic(record.batch_id))

    def ended(self, record: Record) -> None:
        """The run is final."""
        if self._ends or self.details:
            topic = end_topic(record.request.run_id)
            for watch in self._by_topic.get(topic, ()):
                watch.notify(topic)
            if self.details:
                self.changed(record)

    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        self._workers.append(callback)
        return lambda: self._workers.remove(callback)

    def tell_workers(self, topic: str) -> None:
        for worker in self._workers:
            worker(topic)

    def close(self) -> None:
        for watch in [watch for watches in self._by_topic.values() for watch in watches]:
            watch.close()
