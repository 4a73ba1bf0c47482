"""What those answer who were waited for, read once they are over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.encoding import wait_of
from taskkit.backends.temporal.record import Order
from taskkit.backends.temporal.waiting import LOOK
from taskkit.errors import BackendError
from taskkit.model.exchange import Answer, Runs, TokenRef, Wait

if TYPE_CHECKING:
    from taskkit.backends.temporal.backend import TemporalBackend

T = TypeVar("T")
_log = logging.getLogger("taskkit.worker")
_READS_AGAIN: Final = 0.5
_AT_ONCE: Final = 32


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """What this reads, also where the server is away meanwhile: a run does not die of that."""
    while True:
        try:
            return await read()
        except (BackendError, RPCError) as error:
            _log.debug("read again in %s s: %s", _READS_AGAIN, error)
            await asyncio.sleep(_READS_AGAIN)


async def answers_of(backend: TemporalBackend, order: Order) -> dict[str, Answer]:
    """The answers of an order."""
    waits = map(wait_of, order.answered)
    return {wait.id: await patiently(partial(_answer, backend, wait)) for wait in waits}


async def _answer(backend: TemporalBackend, wait: Wait) -> Answer:
    if isinstance(wait.on, Runs):
        runs = await asyncio.gather(*(backend.end_of(one) for one in wait.on.ids))
        return tuple(run for run in runs if run is not None)
    if isinstance(wait.on, TokenRef):
        return await backend.tokens.when_over(wait.on.id)
    return None


class SecondLook:
    """Looks for a workflow which of those are over that it waits for, and that may have died before they said so."""

    def __init__(self, backend: TemporalBackend) -> None:
        self._backend = backend
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    @activity.defn(name=LOOK)
    async def look(self, ids: list[str]) -> list[str]:
        """Of these runs and tokens, those that are over, or not there."""
        over = await asyncio.gather(*map(self._is_over, ids))
        return [one for one, is_over in zip(ids, over, strict=True) if is_over]

    async def _is_over(self, workflow_id: str) -> bool:
        async with self._at_once:
            try:
                found = await self._backend.client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return True
        return found.status is not WorkflowExecutionStatus.RUNNING
