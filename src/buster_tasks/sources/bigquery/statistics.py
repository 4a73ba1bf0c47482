"""Statistics in BigQuery's SQL."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect
from buster_tasks.sources.statistics.model import TargetColumn


class BigqueryStatistics(StatisticsDialect):
    """Samples by blocks, of which alone is paid for; BigQuery takes no seed, so they are others each time."""

    octets_function = "BYTE_LENGTH"
    text_type, float_type = "STRING", "FLOAT64"
    approximate_distinct = "APPROX_COUNT_DISTINCT"

    def as_text(self, name: str) -> str:
        return f"TO_JSON_STRING({name})"

    def ordered(self, column: TargetColumn, name: str) -> str:
        if column.normalized_type == "float":
            return f"IF(IS_NAN({name}), NULL, {name})"
        return super().ordered(column, name)

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        return [
            f"SELECT {select} FROM {wanted.table} TABLESAMPLE SYSTEM ({wanted.percent} PERCENT)"
        ]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        return f"(UNIX_MICROS(TIMESTAMP({name})) / 1e6)"
