"""What becomes of runs: made, ended, canceled, dead, in time."""

from __future__ import annotations

from typing import Final

from taskkit.backends.sql.call import Question
from taskkit.backends.sql.encoding import error_text, later, micros, micros_or_none, to_json
from taskkit.backends.sql.keys import Keys
from taskkit.backends.sql.lanes import ANYBODY, Lanes
from taskkit.backends.sql.record import CLEANUP, COLUMNS, LATER, LEASED, OVER, WAITING, Record
from taskkit.backends.sql.store import Store
from taskkit.backends.sql.waiting import Waiting
from taskkit.model.error_info import ErrorInfo
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus
from taskkit.model.verdict import crashed, expired

_CLEANUP_TRIES: Final = 3
_DEFAULT_LEASE: Final = 30.0
_ELSEWHERE: Final = 20_000
"""Microseconds after which to look again at what is due and in the hands of another process."""
_QUEUED, _CANCELED = str(RunStatus.QUEUED), str(RunStatus.CANCELED)
_NEXT = (
    "SELECT (SELECT min(due_at) FROM runs WHERE due_at IS NOT NULL), "
    "(SELECT min(timeout_at) FROM tokens WHERE status = 'WAITING')"
)


class Life:
    """Moves runs between the lanes, the waits and their end. Moments are microseconds."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lanes = Lanes(store)
        self.keys = Keys(store)
        self.waiting = Waiting(store, self.answered)
        self.seen_due: int | None = None
        """What was due next when that was last looked at."""

    # --- a run begins -------------------------------------------------------------------------------

    def create(self, request: TriggerRequest, batch_id: str | None, now: int) -> Record | None:
        """A new run; None when its id is known."""
        record = _new(request, batch_id, now, self.store.next_number())
        if request.awaited and request.parent_id is not None:
            parent = self.store.find(request.parent_id)
            if parent is not None:
                _join_family(record, parent)
        if record.available_at > now:
            record.due_at = record.available_at
        else:
            self.queue(record, now)
        if not self.store.insert(record):
            return None
        self.store.changed(record)
        return record

    def queue(self, record: Record, now: int) -> None:
        """It may start now."""
        record.status = _QUEUED
        self.lanes.put(record)
        record.due_at = None
        if record.started_at is None and record.request.ttl is not None:
            record.due_at = later(now, record.request.ttl)
        self.store.wake()

    def again(self, record: Record, at: int, order: int, now: int) -> None:
        """Back to the queue, at once or when its time has come."""
        self.leave(record)
        record.holder = None
        record.available_at, record.queue_time = at, order
        if record.cancel_requested:
            self.clean_up(record, _CANCELED, owed=False)
        elif at > now:
            record.status, record.place, record.lane, record.due_at = _QUEUED, LATER, None, at
        else:
            self.queue(record, now)
        self.store.changed(record)

    def leave(self, record: Record) -> None:
        """Give the place in the queue's limit back; another worker may have been kept waiting by it."""
        if record.slot is not None:
            record.slot = None
            if self.store.queue(record.queue).is_held:
                self.store.wake()

    # --- waiting ------------------------------------------------------------------------------------

    def answered(self, record: Record, now: int) -> None:
        """A wait has its answer: back through the queue, first to the worker that holds the coroutine."""
        if record.is_busy:
            return
        self.lanes.put(record, record.holder or ANYBODY)
        record.due_at = None
        if record.holder is not None:
            record.due_at = later(now, record.lease or _DEFAULT_LEASE)
        self.store.wake()

    # --- ends ---------------------------------------------------------------------------------------

    def cancel(self, record: Record, reason: str | None, now: int) -> None:
        if record.is_final or record.cancel_requested:
            return
        record.cancel_requested = 1
        record.cancel_reason = None if reason is None else to_json(reason)
        self.store.changed(record)
        if record.place == LEASED:
            self.store.wake_canceled()
        elif record.place == WAITING or record.status == RunStatus.WAITING:
            self.cancel_waiting(record, now)
        elif record.delivery == 0:
            self.finish(record, _CANCELED, now)
        else:
            self.clean_up(record, _CANCELED, owed=False)

    def cancel_waiting(self, record: Record, now: int) -> None:
        children = self.waiting.children(record)
        self.clean_up(record, _CANCELED, owed=record.holder is not None)
        if record.holder is not None:
            record.due_at = later(now, record.lease or _DEFAULT_LEASE)
        for child in children:
            self.cancel(child, record.cancel_reason_text(), now)

    def clean_up(self, record: Record, ending: str, *, owed: bool) -> None:
        """Make a cleanup lease: only the hooks are still to run."""
        record.place, record.lane, record.due_at = CLEANUP, None, None
        record.ending = ending
        record.orphaned = int(bool(record.orphaned) or owed)
        self.store.changed(record)
        self.store.wake()

    def finish(self, record: Record, status: str, now: int, error: ErrorInfo | None = None) -> None:
        self.leave(record)
        record.place, record.lane, record.due_at = OVER, None, None
        record.status, record.finished_at, record.error = status, now, error_text(error)
        record.outcome = record.moments = record.holder = None
        self.keys.free_after(record)
        self.store.ended(record)
        self.waiting.ended(record, now)

    # --- time ---------------------------------------------------------------------------------------

    def questions(self) -> list[Question]:
        """What `is_due` asks."""
        return [Question(_NEXT)]

    def is_due(self, now: int) -> bool:
        due = self.seen_due = self.next_due()
        return due is not None and due <= now

    def next_due(self) -> int | None:
        """When `advance` has something to do."""
        row = self.store.execute(_NEXT).fetchone()
        return min((at for at in row if at is not None), default=None)

    def advance(self, now: int, limit: int) -> int | None:
        """Do what is due; when to look again."""
        done = self.waiting.tokens.advance(now, limit)
        self.waiting.tell()
        self.store.flush()
        due = list(
            self.store.select(
                "WHERE due_at <= ? ORDER BY due_at LIMIT ?",
                (now, max(0, limit - done)),
                skip_locked=True,
            )
        )
        for record in due:
            if record.due_at is not None and record.due_at <= now:  # one before may have moved it
                self._act(record, record.due_at, now)
        self.store.flush()
        self.waiting.tell()
        self.store.flush()
        following = self.next_due()
        if following is not None and following <= now and not due and not done:
            return now + _ELSEWHERE
        return following

    def _act(self, record: Record, due: int, now: int) -> None:
        if record.place == LEASED:
            self._bury(record, now)
        elif record.place == LATER:
            self.queue(record, due)
            self.store.changed(record)
        elif record.place == WAITING:
            self.waiting.time_came(record, due)
        elif record.place == CLEANUP:
            record.holder = record.due_at = None
            self.store.wake()
        elif record.status == RunStatus.WAITING:
            self.lanes.put(record, ANYBODY)
            record.due_at = None
            self.store.wake()
        else:
            self.finish(record, str(RunStatus.EXPIRED), due, expired(record.shown()))

    def _bury(self, record: Record, now: int) -> None:
        """A lease ended without a settle: its worker died, or is as good as dead."""
        self.leave(record)
        record.deaths += 1
        record.token = record.holder = None
        most = record.request.max_attempts
        if record.ending is None and record.cancel_requested:
            self.clean_up(record, _CANCELED, owed=True)
        elif record.ending is None and record.deaths <= most:
            record.orphaned = 1
            self.again(record, now, record.queue_time, now)
        elif record.deaths <= most + _CLEANUP_TRIES:
            self.clean_up(record, record.ending or str(RunStatus.CRASHED), owed=True)
        else:  # its hooks kill workers too
            ending = record.ending or str(RunStatus.CRASHED)
            verdict = None if ending == _CANCELED else crashed(record.shown())
            self.finish(record, ending, now, verdict)

    def reschedule(self, record: Record, at: int, now: int) -> None:
        """Move the start of a DELAYED run."""
        record.available_at = at
        asked = record.request.queue_time
        record.queue_time = at if asked is None else micros(asked)
        if at > now:
            record.due_at = at
        else:
            self.queue(record, now)
        self.store.changed(record)
        self.store.wake()


