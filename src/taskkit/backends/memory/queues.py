"""Queues as they stand in memory, and what is set over their declaration."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from taskkit.backends.base import Declared
from taskkit.backends.memory.lanes import Lanes
from taskkit.backends.memory.life import Life
from taskkit.backends.memory.queue_state import QueueState
from taskkit.errors import QueueNotFoundError
from taskkit.model.exchange import QueueRecord


class Queues:
    """The part of the memory backend that shows and changes queues: `SupportsQueues`."""

    _lanes: Lanes
    _life: Life

    async def list_queues(self) -> Sequence[QueueRecord]:
        return [self._shown(state) for state in self._lanes.queues.values()]

    async def update_queue(
        self,
        name: str,
        *,
        paused: bool | None = None,
        limit: int | Declared | None = None,
    ) -> QueueRecord:
        state = self._lanes.queues.get(name)
        if state is None:
            raise QueueNotFoundError(name, get_close_matches(name, self._lanes.queues, n=3))
        if paused is not None:
            state.paused = paused
        if limit is not None:
            state.override = None if limit == "declared" else limit
        self._lanes.apply(state)
        self._life.busy.look()
        self._life.wake()
        return self._shown(state)

    def _shown(self, state: QueueState) -> QueueRecord:
        return QueueRecord(
            state.name,
            state.limit,
            running=sum(gate.running for gate in self._lanes.gates(state)),
            queued=state.length,
            paused=state.paused,
            declared_limit=state.declared,
            is_overridden=state.override is not None,
            max_length=state.max_length,
        )
