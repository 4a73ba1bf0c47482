"""What a database is asked for beside its runs: its schema, its workers, whether it is at rest, and what may go."""

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
from taskkit.backends.sql.encoding import micros
from taskkit.backends.sql.schema import status_of
from taskkit.backends.sql.watch import CHANGE_TOPIC, SqlWatch
from taskkit.model.exchange import MigrationStatus, WorkerRecord

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


async def _change_of(watch: SqlWatch) -> None:
    """Return when something has changed, or when it is time to look again."""
    with contextlib.suppress(TimeoutError, StopAsyncIteration):
        async with asyncio.timeout(_LOOK_EVERY):
            await anext(watch)
