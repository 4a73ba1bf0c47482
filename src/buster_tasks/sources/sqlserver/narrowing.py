"""Filters as conditions of the catalog's SQL, with every name bound; what they keep too much, `Selection` drops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buster_tasks.sources.like import like
from buster_tasks.sources.schema import Filters

_SPECIAL = "%_["
_MOST_PARAMETERS = 1_800  # the server takes 2,100


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of T-SQL and its parameters in order."""

    sql: str = "1 = 1"
    parameters: tuple[str, ...] = ()


def of_schemas(filters: Filters, database: str, schema: str = "s.name") -> Condition:
    """Schemas of the database that the filters may keep."""
    if filters.schemas is None:
        return Condition()
    return _any(filters.schemas, [(schema, ""), (schema, f"{database}.")])


def of_tables(filters: Filters, database: str) -> Condition:
    """Tables and views, `o` in the schema `s`, that the filters may keep."""
    schemas = of_schemas(filters, database)
    if filters.tables is None:
        return schemas
    full = "CONCAT(s.name, N'.', o.name)"
    tables = _any(filters.tables, [("o.name", ""), (full, ""), (full, f"{database}.")])
    if len(schemas.parameters) + len(tables.parameters) > _MOST_PARAMETERS:
        return Condition()  # they are sorted out afterwards
    both = f"{schemas.sql} AND {tables.sql}"
    return Condition(both, (*schemas.parameters, *tables.parameters))


def _any(patterns: Sequence[str], spellings: Sequence[tuple[str, str]]) -> Condition:
    """One of the spellings, each an expression and what the pattern has before it, is like one of the patterns."""
    parts: list[str] = []
    parameters: list[str] = []
    for pattern in patterns:
        for expression, before in spellings:
            if before:
                # compared with the whole name, since a pattern may reach over the dot
                parts.append(f"CONCAT(?, {expression}) LIKE ? ESCAPE '|'")
                parameters += [before, like(pattern, _SPECIAL)]
            else:
                parts.append(f"{expression} LIKE ? ESCAPE '|'")
                parameters.append(like(pattern, _SPECIAL))
    if len(parameters) > _MOST_PARAMETERS:
        return Condition()
    return Condition(f"({' OR '.join(parts)})", tuple(parameters))
