"""Which schedules there are and when they are due, as far as this process knows.

The server lists them late, in no order, a millisecond each, and takes only few such calls a second. So they are listed
once, and then kept up to date by what is written and read here, and by what the bell tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Final

from temporalio.api.schedule.v1 import ScheduleListEntry
from temporalio.api.workflowservice.v1 import ListSchedulesRequest
from temporalio.client import Client
from temporalio.converter import decode_typed_search_attributes

from taskkit.backends.temporal.attributes import NEXT, RANK, TASK
from taskkit.backends.temporal.schedule_form import TYPE, Held

_AT_ONCE: Final = 1000
_LIMIT: Final = timedelta(seconds=10)
_LISTED_WITHIN: Final = 5.0
_LASTS: Final = 300.0
"""Seconds after which all are listed again: a schedule may be deleted by hand, which nobody tells."""
_PAGES_LAST: Final = 60.0


@dataclass(frozen=True, slots=True)
class Known:
    """A schedule as it was last listed, written or read; `held` is None where only the list told of it."""

    id: str
    task_id: str
    next_at: datetime | None
    made: int
    held: Held | None = None

    def is_after(self, now: datetime) -> bool:
        return self.next_at is not None and self.next_at > now


class ScheduleIndex:
    """Those of a project, whose names on the server begin with `prefix`.

    `listeners` counts those who hear the bell; while there is none, what others change is only seen in the list.
    """

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._known: dict[str, Known] = {}
        self._written: dict[str, float] = {}
        self._doubted: dict[str, float] = {}
        self._listed_at: float | None = None
        self.listeners = 0

    def name_of(self, schedule_id: str) -> str:
        """What the schedule is called on the server."""
        return self._prefix + schedule_id

    # --- what is heard, written and read ------------------------------------------------------------

    def start_over(self) -> None:
        """Something may have been missed: list them when they are needed."""
        self._listed_at = None

    def doubt(self, schedule_ids: Iterable[str]) -> None:
        """These have changed, and are to be read."""
        now = _now()
        self._doubted.update((schedule_id, now) for schedule_id in schedule_ids)

    def wrote(self, schedule_id: str, held: Held | None) -> None:
        """It is so since just now, None meaning gone, whatever the list says of it for some time yet."""
        self._written[schedule_id] = _now()
        self._put(schedule_id, held)

    def read(self, schedule_id: str, held: Held | None, began: float) -> None:
        """It was so when it was asked for at `began`."""
        if self._doubted.get(schedule_id, began + 1) <= began:
            del self._doubted[schedule_id]
        if self._written.get(schedule_id, -1.0) < began:
            self._put(schedule_id, held)

    def _put(self, schedule_id: str, held: Held | None) -> None:
        if held is None:
            self._known.pop(schedule_id, None)
            return
        record = held.record
        next_at = record.next_at if record.active else None
        self._known[schedule_id] = Known(schedule_id, record.task_id, next_at, held.made, held)

    def last_seen(self, schedule_id: str) -> Held | None:
        """As it was last written or read here; there may be news."""
        known = self._known.get(schedule_id)
        return None if known is None else known.held

    # --- the list -----------------------------------------------------------------------------------

    async def catch_up(self) -> list[str]:
        """Know of all that others have changed, but for these, which are to be read."""
        is_old = self._listed_at is None or _now() - self._listed_at > _LASTS
        if is_old or not self.listeners:
            await self.relist()
        return list(self._doubted)

    def has_page(self) -> bool:
        """Whether a page may follow on one that was made of the last list."""
        return self._listed_at is not None and _now() - self._listed_at < _PAGES_LAST

    async def relist(self) -> None:
        """List all there are."""
        began = _now()
        found = {known.id: known async for known in self._listed()}
        for schedule_id, known in found.items():
            before = self._known.get(schedule_id)
            if before is not None and before.next_at == known.next_at:
                found[schedule_id] = before
        self._written = {
            schedule_id: at
            for schedule_id, at in self._written.items()
            if began - at < _LISTED_WITHIN
        }
        for schedule_id in self._written:
            found.pop(schedule_id, None)
            if schedule_id in self._known:
                found[schedule_id] = self._known[schedule_id]
        self._known, self._listed_at = found, began

    async def _listed(self) -> AsyncGenerator[Known]:
        request = ListSchedulesRequest(
            namespace=self._client.namespace,
            maximum_page_size=_AT_ONCE,
            query=f"ScheduleId STARTS_WITH '{self._prefix}'",
        )
        service = self._client.workflow_service
        while True:
            answer = await service.list_schedules(request, retry=True, timeout=_LIMIT)
            for entry in answer.schedules:
                if entry.info.workflow_type.name == TYPE:
                    yield self._known_of(entry)
            if not answer.next_page_token:
                return
            request.next_page_token = answer.next_page_token

    def _known_of(self, entry: ScheduleListEntry) -> Known:
        attributes = decode_typed_search_attributes(entry.search_attributes)
        return Known(
            entry.schedule_id.removeprefix(self._prefix),
            attributes.get(TASK) or "",
            attributes.get(NEXT),
            attributes.get(RANK) or 0,
        )

    # --- in order -----------------------------------------------------------------------------------

    def in_order(self, tasks: frozenset[str] | None, above: tuple[int, str] | None) -> list[str]:
        """The ids of those made after this place, in the order of their making."""
        places = sorted(
            (known.made, known.id)
            for known in self._known.values()
            if (tasks is None or known.task_id in tasks)
            and (above is None or (known.made, known.id) > above)
        )
        return [schedule_id for _, schedule_id in places]

    def soonest(self, tasks: frozenset[str], limit: int) -> list[Known]:
        """The first of those that are due some time."""
        due = (
            (known.next_at, known.made, known.id, known)
            for known in self._known.values()
            if known.next_at is not None and known.task_id in tasks
        )
        return [known for _, _, _, known in nsmallest(limit, due)]


def _now() -> float:
    return asyncio.get_running_loop().time()
