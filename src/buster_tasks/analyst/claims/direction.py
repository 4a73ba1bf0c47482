"""Words around a number that say which way it went, and how exactly it is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

Comparison = Literal["exact", "about", "nearly", "over", "at_least", "under", "at_most"]

_UP = (
    "rose|risen|rises?|rising|grew|grown|grows?|growing|growth|increased?|increases|increasing|climb(?:ed|s)?|"
    "jump(?:ed|s)?|surg(?:ed?|es)|expand(?:ed|s)?|improv(?:ed?|es|ement)|soar(?:ed|s)?|"
    "(?<!make )(?<!makes )(?<!made )(?<!making )(?<!ended )(?<!ends )(?<!add )(?<!adds )up|uplift"
)
_DOWN = (
    "fell|fallen|falls?|falling|decreas(?:ed?|es|ing)|declin(?:ed?|es|ing)|drop(?:ped|s)?|dropping|shr(?:ank|unk|inks?)|"
    "sank|slid|slump(?:ed)?|plung(?:ed?)|contract(?:ed|ion)|reduc(?:ed?|tion)|down|dip(?:ped)?|loss|deficit|negative"
)
_LINK = (
    r"(?:\s+(?:by|of|was|were|is|came\s+to|rate|in\s+total|a\s+total\s+of|sharply|slightly|steadily|strongly|"
    r"significantly|only|just|about|around|roughly|approximately|nearly|almost|over|more\s+than|less\s+than|some|"
    r"at\s+least|an?|the|another|further))*"
)
_SAYS_UP: Final = re.compile(rf"\b(?:{_UP}){_LINK}\s*[~≈]?\(?$", re.IGNORECASE)
_SAYS_DOWN: Final = re.compile(rf"\b(?:{_DOWN}){_LINK}\s*[~≈]?\(?$", re.IGNORECASE)
_VERB_OBJECT_BY: Final = re.compile(
    rf"\b(?:(?P<up>{_UP})|(?P<down>{_DOWN}))(?:\s+[\w'-]+){{1,4}}\s+by"
    r"(?:\s+(?:about|around|roughly|nearly|almost|over|more\s+than|some|only|just))*\s*$",
    re.IGNORECASE,
)
_AFTER: Final = re.compile(
    r"^\s*-?\s*(?:points?\s+)?(?:"
    r"(?P<up>higher|greater|above|increase|growth|rise|larger|bigger|ahead|gain|up|longer|jump|improvement|surplus)"
    r"|(?P<down>lower|below|decrease|decline|drop|smaller|behind|fall|down|shorter|reduction|short|loss|dip)"
    r")\b"
    r"|^\s+(?:[a-z]+\s+)?(?:(?P<more>more)|(?P<less>less|fewer))\b(?=[^.;]{0,40}\bthan\b(?!\s+\d))"
    r"|^\s+[a-z]+\s+(?:(?P<ahead>ahead|above|higher)|(?P<behind>behind|below|lower))\b",
    re.IGNORECASE,
)
_UP_TO: Final = re.compile(r"\b(?:up|down)\s+(?:to|from)\s*$", re.IGNORECASE)
_DIFFERS: Final = re.compile(
    r"\b(?:differences?|gap|margin|spread|distance|lead|advantage)(?:\s+in(?:\s+[a-z_]+){1,4})?\s+(?:between|from|of|over)\s(?:[^.;]|\.\w){1,90}?"
    r"\s(?:is|was|of|amount(?:s|ed)?\s+to|comes?\s+to|came\s+to|stands?\s+at|stood\s+at)"
    r"(?:\s+(?:about|nearly|around|some|only|just))*\s*[$€£¥₹]?$"
    r"|\b(?:differences?|gap|change[ds]?|margin|swing|spread|lead|differ(?:s|ed)?)"
    r"(?:\s+(?:of|by|is|was|about|nearly|around|some))+\s*$"
    r"|\b(?:leads?|led|beats?|ahead|trail(?:s|ed)?|exceed(?:s|ed)?|lag(?:s|ged)?|outsells?|outsold|outperform\w*|surpass\w*|behind|separated)"
    r"(?:\s+[\w'-]+){0,4}\s+by(?:\s+(?:about|nearly|around|some))?\s*[$€£¥₹]?$|\+$",
    re.IGNORECASE,
)
_GROWTH: Final = re.compile(
    r"\b(?:growth|increase|change|gain|rise|improvement)\b[^.;,]{0,20}$", re.IGNORECASE
)
_DIFFERENCE: Final = re.compile(
    r"^\s*-?(?:points?\s+)?(?:change|difference|gap|swing|apart|lead|(?:[a-z]+\s+)?separates?)\b"
    r"|^\s+(?:[a-z]+\s+)?apart\b",
    re.IGNORECASE,
)

# the narrower first, which hold the wider ones: "no more than", "just under"
_COMPARISONS: Final[Mapping[Comparison, str]] = {
    "at_least": r"\b(?:at\s+least|no\s+(?:less|fewer)\s+than|not\s+less\s+than|a\s+minimum\s+of)|>=|≥",
    "at_most": (
        r"\b(?:at\s+most|no\s+more\s+than|not\s+more\s+than|(?<!add )(?<!adds )(?<!added )(?<!adding )up\s+to|"
        r"a\s+maximum\s+of)|<=|≤"
    ),
    "nearly": (
        r"\b(?:nearly|almost|close\s+to|just\s+under|just\s+below|slightly\s+less\s+than|not\s+quite)"
    ),
    "about": (
        r"\b(?:about|around|roughly|approximately|approx\.?|some|circa|ca\.?|an\s+estimated|in\s+the\s+region\s+of)|[~≈]"
    ),
    "over": (
        r"\b(?:more\s+than|over|above|greater\s+than|higher\s+than|larger\s+than|exceed(?:s|ed|ing)?|beyond|"
        r"upwards?\s+of)|>"
    ),
    "under": r"\b(?:less\s+than|fewer\s+than|under|below|lower\s+than|smaller\s+than)|<",
}
_HOW: Final[tuple[tuple[Comparison, re.Pattern[str]], ...]] = tuple(
    (
        comparison,
        re.compile(rf"(?:{words})(?:\s+(?:of|a|an|total|some))*\s*[$€£¥₹]?\s*$", re.IGNORECASE),
    )
    for comparison, words in _COMPARISONS.items()
)


def says_down(before: str) -> bool:
    """Whether a text ends so that the number after it is taken away: `fell by`."""
    return _direction_before(before[-80:]) < 0


def direction(before: str, after: str) -> int:
    """1 for a number that something rose by, -1 for one that it fell by, 0 for a number that is no change."""
    return _direction_before(before[-80:]) or _direction_after(after[:40])


def comparison(before: str) -> Comparison:
    """How exactly the number after a text is meant: `about`, `more than`, and so on."""
    tail = before[-40:]
    for how, pattern in _HOW:
        if pattern.search(tail):
            return how
    return "exact"


def is_growth(before: str) -> bool:
    """Whether the number after a text is a growth, which may be below zero: `growth was`."""
    return bool(_GROWTH.search(before))


def differs(before: str, after: str) -> bool:
    """Whether the number between two texts is a difference without a direction: `a gap of`."""
    return bool(_DIFFERS.search(before[-130:]) or _DIFFERENCE.match(after[:40]))


def _direction_before(before: str) -> int:
    if _UP_TO.search(before):
        return 0
    if _SAYS_DOWN.search(before):
        return -1
    if _SAYS_UP.search(before):
        return 1
    found = _VERB_OBJECT_BY.search(before)
    if found is None:
        return 0
    return 1 if found["up"] else -1


def _direction_after(after: str) -> int:
    found = _AFTER.match(after)
    if found is None:
        return 0
    return 1 if found["up"] or found["more"] or found["ahead"] else -1
