"""Named values, read from results."""

from datetime import date
from decimal import Decimal

import pytest

from buster_tasks.analyst.claims import resolve
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.analyst.findings import CellRef, NamedValue
from buster_tasks.sources.base import QueryColumn, QueryResult


def result(names: str, *rows: tuple[object, ...], identity: str = "r1") -> ResultSet:
    columns = tuple(QueryColumn(name) for name in names.split())
    return ResultSet(
        identity, "shop", "SELECT 1", "", QueryResult(columns, list(rows), truncated=False)
    )


SHOP = result(
    "Month Revenue nothing total total",
    (date(2024, 3, 1), 1234.5, None, 1, 2),
    (date(2024, 4, 1), Decimal("1111.05"), None, 3, 4),
)


def cell(name: str, column: str, row: int = 0, **more: object) -> NamedValue:
    ref = CellRef(result="r1", row=row, column=column)
    return NamedValue.model_validate({"name": name, "cell": ref, **more})


def computed(name: str, expression: str, **more: object) -> NamedValue:
    return NamedValue.model_validate({"name": name, "expression": expression, **more})


def test_cells_and_what_is_computed_of_them() -> None:
    resolved, checks = resolve(
        [
            cell("now", "revenue", 1, format="currency", unit="$"),
            cell("before", "REVENUE"),
            computed("change", "(now - before) / before", format="percent"),
            computed("half", "change / 2"),
            cell("month", "month", 1, format="month"),
        ],
        [SHOP],
    )
    assert not checks
    assert [one.named.text for one in resolved] == [
        "$1,111.05",
        "1,234.5",
        "-10%",
        "-0.05",
        "April 2024",
    ]
    assert [one.named.value for one in resolved[:2]] == [1111.05, 1234.5]
    assert isinstance(resolved[1].exact, Decimal)


def test_an_exact_value_is_kept_as_text_where_no_float_holds_it() -> None:
    [one], _ = resolve([computed("third", "1 / 3")], [SHOP])
    assert isinstance(one.named.value, str)
    assert one.named.value.startswith("0.3333333333333333333333")


@pytest.mark.parametrize(
    ("value", "code", "told"),
    [
        (NamedValue(name="x", cell=CellRef(result="r9", column="a")), "UNKNOWN_RESULT", "'r1'"),
        (cell("x", "profit"), "UNKNOWN_COLUMN", "'Revenue'"),
        (cell("x", "total"), "AMBIGUOUS_COLUMN", "AS"),
        (cell("x", "revenue", 2), "ROW_OUT_OF_RANGE", "rows 0 to 1"),
        (cell("x", "revenue", -1), "ROW_OUT_OF_RANGE", "no row -1"),
        (cell("x", "nothing"), "VALUE_MISSING", "NULL"),
        (NamedValue(name="x"), "VALUE_UNDEFINED", "expression"),
        (computed("x", "y + 1"), "UNKNOWN_VALUE", "'y'"),
        (computed("x", "x + 1"), "CYCLE", "x -> x"),
        (computed("x", "1 / 0"), "DIVISION_BY_ZERO", "zero"),
        (computed("x", "lambda: 1"), "BAD_EXPRESSION", "names of values"),
        (cell("x", "month", format="percent"), "FORMAT_MISMATCH", "percent"),
    ],
)
def test_a_problem_is_a_check_that_says_what_to_do(value: NamedValue, code: str, told: str) -> None:
    [one], [check] = resolve([value], [SHOP])
    assert check.code == code
    assert told in check.message
    assert one.named.text


def test_nothing_is_computed_of_a_text_or_of_null() -> None:
    values = [
        cell("month", "month"),
        cell("gap", "nothing"),
        computed("a", "month + 1"),
        computed("b", "gap + 1"),
    ]
    _, checks = resolve(values, [SHOP])
    assert [check.code for check in checks] == ["VALUE_MISSING", "NOT_A_NUMBER", "NOT_A_NUMBER"]


def test_circles_and_long_ways_are_told() -> None:
    circle = [computed("a", "b"), computed("b", "c"), computed("c", "a")]
    assert {check.code for check in resolve(circle, [SHOP])[1]} == {"CYCLE"}
    long_way = [computed(f"v{n}", f"v{n + 1} + 1") for n in range(200)] + [computed("v200", "1")]
    assert {check.code for check in resolve(long_way, [SHOP])[1]} <= {"CYCLE"}


def test_two_values_of_one_name_are_told() -> None:
    _, checks = resolve([computed("a", "1"), computed("a", "2")], [])
    assert [check.code for check in checks] == ["VALUE_TWICE"]


def test_of_a_long_text_the_beginning_is_told() -> None:
    long = result("note", ("x" * 10_000_000,))
    resolved, checks = resolve([cell("note", "note")], [long])
    assert not checks
    assert resolved[0].named.text == resolved[0].named.value == "x" * 499 + "…"
