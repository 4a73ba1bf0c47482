"""Arithmetic over named values: exact, bounded, and nothing but arithmetic."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Final

_READABLE: Final = re.compile(r"[\w\s.+\-*/(),]*", re.ASCII)
_ODD_NUMBER: Final = re.compile(r"(?<![\w.])[\d.]+(?![eE][+-]?\d)[A-Za-z_]")
_LONGEST: Final = 500
_DEEPEST: Final = 20
_MOST_NODES: Final = 150
_MOST_PLACES: Final = 20
# traps turn what is no number into an error; the range keeps a product of products from growing without end
_EXACT: Final = Context(
    prec=50, Emax=400, Emin=-400, traps=[InvalidOperation, DivisionByZero, Overflow]
)


class ExpressionError(Exception):
    """An expression has no value; `code` names the case, the text says why and what is possible."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def evaluate(expression: str, value_of: Callable[[str], Decimal]) -> Decimal:
    """What an expression comes to, at 50 digits: `+ - * /`, parentheses, numbers, names, abs, round, min, max, sum.

    `value_of` gives the number behind a name. Raises ExpressionError for anything else.
    """
    if len(expression) > _LONGEST:
        raise ExpressionError(
            "BAD_EXPRESSION", f"The expression is longer than {_LONGEST} characters"
        )
    # of anything else, such as `1or 2`, the parser of Python would warn
    if not _READABLE.fullmatch(expression) or _ODD_NUMBER.search(expression):
        raise _unreadable(expression)
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(expression) from error
    if sum(1 for _ in ast.walk(tree)) > _MOST_NODES:
        raise ExpressionError("BAD_EXPRESSION", "The expression has too many parts")
    try:
        with localcontext(_EXACT):
            return _value(tree, value_of, 0)
    except DivisionByZero as error:
        raise ExpressionError("DIVISION_BY_ZERO", f"{expression!r} divides by zero") from error
    except DecimalException as error:
        raise ExpressionError("BAD_EXPRESSION", f"{expression!r} has no finite value") from error


def _value(node: ast.expr, value_of: Callable[[str], Decimal], depth: int) -> Decimal:
    if depth > _DEEPEST:
        raise ExpressionError("BAD_EXPRESSION", "The expression is nested too deeply")
    match node:
        case ast.Name(id=name):
            return value_of(name)
        case ast.Constant(value=int() | float() as number) if _is_number(number):
            return _EXACT.create_decimal(repr(number))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = _value(operand, value_of, depth + 1)
            return -value if isinstance(sign, ast.USub) else value
        case ast.BinOp(left=left, op=operator, right=right):
            one, other = (_value(side, value_of, depth + 1) for side in (left, right))
            return _applied(operator, one, other)
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
            return _called(function, [_value(one, value_of, depth + 1) for one in arguments])
        case _:
            raise _unreadable(ast.unparse(node))


def _is_number(number: float) -> bool:
    return not isinstance(number, bool) and math.isfinite(number)


def _applied(operator: ast.operator, one: Decimal, other: Decimal) -> Decimal:
    match operator:
        case ast.Add():
            return one + other
        case ast.Sub():
            return one - other
        case ast.Mult():
            return one * other
        case ast.Div():
            if other == 0:  # 0 / 0 too, which decimal calls an invalid operation
                raise DivisionByZero
            return one / other
        case _:
            raise _unreadable(type(operator).__name__)


def _called(function: str, values: list[Decimal]) -> Decimal:
    match function, values:
        case "abs", [value]:
            return abs(value)
        case "round", [value]:
            return rounded(value, 0)
        case "round", [value, places] if places == int(places) and abs(places) <= _MOST_PLACES:
            return rounded(value, int(places))
        case "min", [_, *_]:
            return min(values)
        case "max", [_, *_]:
            return max(values)
        case "sum", [_, *_]:
            return sum(values, Decimal(0))
        case _:
            raise _unreadable(f"{function}(...)")


def rounded(value: Decimal, places: int) -> Decimal:
    """The value to so many decimals, half away from zero, as people round."""
    quantum = Decimal(1).scaleb(-places)
    digits = max(50, value.adjusted() + places + 2) if value else 50
    return value.quantize(quantum, rounding=ROUND_HALF_UP, context=Context(prec=digits))


def _unreadable(what: str) -> ExpressionError:
    return ExpressionError(
        "BAD_EXPRESSION",
        f"{what[:80]!r} is no arithmetic over values; use names of values, numbers, + - * /, parentheses, "
        "abs, round, min, max, sum",
    )
