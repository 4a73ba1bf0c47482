"""How the workflow waits: for a moment, for runs and for tokens.

Who ends says so, by a signal. Where that was lost, because a process died between the end of a run that never began,
or of a token, and the signal, a look after a while finds it.

Imports the standard library and temporalio only: Temporal's sandbox loads this module.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from taskkit.backends.temporal.record import State, answered, awaited, micros

LOOK = "taskkit.look"
_LONGEST = 3600.0
_LOOK_LIMIT = timedelta(seconds=30)
_SECOND = 1_000_000


class Waiting:
    """A workflow that waits; `state` says for what, `patience` in seconds when it looks for the first time."""

    def __init__(self, state: State, patience: float) -> None:
        self.state = state
        self._patience = patience

    async def _comes(self, at: int) -> bool:
        """Whether this moment has come; False when the run was canceled before."""
        await self._until(at, lambda: self.state.cancel_requested)
        return not self.state.cancel_requested

    async def _until(self, at: int | None, happened: Callable[[], bool]) -> None:
        while not happened():
            left = None if at is None else at - micros(workflow.now())
            if left is not None and left <= 0:
                return
            try:
                timeout = None if left is None else timedelta(microseconds=left)
                await workflow.wait_condition(happened, timeout=timeout)
            except TimeoutError:
                pass

    # --- answers ------------------------------------------------------------------------------------

    def _may_go_on(self) -> bool:
        state = self.state
        is_asked_to = state.status == "WAITING" and not state.cancel_requested
        return is_asked_to and state.finished_at is None and self._has_answer()

    def _answered(self) -> list[list[Any]]:
        return answered(self.state, micros(workflow.now()))

    def _has_answer(self) -> bool:
        return not self.state.waits or bool(self._answered())

    def _is_over_waiting(self) -> bool:
        state = self.state
        if state.status != "WAITING" or state.cancel_requested or state.finished_at is not None:
            return True
        return self._has_answer()

    # --- waiting ------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Return when something is answered, or has changed, or the history has become long."""
        state, waited, pause = self.state, self.state.waits, self._patience
        while not self._is_over_waiting() and not workflow.info().is_continue_as_new_suggested():
            if state.waits is not waited:
                waited, pause = state.waits, self._patience
            looks_at = self._looks_at(pause)
            due = [state.moments[wait[0]] for wait in waited if wait[0] in state.moments]

            def changed(waited: list[list[Any]] = waited) -> bool:
                is_long = workflow.info().is_continue_as_new_suggested()
                return is_long or state.waits is not waited or self._is_over_waiting()

            await self._until(min([*due, *looks_at], default=None), changed)
            if not changed() and looks_at and looks_at[0] <= micros(workflow.now()):
                await self._look()
                pause = min(2 * pause, _LONGEST)

    def _looks_at(self, pause: float) -> list[int]:
        """When to look again; never, for who waits for a moment only."""
        return [micros(workflow.now()) + int(pause * _SECOND)] if self._unheard() else []

    def _unheard(self) -> list[str]:
        """The runs and tokens that it waits for and that have not said that they are over."""
        found = {one: None for wait in self.state.waits for one in awaited(wait)}
        ended = set(self.state.ended)
        return [one for one in found if one not in ended]

    async def _look(self) -> None:
        """Ask which of these are over: one event, whatever their number."""
        try:
            over: list[str] = await workflow.execute_local_activity(
                LOOK,
                args=[self._unheard()],
                result_type=list[str],
                start_to_close_timeout=_LOOK_LIMIT,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError:  # the server is away, or the worker: the next look may see more
            return
        for one in over:
            if one not in self.state.ended:
                self.state.ended.append(one)
