"""Schedules as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from taskkit.backends.sql.encoding import (
    from_json,
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    to_json,
)
from taskkit.backends.sql.store import Store
from taskkit.model.exchange import SCHEDULES_TOPIC, Page, ScheduleRecord

_SELECT: Final = (
    "SELECT id, task, active, next_at, last_fired, version, data, number FROM schedules "
)
# A second one of the same id, which another process makes meanwhile, must fail: no ON CONFLICT.
_INSERT: Final = (
    "INSERT INTO schedules (task, active, next_at, last_fired, version, data, id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE: Final = (
    "UPDATE schedules SET task = ?, active = ?, next_at = ?, last_fired = ?, version = ?, data = ? "
    "WHERE id = ?"
)


class Schedules:
    """See `SupportsSchedules`; each method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        present = self._held(schedule.id)
        if schedule.version != (0 if present is None else present.version):
            return None
        fired = schedule.last_fired
        if present is not None and present.last_fired is not None:
            fired = present.last_fired if fired is None else max(fired, present.last_fired)
        stored = replace(schedule, last_fired=fired, version=schedule.version + 1)
        self._store.execute(_INSERT if present is None else _UPDATE, _row(stored))
        self._store.tell(SCHEDULES_TOPIC)
        return stored

    def get(self, schedule_ids: Sequence[str]) -> list[ScheduleRecord | None]:
        execute = self._store.execute
        rows = [execute(_SELECT + "WHERE id = ?", (one,)).fetchone() for one in schedule_ids]
        return [None if row is None else _shown(row) for row in rows]

    def _held(self, schedule_id: str) -> ScheduleRecord | None:
        """The schedule as it stands, and stays until this transaction is over."""
        row = self._store.execute(
            _SELECT + "WHERE id = ?" + self._store.for_update, (schedule_id,)
        ).fetchone()
        return None if row is None else _shown(row)

    def delete(self, schedule_id: str) -> bool:
        rows = self._store.execute(
            "DELETE FROM schedules WHERE id = ? RETURNING 1", (schedule_id,)
        ).fetchall()
        self._store.tell(SCHEDULES_TOPIC)
        return bool(rows)

    def page(
        self, tasks: frozenset[str] | None, above: int | None, limit: int
    ) -> Page[ScheduleRecord]:
        text, values = self._of(tasks)
        rows = self._store.execute(
            f"{_SELECT}WHERE number > ? {text} ORDER BY number LIMIT ?",
            (above or 0, *values, limit + 1),
        ).fetchall()
        page = rows[:limit]
        return Page([_shown(row) for row in page], page[-1][7] if len(rows) > limit else None)

    def following(self, tasks: frozenset[str], limit: int) -> list[ScheduleRecord]:
        text, values = self._of(tasks)
        rows = self._store.execute(
            f"{_SELECT}WHERE active = 1 AND next_at IS NOT NULL {text} ORDER BY next_at, number LIMIT ?",
            (*values, limit),
        ).fetchall()
        return [_shown(row) for row in rows]

    def _of(self, tasks: frozenset[str] | None) -> tuple[str, Sequence[Any]]:
        if tasks is None:
            return "", ()
        among, values = self._store.among("task", list(tasks))
        return f"AND {among}", values

    def record_tick(
        self, schedule_id: str, at: datetime | None, next_at: datetime | None, version: int
    ) -> None:
        present = self._held(schedule_id)
        if present is None:
            return
        fired, following = present.last_fired, present.next_at
        if at is not None and (fired is None or at > fired):
            fired = at
        if present.version == version and following is not None:
            following = None if next_at is None else max(following, next_at)
        self._store.execute(
            "UPDATE schedules SET last_fired = ?, next_at = ? WHERE id = ?",
            (micros_or_none(fired), micros_or_none(following), schedule_id),
        )


def _row(schedule: ScheduleRecord) -> tuple[Any, ...]:
    data = [
        schedule.pattern,
        schedule.timezone,
        schedule.kind,
        micros(schedule.created_at),
        schedule.external_id,
        schedule.deduplication_key,
    ]
    return (
        schedule.task_id,
        int(schedule.active),
        micros_or_none(schedule.next_at),
        micros_or_none(schedule.last_fired),
        schedule.version,
        to_json(data),
        schedule.id,
    )


def _shown(row: tuple[Any, ...]) -> ScheduleRecord:
    schedule_id, task, active, next_at, last_fired, version, data, _ = row
    pattern, timezone, kind, created_at, external_id, deduplication_key = from_json(data)
    return ScheduleRecord(
        schedule_id,
        task,
        pattern,
        timezone,
        kind,
        moment(created_at),
        bool(active),
        external_id,
        deduplication_key,
        moment_or_none(next_at),
        moment_or_none(last_fired),
        version,
    )
