"""Whether a function may be called: by its type where sqlglot has one, otherwise by its name in the dialect's list."""

from __future__ import annotations

from sqlglot import exp

from buster_tasks.sql_guard.dialect import Dialect
from buster_tasks.sql_guard.functions import MAKES_MUCH, TYPED
from buster_tasks.sql_guard.verdict import Code, RefusedError

MOST_MADE = 10_000_000
"""Rows or characters that one call may make out of nothing."""


def check(node: exp.Func, dialect: Dialect, own: frozenset[str]) -> None:
    """Raise RefusedError for a function that is on no list, or is not the database's own. `own` are further names."""
    if isinstance(node, exp.Anonymous):
        _check_named(node, dialect, own)
        names = {node.name.lower()}
    else:
        names = {name.lower() for name in type(node).sql_names()}
        known = type(node).__name__ in TYPED or names & (dialect.functions | own)
        if not known or not _is_own_schema(_table_qualifier(node), dialect):
            raise not_allowed(min(names, key=len))
    if names & MAKES_MUCH:
        _check_amount(node)


def _check_named(node: exp.Anonymous, dialect: Dialect, own: frozenset[str]) -> None:
    quoted = isinstance(node.this, exp.Identifier) and bool(node.this.args.get("quoted"))
    name = node.name if quoted else node.name.lower()
    if name.isascii() or name in own:
        qualifier = _qualifier(node)
        if qualifier is None:  # called on a value
            known = name in dialect.methods
        elif _is_own_schema(qualifier, dialect):
            known = name in dialect.functions | own or name.upper() in _TYPED_NAMES
        else:
            known = ".".join([*qualifier, name]) in dialect.functions | own
        if known or (qualifier and name in dialect.methods):
            return
    raise not_allowed(_written(node))


def _is_own_schema(qualifier: tuple[str, ...], dialect: Dialect) -> bool:
    return not qualifier or ".".join(qualifier) in dialect.function_schemas


def _qualifier(node: exp.Anonymous) -> tuple[str, ...] | None:
    """What stands before the name, part by part in small letters; None where that is a value and no name."""
    parent = node.parent
    if isinstance(parent, exp.Dot) and parent.expression is node:
        return _names(parent.this)
    return _table_qualifier(node)


def _table_qualifier(node: exp.Func) -> tuple[str, ...]:
    parent = node.parent
    if isinstance(parent, exp.Table) and parent.this is node:
        return tuple(part.lower() for part in (parent.catalog, parent.db) if part)
    return ()


def _names(node: exp.Expr) -> tuple[str, ...] | None:
    if isinstance(node, exp.Dot):
        before, after = _names(node.this), _names(node.expression)
        return None if before is None or after is None else before + after
    if isinstance(node, exp.Column):
        return tuple(part.name.lower() for part in node.parts)
    return (node.name.lower(),) if isinstance(node, (exp.Identifier, exp.Var)) else None


def _check_amount(node: exp.Func) -> None:
    for literal in node.find_all(exp.Literal):
        of_this = literal.find_ancestor(exp.Func) is node
        if of_this and literal.is_number and float(literal.this) > MOST_MADE:
            raise RefusedError(
                Code.TOO_MUCH,
                f"{literal.this} rows or characters out of one call are too many.",
                f"Ask for {MOST_MADE:,} at most.",
            )


def _written(node: exp.Anonymous) -> str:
    return ".".join([*(_qualifier(node) or ()), node.name])


def not_allowed(name: str) -> RefusedError:
    """The refusal of a function by its name."""
    return RefusedError(
        Code.FUNCTION_NOT_ALLOWED,
        f"The function {name[:80]} is not on the list of those that only compute.",
        "Compute it with standard functions of the database, or leave it out.",
    )


_TYPED_NAMES = frozenset(
    name.upper() for name, kind in exp.FUNCTION_BY_NAME.items() if kind.__name__ in TYPED
)
