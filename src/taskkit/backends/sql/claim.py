"""Leases: given, held on to, and what they end with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from taskkit.backends.sql.call import Question
from taskkit.backends.sql.encoding import (
    attempts_of,
    attempts_text,
    error_text,
    later,
    micros,
    moment,
    to_json,
    waits_of,
)
from taskkit.backends.sql.life import Life
from taskkit.backends.sql.record import (
    CLEANUP,
    LEASED,
    OVER,
    RELEASED,
    SUSPENDED,
    WAITING,
    Record,
)
from taskkit.errors import LeaseLostError
from taskkit.model.exchange import (
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
    Wait,
)
from taskkit.model.ids import new_id
from taskkit.model.run import Attempt, RunStatus

_EXECUTING, _WAITING = str(RunStatus.EXECUTING), str(RunStatus.WAITING)
_CANCELED, _COMPLETED = str(RunStatus.CANCELED), str(RunStatus.COMPLETED)
_WORK: Final = (
    "SELECT (SELECT min(lane) FROM runs WHERE place = 'ready'), "
    "(SELECT min(number) FROM runs WHERE place = 'cleanup')"
)
_CLEANUPS: Final = "WHERE place = 'cleanup' AND (holder IS NULL OR holder = ?) ORDER BY number"


class Leases:
    """Every write under a lease compares its token with the row's, inside the transaction that writes."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._store = life.store

    # --- given --------------------------------------------------------------------------------------

    def has_work(self) -> bool:
        """A claim may find something."""
        ready, cleanup = self._store.execute(_WORK).fetchone()
        return ready is not None or cleanup is not None

    def questions(self, worker: str, limit: int) -> list[Question]:
        """What a claim asks in any case."""
        cleanups = Question(_CLEANUPS, (worker,), selects=True)
        return [cleanups, *(self._life.lanes.questions(limit) if limit > 0 else ())]

    def claim(
        self, worker: str, spec: ClaimSpec, limit: int, lease: float, now: int
    ) -> list[Lease]:
        leases = [
            self._lend(record, worker, "cleanup", lease, now)
            for record in self._store.select(_CLEANUPS, (worker,), skip_locked=True)
            if record.place == CLEANUP and record.fits(spec)
        ]
        if limit > 0:
            for record in self._life.lanes.take(worker, spec, limit):
                kind: LeaseKind = "resume" if record.status == _WAITING else "start"
                record.slot = 1
                leases.append(self._lend(record, worker, kind, lease, now))
        return leases

    def _lend(self, record: Record, worker: str, kind: LeaseKind, lease: float, now: int) -> Lease:
        answers: Answers = {}
        if kind != "start":
            answers = self._life.waiting.hand_over(record, now)
            if record.holder not in (None, worker):
                record.orphaned = 1  # who parked it is gone, and never cleaned up
        elif record.attempt_started_at is None:
            record.attempt = record.attempt or 1
            record.attempt_started_at = now
        record.delivery += 1
        record.status, record.place, record.lane = _EXECUTING, LEASED, None
        record.started_at = now if record.started_at is None else record.started_at
        record.token = token = new_id("lease")
        record.holder, record.lease = worker, lease
        record.due_at = later(now, lease)
        record.outcome = None
        orphaned, record.orphaned = bool(record.orphaned), 0
        self._store.changed(record)
        return Lease(
            record.shown(),
            token,
            record.attempt,
            record.delivery,
            kind,
            moment(now),
            answers,
            None if record.ending is None else RunStatus(record.ending),
            orphaned,
        )

    # --- held ---------------------------------------------------------------------------------------

    def holds(self, record: Record, lease: Lease) -> bool:
        """Whether this lease may still write."""
        if record.token != lease.token or record.place == OVER:
            return False
        return record.outcome is None or record.outcome == SUSPENDED

    def extend(self, leases: Sequence[Lease], lease: float, now: int) -> list[Signal]:
        return [self._extend(one, lease, now) for one in leases]

    def _extend(self, held: Lease, lease: float, now: int) -> Signal:
        record = self._store.find(held.run.id)
        if record is None or not self.holds(record, held):
            return Signal.LOST
        record.lease = lease
        if record.place != LEASED:
            return Signal.HELD  # it waits; what is to be told comes as its next lease
        record.due_at = later(now, lease)
        asked = record.cancel_requested and held.kind != "cleanup"
        return Signal.CANCEL if asked else Signal.HELD

    # --- ended --------------------------------------------------------------------------------------

    def settle(self, lease: Lease, outcome: Outcome | Suspended, now: int) -> None:
        record = self._store.known(lease.run.id)
        if not self.holds(record, lease):
            if record.token == lease.token and _has_recorded(record, outcome):
                return
            raise LeaseLostError(lease.run.id)
        if isinstance(outcome, Suspended):
            self._suspend(record, outcome.waits, now)
        elif isinstance(outcome, Released) and record.status == _WAITING:
            # The coroutine is gone: it waits on, and its answer may go to anybody.
            record.holder = None
            self._suspend(record, waits_of(record.waits), now)
        else:
            self._life.waiting.drop(record)
            self._end(record, lease, outcome, now)

    def _end(self, record: Record, lease: Lease, outcome: Outcome, now: int) -> None:
        if isinstance(outcome, Completed):
            record.output = outcome.output
            self._life.finish(record, _COMPLETED, now)
        elif isinstance(outcome, Failed):
            self._life.finish(record, str(outcome.status), now, outcome.error)
        elif isinstance(outcome, Canceled):
            if outcome.reason:
                record.cancel_reason = to_json(outcome.reason)
            self._life.finish(record, _CANCELED, now)
        elif isinstance(outcome, RetryAt):
            self._retry(record, outcome, now)
        else:
            self._release(record, lease, now)

    def _suspend(self, record: Record, waits: Sequence[Wait], now: int) -> None:
        life = self._life
        record.outcome = SUSPENDED
        record.status, record.place, record.lane, record.due_at = _WAITING, WAITING, None, None
        life.leave(record)
        if record.cancel_requested:
            life.waiting.keep(record, waits)
            life.cancel_waiting(record, now)
        else:
            life.waiting.begin(record, waits, now)
            self._store.changed(record)

    def _retry(self, record: Record, outcome: RetryAt, now: int) -> None:
        record.outcome = _retry_text(outcome)
        if record.attempt_started_at is not None:
            started = moment(record.attempt_started_at)
            past = Attempt(record.attempt, started, moment(now), outcome.error)
            record.past = attempts_text((*attempts_of(record.past), past))
        record.attempt_started_at = record.moments = None
        record.orphaned = 0  # who ends an attempt cleans up after it
        record.attempt += 1
        record.machine = outcome.machine or record.machine
        at = max(micros(outcome.at), now)
        self._life.again(record, at, at, now)

    def _release(self, record: Record, lease: Lease, now: int) -> None:
        record.outcome = RELEASED
        if record.ending is not None:
            record.holder = None
            self._life.clean_up(record, record.ending, owed=lease.orphaned)
        else:
            self._life.again(record, now, record.queue_time, now)


def _retry_text(outcome: RetryAt) -> str:
    return to_json([micros(outcome.at), error_text(outcome.error), outcome.machine])


def _has_recorded(record: Record, outcome: Outcome | Suspended) -> bool:
    """Whether this is the outcome that the latest lease ended with."""
    if isinstance(outcome, Completed):
        return record.status == _COMPLETED and record.output == outcome.output
    if isinstance(outcome, Failed):
        return record.status == outcome.status and record.error == error_text(outcome.error)
    if isinstance(outcome, Canceled):
        return record.status == _CANCELED
    if isinstance(outcome, RetryAt):
        return record.outcome == _retry_text(outcome)
    return isinstance(outcome, Released) and record.outcome == RELEASED
