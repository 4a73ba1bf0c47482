"""Numbers: exact, marked as an estimate, or None; and how far an introspection is."""

from __future__ import annotations

from collections.abc import Mapping

from buster_tasks.sources.schema import Table
from buster_tasks.testing.conformance.check import Trial, check
from buster_tasks.testing.fixture import OTHER_TABLES, tables
from taskkit.testing.conformance.check import expect, expect_that


async def _told(trial: Trial) -> dict[str, Table]:
    found = await trial.found()
    return {one.name: one for one in found.tables if one.schema_name == trial.dialect.schema}


@check()
async def unknown_is_none(trial: Trial) -> None:
    """A number of rows is told exactly when its kind is not "unknown"; what is unknown is no zero."""
    for table in (await _told(trial)).values():
        is_told = table.row_count is not None
        expect(f"rows told of {table.name!r}", is_told, table.row_count_kind != "unknown")
    for column in (await trial.found()).columns:
        numbers = (column.distinct_count, column.null_count)
        if column.statistics_kind is None:
            expect(f"statistics of {column.table}.{column.name}", numbers, (None, None))


@check()
async def exact_counts_are_true(trial: Trial) -> None:
    """A number called exact is the number of rows, also of a table whose name exists twice."""
    found, dialect = await trial.found(), trial.dialect
    told = {(one.schema_name, one.name): one for one in found.tables}
    facts = [(dialect.schema, table) for table in tables(dialect)]
    if dialect.other_schema is not None:
        facts += [(dialect.other_schema, table) for table in OTHER_TABLES]
    for schema, table in facts:
        one = told.get((schema, table.name))
        if one is not None and one.row_count_kind == "exact":
            expect(f"the rows of {schema}.{table.name}", one.row_count, len(table.rows))


@check()
async def counts_are_of_the_promised_kind(trial: Trial) -> None:
    """What the source cannot know exactly it does not call exact, and what it can it does."""
    allowed = {"exact"} if trial.dialect.row_counts == "exact" else {"estimate", "unknown"}
    for table in (await _told(trial)).values():
        kind = table.row_count_kind
        expect_that(
            f"row_count_kind of {table.name!r}", kind in allowed, expected=str(allowed), came=kind
        )


@check()
async def statistics_are_as_asked(trial: Trial) -> None:
    """Without statistics none are told; a level that is not to be had is an issue, not an error."""
    found = await trial.found()
    expect("the level", found.statistics, "none")
    more = await trial.source.introspect(statistics="full")
    if more.statistics != "full":
        codes = {issue.code for issue in more.issues}
        expect("an issue", "STATISTICS_LEVEL_NOT_AVAILABLE" in codes, True)


@check()
async def progress_goes_up_to_the_end(trial: Trial) -> None:
    """Progress begins at 0 or above, never goes back, and ends at 1 with the counts of what was found."""
    reports: list[tuple[float, dict[str, int]]] = []

    async def report(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        expect_that("the phase", phase, expected="named", came=phase)
        reports.append((fraction, dict(counts)))

    found = await trial.source.introspect(progress=report)
    fractions = [fraction for fraction, _counts in reports]
    expect("progress", fractions, sorted(fractions))
    expect_that("reports", len(reports) > 1, expected="several", came=fractions)
    expect("the last report", reports[-1], (1.0, found.counts()))


@check()
async def no_time_for_numbers_loses_no_structure(trial: Trial) -> None:
    """With a time limit of 0 all tables and columns are there, and only optional numbers may be missing."""
    whole, hurried = await trial.found(), await trial.source.introspect(time_limit=0)
    names = [(one.table, one.name) for one in whole.columns]
    expect("the columns", [(one.table, one.name) for one in hurried.columns], names)
    expect("complete", hurried.complete, True)
