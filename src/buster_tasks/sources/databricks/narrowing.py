"""Filters as conditions of the catalog's SQL, with every name bound; what they keep too much, `Selection` drops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from buster_tasks.sources.like import like
from buster_tasks.sources.schema import Filters

_MOST_PARAMETERS = 200  # the server takes 256


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition and its parameters by name."""

    sql: str = "TRUE"
    parameters: dict[str, str] = field(default_factory=dict[str, str])

    def __and__(self, other: Condition) -> Condition:
        if len(self.parameters) + len(other.parameters) > _MOST_PARAMETERS:
            return self  # the rest is sorted out afterwards
        if other.sql == "TRUE":
            return self
        if self.sql == "TRUE":
            return other
        return Condition(f"{self.sql} AND {other.sql}", {**self.parameters, **other.parameters})


def of_catalogs(catalogs: Sequence[str], column: str = "catalog_name") -> Condition:
    """Rows of these catalogs; there is one at least."""
    if len(catalogs) > _MOST_PARAMETERS // 2:
        return Condition()
    known = {f"c{at}": name for at, name in enumerate(catalogs)}
    marks = ", ".join(f":{name}" for name in known)
    return Condition(f"{column} IN ({marks})", known)


def of_schemas(
    catalogs: Sequence[str],
    filters: Filters,
    catalog: str = "catalog_name",
    schema: str = "schema_name",
) -> Condition:
    """Schemas of these catalogs that the filters may keep."""
    kept = of_catalogs(catalogs, catalog)
    if filters.schemas is None:
        return kept
    return kept & _any("s", filters.schemas, [schema, f"concat({catalog}, '.', {schema})"])


def of_tables(catalogs: Sequence[str], filters: Filters, alias: str = "") -> Condition:
    """Tables and views of these catalogs that the filters may keep."""
    catalog, schema, table = (f"{alias}table_{part}" for part in ("catalog", "schema", "name"))
    kept = of_schemas(catalogs, filters, catalog, schema)
    if filters.tables is None:
        return kept
    full = f"concat({schema}, '.', {table})"
    return kept & _any("t", filters.tables, [table, full, f"concat({catalog}, '.', {full})"])


def _any(letter: str, patterns: Sequence[str], spellings: Sequence[str]) -> Condition:
    """One of the spellings, each an expression, is like one of the patterns; case counts for nothing."""
    known = {f"{letter}{at}": like(pattern.lower()) for at, pattern in enumerate(patterns)}
    if len(known) > _MOST_PARAMETERS:
        return Condition()
    parts = [f"lower({one}) LIKE :{name} ESCAPE '|'" for name in known for one in spellings]
    return Condition(f"({' OR '.join(parts)})", known)
