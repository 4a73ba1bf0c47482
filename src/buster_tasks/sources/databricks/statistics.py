"""Statistics in the SQL of Databricks."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect
from buster_tasks.sources.statistics.model import TargetColumn


class DatabricksStatistics(StatisticsDialect):
    """Samples row by row with a seed."""

    text_type, float_type = "STRING", "DOUBLE"
    approximate_distinct = "approx_count_distinct"

    def ordered(self, column: TargetColumn, name: str) -> str:
        if column.normalized_type == "float":
            return f"NULLIF({name}, CAST('NaN' AS DOUBLE))"
        return super().ordered(column, name)

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        return [
            f"SELECT {select} FROM {wanted.table} TABLESAMPLE ({wanted.percent} PERCENT) REPEATABLE ({wanted.seed})"
        ]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        if kind == "date":
            return f"(DATEDIFF({name}, DATE'1970-01-01') * 86400.0)"
        micros = f"UNIX_MICROS(CAST({name} AS TIMESTAMP))"
        if kind == "timestamp":  # which is read in the zone of the session, as this literal is
            micros = f"({micros} - UNIX_MICROS(TIMESTAMP'1970-01-01 00:00:00'))"
        return f"({micros} / 1e6)"
