"""The limits of queues, as workers and those who ask for runs see them: each is kept by a workflow of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.limit_workflow import LimitWorkflow
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.record import Order
from taskkit.backends.temporal.slot import limiter_of
from taskkit.model.queue import Queue

_log = logging.getLogger("taskkit.worker")
_KNOWN: Final = 10_000
_KNOWN_FOR: Final = 10.0
_AT_ONCE: Final = 32
_RPC_LIMIT: Final = timedelta(seconds=5)
_TASK_TIMEOUT: Final = timedelta(seconds=5)
"""When another worker goes on with it, where one dies that has just taken it."""
_WHATEVER: Final = 1 << 31
"""Not less than any number that a run asks under."""


class Limits:
    """What is said to the workflows that keep limits, and what they are known to keep.

    What leaves one while another such call is under way is told together: a busy queue has its slots back by a few
    signals.
    """

    def __init__(self, client: Client, place: Place) -> None:
        self._client = client
        self._place = place
        self._known: dict[str, tuple[bool, float]] = {}
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._leaving: dict[str, list[tuple[list[Any], asyncio.Future[bool]]]] = {}
        self._telling: dict[str, asyncio.Task[None]] = {}

    async def declare(self, queues: Iterable[Queue]) -> None:
        """Let the limits of these queues count from now on; where there was one and is none now, that too."""
        await asyncio.gather(*(self._declare(queue) for queue in queues))

    async def _declare(self, queue: Queue) -> None:
        limiter = limiter_of(self._place.task_queue(queue.name))
        limit = queue.concurrency_limit
        async with self._at_once:
            if limit is None:
                await self._signal(limiter, "declare", None)
            else:
                await self._client.start_workflow(
                    LimitWorkflow.run,
                    None,
                    id=limiter,
                    task_queue=self._place.flow_queue,
                    start_signal="declare",
                    start_signal_args=[limit],
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    task_timeout=_TASK_TIMEOUT,
                )
        self._learn(limiter, limit is not None)

    async def has_to_ask(self, queue: Queue | None, order: Order) -> bool:
        """Whether the queue has a limit here by which this delivery was not counted."""
        if order.slot is not None or queue is None or queue.concurrency_limit is None:
            return False
        if order.is_free:
            with suppress(RPCError):  # then it asks once more
                await self._declare(queue)
        return True

    async def is_limited(self, queue: str) -> bool:
        """Whether a queue has a limit, as far as was known some seconds ago."""
        limiter = limiter_of(self._place.task_queue(queue))
        is_limited, until = self._known.get(limiter, (False, 0.0))
        if asyncio.get_running_loop().time() < until:
            return is_limited
        description = await self._describe(limiter)
        is_limited = False
        if description is not None and description.status is WorkflowExecutionStatus.RUNNING:
            is_limited = await description.memo_value("limit", None) is not None
        self._learn(limiter, is_limited)
        return is_limited

    def _learn(self, limiter: str, is_limited: bool) -> None:
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[limiter] = (is_limited, asyncio.get_running_loop().time() + _KNOWN_FOR)

    # --- slots that come back -----------------------------------------------------------------------

    async def leave(self, run_id: str, limiter: str, number: int) -> bool:
        """Give back the slot that a run has under this number; whether that was heard."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._leaving.setdefault(limiter, []).append(([run_id, number], done))
        if limiter not in self._telling:
            task = asyncio.get_running_loop().create_task(self._tell(limiter), name=limiter)
            self._telling[limiter] = task
        return await done

    async def give_up(self, queue: str, run_id: str) -> None:
        """A run that was ended from outside has no place and no slot any more."""
        if await self.is_limited(queue):
            await self.leave(run_id, limiter_of(self._place.task_queue(queue)), _WHATEVER)

    async def _tell(self, limiter: str) -> None:
        try:
            while leaving := self._leaving.pop(limiter, None):
                is_heard = True
                try:
                    await self._signal(limiter, "leave", [one for one, _ in leaving])
                except RPCError as error:
                    is_heard = False
                    _log.warning("%s: slots could not be given back: %s", limiter, error)
                for _, done in leaving:
                    if not done.done():
                        done.set_result(is_heard)
        finally:
            del self._telling[limiter]

    async def _signal(self, limiter: str, name: str, said: Any) -> None:
        """Does nothing where nobody keeps it."""
        handle = self._client.get_workflow_handle(limiter)
        try:
            await handle.signal(name, said, rpc_timeout=_RPC_LIMIT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _describe(self, workflow_id: str) -> WorkflowExecutionDescription | None:
        async with self._at_once:
            try:
                handle = self._client.get_workflow_handle(workflow_id)
                return await handle.describe(rpc_timeout=_RPC_LIMIT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
        return None
