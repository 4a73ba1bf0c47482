"""What is appended to runs, each kind on its way: metadata and tags to the run's workflow, the rest to its logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.entries import KEPT, Entries
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.reading import Reader
from taskkit.backends.temporal.tagging import Tagging
from taskkit.errors import RunNotFoundError
from taskkit.model.exchange import Entry, EntryKind

if TYPE_CHECKING:
    from taskkit.backends.temporal.delivery import Delivery


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
            await self._signal(run_id, flush_id, operations)
        if kept:
            is_first = delivery is not None and delivery.is_first
            is_held = delivery is not None
            await self._entries.append(run_id, kept, flush_id, is_held=is_held, is_first=is_first)
        if tags:
            await self._tagging.add(run_id, tags, is_held=delivery is not None)

    async def _signal(self, run_id: str, flush_id: str, operations: Sequence[Any]) -> None:
        try:
            await self._reader.handle(run_id).signal("append", args=[flush_id, operations])
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            if await self._reader.describe(run_id) is None:
                raise RunNotFoundError(run_id, backend=self._place.shown) from error
            # A workflow that has ended hears nothing more.
