"""Numbers that are written as words: `twenty-one`, `two thirds`, `doubled`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from buster_tasks.analyst.claims.mention import Kind, Mention

_SMALL_TEXT: Final = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_SMALL: Final = {word: number for number, word in enumerate(_SMALL_TEXT.split())}
_TENS: Final = {
    word: number * 10
    for number, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_SCALES: Final = {
    "hundred": 100,
    "dozen": 12,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_UNITS: Final = "|".join([*_SMALL, *_TENS])
_ANY: Final = "|".join([*_SMALL, *_TENS, *_SCALES])
_WORDS: Final = re.compile(
    rf"\b(?:(?:{_UNITS})|an?(?=\s+(?:{'|'.join(_SCALES)})\b))(?:(?:[\s-]+and)?[\s-]+(?:{_ANY})\b)*"
    r"(?![\w])(?P<percent>[\s-]+(?:percentage\s+points?|per\s?cent)\b)?",
    re.IGNORECASE,
)
_ROUND: Final = 10**6
_ONE_OF: Final = re.compile(r"\s+(?:of|or|another|could|can|might|would|by|day)\b", re.IGNORECASE)
_NOT_COUNTED: Final = re.compile(
    r"\b(?:no|any|some|every|each|this|that|the|which|only|another)\s+$", re.IGNORECASE
)

_PARTS: Final = {
    "half": 2,
    "halves": 2,
    "third": 3,
    "quarter": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
# a quarter is a time as well; "a second" never is a part
_FRACTION: Final = re.compile(
    r"\b(?:(?P<many>two|three|four|five|six|seven|eight|nine)[\s-](?P<parts>thirds|quarters|fifths|sixths|sevenths|"
    r"eighths|ninths|tenths)"
    r"|(?:an?|one)[\s-](?P<part>half|third|quarter|fifth|sixth|seventh|eighth|ninth|tenth)(?=\s+of\b|\s+(?:more|less|"
    r"fewer|higher|lower|larger|smaller)\b|[.,;]|$)"
    r"|(?<=by )(?:an?|one)[\s-](?P<by>half|third|quarter|fifth|sixth|seventh|eighth|ninth|tenth)\b"
    r"|(?<!first )(?<!second )(?<!other )(?P<half>half)(?=\s+(?:of|the|all|as|its|their)\b|[.,;]|$))",
    re.IGNORECASE,
)
_FACTORS: Final = {
    "doubl": 2,
    "tripl": 3,
    "trebl": 3,
    "quadrupl": 4,
    "quintupl": 5,
    "twice": 2,
    "thrice": 3,
    "twofold": 2,
    "threefold": 3,
    "fourfold": 4,
    "fivefold": 5,
    "tenfold": 10,
}
_FACTOR: Final = re.compile(
    r"\b(?:(?P<stem>doubl|tripl|trebl|quadrupl|quintupl)(?:e[ds]?|ing)"
    r"|(?P<word>twice|thrice|\w+fold)|(?P<halv>halv(?:ed?|ing)))\b",
    re.IGNORECASE,
)
_TIMES: Final = re.compile(
    rf"\b(?P<words>(?:{_UNITS})(?:-(?:{_UNITS}))?)(?=\s+times\s+(?:as|more|the|higher|larger|greater)\b)",
    re.IGNORECASE,
)
_ORDINALS_TEXT: Final = """
first second third fourth fifth sixth seventh eighth ninth tenth
"""
_ORDINALS: Final = {word: number for number, word in enumerate(_ORDINALS_TEXT.split(), start=1)}
# an ordinal is a claim where it is a rank
_ORDINAL: Final = re.compile(
    rf"(?P<ranked>\b(?:rank(?:s|ed)?|finish(?:es|ed)?|came|comes|placed?)\s+(?:in\s+)?)?"
    r"(?P<stands>\b(?:is|was|are|were)\s+(?:an?\s+(?:distant|close|clear)\s+)?)?"
    rf"\b(?:(?P<word>{'|'.join(_ORDINALS)})|(?P<digits>\d{{1,3}})(?:st|nd|rd|th))\b"
    r"(?P<rank>[\s-]+(?:place|position|rank|most|least|best|worst|highest|lowest|largest|smallest|biggest|greatest|"
    r"busiest|longest|shortest|strongest|weakest|cheapest|fewest)\b)?"
    r"(?P<ends>\s+(?:with|at)\b|\s*[,.;(]|$)?",
    re.IGNORECASE,
)


_NUMBER_ONE: Final = re.compile(
    r"\b(?:no\.\s?|number\s+)(?P<word>one|two|three|[1-9])\b(?![.,]?\d)", re.IGNORECASE
)
_RUNNER_UP: Final = re.compile(r"\brunner-up\b", re.IGNORECASE)
_DIGITS: Final = re.compile(
    r"(?<![\w/.,])(?P<many>\d{1,2})/(?P<parts>[1-9]\d?)(?=\s+of\b)|(?P<sign>[½¼¾⅓⅔])"
)
_SIGNS: Final = {"½": (1, 2), "¼": (1, 4), "¾": (3, 4), "⅓": (1, 3), "⅔": (2, 3)}
_SMALLER: Final = "one|two|three|four|five|six|seven|eight|nine"
_ONE_IN: Final = re.compile(
    rf"\b(?P<many>{_SMALLER}|[1-9])\s+in\s+(?:every\s+)?(?P<parts>{_SMALLER}|ten|twenty|[2-9]|10|20)(?=\s+[a-z]+s\b)",
    re.IGNORECASE,
)


def number_words(text: str) -> Iterator[Mention]:
    """The mentions in words, wider ones before those that lie within them."""
    yield from _ordinals(text)
    yield from _fractions(text)
    yield from _factors(text)
    for found in _WORDS.finditer(text):
        mention = _spelled(text, found)
        if mention is not None:
            yield mention


def number_of_words(words: str) -> int:
    """The number that words spell: `two hundred and five`. Raises KeyError for any other word."""
    total, current = 0, 0
    for word in re.split(r"[\s-]+", words.lower().strip()):
        if word in {"and", "a", "an"}:
            continue
        if word in _SCALES:
            scale = _SCALES[word]
            current = max(current, 1) * scale
            if scale >= 1000:
                total, current = total + current, 0
        else:
            current += _SMALL[word] if word in _SMALL else _TENS[word]
    return total + current


def _spelled(text: str, found: re.Match[str]) -> Mention | None:
    words = found[0][: found.start("percent") - found.start()] if found["percent"] else found[0]
    value = Decimal(number_of_words(words))
    if value == 1 and not found["percent"]:
        before, after = text[: found.start()], text[found.end() :]
        if _ONE_OF.match(after) or _NOT_COUNTED.search(before) or not re.match(r"\s+[a-z]", after):
            return None
    kind: Kind = "number"
    if found["percent"]:
        kind = "points" if "point" in found["percent"].lower() else "percent"
    return _mention(text, found.span(), kind, value, weak=value == 1)


def _fractions(text: str) -> Iterator[Mention]:
    for found in _FRACTION.finditer(text):
        many = _SMALL[found["many"].lower()] if found["many"] else 1
        name = (found["parts"] or found["part"] or found["by"] or "half").lower()
        value = Decimal(many * 100) / _PARTS[name if name in _PARTS else name.removesuffix("s")]
        yield _mention(text, found.span(), "fraction", value)
    for found in _DIGITS.finditer(text):
        many, part = _SIGNS.get(found["sign"]) or (int(found["many"]), int(found["parts"]))
        yield _mention(text, found.span(), "fraction", Decimal(many * 100) / part)
    for found in _ONE_IN.finditer(text):
        many, part = (
            int(one) if one.isdigit() else number_of_words(one)
            for one in (found["many"], found["parts"])
        )
        yield _mention(text, found.span(), "fraction", Decimal(many * 100) / part)


def _factors(text: str) -> Iterator[Mention]:
    for found in _FACTOR.finditer(text):
        word = (found["stem"] or found["word"] or "").lower()
        if found["halv"]:
            value = Decimal("0.5")
        elif word in _FACTORS:
            value = Decimal(_FACTORS[word])
        else:
            continue
        yield _mention(text, found.span(), "factor", value)
    for found in _TIMES.finditer(text):
        yield _mention(text, found.span(), "factor", Decimal(number_of_words(found["words"])))


def _ordinals(text: str) -> Iterator[Mention]:
    for found in _NUMBER_ONE.finditer(text):
        word = found["word"]
        value = int(word) if word.isdigit() else _SMALL[word.lower()]
        yield _mention(text, found.span("word"), "ordinal", Decimal(value))
    for found in _RUNNER_UP.finditer(text):
        yield _mention(text, found.span(), "ordinal", Decimal(2))
    for found in _ORDINAL.finditer(text):
        if found["ranked"] or found["rank"] or (found["stands"] and found["ends"] is not None):
            part = "word" if found["word"] else "digits"
            value = _ORDINALS[found["word"].lower()] if found["word"] else int(found["digits"])
            yield _mention(text, found.span(part), "ordinal", Decimal(value))


def _mention(
    text: str, span: tuple[int, int], kind: Kind, value: Decimal, *, weak: bool = False
) -> Mention:
    start, end = span
    significant = max(place_of(value), Decimal(1)) if kind == "number" else Decimal(1)
    # "two million" is rounded, "two hundred" is counted
    quantum = significant if significant >= _ROUND else Decimal(1)
    return Mention(text[start:end], start, end, kind, value, quantum, significant, weak=weak)


def place_of(value: Decimal) -> Decimal:
    """What the last digit of a number that is no zero counts: 100 for 1200, 0.1 for 1.2."""
    if value == 0:
        return Decimal(1)
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(1).scaleb(exponent)
