"""Statistics in the SQL of MySQL and MariaDB, which have no sampling of their own."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect, in_blocks
from buster_tasks.sources.statistics.model import TargetColumn

_READ_WHOLE_UP_TO = 2_000_000


class MysqlStatistics(StatisticsDialect):
    """Samples by chance with a seed, which reads all rows; of more than two millions from a hundred places.

    The latter takes a primary key that is one column of whole numbers.
    """

    length_function, octets_function = "CHAR_LENGTH", "LENGTH"
    text_type = "CHAR"
    float_type = "DOUBLE"

    def compared(self, column: TargetColumn, name: str) -> str:
        readable = self.readable(column, name)
        if column.normalized_type in ("text", "unknown"):
            return f"CAST(CONVERT({readable} USING utf8mb4) AS BINARY)"
        return readable

    def shown(self, column: TargetColumn, compared: str) -> str:
        if column.normalized_type in ("text", "unknown"):
            return f"CONVERT({compared} USING utf8mb4)"
        return compared

    def as_float(self, expression: str) -> str:
        return f"({expression} + 0e0)"  # CAST to DOUBLE is younger than many servers

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        by_chance = (
            f"SELECT {select} FROM {wanted.table} WHERE RAND({wanted.seed}) < {wanted.share!r}"
        )
        if wanted.of <= _READ_WHOLE_UP_TO or wanted.numbered is None:
            return [by_chance]
        return [in_blocks(select, wanted, wanted.numbered), by_chance]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        return f"TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {name}) / 1e6"
