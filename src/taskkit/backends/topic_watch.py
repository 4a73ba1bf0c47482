"""A watch for backends that tell it what has changed, and all those of one backend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from taskkit.model.exchange import batch_topic, end_topic, run_topic, tag_topic
from taskkit.model.run import Run


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


class TopicWatches:
    """The watches of a backend, by topic: `watch` is `add`, and what the store tells goes to `publish`.

    Lives on the event loop.
    """

    __slots__ = ("_by_topic",)

    def __init__(self) -> None:
        self._by_topic: dict[str, list[TopicWatch]] = {}

    def add(self, topics: Sequence[str]) -> TopicWatch:
        """A subscription to these, from now on."""
        watch = TopicWatch(topics, self._remove)
        for topic in watch.topics:
            self._by_topic.setdefault(topic, []).append(watch)
        return watch

    def _remove(self, watch: TopicWatch) -> None:
        for topic in watch.topics:
            watches = self._by_topic.get(topic, [])
            if watch in watches:
                watches.remove(watch)
            if not watches:
                self._by_topic.pop(topic, None)

    def publish(self, topic: str) -> None:
        """This has changed."""
        for watch in self._by_topic.get(topic, ()):
            watch.notify(topic)

    def publish_all(self) -> None:
        """Everything may have changed: for a while nobody has told."""
        for topic in list(self._by_topic):
            self.publish(topic)

    def close(self) -> None:
        """End them all."""
        for watch in [watch for watches in self._by_topic.values() for watch in watches]:
            watch.close()


def topics_of(run: Run) -> tuple[str, ...]:
    """What a change of this run is told under, its end too once it is final; the worker's topics are apart."""
    topics = [run_topic(run.id), *map(tag_topic, run.tags)]
    if run.batch_id is not None:
        topics.append(batch_topic(run.batch_id))
    if run.status.is_final:
        topics.append(end_topic(run.id))
    return tuple(topics)
