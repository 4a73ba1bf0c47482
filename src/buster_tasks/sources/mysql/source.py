"""A MySQL or MariaDB server as a data source: calls go to one thread, and end when their time or their caller does."""

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
from buster_tasks.sources.credentials import MysqlCredentials
from buster_tasks.sources.filters import Selection, ascii_case, exact_case
from buster_tasks.sources.mysql import asking, details, issues, narrowing
from buster_tasks.sources.mysql.assembly import assemble
from buster_tasks.sources.mysql.catalog import RelationRow
from buster_tasks.sources.mysql.reading import DATABASE, SEQUENCE, Reading
from buster_tasks.sources.mysql.rights import Rights, read_rights
from buster_tasks.sources.mysql.session import MysqlSession
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel

T = TypeVar("T")

_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 0.7
_EVERYTHING = Filters()


class MysqlSource:
    """A server that is read and never written.

    A database is a schema of the same name here, and all that the user may see are read unless the filters say which;
    the one of the credentials is where statements of `execute` run. `read_seconds` is how long the server may be
    silent while it works on a statement.
    """

    kind: Literal["mysql"] = "mysql"

    def __init__(self, credentials: MysqlCredentials, *, read_seconds: float = 300.0) -> None:
        milliseconds = credentials.connection_timeout
        self._open_seconds = _OPEN_SECONDS if milliseconds is None else milliseconds / 1000
        self._session = MysqlSession(credentials, read_seconds=read_seconds)
        self._thread = BlockingThread(
            "mysql-source", self._session.interrupt, self._session.abandon
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
        except SourceError as error:
            return ConnectionTest.failed(error)
        server = self._session.server
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=server.version,
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

        Row counts and sizes come with the catalog, as estimates, so `time_limit` leaves nothing out.
        """
        await self.open()
        ignores_case = self._session.server.ignores_case
        selection = Selection(filters, ascii_case if ignores_case else exact_case)
        await progress("introspecting", 0.0, {})
        reading, is_whole = await self._relations(filters, selection)
        views = len(reading.view_places())
        counts = {"tables": len(reading.relations) - views, "views": views}
        await progress("introspecting", 0.2, counts)
        if reading.relations:
            await self._details(reading, progress, statistics, is_whole=is_whole)

        def assembled(_session: MysqlSession, _budget: Budget) -> Introspection:
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
        """The identifier in backticks, its own doubled."""
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
        self, work: Callable[[MysqlSession, Budget], T], seconds: float | None = None
    ) -> T:
        budget = Budget(seconds)
        return await self._thread.call(lambda: work(self._session, budget), budget)

    async def _relations(self, filters: Filters, selection: Selection) -> tuple[Reading, bool]:
        """What the filters keep, and whether that is all there is."""
        databases, tables = narrowing.of_databases(filters), narrowing.of_tables(filters)
        found = await self._read(
            lambda session, budget: asking.read_relations(session, databases, tables, budget)
        )
        kept = [row for row in found if _is_kept(row, selection)]
        kept.sort(key=lambda row: row.place)
        if selection.warnings():
            await self._show_other_names(selection)
        reading = Reading(
            server=self._session.server,
            databases=[row for row in kept if row.kind == DATABASE],
            relations=[row for row in kept if row.kind != DATABASE],
            rights=await self._rights(),
        )
        is_whole = (
            len(kept) == sum(row.kind != SEQUENCE for row in found) and filters.tables is None
        )
        return reading, is_whole

    async def _show_other_names(self, selection: Selection) -> None:
        """Let the selection see what the server's conditions kept from it, for the sake of its hints."""
        everything = narrowing.of_databases(_EVERYTHING)
        names = await self._read(
            lambda session, budget: asking.read_names(session, everything, budget)
        )
        for schema, name in names:
            selection.schema(schema, schema)
            selection.table(schema, schema, name)

    async def _rights(self) -> Rights | None:
        """What we may see; None where the server does not tell, as one that checks no rights at all."""
        try:
            return read_rights(await self._read(asking.read_grants))
        except (QueryFailedError, PermissionDeniedError):
            return None

    async def _details(
        self, reading: Reading, progress: Progress, level: StatisticsLevel, *, is_whole: bool
    ) -> None:
        kept = narrowing.of_kept([row.place for row in reading.relations], all_of_them=is_whole)
        await self._read(partial(details.columns, reading, kept))
        await progress("introspecting", 0.5, {"columns": len(reading.columns)})
        steps = details.steps(reading, kept, with_distinct=level != "none")
        for done, (name, step) in enumerate(steps, 1):
            try:
                await self._read(step)
            except (QueryFailedError, PermissionDeniedError) as error:
                reading.failed[name] = error
            await progress("introspecting", 0.5 + 0.4 * done / len(steps), {})


def _is_kept(row: RelationRow, selection: Selection) -> bool:
    if row.kind == DATABASE:
        return selection.schema(row.schema, row.schema)
    return row.kind != SEQUENCE and selection.table(row.schema, row.schema, row.name)
