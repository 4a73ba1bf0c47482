"""What every data source can do, whatever its kind."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, PrivateAttr
from pydantic.alias_generators import to_camel

from buster_tasks.errors import SourceError
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel

MOST_BYTES: Final = 64 * 2**20
"""How large the rows of a result may be altogether, unless a call says otherwise."""


class Progress(Protocol):
    """Told how far an operation is: the phase, the fraction 0 to 1 of it, and what was found up to now.

    Awaited between steps, so it should be quick.
    """

    async def __call__(self, phase: str, fraction: float, counts: Mapping[str, int], /) -> None: ...


async def no_progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
    """A `Progress` that nobody looks at."""


def share_of(progress: Progress, begin: float, end: float) -> Progress:
    """For a part of an operation: its progress from 0 to 1 is told as that of the whole, from `begin` to `end`."""

    async def report(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        await progress(phase, begin + (end - begin) * fraction, counts)

    return report


Step = tuple[float, Mapping[str, int]]
"""How far reading a catalog is: the fraction that is done, and what was found up to now."""

Steps = Generator[Step, None, Introspection]
"""Reading a catalog in steps short enough to report between them; what it returns is what was found."""


class ConnectionTest(BaseModel):
    """Whether the source answers, and as whom we are there. On failure `error_code` and `message` say why."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    ok: bool
    latency_ms: float | None = None
    server_version: str | None = None
    database: str | None = None
    user: str | None = None
    error_code: str | None = None
    message: str | None = None
    _error: SourceError | None = PrivateAttr(default=None)

    @classmethod
    def failed(cls, error: SourceError) -> Self:
        """The test that ended with this error."""
        test = cls(ok=False, error_code=error.code, message=str(error))
        test._error = error
        return test

    def raise_if_failed(self) -> None:
        """Raise what the test ended with; after a round trip over the wire that is a plain SourceError."""
        if not self.ok:
            raise self._error or SourceError(self.message or "The connection test failed.")


@dataclass(frozen=True, slots=True)
class QueryColumn:
    """A column of a result; `data_type` is None where the source does not tell."""

    name: str
    data_type: str | None = None


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The rows of a statement within its limits; `truncated` is True exactly when there were more."""

    columns: tuple[QueryColumn, ...]
    rows: list[tuple[object, ...]]
    truncated: bool

    @property
    def row_count(self) -> int:
        """How many rows are here."""
        return len(self.rows)


class DataSource(Protocol):
    """One connection to one data source, opened at first use; use it as `async with`, or call `close`.

    Calls are carried out one after the other. Cancelling the task that waits for one stops the statement in the
    database too. All conditions of the source are `buster_tasks.errors.SourceError`.
    """

    @property
    def kind(self) -> str:
        """The `type` of its credentials."""
        ...

    async def open(self) -> None:
        """Connect now; does nothing when connected."""
        ...

    async def test(self) -> ConnectionTest:
        """Ask the source for its version. Never raises SourceError: what is wrong is in the answer."""
        ...

    async def introspect(
        self,
        filters: Filters = ...,
        progress: Progress = ...,
        *,
        statistics: StatisticsLevel = ...,
        time_limit: float | None = ...,
    ) -> Introspection:
        """All that the filters keep. After `time_limit` seconds what is optional (row counts, sizes) is left out."""
        ...

    async def execute(
        self, sql: str, *, max_rows: int = ..., max_bytes: int | None = ..., timeout: float = ...
    ) -> QueryResult:
        """Run one reading statement; `timeout` in seconds. Whatever would write is a PermissionDeniedError.

        A result ends before the row that would be over one of the limits, and is `truncated` then.
        """
        ...

    def quote(self, identifier: str) -> str:
        """The identifier as this source's SQL wants it, whatever it holds."""
        ...

    def qualified(self, database: str, schema: str, name: str) -> str:
        """A table's or view's whole name as a statement of `execute` wants it."""
        ...

    async def cancel(self) -> None:
        """Stop what runs now: it raises QueryCanceledError where it is awaited."""
        ...

    async def close(self) -> None:
        """Stop what runs and give the connection back; may be called twice."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


@runtime_checkable
class HasDialect(Protocol):
    """A source whose SQL has another name than its `kind`, for the analyst, which judges and writes statements."""

    @property
    def sql_dialect(self) -> str:
        """The dialect, as sqlglot names it."""
        ...
