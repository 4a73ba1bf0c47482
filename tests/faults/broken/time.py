"""Faults of delays, ttls and of `advance`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from broken.fault import Faulty, fault, nothing, wrap

from taskkit.backends.base import Now
from taskkit.model.clock import after
from taskkit.model.exchange import Enqueued
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus
from taskkit.model.verdict import expired


@fault("a_delayed_run_does_not_start_early")
class ADelayIsIgnored(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), delay_until=None)


@fault("a_delayed_run_does_not_start_early")
class ADelayIsTooShort(Faulty):
    """A delayed run starts 5 s early."""

    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        until = understood.delay_until
        return replace(understood, delay_until=until and until - timedelta(seconds=5))


@fault("a_timer_is_not_rounded")
class DelaysAreWholeSeconds(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        until = understood.delay_until
        if until is None or not until.microsecond:
            return understood
        return replace(understood, delay_until=until.replace(microsecond=0) + timedelta(seconds=1))


@fault("a_run_is_queued_when_its_delay_is_over", "a_delayed_run_does_not_start_early")
class ADelayNeverEnds(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_start_due", nothing)


@fault("a_delay_that_is_over_means_now")
class EveryDelayTakesASecond(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        until = understood.delay_until
        return replace(understood, delay_until=until and max(until, now + timedelta(seconds=1)))


@fault("a_run_is_queued_when_its_delay_is_over")
class ADelayMovesTheMoment(Faulty):
    """`available_at` becomes the moment at which the backend looked."""

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        delayed = [r for r in self._records.values() if r.status is RunStatus.DELAYED]
        due = await super().advance(now=now, limit=limit)
        for record in delayed:
            if record.status is RunStatus.QUEUED and now is not None:
                record.available_at = now
        return due


@fault("a_run_that_did_not_start_within_its_ttl_expires")
class ATtlIsIgnored(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), ttl=None)


@fault("a_run_that_did_not_start_within_its_ttl_expires")
class ExpiredWithoutAnError(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_expire_due", self._expire_silently)

    @staticmethod
    def _expire_silently(expire: Any, record: Any, stamp: int, now: datetime) -> None:
        expire(record, stamp, now)
        if record.status is RunStatus.EXPIRED:
            record.error = None


@fault("a_ttl_begins_when_the_delay_ends")
class ATtlBeginsWithTheTrigger(Faulty):
    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Any
    ) -> Sequence[Enqueued]:
        answers = await super().enqueue(requests, batch_id=batch_id, now=now)
        for request in requests:
            record = self._find(request.run_id)
            if request.ttl is not None and record is not None and now is not None:
                self._life._timers.at(after(now, request.ttl), self._expire, record, 0)
        return answers

    def _expire(self, record: Any, stamp: int, now: datetime) -> None:
        if record.status in (RunStatus.DELAYED, RunStatus.QUEUED) and record.started_at is None:
            self._life._finish(record, RunStatus.EXPIRED, now, expired(record))


@fault("a_ttl_does_not_end_a_run_that_started")
class ATtlEndsRunsThatStarted(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_expire_due", self._expire_any)

    def _expire_any(self, expire: Any, record: Any, stamp: int, now: datetime) -> None:
        if not record.status.is_final:
            self._life._leased.pop(record.id, None)
            self._life._finish(record, RunStatus.EXPIRED, now, expired(record))


# --- moving a delayed run -----------------------------------------------------------------------


@fault("a_delayed_run_can_be_moved")
class TheFirstMomentStaysToo(Faulty):
    """A run that was moved also starts when it was to start at first."""

    async def reschedule(self, run_id: str, at: datetime, *, now: Now) -> Run:
        record = self._known(run_id)
        first = record.available_at
        run = await super().reschedule(run_id, at, now=now)
        self._life._timers.at(first, self._start_at_first, record, record.place)
        return run

    def _start_at_first(self, record: Any, place: int, now: datetime) -> None:
        if record.status is RunStatus.DELAYED and record.place == place:
            record.available_at = now
            self._life._start_due(record, place, now)


@fault("only_a_delayed_run_can_be_moved")
class AnyRunCanBeMoved(Faulty):
    async def reschedule(self, run_id: str, at: datetime, *, now: Now) -> Run:
        record = self._known(run_id)
        if record.status is not RunStatus.DELAYED:
            return record.copy()
        return await super().reschedule(run_id, at, now=now)


# --- when to call next --------------------------------------------------------------------------


@fault(
    "advance_knows_the_next_delay",
    "advance_knows_the_next_ttl",
    "advance_knows_the_next_lease",
    "advance_knows_the_next_wait",
)
class AdvanceKnowsNoNextMoment(Faulty):
    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        await super().advance(now=now, limit=limit)
        return None


@fault("advance_knows_the_next_lease")
class AdvanceForgetsLeases(Faulty):
    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        await super().advance(now=now, limit=limit)
        heap = self._life._timers._heap
        return heap[0][0] if heap else None


@fault("advance_knows_the_next_delay", "advance_knows_the_next_ttl", "advance_knows_the_next_wait")
class AdvanceForgetsTimers(Faulty):
    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        await super().advance(now=now, limit=limit)
        return self._life._look_for_dead_at


@fault("advance_asks_to_be_called_again_for_the_rest")
class AdvanceForgetsTheRest(Faulty):
    """What is due beyond the limit of a call is left to whoever calls next."""

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        due = await super().advance(now=now, limit=limit)
        return None if due is None or now is None or due <= now else due
