"""Times in a question: years, months, quarters, days, and ranges of them, as half-open ranges of days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

Grain = Literal["day", "week", "month", "quarter", "year"]

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join([*_MONTHS, *(name[:3] for name in _MONTHS), "sept"])
_ORDINALS: Final = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
}

_DAY: Final = re.compile(
    rf"\b(?P<iso>\d{{4}}-\d{{1,2}}-\d{{1,2}})\b"
    rf"|\b(?P<month>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})\b"
    rf"|\b(?P<day2>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<month2>{_MONTH})\.?,? (?P<year2>\d{{4}})\b",
    re.IGNORECASE,
)
_QUARTER: Final = re.compile(
    r"\b(?:q(?P<q>[1-4])|(?P<nth>first|second|third|fourth|1st|2nd|3rd|4th) quarter)(?: of| in|,)? ?(?P<year>\d{4})\b",
    re.IGNORECASE,
)
_WHOLE_MONTH: Final = re.compile(
    rf"\b(?P<month>{_MONTH})\.?(?: of|,)? (?P<year>(?:19|20)\d{{2}})\b", re.IGNORECASE
)
_YEAR: Final = re.compile(r"\b(?P<year>(?:19|20)\d{2})\b")
_GRAINS: Final = re.compile(
    r"\b(?:by|per|each|every|over|for each|for every|of each|in each) (?P<one>day|week|month|quarter|year)s?\b"
    r"|\b(?P<adverb>daily|weekly|monthly|quarterly|yearly|annual|annually)\b"
    r"|\b(?P<twice>day|week|month|quarter|year) by (?:day|week|month|quarter|year)\b",
    re.IGNORECASE,
)
_ADVERBS: Final[dict[str, Grain]] = {
    "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter",
    "yearly": "year", "annual": "year", "annually": "year",
}  # fmt: skip
_AFTER = re.compile(r"\b(on or after|from|since|starting(?: from)?|beginning)\s*$", re.IGNORECASE)
_ON_OR_AFTER = re.compile(r"\bon or after\s*$", re.IGNORECASE)
_ON_OR_BEFORE = re.compile(r"\bon or before\s*$", re.IGNORECASE)
_LATER = re.compile(r"\b(after|later than)\s*$", re.IGNORECASE)
_BEFORE = re.compile(r"\b(before|prior to|earlier than)\s*$", re.IGNORECASE)
_UNTIL = re.compile(r"\b(until|till|up to|on or before|through|by)\s*$", re.IGNORECASE)
_BETWEEN = re.compile("^\\s*(?:and|to|until|through|[-\u2013])\\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `begin` on and before `end`; None is open. `text` is where it stands in the question."""

    begin: date | None
    end: date | None
    text: str


def grain_of(question: str) -> tuple[Grain, str] | None:
    """By which steps of time the question wants its answer, and its words for it."""
    found = _GRAINS.search(question)
    if found is None:
        return None
    word = (found["one"] or found["twice"] or "").lower()
    grain: Grain
    match word:
        case "day" | "week" | "month" | "quarter" | "year":
            grain = word
        case _:
            grain = _ADVERBS[found["adverb"].lower()]
    return grain, found[0]


def span_of(question: str) -> Span | None:  # noqa: PLR0911 - one for each preposition
    """The time that the question is about: one range, or the one that two dates or their prepositions make."""
    found = _ranges(question)
    if not found:
        return None
    first, last, begin, end = found[0]
    text = question[first:last]
    if len(found) > 1 and _BETWEEN.match(question[last : found[1][0]]):
        return Span(begin, found[1][3], question[first : found[1][1]])
    before = question[:first]
    if _ON_OR_AFTER.search(before):
        return Span(begin, None, text)
    if _ON_OR_BEFORE.search(before):
        return Span(None, end, text)
    if _LATER.search(before):
        return Span(end, None, text)
    if _BEFORE.search(before):
        return Span(None, begin, text)
    if _UNTIL.search(before):
        return Span(None, end, text)
    if _AFTER.search(before) and not before.rstrip().lower().endswith("from"):
        return Span(begin, None, text)
    return Span(begin, end, text)


def _ranges(question: str) -> list[tuple[int, int, date, date]]:
    """Begin and end in the text, first day and the day after the last, of each time that is named, in order."""
    found: list[tuple[int, int, date, date]] = []
    taken: list[tuple[int, int]] = []

    def add(match: re.Match[str], begin: date | None, end: date | None) -> None:
        if begin is None or end is None:
            return
        if any(match.start() < last and first < match.end() for first, last in taken):
            return
        taken.append(match.span())
        found.append((match.start(), match.end(), begin, end))

    for match in _DAY.finditer(question):
        day = _day(match)
        add(match, day, None if day is None else day + timedelta(days=1))
    for match in _QUARTER.finditer(question):
        year = int(match["year"])
        quarter = int(match["q"]) if match["q"] else _ORDINALS[match["nth"].lower()]
        add(match, date(year, 3 * quarter - 2, 1), _month_after(year, 3 * quarter))
    for match in _WHOLE_MONTH.finditer(question):
        year, month = int(match["year"]), _month(match["month"])
        add(match, date(year, month, 1), _month_after(year, month))
    for match in _YEAR.finditer(question):
        year = int(match["year"])
        add(match, date(year, 1, 1), date(year + 1, 1, 1))
    return sorted(found)


def _day(match: re.Match[str]) -> date | None:
    try:
        if match["iso"]:
            year, month, day = map(int, match["iso"].split("-"))
        elif match["month"]:
            year, month, day = int(match["year"]), _month(match["month"]), int(match["day"])
        else:
            year, month, day = int(match["year2"]), _month(match["month2"]), int(match["day2"])
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    return next(at for at, known in enumerate(_MONTHS, 1) if known.startswith(name.lower()[:3]))


def _month_after(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)
