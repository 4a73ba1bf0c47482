"""The dialects that the guard knows, each with its lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from taskkit.errors import TaskkitError, shown

_ALIASES = {
    "postgresql": "postgres",
    "mariadb": "mysql",
    "sqlserver": "tsql",
    "mssql": "tsql",
    "sqlite3": "sqlite",
}
_NAMES = (
    "bigquery", "databricks", "duckdb", "mysql", "postgres", "redshift", "snowflake", "sqlite", "tsql",
)  # fmt: skip


class UnknownDialectError(TaskkitError, ValueError):
    """The guard knows no such dialect; the message names those that there are."""


def words(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What may be written in a dialect beside what is common to all. All names are in small letters."""

    name: str
    functions: frozenset[str]
    """Functions that sqlglot has no type of its own for, and that only compute. Qualified ones with their dots."""
    function_schemas: frozenset[str] = frozenset()
    """Where the database keeps its own functions: they may be called with it in front."""
    methods: frozenset[str] = frozenset()
    """Functions that are called on a value: `document.value('/a')`."""
    calls_by_dot: bool = False
    """Whether `(value).name` calls a function where there is no such field."""
    table_functions: frozenset[str] | None = None
    """Where not all functions may stand in the place of a table: those that may."""
    niladic: frozenset[str] = frozenset()
    """Words that call a function without parentheses and tell of the session, not of data."""
    reserved: frozenset[str] = frozenset()
    """Words that begin a statement, and can be no name unless quoted."""
    hints: frozenset[str] = frozenset()
    """Hints that only advise the planner."""
    hidden_schemas: frozenset[str] = frozenset()
    """Schemas and databases of the system."""
    hidden_prefixes: tuple[str, ...] = ()
    """How the names of the system's relations begin."""
    hidden_relations: frozenset[str] = frozenset()
    """Relations of the system by their whole names."""
    file_schemas: frozenset[str] = frozenset()
    """Words that stand for a file's format where a schema would."""
    first_words: frozenset[str] = words("SELECT WITH VALUES")
    """How a statement that reads may begin."""


def named(dialect: str) -> Dialect:
    """The dialect of this name, sqlglot's or a source kind's. Raises UnknownDialectError."""
    name = str(dialect).lower()
    name = _ALIASES.get(name, name)
    if name not in _NAMES:
        known = ", ".join(sorted([*_NAMES, *_ALIASES]))
        raise UnknownDialectError(
            f"{shown(dialect)} is no SQL dialect that the guard knows. It is one of: {known}."
        )
    return _loaded(name)


@cache
def _loaded(name: str) -> Dialect:
    loaded: Dialect = import_module(f"buster_tasks.sql_guard.dialects.{name}").DIALECT
    return loaded
