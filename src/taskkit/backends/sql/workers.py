"""Which workers there are, and what they can run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from taskkit.backends.sql.encoding import from_json, later, moment, to_json
from taskkit.backends.sql.record import READY, Record
from taskkit.backends.sql.store import Store
from taskkit.model.exchange import WorkerRecord
from taskkit.model.run import Run, RunStatus

_FRESH: Final = 1.0
"""Seconds for which it is not looked again what the workers can run."""
_REMEMBERED: Final = 86_400.0
"""Seconds for which a worker that is gone speaks for those that are to come, while there is none."""
_KEPT: Final = 100
"""Workers that are gone, of which the last are shown."""
_IS_ALIVE: Final = "stopped_at IS NULL AND (good_until IS NULL OR good_until > ?)"
_QUEUED: Final = str(RunStatus.QUEUED)
_PENDING: Final = RunStatus.PENDING_VERSION


class Workers:
    """See `SupportsWorkers` and `SupportsReports`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: frozenset[str] | None = None
        self._good_until = 0.0

    def report(self, worker: WorkerRecord, lasts: float | None, now: int) -> None:
        self._store.execute(
            "INSERT INTO workers (name, tasks, version, started_at, last_seen, good_until, stopped_at, failure) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET tasks = excluded.tasks, "
            "last_seen = excluded.last_seen, good_until = excluded.good_until, "
            "stopped_at = excluded.stopped_at, failure = excluded.failure",
            (
                worker.worker,
                to_json(sorted(worker.tasks)),
                worker.version,
                now,
                now,
                None if lasts is None else later(now, lasts),
                None if worker.alive else now,
                worker.failure,
            ),
        )
        self._store.execute(
            f"DELETE FROM workers WHERE NOT ({_IS_ALIVE}) AND name NOT IN "
            "(SELECT name FROM workers ORDER BY last_seen DESC LIMIT ?)",
            (now, _KEPT),
        )

    def all(self, now: int) -> list[WorkerRecord]:
        """The workers seen, the oldest first."""
        rows = self._store.execute(
            "SELECT name, tasks, last_seen, stopped_at, good_until, failure, version, started_at "
            "FROM workers ORDER BY started_at, name"
        ).fetchall()
        return [_shown(row, now) for row in rows]

    # --- what they can run --------------------------------------------------------------------------

    def known(self) -> frozenset[str] | None:
        """The tasks of the workers that are there, else of those that were last; None when there was none."""
        if time.monotonic() > self._good_until:
            self._known = self._look(self._store.now())
            self._good_until = time.monotonic() + _FRESH
        return self._known

    def look_again(self) -> None:
        self._good_until = 0.0

    def _look(self, now: int) -> frozenset[str] | None:
        rows = self._tasks(_IS_ALIVE, now) or self._tasks("last_seen > ?", later(now, -_REMEMBERED))
        return frozenset(task for (tasks,) in rows for task in from_json(tasks)) if rows else None

    def _tasks(self, where: str, value: int) -> list[Any]:
        return self._store.execute(
            f"SELECT DISTINCT tasks FROM workers WHERE {where}", (value,)
        ).fetchall()

    def shown(self, record: Record) -> Run:
        """The run as it stands, for whoever asks now."""
        return shown(record, self.known() if _awaits_start(record) else None)


def shown(record: Record, known: frozenset[str] | None) -> Run:
    """The run as it stands: PENDING_VERSION when it could start, and none of those who know these tasks can."""
    run = record.shown()
    if known is not None and record.task not in known and _awaits_start(record):
        run.status = _PENDING
    return run


def stored_status(
    store: Store, wanted: frozenset[RunStatus], known: frozenset[str] | None
) -> tuple[frozenset[RunStatus], str, Sequence[Any]]:
    """The statuses, as they are stored, of runs that are shown with these; and a condition beside, with its values.

    A run that is shown as PENDING_VERSION is stored as QUEUED.
    """
    pending = _PENDING in wanted
    if known is None or pending == (RunStatus.QUEUED in wanted):
        return wanted - {_PENDING}, "", ()
    is_known, values = store.among("task", sorted(known))
    awaits = f"(place = 'ready' AND started_at IS NULL AND NOT ({is_known}))"
    if pending:
        stored = wanted - {_PENDING} | {RunStatus.QUEUED}
        return stored, f"(status <> 'QUEUED' OR {awaits})", values
    return wanted, f"NOT (status = 'QUEUED' AND {awaits})", values


def _awaits_start(record: Record) -> bool:
    return record.status == _QUEUED and record.place == READY and record.started_at is None


def _shown(row: tuple[Any, ...], now: int) -> WorkerRecord:
    name, tasks, last_seen, stopped_at, good_until, failure, version, started_at = row
    return WorkerRecord(
        name,
        frozenset(from_json(tasks)),
        moment(last_seen),
        alive=stopped_at is None and (good_until is None or good_until > now),
        failure=failure,
        version=version,
        started_at=moment(started_at),
    )
