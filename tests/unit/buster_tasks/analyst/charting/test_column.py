"""What a column is, told from its values."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from buster_tasks.analyst.charting.column import (
    Column,
    column,
    humanised,
    label_of,
    moment_of,
    number_of,
    type_of,
)
from buster_tasks.analyst.errors import ToolRefusedError
from tests.doubles.shop_analysis import result_set


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("revenue", [1, 2.5, Decimal("3.10"), None], "quantitative"),
        ("revenue", ["12.50", "-3"], "quantitative"),
        ("customer_id", [1, 2], "nominal"),
        ("id", [1, 2], "nominal"),
        ("zip", ["04109", "10115"], "nominal"),
        ("paid", [1, 2], "quantitative"),
        ("year", [2023, 2024], "ordinal"),
        ("order_year", [2023, 2024], "ordinal"),
        ("year", [1, 2], "quantitative"),
        ("month", ["2024-03", "2024-04"], "temporal"),
        ("day", [date(2024, 3, 1)], "temporal"),
        ("at", ["2024-03-01T10:00:00Z", "2024-03-01 11:00"], "temporal"),
        ("at", [datetime(2024, 3, 1, tzinfo=UTC), None], "temporal"),
        ("month", ["2024-13"], "nominal"),
        ("quarter", ["2024-Q1", "2024-Q2"], "ordinal"),
        ("month", ["March", "Apr", "may"], "ordinal"),
        ("weekday", ["Mon", "Tuesday"], "ordinal"),
        ("team", ["Marketing", "Sunny"], "nominal"),
        ("is_paid", [True, False], "nominal"),
        ("mixed", [1, "x"], "nominal"),
        ("nothing", [None, None], "nominal"),
        ("none", [], "nominal"),
        ("ratio", [0.5, float("nan")], "nominal"),
    ],
)
def test_the_type_is_told_from_the_values(name: str, cells: list[object], expected: str) -> None:
    assert type_of(name, cells) == expected


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (Decimal("12.345678901234567890"), 12.345678901234567),
        (2**70, float(2**70)),
        (10**400, None),
        (float("nan"), None),
        (float("-inf"), None),
        (Decimal("NaN"), None),
        (Decimal("Infinity"), None),
        (True, None),
        ("1e5", None),
        ("٣", None),
        (None, None),
    ],
)
def test_only_a_finite_number_is_one(cell: object, number: float | None) -> None:
    assert number_of(cell) == number


def test_moments_are_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert moment_of(datetime(2024, 3, 1, 1, tzinfo=east)) == datetime(2024, 2, 29, 23, tzinfo=UTC)
    assert moment_of("2024-03-01 01:00+02:00") == datetime(2024, 2, 29, 23, tzinfo=UTC)
    assert moment_of("2024-03") == datetime(2024, 3, 1, tzinfo=UTC)
    assert moment_of(datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))) is None
    assert moment_of("2024-02-30") is None
    assert moment_of(20240301) is None


def test_months_and_weekdays_rank_as_in_the_calendar() -> None:
    months = Column("month", [], "ordinal")
    assert sorted(["Mar", "January", None, "feb"], key=months.rank) == [
        "January",
        "feb",
        "Mar",
        None,
    ]
    years = Column("year", [], "ordinal")
    assert sorted([2024, 2023], key=years.rank) == [2023, 2024]


def test_a_column_is_found_whatever_its_letters() -> None:
    result = result_set("r1", "", "", "Month Revenue", [("2024-01", 1)])
    assert column(result, "revenue").name == "Revenue"


def test_an_unknown_column_is_told_with_the_nearest() -> None:
    result = result_set("r1", "", "", "month revenue", [("2024-01", 1)])
    with pytest.raises(
        ToolRefusedError, match=r"no column 'revenu'.*mean 'revenue'.*month, revenue"
    ):
        column(result, "revenu")


def test_a_name_that_two_columns_have_is_refused() -> None:
    result = result_set("r1", "", "", "n n", [(1, 2)])
    with pytest.raises(ToolRefusedError, match="2 columns named 'n'"):
        column(result, "n")


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        (None, "(no value)"),
        ("", "(blank)"),
        (3.0, "3"),
        (Decimal("2.50"), "2.5"),
        (date(2024, 3, 1), "2024-03-01"),
    ],
)
def test_labels(cell: object, label: str) -> None:
    assert label_of(cell) == label


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("net_revenue_usd", "Net revenue USD"),
        ("customerId", "Customer ID"),
        ("Total revenue", "Total revenue"),
        ("n", "N"),
        ("_", "_"),
    ],
)
def test_names_are_written_as_people_do(name: str, title: str) -> None:
    assert humanised(name) == title
