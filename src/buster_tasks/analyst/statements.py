"""What can be told of a statement's text: whether it orders its rows, and which of its columns do not exist."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from buster_tasks.analyst.known_tables import KnownTables

if TYPE_CHECKING:
    from sqlglot import exp

_DIALECTS = {"sqlserver": "tsql", "postgresql": "postgres", "mariadb": "mysql"}


def sqlglot_name(kind: str) -> str:
    """The dialect as sqlglot spells it."""
    return _DIALECTS.get(kind, kind)


def orders_its_rows(sql: str, kind: str) -> bool:
    """Whether the outermost query has an ORDER BY; False for what cannot be parsed."""
    tree = _tree(sql, kind)
    return tree is not None and tree.args.get("order") is not None


def near_columns(sql: str, kind: str, tables: KnownTables) -> str:
    """Which columns of the statement no table of it has, with those that are called alike; empty where all exist."""
    from sqlglot import exp

    tree = _tree(sql, kind)
    if tree is None:
        return ""
    read = {table.name.lower() for table in tree.find_all(exp.Table)}
    made = {one.alias.lower() for one in tree.find_all(exp.Alias)}
    made |= {one.alias.lower() for one in tree.find_all(exp.CTE)}
    there = {
        column.name.lower(): column.name
        for place in tables.places
        if place[2].lower() in read
        for column in tables.columns(place)
    }
    told: list[str] = []
    for name in dict.fromkeys(column.name for column in tree.find_all(exp.Column)):
        if not name or name.lower() in there or name.lower() in made:
            continue
        near = [there[one] for one in get_close_matches(name.lower(), there, n=3, cutoff=0.5)]
        told.append(
            f"{name!r} is no column there; near it are {', '.join(near)}."
            if near
            else f"{name!r} is no column of {', '.join(sorted(read))}."
        )
    return " ".join(told[:3])


def containing(relation: str, column: str, text: str, kind: str, *, most: int) -> str:
    """A statement for the values of a column that hold the text, whatever its case; the names come quoted."""
    from sqlglot import exp, parse_one

    dialect = sqlglot_name(kind)
    whole = f"SELECT DISTINCT {column} FROM {relation}"  # noqa: S608 - names, each quoted
    tree = parse_one(whole, dialect=dialect)
    assert isinstance(tree, exp.Select)
    named = exp.Lower(this=parse_one(column, dialect=dialect))
    wanted = exp.Literal.string(f"%{text.lower()}%")
    return tree.where(exp.Like(this=named, expression=wanted)).limit(most).sql(dialect=dialect)


def _tree(sql: str, kind: str) -> exp.Expr | None:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.parse_one(sql, dialect=sqlglot_name(kind))
    except (SqlglotError, RecursionError):
        return None
