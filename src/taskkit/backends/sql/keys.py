"""Idempotency keys: which run holds one, and until when."""

from __future__ import annotations

from typing import Final

from taskkit.backends.sql.encoding import later
from taskkit.backends.sql.record import Record
from taskkit.backends.sql.store import Store
from taskkit.model.idempotency import DEFAULT_TTL
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FREES_KEY

_FREES: Final = frozenset(str(status) for status in FREES_KEY)


class Keys:
    """Held keys by (task, key). One transaction looks for a key and takes it, so of many racers one has it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, task: str, key: str, now: int) -> Record | None:
        """The run that holds the key; a key whose time is over, or whose run has failed, is let go."""
        row = self._store.execute(
            "SELECT number, expires_at FROM keys WHERE task = ? AND key = ?", (task, key)
        ).fetchone()
        if row is None:
            return None
        record = self._store.at(row[0])
        if record is None or row[1] <= now or record.status in _FREES:
            self.free(task, key)
            return None
        return record

    def hold(self, record: Record, request: TriggerRequest, now: int) -> None:
        """Let the key of this request, which the record answered, lead to the record."""
        if request.idempotency_key is None:
            return
        ttl = request.idempotency_key_ttl
        self._store.execute(
            "INSERT INTO keys (task, key, number, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (task, key) "
            "DO UPDATE SET number = excluded.number, expires_at = excluded.expires_at",
            (
                request.task_id,
                request.idempotency_key,
                record.number,
                later(now, DEFAULT_TTL if ttl is None else ttl),
            ),
        )

    def free(self, task: str, key: str) -> bool:
        rows = self._store.execute(
            "DELETE FROM keys WHERE task = ? AND key = ? RETURNING 1", (task, key)
        ).fetchall()
        return bool(rows)

    def free_after(self, record: Record) -> None:
        """Let go of the key of a run that ended in a way that frees it."""
        if record.status in _FREES and record.request.idempotency_key is not None:
            self._store.execute(
                "DELETE FROM keys WHERE task = ? AND key = ? AND number = ?",
                (record.task, record.request.idempotency_key, record.number),
            )
