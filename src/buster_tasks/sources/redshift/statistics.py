"""Statistics in Redshift's SQL, which has no sampling."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.dialect import SampleWanted, StatisticsDialect, by_digest
from buster_tasks.sources.statistics.model import TargetColumn


class RedshiftStatistics(StatisticsDialect):
    """Samples by a digest of the primary key and the seed, else by chance without a seed; one column is read for it."""

    text_type = "VARCHAR(65535)"
    approximate_distinct = "APPROXIMATE COUNT"

    def readable(self, column: TargetColumn, name: str) -> str:
        if column.normalized_type == "json":
            return f"JSON_SERIALIZE({name})"
        return super().readable(column, name)

    def ordered(self, column: TargetColumn, name: str) -> str:
        return (
            f"NULLIF({name}, 'NaN')"
            if column.normalized_type == "float"
            else super().ordered(column, name)
        )

    def distinct(self, expression: str, *, approximate: bool) -> str:
        exact = super().distinct(expression, approximate=False)
        return f"APPROXIMATE {exact}" if approximate else exact

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        if not wanted.key:
            return [f"SELECT {select} FROM {wanted.table} WHERE RANDOM() < {wanted.share!r}"]
        key = " || '/' || ".join([*(self.as_text(one) for one in wanted.key), f"'{wanted.seed}'"])
        return [by_digest(select, wanted, key)]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        return f"EXTRACT(EPOCH FROM {name})"
