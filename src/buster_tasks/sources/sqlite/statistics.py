"""Statistics in SQLite's SQL, where any column may hold any type of value."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect, in_blocks
from buster_tasks.sources.statistics.model import TargetColumn

_READ_WHOLE_UP_TO = 2_000_000
_UNIX_EPOCH = 2_440_587.5


class SqliteStatistics(StatisticsDialect):
    """Samples by the row id: of all rows up to two millions, from a hundred places of larger tables."""

    octets_function = "LENGTH"
    text_type = "TEXT"
    float_type = "REAL"

    def cell(self, column: TargetColumn, name: str, cut: int) -> tuple[str, str | None]:
        if column.normalized_type == "binary":
            return self.presence(name), self.octets(name)
        if column.normalized_type in ("array", "struct", "geography"):
            return self.presence(name), None
        length = self.length(name) if column.normalized_type == "text" else None
        return self.cut(name, cut), length

    def readable(self, column: TargetColumn, name: str) -> str:
        return name

    def compared(self, column: TargetColumn, name: str) -> str:
        return f"{name} COLLATE BINARY"

    def cut(self, text: str, length: int) -> str:
        is_long = f"typeof({text}) IN ('text', 'blob')"
        return f"CASE WHEN {is_long} THEN substr({text}, 1, {length}) ELSE {text} END"

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        scattered = (
            f"% 4294967296 * 2654435761 + {Random(wanted.seed).getrandbits(32)}) & 4294967295"
        )
        below = f"< {int(wanted.share * 2**32)}"
        by_row_id = f"SELECT {select} FROM {wanted.table} WHERE ((_rowid_ {scattered}) {below}"
        if wanted.of > _READ_WHOLE_UP_TO:
            by_row_id = in_blocks(select, wanted, "_rowid_")
        numbered = f"(SELECT *, row_number() OVER () AS _buster_row FROM {wanted.table})"
        by_position = f"SELECT {select} FROM {numbered} WHERE ((_buster_row {scattered}) {below}"
        return [by_row_id, by_position]  # views, and tables without row ids, have the second only

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        return f"((julianday({name}) - {_UNIX_EPOCH}) * 86400.0)"

    def bucket(self, distance: str, width: float) -> str:
        # a distance is never below 0, so cutting rounds down; floor() is not compiled in everywhere
        return f"CAST({distance} / {width!r} AS INTEGER)"
