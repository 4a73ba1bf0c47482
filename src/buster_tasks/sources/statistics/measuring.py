"""Measuring the tables of an introspection, several at once over several connections, within a time limit."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

import anyio

from buster_tasks.errors import (
    QueryCanceledError,
    SourceError,
)
from buster_tasks.sources.base import DataSource, Progress, no_progress
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.schema import Column, Introspection, Issue, Table
from buster_tasks.sources.statistics.aggregates import aggregate_table
from buster_tasks.sources.statistics.asking import Asker, TimeIsUpError, issue_of
from buster_tasks.sources.statistics.model import (
    SOME_ROWS,
    Measured,
    MeasuredLevel,
    Place,
    Sampling,
    TableStatistics,
    Target,
    TargetColumn,
)
from buster_tasks.sources.statistics.sampling import sample_table

_DEFAULT = Sampling()
_MOST_ISSUES = 20
_MOST_NAMES = 5
_FAILURES_IN_A_ROW = 2


async def measure(
    sources: Sequence[DataSource],
    found: Introspection,
    level: MeasuredLevel,
    *,
    sampling: Sampling = _DEFAULT,
    ends: Budget | None = None,
    progress: Progress = no_progress,
) -> Introspection:
    """The introspection with the statistics of its tables and materialized views; issues tell what has none.

    `sources` are connections to the same source, each of which measures one table at a time. Once `ends` is spent the
    rest stays unmeasured. Raises QueryCanceledError when a source is canceled; no other SourceError leaves here.
    """
    measured = await measure_tables(
        sources, targets_of(found), level, sampling=sampling, ends=ends, progress=progress
    )
    return with_statistics(found, level, [measured])


def targets_of(found: Introspection) -> list[Target]:
    """What can be measured: every table and materialized view with its columns, the smallest first."""
    columns: defaultdict[Place, list[TargetColumn]] = defaultdict(list)
    for one in found.columns:
        columns[_place_of(one)].append(_target_column(one))
    relations = [one for one in found.tables if one.type != "VIEW"]
    known = {_place_of_table(one) for one in relations}
    targets = [_target(_place_of_table(one), one, columns) for one in relations]
    for view in found.views:
        place = Place(view.database, view.schema_name, view.name)
        if view.is_materialized and place not in known:
            targets.append(_target(place, None, columns))
    # whatever the time is enough for, it is so for the most tables
    targets.sort(key=lambda one: (one.row_count is None, one.row_count or 0, one.place))
    return [one for one in targets if one.columns]


async def measure_tables(
    sources: Sequence[DataSource],
    targets: Sequence[Target],
    level: MeasuredLevel,
    *,
    sampling: Sampling = _DEFAULT,
    ends: Budget | None = None,
    progress: Progress = no_progress,
) -> Measured:
    """What these tables tell, whatever part of a catalog they are. Raises as `measure` does."""
    work = _Work(targets, level, sampling, Budget(None) if ends is None else ends, progress)
    await progress("measuring", 0.0, work.counts())
    if len(sources) == 1:
        await work.carry_on(sources[0])
    else:
        async with anyio.create_task_group() as group:
            for source in sources:
                group.start_soon(work.carry_on, source)
    if work.canceled is not None:
        raise work.canceled
    return work.measured()


def with_statistics(
    found: Introspection, level: MeasuredLevel, parts: Iterable[Measured]
) -> Introspection:
    """The introspection with what its parts were measured to hold, and the issues of all of them.

    Where only some rows are visible, what these tell is an estimate, and the number of all is what it was before.
    """
    parts = list(parts)
    by_place = {table.place: table for part in parts for table in part.tables}
    in_part = {
        _place_of_table(one) for one in found.tables if one.metadata.get("readable") == SOME_ROWS
    }
    for place in in_part & by_place.keys():
        by_place[place] = _estimated(by_place[place])
    columns = [_with_column(one, by_place.get(_place_of(one))) for one in found.columns]
    tables = [_with_rows(one, by_place.get(_place_of_table(one))) for one in found.tables]
    issues = [*found.issues, *_issues_of(parts)]
    was_measured = any(table.columns for table in by_place.values())
    delivered = level if was_measured or not targets_of(found) else found.statistics
    return found.model_copy(
        update={"columns": columns, "tables": tables, "issues": issues, "statistics": delivered}
    )


class _Work:
    """The tables that are left, shared by all connections, and what the others told."""

    def __init__(
        self,
        targets: Sequence[Target],
        level: MeasuredLevel,
        sampling: Sampling,
        ends: Budget,
        progress: Progress,
    ) -> None:
        self._left, self._number = deque(targets), len(targets)
        self._level, self._sampling, self._ends, self._progress = level, sampling, ends, progress
        self._columns = 0
        self._tables: list[TableStatistics] = []
        self._issues: list[Issue] = []
        self._unmeasured: list[str] = []
        self._first_rows: list[str] = []
        self.canceled: QueryCanceledError | None = None

    def counts(self) -> dict[str, int]:
        """How much is measured up to now."""
        return {"tables_measured": len(self._tables), "columns_measured": self._columns}

    def measured(self) -> Measured:
        """All of it."""
        unmeasured = [*self._unmeasured, *(str(one.place) for one in self._left)]
        return Measured(
            tables=self._tables,
            issues=self._issues,
            unmeasured=unmeasured,
            first_rows=self._first_rows,
        )

    async def carry_on(self, source: DataSource) -> None:
        """Measure one table after the other over this connection, until none or no time is left."""
        asker = Asker(source, self._sampling, self._ends)
        failures = 0
        while self._left and not self._ends.is_spent and self.canceled is None:
            target = self._left.popleft()
            try:
                await self._measure(asker, target)
                failures = 0
            except TimeIsUpError:
                self._unmeasured.append(str(target.place))
            except QueryCanceledError as error:
                self._left.appendleft(target)
                self.canceled = error
            except SourceError as error:
                self._issues.append(issue_of(target, error))
                failures += 1
                if failures == _FAILURES_IN_A_ROW:
                    return  # the others may have more luck; whatever nobody measures is told
            await self._report()

    async def _measure(self, asker: Asker, target: Target) -> None:
        sampled = await sample_table(asker, target)
        try:
            if self._level == "full" and not sampled.is_whole:
                await aggregate_table(asker, target, sampled)
        except TimeIsUpError:
            # what the sample told is better than nothing
            self._unmeasured.append(str(target.place))
        is_estimate = any(
            one.statistics_kind == "estimate" and one.measured_rows != sampled.rows
            for one in sampled.columns.values()
        )
        if sampled.is_first and is_estimate:
            self._first_rows.append(str(target.place))
        self._issues += sampled.issues
        self._columns += len(sampled.columns)
        self._tables.append(
            TableStatistics(
                schema=target.schema_name,
                database=target.database,
                name=target.name,
                row_count=sampled.rows if sampled.is_exact else None,
                columns=sampled.columns,
            )
        )

    async def _report(self) -> None:
        done = 1 - len(self._left) / self._number
        await self._progress("measuring", done, self.counts())


def _place_of_table(table: Table) -> Place:
    return Place(table.database, table.schema_name, table.name)


def _place_of(column: Column) -> Place:
    return Place(column.database, column.schema_name, column.table)


def _target(
    place: Place, table: Table | None, columns: defaultdict[Place, list[TargetColumn]]
) -> Target:
    return Target(
        schema=place.schema,
        database=place.database,
        name=place.table,
        row_count=None if table is None else table.row_count,
        row_count_kind="unknown" if table is None else table.row_count_kind,
        columns=columns.get(place, []),
    )


def _target_column(column: Column) -> TargetColumn:
    return TargetColumn(
        name=column.name,
        data_type=column.data_type,
        normalized_type=column.normalized_type,
        max_length=column.max_length,
        is_primary_key=column.is_primary_key,
    )


def _with_column(column: Column, table: TableStatistics | None) -> Column:
    statistics = None if table is None else table.columns.get(column.name)
    if statistics is None:
        return column
    return column.model_copy(update=statistics.known())


def _estimated(measured: TableStatistics) -> TableStatistics:
    """The same, where the rows that were looked at are not all."""
    columns = {
        name: one.model_copy(update={"statistics_kind": one.statistics_kind and "estimate"})
        for name, one in measured.columns.items()
    }
    return measured.model_copy(update={"row_count": None, "columns": columns})


def _with_rows(table: Table, known: TableStatistics | None) -> Table:
    if known is None or known.row_count is None:
        return table
    return table.model_copy(update={"row_count": known.row_count, "row_count_kind": "exact"})


def _issues_of(parts: Sequence[Measured]) -> list[Issue]:
    """All issues, but of those that many tables have only the first, and one that counts the others."""
    alike: defaultdict[tuple[str, str], list[Issue]] = defaultdict(list)
    for part in parts:
        for issue in part.issues:
            alike[issue.scope, issue.code].append(issue)
    issues: list[Issue] = []
    for same in alike.values():
        issues += same[:_MOST_ISSUES]
        if len(same) > _MOST_ISSUES:
            issues.append(_more(same[_MOST_ISSUES:]))
    unmeasured = [name for part in parts for name in part.unmeasured]
    if unmeasured:
        issues.append(_unmeasured(unmeasured))
    first_rows = [name for part in parts for name in part.first_rows]
    if first_rows:
        issues.append(_first_rows(first_rows))
    return issues


def _more(issues: list[Issue]) -> Issue:
    names = _named([issue.object for issue in issues])
    return issues[0].model_copy(
        update={
            "scope": "source",
            "object": "statistics",
            "message": f"The same is true of {names}.",
        }
    )


def _unmeasured(names: list[str]) -> Issue:
    return Issue(
        scope="source",
        object="statistics",
        code="STATISTICS_INCOMPLETE",
        message=f"There was no time, or no connection, to measure the whole of {_named(names)}.",
        fix="Allow more time, narrow the tables down, or ask for smaller samples.",
    )


def _first_rows(names: list[str]) -> Issue:
    return Issue(
        scope="source",
        object="statistics",
        code="SAMPLE_OF_FIRST_ROWS",
        message=f"The source has no sampling for {_named(names)}: the rows that it gives first were read.",
        fix="Take the statistics of these for a hint, or ask for 'full'.",
    )


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{len(names):,} tables: {shown}" + (f" and {more:,} more" if more > 0 else "")
