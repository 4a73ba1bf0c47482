"""A Snowflake account as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Literal, Self, TypeVar

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceError
from buster_tasks.sources.base import ConnectionTest, Progress, QueryResult, no_progress
from buster_tasks.sources.blocking import BlockingThread, Budget
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.credentials import SnowflakeCredentials
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel
from buster_tasks.sources.snowflake import asking, narrowing
from buster_tasks.sources.snowflake.assembly import assemble
from buster_tasks.sources.snowflake.catalog import FACTS, DatabaseRow, quote
from buster_tasks.sources.snowflake.details import Details
from buster_tasks.sources.snowflake.reading import Failure, Reading
from buster_tasks.sources.snowflake.session import SnowflakeSession

T = TypeVar("T")

_OPEN_SECONDS = 30.0
_CLOSE_SECONDS = 0.9
_EVERYTHING = Filters()
_NOT_TOLD = (QueryFailedError, PermissionDeniedError)


class SnowflakeSource:
    """An account that is read and never written.

    The database of the credentials is read, or those that the filters name. Names in filters are compared without
    regard to case. `network_seconds` is how long Snowflake may not answer before the session counts as lost.
    """

    kind: Literal["snowflake"] = "snowflake"

    def __init__(self, credentials: SnowflakeCredentials, *, network_seconds: float = 60.0) -> None:
        milliseconds = credentials.connection_timeout
        self._open_seconds = _OPEN_SECONDS if milliseconds is None else milliseconds / 1000
        self._session = SnowflakeSession(credentials, network_seconds=network_seconds)
        self._thread = BlockingThread("snowflake-source", self._session.interrupt)

    @property
    def statements(self) -> int:
        """How many statements were asked up to now, beside those that set up the session."""
        return self._session.statements

    async def open(self) -> None:
        """Log in, also after the session was lost; does nothing when logged in. Raises SourceError."""
        budget = Budget(self._open_seconds)
        await self._thread.call(lambda: self._session.open(budget), budget)

    async def test(self) -> ConnectionTest:
        """Whether Snowflake answers, which version it is, and whom it takes us for."""
        began = time.perf_counter()
        try:
            await self.open()
            await self._read(
                lambda session, budget: session.rows(FACTS, budget=budget), self._open_seconds
            )
        except SourceError as error:
            return ConnectionTest.failed(error)
        facts = self._session.facts
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=facts.version,
            database=facts.database,
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

        Row counts and sizes come with the catalog, so `time_limit` leaves nothing out.
        """
        await self.open()
        selection = Selection(filters, ascii_case)
        await progress("introspecting", 0.0, {})
        reading = Reading(self._session.facts, [])
        await self._databases(reading, filters, selection)
        for done, row in enumerate(reading.databases):
            whole = len(reading.databases)
            await self._database(reading, row.name, filters, selection)
            await progress("introspecting", 0.9 * (done + 1) / whole, _counts(reading))
        if selection.warnings():
            await self._show_other_names(reading, selection)

        def assembled(_session: SnowflakeSession, _budget: Budget) -> Introspection:
            with collector_held():
                reading.sort()
                return assemble(reading, filters=filters, selection=selection, level=statistics)

        # Seconds for ten thousand tables, so it is not done in the event loop.
        found = await self._read(assembled)
        await progress("introspecting", 1.0, found.counts())
        return found

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
        """The identifier in double quotes, its own doubled."""
        return quote(identifier)

    async def cancel(self) -> None:
        """Stop all calls that run or wait: they raise QueryCanceledError."""
        self._thread.stop_all()

    async def close(self) -> None:
        """Stop what runs, log out, end the thread; within two seconds whatever Snowflake does."""
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
        self, work: Callable[[SnowflakeSession, Budget], T], seconds: float | None = None
    ) -> T:
        budget = Budget(seconds)
        return await self._thread.call(lambda: work(self._session, budget), budget)

    async def _databases(self, reading: Reading, filters: Filters, selection: Selection) -> None:
        """The session's database, or those that the filters name; as far as Snowflake shows them."""
        own, found = reading.facts.database or "", list[DatabaseRow]()
        try:
            found += await self._read(asking.read_databases)
        except _NOT_TOLD as error:
            reading.failures.append(Failure(own, "databases beside it", error))
        if not any(row.name == own for row in found):
            found.append(DatabaseRow(own))
        kept = [row for row in found if selection.database(row.name)]
        if filters.databases is None:
            kept = [row for row in kept if row.name == own]
        reading.databases = sorted(kept, key=lambda row: row.name)

    async def _database(
        self, reading: Reading, name: str, filters: Filters, selection: Selection
    ) -> None:
        """Everything about one database; what of it cannot be read is kept as a failure."""
        try:
            is_whole = await self._relations(reading, name, filters, selection)
        except _NOT_TOLD as error:
            if len(reading.databases) == 1:
                raise
            reading.failures.append(Failure(name, "tables", error))
            return
        if not any(one.database == name for one in reading.relations):
            return
        for part, step in Details(reading, name, is_whole).steps():
            try:
                await self._read(step)
            except _NOT_TOLD as error:
                reading.failures.append(Failure(name, part, error))

    async def _relations(
        self, reading: Reading, name: str, filters: Filters, selection: Selection
    ) -> bool:
        """Schemas and tables of a database; whether what was kept is all there is."""
        wanted = narrowing.of_schemas(filters, name)
        schemas = await self._read(
            lambda session, budget: asking.read_schemas(session, name, wanted, budget)
        )
        if not schemas and filters.schemas is None:
            reading.without_schemas.append(name)
        kept = [row for row in schemas if selection.schema(name, row.name)]
        reading.schemas += kept
        if not kept:
            return False
        tables, names = narrowing.of_tables(filters, name), [row.name for row in kept]
        found = await self._read(
            lambda session, budget: asking.read_relations(session, name, tables, names, budget)
        )
        inside = [row for row in found if selection.table(*row.place)]
        reading.relations += inside
        return filters.schemas is None and filters.tables is None and len(inside) == len(found)

    async def _show_other_names(self, reading: Reading, selection: Selection) -> None:
        """Let the selection see what the conditions kept from it, for the sake of its hints."""
        for row in reading.databases:
            everything = narrowing.of_tables(_EVERYTHING, row.name)
            read = partial(_names, row.name, everything)
            for schema, name in await self._read(read):
                selection.schema(row.name, schema)
                selection.table(row.name, schema, name)


def _names(
    database: str, everything: narrowing.Condition, session: SnowflakeSession, budget: Budget
) -> list[tuple[str, str]]:
    try:
        return asking.read_names(session, database, everything, budget)
    except _NOT_TOLD:
        return []


def _counts(reading: Reading) -> dict[str, int]:
    views = len(reading.places("VIEW"))
    return {
        "tables": len(reading.relations) - views,
        "views": views,
        "columns": len(reading.columns),
    }
