"""A Redshift database as a data source.

Calls go to one thread, since the driver blocks, and end when their time or their caller does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from buster_tasks.errors import DriverMissingError, SourceError
from buster_tasks.sources.base import ConnectionTest, Progress, QueryResult, no_progress
from buster_tasks.sources.blocking import BlockingThread, Budget
from buster_tasks.sources.credentials import RedshiftCredentials
from buster_tasks.sources.postgres.issues import quote
from buster_tasks.sources.redshift.scan import Scan
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel

if TYPE_CHECKING:
    from buster_tasks.sources.redshift.session import RedshiftSession

T = TypeVar("T")

_CONNECT_SECONDS = 10.0
# Twice this, and what it takes to end a thread, are less than a task has to close its source.
_CLOSE_SECONDS = 0.6
_EVERYTHING = Filters()


class RedshiftSource:
    """A Redshift database of which everything is read and nothing written; it takes the extra `redshift`.

    One database is read, that of the credentials: each has a catalog of its own.
    """

    kind: Literal["redshift"] = "redshift"

    def __init__(self, credentials: RedshiftCredentials) -> None:
        self._credentials = credentials
        wanted = credentials.connection_timeout
        self._connect_seconds = _CONNECT_SECONDS if wanted is None else wanted / 1_000
        self._session: RedshiftSession | None = None
        self._thread = BlockingThread("redshift-source", self._interrupt, self._abandon)
        self._scanning: Budget | None = None

    @property
    def statements(self) -> int:
        """How many statements were run up to now, without those that begin and end transactions."""
        return self._session.statements if self._session is not None else 0

    async def open(self) -> None:
        """Connect; does nothing when connected. Raises SourceError."""
        session = self._made()
        await self._read(session.open, self._connect_seconds)

    async def test(self) -> ConnectionTest:
        """Whether the server answers, as which user in which database."""
        began = time.perf_counter()
        try:
            session = self._made()
            await self.open()
            user, database = await self._read(session.whoami, self._connect_seconds)
        except SourceError as error:
            return ConnectionTest.failed(error)
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1_000, 3),
            server_version=session.server_version,
            database=database,
            user=user,
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

        Rows and sizes come with the catalog and take no time of their own, so `time_limit` changes nothing. With the
        statistics `catalog` columns have what ANALYZE found out about their values.
        """
        session = self._made()
        scan = Scan(session, filters, statistics)
        await self.open()
        budget = Budget(None)
        steps = scan.steps(budget)
        self._scanning = budget
        try:
            while step := await self._thread.call(lambda: next(steps, None), budget):
                await progress("introspecting", *step)
        finally:
            self._scanning = None
            # The transaction ends where it began, in the thread, and nobody needs to wait for that.
            self._thread.post(steps.close)
        assert scan.found is not None
        return scan.found

    async def execute(
        self, sql: str, *, max_rows: int = 1_000, timeout: float = 30.0
    ) -> QueryResult:
        """At most `max_rows` rows of one SELECT, values by type as in `values.py`; `timeout` in seconds.

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
        return quote(identifier)

    async def cancel(self) -> None:
        """Stop all calls that run or wait: they raise QueryCanceledError."""
        if self._scanning is not None:  # it may be between two statements
            self._scanning.stopped = True
        self._thread.stop_all()

    async def close(self) -> None:
        """Stop what runs, close the connection, end the thread; within 1.2 s also when the server does not answer."""
        await self._thread.close(self._discard, patience=_CLOSE_SECONDS)

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

    def _made(self) -> RedshiftSession:
        if self._session is None:
            try:
                from buster_tasks.sources.redshift.session import RedshiftSession
            except ImportError as error:
                raise DriverMissingError.of("Redshift", "redshift", error) from error
            self._session = RedshiftSession(self._credentials, self._connect_seconds)
        return self._session

    async def _read(self, work: Callable[[Budget], T], seconds: float) -> T:
        budget = Budget(seconds)
        return await self._thread.call(lambda: work(budget), budget)

    def _interrupt(self) -> None:
        if self._session is not None:
            self._session.interrupt()

    def _abandon(self) -> None:
        if self._session is not None:
            self._session.abandon()

    def _discard(self) -> None:
        if self._session is not None:
            self._session.discard()
