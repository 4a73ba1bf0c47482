"""How a run is canceled from outside: one that has not begun needs no worker for that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from temporalio.client import WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.limits import Limits
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.reading import CANCELED_BY_US, Reader
from taskkit.backends.temporal.refusal import is_away
from taskkit.backends.temporal.workflow import RunWorkflow
from taskkit.errors import RunNotFoundError
from taskkit.model.run import Run

if TYPE_CHECKING:
    from taskkit.backends.temporal.worker import Serving

_LOOKS: Final = 3


class Canceling:
    """Cancels runs. `serving` are the workers of this process, which hear it without the server.

    A look is good for `soon`: a run that was found waiting longer ago may have begun since.
    """

    soon = timedelta(seconds=1)

    def __init__(
        self,
        reader: Reader,
        limits: Limits,
        place: Place,
        serving: set[Serving],
        at_once: asyncio.Semaphore,
    ) -> None:
        self._reader = reader
        self._limits = limits
        self._place = place
        self._serving = serving
        self._at_once = at_once

    async def cancel(self, run_ids: Sequence[str], reason: str | None) -> list[Run]:
        """The runs as they stand afterwards. RunNotFoundError for an unknown one, before any is canceled."""
        found = await asyncio.gather(*map(self._describe, run_ids))
        for run_id, description in zip(run_ids, found, strict=True):
            if description is None:
                raise RunNotFoundError(run_id, backend=self._place.shown)
        await asyncio.gather(*(self._cancel(run_id, reason) for run_id in run_ids))
        runs = await asyncio.gather(*map(self._find, run_ids))
        return [run for run in runs if run is not None]

    async def _describe(self, run_id: str) -> WorkflowExecutionDescription | None:
        async with self._at_once:
            return await self._reader.describe(run_id)

    async def _find(self, run_id: str) -> Run | None:
        async with self._at_once:
            return await self._reader.find(run_id)

    async def _cancel(self, run_id: str, reason: str | None) -> None:
        """Where the server is too slow for a fresh look, its workflow decides, when a worker carries it on."""
        async with self._at_once:
            try:
                for _ in range(_LOOKS):
                    is_over = await self._end_unbegun(run_id, reason)
                    if is_over:
                        return
                    if is_over is not None:
                        break
                await self._reader.handle(run_id).signal(RunWorkflow.cancel, reason)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:  # which it is once it is over
                    raise
        for serving in self._serving:
            serving.cancel(run_id)

    async def _end_unbegun(self, run_id: str, reason: str | None) -> bool | None:
        """Whether the run is over, ended here if it had not begun; None where it may have begun since the look."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        description = await self._reader.describe(run_id)
        if description is None or description.status is not WorkflowExecutionStatus.RUNNING:
            return True
        run = await self._reader.read(description)
        if loop.time() - asked > self.soon.total_seconds():
            return None
        if run.delivery > 0 or not run.is_queued:
            return False
        details = [] if reason is None else [reason]
        handle = self._reader.handle(run_id)
        try:
            await handle.terminate(*details, reason=CANCELED_BY_US, rpc_timeout=self.soon)
        except RPCError as error:
            if not is_away(error):
                raise
            return None
        await asyncio.gather(self._tell_parent(run), self._limits.give_up(run.queue, run.id))
        return True

    async def _tell_parent(self, run: Run) -> None:
        if run.request.awaited and run.parent_id is not None:
            await self._reader.handle(run.parent_id).signal(RunWorkflow.ended, run.id)
