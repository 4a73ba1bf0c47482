"""A data source over a driver that blocks: what all of them share, around a session that only its kind knows."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from buster_tasks.errors import (
    DriverMissingError,
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.base import (
    MOST_BYTES,
    ConnectionTest,
    Progress,
    QueryResult,
    Step,
    Steps,
    no_progress,
    share_of,
)
from buster_tasks.sources.blocking import BlockingThread, Budget, reminded
from buster_tasks.sources.filters import check_filters
from buster_tasks.sources.quoting import in_double_quotes
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel
from buster_tasks.sources.statistics import StatisticsDialect, measure, measured_level

_EVERYTHING = Filters()
_STRUCTURE_SHARE = 0.3


class Session(Protocol):
    """One connection that only reads. `interrupt` and `abandon` come from any thread, all else from one."""

    @property
    def statements(self) -> int:
        """How many statements were asked up to now, beside those that set up the session."""
        ...

    def open(self, budget: Budget) -> None:
        """Connect, also after the connection was lost; does nothing when connected. Raises SourceError."""
        ...

    def select(
        self, sql: str, /, *, max_rows: int, max_bytes: int | None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError, for whatever would write too."""
        ...

    def interrupt(self) -> None:
        """Stop the statement that runs now."""
        ...

    def abandon(self) -> None:
        """Make what blocks fail, without asking the server."""
        ...

    def close(self) -> None:
        """Give the connection back; may be called twice."""
        ...


_operation: ContextVar[Budget | None] = ContextVar("buster_tasks_operation", default=None)

SessionT = TypeVar("SessionT", bound=Session)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which server answers, with which database, and whom it takes us for."""

    server_version: str | None
    database: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an introspection is asked for; what is optional may be left out once `ends` is spent."""

    filters: Filters
    statistics: StatisticsLevel
    ends: Budget
    interrupt: Callable[[], None] = lambda: None
    """Stops the statement that runs."""

    @contextmanager
    def optional(self, budget: Budget, seconds: float | None = None) -> Generator[Budget]:
        """The budget of a statement that an introspection can do without; with `ends` it is over, and stopped."""
        with self.limited(seconds, Budget(self.ends.left(), within=budget)) as own:
            yield own

    @contextmanager
    def limited(self, seconds: float | None, budget: Budget) -> Generator[Budget]:
        """The budget of a statement that may take so long; past that it is stopped."""
        own = Budget(seconds, within=budget)
        with reminded(own, self.interrupt):
            yield own

    def forgives(self, error: SourceError) -> bool:
        """Whether an optional statement that ends so costs no more than what it would have told."""
        if isinstance(error, SourceTimeoutError):
            return self.ends.is_spent
        return isinstance(error, PermissionDeniedError | QueryFailedError)


