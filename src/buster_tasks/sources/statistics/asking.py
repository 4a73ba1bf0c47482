"""Asking a source for statistics: each statement with a time of its own, within the time of all."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.errors import (
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.base import DataSource
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.schema import Issue
from buster_tasks.sources.statistics.dialect import StatisticsDialect, dialect_of
from buster_tasks.sources.statistics.model import Sampling, Target

Row = tuple[object, ...]

# these concern one statement; after any other error the next one would fail as well
OF_THE_STATEMENT = (QueryFailedError, PermissionDeniedError, SourceTimeoutError)

_BY_HAND = "Query it by hand: its type, or one of its values, may not be readable."


class TimeIsUpError(Exception):
    """There is no time left for measuring; nobody but this room sees it."""


class Asker:
    """One connection that measures one table after the other."""

    def __init__(self, source: DataSource, sampling: Sampling, ends: Budget) -> None:
        self._source, self._ends = source, ends
        self.sampling = sampling
        self.dialect: StatisticsDialect = dialect_of(source)

    def quoted(self, names: Sequence[str]) -> list[str]:
        """The names as the source's SQL wants them."""
        return [self._source.quote(name) for name in names]

    def table(self, target: Target) -> str:
        """The table's whole name in SQL."""
        return self._source.qualified(target.database, target.schema_name, target.name)

    async def rows(self, sql: str, most: int) -> tuple[list[Row], bool]:
        """At most so many rows, and whether there are more. Raises SourceError, TimeIsUpError."""
        left = self._ends.left()
        if self._ends.is_spent:
            raise TimeIsUpError
        seconds = self.sampling.statement_seconds
        try:
            answer = await self._source.execute(
                sql, max_rows=most, timeout=seconds if left is None else min(seconds, left)
            )
        except SourceTimeoutError as error:
            if self._ends.is_spent:
                raise TimeIsUpError from error
            raise
        return [tuple(row) for row in answer.rows], answer.truncated

    async def count(self, table: str) -> int:
        """The number of rows. Raises SourceError, TimeIsUpError."""
        rows, _ = await self.rows(f"SELECT {self.dialect.count()} FROM {table}", 1)
        return whole(rows[0][0]) or 0


def whole(value: object) -> int | None:
    """A number that a source gave as whatever it has for numbers, as an int."""
    return (
        None if value is None else int(float(str(value))) if not isinstance(value, int) else value
    )


def issue_of(target: Target, error: SourceError, column: str | None = None) -> Issue:
    """Why a table, or a column of it, has no statistics."""
    name = str(target.place) if column is None else f"{target.place}.{column}"
    return Issue(
        scope="table" if column is None else "column",
        object=name,
        code=f"NOT_MEASURED_{error.code}",
        message=f"{name} could not be measured: {error.message}",
        # the statement is ours, so its error's own fix is for nobody
        fix=_BY_HAND if isinstance(error, QueryFailedError) else error.fix,
    )
