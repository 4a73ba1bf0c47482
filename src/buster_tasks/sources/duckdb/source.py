"""A DuckDB file as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from buster_tasks.errors import DriverMissingError, SourceError
from buster_tasks.sources.base import ConnectionTest, Progress, QueryResult, no_progress
from buster_tasks.sources.blocking import BlockingThread, Budget
from buster_tasks.sources.credentials import DuckdbCredentials
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel

if TYPE_CHECKING:
    from buster_tasks.sources.duckdb.session import DuckdbSession

T = TypeVar("T")

_OPEN_SECONDS = 10.0
_EVERYTHING = Filters()


class DuckdbSource:
    """A DuckDB file that is read and never written or created; DuckDB may touch no other file and load nothing."""

    kind: Literal["duckdb"] = "duckdb"

    def __init__(self, credentials: DuckdbCredentials) -> None:
        self._credentials = credentials
        self._session: DuckdbSession | None = None
        self._thread = BlockingThread("duckdb-source", self._interrupt)

    @property
    def statements(self) -> int:
        """How many statements were run up to now, without those that begin and end transactions."""
        return self._session.statements if self._session is not None else 0

    async def open(self) -> None:
        """Open the file; does nothing when it is open. Raises SourceError."""
        session = self._made()
        await self._read(session.open, _OPEN_SECONDS)

    async def test(self) -> ConnectionTest:
        """Whether the file can be read, and with which DuckDB."""
        began = time.perf_counter()
        try:
            await self.open()
            answer = await self.execute("SELECT current_database()", timeout=_OPEN_SECONDS)
        except SourceError as error:
            return ConnectionTest.failed(error)
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1_000, 3),
            server_version=self._made().version(),
            database=str(answer.rows[0][0]),
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

        Rows are DuckDB's own estimate, which takes no time of its own, so `time_limit` changes nothing.
        """
        selection = Selection(filters, ascii_case)
        session = self._made()
        from buster_tasks.sources.duckdb.assembly import Assembly
        from buster_tasks.sources.duckdb.catalog import read_catalog

        await self.open()
        await progress("introspecting", 0.0, {})
        catalog = await self._read(lambda budget: read_catalog(session, budget))
        await progress("introspecting", 0.5, {"tables": len(catalog.tables)})

        def assembled(_budget: Budget) -> Introspection:
            return Assembly(catalog, selection).introspection(filters, statistics)

        # seconds for a large catalog, so it is not done in the event loop
        found = await self._read(assembled)
        await progress("introspecting", 1.0, found.counts())
        return found

    async def execute(
        self, sql: str, *, max_rows: int = 1_000, timeout: float = 30.0
    ) -> QueryResult:
        """At most `max_rows` rows of one SELECT, values as the driver gives them; `timeout` in seconds.

        Raises PermissionDeniedError for what is not a read, QueryFailedError for wrong SQL, SourceTimeoutError.
        """
        session = self._made()
        await self.open()
        limit = max(0, max_rows)
        return await self._read(
            lambda budget: session.select(sql, max_rows=limit, budget=budget), timeout
        )

    def quote(self, identifier: str) -> str:
        """The identifier in double quotes, its own doubled."""
        return '"' + identifier.replace('"', '""') + '"'

    async def cancel(self) -> None:
        """Stop all calls that run or wait: they raise QueryCanceledError."""
        self._thread.stop_all()

    async def close(self) -> None:
        """Stop what runs, close the file, end the thread."""
        await self._thread.close(self._discard)

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

    def _made(self) -> DuckdbSession:
        if self._session is None:
            try:
                from buster_tasks.sources.duckdb.session import DuckdbSession
            except ImportError as error:
                raise DriverMissingError.of("DuckDB", "duckdb", error) from error
            self._session = DuckdbSession(
                self._credentials.path, read_only=self._credentials.read_only
            )
        return self._session

    async def _read(self, work: Callable[[Budget], T], seconds: float | None = None) -> T:
        budget = Budget(seconds)
        return await self._thread.call(lambda: work(budget), budget)

    def _interrupt(self) -> None:
        if self._session is not None:
            self._session.interrupt()

    def _discard(self) -> None:
        if self._session is not None:
            self._session.close()
