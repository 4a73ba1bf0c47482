"""Lengths of time: seconds, `timedelta`, text such as "1h30m", or ISO 8601 such as "PT1H"."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from taskkit.errors import InvalidDurationError

Duration: TypeAlias = int | float | timedelta | str

ALLOWED = (
    'give seconds (a number >= 0), a timedelta, text of the units w d h m s ms such as "1h30m" '
    '(whole numbers, no spaces, each unit once), or ISO 8601 without years and months such as "PT1H30M".'
)

_BEYOND = 86_400 * 10**9  # a timedelta holds less than a milliard days
_LONGEST_TEXT = 100
_UNITS = {
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "hr": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_PART = re.compile(r"([0-9]+)(ms|hr|[wdhms])")
_PARTS = re.compile(r"(?:[0-9]+(?:ms|hr|[wdhms]))+")
_NUMBER = r"([0-9]+(?:[.,][0-9]+)?)"
_ISO = re.compile(
    rf"P(?=.)(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=.)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
)
_ISO_SECONDS = (604_800, 86_400, 3_600, 60, 1)


def seconds(value: Duration, *, what: str, allow_infinite: bool = False) -> float:
    """The length of time in seconds, at least 0.

    `what` names the value in the error ("delay of a trigger"). `math.inf` passes only with
    `allow_infinite`. Anything that is no duration raises InvalidDurationError; nothing is rounded but to
    the precision of a float.
    """
    if isinstance(value, str):
        return _of_text(value, what)
    if isinstance(value, timedelta):
        return _checked(value.total_seconds(), value, what)
    if not _is_number(value):
        raise InvalidDurationError(what, value, ALLOWED)
    if allow_infinite and value == math.inf:
        return math.inf
    return _checked(value, value, what)


def delay_until(value: Duration | datetime, *, now: datetime) -> datetime:
    """The moment that a delay ends, aware, in UTC; a moment in the past gives `now`.

    Raises InvalidDurationError for a naive datetime, and for a delay that ends after the year 9999.
    """
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise InvalidDurationError(
                "delay",
                value,
                "a datetime without a time zone says no moment. Write datetime.now(UTC) + ...",
            )
        return max(value.astimezone(UTC), now.astimezone(UTC))
    wait = seconds(value, what="delay")
    try:
        return now.astimezone(UTC) + timedelta(seconds=wait)
    except OverflowError:
        raise InvalidDurationError(
            "delay", value, "it ends after the year 9999. Give a shorter one."
        ) from None


def ttl_seconds(value: Duration | None) -> float | None:
    """Seconds that a run may wait for its start; None for 0 and None, which both mean no limit."""
    return None if value is None else seconds(value, what="ttl") or None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_text(text: str, what: str) -> float:
    if len(text) > _LONGEST_TEXT:
        raise InvalidDurationError(
            what, text, f"at most {_LONGEST_TEXT} characters are read; {ALLOWED}"
        )
    if _PARTS.fullmatch(text):
        return _checked(_of_units(text, what), text, what)
    iso = _ISO.fullmatch(text)
    if iso is None:
        raise InvalidDurationError(what, text, ALLOWED)
    amounts = [
        (group, size) for group, size in zip(iso.groups(), _ISO_SECONDS, strict=True) if group
    ]
    if any(not amount.isdigit() for amount, _ in amounts[:-1]):
        raise InvalidDurationError(
            what, text, f"only the smallest unit may have decimals; {ALLOWED}"
        )
    whole = sum(int(amount) * size for amount, size in amounts[:-1])
    last, size = amounts[-1]
    return _checked(whole + float(last.replace(",", ".")) * size, text, what)


def _of_units(text: str, what: str) -> float:
    milliseconds = 0
    seen: set[str] = set()
    for amount, unit in _PART.findall(text):
        kind = "h" if unit == "hr" else unit
        if kind in seen:
            raise InvalidDurationError(what, text, f"the unit {kind} is there twice; {ALLOWED}")
        seen.add(kind)
        milliseconds += int(amount) * _UNITS[unit]
    return milliseconds / 1000


def _checked(amount: float, value: object, what: str) -> float:
    # Compared before float(): an int may be too large for one. NaN fails every comparison.
    if not 0 <= amount < _BEYOND:
        raise InvalidDurationError(what, value, ALLOWED)
    return float(amount)
