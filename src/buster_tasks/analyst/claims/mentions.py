"""Every number and date that a text mentions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from buster_tasks.analyst.claims.date_mentions import dates
from buster_tasks.analyst.claims.digits import digits
from buster_tasks.analyst.claims.direction import comparison, differs, direction, is_growth
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.number_words import number_words

LONGEST: Final = 20_000
"""Characters of a text that are looked at."""
# names, not numbers: `r1`, 'T001', and whatever stands in backticks
_NAMES: Final = re.compile(
    r"`[^`\n]*`|(?<!\w)['\"\u2018\u201c][A-Za-z_][\w.\-]*['\"\u2019\u201d]|\b[rf]\d+\b|https?://\S+"
)
_WORD: Final = re.compile(r"\s+([A-Za-z][A-Za-z'\u2019-]*)")
_NO_NOUN_TEXT: Final = """
in of from by to with and or for on at as than over per was were is are has has had have was this its his less
versus vs across during since until between that which who while where when each across plus minus because was
does makes accounts yes always
"""
_NO_NOUN: Final = frozenset(_NO_NOUN_TEXT.split())
_OF: Final = re.compile(r"\s+(?:out\s+)?of\b")
_ANY: Final = re.compile(
    r"\d[\d.,]*|[½¼¾⅓⅔]|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"(?:six|seven|eigh|nine)teen|"
    r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b|hundred|thousand|million|billion|trillion|dozen|half|"
    r"halves|halved|thirds?|quarters?|twice|doubled?|tripled?|(?:two|three|four|five|ten)fold|second|"
    r"January|February|March|April|June|July|August|September|October|November|December)\b",
    re.IGNORECASE,
)
_IRREGULAR: Final = frozenset({"people", "children", "men", "women", "media", "data", "sales"})


def mentions(text: str) -> list[Mention]:
    """The mentions in their order, none within another. Never raises; of a text without end the beginning counts.

    `no` and `none` are no numbers, and neither is an ordinal that is no rank, nor what stands in backticks.
    """
    text = text[:LONGEST]
    names = [found.span() for found in _NAMES.finditer(text)]
    found = _apart([*dates(text), *number_words(text), *digits(text)], names)
    return [_in_context(text, mention) for mention in found]


def may_mention(text: str, start: int) -> Mention | None:
    """The first of a text from a place on that may be a number or a date; looked for by its words alone, so quick."""
    found = _ANY.search(text, start)
    if found is None:
        return None
    return Mention(found[0], found.start(), found.end(), "number")


def _apart(found: list[Mention], names: list[tuple[int, int]]) -> list[Mention]:
    """Those that overlap no name and no mention that was found before."""
    taken = list(names)
    kept: list[Mention] = []
    for mention in found:
        if all(mention.end <= start or end <= mention.start for start, end in taken):
            taken.append((mention.start, mention.end))
            kept.append(mention)
    return sorted(kept, key=lambda mention: mention.start)


def _in_context(text: str, mention: Mention) -> Mention:
    if mention.kind in {"date", "time", "ordinal"}:
        return mention
    before, after = text[: mention.start], text[mention.end :]
    sentence = re.split(r"[\n;]|[.!?]\s", before)[-1]
    is_part = mention.kind == "fraction" and not sentence.endswith("by ")
    way = 0 if is_part else direction(sentence, after)
    if way and (mention.value or 0) < 0 and (way < 0 or is_growth(sentence)):
        way = 0  # its sign says it already: "growth was -5%"
    return replace(
        mention,
        comparison=comparison(sentence),
        direction=way,
        differs=mention.text.startswith("+") or differs(sentence, after),
        noun=_noun(after),
        of=bool(_OF.match(after)),
    )


def _noun(after: str) -> str:
    """The first plural among the three words that follow: what is counted."""
    place = 0
    for _ in range(3):
        found = _WORD.match(after, place)
        if found is None:
            return ""
        word = found[1].lower()
        if word in _NO_NOUN:
            return ""
        if word in _IRREGULAR or (word.endswith("s") and not word.endswith("ss") and len(word) > 3):
            return word
        place = found.end()
    return ""
