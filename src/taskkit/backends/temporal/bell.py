"""Tells other processes which schedule has changed: signals to a workflow that no worker carries on.

Who listens waits for its next event, which costs a call each 20 seconds; the server's lists, which are limited to few
calls a second, are not asked.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.place import Place

_TYPE: Final = "taskkit.schedules"
_RUNG: Final = "changed"
_FULL: Final = 1000
"""The server refuses the signals of a workflow that has had 10,000."""
_RECENT: Final = timedelta(minutes=1)


class Bell:
    """That of a project; after about `full` events of the workflow another one takes over."""

    def __init__(self, client: Client, place: Place, *, full: int = _FULL) -> None:
        self._client = client
        self._full = full
        self._id = f"{place.project}/schedules"

    async def ring(self, schedule_id: str) -> None:
        """Tell everybody who listens."""
        try:
            await self._open(start_signal=_RUNG, start_signal_args=[schedule_id])
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            # It is full, and nobody has listened who would have ended it.
            await self._end(self._client.get_workflow_handle(self._id))
            await self._open(start_signal=_RUNG, start_signal_args=[schedule_id])

    async def changes(self) -> AsyncGenerator[frozenset[str] | None]:
        """Which schedules have changed, as it comes; None first, and whenever something may have been missed."""
        while True:
            opened = await self._open()
            handle = self._client.get_workflow_handle(self._id, run_id=opened.result_run_id)
            events = handle.fetch_history_events(wait_new_event=True)
            yield None
            while True:
                await events.fetch_next_page()
                page = events.current_page or ()
                if changed := await self._told(page):
                    yield changed
                if page and page[-1].event_id > self._full:
                    await self._end(handle)
                if events.next_page_token is None:  # it was ended
                    break

    async def _told(self, events: Sequence[HistoryEvent]) -> frozenset[str]:
        """The schedules that these tell of; what is older than the lag of lists was found there."""
        recent = datetime.now(UTC) - _RECENT
        changed: set[str] = set()
        for event in events:
            signal = event.workflow_execution_signaled_event_attributes
            if signal.signal_name == _RUNG and event.event_time.ToDatetime(UTC) > recent:
                payloads = list(signal.input.payloads)
                changed.update(await self._client.data_converter.decode(payloads, [str]))
        return frozenset(changed)

    async def _open(self, **signal: Any) -> WorkflowHandle[Any, Any]:
        return await self._client.start_workflow(
            _TYPE,
            id=self._id,
            task_queue=self._id,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            **signal,
        )

    async def _end(self, handle: WorkflowHandle[Any, Any]) -> None:
        with suppress(RPCError):  # another has ended it, or will
            await handle.terminate(reason="taskkit: another takes over")
