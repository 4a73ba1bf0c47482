"""A run of a task that a test has put something else in the place of."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from taskkit.definition.policy import policy_of
from taskkit.definition.task_definition import TaskDefinition
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Canceled, Completed, Failed, Lease, Outcome, Released, Signal
from taskkit.model.run import RunStatus
from taskkit.model.verdict import crashed


class StandIn:
    """Carries a run out by a call of `answer` with its payload: no hooks, no retries, no time limit."""

    __slots__ = ("_answer", "_definition", "_lease", "_task", "_told")

    def __init__(
        self, lease: Lease, definition: TaskDefinition, answer: Callable[[Any], Any]
    ) -> None:
        self._lease = lease
        self._definition = definition
        self._answer = answer
        self._task: asyncio.Task[Any] | None = None
        self._told: Signal | None = None

    async def run(self) -> Outcome:
        if self._lease.kind == "cleanup":
            return self._ended()
        self._task = asyncio.current_task()
        try:
            return await self._answered()
        except asyncio.CancelledError:
            if self._told is None or self._task is None:
                raise
            self._task.uncancel()
            return Released() if self._told is Signal.SHUTDOWN else self._ended()
        except Exception as error:  # what a test raises in the place of the task
            return Failed(ErrorInfo.of(error))
        finally:
            self._task = None

    async def _answered(self) -> Outcome:
        policy, request = policy_of(self._definition), self._lease.run.request
        payload = None
        if self._definition.has_payload:
            payload = policy.payload.decode(*request.opened())
        output = self._answer(payload)
        if inspect.isawaitable(output):
            output = await output
        return Completed(policy.output.encode(output))

    def _ended(self) -> Outcome:
        run = self._lease.run
        if self._lease.ending is RunStatus.CRASHED:
            return Failed(crashed(run), RunStatus.CRASHED)
        return Canceled(run.cancel_reason)

    def resume(self, lease: Lease) -> None:
        self._lease = lease

    def tell(self, signal: Signal) -> None:
        if signal is not Signal.HELD and self._told is None and self._task is not None:
            self._told = signal
            self._task.cancel()
