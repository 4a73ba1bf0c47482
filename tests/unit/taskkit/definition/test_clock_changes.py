"""Every clock change of 40 years in 20 zones, against a reference that counts minute by minute.

The reference knows nothing of cron patterns or of time zones but this: what a clock on the wall shows at a
moment (`zoneinfo`), and a set of times of day. It walks through the minutes of UTC in order.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from taskkit.definition.schedule import Cron

FIRST, LAST = datetime(1997, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AROUND = timedelta(minutes=150)
ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",  # summer time is interrupted for Ramadan
    "America/Asuncion",
    "America/Caracas",  # moved by half an hour, twice
    "America/Havana",  # changes at midnight
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",  # changed at one minute past midnight
    "Antarctica/Troll",  # changes by two hours
    "Asia/Beirut",  # skips midnight
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # changes by half an hour
    "Europe/Berlin",
    "Europe/Dublin",  # winter time is the exception
    "Pacific/Apia",  # left out a whole day
    "Pacific/Chatham",
)
EVERY_HOUR, EVERY_MINUTE = range(24), range(60)
# pattern, minutes, hours, whether it follows real time
PATTERNS: tuple[tuple[str, tuple[int, ...], tuple[int, ...], bool], ...] = (
    ("0 * * * *", (0,), (*EVERY_HOUR,), True),
    ("30 * * * *", (30,), (*EVERY_HOUR,), True),
    ("*/20 * * * *", (0, 20, 40), (*EVERY_HOUR,), True),
    ("0 */2 * * *", (0,), (*range(0, 24, 2),), True),
    ("*/30 0-3 * * *", (0, 30), (0, 1, 2, 3), True),
    ("0 0 * * *", (0,), (0,), False),
    ("30 0 * * *", (30,), (0,), False),
    ("30 1 * * *", (30,), (1,), False),
    ("30 2 * * *", (30,), (2,), False),
    ("5,35 0-4 * * *", (5, 35), (0, 1, 2, 3, 4), False),
    ("0-59 1,2,23 * * *", (*EVERY_MINUTE,), (1, 2, 23), False),
)


def minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += MINUTE


def shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """The minutes of UTC that begin with another offset than the minute before ended with."""
    zone, found, day = ZoneInfo(name), [], FIRST
    while day < LAST:
        following = day + DAY
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            offset = day.astimezone(zone).utcoffset()
            low, high = 0, 24 * 60
            while high - low > 1:
                middle = (low + high) // 2
                same = (day + middle * MINUTE).astimezone(zone).utcoffset() == offset
                low, high = (middle, high) if same else (low, middle)
            found.append(day + high * MINUTE)
        day = following
    return tuple(found)


def reference(
    clock: list[tuple[datetime, datetime]], at: set[tuple[int, int]], real: bool
) -> list[datetime]:
    """When it fires in these minutes, given as (moment, what the wall shows), but for the first of them.

    In real time: whenever the wall shows a matching time. Otherwise: when the wall first shows, or passes,
    a matching time that it has not shown before.
    """
    fires, latest = [], clock[0][1]
    for moment, wall in clock[1:]:
        if real:
            if (wall.hour, wall.minute) in at:
                fires.append(moment)
        elif wall > latest:
            passed = minutes(latest.replace(tzinfo=UTC) + MINUTE, wall.replace(tzinfo=UTC) + MINUTE)
            if any((time.hour, time.minute) in at for time in passed):
                fires.append(moment)
            latest = wall
    return fires


def fired(cron: Cron, after: datetime, until: datetime) -> list[datetime]:
    found, moment = [], cron.next_after(after)
    while moment < until:
        found.append(moment)
        moment = cron.next_after(moment)
    return found


def compare(name: str, start: datetime, end: datetime, patterns: tuple[int, ...]) -> int:
    zone = ZoneInfo(name)
    clock = [(moment, shown(moment, zone)) for moment in minutes(start, end)]
    count = 0
    for index in patterns:
        pattern, minute, hour, real = PATTERNS[index]
        expected = reference(clock, {(h, m) for h in hour for m in minute}, real)
        assert fired(Cron(pattern, name), start, end) == expected, (pattern, name, start)
        count += len(expected)
    return count


def test_there_are_clock_changes_of_every_kind() -> None:
    found = {name: len(changes(name)) for name in ZONES}
    assert len(ZONES) == 20
    assert sum(found.values()) > 1000
    assert all(found.values()) or [name for name in found if not found[name]] == ["Asia/Kathmandu"]


@pytest.mark.parametrize("name", ZONES)
def test_around_each_clock_change(name: str) -> None:
    """Two patterns of each kind at each change, all of them in turn."""
    count = 0
    for number, change in enumerate(changes(name)):
        chosen = tuple((number * 3 + step) % len(PATTERNS) for step in (0, 4, 8))
        count += compare(name, change - AROUND, change + AROUND, chosen)
    assert count > 0 or not changes(name)


@pytest.mark.parametrize("name", ZONES)
def test_all_patterns_at_some_changes_and_on_plain_days(name: str) -> None:
    draw = random.Random(name)
    everything = tuple(range(len(PATTERNS)))
    some = draw.sample(changes(name), min(2, len(changes(name))))
    days = [change - timedelta(hours=4) for change in some]
    days.append(FIRST + draw.randrange((LAST - FIRST) // MINUTE) * MINUTE)
    for start in days:
        assert compare(name, start, start + timedelta(hours=8), everything) > 0
