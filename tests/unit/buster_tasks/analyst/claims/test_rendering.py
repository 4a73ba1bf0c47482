"""Values as a sentence shows them."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from buster_tasks.analyst.claims.rendering import FormatMismatchError, render
from buster_tasks.analyst.findings import ValueFormat

D = Decimal


@pytest.mark.parametrize(
    ("value", "shape", "decimals", "unit", "text"),
    [
        (D(1234567), "auto", None, "", "1,234,567"),
        (D("1234.50"), "auto", None, "", "1,234.5"),
        (D("1234.567"), "auto", None, "", "1,234.57"),
        (D("0.00012345"), "auto", None, "", "0.000123"),
        (D("-0.001"), "auto", 2, "", "0.00"),
        (D(12), "auto", None, "days", "12 days"),
        (D("12.5"), "auto", None, "%", "12.5%"),
        (D("12.5"), "integer", None, "", "13"),
        (D("-12.5"), "integer", None, "", "-13"),
        (D("1234.5"), "number", 2, "", "1,234.50"),
        (D("0.125"), "percent", None, "", "12.5%"),
        (D("0.5"), "percent", None, "", "50%"),
        (D("0.12345"), "percent", 2, "", "12.35%"),
        (D("-0.05"), "percent", None, "", "-5%"),
        (D("1234.5"), "currency", None, "$", "$1,234.50"),
        (D(1234), "currency", None, "$", "$1,234"),
        (D("-1234.5"), "currency", None, "€", "-€1,234.50"),
        (D("1234.5"), "currency", 0, "EUR", "1,235 EUR"),
        (D("1234.5"), "currency", None, "", "1,234.50"),
        (date(2024, 3, 1), "date", None, "", "2024-03-01"),
        (datetime(2024, 3, 1, 9, 30, tzinfo=UTC), "date", None, "", "2024-03-01"),
        ("2024-03-01 10:00:00", "date", None, "", "2024-03-01"),
        ("2024-03", "date", None, "", "2024-03"),
        (date(2024, 3, 1), "month", None, "", "March 2024"),
        ("2024-03", "month", None, "", "March 2024"),
        (D(202403), "month", None, "", "March 2024"),
        (date(2024, 3, 1), "auto", None, "", "2024-03-01"),
        (datetime(2024, 3, 1), "auto", None, "", "2024-03-01"),  # noqa: DTZ001 - as a database gives it
        (time(9, 30), "auto", None, "", "09:30:00"),
        ("Berlin", "auto", None, "", "Berlin"),
        (True, "auto", None, "", "yes"),
        (D("12.50"), "text", None, "", "12.5"),
        (None, "currency", None, "$", "no value"),
    ],
)
def test_each_format(
    value: object, shape: ValueFormat, decimals: int | None, unit: str, text: str
) -> None:
    assert render(value, shape, decimals=decimals, unit=unit) == text


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("many", "number"),
        (date(2024, 1, 1), "percent"),
        ("soon", "date"),
        ("2024", "month"),
        (D(5), "month"),
    ],
)
def test_a_value_of_another_sort_is_told(value: object, shape: ValueFormat) -> None:
    with pytest.raises(FormatMismatchError):
        render(value, shape)
