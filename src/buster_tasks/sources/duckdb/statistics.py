"""Statistics in DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect
from buster_tasks.sources.statistics.model import TargetColumn


class DuckdbStatistics(StatisticsDialect):
    """Samples by a hash of the row id: DuckDB's own are only repeatable with one thread."""

    approximate_distinct = "approx_count_distinct"

    def ordered(self, column: TargetColumn, name: str) -> str:
        return (
            f"nullif({name}, 'NaN')"
            if column.normalized_type == "float"
            else super().ordered(column, name)
        )

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        most = min(int(wanted.share * 2**64), 2**64 - 1)
        return [
            f"SELECT {select} FROM {wanted.table} WHERE hash(rowid, {wanted.seed}) < {most}::UBIGINT",
            (
                f"SELECT {select} FROM {wanted.table} "
                f"USING SAMPLE reservoir({wanted.rows} ROWS) REPEATABLE ({wanted.seed})"
            ),
        ]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        return f"epoch({name})"
