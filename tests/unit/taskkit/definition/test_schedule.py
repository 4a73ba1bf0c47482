"""Cron patterns: what is read, what is refused, and the clock changes."""

import pickle
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from taskkit.definition.schedule import ALIASES, Cron, ScheduledPayload
from taskkit.errors import InvalidCronError, InvalidOptionError

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year, month, ... as they come


@pytest.mark.parametrize(
    ("pattern", "after", "expected"),
    [
        ("0 */2 * * *", NEW_YEAR, at(2026, 1, 1, 2)),
        ("*\t*\t*\t*\t*", NEW_YEAR, at(2026, 1, 1, 0, 1)),
        ("* * * * *", NEW_YEAR + timedelta(seconds=59, microseconds=1), at(2026, 1, 1, 0, 1)),
        ("0 0 * JAN MON", NEW_YEAR, at(2026, 1, 5)),
        ("0 0 * * 0", NEW_YEAR, at(2026, 1, 4)),
        ("0 0 * * 7", NEW_YEAR, at(2026, 1, 4)),
        ("0 0 * * sun", NEW_YEAR, at(2026, 1, 4)),
        ("0 0 L * *", NEW_YEAR, at(2026, 1, 31)),
        ("0 0 * * 5L", NEW_YEAR, at(2026, 1, 30)),
        ("0 0 * * 1#2", NEW_YEAR, at(2026, 1, 12)),
        ("0 0 ? * 1", NEW_YEAR, at(2026, 1, 5)),
        ("0 0 15 * ?", NEW_YEAR, at(2026, 1, 15)),
        ("0 0 29 2 *", NEW_YEAR, at(2028, 2, 29)),
        ("0 0 13 * 5", NEW_YEAR, at(2026, 1, 2)),  # day or weekday
        ("@yearly", NEW_YEAR, at(2027, 1, 1)),
        ("@annually", NEW_YEAR, at(2027, 1, 1)),
        ("@monthly", NEW_YEAR, at(2026, 2, 1)),
        ("@weekly", NEW_YEAR, at(2026, 1, 4)),
        ("@daily", NEW_YEAR, at(2026, 1, 2)),
        ("@midnight", NEW_YEAR, at(2026, 1, 2)),
        ("@hourly", NEW_YEAR, at(2026, 1, 1, 1)),
    ],
)
def test_next_after(pattern: str, after: datetime, expected: datetime) -> None:
    found = Cron(pattern).next_after(after)
    assert found == expected
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("* * * * * *", "six fields; seconds are not supported"),
        ("* * * *", "4 of the five fields"),
        ("*", "1 of the five fields"),
        ("* * * * * * *", "7 of the five fields"),
        ("", "one space or tab"),
        ("   ", "one space or tab"),
        (" * * * * *", "one space or tab"),
        ("* * * * * ", "one space or tab"),
        ("*  * * * *", "one space or tab"),
        ("* \t* * * *", "one space or tab"),
        ("*\n* * * *", "one space or tab"),
        ("* * * * *\n", "one space or tab"),
        ("60 * * * *", r"minute field is '60'.*0-59"),
        ("* 24 * * *", "hour field is '24'"),
        ("* * 0 * *", "day-of-month field is '0'"),
        ("* * 32 * *", "day-of-month field is '32'"),
        ("* * * 13 *", "month field is '13'"),
        ("* * * FEBRUARY *", "month field is 'FEBRUARY'"),
        ("* * * * 8", "day-of-week field is '8'"),
        ("0 0 * * FRI-MON", "day-of-week field is 'FRI-MON'"),
        ("30-10 * * * *", "minute field is '30-10'"),
        ("*/0 * * * *", "minute field"),
        ("1,,2 * * * *", "minute field"),
        ("? * * * *", "minute field is '?'"),
        ("* * 15W * *", "day-of-month field is '15W'"),
        ("H * * * *", "minute field is 'H'"),
        ("0 0 30 2 *", "day-of-month field is '30'"),
        ("0 0 31 4,6,9,11 *", "day-of-month field is '31'"),
        ("0 0 */10 2 MON#5", "dates that never come"),
        ("@Daily", "Did you mean '@daily'"),
        ("@reboot", "there is no such alias"),
        ("@", "there is no such alias"),
        ("\uff11 * * * *", "plain text"),
        ("*\xa0* * * *", "plain text"),
        ("1," * 400 + "1 * * * *", "plain text"),
        (None, "plain text"),
        (5, "plain text"),
    ],
)
def test_other_patterns_are_refused(pattern: Any, hint: str) -> None:
    with pytest.raises(InvalidCronError, match=hint) as caught:
        Cron(pattern)
    assert caught.value.pattern == str(pattern)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Berln", "Did you mean 'Europe/Berlin'"),
        ("europe/berlin", "Did you mean 'Europe/Berlin'"),
        ("Berlin", "Did you mean 'Europe/Berlin'"),
        ("UTC+2", "unknown"),
        ("America", "unknown"),
        ("", "unknown"),
        ("../etc/passwd", "unknown"),
        ("/etc/localtime", "unknown"),
        ("\0", "unknown"),
        ("\ud800", "unknown"),
        (None, "unknown"),
        (2, "unknown"),
    ],
)
def test_unknown_zones_are_refused(zone: Any, hint: str) -> None:
    with pytest.raises(InvalidCronError, match=hint):
        Cron("@daily", zone)


