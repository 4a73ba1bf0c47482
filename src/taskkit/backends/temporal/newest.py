"""Workflows in the order in which they were asked for, newest first, which a server on an SQL database does not offer.

There it gives the open ones first and the closed ones by their end, and refuses ORDER BY. So a stretch of ranks is
sought that holds enough of them, and is read whole. A rank is about the microsecond at which it was asked for.
"""

from __future__ import annotations

import time
from typing import Final

from temporalio.client import Client, WorkflowExecution

from taskkit.backends.temporal.attributes import RANK

_FIRST_STRETCH: Final = 60 * 1_000_000
_WIDENS: Final = 8
_STRETCHES: Final = 12
_AT_ONCE: Final = 1000
_DAY: Final = 86_400 * 1_000_000


async def newest(
    client: Client, query: str, *, below: int | None, count: int
) -> list[tuple[int, WorkflowExecution]]:
    """Up to `count` workflows that match and have a rank below this one, each with its rank."""
    end = below or time.time_ns() // 1000 + _DAY
    begin = await _begin(client, query, end, count)
    found = [
        (one.typed_search_attributes.get(RANK) or 0, one)
        async for one in client.list_workflows(_within(query, begin, end))
    ]
    found.sort(key=lambda ranked: (ranked[0], ranked[1].id), reverse=True)
    return found[:count]


async def _begin(client: Client, query: str, end: int, count: int) -> int:
    """Where a stretch begins that holds enough; 0 when it has to hold all there are."""
    if (await client.count_workflows(_within(query, 0, end))).count <= max(count, _AT_ONCE):
        return 0
    stretch = _FIRST_STRETCH
    newest_end = min(end, time.time_ns() // 1000 + _FIRST_STRETCH)
    for _ in range(_STRETCHES):
        begin = newest_end - stretch
        if (await client.count_workflows(_within(query, begin, end))).count >= count:
            return begin
        stretch *= _WIDENS
    return 0


def _within(query: str, begin: int, end: int) -> str:
    return f"{query} AND TaskkitRank >= {begin} AND TaskkitRank < {end}"
