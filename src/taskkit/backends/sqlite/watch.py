"""Who wants to hear of which changes in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from taskkit.model.exchange import CANCEL_TOPIC, WORK_TOPIC


class SqliteWatch:
    """A subscription; topics that change while nobody iterates are merged."""

    def __init__(self, watches: Watches, topics: Sequence[str]) -> None:
        self._watches = watches
        self.topics = tuple(topics)
        self._changed: dict[str, None] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def __aiter__(self) -> SqliteWatch:
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
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._watches.remove(self)
            self._wake()


class Watches:
    """Subscriptions by topic, and the workers to wake. Lives on the event loop; `wants` is asked by the writer.

    Who subscribes reads afterwards, and reads come after what the writer is at: nothing is missed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._by_topic: dict[str, list[SqliteWatch]] = {}
        self._workers: list[Callable[[str], None]] = []
        self._changed = changed

    @property
    def is_wanted(self) -> bool:
        """Somebody waits for a change, which another process may make."""
        return bool(self._by_topic or self._workers)

    def wants(self, topic: str) -> bool:
        return topic in self._by_topic

    def add(self, topics: Sequence[str]) -> SqliteWatch:
        watch = SqliteWatch(self, topics)
        for topic in watch.topics:
            self._by_topic.setdefault(topic, []).append(watch)
        self._changed()
        return watch

    def remove(self, watch: SqliteWatch) -> None:
        for topic in watch.topics:
            watches = self._by_topic.get(topic, [])
            if watch in watches:
                watches.remove(watch)
            if not watches:
                self._by_topic.pop(topic, None)
        self._changed()

    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        self._workers.append(callback)
        self._changed()
        return lambda: self._stop(callback)

    def _stop(self, callback: Callable[[str], None]) -> None:
        if callback in self._workers:
            self._workers.remove(callback)
        self._changed()

    def publish(self, topics: Iterable[str]) -> None:
        for topic in topics:
            if topic in (WORK_TOPIC, CANCEL_TOPIC):
                for worker in list(self._workers):
                    worker(topic)
            for watch in list(self._by_topic.get(topic, ())):
                watch.notify(topic)

    def publish_all(self, *, canceled: bool) -> None:
        """Another process has written; who hears this looks whether it was about them."""
        topics = [topic for topic in self._by_topic if topic not in (WORK_TOPIC, CANCEL_TOPIC)]
        self.publish([*topics, WORK_TOPIC, *([CANCEL_TOPIC] if canceled else ())])

    def close(self) -> None:
        for watch in {id(one): one for ones in self._by_topic.values() for one in ones}.values():
            watch.close()
