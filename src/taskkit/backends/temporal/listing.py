"""Lists of runs, newest first, from the server's index; each run is then read as it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from temporalio.client import Client

from taskkit.backends.paging import page_number
from taskkit.backends.temporal.newest import newest
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.reading import Reader
from taskkit.backends.temporal.record import micros
from taskkit.backends.temporal.tagging import tagged_run
from taskkit.model.exchange import Page, RunFilter
from taskkit.model.run import FINAL, Run, RunStatus

_MORE: Final = 50
_SLACK: Final = timedelta(hours=1)
"""How far the clock of one who asks for runs, which ranks are of, may be off the server's."""


async def list_runs(
    client: Client,
    reader: Reader,
    place: Place,
    where: RunFilter,
    *,
    cursor: int | str | None,
    limit: int,
) -> Page[Run]:
    """A page of runs, and the rank below which the next begins."""
    query, below = _query(place, where), page_number(cursor)
    is_exact = where.status is None and where.since is None and where.until is None
    kept: list[tuple[int, Run]] = []
    while len(kept) <= limit:
        asked = limit + 1 - len(kept) if is_exact else _MORE
        found = await newest(client, query, below=below, count=asked)
        ranks = {tagged_run(one.id): rank for rank, one in found}
        runs = await asyncio.gather(*(reader.find(run_id) for run_id in ranks))
        for rank, run in zip(ranks.values(), runs, strict=True):
            if run is not None and _matches(run, where):
                kept.append((rank, run))
        if len(found) < asked:
            break
        below = found[-1][0]
    page = kept[:limit]
    return Page([run for _, run in page], page[-1][0] if len(kept) > limit else None)


def _matches(run: Run, where: RunFilter) -> bool:
    """What the index does not know for certain."""
    return (
        (where.status is None or run.status in where.status)
        and (where.tag is None or not where.tag.isdisjoint(run.tags))
        and (where.since is None or run.created_at >= where.since)
        and (where.until is None or run.created_at <= where.until)
    )


def _query(place: Place, where: RunFilter) -> str:
    of_runs = f"TaskQueue = {_text(place.flow_queue)} AND ExecutionStatus != 'ContinuedAsNew'"
    if where.status is not None:
        of_runs += f" AND ({_of_status(where.status)})"
    parts = [of_runs]
    if where.tag is not None:  # or a run of which no worker has heard yet that it has the tag
        parts = [f"(({of_runs}) OR TaskQueue = {_text(place.tag_queue)})"]
    for name, values in (
        ("TaskkitTask", where.task),
        ("TaskkitTags", where.tag),
        ("TaskkitBatch", where.batch),
        ("TaskkitSchedule", where.schedule),
    ):
        if values is not None:
            parts.append(f"{name} IN ({_texts(values)})")
    if where.since is not None:
        parts.append(f"TaskkitRank >= {micros(where.since - _SLACK)}")
    if where.until is not None:
        parts.append(f"TaskkitRank <= {micros(where.until + _SLACK)}")
    return " AND ".join(parts)


def _of_status(statuses: frozenset[RunStatus]) -> str:
    """COMPLETED has no attribute, which spares most runs an event; what is open is read to know how it stands."""
    ways: list[str] = []
    if RunStatus.COMPLETED in statuses:
        ways.append("(ExecutionStatus = 'Completed' AND TaskkitStatus IS NULL)")
    if RunStatus.CANCELED in statuses:
        ways.append("ExecutionStatus IN ('Terminated', 'Canceled')")
    if RunStatus.SYSTEM_FAILURE in statuses:
        ways.append("ExecutionStatus IN ('Failed', 'TimedOut')")
    if ends := (statuses & FINAL) - {RunStatus.COMPLETED}:
        ways.append(f"TaskkitStatus IN ({_texts(ends)})")
    if statuses - FINAL:
        ways.append("ExecutionStatus = 'Running'")
    return " OR ".join(ways) or "ExecutionStatus = 'ContinuedAsNew'"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(_text(value) for value in sorted(values))


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
