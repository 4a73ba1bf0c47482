"""A SQLite file as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from buster_tasks.errors import (
    DatabaseCorruptError,
    QueryFailedError,
    SourceError,
    SourceNotSupportedError,
    SourceTimeoutError,
)
from buster_tasks.sources.base import ConnectionTest, Progress, QueryResult, no_progress
from buster_tasks.sources.blocking import BlockingThread, Budget
from buster_tasks.sources.credentials import SqliteCredentials
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel
from buster_tasks.sources.sqlite.assembly import Sizing, assemble
from buster_tasks.sources.sqlite.catalog import (
    RelationRow,
    StatisticsRow,
    count_rows,
    read_facts,
    read_relations,
    read_sizes,
    read_statistics,
    read_structure,
)
from buster_tasks.sources.sqlite.issues import SCHEMA
from buster_tasks.sources.sqlite.reading import Reading
from buster_tasks.sources.sqlite.session import SqliteSession

T = TypeVar("T")

_OLDEST = (3, 37)
_OPEN_SECONDS = 10.0
_TABLES_PER_REPORT = 32
_EVERYTHING = Filters()


class SqliteSource:
    """A SQLite file that is read and never written or created.

    `lock_seconds` is how long a lock of another connection is waited for; `count_seconds` the time for counting
    the rows of one table, and for adding up the sizes of all.
    """

    kind: Literal["sqlite"] = "sqlite"

    def __init__(
        self,
        credentials: SqliteCredentials,
        *,
        lock_seconds: float = 2.0,
        count_seconds: float = 2.0,
    ) -> None:
        self._path = credentials.path
        self._count_seconds = count_seconds
        self._session = SqliteSession(
            credentials.path, read_only=credentials.read_only, lock_seconds=lock_seconds
        )
        self._thread = BlockingThread("sqlite-source", self._session.interrupt)

    @property
    def database(self) -> str:
        """The name of the database: the file's name without its ending."""
        return Path(self._path).stem

    @property
    def statements(self) -> int:
        """How many statements were run up to now."""
        return self._session.statements

    async def open(self) -> None:
        """Open the file; does nothing when it is open. Raises SourceError."""
        if sqlite3.sqlite_version_info < _OLDEST:
            raise SourceNotSupportedError(
                f"This Python has SQLite {sqlite3.sqlite_version}; its catalog can be read from 3.37 on.",
                fix="Use a Python that was built with a newer SQLite.",
            )
        budget = Budget(_OPEN_SECONDS)
        await self._thread.call(lambda: self._session.open(budget), budget)

    async def test(self) -> ConnectionTest:
        """Whether the file can be read, and with which SQLite."""
        began = time.perf_counter()
        try:
            await self.open()
            await self._read(lambda session, budget: session.rows("SELECT 1", budget=budget))
        except SourceError as error:
            return ConnectionTest.failed(error)
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=sqlite3.sqlite_version,
            database=self.database,
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

        `time_limit` in seconds bounds the counting of rows and sizes; past it they are estimates, or None.
        """
        selection = Selection(filters, ascii_case)
        ends = Budget(time_limit)
        await self.open()
        await progress("introspecting", 0.0, {})
        relations = await self._read(read_relations)
        kept = self._kept(relations, selection)
        views = sum(relation.kind == "view" for relation in kept)
        await progress("introspecting", 0.1, {"tables": len(kept) - views, "views": views})
        structure = await self._read(lambda session, budget: read_structure(session, kept, budget))
        analyzed = await self._statistics(relations)
        await progress("introspecting", 0.4, {"columns": len(structure.columns)})
        lost = {one.name for one in structure.unreadable}
        countable = [one.name for one in kept if one.kind != "view" and one.name not in lost]
        sizing = await self._measure(countable, ends, progress)
        facts = await self._read(read_facts)
        names = [relation.name for relation in relations]

        def assembled(_session: SqliteSession, _budget: Budget) -> Introspection:
            reading = Reading(self.database, kept, structure, names=names, statistics=analyzed)
            return assemble(
                reading, sizing, facts, filters=filters, selection=selection, level=statistics
            )

        # Seconds for ten thousand tables, so it is not done in the event loop.
        found = await self._read(assembled)
        await progress("introspecting", 1.0, found.counts())
        return found

    async def execute(
        self, sql: str, *, max_rows: int = 1_000, timeout: float = 30.0
    ) -> QueryResult:
        """At most `max_rows` rows of one reading statement, with SQLite's own types; `timeout` in seconds.

        Raises PermissionDeniedError for what is not a read, QueryFailedError for wrong SQL, SourceTimeoutError.
        """
        await self.open()
        limit = max(0, max_rows)
        return await self._read(
            lambda session, budget: session.select(sql, max_rows=limit, budget=budget), timeout
        )

    def quote(self, identifier: str) -> str:
        """The identifier in double quotes, its own doubled."""
        return '"' + identifier.replace('"', '""') + '"'

    async def cancel(self) -> None:
        """Stop all calls that run or wait: they raise QueryCanceledError."""
        self._thread.stop_all()

    async def close(self) -> None:
        """Stop what runs, close the file, end the thread."""
        await self._thread.close(self._session.close)

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
        self, work: Callable[[SqliteSession, Budget], T], seconds: float | None = None
    ) -> T:
        budget = Budget(seconds)
        return await self._thread.call(lambda: work(self._session, budget), budget)

    def _kept(self, relations: Sequence[RelationRow], selection: Selection) -> list[RelationRow]:
        """What the filters keep, without the tables whose names SQLite has for itself."""
        return [
            relation
            for relation in relations
            if not ascii_case(relation.name).startswith("sqlite_")
            and selection.table(self.database, SCHEMA, relation.name)
        ]

    async def _statistics(self, relations: Sequence[RelationRow]) -> list[StatisticsRow]:
        if not any(relation.name == "sqlite_stat1" for relation in relations):
            return []
        return await self._read(read_statistics)

    async def _measure(self, tables: Sequence[str], ends: Budget, progress: Progress) -> Sizing:
        """Rows and bytes of the tables as far as the time goes; what fails for one is noted, and the rest goes on."""
        sizing = Sizing()
        for at, table in enumerate(tables):
            try:
                sizing.counted[table] = await self._count(table, ends)
            except (SourceTimeoutError, QueryFailedError, DatabaseCorruptError) as error:
                sizing.uncounted[table] = error
            if (at + 1) % _TABLES_PER_REPORT == 0 or at + 1 == len(tables):
                done = (at + 1) / len(tables)
                await progress("introspecting", 0.4 + 0.5 * done, {"tables_counted": at + 1})
        try:
            sizing.bytes = await self._read(read_sizes, self._allowance(ends))
        except (SourceTimeoutError, DatabaseCorruptError) as error:
            sizing.unsized = error
        return sizing

    async def _count(self, table: str, ends: Budget) -> int:
        quoted = self.quote(table)
        return await self._read(
            lambda session, budget: count_rows(session, quoted, budget), self._allowance(ends)
        )

    def _allowance(self, ends: Budget) -> float:
        left = ends.left()
        return self._count_seconds if left is None else min(self._count_seconds, left)
