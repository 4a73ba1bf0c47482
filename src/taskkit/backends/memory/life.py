"""What becomes of the memory backend's runs: from queue to lease to end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

from taskkit.backends.memory.busy import Busy
from taskkit.backends.memory.keys import Keys
from taskkit.backends.memory.lanes import Lanes
from taskkit.backends.memory.queue_state import ANYBODY
from taskkit.backends.memory.record import Record
from taskkit.backends.memory.timers import Timers
from taskkit.backends.memory.waiting import Waiting
from taskkit.backends.memory.watch import Watches
from taskkit.model.clock import after
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    Answers,
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
)
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FINAL, Attempt, RunStatus
from taskkit.model.verdict import crashed, expired

_CLEANUP_TRIES = 3
_NO_ANSWERS: Answers = {}


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
        self._find = find
        self._retire = retire
        self._timers = Timers()
        self._waiting = Waiting(find, self._answered, self._timers)
        self.tokens = self._waiting.tokens
        self._leased: dict[str, Record] = {}
        self._cleanups: dict[str, Record] = {}
        self._tokens = itertools.count(1)
        self._lease = timedelta(seconds=30)
        self._look_for_dead_at: datetime | None = None
        self.busy = Busy(lanes.shut_in)

    # --- a run begins -------------------------------------------------------------------------------

    def create(
        self, request: TriggerRequest, batch_id: str | None, now: datetime, number: int
    ) -> Record:
        record = Record(request, number, now, batch_id)
        if request.awaited and (parent := self._find(request.parent_id or "")) is not None:
            self._lanes.join_family(record, parent)
        if record.available_at > now:
            self._timers.at(record.available_at, self._start_due, record, 0)
            self._watches.changed(record)
        else:
            self._queue(record, now)
        return record

    def _queue(self, record: Record, now: datetime) -> None:
        record.status = RunStatus.QUEUED
        self._lanes.put(record)
        self.busy.set(record, True)
        if record.request.ttl is not None and record.started_at is None:
            self._timers.at(after(now, record.request.ttl), self._expire_due, record, 0)
        if self._watches.details:
            self._watches.changed(record)

    # --- leases -------------------------------------------------------------------------------------

    def claim(
        self, worker: str, spec: ClaimSpec, limit: int, lease: timedelta, now: datetime
    ) -> list[Lease]:
        expires = now + lease
        self._lease = lease
        leases = self._claim_cleanups(worker, spec, expires, now) if self._cleanups else []
        for record in self._lanes.take(worker, spec, limit):
            waiting = record.status is RunStatus.WAITING
            leases.append(
                self._lend(record, worker, "resume" if waiting else "start", expires, now)
            )
        if leases and (self._look_for_dead_at is None or expires < self._look_for_dead_at):
            self._look_for_dead_at = expires
        return leases

    def _claim_cleanups(
        self, worker: str, spec: ClaimSpec, expires: datetime, now: datetime
    ) -> list[Lease]:
        chosen = [
            record
            for record in self._cleanups.values()
            if record.holder in (None, worker) and record.fits(spec)
        ]
        for record in chosen:
            del self._cleanups[record.id]
        return [self._lend(record, worker, "cleanup", expires, now) for record in chosen]

    def _lend(
        self, record: Record, worker: str, kind: LeaseKind, expires: datetime, now: datetime
    ) -> Lease:
        answers = _NO_ANSWERS
        if kind != "start":
            answers = self._waiting.hand_over(record)
            if record.holder not in (None, worker):
                record.orphaned = True  # who parked it is gone, and never cleaned up
        elif record.attempt_started_at is None:
            record.attempt = record.attempt or 1
            record.attempt_started_at = now
        record.delivery += 1
        record.status = RunStatus.EXECUTING
        if record.started_at is None:
            record.started_at = now
        token = record.token = f"lease_{next(self._tokens)}"
        record.holder = worker
        record.expires = expires
        record.outcome = None
        self._leased[record.request.run_id] = record
        if self._watches.details:
            self._watches.changed(record)
        orphaned, record.orphaned = record.orphaned, False
        attempt, delivery = record.attempt, record.delivery
        return Lease(
            record.copy(), token, attempt, delivery, kind, now, answers, record.ending, orphaned
        )

    def holds(self, record: Record, lease: Lease) -> bool:
        """Whether this lease may still write."""
        if record.token != lease.token or record.status in FINAL:
            return False
        return record.outcome is None or type(record.outcome) is Suspended

    def extend(self, record: Record | None, lease: Lease, expires: datetime) -> Signal:
        if record is None or not self.holds(record, lease):
            return Signal.LOST
        record.expires = expires
        return Signal.CANCEL if record.cancel_requested and lease.kind != "cleanup" else Signal.HELD

    def settle(
        self, record: Record, lease: Lease, outcome: Outcome | Suspended, now: datetime
    ) -> bool:
        """Record an outcome; False when the lease may not write it."""
        if not self.holds(record, lease):
            return record.token == lease.token and record.has_recorded(outcome)
        if type(outcome) is Suspended:
            self._suspend(record, outcome, now)
            return True
        self._leased.pop(record.request.run_id, None)
        if record.open_waits is not None:
            self._waiting.drop(record)
        if type(outcome) is Completed:
            record.output_json = outcome.output
            self._finish(record, RunStatus.COMPLETED, now)
        elif type(outcome) is Failed:
            self._finish(record, outcome.status, now, outcome.error)
        elif type(outcome) is Canceled:
            record.cancel_reason = outcome.reason or record.cancel_reason
            self._finish(record, RunStatus.CANCELED, now)
        elif type(outcome) is RetryAt:
            self._retry(record, outcome, now)
        elif type(outcome) is Released:
            self._release(record, lease, now)
        return True

    def _retry(self, record: Record, outcome: RetryAt, now: datetime) -> None:
        record.outcome = outcome
        if record.attempt_started_at is not None:
            past = Attempt(record.attempt, record.attempt_started_at, now, outcome.error)
            record.past_attempts = (*record.past_attempts, past)
        record.attempt_started_at = record.moments = None
        record.orphaned = False  # who ends an attempt cleans up after it
        record.attempt += 1
        record.machine = outcome.machine or record.machine
        at = max(outcome.at, now)
        self._again(record, at, at, now)

    def _release(self, record: Record, lease: Lease, now: datetime) -> None:
        if record.status is RunStatus.WAITING:
            # The coroutine is gone: it waits on, and its answer may go to anybody.
            record.holder = None
            self._suspend(record, record.outcome, now)
            return
        record.outcome = Released()
        if record.ending is not None:
            record.holder = None
            self._clean_up(record, record.ending, owed=lease.orphaned)
        else:
            self._again(record, now, record.queue_time, now)

    def _again(self, record: Record, at: datetime, order: datetime, now: datetime) -> None:
        """Back to the queue, at once or when its time has come."""
        self._leave(record)
        self._lanes.remove(record)
        record.holder = None
        record.available_at, record.queue_time = at, order
        if record.cancel_requested:
            self._clean_up(record, RunStatus.CANCELED, owed=False)
        elif at > now:
            record.status = RunStatus.QUEUED
            self.busy.set(record, False)
            self._timers.at(at, self._start_due, record, record.place)
            self._watches.changed(record)
        else:
            self._queue(record, now)
            self.wake()

    def _leave(self, record: Record) -> None:
        if self._lanes.leave(record):
            self.wake()  # another worker may have been kept waiting by the queue's limit

    # --- waiting ------------------------------------------------------------------------------------

    def _suspend(self, record: Record, outcome: object, now: datetime) -> None:
        assert isinstance(outcome, Suspended)  # the outcome of a WAITING record
        record.outcome = outcome
        record.status = RunStatus.WAITING
        record.place += 1  # an answer to a wait that this replaces may stand in a lane
        self._leased.pop(record.id, None)
        self._leave(record)
        self.busy.set(record, False)
        if record.cancel_requested:
            self._waiting.keep(record, outcome.waits)
            self._cancel_waiting(record, now)
        else:
            self._waiting.begin(record, outcome.waits, now)
            self._watches.changed(record)

    def _answered(self, record: Record, now: datetime) -> None:
        """A wait has its answer: back through the queue, first to the worker that holds the coroutine."""
        if record.busy:
            return
        self.busy.set(record, True)
        self._lanes.put(record, record.holder or ANYBODY)
        if record.holder is not None:
            self._timers.at(now + self._lease, self._offer_due, record, record.place)
        self.wake()

    def _offer_due(self, record: Record, place: int, now: datetime) -> None:
        if record.place == place and record.status is RunStatus.WAITING and record.busy:
            self._lanes.put(record, ANYBODY)
            self.wake()

    def _offer_clean_up(self, record: Record, place: int, now: datetime) -> None:
        if record.place == place and record.id in self._cleanups:
            record.holder = None
            self.wake()

    # --- ends ---------------------------------------------------------------------------------------

    def cancel(self, record: Record, reason: str | None, now: datetime) -> None:
        if record.status.is_final or record.cancel_requested:
            return
        record.cancel_requested = True
        record.cancel_reason = reason
        if record.status is RunStatus.WAITING:
            self._cancel_waiting(record, now)
        elif record.id in self._leased:
            self._watches.changed(record)
            self._watches.tell_workers(CANCEL_TOPIC)  # instead of at the next beat
        elif record.delivery == 0:
            self._finish(record, RunStatus.CANCELED, now)
        else:
            self._clean_up(record, RunStatus.CANCELED, owed=False)

    def _cancel_waiting(self, record: Record, now: datetime) -> None:
        children = self._waiting.children(record)
        self._clean_up(record, RunStatus.CANCELED, owed=record.holder is not None)
        if record.holder is not None:
            self._timers.at(now + self._lease, self._offer_clean_up, record, record.place)
        for child in children:
            self.cancel(child, record.cancel_reason, now)

    def _clean_up(self, record: Record, ending: RunStatus, *, owed: bool) -> None:
        """Make a cleanup lease: only the hooks are still to run."""
        self._lanes.remove(record)
        record.ending = ending
        record.orphaned = record.orphaned or owed
        self.busy.set(record, True)
        self._cleanups[record.id] = record
        self._watches.changed(record)
        self.wake()

    def _finish(
        self, record: Record, status: RunStatus, now: datetime, error: ErrorInfo | None = None
    ) -> None:
        if record.queued:
            self._lanes.remove(record)
        if record.gate is not None:
            self._leave(record)
        if record.ending is not None:
            self._cleanups.pop(record.id, None)
        record.status = status
        record.finished_at = now
        record.error = error
        record.outcome = record.moments = None
        self.busy.set(record, False)
        if record.request.idempotency_key is not None:
            self._keys.free_after(record)
        if record.end_waiters is not None:
            record.wake_end_waiters()
        self._watches.ended(record)
        if self._waiting.awaited:
            self._waiting.ended(record, now)
        self._retire(record)

    # --- time ---------------------------------------------------------------------------------------

    def advance(self, now: datetime, limit: int) -> datetime | None:
        """Do what is due; when to look again."""
        self._timers.run(now, limit)
        if self._look_for_dead_at is not None and self._look_for_dead_at <= now:
            self._bury_dead(now)
        next_timer, look_at = self._timers.next_due, self._look_for_dead_at
        if next_timer is None or look_at is None:
            return next_timer or look_at
        return min(next_timer, look_at)

    def reschedule(self, record: Record, at: datetime, now: datetime) -> None:
        """Move the start of a DELAYED run."""
        record.place += 1
        record.available_at = at
        record.queue_time = record.request.queue_time or at
        if at > now:
            self._timers.at(at, self._start_due, record, record.place)
            self._watches.changed(record)
        else:
            self._queue(record, now)
        self.wake()

    def _start_due(self, record: Record, place: int, now: datetime) -> None:
        waiting_to_start = record.status in (RunStatus.DELAYED, RunStatus.QUEUED)
        if not waiting_to_start or record.busy or record.place != place:
            return
        if record.available_at > now:  # pushed back by a debounce
            self._timers.at(record.available_at, self._start_due, record, place)
        else:
            self._queue(record, now)
            self.wake()

    def _expire_due(self, record: Record, _: int, now: datetime) -> None:
        if record.status is RunStatus.QUEUED and record.started_at is None:
            self._finish(record, RunStatus.EXPIRED, now, expired(record))

    def _bury_dead(self, now: datetime) -> None:
        dead = [r for r in self._leased.values() if r.expires is not None and r.expires <= now]
        for record in dead:
            self._bury(record, now)
        alive = [r.expires for r in self._leased.values() if r.expires is not None]
        self._look_for_dead_at = min(alive, default=None)

    def _bury(self, record: Record, now: datetime) -> None:
        """A lease ended without a settle: its worker died, or is as good as dead."""
        del self._leased[record.id]
        self._leave(record)
        record.deaths += 1
        record.token = record.holder = None
        most = record.request.max_attempts
        if record.ending is None and record.cancel_requested:
            self._clean_up(record, RunStatus.CANCELED, owed=True)
        elif record.ending is None and record.deaths <= most:
            record.orphaned = True
            self._again(record, now, record.queue_time, now)
        elif record.deaths <= most + _CLEANUP_TRIES:
            self._clean_up(record, record.ending or RunStatus.CRASHED, owed=True)
        else:  # its hooks kill workers too
            ending = record.ending or RunStatus.CRASHED
            self._finish(
                record, ending, now, None if ending is RunStatus.CANCELED else crashed(record)
            )

    def wake(self) -> None:
        self._watches.tell_workers(WORK_TOPIC)
