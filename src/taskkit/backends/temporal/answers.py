"""What those answer who were waited for, read once they are over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import sample
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


def _shuffled(ids: Sequence[str]) -> list[str]:
    return sample(ids, len(ids))


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
    """Looks for a workflow which of those are over that it waits for, and that may have died before they said so.

    `lasts`: seconds after which it tells what it has seen, which is less than what a workflow gives it.
    """

    lasts = 8.0

    def __init__(self, backend: TemporalBackend) -> None:
        self._backend = backend
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    @activity.defn(name=LOOK)
    async def look(self, ids: list[str]) -> list[str]:
        """Of these runs and tokens, those that are seen to be over, or not there.

        Of more than there is time for, others are seen the next time. The server's error where none can be seen.
        """
        looks = {asyncio.ensure_future(self._is_over(one)): one for one in _shuffled(ids)}
        try:
            done, _ = await asyncio.wait(looks, timeout=self.lasts)
        finally:
            for look in looks:
                look.cancel()
        errors = [error for look in done if (error := look.exception()) is not None]
        if errors and len(errors) == len(done):
            raise errors[0]
        return [looks[look] for look in done if look.exception() is None and look.result()]

    async def _is_over(self, workflow_id: str) -> bool:
        async with self._at_once:
            try:
                found = await self._backend.client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return True
        return found.status is not WorkflowExecutionStatus.RUNNING
