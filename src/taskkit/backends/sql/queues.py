"""Queues as they stand, and what is set over their declaration."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from taskkit.backends.base import Declared
from taskkit.backends.sql.lanes import Lanes
from taskkit.backends.sql.queue_state import QueueState
from taskkit.backends.sql.store import Store
from taskkit.errors import QueueNotFoundError
from taskkit.model.exchange import QueueRecord
from taskkit.model.queue import Queue

_RUNNING = "SELECT count(*) FROM runs WHERE slot = 1 AND queue = ?"


class Queues:
    """See `SupportsQueues`; each method is one transaction."""

    def __init__(self, store: Store, lanes: Lanes) -> None:
        self._store = store
        self._lanes = lanes

    def declare(self, queues: Iterable[Queue]) -> None:
        """What the code says of queues; a limit that was given in place of a declared one stays."""
        for queue in queues:
            state = self._store.queue(queue.name)
            if (state.declared, state.max_length) != (queue.concurrency_limit, queue.max_length):
                self._store.hold_queue(queue.name)
                state = self._store.queue(queue.name)
                state.declared, state.max_length = queue.concurrency_limit, queue.max_length
                self._store.save_settings(state)
                self._store.wake()

    def all(self) -> list[QueueRecord]:
        self._store.look_at_queues_again()  # who has just changed one sees it
        return [self._shown(state) for state in self._store.queues().values()]

    def update(self, name: str, paused: bool | None, limit: int | Declared | None) -> QueueRecord:
        self._store.hold_queue(name)
        state = self._store.queues().get(name)
        if state is None:
            raise QueueNotFoundError(name, get_close_matches(name, self._store.queues(), n=3))
        if paused is not None:
            state.paused = paused
        if limit is not None:
            state.override = None if limit == "declared" else limit
        self._store.save_settings(state)
        self._store.wake()
        return self._shown(state)

    def _shown(self, state: QueueState) -> QueueRecord:
        running = self._store.execute(_RUNNING, (state.name,)).fetchone()[0]
        return QueueRecord(
            state.name,
            state.limit,
            running=running,
            queued=self._lanes.length(state.name),
            paused=state.paused,
            declared_limit=state.declared,
            is_overridden=state.override is not None,
            max_length=state.max_length,
        )
