"""How long task code may go on after the body: a hanging hook must not keep the slot for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from taskkit.model.clock import Clock, Timer

HOOK_LIMIT = 30.0


class HookLimit:
    """Cancels a task when 30 seconds have passed, unless it is ended before."""

    __slots__ = ("_task", "_timer", "is_past")

    def __init__(self, clock: Clock, task: asyncio.Task[Any] | None) -> None:
        self.is_past = False
        self._task = task
        self._timer: Timer = clock.call_at(clock.monotonic() + HOOK_LIMIT, self._stop)

    def _stop(self) -> None:
        self.is_past = True
        if self._task is not None:
            self._task.cancel()

    def end(self) -> None:
        """What was limited is over."""
        self._timer.cancel()
        self._task = None
