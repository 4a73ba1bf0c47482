"""Statistics in Snowflake's SQL."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect
from buster_tasks.sources.statistics.model import TargetColumn

_ROW_BY_ROW_UP_TO = 100_000_000


class SnowflakeStatistics(StatisticsDialect):
    """Samples row by row with a seed up to a hundred millions, of larger tables by micro-partitions."""

    approximate_distinct = "APPROX_COUNT_DISTINCT"

    def ordered(self, column: TargetColumn, name: str) -> str:
        if column.normalized_type == "float":
            return f"NULLIF({name}, CAST('NaN' AS DOUBLE))"
        return super().ordered(column, name)

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        method = "BERNOULLI" if wanted.of <= _ROW_BY_ROW_UP_TO else "SYSTEM"
        return [
            f"SELECT {select} FROM {wanted.table} SAMPLE {method} ({wanted.percent}) SEED ({wanted.seed})"
        ]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        if kind == "date":
            return f"DATE_PART(EPOCH_SECOND, {name})"
        return f"(DATE_PART(EPOCH_MICROSECOND, {name}) / 1e6)"
