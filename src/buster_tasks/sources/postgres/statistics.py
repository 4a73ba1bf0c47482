"""Statistics in PostgreSQL's SQL."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect
from buster_tasks.sources.statistics.model import TargetColumn

_ROW_BY_ROW_UP_TO = 2_000_000


class PostgresStatistics(StatisticsDialect):
    """Samples row by row up to two millions, of larger tables by pages, which reads no more than it needs."""

    text_type = "text"

    def readable(self, column: TargetColumn, name: str) -> str:
        if column.normalized_type in ("text", "json", "unknown"):
            return f"{name}::text"
        return f"{name}::numeric" if column.data_type == "money" else name

    def compared(self, column: TargetColumn, name: str) -> str:
        readable = self.readable(column, name)
        return (
            f'{readable} COLLATE "C"' if column.normalized_type in ("text", "unknown") else readable
        )

    def ordered(self, column: TargetColumn, name: str) -> str:
        compared = self.compared(column, name)
        if column.normalized_type in ("float", "decimal"):
            return f"NULLIF({compared}, 'NaN')"
        return compared

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        method = "BERNOULLI" if wanted.of <= _ROW_BY_ROW_UP_TO else "SYSTEM"
        return [
            f"SELECT {select} FROM {wanted.table} TABLESAMPLE {method} ({wanted.percent}) REPEATABLE ({wanted.seed})"
        ]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        return f"EXTRACT(EPOCH FROM {name})::float8"
