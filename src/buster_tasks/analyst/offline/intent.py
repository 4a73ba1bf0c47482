"""What a question asks for, as far as its words tell, before any schema is looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from buster_tasks.analyst.offline.times import Grain, Span, grain_of, span_of
from buster_tasks.analyst.offline.words import STOP, stem

Aggregate = Literal["count", "sum", "average", "least", "greatest"]

_NUMBERS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "fifteen": 15, "twenty": 20,
}  # fmt: skip
_NUMBER = rf"(?:\d{{1,4}}|{'|'.join(_NUMBERS)})"
_TOP: Final = re.compile(
    rf"\b(?P<way>top|first|best|highest|largest|biggest|most|bottom|lowest|smallest|worst|least)[- ]?"
    rf"(?P<number>{_NUMBER})\b|\b(?P<number2>{_NUMBER}) (?P<way2>top|best|highest|largest|biggest|most|lowest|"
    rf"smallest|worst|least|cheapest|longest|shortest|oldest|newest)\b",
    re.IGNORECASE,
)
_ONE: Final = re.compile(
    r"\b(?:which|what|who|name)\b(?!.*\b(?:of|for|by|in) each\b).*?\b(?:the )?"
    r"(?P<way>most|highest|largest|biggest|best|greatest|longest|least|fewest|lowest|smallest|worst|shortest)\b",
    re.IGNORECASE,
)
_DOWN: Final = frozenset(
    {"bottom", "lowest", "smallest", "worst", "least", "fewest", "cheapest", "shortest", "oldest"}
)
_AGGREGATES: Final[tuple[tuple[re.Pattern[str], Aggregate], ...]] = (
    (re.compile(r"\b(?:how many|(?:total )?number of|(?:total )?count of|num of)\b", re.IGNORECASE), "count"),
    (re.compile(r"\b(?:average|avg|mean)\b", re.IGNORECASE), "average"),
    (re.compile(r"\b(?:minimum|min|lowest|smallest|cheapest|earliest)\b", re.IGNORECASE), "least"),
    (re.compile(r"\b(?:maximum|max|highest|largest|most expensive|latest)\b", re.IGNORECASE), "greatest"),
    (re.compile(r"\b(?:total|sum of|sum|overall|how much|altogether)\b", re.IGNORECASE), "sum"),
)  # fmt: skip
_ADDED_UP: Final = frozenset(
    {"revenue", "sale", "turnover", "income", "spending", "earning", "profit", "spend"}
)
_GROUP: Final = re.compile(
    r"\b(?:for each|in each|of each|by each|for every|per|grouped by|broken down by|split by|across|each|by)\s+"
    r"(?P<phrase>(?:[\w']+(?:\s+|,\s*|\s*$)){1,6})",
    re.IGNORECASE,
)
_SHOWN: Final = re.compile(
    r"(?:\breturn|\bshow(?:ing)?|\blist(?:ing)?|\bdisplay|\binclude|\bgive)\b(?P<phrase>[^.?;]*)",
    re.IGNORECASE,
)
_NEVER: Final = re.compile(
    r"\b(?:do not|don't|did not|didn't|does not|doesn't|have not|haven't|has not|hasn't|have|has|with|that have)"
    r"\s+(?:have |had |made |placed |bought |any )*(?:any|no|never|made|placed)?\s*(?P<what>[\w ]{3,40})",
    re.IGNORECASE,
)
_WITHOUT: Final = re.compile(
    r"\b(?:have not made|haven't made|have never (?:made|placed|bought|had)|has never (?:made|placed|bought|had)|"
    r"(?:do|did|does) not have|(?:don't|didn't|doesn't) have|have no|has no|had no|with no|without(?: any)?)\s+"
    r"(?:any\s+)?(?P<what>[\w ]{3,40})",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"'([^']{1,80})'|\"([^\"]{1,80})\"|\u201c([^\u201d]{1,80})\u201d")
_MORE: Final = re.compile(
    rf"\b(?P<way>more than|over|above|greater than|at least|less than|under|below|fewer than|at most|exactly)\s+"
    rf"(?P<number>\d[\d,]*(?:\.\d+)?|{'|'.join(_NUMBERS)})\b(?P<what>(?:\s+\w+){{0,3}})",
    re.IGNORECASE,
)
_OPERATORS: Final = {
    "more than": ">", "over": ">", "above": ">", "greater than": ">", "at least": ">=", "less than": "<",
    "under": "<", "below": "<", "fewer than": "<", "at most": "<=", "exactly": "=",
}  # fmt: skip
_WORD: Final = re.compile("[A-Za-z][A-Za-z0-9_'\u2019-]*|\\d+")


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that something has to be above or below; `words` is what."""

    operator: str
    number: float
    words: tuple[str, ...]


