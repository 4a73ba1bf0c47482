"""Days, months, quarters and years that a sentence names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.period import Period, period

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_YEAR = r"(?:1[6-9]|20|21)\d\d"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_QUARTERS: Final = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "last": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
}
_WORD = "first|second|third|fourth|last|1st|2nd|3rd|4th"
_TIME: Final = re.compile(r"(?<![\w:.])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?![\w:])")
_MAY_ALONE: Final = re.compile(
    r"\b(?:in|of|since|from|to|until|till|through|by|for|and|during|between|before|after|the|this|last|next|than|was|is|were|are|came|with)\s+$"
)
_MAY_DOES: Final = re.compile(
    r"(?:'s|\u2019s)?\s+(?:was|is|had|has|saw|to|through|until|brought|closed|recorded|showed|came|revenue|sales|orders|"
    r"figures|leads?|led|tops|topped|ranks?|ranked|trails?|trailed|dominates?|at\s+[\d$€£]|with\s+[\d$€£]|differs?|and\s+[A-Z])"
)
_TO_NEXT: Final = re.compile(
    r"\s*(?:,|,?\s*(?:and|to|through|until|till|or|vs\.?|versus|over|than in)\s+|[-\u2013]|\s*/\s*)\s*(?:in\s+)?"
)


def dates(text: str) -> Iterator[Mention]:
    """The mentions of days, wider ones before those that lie within them; `March and April 2024` share the year."""
    found: list[Mention] = []
    taken: list[tuple[int, int]] = []
    for pattern, read in _FORMS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            periods = read(match)
            if periods:
                taken.append((start, end))
                found.append(Mention(match[0], start, end, "date", periods=periods))
    yield from _with_years(text, sorted(found, key=lambda mention: mention.start))
    for match in _TIME.finditer(text):
        yield Mention(match[0], match.start(), match.end(), "time")


def _with_years(text: str, mentions: list[Mention]) -> Iterator[Mention]:
    """`January` takes the year of `March 2024` where the one leads to the other."""
    later: Mention | None = None
    dated: list[Mention] = []
    for mention in reversed(mentions):
        one = mention
        if (
            mention.periods[0].any_year
            and later is not None
            and not later.periods[0].any_year
            and _TO_NEXT.fullmatch(text[mention.end : later.start])
        ):
            year = later.periods[0].first.year
            first = mention.periods[0].first
            day = first.day if mention.periods[0].is_day else None
            of_year = period(year, first.month, day)
            one = replace(mention, periods=(of_year,)) if of_year else mention
        dated.append(one)
        later = one
    return reversed(dated)


def _iso(match: re.Match[str]) -> tuple[Period, ...]:
    day = match["day"]
    return _known(period(int(match["year"]), int(match["month"]), int(day) if day else None))


def _slashed(match: re.Match[str]) -> tuple[Period, ...]:
    one, other, year = int(match["one"]), int(match["other"]), int(match["year"])
    found = _known(period(year, one, other), period(year, other, one))
    return tuple(dict.fromkeys(found))


def _named(match: re.Match[str]) -> tuple[Period, ...]:
    parts = match.groupdict()
    month = _MONTHS[parts["month"][:3].lower()]
    day = re.sub(r"\D", "", parts.get("day") or "")
    year = parts.get("year")
    found = period(
        int(year) if year else 2000, month, int(day) if day else None
    )  # 2000 has all days
    if found is None:
        return ()
    return (found,) if year else (Period(found.first, found.after, any_year=True),)


def _alone(match: re.Match[str]) -> tuple[Period, ...]:
    text = match.string
    # "may" and "march" are verbs as well
    is_verb = match["month"].lower() in {"may", "march"}
    if is_verb and not (
        _MAY_ALONE.search(text[: match.start()]) or _MAY_DOES.match(text[match.end() :])
    ):
        return ()
    return _named(match)


def _quarter(match: re.Match[str]) -> tuple[Period, ...]:
    number = match["number"] or str(_QUARTERS[match["word"].lower()])
    year = match["year"] or match.groupdict().get("short")
    found = period(_full_year(year) if year else 2000, int(number) * 3 - 2, months=3)
    if found is None:
        return ()
    return (found,) if year else (Period(found.first, found.after, any_year=True),)


def _half(match: re.Match[str]) -> tuple[Period, ...]:
    number = 1 if (match["number"] or match["word"]).lower() in {"1", "first", "1st"} else 2
    return _known(period(_full_year(match["year"]), number * 6 - 5, months=6))


def _year(match: re.Match[str]) -> tuple[Period, ...]:
    return _known(period(_full_year(match["year"])))


def _years(match: re.Match[str]) -> tuple[Period, ...]:
    first, until = int(match["year"]), match["until"]
    last = int(until) if len(until) == 4 else first // 100 * 100 + int(until)
    return _known(period(first, months=(last - first + 1) * 12)) if last > first else ()


def _decade(match: re.Match[str]) -> tuple[Period, ...]:
    return _known(period(int(match["year"]), months=120))


def _full_year(text: str) -> int:
    year = int(text)
    return year if year > 99 else 2000 + year


def _known(*periods: Period | None) -> tuple[Period, ...]:
    return tuple(one for one in periods if one is not None)


def _form(
    *pattern: str, read: Callable[[re.Match[str]], tuple[Period, ...]], flags: int = 0
) -> tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[Period, ...]]]:
    return re.compile("".join(pattern), flags), read


_IN_YEAR: Final = rf"(?:\s+of)?\s+(?P<year>{_YEAR})(?!\w)"
# longer ones first: a month within a date is no mention of its own
_FORMS: Final = (
    _form(
        rf"(?<![\w-])(?P<year>{_YEAR})[-/](?P<month>\d\d)(?:[-/](?P<day>\d\d))?",
        r"(?:[T ]\d\d:\d\d(?::\d\d)?)?(?![\d/-])",
        read=_iso,
    ),
    _form(
        rf"(?<![\w/.])(?P<one>\d\d?)[/.](?P<other>\d\d?)[/.](?P<year>{_YEAR})(?!\w)", read=_slashed
    ),
    _form(rf"(?<![\w-])(?P<year>{_YEAR})-?Q(?P<number>[1-4])(?P<word>)(?!\w)", read=_quarter),
    _form(
        rf"\b(?P<day>{_DAY})(?:\s+of)?\s+(?P<month>{_MONTH})(?:,?\s+(?P<year>{_YEAR}))?(?!\d)",
        read=_named,
    ),
    _form(
        rf"\b(?P<month>{_MONTH})\s+(?P<day>{_DAY})(?:,?\s+(?P<year>{_YEAR}))?",
        r"(?![\d,%]|\.\d)(?!\s?%)(?!\s+(?!(?:was|is|has|as|vs)\b)[a-z]+s\b)",  # "in March 12 orders", "in May 3.5%"
        read=_named,
    ),
    _form(rf"\b(?P<month>{_MONTH}),?", _IN_YEAR, read=_named),
    _form(
        rf"\b(?:Q(?P<number>[1-4])|(?P<word>{_WORD})\s+quarter)",
        rf"(?:,?(?:\s+of)?\s+(?P<year>{_YEAR})|['\u2019](?P<short>\d\d))?(?!\w)",
        read=_quarter,
        flags=re.IGNORECASE,
    ),
    _form(
        r"\b(?:H(?P<number>[12])|(?P<word>first|second|1st|2nd)\s+half)",
        _IN_YEAR,
        read=_half,
        flags=re.IGNORECASE,
    ),
    _form(rf"\bFY\s?(?P<year>{_YEAR}|\d\d)\b", read=_year),
    _form(rf"(?<![\w.,-])(?P<year>{_YEAR})[-\u2013/](?P<until>{_YEAR}|\d\d)(?![\w-])", read=_years),
    _form(r"(?<!\w)(?P<year>(?:1[6-9]|20|21)\d0)s\b", read=_decade),
    _form(rf"\b(?:mid|pre|post|early|late)-(?P<year>{_YEAR})\b", read=_year),
    _form(rf"(?<![\w-])(?P<month>{_MONTH})(?![\w-])", read=_alone),
    _form(  # a year where nothing makes a number of it
        rf"(?<![\w.,$€£¥₹+'\u2019:#-])(?P<year>{_YEAR})(?![\w%€$£¥₹]|[.,:/'\u2019]\d|\s?%)",
        read=_year,
    ),
)
