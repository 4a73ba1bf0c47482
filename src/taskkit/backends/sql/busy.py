"""Whether anything is left to do."""

from __future__ import annotations

from typing import Final

from taskkit.backends.sql.lanes import LaneName, Lanes
from taskkit.backends.sql.store import Store

_HELD: Final = (
    "SELECT EXISTS (SELECT 1 FROM runs WHERE slot = 1) "
    "OR EXISTS (SELECT 1 FROM runs WHERE place = 'cleanup')"
)
_CLEANING: Final = (
    "SELECT EXISTS (SELECT 1 FROM runs WHERE due_at IS NOT NULL AND place = 'leased')"
)


class Busy:
    """Looks for runs that may start, are executing, or have an answer to meet.

    What stands in a queue that lets none start is not waited for.
    """

    def __init__(self, store: Store, lanes: Lanes) -> None:
        self._store = store
        self._lanes = lanes

    def is_busy(self) -> bool:
        return (
            self._is_true(_HELD)
            or any(self._may_go(name) for name in self._lanes.standing())
            or self._is_true(_CLEANING)
        )

    def _may_go(self, lane: LaneName) -> bool:
        return lane.holder is not None or not self._store.queue(lane.queue).is_shut

    def _is_true(self, question: str) -> bool:
        return bool(self._store.execute(question).fetchone()[0])
