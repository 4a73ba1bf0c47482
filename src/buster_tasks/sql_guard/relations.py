"""Whether a relation may be read: a table of the list, or without one any that is no file and not the system's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_lowercase, ascii_uppercase

from sqlglot import exp

from buster_tasks.sql_guard.dialect import Dialect
from buster_tasks.sql_guard.verdict import Code, RefusedError

# Nothing that tells of accounts, sessions, statements of others, or files of the server.
_INFORMATION_SCHEMA = frozenset({
    "check_constraints", "column_field_paths", "columns", "constraint_column_usage", "constraint_table_usage",
    "key_column_usage", "partitions", "referential_constraints", "schemata", "statistics", "table_constraints",
    "table_options", "table_storage", "tables", "views",
})  # fmt: skip
_PATH = re.compile(
    r"[/\\:?@'\"\x00-\x1f]|^\*|\.(?:csv|tsv|json|ndjson|jsonl|parquet|orc|avro|xlsx?|txt|db|duckdb|arrow|gz|zst|ipc)$"
)
# What stands in the place of a table and is checked as what it is.
_NO_NAMES = (exp.Func, exp.SemanticView, exp.Subquery, exp.Values)
_RECURSES_UNASKED = {"snowflake", "sqlite", "tsql"}
_GIVEN_A_TABLE = {"containstable", "freetexttable"}
# Where "Name" in quotes is another name than Name without, which is read in small or in capital letters.
_SMALL, _CAPITAL = {"postgres", "redshift"}, {"snowflake"}
# Where it is for the server to say whether Name and name are one.
_EXACT = {"mysql"}
_TO_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)
_TO_CAPITAL = str.maketrans(ascii_lowercase, ascii_uppercase)


def check(table: exp.Table, dialect: Dialect, readable: frozenset[tuple[str, ...]] | None) -> None:
    """Raise RefusedError for a relation that may not be read. Functions in its place are checked as functions."""
    if isinstance(table.this, _NO_NAMES) or table.args.get("rows_from"):
        if isinstance(table.this, exp.Anonymous) and table.this.name.lower() in _GIVEN_A_TABLE:
            _check_parts(_first_name(table.this), dialect, readable)
        return
    parts = _parts(table)
    if _is_remote_or_temporary(table, dialect):
        raise _refused(".".join(parts), "is no plain name of a table")
    if len(parts) == 1 and _is_cte(table, dialect):
        return
    _check_parts(parts, dialect, readable)


def _check_parts(
    parts: tuple[str, ...], dialect: Dialect, readable: frozenset[tuple[str, ...]] | None
) -> None:
    written = ".".join(parts)
    most = 4 if parts[-2:-1] and parts[-2].lower() == "information_schema" else 3
    if parts == () or len(parts) > most:
        raise _refused(written or "What stands behind FROM", "is no plain name of a table")
    names = tuple(part.lower() for part in parts)
    if readable is not None:
        if names not in readable:
            raise _refused(written, "is not among the tables that may be read")
        return
    if _may_be_file(names, dialect):
        raise _refused(written, "looks like a file, not like a table")
    if _is_hidden(names, dialect):
        raise _refused(written, "belongs to the database system")


def _first_name(call: exp.Anonymous) -> tuple[str, ...]:
    """The table that a call is given by its name; empty for anything but a name."""
    named = call.expressions[0] if call.expressions else None
    return tuple(part.name for part in named.parts) if isinstance(named, exp.Column) else ()


def check_membership(node: exp.In, dialect: Dialect) -> None:
    """Raise RefusedError for SQLite's `x IN name`, which reads the table of that name."""
    if dialect.name == "sqlite" and isinstance(node.args.get("field"), exp.Column):
        raise RefusedError(
            Code.SYNTAX_NOT_ALLOWED,
            f"{node.args['field'].sql('sqlite')[:80]} stands behind IN without brackets.",
            "Write IN (SELECT ... FROM ...).",
        )


def _parts(table: exp.Table) -> tuple[str, ...]:
    """Database, schema and name, as far as written; empty for anything but names."""
    found: list[str] = []
    written: list[object] = [*table.parts]
    for part in written:
        if isinstance(part, exp.Identifier):
            # BigQuery's INFORMATION_SCHEMA is one name with its view
            inside = part.name.lower().startswith("information_schema.")
            found.extend(part.name.split(".", 1) if inside else [part.name])
        elif not isinstance(part, str):  # T-SQL may leave the schema out: shop..orders
            return ()
    return tuple(found)


def _is_remote_or_temporary(table: exp.Table, dialect: Dialect) -> bool:
    """Whether it is one of T-SQL's on another server (four parts, some empty), or a #table of another statement."""
    remote = dialect.name == "tsql" and isinstance(table.this, exp.Dot)
    return bool(remote or table.this.args.get("temporary") or table.this.args.get("global_"))


def _may_be_file(names: tuple[str, ...], dialect: Dialect) -> bool:
    if (
        dialect.name == "bigquery" and len(names) > 2
    ):  # a project may begin with a domain: example.com:project
        names = names[1:]
    if dialect.name == "duckdb" and any("." in name for name in names):
        return True  # a text behind FROM is a file, if there is one
    return any(_PATH.search(name) for name in names) or (
        len(names) == 2 and names[0] in dialect.file_schemas
    )


def _is_hidden(names: tuple[str, ...], dialect: Dialect) -> bool:
    *schemas, name = names
    if schemas and schemas[-1] == "information_schema":
        return name not in _INFORMATION_SCHEMA
    return (
        not dialect.hidden_schemas.isdisjoint(schemas)
        or name.startswith(dialect.hidden_prefixes)
        or name in dialect.hidden_relations
    )


def _is_cte(table: exp.Table, dialect: Dialect) -> bool:
    """Whether the name is that of a WITH query which is in sight here, as the database compares names."""
    name = _folded(table.this, dialect)
    return any(name == _folded(cte, dialect) for cte in _ctes_in_sight(table, dialect))


def _folded(name: exp.Expr, dialect: Dialect) -> str:
    quoted = bool(name.args.get("quoted"))
    if dialect.name in _EXACT or (quoted and dialect.name in _SMALL | _CAPITAL):
        return name.name
    return name.name.translate(_TO_CAPITAL if dialect.name in _CAPITAL else _TO_SMALL)


def _ctes_in_sight(table: exp.Expr, dialect: Dialect) -> Iterator[exp.Expr]:
    inner: exp.Expr = table
    outer = table.parent
    while outer is not None:
        if isinstance(outer, exp.With):
            yield from _earlier(outer, inner, dialect)
        else:
            clause = outer.args.get("with_")
            if isinstance(clause, exp.With) and clause is not inner:
                yield from (cte.args["alias"].this for cte in clause.expressions)
        inner, outer = outer, outer.parent


def _earlier(clause: exp.With, current: exp.Expr, dialect: Dialect) -> Iterator[exp.Expr]:
    """What a WITH query sees of its own clause: those before it, and itself where it may recurse."""
    for cte in clause.expressions:
        if cte is current:
            if clause.recursive or dialect.name in _RECURSES_UNASKED:
                yield cte.args["alias"].this
            return
        yield cte.args["alias"].this


def _refused(written: str, why: str) -> RefusedError:
    return RefusedError(
        Code.RELATION_NOT_ALLOWED,
        f"{written[:120]} {why}.",
        "Read tables and views of the catalog by their names.",
    )
