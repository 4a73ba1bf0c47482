"""How a tree is written: as sqlglot does, but for where that would fail or mean something else on some server."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Grammar
from sqlglot.errors import ErrorLevel
from sqlglot.generator import Generator

_Writer = Callable[[Any, Any], str]


def written(tree: exp.Expr, dialect: str) -> str:
    """The tree as text, without comments. Changes the tree. Raises sqlglot's UnsupportedError."""
    writer = _generator(dialect)(
        dialect=dialect,
        comments=False,
        normalize_functions=False,
        unsupported_level=ErrorLevel.RAISE,
    )
    return writer.generate(tree, copy=False)


@cache
def _generator(dialect: str) -> type[Generator]:
    base: type[Generator] = Grammar.get_or_raise(dialect).generator_class
    own = _OWN.get(dialect)
    if own is None:
        return base
    return type(f"Own{base.__name__}", (base,), {"TRANSFORMS": {**base.TRANSFORMS, **own}})


def _regexp(writer: Generator, node: exp.RegexpLike) -> str:
    """MariaDB knows the operator alone, and not the function REGEXP_LIKE."""
    if node.args.get("flag"):
        return writer.function_fallback_sql(node)
    text, pattern = (_operand(writer, part) for part in (node.this, node.expression))
    sql = f"{text} REGEXP {pattern}"
    return sql if isinstance(node.parent, _LOOSE) else f"({sql})"


def _operand(writer: Generator, node: exp.Expr) -> str:
    sql = writer.sql(node)
    return (
        f"({sql})"
        if isinstance(node, (exp.Binary, exp.Unary, exp.Predicate))
        and not isinstance(node, exp.Paren)
        else sql
    )


# Where an operator needs no brackets around it.
_LOOSE = (
    exp.Paren,
    exp.And,
    exp.Or,
    exp.Where,
    exp.Having,
    exp.Join,
    exp.Select,
    exp.Alias,
    exp.If,
)
_OWN: dict[str, dict[type[exp.Expr], _Writer]] = {"mysql": {exp.RegexpLike: _regexp}}
