"""A data source in memory that does what a test tells it."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Literal, Self

from buster_tasks.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.base import (
    MOST_BYTES,
    ConnectionTest,
    Progress,
    QueryResult,
    no_progress,
)
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.filters import Selection, exact_case
from buster_tasks.sources.quoting import in_double_quotes
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel
from buster_tasks.sources.statistics import measure, measured_level
from buster_tasks.testing.narrowing import narrowed

Call = Literal["open", "test", "introspect", "execute", "close"]
Respond = Callable[[str], QueryResult | None]

_EVERYTHING = Filters()
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_WRITING = (
    *("insert", "update", "delete", "merge", "replace", "create", "drop", "alter", "truncate"),
    *("grant", "revoke", "copy", "begin", "commit", "set"),
)


class Gate:
    """Where a call of a `FakeSource` waits until the test opens it."""

    def __init__(self) -> None:
        self._reached, self._opened = asyncio.Event(), asyncio.Event()

    def open(self) -> None:
        """Let the call go on, and those that come later."""
        self._opened.set()

    async def reached(self) -> None:
        """Return when a call waits here, or has gone through."""
        await self._reached.wait()

    async def pass_through(self) -> None:
        """Wait here until it is open."""
        self._reached.set()
        await self._opened.wait()


class FakeSource:
    """A `DataSource` without a database.

        one = QueryResult((QueryColumn("a"),), [(1,)], truncated=False)
        source = FakeSource(found, {"SELECT 1 AS a": one})
        source.fail("open", AuthenticationError("No."))
        gate = source.hold("execute")

    It introspects what it is given, narrowed by the filters, and answers statements by their text, or by a function
    of the text that gives None for what it does not know. `calls` has every call in order, with a statement's text.
    """

    def __init__(
        self,
        found: Introspection,
        answers: Mapping[str, QueryResult] | Respond | None = None,
        *,
        kind: str | None = None,
    ) -> None:
        self._kind = found.data_source_type if kind is None else kind
        self.calls: list[tuple[str, ...]] = []
        self.is_closed = False
        self._found = found
        self._answer: Respond = answers if callable(answers) else dict(answers or {}).get
        self._failures: defaultdict[str, deque[Exception]] = defaultdict(deque[Exception])
        self._gates: dict[tuple[str, str | None], Gate] = {}
        self._turn = asyncio.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self._cancels = 0

    @property
    def kind(self) -> str:
        """As given, else that of the introspection."""
        return self._kind

    def fail(self, call: Call, error: Exception, *, times: int = 1) -> None:
        """Let the next calls of this name raise the error."""
        self._failures[call].extend([error] * times)

    def hold(self, call: Call, sql: str | None = None) -> Gate:
        """The gate at which calls of this name (with this statement, if given) wait from now on."""
        return self._gates.setdefault((call, sql), Gate())

    async def open(self) -> None:
        """Connect, which here is to be told to."""
        async with self._call("open"):
            pass

    async def test(self) -> ConnectionTest:
        """Ok, or the error that the test was told to end with."""
        try:
            async with self._call("test"):
                pass
        except SourceError as error:
            return ConnectionTest.failed(error)
        name = self._found.databases[0].name if self._found.databases else "fake"
        return ConnectionTest(ok=True, latency_ms=0.01, server_version="1.0", database=name)

    async def introspect(
        self,
        filters: Filters = _EVERYTHING,
        progress: Progress = no_progress,
        *,
        statistics: StatisticsLevel = "none",
        time_limit: float | None = None,
    ) -> Introspection:
        """What was given, as far as the filters keep it; columns are measured by statements, which it must know."""
        selection, cancels = Selection(filters, exact_case), self._cancels

        async def report(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
            await progress(phase, fraction, counts)
            if fraction < 1 and self._cancels != cancels:
                raise _canceled()

        async with self._call("introspect"):
            await report("introspecting", 0.0, {})
            found = narrowed(self._found, selection)
            issues = [*found.issues, *selection.warnings()]
            found = found.model_copy(update={"filters": filters, "issues": issues})
            await report("introspecting", 1.0, found.counts())
        level = measured_level(statistics)
        if level is None:
            return found
        return await measure([self], found, level, ends=Budget(time_limit), progress=report)

    async def execute(
        self,
        sql: str,
        *,
        max_rows: int = 1_000,
        max_bytes: int | None = MOST_BYTES,
        timeout: float = 30.0,
    ) -> QueryResult:
        """The answer to the statement, within the limits. Raises QueryFailedError for an unknown one."""
        async with self._call("execute", sql, seconds=timeout):
            _check_reading(sql)
            answer = self._answer(sql)
            if answer is None:
                raise QueryFailedError(
                    f"Nobody told this source what to answer to: {sql}", fix="Add it to `answers`."
                )
        found = Collected(max(0, max_rows), max_bytes, page=len(answer.rows) + 1)
        found.take(answer.rows)
        truncated = answer.truncated or found.truncated
        return QueryResult(answer.columns, found.rows, truncated=truncated)

    def quote(self, identifier: str) -> str:
        """The identifier in double quotes, its own doubled."""
        return in_double_quotes(identifier)

    def qualified(self, database: str, schema: str, name: str) -> str:
        """Schema and name, each quoted."""
        return f"{self.quote(schema)}.{self.quote(name)}"

    async def cancel(self) -> None:
        """Let every call that waits at a gate, and each introspection, raise QueryCanceledError."""
        self._cancels += 1
        for waiting in list(self._waiting):
            if not waiting.done():
                waiting.set_exception(_canceled())

    async def close(self) -> None:
        """Stop what waits; may be called twice."""
        self.calls.append(("close",))
        self.is_closed = True
        await self.cancel()
        await self._held("close", None, None)
        self._fail_if_told("close")

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

    @asynccontextmanager
    async def _call(
        self, name: Call, sql: str | None = None, *, seconds: float | None = None
    ) -> AsyncGenerator[None]:
        self._check_not_closed()
        self.calls.append((name,) if sql is None else (name, sql))
        async with self._turn:
            self._check_not_closed()
            await self._held(name, sql, seconds)
            self._fail_if_told(name)
            yield

    def _check_not_closed(self) -> None:
        if self.is_closed:
            raise ConnectionFailedError(
                "The source is closed.", fix="Connect again.", transient=False
            )

    def _fail_if_told(self, name: str) -> None:
        if self._failures[name]:
            raise self._failures[name].popleft()

    async def _held(self, name: str, sql: str | None, seconds: float | None) -> None:
        """Wait at the gate, if there is one, until it opens, the time is over or somebody cancels."""
        gate = self._gates.get((name, sql)) or self._gates.get((name, None))
        if gate is None:
            return
        stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        passing = asyncio.ensure_future(gate.pass_through())
        self._waiting.add(stopped)
        try:
            await asyncio.wait(
                {stopped, passing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if stopped.done():
                stopped.result()
            if not passing.done():
                raise SourceTimeoutError(f"It did not end within {seconds or 0:g} s.")
        finally:
            self._waiting.discard(stopped)
            passing.cancel()


def _canceled() -> QueryCanceledError:
    return QueryCanceledError("The statement was canceled.")


def _check_reading(sql: str) -> None:
    """Refuse what does not begin as a read, or is several statements; quotes are heeded, comments are not."""
    text = sql.strip().removesuffix(";")
    if ";" in _QUOTED.sub("", text):
        raise PermissionDeniedError("There is more than one statement.", fix="Send one SELECT.")
    words = text.split(maxsplit=1)
    if words and words[0].lower() in _WRITING:
        raise PermissionDeniedError(
            f"A data source is only read, and this is {words[0]!r}.", fix="Send one SELECT."
        )
