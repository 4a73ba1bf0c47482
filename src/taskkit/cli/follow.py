"""What is new about a run, as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from taskkit.backends.base import Capability
from taskkit.model.exchange import Entry, EntryKind, end_topic, run_topic
from taskkit.model.run import FINAL, Run
from taskkit.runtime.home import Home
from taskkit.trigger.handle import retrieve

_AT_LEAST_EVERY = 1.0
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Update:
    """A run as it stands, and the log records that came since the last update."""

    run: Run
    logs: Sequence[Entry]


class View(Protocol):
    """Something that shows a run while it goes on."""

    def show(self, update: Update) -> None:
        """Show what is new."""
        ...

    def say(self, text: str) -> None:
        """Show a remark."""
        ...


async def updates(home: Home, run_id: str) -> AsyncGenerator[Update]:
    """The run as it stands, then whenever it changes, and once a second in any case, up to its end."""
    await home.ready()
    watch = home.backend.watch((run_topic(run_id), end_topic(run_id)))
    changed: asyncio.Task[str | None] | None = None
    after = 0
    try:
        while True:
            run = await retrieve(home, run_id)
            logs = await new_logs(home, run_id, after)
            after = logs[-1].position if logs else after
            yield Update(run, logs)
            if run.status in FINAL:
                return
            if changed is None or changed.done():
                changed = asyncio.ensure_future(_next(watch))
            # A watch is a hint and may miss a change.
            await asyncio.wait((changed,), timeout=_AT_LEAST_EVERY)
            if changed.done() and changed.result() is None:
                await asyncio.sleep(_AT_LEAST_EVERY)  # closed: nothing but looking is left
    finally:
        if changed is not None:
            changed.cancel()
        watch.close()


async def _next(watch: AsyncIterator[str]) -> str | None:
    return await anext(watch, None)


async def new_logs(home: Home, run_id: str, after: int) -> list[Entry]:
    """The log records after this position; none where the backend keeps none."""
    found: list[Entry] = []
    while Capability.LOGS in home.backend.capabilities:
        page = await home.backend.read(run_id, EntryKind.LOG, key=None, after=after, limit=_PAGE)
        found.extend(page.items)
        if page.cursor is None:
            break
        after = int(page.cursor)
    return found
