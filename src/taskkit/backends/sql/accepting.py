"""Requests that come in: new runs, known ones, those that join another."""

from __future__ import annotations

from collections.abc import Sequence

from taskkit.backends.sql.encoding import later, micros, to_json
from taskkit.backends.sql.life import Life
from taskkit.backends.sql.record import LATER, Record
from taskkit.errors import QueueFullError, SecretInPayloadError
from taskkit.model.exchange import Enqueued
from taskkit.model.options import Debounce
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus

_DELAYED = str(RunStatus.DELAYED)


class Accepting:
    """Decides within one transaction, so that racers for an idempotency key, or for the last place, see each other."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._store = life.store

    def enqueue(
        self, requests: Sequence[TriggerRequest], batch_id: str | None, now: int
    ) -> list[Enqueued]:
        for request in requests:
            if request.secrets:  # before any of them is stored
                raise SecretInPayloadError(list(request.secrets))
        self._store.wake()
        return [self._accept(request, batch_id, now) for request in requests]

    def _accept(self, request: TriggerRequest, batch_id: str | None, now: int) -> Enqueued:
        longest = self._store.queue(request.queue).max_length
        if request.idempotency_key is None and request.debounce is None and longest is None:
            record = self._life.create(request, batch_id, now)
            return Enqueued(request.run_id, "existing" if record is None else "created")
        known = self._store.find(request.run_id)
        if known is None and request.idempotency_key is not None:
            known = self._life.keys.find(request.task_id, request.idempotency_key, now)
        if known is not None:
            return Enqueued(known.run_id, "existing")
        if request.debounce is not None:
            joined = self._join(request, request.debounce, now)
            if joined is not None:
                self._life.keys.hold(joined, request, now)
                return Enqueued(joined.run_id, "debounced")
        if longest is not None:
            self._store.hold_queue(request.queue)
            if self._life.lanes.length(request.queue) >= longest:
                error = QueueFullError(request.queue, longest)
                return Enqueued(request.run_id, "refused", error)
        record = self._life.create(request, batch_id, now)
        if record is not None:
            self._life.keys.hold(record, request, now)
            self._hold(record, request)
        return Enqueued(request.run_id, "created")

    def _hold(self, record: Record, request: TriggerRequest) -> None:
        """Let later triggers with this debounce key join the run."""
        if request.debounce is not None:
            self._store.execute(
                "INSERT INTO debounces (task, key, number) VALUES (?, ?, ?) "
                "ON CONFLICT (task, key) DO UPDATE SET number = excluded.number",
                (request.task_id, request.debounce.key, record.number),
            )

    # --- debounced triggers -------------------------------------------------------------------------

    def _join(self, request: TriggerRequest, debounce: Debounce, now: int) -> Record | None:
        """The run that this trigger becomes a part of; None when it needs one of its own.

        The same request joins once: asked again it gives the same run, and pushes nothing back.
        """
        execute = self._store.execute
        row = execute("SELECT number FROM joined WHERE run_id = ?", (request.run_id,)).fetchone()
        if row is not None:
            return self._store.at(row[0])
        name = (request.task_id, debounce.key)
        row = execute("SELECT number FROM debounces WHERE task = ? AND key = ?", name).fetchone()
        record = None if row is None else self._store.at(row[0])
        if record is None:
            return None
        at = later(now, debounce.delay_seconds)
        if not _may_join(record, debounce, at, now):
            execute("DELETE FROM debounces WHERE task = ? AND key = ?", name)
            return None
        self._push_back(record, request, debounce, at)
        execute(
            "INSERT INTO joined (run_id, number) VALUES (?, ?)", (request.run_id, record.number)
        )
        return record

    def _push_back(
        self, record: Record, request: TriggerRequest, debounce: Debounce, at: int
    ) -> None:
        if at > record.available_at:
            asked = record.request.queue_time
            record.available_at = record.due_at = at
            record.queue_time = at if asked is None else micros(asked)
        if debounce.mode == "trailing":
            _take_over(record, request)
        self._store.changed(record)


def _may_join(record: Record, debounce: Debounce, at: int, now: int) -> bool:
    """A run whose time has come is let go, although nobody may have looked since."""
    if record.place != LATER or record.status != _DELAYED or record.available_at <= now:
        return False
    longest = debounce.max_delay_seconds
    return longest is None or at <= later(record.created_at, longest)


def _take_over(record: Record, request: TriggerRequest) -> None:
    """The run does what the last trigger says; what that leaves out stays."""
    record.request = record.request.joined_by(request)
    record.set_tags(list(record.request.tags))
    record.machine = record.request.machine
    if request.metadata is not None:
        record.metadata = to_json(dict(request.metadata))