def _new(request: TriggerRequest, batch_id: str | None, now: int, number: int) -> Record:
    asked = micros_or_none(request.delay_until)
    at = now if asked is None else max(now, asked)
    if request.debounce is not None:
        at = later(now, request.debounce.delay_seconds)
    record = Record((None,) * len(COLUMNS))
    record.number = record.rank = number
    record.run_id, record.task, record.queue = request.run_id, request.task_id, request.queue
    record.key, record.parent_id = request.concurrency_key, request.parent_id
    record.batch_id, record.schedule_id = batch_id, request.schedule_id
    record.created_at, record.available_at = now, at
    record.queue_time = at if request.queue_time is None else micros(request.queue_time)
    record.status, record.place = str(RunStatus.DELAYED), LATER
    record.attempt = record.delivery = record.deaths = 0
    record.cancel_requested = record.orphaned = 0
    record.request = request
    record.machine = request.machine
    record.set_tags(list(request.tags))
    if request.metadata:
        record.metadata = to_json(dict(request.metadata))
    return record


def _join_family(record: Record, parent: Record) -> None:
    """A run that its parent waits for has its parent's place, and uses the turn of its family."""
    record.rank = parent.rank
    payer = parent.payer or parent.queue
    record.payer = None if payer == record.queue else payer
