"""Faults of watches, and of serve."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from broken.fault import Faulty, fault, nothing, wrap

from taskkit.backends.base import Now, Runner, Watch
from taskkit.backends.topic_watch import TopicWatch
from taskkit.errors import TaskkitError
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    SCHEDULES_TOPIC,
    WORK_TOPIC,
    Entry,
    Lease,
    Released,
    WorkerOptions,
)
from taskkit.model.run import Run


@fault("a_watch_hears_of_the_end_of_a_run")
class EndsAreSilent(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._watches, "ended", nothing)


@fault("a_watch_hears_of_each_change_of_a_run")
class AppendsAreSilent(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        changed = self._watches.changed
        self._watches.changed = nothing
        try:
            await super().append(run_id, entries, **rest)
        finally:
            self._watches.changed = changed


class _Mute(Faulty):
    """Says nothing about topics that begin with this."""

    mute: str | None = None

    def spoil(self) -> None:
        super().spoil()
        wrap(self._watches, "publish", self._publish_some)

    def _publish_some(self, publish: Any, topic: str) -> None:
        kinds = [vars(kind).get("mute") for kind in type(self).__mro__]
        if not topic.startswith(tuple(kind for kind in kinds if kind)):
            publish(topic)


@fault("a_worker_hears_of_a_new_schedule")
class SchedulesAreSilent(_Mute):
    mute = SCHEDULES_TOPIC


@fault("a_watch_hears_of_a_debounce")
class DebouncesAreSilent(Faulty):
    def spoil(self) -> None:
        super().spoil()
        self._debounces._changed = nothing


@fault("a_watch_hears_that_a_start_was_moved")
class MovesAreSilent(Faulty):
    async def reschedule(self, run_id: str, at: datetime, *, now: Now) -> Run:
        changed = self._watches.changed
        self._watches.changed = nothing
        try:
            return await super().reschedule(run_id, at, now=now)
        finally:
            self._watches.changed = changed


@fault("a_watch_hears_of_the_runs_of_a_tag_and_of_a_batch")
class TagsAreSilent(_Mute):
    mute = "tag:"


@fault("a_watch_hears_of_the_runs_of_a_tag_and_of_a_batch")
class BatchesAreSilent(_Mute):
    mute = "batch:"


@fault("a_watch_hears_of_each_change_of_a_run")
class ChangesAreSilent(_Mute):
    mute = "run:"


@fault("a_watch_hears_of_the_end_of_a_run")
class OneWatcherIsTold(Faulty):
    """Of several who watch the same, one hears of it."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._watches, "publish", self._publish_to_one)

    def _publish_to_one(self, publish: Any, topic: str) -> None:
        for watch in self._watches._by_topic.get(topic, ())[:1]:
            watch.notify(topic)


class _Late(TopicWatch):
    """Subscribes when it is first iterated over."""

    __slots__ = ("_watches",)

    async def __anext__(self) -> str:
        watches, self._watches = self._watches, None
        if watches is not None:
            for topic in self.topics:
                watches._by_topic.setdefault(topic, []).append(self)
                watches._count(topic, 1)
        return await super().__anext__()


@fault("a_watch_hears_of_the_end_of_a_run", "a_watch_hears_of_the_runs_of_a_tag_and_of_a_batch")
class AWatchBeginsWhenItIsReadFirst(Faulty):
    """What happens between the subscription and the first look is missed."""

    def watch(self, topics: Sequence[str]) -> Watch:
        watch = _Late(topics, self._watches.remove)
        watch._watches = self._watches
        return watch


class _Asleep(TopicWatch):
    __slots__ = ()

    def notify(self, topic: str) -> None:
        self._changed[topic] = None


@fault("a_change_is_heard_by_who_iterates_already")
class AChangeWakesNobody(Faulty):
    """Who waits already is not woken."""

    def watch(self, topics: Sequence[str]) -> Watch:
        watch = super().watch(topics)
        if type(watch) is TopicWatch:
            watch.__class__ = _Asleep
        return watch


class _Endless(TopicWatch):
    __slots__ = ()

    def close(self) -> None:
        self._leave(self)


@fault("a_watch_ends_when_it_is_closed", "watches_end_with_the_backend")
class AWatchNeverEnds(Faulty):
    def watch(self, topics: Sequence[str]) -> Watch:
        watch = super().watch(topics)
        if type(watch) is TopicWatch:
            watch.__class__ = _Endless
        return watch


@fault("watches_end_with_the_backend")
class WatchesOutliveTheBackend(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._watches, "close", nothing)
        wrap(self._watches, "publish_all", nothing)


class _Quiet(Faulty):
    """Does not wake workers for this."""

    quiet: str | None = None

    def spoil(self) -> None:
        super().spoil()
        wrap(self._watches, "tell_workers", self._tell_some)

    def _tell_some(self, tell: Any, topic: str) -> None:
        if all(vars(kind).get("quiet") != topic for kind in type(self).__mro__):
            tell(topic)


@fault("a_worker_hears_of_work")
class WorkIsSilent(_Quiet):
    quiet = WORK_TOPIC


@fault("a_worker_hears_of_a_cancel")
class CancelsAreSilent(_Quiet):
    quiet = CANCEL_TOPIC


# --- serve --------------------------------------------------------------------------------------


@fault("a_worker_that_breaks_says_so")
class AWorkerGoesQuietly(Faulty):
    """The runner's own exception ends serve as if all were well."""

    async def serve(self, runner: Runner, options: WorkerOptions) -> None:
        with suppress(TaskkitError):
            await super().serve(runner, options)


@fault("a_triggered_run_gives_its_result", "a_failed_attempt_is_carried_out_again")
class AWorkerIdles(Faulty):
    """Serve carries nothing out."""

    async def serve(self, runner: Runner, options: WorkerOptions) -> None:
        await self.register(runner.manifest)
        await asyncio.Event().wait()


@fault("a_worker_that_stops_gives_back_what_it_runs")
class AWorkerKeepsWhatItHas(Faulty):
    """What a worker gives back is not recorded."""

    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        if not (isinstance(outcome, Released) and at.get("now") is None):
            await super().settle(lease, outcome, **at)
