"""Filters as conditions of the catalog's SQL, with every name bound; what they keep too much, `Selection` drops.

Names are compared without regard to case, as Snowflake's own are where nobody quotes them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from buster_tasks.sources.like import ESCAPE, like
from buster_tasks.sources.schema import Filters

CATALOG_SCHEMA = "INFORMATION_SCHEMA"

_MOST_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the columns {schema} and {table}, and its parameters in order."""

    sql: str
    parameters: tuple[str, ...] = ()

    def on(self, schema: str, table: str = "") -> str:
        """The condition on these columns."""
        return self.sql.format(schema=schema, table=table)

    def within(self, schema: str) -> Condition:
        """The same in this one schema."""
        return Condition(f"{{schema}} = ? AND {self.sql}", (schema, *self.parameters))


def of_schemas(filters: Filters, database: str) -> Condition:
    """Schemas that the filters may keep, without the catalog's own."""
    parts, parameters = ["{schema} <> ?"], [CATALOG_SCHEMA]
    if filters.schemas is not None:
        patterns = _without(filters.schemas, database)
        parts.append(_any("{schema}", len(patterns)))
        parameters += map(like, patterns)
    return Condition(" AND ".join(parts), tuple(parameters))


def of_tables(filters: Filters, database: str) -> Condition:
    """Tables that the filters may keep."""
    schemas = of_schemas(filters, database)
    if filters.tables is None:
        return schemas
    patterns = _without(filters.tables, database)
    name = "{schema} || '.' || {table}"
    one = f"{{table}} ILIKE ? ESCAPE '{ESCAPE}' OR {name} ILIKE ? ESCAPE '{ESCAPE}'"
    sql = f"{schemas.sql} AND ({' OR '.join([one] * len(patterns))})"
    twice = [like(pattern) for pattern in patterns for _ in range(2)]
    return Condition(sql, (*schemas.parameters, *twice))


def of_kept(tables: Collection[tuple[str, str]], *, all_of_them: bool) -> Condition:
    """What belongs to these tables, given as (schema, table); by name where they are few and not all there are."""
    if all_of_them:
        return Condition("{schema} <> ?", (CATALOG_SCHEMA,))
    schemas = sorted({schema for schema, _table in tables})
    names = sorted({table for _schema, table in tables})
    parts, parameters = ["{schema} <> ?"], [CATALOG_SCHEMA]
    if len(schemas) <= _MOST_NAMES:
        parts.append(f"{{schema}} IN ({_marks(schemas)})")
        parameters += schemas
    if len(names) <= _MOST_NAMES:
        parts.append(f"{{table}} IN ({_marks(names)})")
        parameters += names
    return Condition(" AND ".join(parts), tuple(parameters))


def _without(patterns: Sequence[str], database: str) -> list[str]:
    """The patterns, and what is left of those whose first part may stand for the database."""
    found = list(patterns)
    for pattern in patterns:
        first, dot, rest = pattern.partition(".")
        if pattern.lower().startswith(f"{database.lower()}."):
            found.append(pattern[len(database) + 1 :])
        elif dot and any(letter in "*?[" for letter in first):
            found.append(rest)
    return list(dict.fromkeys(found))


def _any(column: str, patterns: int) -> str:
    one = f"{column} ILIKE ? ESCAPE '{ESCAPE}'"
    return f"({' OR '.join([one] * patterns)})"


def _marks(values: Sequence[str]) -> str:
    return ", ".join(["?"] * len(values))
