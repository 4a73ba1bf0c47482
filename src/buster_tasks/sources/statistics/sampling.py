"""Some rows of a table by the source's own sampling, or all of them where they are few, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio.to_thread

from buster_tasks.errors import (
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.schema import Issue
from buster_tasks.sources.statistics.asking import Asker, Row, issue_of
from buster_tasks.sources.statistics.computing import Cells, summarize
from buster_tasks.sources.statistics.dialect import SampleWanted
from buster_tasks.sources.statistics.model import ColumnStatistics, Target, TargetColumn

# together less than the bytes that a result may have
_MOST_CELLS = 500_000
_MOST_CHARACTERS = 32_000_000
_LONGEST_CUT, _SHORTEST_CUT = 1_000, 50
_WIDE = ("text", "json", "unknown")


@dataclass(slots=True)
class Sampled:
    """What reading a sample gave; `rows` is the table's number of rows where it is known, `is_exact` if for certain."""

    columns: dict[str, ColumnStatistics] = field(default_factory=dict[str, ColumnStatistics])
    issues: list[Issue] = field(default_factory=list[Issue])
    rows: int | None = None
    is_exact: bool = False
    is_whole: bool = False
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """How rows are read: a statement for a list of columns, and of how many rows they are."""

    statement: Callable[[str], str]
    rows: int | None
    is_first: bool = False


async def sample_table(asker: Asker, target: Target) -> Sampled:
    """The statistics of the table's columns, of all rows where they are no more than the sample may have.

    Raises SourceError for what concerns more than the table, TimeIsUpError.
    """
    reader = _Reader(asker, target)
    most = asker.sampling.sample_rows
    plan = None
    if target.row_count is not None and target.row_count > 2 * most:
        plan = await reader.plan()
    if plan is None and not await reader.read(reader.first(None)):
        reader.forget()
        plan = await reader.plan() or reader.first(reader.sampled.rows)
    if plan is not None:
        await reader.read(plan, is_part=True)
    return reader.sampled


