"""Who wants to hear of which changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from taskkit.backends.memory.record import Record
from taskkit.backends.topic_watch import TopicWatch
from taskkit.model.exchange import SCHEDULES_TOPIC, batch_topic, end_topic, run_topic, tag_topic


class Watches:
    """Subscriptions by topic, and the workers to wake."""

    def __init__(self) -> None:
        self._by_topic: dict[str, list[TopicWatch]] = {}
        self._ends = 0  # subscriptions to the end of a run
        self.details = 0  # subscriptions to its other changes; most changes are no end
        self._workers: list[Callable[[str], None]] = []

    def add(self, topics: Sequence[str]) -> TopicWatch:
        watch = TopicWatch(topics, self.remove)
        for topic in watch.topics:
            self._by_topic.setdefault(topic, []).append(watch)
            self._count(topic, 1)
        return watch

    def remove(self, watch: TopicWatch) -> None:
        for topic in watch.topics:
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
