"""Workflows in the order of their starts, newest first, which a server on an SQL database does not offer.

There it gives the open ones first and the closed ones by their end, and refuses ORDER BY. So a window of time is
sought that holds enough of them, and is read whole.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.client import Client, WorkflowExecution

_FIRST_WINDOW: Final = timedelta(minutes=1)
_WIDENS: Final = 8
_WINDOWS: Final = 12
_AT_ONCE: Final = 1000


async def newest(
    client: Client, query: str, *, before: datetime | None, count: int
) -> list[WorkflowExecution]:
    """Up to `count` workflows that match and were started before this moment."""
    end = before or datetime.now(UTC) + timedelta(days=1)
    begin = await _begin(client, query, end, count)
    found = [one async for one in client.list_workflows(_within(query, begin, end))]
    found.sort(key=lambda one: (one.start_time, one.id), reverse=True)
    return found[:count]


async def _begin(client: Client, query: str, end: datetime, count: int) -> datetime | None:
    """Where a window begins that holds enough; None when it has to hold all there are."""
    if (await client.count_workflows(_within(query, None, end))).count <= max(count, _AT_ONCE):
        return None
    window = _FIRST_WINDOW
    newest_end = min(end, datetime.now(UTC) + _FIRST_WINDOW)
    for _ in range(_WINDOWS):
        begin = newest_end - window
        if (await client.count_workflows(_within(query, begin, end))).count >= count:
            return begin
        window *= _WIDENS
    return None


def _within(query: str, begin: datetime | None, end: datetime) -> str:
    parts = [query, f"StartTime < '{_text(end)}'"]
    if begin is not None:
        parts.append(f"StartTime >= '{_text(begin)}'")
    return " AND ".join(parts)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
