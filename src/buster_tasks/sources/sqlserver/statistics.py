"""Statistics in T-SQL."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect
from buster_tasks.sources.statistics.model import TargetColumn

_TEXTS = ("text", "json", "unknown")


class SqlserverStatistics(StatisticsDialect):
    """Samples by pages with a seed. Texts are told apart by their characters, but for blanks at their end."""

    octets_function = "DATALENGTH"
    text_type, float_type = "NVARCHAR(MAX)", "FLOAT"
    approximate_distinct = "APPROX_COUNT_DISTINCT"

    def readable(self, column: TargetColumn, name: str) -> str:
        return self.as_text(name) if column.normalized_type in _TEXTS else name

    def compared(self, column: TargetColumn, name: str) -> str:
        readable = self.readable(column, name)
        return (
            f"{readable} COLLATE Latin1_General_BIN2"
            if column.normalized_type in _TEXTS
            else readable
        )

    def cut(self, text: str, length: int) -> str:
        return f"SUBSTRING({text}, 1, {length})"

    def length(self, text: str) -> str:
        return f"DATALENGTH({text}) / 2"  # LEN leaves out blanks at the end

    def count(self, of: str = "*") -> str:
        return f"COUNT_BIG({of})"

    def limited(self, statement: str, rows: int) -> str:
        return f"SELECT TOP ({rows}) {statement.removeprefix('SELECT ')}"

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        return [
            f"SELECT {select} FROM {wanted.table} TABLESAMPLE ({wanted.percent} PERCENT) REPEATABLE ({wanted.seed + 1})"
        ]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        return f"(DATEDIFF_BIG(MILLISECOND, '19700101', {name}) / 1000.0)"
