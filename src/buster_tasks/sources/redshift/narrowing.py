"""Filters as conditions of the catalog's SQL, with every name bound; what they keep too much, `Selection` drops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buster_tasks.sources.like import like
from buster_tasks.sources.schema import Filters


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The schemas that are kept, and how tables in them are chosen."""

    database: str
    schemas: tuple[str, ...]
    tables: tuple[str, ...] | None = None

    @classmethod
    def of(cls, filters: Filters, database: str, schemas: Sequence[str]) -> Narrowing:
        """What these filters keep of the schemas."""
        tables = None if filters.tables is None else tuple(filters.tables)
        return cls(database, tuple(schemas), tables)

    def on(self, schema: str, table: str | None) -> tuple[str, list[object]]:
        """The condition on these columns of the catalog, and its parameters; on the schema alone without a table."""
        sql = f"{schema} IN ({', '.join(['%s'] * len(self.schemas))})"
        bound: list[object] = list(self.schemas)
        if self.tables is None or table is None:
            return sql, bound
        spelt = f"{schema} || '.' || {table}"
        one = " OR ".join(
            f"{spelling} LIKE %s ESCAPE '|'"
            for spelling in (table, spelt, f"CAST(%s AS varchar) || '.' || {spelt}")
        )
        for pattern in map(like, self.tables):
            bound += [pattern, pattern, self.database, pattern]
        return f"{sql} AND ({' OR '.join([one] * len(self.tables))})", bound
