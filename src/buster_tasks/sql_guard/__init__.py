"""Which SQL may run: `check(sql, dialect)` lets through one statement that only reads tables, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from buster_tasks.sql_guard.dialect import UnknownDialectError, named
from buster_tasks.sql_guard.relation import Relation, RelationName, RelationNames
from buster_tasks.sql_guard.verdict import Allowed, Code, Refused
from taskkit.errors import MissingExtraError

__all__ = [
    "Allowed",
    "Code",
    "Refused",
    "Relation",
    "RelationName",
    "RelationNames",
    "UnknownDialectError",
    "check",
]


def check(
    sql: object,
    dialect: str,
    *,
    relations: Iterable[RelationName] | RelationNames | None = None,
    functions: Iterable[str] = (),
) -> Allowed | Refused:
    """`Allowed`, whose `sql` is what may run, or `Refused`: never an exception, whatever `sql` is.

    `dialect` is sqlglot's name or the kind of a source. `relations` are the tables that may be read, by name, parts of
    a name, or a catalog's tables, or all of them as `RelationNames`; without it all may be, but for files and for those
    of the system. `functions` are further functions that are known to only read, such as `analytics.fiscal_year`.

    Raises UnknownDialectError for a dialect that is not known, MissingExtraError without sqlglot.
    """
    rules = named(dialect)
    if relations is None or isinstance(relations, RelationNames):
        readable = relations
    else:
        readable = RelationNames.of(relations)
    own = frozenset(name.lower() for name in functions)
    try:
        from buster_tasks.sql_guard.guard import judge
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "sqlglot":
            raise
        raise MissingExtraError("sqlguard", "Checking SQL needs sqlglot") from error
    return judge(sql, rules, relations=readable, functions=own)
