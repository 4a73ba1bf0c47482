"""A run's slot under the limit of its queue, as its workflow asks for it.

Imports the standard library and temporalio only: Temporal's sandbox loads this module.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from taskkit.backends.temporal.record import Plan, Reply, State, micros

_TRIES = 3
_PAUSE = 2.0


def limiter_of(task_queue: str) -> str:
    """The workflow that keeps the limit of the queue which has this task queue; a project's name has no slash."""
    return task_queue.replace("/queue/", "/limit/", 1)


class Slot:
    """One run's. A queue that has no limit, as far as is known, costs it nothing.

    `is_missing` says that nobody keeps the limit, although there is said to be one.
    """

    def __init__(self, plan: Plan, state: State) -> None:
        self._state = state
        self._key = plan.key
        self._limiter = limiter_of(plan.queue)
        self._is_asking = self._is_held = self._is_behind = False
        self.is_missing = False
        state.is_limited = state.is_limited or plan.is_limited

    @property
    def held(self) -> list[Any] | None:
        """Where it is to be given back, and the number it was given under."""
        return [self._limiter, self._state.asks] if self._is_held else None

    async def comes(
        self,
        may_go: Callable[[], bool],
        until: Callable[[Callable[[], bool]], Awaitable[None]],
    ) -> bool:
        """Whether it may be delivered: with a slot, or without where none is needed.

        `until` awaits what it is given, or a moment.
        """
        state = self._state
        if not state.is_limited:
            return True
        state.asks += 1
        at = micros(workflow.now()) if self._is_behind else state.queue_time
        self._is_asking, self._is_behind = True, False
        own = workflow.info().workflow_id
        self.is_missing = not await self._signal("ask", own, state.asks, self._key, at)
        if not self.is_missing:
            await until(lambda: self._is_held or not may_go())
        self._is_asking = False
        if may_go() and (self._is_held or self.is_missing):
            return True
        self._is_held = not self.is_missing  # or it is soon
        await self.give_back()
        return False

    def granted(self, number: int) -> None:
        """It is there, if it was asked for last."""
        self._is_held = self._is_held or (self._is_asking and number == self._state.asks)

    def freed(self, reply: Reply) -> None:
        """The worker has given it back, if it says so."""
        self._is_held = self._is_held and not reply.freed

    def go_behind(self) -> None:
        """Nobody took the run: others of the queue, whom somebody may take, have the next turn."""
        self._is_behind = True

    async def give_back(self) -> None:
        """Leave it, if it is there; the acknowledgement is awaited, since a last signal would be lost."""
        tries = 0
        while self._is_held:
            left = [[workflow.info().workflow_id, self._state.asks]]
            tries += 1
            self._is_held = not await self._signal("leave", left) and tries < _TRIES
            if self._is_held:
                await workflow.sleep(_PAUSE)

    async def _signal(self, name: str, *said: Any) -> bool:
        handle = workflow.get_external_workflow_handle(self._limiter)
        try:
            await handle.signal(name, args=said)
        except FailureError:
            return False
        return True
