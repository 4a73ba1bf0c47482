"""Filters as conditions of the catalog's SQL, with every name bound; what they keep too much, `Selection` drops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buster_tasks.sources.like import like
from buster_tasks.sources.schema import Filters

SYSTEM_DATABASES = ("information_schema", "performance_schema", "mysql", "sys")

_MOST_NAMES = 5_000


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the columns {schema} and {table}, and its parameters in order."""

    sql: str
    parameters: tuple[str, ...] = ()

    def on(self, schema: str, table: str = "") -> str:
        """The condition on these columns."""
        return self.sql.format(schema=schema, table=table)


def of_databases(filters: Filters) -> Condition:
    """Databases that the filters may keep, without the server's own."""
    marks = _marks(SYSTEM_DATABASES)
    parts = [f"{{schema}} NOT IN ({marks})"]
    parameters: list[str] = list(SYSTEM_DATABASES)
    if filters.databases is not None:
        parts.append(_any("{schema}", len(filters.databases)))
        parameters += map(like, filters.databases)
    if filters.schemas is not None:  # a schema's name here is that of its database
        twice = "CONCAT({schema}, '.', {schema})"
        parts.append(_any("{schema}", len(filters.schemas), twice))
        parameters += [like(pattern) for pattern in filters.schemas for _ in range(2)]
    return Condition(" AND ".join(parts), tuple(parameters))


def of_tables(filters: Filters) -> Condition:
    """Tables that the filters may keep."""
    databases = of_databases(filters)
    if filters.tables is None:
        return databases
    spellings = ("CONCAT({schema}, '.', {table})", "CONCAT({schema}, '.', {schema}, '.', {table})")
    sql = f"{databases.sql} AND {_any('{table}', len(filters.tables), *spellings)}"
    patterns = [like(pattern) for pattern in filters.tables for _ in range(1 + len(spellings))]
    return Condition(sql, (*databases.parameters, *patterns))


def of_kept(tables: Sequence[tuple[str, str]], *, all_of_them: bool) -> Condition:
    """What belongs to these tables, given as (database, table); by name where they are few and not all there are."""
    databases = sorted({database for database, _table in tables})
    sql, parameters = f"{{schema}} IN ({_marks(databases)})", databases
    names = sorted({table for _database, table in tables})
    if not all_of_them and len(names) <= _MOST_NAMES:
        sql, parameters = f"{sql} AND {{table}} IN ({_marks(names)})", databases + names
    return Condition(sql, tuple(parameters))


def _marks(values: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(values))


def _any(column: str, patterns: int, *more: str) -> str:
    one = " OR ".join(f"{spelling} LIKE %s ESCAPE '|'" for spelling in (column, *more))
    return f"({' OR '.join([one] * patterns)})"
