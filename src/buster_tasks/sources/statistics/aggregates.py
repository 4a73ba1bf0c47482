"""Statistics of all rows of a table, computed by the source in a few statements for each column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from buster_tasks.errors import (
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.schema import HistogramBucket, TopValue
from buster_tasks.sources.statistics.asking import OF_THE_STATEMENT, Asker, Row, issue_of, whole
from buster_tasks.sources.statistics.computing import (
    MOST_TOP_VALUES,
    is_counted,
    is_ordered,
    of_frequencies,
)
from buster_tasks.sources.statistics.dialect import number_literal
from buster_tasks.sources.statistics.histogram import buckets, edges, on_scale
from buster_tasks.sources.statistics.model import ColumnStatistics, Target, TargetColumn
from buster_tasks.sources.statistics.sampling import Sampled
from buster_tasks.sources.statistics.values import json_value

_COLUMNS_AT_ONCE = 25
_APPROXIMATE_FROM = 1_000_000
_MOST_FREQUENCIES = 1_000
_COMING_AGAIN = 4
_LONGEST_CUT = 1_000
_WIDE = ("text", "unknown")
_DAY = 86_400


async def aggregate_table(asker: Asker, target: Target, sampled: Sampled) -> None:
    """Put what all rows tell into `sampled`, over what some of them told. Raises SourceError, TimeIsUpError.

    What takes too long leaves the estimates of the sample, and an issue.
    """
    columns = [one for one in target.columns if one.name in sampled.columns]
    work = _Aggregates(asker, target, sampled)
    for start in range(0, len(columns), _COLUMNS_AT_ONCE):
        try:
            await work.measure(columns[start : start + _COLUMNS_AT_ONCE])
        except SourceTimeoutError as error:
            sampled.issues.append(issue_of(target, error))
            return


class _Aggregates:
    """The statements for one table."""

    def __init__(self, asker: Asker, target: Target, sampled: Sampled) -> None:
        self._asker, self._dialect = asker, asker.dialect
        self._target, self._sampled = target, sampled
        self._table = asker.table(target)
        self._is_approximate = (
            self._dialect.approximate_distinct is not None
            and (sampled.rows or 0) > _APPROXIMATE_FROM
        )

    async def measure(self, columns: Sequence[TargetColumn]) -> None:
        """Measure these columns, in halves where they cannot be measured together."""
        selects = [_Select(self._asker, one, approximate=self._is_approximate) for one in columns]
        parts = [self._dialect.count(), *(part for one in selects for part in one.parts)]
        text = ", ".join(f"{part} AS c{at}" for at, part in enumerate(parts))
        try:
            rows, _ = await self._asker.rows(f"SELECT {text} FROM {self._table}", 1)
        except (QueryFailedError, PermissionDeniedError) as error:
            if len(columns) == 1:
                self._keep_estimate(columns[0], error)
                return
            middle = len(columns) // 2
            await self.measure(columns[:middle])
            await self.measure(columns[middle:])
            return
        self._sampled.rows, self._sampled.is_exact = whole(rows[0][0]) or 0, True
        at = 1
        for column, select in zip(columns, selects, strict=True):
            await self._finish(column, select, rows[0][at : at + len(select.parts)])
            at += len(select.parts)

    def _keep_estimate(self, column: TargetColumn, error: SourceError) -> None:
        self._sampled.issues.append(issue_of(self._target, error, column.name))

    async def _finish(self, column: TargetColumn, select: _Select, row: Row) -> None:
        """Make the column's statistics of its part of the row, and ask for what needs a statement of its own."""
        rows = self._sampled.rows or 0
        estimated = self._sampled.columns[column.name]
        known = select.read(row, rows)
        low, high = known.pop("low", None), known.pop("high", None)
        if is_ordered(column):
            known["min_value"], known["max_value"] = json_value(low), json_value(high)
        known |= {
            "sample_values": estimated.sample_values,
            "semantic_type": estimated.semantic_type,
            "measured_rows": rows,
            "statistics_kind": "estimate" if select.is_approximate else "exact",
        }
        try:
            known |= await self._details(column, known, low, high)
        except OF_THE_STATEMENT as error:
            self._keep_estimate(column, error)
        self._sampled.columns[column.name] = ColumnStatistics.model_validate(known)

    async def _details(
        self, column: TargetColumn, known: dict[str, object], low: object, high: object
    ) -> dict[str, object]:
        distinct, nulls = known.get("distinct_count"), known["null_count"]
        if not isinstance(distinct, int) or not isinstance(nulls, int) or not is_counted(column):
            return {}
        name = self._asker.quoted([column.name])[0]
        frequencies = self._dialect.frequencies(column, name, self._table, _LONGEST_CUT)
        if distinct <= _MOST_FREQUENCIES:
            rows, is_more = await self._asker.rows(frequencies, 2 * _MOST_FREQUENCIES)
            if not is_more:
                details = of_frequencies(column, _merged(rows))
                if not _is_cut(column, rows):
                    details["distinct_count"] = len(rows)
                    if known["statistics_kind"] == "estimate":
                        details["statistics_kind"] = "exact"
                return details
        details = dict[str, object]()
        if distinct * _COMING_AGAIN <= (self._sampled.rows or 0) - nulls:
            details["top_values"] = await self._top(column, frequencies)
        details["histogram"] = await self._histogram(column, name, low, high)
        return details

    async def _top(self, column: TargetColumn, frequencies: str) -> list[TopValue]:
        statement = self._dialect.limited(f"{frequencies} ORDER BY n DESC, v", MOST_TOP_VALUES)
        rows, _ = await self._asker.rows(statement, MOST_TOP_VALUES)
        return [TopValue(value=json_value(value), count=whole(count) or 0) for value, count in rows]

    async def _histogram(
        self, column: TargetColumn, name: str, low: object, high: object
    ) -> list[HistogramBucket] | None:
        kind = column.normalized_type
        first, last = on_scale(kind, low), on_scale(kind, high)
        if first is None or last is None or first == last:
            return None
        distance = self._distance(column, name, first)
        if distance is None:
            return None
        cuts = edges(first, last)
        number = len(cuts) - 1
        bucket = self._dialect.bucket(distance, _span(first, last) / number)
        present = self._dialect.ordered(column, name)
        rows, _ = await self._asker.rows(
            f"SELECT b, {self._dialect.count()} AS n FROM (SELECT {bucket} AS b FROM {self._table} "
            f"WHERE {present} IS NOT NULL) AS g GROUP BY b",
            number + 10,
        )
        counts = [0] * number
        for at, count in rows:
            if at is not None:
                counts[min(max(whole(at) or 0, 0), number - 1)] += whole(count) or 0
        return buckets(cuts, counts)

    def _distance(self, column: TargetColumn, name: str, low: object) -> str | None:
        """How far a value is from the least one, in SQL."""
        if isinstance(low, date):
            seconds = self._dialect.seconds(column.normalized_type, name)
            return None if seconds is None else f"({seconds} - {number_literal(_seconds(low))})"
        if not isinstance(low, int | float | Decimal):
            return None
        value = self._dialect.readable(column, name)
        return f"({self._dialect.as_float(f'({value} - {number_literal(low)})')})"