class _Reader:
    """The columns of one table, as long as they can be read."""

    def __init__(self, asker: Asker, target: Target) -> None:
        self._asker, self._target = asker, target
        self._table = asker.table(target)
        self._columns = list(target.columns)
        self._is_known_readable = False
        self.sampled = Sampled(rows=target.row_count, is_exact=target.row_count_kind == "exact")

    def forget(self) -> None:
        """Begin anew, without the columns that cannot be read."""
        self.sampled.columns.clear()

    def first(self, rows: int | None) -> _Plan:
        """Read from the beginning."""
        dialect, most = self._asker.dialect, self._asker.sampling.sample_rows
        # one more, so that there being more is seen
        return _Plan(lambda select: dialect.first(select, self._table, most + 1), rows, True)

    async def plan(self) -> _Plan | None:
        """The source's own sampling, tried with a sample of nothing; the beginning where it has none for the table.

        None where all rows are no more than the sample may have.
        """
        rows, is_exact = self.sampled.rows, self.sampled.is_exact
        most = self._asker.sampling.sample_rows
        if rows is None or rows <= most:
            rows, is_exact = await self._count()
        while rows is not None and rows > most:
            found = await self._tried(rows)
            if found is None:
                break
            plan, came = found
            if most / 4 <= came <= most or (is_exact and came > 0):
                return plan
            if is_exact:
                break
            rows, is_exact = await self._count()  # it is far from what the catalog said
        return None if rows is not None and rows <= most else self.first(rows)

    async def read(self, plan: _Plan, *, is_part: bool = False) -> bool:
        """Whether all rows were read; if so, or if only a part was wanted, `sampled` has what they tell."""
        rows_of = self._asker.sampling.sample_rows
        at_once = max(1, _MOST_CELLS // rows_of)
        columns = list(self._columns)
        for start in range(0, len(columns), at_once):
            if not await self._read(columns[start : start + at_once], plan, is_part=is_part):
                return False
        self.sampled.is_whole = not is_part
        self.sampled.is_first = is_part and plan.is_first
        return True

    async def _read(self, columns: Sequence[TargetColumn], plan: _Plan, *, is_part: bool) -> bool:
        select = _Select(self._asker, columns)
        try:
            rows, is_more = await self._asker.rows(
                plan.statement(select.text), self._asker.sampling.sample_rows
            )
        except (QueryFailedError, PermissionDeniedError) as error:
            return await self._apart(columns, plan, error, is_part=is_part)
        except SourceTimeoutError as error:
            self._lose(columns, error)
            return True
        if is_more and not is_part:
            return False
        if not is_part:
            self.sampled.rows, self.sampled.is_exact = len(rows), True
        total = self.sampled.rows if plan.rows is None else plan.rows
        total = None if total is None else max(total, len(rows))
        found = await anyio.to_thread.run_sync(select.summaries, rows, total, not is_part)
        self.sampled.columns.update(found)
        return True

    async def _apart(
        self, columns: Sequence[TargetColumn], plan: _Plan, error: SourceError, *, is_part: bool
    ) -> bool:
        """Read halves of the columns, so that one that cannot be read costs the others nothing."""
        if len(columns) == 1 or not await self._is_readable(error):
            self._lose(columns, error)
            return True
        middle = len(columns) // 2
        return await self._read(columns[:middle], plan, is_part=is_part) and await self._read(
            columns[middle:], plan, is_part=is_part
        )

    async def _is_readable(self, error: SourceError) -> bool:
        """Whether any column can be: where none is allowed, nor is counting."""
        if isinstance(error, PermissionDeniedError) and not self._is_known_readable:
            try:
                await self._asker.count(self._table)
            except (QueryFailedError, PermissionDeniedError):
                return False
            self._is_known_readable = True
        return True

    def _lose(self, columns: Sequence[TargetColumn], error: SourceError) -> None:
        if len(columns) == len(self._target.columns) > 1:
            self.sampled.issues.append(issue_of(self._target, error))
        else:
            self.sampled.issues += [issue_of(self._target, error, one.name) for one in columns]
        self._columns = [one for one in self._columns if one not in columns]

    async def _count(self) -> tuple[int | None, bool]:
        try:
            rows = await self._asker.count(self._table)
        except (QueryFailedError, PermissionDeniedError, SourceTimeoutError):
            return self.sampled.rows, True
        self.sampled.rows, self.sampled.is_exact = rows, True
        return rows, True

    async def _tried(self, rows: int) -> tuple[_Plan, int] | None:
        """The first way to sample that the source takes, and how many rows it gives."""
        wanted = self._wanted(rows)
        dialect, most = self._asker.dialect, self._asker.sampling.sample_rows
        for at, probe in enumerate(dialect.samples("1 AS c0", wanted)):
            try:
                found, is_more = await self._asker.rows(probe, most)
            except (QueryFailedError, PermissionDeniedError, SourceTimeoutError):
                continue

            def statement(select: str, at: int = at) -> str:
                return dialect.samples(select, wanted)[at]

            return _Plan(statement, rows), len(found) + is_more
        return None

    def _wanted(self, rows: int) -> SampleWanted:
        most = self._asker.sampling.sample_rows
        # as many as come come by chance: with so many fewer there are hardly ever more than may be read
        aim = max(1, round(most - 3 * math.sqrt(most)))
        keys = [one for one in self._target.columns if one.is_primary_key]
        key = self._asker.quoted([one.name for one in keys])
        is_numbered = len(keys) == 1 and keys[0].normalized_type == "integer"
        return SampleWanted(
            self._table, aim, rows, self._asker.sampling.seed, key, key[0] if is_numbered else None
        )


class _Select:
    """The list of a SELECT for some columns, and what its rows tell of them."""

    def __init__(self, asker: Asker, columns: Sequence[TargetColumn]) -> None:
        wide = sum(one.normalized_type in _WIDE for one in columns) or 1
        share = _MOST_CHARACTERS // (asker.sampling.sample_rows * wide)
        self._cut = min(_LONGEST_CUT, max(_SHORTEST_CUT, share))
        self._columns = columns
        names = asker.quoted([one.name for one in columns])
        self._cells = [
            asker.dialect.cell(column, name, self._cut)
            for column, name in zip(columns, names, strict=True)
        ]
        parts = [part for cell in self._cells for part in cell if part is not None]
        self.text = ", ".join(f"{part} AS c{at}" for at, part in enumerate(parts))

    def summaries(
        self, rows: Sequence[Row], total: int | None, is_whole: bool
    ) -> dict[str, ColumnStatistics]:
        """The statistics of each column."""
        read = list(zip(*rows, strict=True)) if rows else []
        at, found = 0, dict[str, ColumnStatistics]()
        for column, (_, length) in zip(self._columns, self._cells, strict=True):
            values = read[at] if read else ()
            lengths = read[at + 1] if read and length is not None else None
            at += 1 if length is None else 2
            cells = self._of(column, values, lengths)
            found[column.name] = summarize(column, cells, rows=total, is_whole=is_whole)
        return found

    def _of(
        self, column: TargetColumn, values: Sequence[object], lengths: Sequence[object] | None
    ) -> Cells:
        if lengths is not None:
            known = [None if one is None else int(str(one)) for one in lengths]
            was_cut = column.normalized_type != "binary" and any(
                (one or 0) > self._cut for one in known
            )
            return Cells(values, known, was_cut)
        if column.normalized_type != "text":
            was_cut = any(isinstance(one, str) and len(one) >= self._cut for one in values)
            return Cells(values, None, was_cut)
        return Cells(values, [None if one is None else len(str(one)) for one in values])