def test_zone_decides_the_hour() -> None:
    assert Cron("0 9 * * *", "Europe/Berlin").next_after(NEW_YEAR) == at(2026, 1, 1, 8)
    assert Cron("0 9 * * *", timezone="Asia/Kolkata").next_after(NEW_YEAR) == at(2026, 1, 1, 3, 30)


@pytest.mark.parametrize(
    ("pattern", "zone", "day", "expected"),
    [
        (
            "30 2 * * *",
            "America/New_York",
            at(2026, 3, 8, 5),
            ["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"],
        ),
        (
            "0 0 * * *",
            "Asia/Beirut",
            at(2026, 3, 28, 12),
            ["2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00"],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            at(2026, 10, 3, 12),
            ["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
        ),
        (
            "30 1 * * *",
            "America/New_York",
            at(2026, 11, 1, 4),
            ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"],
        ),
        (
            "*/30 1 * * *",
            "America/New_York",
            at(2026, 11, 1, 4, 30),
            [
                "2026-11-01T01:00:00-04:00",
                "2026-11-01T01:30:00-04:00",
                "2026-11-01T01:00:00-05:00",
                "2026-11-01T01:30:00-05:00",
                "2026-11-02T01:00:00-05:00",
            ],
        ),
    ],
)
def test_clock_changes(pattern: str, zone: str, day: datetime, expected: list[str]) -> None:
    found = Cron(pattern, zone).upcoming(day, len(expected))
    assert [moment.astimezone(ZoneInfo(zone)).isoformat() for moment in found] == expected


def test_second_pass_of_a_repeated_hour_does_not_fire_again() -> None:
    # 01:10 the second time round: 01:30 fired forty minutes ago, in the first pass.
    when = datetime(2026, 11, 1, 1, 10, fold=1, tzinfo=NEW_YORK)
    found = Cron("30 1 * * *", "America/New_York").next_after(when)
    assert found.astimezone(NEW_YORK).isoformat() == "2026-11-02T01:30:00-05:00"


patterns = st.sampled_from(
    [
        "30 2 * * *",
        "30 1 * * *",
        "0 0 * * *",
        "*/20 * * * *",
        "0 */2 * * *",
        "15,45 1-3 * * *",
        "*/30 2 15 * *",
        "0 2 L 3,10 ?",
    ]
)
zones = st.sampled_from(
    ["UTC", "America/New_York", "Asia/Beirut", "Australia/Lord_Howe", "Europe/Berlin"]
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - by hypothesis


@given(patterns, zones, moments)
def test_time_only_runs_forwards(pattern: str, zone: str, when: datetime) -> None:
    cron = Cron(pattern, zone)
    found = [when, *cron.upcoming(when, 4)]
    assert all(later > earlier for earlier, later in pairwise(found))
    assert cron.next_after(found[1] - timedelta(microseconds=1)) == found[1]


@given(patterns, zones, moments, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_last_before_is_the_last_that_next_after_finds(
    pattern: str, zone: str, after: datetime, length: timedelta
) -> None:
    cron, until = Cron(pattern, zone), after + length
    found, moment = None, cron.next_after(after)
    while moment <= until:
        found, moment = moment, cron.next_after(moment)
    assert cron.last_before(until, after=after) == found


def test_last_before_takes_few_steps() -> None:
    year = timedelta(days=365)
    found = Cron("* 9-17 * * MON-FRI").last_before(NEW_YEAR + 10 * year, after=NEW_YEAR)
    assert found == at(2035, 12, 28, 17, 59)


def test_end_of_the_calendar() -> None:
    with pytest.raises(InvalidCronError, match="never fires after 9999"):
        Cron("@yearly").next_after(at(9999, 12, 31, 23))
    with pytest.raises(InvalidCronError, match="never fires after 9999"):
        Cron("@yearly", "Europe/Berlin").next_after(at(9999, 12, 31, 23, 59))
    with pytest.raises(InvalidCronError, match="never fires after 9999"):
        Cron("0 * * * *", "Europe/Berlin").next_after(at(9999, 12, 31, 23, 59))
    end, before = at(9999, 12, 31, 23, 59), at(9999, 12, 31, 20)
    assert Cron("@hourly").last_before(end, after=before) == at(9999, 12, 31, 23)
    assert Cron("@yearly").last_before(end, after=before) is None


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="without a time zone"):
        Cron("@daily").next_after(datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose


def test_cron_is_a_value() -> None:
    assert Cron("@daily") == Cron("@daily", "UTC") != Cron("0 0 * * *")
    assert pickle.loads(pickle.dumps(Cron("@daily", "Asia/Tokyo"))) == Cron("@daily", "Asia/Tokyo")
    assert len({Cron("@daily"), Cron("@daily")}) == 1
    assert Cron("@daily").upcoming(NEW_YEAR, 0) == []


def test_aliases_mean_what_cron_means() -> None:
    for alias, pattern in ALIASES.items():
        assert Cron(alias).upcoming(NEW_YEAR, 3) == Cron(pattern).upcoming(NEW_YEAR, 3)


def test_scheduled_payload_round_trips() -> None:
    payload = ScheduledPayload(timestamp=NEW_YEAR, schedule_id="s", upcoming=[at(2026, 1, 2)])
    assert ScheduledPayload.model_validate_json(payload.model_dump_json()) == payload
    assert (payload.type, payload.timezone, payload.last_timestamp, payload.external_id) == (
        "DECLARATIVE",
        "UTC",
        None,
        None,
    )
    with pytest.raises(ValidationError):
        ScheduledPayload(timestamp=datetime(2026, 1, 1), schedule_id="s")  # noqa: DTZ001 - naive on purpose
