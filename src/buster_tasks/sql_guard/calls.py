"""Whether a function may be called: by its type where sqlglot has one, otherwise by its name in the dialect's list."""

from __future__ import annotations

import re
from math import inf, prod

from sqlglot import exp

from buster_tasks.sql_guard.dialect import Dialect
from buster_tasks.sql_guard.functions import CALLS, MAKES_MUCH, SYNTAX_TYPES
from buster_tasks.sql_guard.verdict import Code, RefusedError

_CALL = re.compile(r"([A-Za-z_][\w.$]*)\(")
_NUMBER = re.compile(r"\d{1,300}(?:\.\d{1,300})?(?:[eE]\d{1,2})?")
MOST_MADE = 1_000_000
"""Rows or characters that one call may make out of nothing."""


def check(node: exp.Func, dialect: Dialect, own: frozenset[str]) -> None:
    """Raise RefusedError for a function that is on no list, or is not the database's own. `own` are further names."""
    if isinstance(node, exp.Anonymous):
        if not _is_rows_of_a_call(node, dialect):
            _check_named(node, dialect, own)
        names = {node.name.lower()}
    else:
        names = {name.lower() for name in type(node).sql_names()}
        known = names & dialect.functions or names & own or _is_built_in(node, dialect)
        if not known or not _is_own_schema(_table_qualifier(node), dialect):
            raise not_allowed(_head(node, dialect) or min(names, key=len))
    tables = dialect.table_functions
    if tables is not None and isinstance(node.parent, exp.Table) and not names & (tables | own):
        raise not_allowed(min(names, key=len))
    if names & MAKES_MUCH:
        _check_amount(node, dialect)


def _is_built_in(node: exp.Func, dialect: Dialect) -> bool:
    """Whether what the parser has a type for is syntax, or a function of the dialect's list."""
    kind = type(node).__name__
    return kind in SYNTAX_TYPES or (
        kind in CALLS and (_head(node, dialect) or "").lower() in dialect.functions
    )


def _head(node: exp.Func, dialect: Dialect) -> str | None:
    """The name that is called in the dialect; None for what is written as an operator, a word or a clause."""
    match = _CALL.match(node.sql(dialect.name, comments=False, normalize_functions=False))
    return match[1] if match else None


def _check_named(node: exp.Anonymous, dialect: Dialect, own: frozenset[str]) -> None:
    quoted = isinstance(node.this, exp.Identifier) and bool(node.this.args.get("quoted"))
    name = node.name if quoted else node.name.lower()
    if name.isascii() or name in own:
        qualifier = _qualifier(node)
        if qualifier is None:  # called on a value
            known = name in dialect.methods
        elif _is_own_schema(qualifier, dialect):
            known = name in dialect.functions or name in own
        else:
            whole = ".".join([*qualifier, name])
            known = whole in dialect.functions or whole in own
        if known or (qualifier and name in dialect.methods):
            return
    raise not_allowed(_written(node))


def _is_rows_of_a_call(node: exp.Anonymous, dialect: Dialect) -> bool:
    """Whether it is Snowflake's TABLE() around another call, which is checked too; around a text it would be a name."""
    return (
        dialect.name == "snowflake"
        and node.name.upper() == "TABLE"
        and not isinstance(node.this, exp.Identifier)
        and len(node.expressions) == 1
        and isinstance(node.expressions[0], exp.Func)
        and isinstance(node.parent, exp.Table)
    )


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


def _check_amount(node: exp.Func, dialect: Dialect) -> None:
    for argument in node.find_all(exp.Kwarg):
        if argument.name.lower() == "timelimit":  # Snowflake's GENERATOR waits that long
            raise not_allowed("generator with a time limit")
    for literal in node.find_all(exp.Literal):
        if literal.find_ancestor(exp.Func) is node and (_computed(literal) or 0) > MOST_MADE:
            raise _too_much(literal.this)
    for part in node.iter_expressions():
        if (_computed(part) or 0) > MOST_MADE:
            raise _too_much(part.sql(dialect.name)[:40])


def _computed(node: exp.Expr) -> float | None:
    """What an expression of numbers alone comes to, for a list the product; None for all else."""
    if isinstance(node, exp.Literal):
        is_number = not node.is_string and _NUMBER.fullmatch(node.this)
        return float(node.this) if is_number else None
    if isinstance(node, exp.Kwarg):
        return _computed(node.expression)
    if isinstance(node, (exp.Cast, exp.Paren)):
        return _computed(node.this)
    if not isinstance(node, (exp.Add, exp.Array, exp.Mul, exp.Pow, exp.Sub)):
        return None
    parts = [_computed(part) for part in node.iter_expressions()]
    known = [part for part in parts if part is not None]
    return None if len(known) < len(parts) else _combined(node, known)


def _combined(node: exp.Expr, parts: list[float]) -> float:
    if isinstance(node, exp.Add):
        return sum(parts)
    if isinstance(node, exp.Sub):
        return parts[0] - sum(parts[1:])
    try:
        return float(parts[0] ** parts[1]) if isinstance(node, exp.Pow) else prod(parts)
    except (ArithmeticError, TypeError):  # too large, or no real number
        return inf


def _too_much(amount: str) -> RefusedError:
    return RefusedError(
        Code.TOO_MUCH,
        f"{amount} rows or characters out of one call are too many.",
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
