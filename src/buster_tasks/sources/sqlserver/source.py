"""A SQL Server as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Literal, Self, TypeVar

from buster_tasks.errors import SourceError
from buster_tasks.sources.base import ConnectionTest, Progress, QueryResult, no_progress
from buster_tasks.sources.blocking import BlockingThread, Budget
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.credentials import SqlserverCredentials
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import Filters, Introspection, Issue, StatisticsLevel
from buster_tasks.sources.sqlserver import issues
from buster_tasks.sources.sqlserver.assembly import assemble
from buster_tasks.sources.sqlserver.catalog import DatabaseRow
from buster_tasks.sources.sqlserver.details import Asking, read_databases, run_step
from buster_tasks.sources.sqlserver.reading import SCHEMA, Reading
from buster_tasks.sources.sqlserver.server import Server
from buster_tasks.sources.sqlserver.session import SqlserverSession

T = TypeVar("T")

_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 0.7
_EVERYTHING = Filters()
_MASTER = "master"


class SqlserverSource:
    """A server that is read and never written.

    Without a filter of databases the one of the credentials is read; where that is `master`, which holds nothing of
    anybody's, all that the login may enter. A connection to Azure SQL Database reads its own database alone.
    """

    kind: Literal["sqlserver"] = "sqlserver"

    def __init__(self, credentials: SqlserverCredentials) -> None:
        milliseconds, request = credentials.connection_timeout, credentials.request_timeout
        self._open_seconds = _OPEN_SECONDS if milliseconds is None else milliseconds / 1000
        self._request_seconds = None if request is None else request / 1000
        self._session = SqlserverSession(credentials)
        self._thread = BlockingThread(
            "sqlserver-source", self._session.interrupt, self._session.abandon
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
        """Whether the server answers, which it is, and whom it takes us for."""
        began = time.perf_counter()
        try:
            await self.open()
            await self._read(
                lambda session, budget: session.rows("SELECT 1 AS one", budget=budget),
                self._open_seconds,
            )
            server = self._session.server
        except SourceError as error:
            return ConnectionTest.failed(error)
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=f"{server.version} ({server.edition})",
            database=server.database,
            user=server.user,
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

        Row counts and sizes come with the catalog, as estimates, so `time_limit` leaves nothing out. With the
        statistics `catalog` columns of the connection's own database have what the server's histograms tell.
        """
        await self.open()
        server = self._session.server
        selection = Selection(filters, server.fold)
        await progress("introspecting", 0.0, {})
        wanted, missed = chosen(server, await self._read(read_databases), filters, selection)
        readings: list[Reading] = []
        for at, database in enumerate(wanted):
            share = (at / len(wanted), 0.9 / len(wanted))
            readings.append(
                await self._database(database, filters, selection, statistics, progress, share)
            )

        def assembled(_session: SqlserverSession, _budget: Budget) -> Introspection:
            with collector_held():
                for reading in readings:
                    reading.sort()
                return assemble(
                    server,
                    readings,
                    filters=filters,
                    selection=selection,
                    level=statistics,
                    more=missed,
                )

        # Seconds for ten thousand tables, so it is not done in the event loop.
        found = await self._read(assembled)
        await progress("introspecting", 1.0, found.counts())
        return found

    async def execute(
        self, sql: str, *, max_rows: int = 1_000, timeout: float = 30.0
    ) -> QueryResult:
        """At most `max_rows` rows of one SELECT, values as `values.py` says; `timeout` in seconds.

        Raises PermissionDeniedError for what is not a read, QueryFailedError for wrong SQL, SourceTimeoutError.
        """
        await self.open()
        limit = max(0, max_rows)
        return await self._read(
            lambda session, budget: session.select(sql, max_rows=limit, budget=budget), timeout
        )

    def quote(self, identifier: str) -> str:
        """The identifier in brackets, its own doubled."""
        return issues.quote(identifier)

    async def cancel(self) -> None:
        """Stop all calls that run or wait: they raise QueryCanceledError."""
        self._thread.stop_all()

    async def close(self) -> None:
        """Stop what runs, give the connection back, end the thread; within two seconds whatever the server does."""
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
        self, work: Callable[[SqlserverSession, Budget], T], seconds: float | None = None
    ) -> T:
        """What the work returns; the credentials' `request_timeout` holds for each statement of the catalog."""
        budget = Budget(self._request_seconds if seconds is None else seconds)
        return await self._thread.call(lambda: work(self._session, budget), budget)

    async def _database(
        self,
        database: DatabaseRow,
        filters: Filters,
        selection: Selection,
        level: StatisticsLevel,
        progress: Progress,
        share: tuple[float, float],
    ) -> Reading:
        """What the filters keep of one database; `share` is where its part of the progress begins, and its length."""
        asking, (begin, length) = Asking(database.name, filters), share
        found = await self._read(asking.relations)
        name = database.name
        relations = [
            row for row in found
            if row.kind != SCHEMA and selection.table(name, row.schema, row.name)
        ]  # fmt: skip
        full = {row.schema for row in relations}
        schemas = [
            row for row in found
            if row.kind == SCHEMA and (row.schema != "guest" or row.schema in full)
            and selection.schema(name, row.schema)
        ]  # fmt: skip
        reading = Reading(database, schemas, relations)
        if selection.warnings():
            for schema, table in await self._read(asking.names):
                selection.table(name, schema, table)
        await progress("introspecting", begin + 0.2 * length, {"tables": len(relations)})
        if not relations:
            return reading
        await self._read(partial(asking.columns, reading))
        is_current = name == self._session.server.database
        steps = asking.steps(reading, level, is_current=is_current)
        for done, (part, step) in enumerate(steps):
            fraction = begin + length * (0.5 + 0.5 * done / len(steps))
            await progress("introspecting", fraction, {"columns": len(reading.columns)})
            await self._read(run_step(reading, part, step))
        return reading


def chosen(
    server: Server, databases: list[DatabaseRow], filters: Filters, selection: Selection
) -> tuple[list[DatabaseRow], list[Issue]]:
    """The databases to read, and an issue for each that the filters keep and that cannot be."""
    kept = [one for one in databases if selection.database(one.name)]
    if filters.databases is None:
        is_master = server.database == _MASTER and not server.has_one_database
        kept = [one for one in kept if (one.name == server.database) != is_master]
        closed: list[DatabaseRow] = []  # nobody asked for those in particular
    else:
        closed = [one for one in kept if not one.may_enter]
    opened = [one for one in kept if one.may_enter]
    if not server.has_one_database:
        return opened, issues.not_entered(server, closed)
    own = [one for one in opened if one.name == server.database]
    away = [one for one in kept if one.name != server.database]
    return own, issues.out_of_reach(server, away)
