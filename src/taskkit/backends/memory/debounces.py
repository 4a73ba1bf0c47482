"""Triggers that become one run: which run a debounce key leads to, and what joins it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from taskkit.backends.memory.record import Record
from taskkit.model.clock import after
from taskkit.model.options import Debounce
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus

_ANSWERS_KEPT = 10_000
_SWEEP_AT = 10_000


class Debounces:
    """The delayed run of each (task, debounce key), as long as triggers may still join it."""

    def __init__(self, changed: Callable[[Record], None]) -> None:
        self._changed = changed
        self._pending: dict[tuple[str, str], Record] = {}
        self._answered: dict[str, Record] = {}
        self._sweep_at = _SWEEP_AT

    def join(self, request: TriggerRequest, now: datetime) -> Record | None:
        """The run that this trigger becomes a part of; None when it needs one of its own.

        The same request joins once: asked again it gives the same run, and pushes nothing back.
        """
        debounce = request.debounce
        if debounce is None:
            return None
        record = self._answered.get(request.run_id)
        if record is not None:
            return record
        name = (request.task_id, debounce.key)
        record = self._pending.get(name)
        if record is None:
            return None
        at = after(now, debounce.delay_seconds)
        if not _may_join(record, debounce, at, now):
            del self._pending[name]
            return None
        self._push_back(record, request, debounce, at)
        self._answered[request.run_id] = record
        if len(self._answered) > _ANSWERS_KEPT:
            del self._answered[next(iter(self._answered))]
        return record

    def hold(self, record: Record) -> None:
        """Let later triggers join this run."""
        debounce = record.request.debounce
        if debounce is None:
            return
        self._pending[record.task_id, debounce.key] = record
        if len(self._pending) > self._sweep_at:
            self._pending = {
                name: held
                for name, held in self._pending.items()
                if held.status is RunStatus.DELAYED
            }
            self._sweep_at = max(_SWEEP_AT, 2 * len(self._pending))

    def _push_back(
        self, record: Record, request: TriggerRequest, debounce: Debounce, at: datetime
    ) -> None:
        if at > record.available_at:  # its timer looks again when the run was due so far
            record.available_at = at
            record.queue_time = record.request.queue_time or at
        if debounce.mode == "trailing":
            _take_over(record, request)
        self._changed(record)


def _may_join(record: Record, debounce: Debounce, at: datetime, now: datetime) -> bool:
    """A run whose time has come is let go, although nobody may have looked since."""
    if record.status is not RunStatus.DELAYED or record.available_at <= now:
        return False
    longest = debounce.max_delay_seconds
    return longest is None or at <= after(record.created_at, longest)


def _take_over(record: Record, request: TriggerRequest) -> None:
    """The run does what the last trigger says; what that leaves out stays."""
    record.request = record.request.joined_by(request)
    record.tags = record.request.tags
    record.machine = record.request.machine
    if request.metadata is not None:
        record.metadata = dict(request.metadata)
