"""Idempotency keys: which run holds one, and until when."""

from __future__ import annotations

from datetime import datetime

from taskkit.backends.memory.record import Record
from taskkit.model.clock import after
from taskkit.model.idempotency import DEFAULT_TTL
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FREES_KEY


class Keys:
    """Held keys by (task, key). A held key keeps its run, also past the number of finished runs kept."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[Record, datetime]] = {}
        self._sweep_at = 10_000

    def find(self, task_id: str, key: str, now: datetime) -> Record | None:
        held = self._held.get((task_id, key))
        if held is None:
            return None
        record, expires = held
        if expires <= now or record.status in FREES_KEY:
            del self._held[(task_id, key)]
            return None
        return record

    def hold(self, record: Record, request: TriggerRequest, now: datetime) -> None:
        """Let the key of this request, which the record answered, lead to the record."""
        if request.idempotency_key is None:
            return
        ttl = request.idempotency_key_ttl
        expires = after(now, DEFAULT_TTL if ttl is None else ttl)
        self._held[(request.task_id, request.idempotency_key)] = (record, expires)
        if len(self._held) > self._sweep_at:
            self._sweep(now)

    def free(self, task_id: str, key: str) -> bool:
        return self._held.pop((task_id, key), None) is not None

    def free_after(self, record: Record) -> None:
        """Let go of the key of a run that ended in a way that frees it."""
        request = record.request
        if request.idempotency_key is None or record.status not in FREES_KEY:
            return
        name = (request.task_id, request.idempotency_key)
        held = self._held.get(name)
        if held is not None and held[0] is record:
            del self._held[name]

    def _sweep(self, now: datetime) -> None:
        self._held = {name: held for name, held in self._held.items() if held[1] > now}
        self._sweep_at = max(10_000, 2 * len(self._held))