class _Select:
    """The aggregates of one column, and what they gave."""

    def __init__(self, asker: Asker, column: TargetColumn, *, approximate: bool) -> None:
        self.is_approximate = approximate and is_counted(column)
        dialect = asker.dialect
        name = asker.quoted([column.name])[0]
        asked = {"present": dialect.count(name)}
        if is_counted(column):
            compared = dialect.compared(column, name)
            asked["distinct_count"] = dialect.distinct(compared, approximate=approximate)
        if is_ordered(column):
            ordered = dialect.ordered(column, name)
            for key, function in (("low", "MIN"), ("high", "MAX")):
                shown = dialect.shown(column, f"{function}({ordered})")
                is_wide = column.normalized_type in _WIDE
                asked[key] = dialect.cut(shown, _LONGEST_CUT) if is_wide else shown
        length = self._length(asker, column, name)
        if length is not None:
            asked |= {
                "shortest_length": f"MIN({length})",
                "longest_length": f"MAX({length})",
                "average_length": dialect.average(length),
            }
        self._names, self.parts = list(asked), list(asked.values())

    def _length(self, asker: Asker, column: TargetColumn, name: str) -> str | None:
        if column.normalized_type == "binary":
            return asker.dialect.octets(name)
        if column.normalized_type == "text":
            return asker.dialect.length(asker.dialect.readable(column, name))
        return None

    def read(self, row: Row, rows: int) -> dict[str, object]:
        """The fields of the statistics, and `low` and `high` as they came."""
        known = dict(zip(self._names, row, strict=True))
        known["null_count"] = rows - (whole(known.pop("present")) or 0)
        for name in ("distinct_count", "shortest_length", "longest_length"):
            if name in known:
                known[name] = whole(known[name])
        average = known.get("average_length")
        if average is not None:
            known["average_length"] = round(float(str(average)), 2)
        return known


def _is_cut(column: TargetColumn, rows: Sequence[Row]) -> bool:
    """Whether some of the values are only the beginnings of such."""
    return column.normalized_type in _WIDE and any(
        isinstance(value, str | bytes) and len(value) >= _LONGEST_CUT for value, _count in rows
    )


def _merged(rows: Sequence[Row]) -> list[tuple[object, int]]:
    return [(value, whole(count) or 0) for value, count in rows]


def _span(low: object, high: object) -> float:
    if isinstance(low, date) and isinstance(high, date):
        return _seconds(high) - _seconds(low)
    return float(high - low)  # type: ignore[operator]  # numbers, as `on_scale` gave them


def _seconds(value: date) -> float:
    """Since 1970."""
    if not isinstance(value, datetime):
        return float((value - date(1970, 1, 1)).days * _DAY)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - epoch).total_seconds()
