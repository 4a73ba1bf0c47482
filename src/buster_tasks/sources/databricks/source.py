"""Databricks SQL as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Literal, Self, TypeVar

from buster_tasks.errors import SourceError
from buster_tasks.sources.base import ConnectionTest, Progress, QueryResult, no_progress
from buster_tasks.sources.blocking import BlockingThread, Budget
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.credentials import DatabricksCredentials
from buster_tasks.sources.databricks import legacy
from buster_tasks.sources.databricks.assembly import assemble
from buster_tasks.sources.databricks.catalog import PlaceRow, quote
from buster_tasks.sources.databricks.details import (
    Asking,
    detail,
    read_catalogs,
    run_step,
    sized,
)
from buster_tasks.sources.databricks.failures import is_absent
from buster_tasks.sources.databricks.reading import DETAILS, Reading
from buster_tasks.sources.databricks.session import DatabricksSession
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel

T = TypeVar("T")

_OPEN_SECONDS = 30.0
_CLOSE_SECONDS = 0.7
_EVERYTHING = Filters()
_SYSTEM = "system"
_NOBODYS = (_SYSTEM, "samples")
_INTERNAL = "__databricks_internal"


class DatabricksSource:
    """A workspace that is read and never written.

    Without a filter of databases the catalog of the credentials is read; where they name none, all that the user may
    see, but for Databricks' own.
    """

    kind: Literal["databricks"] = "databricks"

    def __init__(self, credentials: DatabricksCredentials) -> None:
        milliseconds = credentials.connection_timeout
        self._open_seconds = _OPEN_SECONDS if milliseconds is None else milliseconds / 1000
        self._catalog = credentials.catalog
        self._session = DatabricksSession(credentials)
        self._thread = BlockingThread(
            "databricks-source", self._session.interrupt, self._session.abandon
        )

    @property
    def statements(self) -> int:
        """How many statements were asked up to now, beside those that set up the session."""
        return self._session.statements

    async def open(self) -> None:
        """Connect, also after the connection was lost; does nothing when connected. Raises SourceError."""
        budget = Budget(self._open_seconds)
        await self._thread.call(lambda: self._session.open(budget), budget)

    async def test(self) -> ConnectionTest:
        """Whether the warehouse answers, and whom it takes us for."""
        began = time.perf_counter()
        try:
            await self.open()
            await self._read(
                lambda session, budget: session.rows("SELECT 1", budget=budget), self._open_seconds
            )
            facts = self._session.facts
        except SourceError as error:
            return ConnectionTest.failed(error)
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=f"Spark {facts.version.split()[0]}",
            database=facts.catalog,
            user=facts.user,
        )

    async def introspect(
        self,
        filters: Filters = _EVERYTHING,
        progress: Progress = no_progress,
        *,
        statistics: StatisticsLevel = "none",
        time_limit: float | None = None,
    ) -> Introspection:
        """All that the filters keep, as `Introspection` says. Raises SourceError.

        With the statistics `catalog` the sizes of some Delta tables are asked for, one by one, for as long as
        `time_limit` allows.
        """
        ends = None if time_limit is None else time.monotonic() + time_limit
        await self.open()
        selection = Selection(filters, str.lower)
        await progress("introspecting", 0.0, {})
        reading = Reading()
        chosen = self._chosen(await self._read(read_catalogs), filters, selection)
        old = [name for name in chosen if name.lower() in legacy.LEGACY]
        await self._unity(
            [name for name in chosen if name not in old], filters, selection, reading, progress
        )
        for name in [*old, *reading.legacy]:
            await self._old(name, selection, reading)
        if statistics != "none":
            await self._sizes(reading, ends)
        return await self._assembled(reading, filters, selection, statistics, progress)

    async def execute(
        self, sql: str, *, max_rows: int = 1_000, timeout: float = 30.0
    ) -> QueryResult:
        """At most `max_rows` rows of one reading statement, values as `values.py` says; `timeout` in seconds.

        Raises PermissionDeniedError for what is not a read, QueryFailedError for wrong SQL, SourceTimeoutError.
        """
        await self.open()
        limit = max(0, max_rows)
        return await self._read(
            lambda session, budget: session.select(sql, max_rows=limit, budget=budget), timeout
        )

    def quote(self, identifier: str) -> str:
        """The identifier in back-quotes, its own doubled."""
        return quote(identifier)

    async def cancel(self) -> None:
        """Stop all calls that run or wait: they raise QueryCanceledError."""
        self._thread.stop_all()

    async def close(self) -> None:
        """Stop what runs, end the session and the thread; within two seconds whatever the server does."""
        await self._thread.close(self._session.close, patience=_CLOSE_SECONDS)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _read(
        self, work: Callable[[DatabricksSession, Budget], T], seconds: float | None = None
    ) -> T:
        budget = Budget(seconds)
        return await self._thread.call(lambda: work(self._session, budget), budget)

    def _chosen(self, names: Sequence[str], filters: Filters, selection: Selection) -> list[str]:
        kept = [name for name in names if selection.database(name)]
        if filters.databases is not None:
            return kept
        if self._catalog is not None:
            return [self._session.facts.catalog]
        return [name for name in kept if name not in _NOBODYS and not name.startswith(_INTERNAL)]

    async def _unity(
        self,
        names: list[str],
        filters: Filters,
        selection: Selection,
        reading: Reading,
        progress: Progress,
    ) -> None:
        """Read these catalogs, together where the metastore's information schema is open to us, else one by one."""
        if not names:
            return
        asking = Asking(_SYSTEM, names, filters)
        places = await self._places(asking)
        if places is not None:
            await self._catalogs(asking, names, places, selection, reading, progress)
            return
        for name in names:
            asking = Asking(name, [name], filters)
            places = await self._places(asking)
            if places is None:
                reading.legacy.append(name)
            else:
                await self._catalogs(asking, [name], places, selection, reading, progress)

    async def _places(self, asking: Asking) -> list[PlaceRow] | None:
        """Catalogs and schemas; None where this information schema is not there, or not for us."""
        try:
            return await self._read(asking.places)
        except SourceError as error:
            if error.code == "PERMISSION_DENIED" or is_absent(error):
                return None
            raise

    async def _catalogs(
        self,
        asking: Asking,
        names: Sequence[str],
        places: Sequence[PlaceRow],
        selection: Selection,
        reading: Reading,
        progress: Progress,
    ) -> None:
        told = {row.catalog: row for row in places if row.schema is None}
        reading.catalogs += [told.get(name, PlaceRow(name, None)) for name in names]
        reading.schemas += [
            row for row in places if row.schema and selection.schema(row.catalog, row.schema)
        ]
        found = await self._read(asking.relations)
        kept = [row for row in found if selection.table(*row.place)]
        reading.relations += kept
        if selection.warnings():
            for place in await self._read(asking.names):
                selection.table(*place)
        await progress("introspecting", 0.2, {"tables": len(kept)})
        if not kept:
            return
        reading.columns += await self._read(asking.columns)
        steps = asking.steps(reading)
        for done, (part, step) in enumerate(steps):
            counts = {"tables": len(kept), "columns": len(reading.columns)}
            await progress("introspecting", 0.5 + 0.4 * done / len(steps), counts)
            await self._read(run_step(reading, part, step))

    async def _old(self, name: str, selection: Selection, reading: Reading) -> None:
        if name not in reading.legacy:
            reading.legacy.append(name)
        reading.catalogs.append(PlaceRow(name, None))
        schemas = await self._read(
            lambda session, budget: legacy.read_schemas(session, budget, name, selection)
        )
        reading.schemas += schemas
        for row in schemas:
            place = (name, row.schema or "")
            await self._read(
                partial(_read_schema, place=place, selection=selection, reading=reading)
            )

    async def _sizes(self, reading: Reading, ends: float | None) -> None:
        asked = sized(reading)
        for done, row in enumerate(asked):
            if ends is not None and time.monotonic() > ends:
                reading.left_out += len(asked) - done
                return
            await self._read(run_step(reading, DETAILS, detail(reading, row)))

    async def _assembled(
        self,
        reading: Reading,
        filters: Filters,
        selection: Selection,
        level: StatisticsLevel,
        progress: Progress,
    ) -> Introspection:
        facts = self._session.facts

        def assembled(_session: DatabricksSession, _budget: Budget) -> Introspection:
            with collector_held():
                reading.sort()
                return assemble(facts, reading, filters=filters, selection=selection, level=level)

        # Seconds for ten thousand tables, so it is not done in the event loop.
        found = await self._read(assembled)
        await progress("introspecting", 1.0, found.counts())
        return found


def _read_schema(
    session: DatabricksSession,
    budget: Budget,
    *,
    place: tuple[str, str],
    selection: Selection,
    reading: Reading,
) -> None:
    legacy.read_schema(session, budget, place, selection, reading)
