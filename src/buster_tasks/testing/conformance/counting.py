"""Numbers: exact, marked as an estimate, or None; and how far an introspection is."""

from __future__ import annotations

from collections.abc import Mapping

from buster_tasks.sources.schema import Column, Table
from buster_tasks.sources.statistics import MeasuredLevel, Sampling, measure
from buster_tasks.testing.conformance.check import Trial, check
from buster_tasks.testing.conformance.structure import facts_of
from buster_tasks.testing.fixture import OTHER_TABLES, ColumnFact, TableFact, tables
from taskkit.testing.conformance.check import expect, expect_that

_MEASURED: tuple[MeasuredLevel, ...] = ("sample", "full")


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
    """Without statistics none are told; a level that is not to be had is an issue, not an error.

    Where columns are measured, small tables are measured whole: what is told of them is exact and true, and the same
    at each level.
    """
    found = await trial.found()
    expect("the level", found.statistics, "none")
    measured: list[Column] = []
    for level in _MEASURED:
        more = await trial.source.introspect(statistics=level)
        if more.statistics != level:
            codes = {issue.code for issue in more.issues}
            expect("an issue", "STATISTICS_LEVEL_NOT_AVAILABLE" in codes, True)
            continue
        known = {(issue.code, issue.object) for issue in found.issues}
        new = [issue for issue in more.issues if (issue.code, issue.object) not in known]
        expect(f"more issues with {level!r}", new, [])
        for table, fact, column in facts_of(trial, more):
            _expect_measured(trial, table, fact, column)
        expect(f"the columns with {level!r}", more.columns, measured or more.columns)
        measured = more.columns


@check()
async def what_the_source_counts_is_true(trial: Trial) -> None:
    """Of tables that are larger than a sample the source counts all rows, which is exact and true as well."""
    found = await trial.found()
    # no table of several rows fits into one
    one_row = Sampling(sample_rows=1)
    counted = await measure([trial.source], found, "full", sampling=one_row)
    lost = [one for one in counted.issues if one.code.startswith("NOT_MEASURED")]
    expect("what could not be counted", lost, [])
    for table, fact, column in facts_of(trial, counted):
        _expect_measured(trial, table, fact, column)


def _expect_measured(trial: Trial, table: TableFact, fact: ColumnFact, column: Column) -> None:
    """What is told of a column is what its rows say."""
    where = f"{table.name}.{fact.name}"
    at = table.columns.index(fact)
    values = [row[at] for row in table.rows if row[at] != "NULL"]
    expect(f"how exact the statistics of {where} are", column.statistics_kind, "exact")
    expect(f"rows measured of {where}", column.measured_rows, len(table.rows))
    expect(f"null values of {where}", column.null_count, len(table.rows) - len(values))
    if fact.type != "binary":
        expect(f"distinct values of {where}", column.distinct_count, len(set(values)))
    if fact.type == "integer":
        numbers = [int(value) for value in values]
        bounds = (min(numbers), max(numbers)) if numbers else (None, None)
        expect(f"least and greatest value of {where}", (column.min_value, column.max_value), bounds)
    if fact.type == "text":
        known = trial.dialect.types["text"]
        texts = [known.value if one == known.literal else one[1:-1] for one in values]
        lengths = (min(map(_length, texts)), max(map(_length, texts))) if texts else (None, None)
        told = (column.shortest_length, column.longest_length)
        expect(f"shortest and longest value of {where}", told, lengths)


def _length(text: object) -> int:
    return len(str(text))


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
async def no_time_loses_no_tables_and_is_told(trial: Trial) -> None:
    """With a time limit of 0 all tables and columns are there, and keys and indexes too, or an issue says what is not.

    Optional numbers may be missing without a word: None says it.
    """
    whole, hurried = await trial.found(), await trial.source.introspect(time_limit=0)
    names = [(one.schema_name, one.table, one.name) for one in whole.columns]
    told = [(one.schema_name, one.table, one.name) for one in hurried.columns]
    expect("the columns", told, names)
    lists = ("tables", "views", "primary_keys", "unique_keys", "foreign_keys", "indexes")
    counts, fewer = whole.counts(), hurried.counts()
    is_whole = all(fewer[name] == counts[name] for name in lists)
    expect_that(
        "what is missing",
        is_whole or not hurried.complete,
        expected="not called complete",
        came=fewer,
    )
    expect_that(
        "the issues",
        hurried.complete or (all(issue.fix for issue in hurried.issues) and hurried.issues),
        expected="what is missing, and what to do",
        came=hurried.issues,
    )
