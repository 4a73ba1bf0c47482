"""Parts of a sentence: where they end, and what they want computed."""

from __future__ import annotations

import re
from typing import Final

from buster_tasks.analyst.offline import patterns as said
from buster_tasks.analyst.offline.intent import Aggregate, Wanted, stems
from buster_tasks.analyst.offline.texts import Texts
from buster_tasks.analyst.offline.words import words as listed

COUNTS: Final = re.compile(
    r"\b(?:the )?(?:total |overall )?(?:number|count|no\.) of (?=(?:the |all |distinct |unique |different |"
    r"active )*[a-z\ue000]+)"
)
DISTINCT: Final = re.compile(r"\b(?:distinct|unique|different)\b")
_OF_AGGREGATES: Final = listed(
    "howmany average avg mean maximum max minimum min highest lowest sum percentage percent largest smallest"
)


class Phrases:
    """Reads phrases of one question."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    def wanted(self, text: str, kind: Aggregate | None = None) -> Wanted:
        """A phrase as what is computed or shown."""
        text = COUNTS.sub(" howmany ", f" {text} ")
        if kind is None:
            for pattern, one in said.AGGREGATES:
                found = pattern.search(text)
                if found is not None and not text[: found.start()].strip(" the"):
                    kind = one
                    break
        words = tuple(word for word in stems(text) if word not in _OF_AGGREGATES)
        if kind == "sum" and len(words) > 1:
            words = tuple(word for word in words if word != "total")
        is_nested = kind in ("average", "least", "greatest") and "howmany" in text
        return Wanted(
            words[:5], kind, bool(DISTINCT.search(text)), self.texts.mentions(text), is_nested
        )


def noun_only(text: str) -> str:
    """The words up to a participle: `devices installed`."""
    return re.split(r"(?<=\w) \w{3,}ed\b", text.strip(), maxsplit=1)[0]


def numbers(match: re.Match[str]) -> list[tuple[str, float]]:
    groups = match.groupdict()
    if "low" in groups:
        return [(">=", value(groups["low"])), ("<=", value(groups["high"]))]
    scale = {"k": 1_000.0, "m": 1_000_000.0}.get(groups.get("unit") or "", 1.0)
    return [(said.OPERATORS[groups["way"]], value(groups["number"]) * scale)]


def value(text: str) -> float:
    return float(said.NUMBERS.get(text, 0)) or float(re.sub(r"[^\d.]", "", text) or 0)


def number(text: str) -> int:
    return said.NUMBERS[text] if text in said.NUMBERS else int(text)


def until(text: str, pattern: re.Pattern[str]) -> str:
    """The text up to what begins another part of the sentence; a break at the very beginning is none."""
    begin = len(text) - len(text.lstrip())
    found = pattern.search(text, begin)
    while found is not None and found.start() == begin:
        found = pattern.search(text, found.end())
    return text if found is None else text[: found.start()]


def after(text: str, pattern: re.Pattern[str]) -> str:
    return text[len(until(text, pattern)) :]


def conjoined(phrase: str, about: str, kind: Aggregate) -> list[str]:
    """`average price and quantity`: what is computed alike, of the same sentence."""
    rest = phrase[len(about) :].strip()
    if kind == "count" or not rest.startswith("and "):
        return []
    return [until(rest[4:], said.BREAK)]