class BlockingSource(ABC, Generic[SessionT]):
    """A `DataSource` whose calls go to one thread, and end when their time or their caller does.

    A subclass says its `kind`, makes the session, and reads the catalog in steps short enough for progress in between.
    `product` and `extra` are the names for the message that a driver is missing.
    """

    kind: str
    product: ClassVar[str]
    extra: ClassVar[str]
    statistics_dialect: ClassVar[StatisticsDialect] = StatisticsDialect()
    names_databases: ClassVar[bool] = False
    """Whether statements name a table with its database."""

    open_seconds: ClassVar[float] = 10.0
    close_seconds: ClassVar[float | None] = 0.7
    """How long the last statement may take to end, and again the connection; together less than a task has to close."""

    def __init__(self, *, connection_timeout: int | None = None) -> None:
        """`connection_timeout` in milliseconds, as credentials have it."""
        if connection_timeout is not None:
            self._open_seconds = connection_timeout / 1_000
        else:
            self._open_seconds = self.open_seconds
        self._session: SessionT | None = None
        self._operations: set[Budget] = set()
        self._thread = BlockingThread(f"{self.kind}-source", self._interrupt, self._abandon)

    @property
    def statements(self) -> int:
        """How many statements were asked up to now, beside those that set up session and transactions."""
        return self._session.statements if self._session is not None else 0

    async def open(self) -> None:
        """Connect, also after the connection was lost; does nothing when connected. Raises SourceError."""
        await self._read(lambda session, budget: session.open(budget), self._open_seconds)

    async def test(self) -> ConnectionTest:
        """Whether the source answers, which it is, and whom it takes us for."""
        began = time.perf_counter()
        try:
            with self._operation():
                await self.open()
                identity = await self._read(self._identify, self._open_seconds)
        except SourceError as error:
            return ConnectionTest.failed(error)
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1_000, 3),
            server_version=identity.server_version,
            database=identity.database,
            user=identity.user,
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

        Past `time_limit` seconds what is optional is left out, as far as it takes time of its own.
        """
        check_filters(filters)
        level, ends = measured_level(statistics), Budget(time_limit)
        if level is None:
            wanted = Wanted(filters, statistics, ends, self._interrupt)
            return await self._structure(wanted, progress)
        with self._operation():
            found = await self._structure(
                Wanted(filters, "catalog", ends, self._interrupt),
                share_of(progress, 0.0, _STRUCTURE_SHARE),
            )
            measuring = share_of(progress, _STRUCTURE_SHARE, 1.0)
            return await measure([self], found, level, ends=ends, progress=measuring)

    async def _structure(self, wanted: Wanted, progress: Progress) -> Introspection:
        with self._operation() as operation:
            await self.open()
            steps = await self._read(lambda session, _: self._scan(session, wanted, operation))
            reached = 0.0
            try:
                while True:
                    step = await self._thread.call(lambda: _advanced(steps), operation)
                    if isinstance(step, Introspection):
                        await progress("introspecting", 1.0, step.counts())
                        return step
                    reached = max(
                        reached, step[0]
                    )  # a source of several databases begins anew with each
                    await progress("introspecting", reached, step[1])
            finally:
                # What it has open is closed where it was opened, in the thread, and nobody needs to wait for that.
                self._thread.post(steps.close)

    async def execute(
        self,
        sql: str,
        *,
        max_rows: int = 1_000,
        max_bytes: int | None = MOST_BYTES,
        timeout: float = 30.0,
    ) -> QueryResult:
        """At most so many rows and bytes of one reading statement, values by the column's type; `timeout` in seconds.

        Bytes are counted as `collected.size_of` does; a row that would be over a limit is left out whole. Raises
        PermissionDeniedError for what is not a read, QueryFailedError for wrong SQL, SourceTimeoutError.
        """
        limit = max(0, max_rows)
        with self._operation():
            await self.open()
            return await self._read(
                lambda session, budget: session.select(
                    sql, max_rows=limit, max_bytes=max_bytes, budget=budget
                ),
                timeout,
            )

    def quote(self, identifier: str) -> str:
        """The identifier in double quotes, its own doubled."""
        return in_double_quotes(identifier)

    def qualified(self, database: str, schema: str, name: str) -> str:
        """A table's or view's whole name as a statement wants it, each part quoted."""
        parts = (database, schema, name) if self.names_databases else (schema, name)
        return ".".join(self.quote(part) for part in parts)

    async def cancel(self) -> None:
        """Stop all calls that run or wait, an introspection between two steps too: they raise QueryCanceledError."""
        for operation in self._operations:
            operation.stop()
        self._thread.stop_all()

    async def close(self) -> None:
        """Stop what runs, give the connection back, end the thread; soon, whatever the server does."""
        await self._thread.close(self._close, patience=self.close_seconds)

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

    @abstractmethod
    def _make_session(self) -> SessionT:
        """The session, not connected. What needs the driver is imported here or when it is opened."""

    @abstractmethod
    def _identify(self, session: SessionT, budget: Budget) -> Identity:
        """Ask the server something small, in the thread."""

    @abstractmethod
    def _scan(self, session: SessionT, wanted: Wanted, budget: Budget) -> Steps:
        """Read the catalog, in the thread. Raises SourceError.

        The budget has no end of its own: `Budget(seconds, within=budget)` is one for a statement.
        """

    async def _read(self, work: Callable[[SessionT, Budget], T], seconds: float | None = None) -> T:
        """What the work in the thread returns. Raises QueryCanceledError where `cancel` has stopped all of it."""
        budget = Budget(seconds, within=_operation.get())
        return await self._thread.call(lambda: work(self._made(), budget), budget)

    @contextmanager
    def _operation(self) -> Generator[Budget]:
        """What `cancel` stops as a whole, also when it comes between two calls of the thread."""
        operation = Budget(None, within=_operation.get())
        self._operations.add(operation)
        before = _operation.set(operation)
        try:
            yield operation
        finally:
            _operation.reset(before)
            self._operations.discard(operation)

    def _made(self) -> SessionT:
        if self._session is None:
            try:
                self._session = self._make_session()
            except ImportError as error:
                raise DriverMissingError.of(self.product, self.extra, error) from error
        return self._session

    def _interrupt(self) -> None:
        if self._session is not None:
            self._session.interrupt()

    def _abandon(self) -> None:
        if self._session is not None:
            self._session.abandon()

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()


def _advanced(steps: Steps) -> Step | Introspection:
    """The next step, or what was found."""
    try:
        return next(steps)
    except StopIteration as end:
        found: Introspection = end.value
        return found
