"""Arithmetic over named values."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.claims.expression import ExpressionError, evaluate, rounded

VALUES = {"a": Decimal("12.5"), "b": Decimal(4), "zero": Decimal(0)}


def value_of(name: str) -> Decimal:
    if name not in VALUES:
        raise ExpressionError("UNKNOWN_VALUE", name)
    return VALUES[name]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a", "12.5"),
        ("a + b * 2", "20.5"),
        ("(a - b) / b", "2.125"),
        ("-a + 0.1 + 0.2", "-12.2"),
        ("abs(b - a)", "8.5"),
        ("round(a)", "13"),
        ("round(10 / 3, 2)", "3.33"),
        ("round(1234, -2)", "1200"),
        ("min(a, b, 3) + max(a, b)", "15.5"),
        ("sum(a, b, 1)", "17.5"),
        (" a\n", "12.5"),
    ],
)
def test_it_is_exact(expression: str, value: str) -> None:
    assert evaluate(expression, value_of) == Decimal(value)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("a / zero", "DIVISION_BY_ZERO"),
        ("zero / zero", "DIVISION_BY_ZERO"),
        ("unknown + 1", "UNKNOWN_VALUE"),
        ("a ** 9", "BAD_EXPRESSION"),
        ("a % 2", "BAD_EXPRESSION"),
        ("a // 2", "BAD_EXPRESSION"),
        ("a if b else a", "BAD_EXPRESSION"),
        ("a.real", "BAD_EXPRESSION"),
        ("__import__('os')", "BAD_EXPRESSION"),
        ("[a for a in b]", "BAD_EXPRESSION"),
        ("round(a, b=2)", "BAD_EXPRESSION"),
        ("round(a, 999)", "BAD_EXPRESSION"),
        ("sum()", "BAD_EXPRESSION"),
        ("True", "BAD_EXPRESSION"),
        ("'a'", "BAD_EXPRESSION"),
        ("", "BAD_EXPRESSION"),
        ("a +", "BAD_EXPRESSION"),
        ("a; b", "BAD_EXPRESSION"),
        ("\0", "BAD_EXPRESSION"),
        ("1e300 * 1e300", "BAD_EXPRESSION"),
        ("1e999999999", "BAD_EXPRESSION"),
        ("(" * 300 + "1" + ")" * 300, "BAD_EXPRESSION"),
        ("-" * 200 + "1", "BAD_EXPRESSION"),
        ("+".join(["1"] * 200), "BAD_EXPRESSION"),
        ("1" * 501, "BAD_EXPRESSION"),
    ],
)
def test_all_else_is_told(expression: str, code: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate(expression, value_of)
    assert raised.value.code == code


@given(st.text(max_size=60) | st.text("ab01.+-*/()e, ", max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(ExpressionError):
        assert evaluate(text, value_of).is_finite()


numbers = st.decimals(
    allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
)


@given(numbers, numbers)
def test_sums_and_differences_are_those_of_decimals(one: Decimal, other: Decimal) -> None:
    lookup: Callable[[str], Decimal] = {"one": one, "other": other}.__getitem__
    assert evaluate("one + other - one", lookup) == other
    assert evaluate("one * other", lookup) == one * other


@given(numbers, st.integers(0, 3))
def test_rounding_is_at_most_half_of_the_last_place_away(value: Decimal, places: int) -> None:
    assert abs(rounded(value, places) - value) * 2 <= Decimal(1).scaleb(-places)
