"""What is appended to runs, each kind on its way: metadata and tags to the run's workflow, the rest to its logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.entries import KEPT, Entries
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.reading import Reader
from taskkit.backends.temporal.record import SAID_LIMIT, State, said_size
from taskkit.backends.temporal.tagging import Tagging
from taskkit.errors import PayloadTooLargeError, RunNotFoundError
from taskkit.model.exchange import Entry, EntryKind

if TYPE_CHECKING:
    from taskkit.backends.temporal.delivery import Delivery

_SURELY_FITS: Final = 30_000
"""Bytes of what is said to a run that leave room for many who say something at once."""


class Saying:
    """Appends to the runs of a project."""

    def __init__(self, client: Client, place: Place, reader: Reader, entries: Entries) -> None:
        self._place = place
        self._reader = reader
        self._entries = entries
        self._tagging = Tagging(client, place, reader)

    async def append(
        self, run_id: str, entries: Sequence[Entry], flush_id: str, delivery: Delivery | None
    ) -> None:
        """Add these in order; `delivery` is what carries the run, where it is the run itself that speaks."""
        operations = [entry.data for entry in entries if entry.kind is EntryKind.METADATA]
        tags = [entry.data for entry in entries if entry.kind is EntryKind.TAG]
        kept = [entry for entry in entries if entry.kind in KEPT]
        if delivery is not None and (tags or kept):
            await delivery.confirm()
        if operations and delivery is not None and delivery.is_carried:
            await delivery.say(flush_id, operations)
        elif operations:
            await self._tell(run_id, flush_id, operations)
        if kept:
            is_first = delivery is not None and delivery.is_first
            is_held = delivery is not None
            await self._entries.append(run_id, kept, flush_id, is_held=is_held, is_first=is_first)
        if tags:
            await self._tagging.add(run_id, tags, is_held=delivery is not None)

    async def _tell(self, run_id: str, flush_id: str, operations: Sequence[Any]) -> None:
        """Say it to the run's workflow; PayloadTooLargeError where that keeps too much until its next delivery.

        What is refused may be said again, later. Most has room for certain; the rest is looked for afterwards, as
        others may say something in the same moment.
        """
        state = await self._told(run_id)
        if state is None or flush_id in state.flushes:
            return  # a workflow that has ended hears nothing more
        size = said_size(state, operations)
        if size <= SAID_LIMIT:
            await self._signal(run_id, flush_id, operations)
            if size <= _SURELY_FITS:
                return
            state = await self._told(run_id)
            if state is None or flush_id in state.flushes:
                return
        what = f"What others say of run {run_id} until it goes on next"
        why = f"{what} takes {size:,} bytes as JSON, which is too large: {SAID_LIMIT:,} are allowed"
        fix = "Say less, or say it again once the run has gone on"
        raise PayloadTooLargeError(what, size, SAID_LIMIT, f"{why}. {fix}.")

    async def _told(self, run_id: str) -> State | None:
        """What has been said to an open run and to its workflow; None for one that is over."""
        description = await self._reader.describe(run_id)
        if description is None:
            raise RunNotFoundError(run_id, backend=self._place.shown)
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return None
        text = await description.memo_value("request", type_hint=str)
        return await self._reader.told(description, text)

    async def _signal(self, run_id: str, flush_id: str, operations: Sequence[Any]) -> None:
        try:
            await self._reader.handle(run_id).signal("append", args=[flush_id, operations])
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # which it is once it is over
                raise
