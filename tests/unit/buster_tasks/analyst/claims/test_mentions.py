"""Numbers and dates in sentences."""

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.claims import mentions
from buster_tasks.analyst.claims.number_words import number_of_words


@pytest.mark.parametrize(
    ("text", "kind", "value", "quantum"),
    [
        ("There were 1,234.5 of it.", "number", "1234.5", "0.1"),
        ("It was 2,328.60, or so", "number", "2328.60", "0.01"),
        ("12,34,567 rupees", "number", "1234567", "1"),
        ("1 234,5 in all", "number", "1234.5", "0.1"),
        ("1\u202f234 in all", "number", "1234", "1"),
        ("1.234,56 in all", "number", "1234.56", "0.01"),
        ("1.234.567 in all", "number", "1234567", "1"),
        ("1'234'567 in all", "number", "1234567", "1"),
        ("12,5 of it", "number", "12.5", "0.1"),
        ("1.2k orders", "number", "1200", "100"),
        ("3.4M of it", "number", "3400000", "100000"),
        ("2 million people", "number", "2000000", "1000000"),
        ("5bn dollars", "number", "5000000000", "1000000000"),
        ("$1.2 million", "number", "1200000", "100000"),
        ("EUR 1,200", "number", "1200", "1"),
        ("1,200 EUR", "number", "1200", "1"),
        ("-5.2 in all", "number", "-5.2", "0.1"),
        ("\u22125.2 in all", "number", "-5.2", "0.1"),
        ("minus 5 in all", "number", "-5", "1"),
        ("-$5 in all", "number", "-5", "1"),
        ("12.5%", "percent", "12.5", "0.1"),
        ("12.5 % of it", "percent", "12.5", "0.1"),
        ("12.5 percent", "percent", "12.5", "0.1"),
        ("twelve percent", "percent", "12", "1"),
        ("a 5-percent rise", "percent", "5", "1"),
        ("2.5 percentage points", "points", "2.5", "0.1"),
        ("2.5 pp more", "points", "2.5", "0.1"),
        ("25 basis points", "points", "0.25", "0.01"),
        ("2.5x as many", "factor", "2.5", "0.1"),
        ("three times as many", "factor", "3", "1"),
        ("twice as many", "factor", "2", "1"),
        ("It doubled.", "factor", "2", "1"),
        ("It halved.", "factor", "0.5", "1"),
        ("twelve orders", "number", "12", "1"),
        ("twenty-one orders", "number", "21", "1"),
        ("two hundred and five orders", "number", "205", "1"),
        ("two million orders", "number", "2000000", "1000000"),
        ("a dozen orders", "number", "12", "1"),
        ("zero orders", "number", "0", "1"),
        ("half of them", "fraction", "50", "1"),
        ("a quarter of them", "fraction", "25", "1"),
        ("three quarters of them", "fraction", "75", "1"),
        ("one in four customers", "fraction", "25", "1"),
        ("3/4 of them", "fraction", "75", "1"),
        ("\u00bd of them", "fraction", "50", "1"),
        ("_1,234_ of it", "number", "1234", "1"),
        ("5 mio EUR", "number", "5000000", "1000000"),
        ("the No. 1 market", "ordinal", "1", "1"),
        ("number two in sales", "ordinal", "2", "1"),
        ("the second largest market", "ordinal", "2", "1"),
        ("It ranks third.", "ordinal", "3", "1"),
        ("in 3rd place", "ordinal", "3", "1"),
    ],
)
def test_a_number(text: str, kind: str, value: str, quantum: str) -> None:
    [found] = mentions(text)
    assert (found.kind, found.value, found.quantum) == (kind, Decimal(value), Decimal(quantum))
    assert text[found.start : found.end].startswith(found.text)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("on 2024-03-01", date(2024, 3, 1), date(2024, 3, 2)),
        ("in 2024-03", date(2024, 3, 1), date(2024, 4, 1)),
        ("in March 2024", date(2024, 3, 1), date(2024, 4, 1)),
        ("in Mar. 2024", date(2024, 3, 1), date(2024, 4, 1)),
        ("on Mar 1, 2024", date(2024, 3, 1), date(2024, 3, 2)),
        ("on 1 March 2024", date(2024, 3, 1), date(2024, 3, 2)),
        ("on the 1st of March 2024", date(2024, 3, 1), date(2024, 3, 2)),
        ("in Q1 2024", date(2024, 1, 1), date(2024, 4, 1)),
        ("in 2024-Q4", date(2024, 10, 1), date(2025, 1, 1)),
        ("in the first quarter of 2024", date(2024, 1, 1), date(2024, 4, 1)),
        ("in H2 2024", date(2024, 7, 1), date(2025, 1, 1)),
        ("in 2024", date(2024, 1, 1), date(2025, 1, 1)),
        ("FY24", date(2024, 1, 1), date(2025, 1, 1)),
        ("the 1990s", date(1990, 1, 1), date(2000, 1, 1)),
        ("from 2020-2023", date(2020, 1, 1), date(2024, 1, 1)),
    ],
)
def test_a_date(text: str, first: date, after: date) -> None:
    [found] = mentions(text)
    assert found.kind == "date"
    assert [(one.first, one.after, one.any_year) for one in found.periods] == [
        (first, after, False)
    ]


