"""What the store says, asked from outside of every worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import taskkit
from taskkit.backends.base import SupportsQuery
from taskkit.model.exchange import RunFilter
from taskkit.model.run import FINAL, Run, RunStatus
from taskkit.runtime.current_backend import home_of

_LAG = 10.0
_UNFINISHED = RunFilter(status=frozenset(set(RunStatus) - FINAL))


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[None]:
    """Triggers of this block go to the store, which is closed at its end."""
    with taskkit.use_backend(url):
        try:
            yield
        finally:
            await home_of(url).close()


async def all_runs(
    url: str, where: RunFilter | None = None, *, known: Collection[str] = ()
) -> list[Run]:
    """Every run, newest first; where lists lag behind, a moment is given for those that are known."""
    ends = time.monotonic() + _LAG
    while True:
        runs = await _listed(url, where)
        if time.monotonic() > ends or set(known) <= {run.id for run in runs}:
            return runs
        await asyncio.sleep(0.1)


async def _listed(url: str, where: RunFilter | None) -> list[Run]:
    home = home_of(url)
    await home.ready()
    assert isinstance(home.backend, SupportsQuery)
    runs: list[Run] = []
    cursor: int | str | None = None
    while True:
        page = await home.backend.list(where or RunFilter(), cursor=cursor, limit=500)
        runs += page.items
        cursor = page.cursor
        if cursor is None:
            return runs


async def all_ended(url: str, within: float) -> None:
    """Return when every run is over; TimeoutError."""
    home = home_of(url)
    await home.ready()
    assert isinstance(home.backend, SupportsQuery)
    async with asyncio.timeout(within):
        while (await home.backend.list(_UNFINISHED, cursor=None, limit=1)).items:
            await asyncio.sleep(0.05)
