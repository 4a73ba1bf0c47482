"""What a database is asked for beside its runs: schema, workers, ends, whether it is at rest, and what may go."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from taskkit.backends.sql.backend import SqlBackend
from taskkit.backends.sql.call import Needs
from taskkit.backends.sql.encoding import micros
from taskkit.backends.sql.schema import status_of
from taskkit.backends.sql.watch import CHANGE_TOPIC
from taskkit.backends.topic_watch import TopicWatch
from taskkit.model.exchange import MigrationStatus, WorkerRecord
from taskkit.model.run import Run

_STEP: Final = 200
"""Runs that are purged in one transaction."""
_LOOK_EVERY: Final = 1.0
"""Seconds after which it is looked again whether all is idle: other processes do not tell everything."""


class KeptBackend(SqlBackend, ABC):
    """A database with what operators need."""

    @abstractmethod
    def _version(self) -> int:
        """The version of the schema, which is left as it is. Called in a thread."""

    @abstractmethod
    def _upgrade(self) -> int:
        """Bring the schema to the latest version, and say which that is. Called in a thread."""

    async def migrations(self) -> MigrationStatus:
        """See `SupportsMigrations`."""
        return status_of(await asyncio.to_thread(self._version))

    async def upgrade(self) -> MigrationStatus:
        """See `SupportsMigrations`."""
        return status_of(await asyncio.to_thread(self._upgrade))

    async def end_of(self, run_id: str) -> Run | None:
        """See `SupportsEnds`."""
        rooms = self._reading

        def read() -> Run | bool:
            record = rooms.store.find(run_id)
            return record is not None if record is None or not record.is_final else record.shown()

        end = self._watches.end(run_id)
        try:
            while True:
                found: Run | bool = True
                if not self._watches.is_unended(run_id):
                    found = await self._look(read, needs=Needs(runs=[run_id]))
                if not isinstance(found, bool):
                    return found
                run = await end.wait() if found else None
                if run is not None or not found or end.is_closed:
                    return run
        finally:
            end.close()

    # --- workers ------------------------------------------------------------------------------------

    async def report(self, worker: WorkerRecord, *, lasts: float | None) -> None:
        """See `SupportsReports`."""
        rooms = self._rooms
        await self._ask(lambda: rooms.workers.report(worker, lasts, rooms.at(None)))
        rooms.workers.look_again()
        self._reading.workers.look_again()

    async def list_workers(self) -> Sequence[WorkerRecord]:
        """See `SupportsWorkers`."""
        rooms = self._reading
        return await self._look(lambda: rooms.workers.all(rooms.at(None)))

    async def idle(self) -> None:
        """See `SupportsIdle`."""
        rooms, watch = self._reading, self._watches.add([CHANGE_TOPIC])
        try:
            while await self._look(lambda: rooms.busy.is_busy()):  # noqa: PLW0108 - there once it is open
                await _change_of(watch)
        finally:
            watch.close()

    # --- retention ----------------------------------------------------------------------------------

    async def purge(self, before: datetime, *, limit: int) -> int:
        """See `SupportsPurge`; tokens, and lanes in which nothing stands, go with the runs."""
        purging, moment = self._rooms.purging, micros(before)
        purged = await self._in_steps(partial(purging.runs, moment), limit)
        await self._in_steps(partial(purging.tokens, moment), limit)
        await self._in_steps(purging.lanes, limit)
        return purged

    async def _in_steps(self, delete: Callable[[int], tuple[int, bool]], limit: int) -> int:
        """Delete up to `limit` rows, each step a transaction; how many went."""
        gone, is_more, took = 0, True, 0.0
        while is_more and gone < limit:
            await asyncio.sleep(took)  # others may write for as long as they were kept from it
            began = time.monotonic()
            number, is_more = await self._ask(partial(delete, min(_STEP, limit - gone)))
            took = time.monotonic() - began
            gone += number
        return gone


async def _change_of(watch: TopicWatch) -> None:
    """Return when something has changed, or when it is time to look again."""
    with contextlib.suppress(TimeoutError, StopAsyncIteration):
        async with asyncio.timeout(_LOOK_EVERY):
            await anext(watch)
