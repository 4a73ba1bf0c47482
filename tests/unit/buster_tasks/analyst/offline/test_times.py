"""Times of a question are half-open ranges of days, and steps of time."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.offline.times import grain_of, span_of


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("orders in 2023", date(2023, 1, 1), date(2024, 1, 1)),
        ("orders in March 2023", date(2023, 3, 1), date(2023, 4, 1)),
        ("orders in December 2023", date(2023, 12, 1), date(2024, 1, 1)),
        ("orders in Q4 2023", date(2023, 10, 1), date(2024, 1, 1)),
        ("in the first quarter of 2023", date(2023, 1, 1), date(2023, 4, 1)),
        ("on 2023-05-06", date(2023, 5, 6), date(2023, 5, 7)),
        ("between Jan 1, 2023 and Mar 31, 2023", date(2023, 1, 1), date(2023, 4, 1)),
        ("from April 1 2023 to April 4 2023", date(2023, 4, 1), date(2023, 4, 5)),
        ("between 2020 and 2022", date(2020, 1, 1), date(2023, 1, 1)),
        ("after 2020", date(2021, 1, 1), None),
        ("since 2020", date(2020, 1, 1), None),
        ("on or after Apr 1, 2023", date(2023, 4, 1), None),
        ("before March 2021", None, date(2021, 3, 1)),
        ("until 2021", None, date(2022, 1, 1)),
    ],
)
def test_spans(text: str, begin: date | None, end: date | None) -> None:
    span = span_of(text)
    assert span is not None
    assert (span.begin, span.end) == (begin, end)


@pytest.mark.parametrize(
    "text", ["top 5 products", "more than 1200 orders", "room 312", "2023-13-45 is no day", ""]
)
def test_no_spans(text: str) -> None:
    span = span_of(text)
    assert span is None or "2023" in span.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("revenue by month", "month"), ("monthly revenue", "month"), ("orders per quarter", "quarter"),
        ("for each year", "year"), ("daily totals", "day"), ("week by week", "week"), ("annual sales", "year"),
    ],
)  # fmt: skip
def test_grains(text: str, expected: str) -> None:
    found = grain_of(text)
    assert found is not None
    assert found[0] == expected
    assert found[1] in text


@pytest.mark.parametrize(
    "text", ["in this month", "days of absence", "the year 2020", "by monthly_fee_name"]
)
def test_no_grains(text: str) -> None:
    assert grain_of(text) is None


@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    span = span_of(text)
    assert span is None or span.text in text
    grain_of(text)
