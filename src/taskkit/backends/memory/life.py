"""What becomes of the memory backend's runs: from queue to lease to end, and what time does to them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush

from taskkit.backends.memory.keys import Keys
from taskkit.backends.memory.lanes import Lanes
from taskkit.backends.memory.record import Record
from taskkit.backends.memory.waiting import Waiting
from taskkit.backends.memory.watch import Watches
from taskkit.model.clock import after
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    Canceled,
    ClaimSpec,
    Completed,
    Failed,
    Lease,
    LeaseKind,
    Outcome,
    Released,
    RetryAt,
    Signal,
    Suspended,
    batch_topic,
    end_topic,
    run_topic,
    tag_topic,
)
from taskkit.model.ids import new_id
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Attempt, Run, RunStatus
from taskkit.model.verdict import crashed, expired

_CLEANUP_TRIES = 3


class Life:
    """Moves records between the lanes, the leases, the timers and their end."""

    def __init__(
        self,
        lanes: Lanes,
        keys: Keys,
        watches: Watches,
        find: Callable[[str], Record | None],
        retire: Callable[[Record], None],
    ) -> None:
        self._lanes = lanes
        self._keys = keys
        self._watches = watches
        self._retire = retire
        self._waiting = Waiting(find, self._answered, self._at)
        self._leased: dict[str, Record] = {}
        self._cleanups: dict[str, Record] = {}
        self._timers: list[tuple[datetime, int, Callable[[Record, int, datetime], None], Record, int]] = []
        self._timer_numbers = itertools.count()
        self._look_for_dead_at: datetime | None = None
        self._lease = timedelta(seconds=30)
        self._workers: list[Callable[[str], None]] = []
        self._busy = 0
        self._idlers: list[asyncio.Future[None]] = []

    # --- a run begins -------------------------------------------------------------------------------

    def create(self, request: TriggerRequest, batch_id: str | None, now: datetime, number: int) -> Record:
        available = now if request.delay_until is None else max(now, request.delay_until)
        run = Run(request, RunStatus.DELAYED, now, available, request.queue_time or available, batch_id)
        run.tags = request.tags
        run.machine = request.machine
        if request.metadata:
            run.metadata = dict(request.metadata)
        record = Record(run, number)
        if available > now:
            self._at(available, self._start_due, record, 0)
            self.changed(record)
        else:
            self._queue(record, now)
        return record

    def _queue(self, record: Record, now: datetime) -> None:
        run = record.run
        run.status = RunStatus.QUEUED
        record.queued = True
        self._lanes.queue(run.request.queue).length += 1
        self._lanes.put(record)
        self._set_busy(record, True)
        if run.request.ttl is not None and run.started_at is None:
            self._at(after(now, run.request.ttl), self._expire_due, record, 0)
        self.changed(record)

    def _unqueue(self, record: Record) -> None:
        if record.queued:
            record.queued = False
            self._lanes.queue(record.run.request.queue).length -= 1

    # --- leases -------------------------------------------------------------------------------------

    def claim(
        self, worker: str, spec: ClaimSpec, limit: int, lease: timedelta, now: datetime
    ) -> list[Lease]:
        expires = now + lease
        self._lease = lease
        leases = self._claim_cleanups(worker, spec, expires, now) if self._cleanups else []
        for record in self._lanes.take(worker, spec, limit, _is_due):
            waiting = record.run.status is RunStatus.WAITING
            leases.append(self._lend(record, worker, "resume" if waiting else "start", expires, now))
        return leases

    def _claim_cleanups(
        self, worker: str, spec: ClaimSpec, expires: datetime, now: datetime
    ) -> list[Lease]:
        chosen = [
            record
            for record in self._cleanups.values()
            if (record.holder in (None, worker)) and (spec.tasks is None or record.run.task_id in spec.tasks)
        ]
        for record in chosen:
            del self._cleanups[record.id]
        return [self._lend(record, worker, "cleanup", expires, now) for record in chosen]

    def _lend(
        self, record: Record, worker: str, kind: LeaseKind, expires: datetime, now: datetime
    ) -> Lease:
        run = record.run
        self._unqueue(record)
        if kind == "start" and run.attempt_started_at is None:
            run.attempt = run.attempt or 1
            run.attempt_started_at = now
        run.delivery += 1
        run.status = RunStatus.EXECUTING
        if run.started_at is None:
            run.started_at = now
        token = record.token = new_id("lease")
        record.holder = worker
        record.expires = expires
        record.outcome = None
        self._leased[run.request.run_id] = record
        if self._look_for_dead_at is None or expires < self._look_for_dead_at:
            self._look_for_dead_at = expires
        self.changed(record)
        answers = {} if kind == "start" else self._waiting.hand_over(record)
        lease = Lease(run.copy(), token, run.attempt, run.delivery, kind, now, answers)
        lease.ending = record.ending
        lease.orphaned, record.orphaned = record.orphaned, False
        return lease

    def holds(self, record: Record, lease: Lease) -> bool:
        """Whether this lease may still write."""
        open_ended = record.outcome is None or isinstance(record.outcome, Suspended)
        return record.token == lease.token and open_ended

    def extend(self, record: Record | None, lease: Lease, expires: datetime) -> Signal:
        if record is None or not self.holds(record, lease):
            return Signal.LOST
        record.expires = expires
        return Signal.CANCEL if record.cancel_requested and lease.kind != "cleanup" else Signal.HELD

    def settle(self, record: Record, lease: Lease, outcome: Outcome | Suspended, now: datetime) -> bool:
        """Record an outcome; False when the lease may not write it."""
        if not self.holds(record, lease):
            return record.token == lease.token and record.outcome == outcome
        record.outcome = outcome
        if isinstance(outcome, Suspended):
            self._suspend(record, outcome, now)
            return True
        self._leased.pop(record.id, None)
        self._waiting.drop(record)
        if type(outcome) is Completed:
            record.run.output_json = outcome.output
            self._finish(record, RunStatus.COMPLETED, now)
        elif isinstance(outcome, Failed):
            self._finish(record, outcome.status, now, outcome.error)
        elif isinstance(outcome, Canceled):
            self._cancel_now(record, outcome.reason, now)
        elif isinstance(outcome, RetryAt):
            self._retry(record, outcome, now)
        elif isinstance(outcome, Released):
            self._release(record, now)
        self.wake()
        return True

    def _retry(self, record: Record, outcome: RetryAt, now: datetime) -> None:
        run = record.run
        self._lanes.leave(record)
        if run.attempt_started_at is not None:
            past = Attempt(run.attempt, run.attempt_started_at, now, outcome.error)
            run.past_attempts = (*run.past_attempts, past)
        run.attempt_started_at = None
        run.attempt += 1
        run.machine = outcome.machine or run.machine
        at = max(outcome.at, now)
        self._again(record, at, at, now)

    def _again(self, record: Record, at: datetime, order: datetime, now: datetime) -> None:
        """Back to the queue, at once or when its time has come."""
        run = record.run
        record.holder = None
        record.place += 1
        run.available_at, run.queue_time = at, order
        if record.cancel_requested:
            self._clean_up(record, RunStatus.CANCELED, owed=False)
        elif at > now:
            run.status = RunStatus.QUEUED
            self._set_busy(record, False)
            self._at(at, self._start_due, record, record.place)
            self.changed(record)
        else:
            self._queue(record, now)

    def _release(self, record: Record, now: datetime) -> None:
        if record.run.status is RunStatus.WAITING:
            # The coroutine is gone: it waits on, and its answer may go to anybody.
            waits = record.open_waits or {}
            record.holder = None
            record.outcome = Suspended(tuple(waits.values()))
            self._suspend(record, record.outcome, now)
            return
        self._lanes.leave(record)
        self._again(record, now, record.run.queue_time, now)

    # --- waiting ------------------------------------------------------------------------------------

    def _suspend(self, record: Record, outcome: Suspended, now: datetime) -> None:
        record.run.status = RunStatus.WAITING
        self._leased.pop(record.id, None)
        self._lanes.leave(record)
        self._set_busy(record, False)
        if record.cancel_requested:
            self._waiting.keep(record, outcome.waits)
            self._cancel_waiting(record, now)
        else:
            self._waiting.begin(record, outcome.waits, now)
            self.changed(record)

    def _cancel_waiting(self, record: Record, now: datetime) -> None:
        children = self._waiting.children(record)
        self._clean_up(record, RunStatus.CANCELED, owed=True)
        for child in children:
            self.cancel(child, record.run.cancel_reason, now)

    def _answered(self, record: Record, now: datetime) -> None:
        """A wait has its answer: back through the queue, first to the worker that holds the coroutine."""
        if record.busy:
            return
        self._set_busy(record, True)
        self._lanes.put(record, record.holder)
        if record.holder is not None:
            self._at(now + self._lease, self._offer_due, record, record.place)
        self.wake()

    def _offer_due(self, record: Record, place: int, now: datetime) -> None:
        if record.place == place and record.run.status is RunStatus.WAITING and record.busy:
            self._lanes.put(record)
            self.wake()

    # --- ends ---------------------------------------------------------------------------------------

    def cancel(self, record: Record, reason: str | None, now: datetime) -> None:
        run = record.run
        if run.status.is_final or record.cancel_requested:
            return
        record.cancel_requested = True
        run.cancel_reason = reason
        if run.status is RunStatus.WAITING:
            self._cancel_waiting(record, now)
        elif record.id in self._leased:
            self.changed(record)
            self._tell_workers(CANCEL_TOPIC)  # instead of at the next beat
        elif run.delivery == 0:
            self._cancel_now(record, reason, now)
        else:
            self._clean_up(record, RunStatus.CANCELED, owed=False)

    def _clean_up(self, record: Record, ending: RunStatus, *, owed: bool) -> None:
        """Make a cleanup lease: only the hooks are still to run."""
        self._unqueue(record)
        record.place += 1
        record.ending = ending
        record.orphaned = owed
        self._set_busy(record, True)
        self._cleanups[record.id] = record
        self.changed(record)
        self.wake()

    def _cancel_now(self, record: Record, reason: str | None, now: datetime) -> None:
        record.run.cancel_reason = reason or record.run.cancel_reason
        self._finish(record, RunStatus.CANCELED, now)

    def _finish(
        self, record: Record, status: RunStatus, now: datetime, error: ErrorInfo | None = None
    ) -> None:
        run = record.run
        self._unqueue(record)
        self._lanes.leave(record)
        self._cleanups.pop(record.id, None)
        run.status = status
        run.finished_at = now
        run.error = error
        record.expires = None
        self._set_busy(record, False)
        if run.request.idempotency_key is not None:
            self._keys.free_after(record)
        self.changed(record, ended=True)
        self._waiting.ended(record, now)
        self._retire(record)

    # --- time ---------------------------------------------------------------------------------------

    def _at(
        self, due: datetime, do: Callable[[Record, int, datetime], None], record: Record, stamp: int
    ) -> None:
        heappush(self._timers, (due, next(self._timer_numbers), do, record, stamp))

    def advance(self, now: datetime, limit: int) -> datetime | None:
        timers = self._timers
        while timers and timers[0][0] <= now and limit > 0:
            due, _, do, record, stamp = heappop(timers)
            do(record, stamp, due)
            limit -= 1
        if self._look_for_dead_at is not None and self._look_for_dead_at <= now:
            self._bury_dead(now)
        next_timer = timers[0][0] if timers else None
        candidates = [at for at in (next_timer, self._look_for_dead_at) if at is not None]
        return min(candidates, default=None)

    def _start_due(self, record: Record, place: int, now: datetime) -> None:
        waiting_to_start = record.run.status in (RunStatus.DELAYED, RunStatus.QUEUED)
        if waiting_to_start and not record.busy and record.place == place:
            self._queue(record, now)
            self.wake()

    def _expire_due(self, record: Record, _: int, now: datetime) -> None:
        if record.run.status is RunStatus.QUEUED and record.run.started_at is None:
            self._finish(record, RunStatus.EXPIRED, now, expired(record.run))

    def _bury_dead(self, now: datetime) -> None:
        dead = [r for r in self._leased.values() if r.expires is not None and r.expires <= now]
        for record in dead:
            self._bury(record, now)
        alive = [r.expires for r in self._leased.values() if r.expires is not None]
        self._look_for_dead_at = min(alive, default=None)

    def _bury(self, record: Record, now: datetime) -> None:
        """A lease ended without a settle: its worker died, or is as good as dead."""
        run = record.run
        del self._leased[record.id]
        self._lanes.leave(record)
        run.deaths += 1
        record.token = record.holder = None
        if record.ending is None and record.cancel_requested:
            self._clean_up(record, RunStatus.CANCELED, owed=True)
        elif record.ending is None and run.deaths <= run.request.max_attempts:
            self._again(record, now, run.queue_time, now)
            record.orphaned = True
        elif run.deaths <= run.request.max_attempts + _CLEANUP_TRIES:
            self._clean_up(record, record.ending or RunStatus.CRASHED, owed=True)
        else:  # its hooks kill workers too
            ending = record.ending or RunStatus.CRASHED
            self._finish(record, ending, now, None if ending is RunStatus.CANCELED else crashed(run))

    # --- telling ------------------------------------------------------------------------------------

    def changed(self, record: Record, *, ended: bool = False) -> None:
        watches = self._watches
        if not watches:
            return
        run = record.run
        if ended:
            watches.publish(end_topic(run.id))
        watches.publish(run_topic(run.id))
        for tag in run.tags:
            watches.publish(tag_topic(tag))
        if run.batch_id is not None:
            watches.publish(batch_topic(run.batch_id))

    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        self._workers.append(callback)
        return lambda: self._workers.remove(callback)

    def wake(self) -> None:
        self._tell_workers(WORK_TOPIC)

    def _tell_workers(self, topic: str) -> None:
        for worker in self._workers:
            worker(topic)

    def _set_busy(self, record: Record, busy: bool) -> None:
        if record.busy is not busy:
            record.busy = busy
            self._busy += 1 if busy else -1
            if self._busy == 0:
                for idler in self._idlers:
                    if not idler.done():
                        idler.set_result(None)

    async def idle(self) -> None:
        while self._busy:
            idler = asyncio.get_running_loop().create_future()
            self._idlers.append(idler)
            try:
                await idler
            finally:
                self._idlers.remove(idler)


def _is_due(record: Record) -> bool:
    return record.run.status in (RunStatus.QUEUED, RunStatus.WAITING)