@dataclass(slots=True)
class Intent:
    """The parts of a question; words are stems without stop words."""

    question: str
    aggregates: list[tuple[Aggregate, tuple[str, ...], int]] = field(
        default_factory=list[tuple[Aggregate, tuple[str, ...], int]]
    )
    is_distinct: bool = False
    grain: Grain | None = None
    span: Span | None = None
    groups: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    shown: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    limit: int | None = None
    is_descending: bool = True
    is_ranked: bool = False
    without: tuple[str, ...] = ()
    quoted: list[str] = field(default_factory=list[str])
    bounds: list[Bound] = field(default_factory=list[Bound])
    words: tuple[str, ...] = ()

    @property
    def wants_number(self) -> bool:
        """Whether it asks for something computed."""
        return bool(self.aggregates)


def read(question: str) -> Intent:
    """What can be told of a question. Never raises."""
    intent = Intent(question, words=stems(question))
    plain = question
    intent.quoted = [next(filter(None, match.groups())) for match in _QUOTED.finditer(question)]
    grain = grain_of(plain)
    if grain is not None:
        intent.grain, text = grain
        plain = plain.replace(text, " ")
    intent.span = span_of(plain)
    if intent.span is not None:
        plain = plain.replace(intent.span.text, " ")
    without = _WITHOUT.search(plain)
    if without:
        intent.without = stems(without["what"])
    for match in _MORE.finditer(plain):
        number = match["number"].lower().replace(",", "")
        value = float(_NUMBERS.get(number, number))
        intent.bounds.append(Bound(_OPERATORS[match["way"].lower()], value, stems(match["what"])))
    plain = _MORE.sub(" ", plain)
    _rank(intent, plain)
    intent.is_distinct = bool(re.search(r"\b(?:distinct|unique|different)\b", plain, re.IGNORECASE))
    _aggregates(intent, plain)
    _groups(intent, plain)
    return intent


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words that say something."""
    words = [
        word.lower().removesuffix("'s").removesuffix("\u2019s") for word in _WORD.findall(text)
    ]
    return tuple(stem(word) for word in words if word not in STOP)


def _rank(intent: Intent, plain: str) -> None:
    found = _TOP.search(plain)
    if found is not None:
        number = (found["number"] or found["number2"]).lower()
        way = (found["way"] or found["way2"]).lower()
        intent.limit = _NUMBERS[number] if number in _NUMBERS else int(number)
        intent.is_descending, intent.is_ranked = way not in _DOWN, True
        return
    one = _ONE.search(plain)
    if one is not None:
        way = one["way"].lower()
        intent.limit, intent.is_ranked = 1, True
        intent.is_descending = way not in _DOWN


def _aggregates(intent: Intent, plain: str) -> None:
    """What is computed, each with the few words that follow it."""
    taken: list[tuple[int, int]] = []
    for pattern, kind in _AGGREGATES:
        for match in pattern.finditer(plain):
            if any(first <= match.start() < last for first, last in taken):
                continue
            taken.append(match.span())
            about = stems(_until_break(plain[match.end() :]))[:4]
            intent.aggregates.append((kind, about, match.start()))
    intent.aggregates.sort(key=lambda one: one[2])
    if not intent.aggregates:
        at = next((at for at, word in enumerate(intent.words) if word in _ADDED_UP), None)
        if at is not None:
            intent.aggregates.append(("sum", (intent.words[at],), 0))
        elif intent.is_ranked:
            intent.aggregates.append(
                ("count" if "most" in plain.lower() else "greatest", intent.words, 0)
            )


def _groups(intent: Intent, plain: str) -> None:
    for match in _GROUP.finditer(plain):
        before = plain[: match.start()].lower().rstrip()
        is_order = intent.is_ranked or before.endswith(("order", "ordered", "sorted", "ranked"))
        if match[0].lower().startswith("by ") and is_order:
            continue  # "top 5 products by revenue": what it is ordered by
        phrase = _until_break(match["phrase"])
        for part in re.split(r",|\band\b", phrase):
            found = stems(part)
            if found:
                intent.groups.append(found[:3])
    for match in _SHOWN.finditer(plain):
        for part in re.split(r",|\band\b", match["phrase"]):
            found = stems(part)
            if found:
                intent.shown.append(found[:5])


def _until_break(text: str) -> str:
    """The words up to what begins another part of the sentence."""
    return re.split(
        r"[,.;?!]|\b(?:for each|in each|of each|by|per|each|who|that|which|where|with|made|from|in|for|during|since|"
        r"between|before|after|on|are|is|were|was|did|do|does|have|has|and|than)\b",
        text,
        maxsplit=1,
        flags=re.IGNORECASE,
    )[0]
