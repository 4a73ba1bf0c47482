"""Results that show less than it seems: cut, empty, or nothing but NULL."""

from __future__ import annotations

from collections.abc import Iterator

from buster_tasks.analyst.findings import Check
from buster_tasks.sources.base import QueryResult


def truncated(result: QueryResult) -> Iterator[Check]:
    """TRUNCATED_EVIDENCE: there are more rows than these."""
    if result.truncated:
        yield Check(
            code="TRUNCATED_EVIDENCE",
            severity="warning",
            message=f"The result was cut after {result.row_count} rows: counts, totals and extremes of it are not "
            "those of all. Aggregate in the statement.",
        )


def empty(result: QueryResult) -> Iterator[Check]:
    """EMPTY_EVIDENCE: no rows, or rows of nothing but NULL (ALL_NULL)."""
    if not result.rows:
        yield Check(
            code="EMPTY_EVIDENCE",
            severity="warning",
            message="The result has no rows. Look whether its filters are right before saying that there is nothing.",
        )
    elif all(cell is None for row in result.rows for cell in row):
        yield Check(
            code="ALL_NULL",
            severity="warning",
            message="The result has nothing but NULL: no row came through the filters, or the columns have no values.",
        )


def has_nothing(result: QueryResult) -> bool:
    """Whether there is no row, or one row of zeros and NULLs, which is what aggregates give of no rows."""
    return not result.rows or all(not cell for row in result.rows for cell in row)
