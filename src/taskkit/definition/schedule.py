"""Schedules: cron patterns, and what a scheduled run is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from taskkit.errors import InvalidCronError, InvalidOptionError, shown
from taskkit.model.ids import derived_id

if TYPE_CHECKING:
    from cronsim import CronSim

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
        "@monthly": "0 0 1 * *",
        "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@hourly": "0 * * * *",
    }
)

_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_ALLOWED = (
    "minute 0-59 or steps such as */15",
    "hour 0-23 or steps such as */2",
    "day 1-31 if one of the months has it, L for the last one, or ?",
    "month 1-12 or JAN-DEC, ranges running forwards",
    "weekday 0-7 or SUN-SAT (0 and 7 are Sunday), 5L for the last Friday, 1#2 for the second Monday, or ?",
)
_LONGEST = 500
_SOME_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - cronsim is only asked about plain local time
_SECOND, _MINUTE, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """When a schedule fires: five cron fields or an @alias, read in a time zone.

    Where a clock change skips the local time, it fires at the first moment after the gap; where a clock
    change repeats it, once. A pattern whose minute or hour starts with `*` follows real time instead.
    Raises InvalidCronError for a pattern that cannot be read or never comes true, and for an unknown zone.
    """

    pattern: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        _zone(self.timezone, self.pattern)
        _fields(self.pattern)
        try:
            next(_local_times(self.pattern, _SOME_DAY))
        except StopIteration:
            raise InvalidCronError(
                f"The cron pattern {self.pattern!r} names dates that never come. Check its day, month and weekday.",
                pattern=self.pattern,
            ) from None

    def next_after(self, when: datetime) -> datetime:
        """The first moment after `when` (aware) at which the schedule fires, in UTC.

        Raises InvalidCronError when there is none before the year 9999.
        """
        if when.utcoffset() is None:
            raise InvalidOptionError("when", when, "a datetime without a time zone says no moment.")
        zone = _zone(self.timezone, self.pattern)
        following = _in_real_time if _follows_real_time(self.pattern) else _by_the_wall_clock
        try:
            return following(self.pattern, zone, when.astimezone(UTC))
        except (StopIteration, OverflowError, ValueError):  # the calendar has ended
            pass
        raise InvalidCronError(
            f"The cron pattern {self.pattern!r} never fires after {when.isoformat()}.",
            pattern=self.pattern,
        )

    def last_before(self, until: datetime, *, after: datetime) -> datetime | None:
        """The last moment after `after` and not after `until` at which it fires; None when there is none.

        Takes few steps, however many moments lie between.
        """
        low, high = after, until  # it fires in (low, until], and not in (high, until]
        if not self._fires_in(low, until):
            return None
        while high - low > _MINUTE:
            middle = low + (high - low) / 2
            if self._fires_in(middle, until):
                low = middle
            else:
                high = middle
        return self.next_after(low)

    def _fires_in(self, after: datetime, until: datetime) -> bool:
        try:
            return self.next_after(after) <= until
        except InvalidCronError:  # the calendar has ended
            return False

    def upcoming(self, after: datetime, n: int) -> list[datetime]:
        """The next `n` moments after `after`, in UTC."""
        moments: list[datetime] = []
        for _ in range(n):
            after = self.next_after(after)
            moments.append(after)
        return moments


def declared_schedule_id(task_id: str) -> str:
    """The id of the schedule that a task's own code declares; the same in every process."""
    return derived_id("sched", "declared", task_id)


def keyed_schedule_id(key: str) -> str:
    """The id of the schedule that is made under a deduplication key."""
    return derived_id("sched", "key", key)


class ScheduledPayload(BaseModel):
    """What a scheduled run is given. `timestamp` is the planned moment, not when the run started."""

    # Built at first use: the first model of a process loads fifty modules.
    model_config = ConfigDict(frozen=True, defer_build=True)

    timestamp: AwareDatetime
    last_timestamp: AwareDatetime | None = None
    timezone: str = "UTC"
    schedule_id: str
    type: Literal["DECLARATIVE", "IMPERATIVE"] = "DECLARATIVE"
    external_id: str | None = None
    upcoming: list[AwareDatetime] = []


