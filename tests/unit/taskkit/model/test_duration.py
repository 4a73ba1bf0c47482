"""Durations: every spelling that is allowed, and everything else refused by name."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies as st

from taskkit.errors import InvalidDurationError
from taskkit.model.duration import delay_until, seconds, ttl_seconds

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (5, 5.0),
        (2.5, 2.5),
        (timedelta(minutes=1, milliseconds=5), 60.005),
        ("0s", 0.0),
        ("90s", 90.0),
        ("10m", 600.0),
        ("1h", 3600.0),
        ("1hr", 3600.0),
        ("500ms", 0.5),
        ("1h30m", 5400.0),
        ("30m1h", 5400.0),
        ("5s4m3h2d1w", 788_645.0),
        ("1w2d3h4m5s6ms", 788_645.006),
        ("1m1ms", 60.001),
        ("007m", 420.0),
        ("PT1H", 3600.0),
        ("PT90M", 5400.0),
        ("P1D", 86_400.0),
        ("P1DT12H", 129_600.0),
        ("P1W", 604_800.0),
        ("P1W2DT3H4M5S", 788_645.0),
        ("PT0.5S", 0.5),
        ("PT1,5H", 5400.0),
        ("PT0S", 0.0),
    ],
)
def test_seconds_of_what_is_allowed(value: Any, expected: float) -> None:
    found = seconds(value, what="delay")
    assert found == expected
    assert type(found) is float


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "5", "h", "1 h", " 1h", "1h ", "1h\n", "1h 30m", "1.5h", "-1h", "+1h", "1H", "1M", "1S", "1MS",
        "1h1h", "1h1hr", "1hr1hr", "1y", "1mo", "1us", "1sm", "1h30", "٣h", "\uff11h", "1e3s", "inf", "nan", "1_0s",
        "P", "PT", "P1DT", "P1Y", "P1M", "P1Y2M", "PT1H1H", "-PT1H", "P-1D", "pt1h", "PT1.5H1M", "PT.5S", "P1D\n",
        "PT٣H", "T1H", "1h" * 60, "0" * 100 + "s", "9" * 99 + "w", "P" + "9" * 90 + "D", "PT" + "9" * 97 + "S",
        -1, -0.001, timedelta(seconds=-1), math.nan, math.inf, -math.inf, 10**400, -(10**400), 1e300, 86_400 * 10**9,
        timedelta.max, True, False, None, b"1h", [], (), {}, 1j, Decimal(1), Fraction(1), iter, NOW,
    ],
    ids=lambda value: repr(value)[:30] if not isinstance(value, int) or abs(value) < 10**100 else "huge",
)  # fmt: skip
def test_anything_else_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidDurationError) as caught:
        seconds(value, what="delay of a trigger")
    assert str(caught.value).startswith("delay of a trigger is ")
    assert "ISO 8601" in str(caught.value)
    assert caught.value.value is value


def test_error_says_which_unit_is_there_twice() -> None:
    with pytest.raises(InvalidDurationError, match="the unit h is there twice"):
        seconds("1h2m1hr", what="delay")


def test_infinity_only_where_it_is_allowed() -> None:
    assert seconds(math.inf, what="max_duration", allow_infinite=True) == math.inf
    for value in (-math.inf, math.nan, "inf"):
        with pytest.raises(InvalidDurationError):
            seconds(value, what="max_duration", allow_infinite=True)


def test_longest_text_that_is_read() -> None:
    assert seconds("0" * 98 + "1s", what="x") == 1.0


UNITS = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
]


@given(st.permutations(UNITS), st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
def test_units_add_up_in_any_order(units: list[tuple[str, int]], amounts: list[int]) -> None:
    parts = list(zip(units, amounts, strict=False))
    text = "".join(f"{amount}{unit}" for (unit, _), amount in parts)
    assert seconds(text, what="x") == sum(amount * size for (_, size), amount in parts) / 1000


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400_000)))
def test_timedelta_and_its_iso_form_agree(value: timedelta) -> None:
    text = f"P{value.days}DT{value.seconds}.{value.microseconds:06}S"
    assert seconds(text, what="x") == pytest.approx(value.total_seconds(), abs=1e-5)
    assert seconds(value, what="x") == value.total_seconds()


@given(st.text(max_size=110) | st.from_regex(r"\A[PT0-9wdhrmsHMSWD.,]{0,12}\Z"))
def test_text_is_seconds_or_our_error(text: str) -> None:
    try:
        found = seconds(text, what="x")
    except InvalidDurationError:
        return
    assert 0 <= found < 86_400 * 10**9
    timedelta(seconds=found)  # never an OverflowError


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers())
def test_numbers_are_seconds_or_our_error(value: float) -> None:
    try:
        assert seconds(value, what="x") == value
    except InvalidDurationError:
        assert not 0 <= value < 86_400 * 10**9


# --- delay, ttl -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10m", NOW + timedelta(minutes=10)),
        (0, NOW),
        (NOW + timedelta(days=1), NOW + timedelta(days=1)),
        (NOW - timedelta(days=1), NOW),
        (datetime(2026, 3, 1, 20, tzinfo=timezone(timedelta(hours=5))), NOW + timedelta(hours=3)),
    ],
)
def test_delay_until(value: Any, expected: datetime) -> None:
    found = delay_until(value, now=NOW)
    assert found == expected
    assert found.tzinfo is UTC


def test_delay_until_a_naive_moment_is_refused() -> None:
    with pytest.raises(InvalidDurationError, match="without a time zone"):
        delay_until(datetime(2026, 3, 1), now=NOW)  # noqa: DTZ001 - naive on purpose


def test_delay_past_the_end_of_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidDurationError, match="9999"):
        delay_until(timedelta(days=10**6 * 9), now=NOW)


def test_ttl_of_zero_means_none() -> None:
    assert ttl_seconds(0) is None
    assert ttl_seconds("0s") is None
    assert ttl_seconds(None) is None
    assert ttl_seconds("1h") == 3600.0
    with pytest.raises(InvalidDurationError, match="ttl is -1"):
        ttl_seconds(-1)
