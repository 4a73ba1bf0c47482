"""Who wants to hear of which changes in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from taskkit.backends.topic_watch import TopicWatch
from taskkit.model.exchange import CANCEL_TOPIC, WORK_TOPIC, end_topic
from taskkit.model.run import Run

CHANGE_TOPIC: Final = "change"
"""Told by this process to itself when some run has changed."""
NO_ENDS: Final[Mapping[str, Run]] = {}
_UNENDED: Final = 10_000


class EndWatch:
    """Somebody who waits for the end of a run."""

    def __init__(self, watches: Watches, run_id: str) -> None:
        self._watches = watches
        self.run_id = run_id
        self.is_closed = False
        self._run: Run | None = None
        self._is_told = False
        self._waiter: asyncio.Future[None] | None = None

    async def wait(self) -> Run | None:
        """The run, when it ended in this process; None when it may have ended, or nobody tells any more."""
        if not self._is_told:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._is_told = False
        return self._run

    def tell(self, run: Run | None, *, closed: bool = False) -> None:
        self._run = run or self._run
        self.is_closed = self.is_closed or closed
        self._is_told = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        self._watches.leave(self)


class Watches:
    """Subscriptions by topic, and the workers to wake. Lives on the event loop; `wants` is asked by the writer.

    Who subscribes reads afterwards, and reads come after what the writer is at: nothing is missed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._by_topic: dict[str, list[TopicWatch]] = {}
        self._ends: dict[str, list[EndWatch]] = {}
        self._workers: list[Callable[[str], None]] = []
        self._unended: dict[str, None] = {}
        self._changed = changed

    @property
    def is_wanted(self) -> bool:
        """Somebody waits for a change, which another process may make."""
        return bool(self._by_topic or self._workers or self._ends)

    def wants(self, topic: str) -> bool:
        return topic in self._by_topic or topic in self._ends or topic in self._unended

    def awaits_end(self, topic: str) -> bool:
        """Somebody waits for this end, and can be handed the run."""
        return topic in self._ends

    # --- runs that were made here and have not ended, as far as anybody has told -----------------------

    def made(self, run_ids: Iterable[str]) -> None:
        """Runs about to be made here: who waits for one of them need not look whether it is over."""
        self._unended.update([(end_topic(run_id), None) for run_id in run_ids])
        while len(self._unended) > _UNENDED:
            del self._unended[next(iter(self._unended))]

    def not_made(self, run_id: str) -> None:
        """It was there before, or may not be there: who waits for it has to look."""
        topic = end_topic(run_id)
        self._unended.pop(topic, None)
        for end in self._ends.get(topic, ()):
            end.tell(None)

    def is_unended(self, run_id: str) -> bool:
        return end_topic(run_id) in self._unended

    # --- subscriptions ------------------------------------------------------------------------------

    def add(self, topics: Sequence[str]) -> TopicWatch:
        watch = TopicWatch(topics, self.remove)
        was_wanted = self.is_wanted
        for topic in watch.topics:
            self._by_topic.setdefault(topic, []).append(watch)
        if not was_wanted:
            self._changed()
        return watch

    def end(self, run_id: str) -> EndWatch:
        """Wait for the end of a run."""
        was_wanted = self.is_wanted
        end = EndWatch(self, run_id)
        self._ends.setdefault(end_topic(run_id), []).append(end)
        if not was_wanted:
            self._changed()
        return end

    def leave(self, end: EndWatch) -> None:
        topic = end_topic(end.run_id)
        ends = self._ends.get(topic, [])
        if end in ends:
            ends.remove(end)
        if not ends:
            self._ends.pop(topic, None)

    def remove(self, watch: TopicWatch) -> None:
        for topic in watch.topics:
            watches = self._by_topic.get(topic, [])
            if watch in watches:
                watches.remove(watch)
            if not watches:
                self._by_topic.pop(topic, None)

    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        self._workers.append(callback)
        self._changed()
        return lambda: self._stop(callback)

    def _stop(self, callback: Callable[[str], None]) -> None:
        if callback in self._workers:
            self._workers.remove(callback)

    def publish(self, topics: Iterable[str], ends: Mapping[str, Run] = NO_ENDS) -> None:
        for topic in topics:
            self._unended.pop(topic, None)
            for end in self._ends.get(topic, ()):
                end.tell(ends.get(end.run_id))
            if topic in (WORK_TOPIC, CANCEL_TOPIC):
                for worker in list(self._workers):
                    worker(topic)
            for watch in list(self._by_topic.get(topic, ())):
                watch.notify(topic)

    def publish_all(self, *, canceled: bool) -> None:
        """Another process has written; who hears this looks whether it was about them."""
        self._unended.clear()
        known = {**self._by_topic, **self._ends}
        topics = [topic for topic in known if topic not in (WORK_TOPIC, CANCEL_TOPIC)]
        self.publish([*topics, WORK_TOPIC, *([CANCEL_TOPIC] if canceled else ())])

    def close(self) -> None:
        for watch in {id(one): one for ones in self._by_topic.values() for one in ones}.values():
            watch.close()
        for waiting in list(self._ends.values()):
            for end in waiting:
                end.tell(None, closed=True)