def _fields(pattern: object) -> list[str]:
    """The five fields of a pattern, as text that cronsim reads; InvalidCronError says what is wrong."""
    if not isinstance(pattern, str) or not pattern.isascii() or len(pattern) > _LONGEST:
        raise _unreadable(pattern, 'it must be plain text such as "0 9 * * MON-FRI".')
    if pattern.startswith("@"):
        if pattern in ALIASES:
            return ALIASES[pattern].split(" ")
        near = get_close_matches(pattern.lower(), ALIASES, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise _unreadable(
            pattern, f"there is no such alias.{guess} Aliases are: {', '.join(ALIASES)}."
        )
    fields = pattern.replace("\t", " ").split(" ")
    if "" in fields or any(field.split() != [field] for field in fields):
        raise _unreadable(
            pattern, "separate the fields by one space or tab, with none at the ends."
        )
    if len(fields) == 6:
        raise _unreadable(
            pattern, "it has six fields; seconds are not supported. Leave the first one out."
        )
    if len(fields) != 5:
        raise _unreadable(pattern, f"it has {len(fields)} of the five fields {', '.join(_FIELDS)}.")
    # ? says "no matter" for the day that the other day field decides; cronsim knows only *.
    fields[2], fields[4] = (("*" if field == "?" else field) for field in (fields[2], fields[4]))
    return fields


@lru_cache(maxsize=512)
def _parsed(pattern: str) -> CronSim:
    from cronsim import CronSim, CronSimError

    fields = _fields(pattern)
    try:
        return CronSim(" ".join(fields), _SOME_DAY)
    except (CronSimError, ValueError, AssertionError) as error:
        name = str(error).removeprefix("Bad ")
        if name not in _FIELDS:
            raise _unreadable(pattern, f"cronsim says: {error}.") from None
        place = _FIELDS.index(name)
        raise _unreadable(
            pattern,
            f"its {name} field is {fields[place]!r}, which cannot be. Allowed: {_ALLOWED[place]}.",
        ) from None


# --- clock changes ----------------------------------------------------------------------------------
# cronsim counts plain local time, of which it has no doubts; what a zone makes of it is decided here. Given
# a zone, cronsim passes over full hours and half hours next to a clock change of half an hour.


def _local_times(pattern: str, after: datetime) -> Iterator[datetime]:
    """The local times after this one that match, as if no clock were ever changed."""
    simulation = copy(_parsed(pattern))
    simulation.dt = after.replace(microsecond=0)
    return simulation


def _follows_real_time(pattern: str) -> bool:
    """As cron does it: what runs every minute or every hour is not caught up or held back by a clock change."""
    _, minute, hour, *_ = _parsed(pattern).parts
    return minute.startswith("*") or hour.startswith("*")


def _by_the_wall_clock(pattern: str, zone: tzinfo, when: datetime) -> datetime:
    """When a clock on the wall first shows or passes a matching time after `when`."""
    moments = (_first_shown(local, zone) for local in _local_times(pattern, _shown_at(when, zone)))
    return next(moment for moment in moments if moment > when)  # a first pass may be over already


def _in_real_time(pattern: str, zone: tzinfo, when: datetime) -> datetime:
    """The first moment after `when` at which a clock on the wall shows a matching time."""
    start = when.replace(microsecond=0)
    while True:
        local = next(_local_times(pattern, _shown_at(start, zone)))
        moment = local.replace(tzinfo=UTC) - _offset(start, zone)
        change = None if zone is UTC else _change(zone, start, moment)
        if change is None:
            return moment
        shown = _shown_at(change, zone)
        if next(_local_times(pattern, shown - _SECOND)) == shown:
            return change
        start = change


def _first_shown(local: datetime, zone: tzinfo) -> datetime:
    """When a clock on the wall shows this time first, or skips it."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if _shown_at(moment, zone) == local:
        return moment
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _change(zone, before, moment) or moment


def _shown_at(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _change(zone: tzinfo, start: datetime, end: datetime) -> datetime | None:
    """The first moment after `start`, up to `end`, at which the zone has another offset; both in whole seconds.

    No zone changes its clocks back and forth within a day.
    """
    offset = _offset(start, zone)
    low, high = start, min(start + _DAY, end)
    while _offset(high, zone) == offset:
        if high >= end:
            return None
        low, high = high, min(high + _DAY, end)
    while high - low > _SECOND:
        middle = low + (high - low) // 2 // _SECOND * _SECOND
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return high


# --- what is wrong ----------------------------------------------------------------------------------


def _unreadable(pattern: object, reason: str) -> InvalidCronError:
    return InvalidCronError(
        f"The cron pattern {shown(pattern)} cannot be used: {reason}", pattern=str(pattern)
    )


def _zone(name: object, pattern: str) -> tzinfo:
    if name == "UTC":
        return UTC
    import zoneinfo

    try:
        if isinstance(name, str) and name:
            return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass
    near = ", ".join(map(repr, _near_zones(name))) if isinstance(name, str) else ""
    guess = f" Did you mean {near}?" if near else ""
    raise InvalidCronError(
        f"The time zone {shown(name)} of the cron pattern {shown(pattern)} is unknown.{guess} "
        f'Give a name of the IANA database such as "Europe/Berlin"; schedules.timezones() lists them.',
        pattern=pattern,
    )


def _near_zones(name: str) -> Iterator[str]:
    import zoneinfo

    names = {zone.lower(): zone for zone in sorted(zoneinfo.available_timezones())}
    # "berlin" and "Berlin/Europe" are near "Europe/Berlin" by their words, though not by their letters.
    wanted = name.lower().replace(" ", "_")
    for zone in get_close_matches(wanted, names, n=2) or [
        zone for zone in names if wanted and wanted.rpartition("/")[2] == zone.rpartition("/")[2]
    ]:
        yield names[zone]