def test_a_date_that_may_be_read_in_two_ways_is_both() -> None:
    [found] = mentions("on 03/04/2024")
    assert [one.first for one in found.periods] == [date(2024, 3, 4), date(2024, 4, 3)]


def test_a_month_takes_the_year_of_the_one_that_it_leads_to() -> None:
    january, march = mentions("from January to March 2024")
    assert january.periods[0].first == date(2024, 1, 1)
    assert march.periods[0].first == date(2024, 3, 1)
    [alone] = mentions("in May")
    assert alone.periods[0].any_year


@pytest.mark.parametrize(
    "text",
    [
        "1. First\n2) Second",
        "r1 and f2 show it",
        "`orders_2024` and 'T001'",
        "COVID-19, 3D, B2B, v1.2.3, col_5, 50/50",
        "It may be so; they march on.",
        "Firstly, the second one",
        "No customer, none of them, no one, one of them",
        "per quarter and each second",
        "https://example.com/2024/12",
    ],
)
def test_what_is_no_claim(text: str) -> None:
    assert mentions(text) == []


@pytest.mark.parametrize(
    ("text", "comparison", "direction"),
    [
        ("about 1,000 orders", "about", 0),
        ("nearly 1,000 orders", "nearly", 0),
        ("just under 1,000 orders", "nearly", 0),
        ("more than 1,000 orders", "over", 0),
        ("no more than 1,000 orders", "at_most", 0),
        ("at least 1,000 orders", "at_least", 0),
        ("fewer than 1,000 orders", "under", 0),
        ("revenue rose 5%", "exact", 1),
        ("revenue fell by about 5%", "about", -1),
        ("they increased their revenue by 5%", "exact", 1),
        ("an increase of 5%", "exact", 1),
        ("a 5% drop", "exact", -1),
        ("5% lower", "exact", -1),
        ("12 more orders than before", "exact", 1),
        ("revenue fell to 5", "exact", 0),
        ("up to 5 orders", "at_most", 0),
        ("they make up 5%", "exact", 0),
        ("a gap of 5", "exact", 0),
    ],
)
def test_the_words_around_it(text: str, comparison: str, direction: int) -> None:
    [found] = mentions(text)
    assert (found.comparison, found.direction) == (comparison, direction)


def test_a_difference_has_no_direction() -> None:
    [found] = mentions("a gap of 5")
    assert found.is_change


def test_what_is_counted() -> None:
    assert [
        one.noun for one in mentions("18 large orders, 12 countries and 3 of the products")
    ] == [
        "orders",
        "countries",
        "",
    ]


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    found = mentions(text)
    assert all(one.end <= other.start for one, other in pairwise(found))


@given(st.text("0123456789,.'-\u2013%$ kMe\u00a0", max_size=60))
def test_no_heap_of_digits_raises(text: str) -> None:
    for found in mentions(text):
        assert found.end <= len(text)


def test_a_long_text_takes_no_time() -> None:
    for text in (
        "1,234 " * 20_000,
        "9" * 100_000,
        "rose by " * 20_000,
        "twenty-" * 20_000,
        "a." * 50_000,
    ):
        mentions(text)


@given(st.integers(0, 10**9), st.integers(0, 3), st.sampled_from(["", "-", "$", "about "]))
def test_what_is_written_is_read(number: int, places: int, before: str) -> None:
    value = Decimal(number).scaleb(-places)
    [found] = [
        one for one in mentions(f"It was {before}{value:,.{places}f} then") if one.kind == "number"
    ] or [None]
    if found is None:  # a year
        assert 1600 <= value < 2200
        return
    assert found.value == (-value if before == "-" else value)
    assert found.quantum == Decimal(1).scaleb(-places)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("three thousand two hundred and ten", 3210),
        ("one million five hundred thousand", 1_500_000),
    ],
)
def test_spelled_numbers(words: str, number: int) -> None:
    assert number_of_words(words) == number
