"""What a question asks for, as far as its words tell, before any schema is looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from buster_tasks.analyst.offline.times import Grain, Span
from buster_tasks.analyst.offline.words import STOP, stem

Aggregate = Literal["count", "sum", "average", "least", "greatest", "share"]

PLACE: Final = re.compile("\ue000(\\d+)\ue001")
"""A text that was quoted, or that is known as a value, in a question that is being read."""

_WORD: Final = re.compile("[A-Za-z][A-Za-z0-9_\u2019']*|\\d+")


@dataclass(frozen=True, slots=True)
class Mention:
    """A text of the question that stands in the data, and the words around it.

    `manner` is how a cell is held against it; `joins` whether the one before it would do as well (`or`); `follows`
    whether its column is named behind it.
    """

    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    manner: Literal["equal", "begins", "ends", "contains"] = "equal"
    is_negated: bool = False
    joins: bool = False
    is_quoted: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something computed, or to be shown: an aggregate where one is said, and the words for what.

    `mentions` are the values that stand in its words, as `active` in `number of active customers`. An average
    of how many there are is nested.
    """

    words: tuple[str, ...]
    aggregate: Aggregate | None = None
    is_distinct: bool = False
    mentions: tuple[Mention, ...] = ()
    is_nested: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that something has to be above or below: the words before the number, and those after it."""

    operator: str
    number: float
    before: Wanted
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Formula:
    """What the question defines as computed of parts: `{0} / {1} * 100`, and the parts."""

    name: str
    text: str
    parts: tuple[Wanted, ...]


@dataclass(slots=True)
class Intent:
    """The parts of a question; words are stems without those that say nothing.

    `left` are the words that no rule has a use for: they have to be found in what the question is mapped to.
    """

    question: str
    measures: list[Wanted] = field(default_factory=list[Wanted])
    shown: list[Wanted] = field(default_factory=list[Wanted])
    entity: tuple[str, ...] = ()
    groups: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    order: Wanted | None = None
    adjective: str = ""
    is_ranked: bool = False
    is_descending: bool = True
    is_ordered: bool = False
    limit: int | None = None
    grain: Grain | None = None
    span: Span | None = None
    without: tuple[str, ...] = ()
    without_mentions: tuple[Mention, ...] = ()
    mentions: list[Mention] = field(default_factory=list[Mention])
    bounds: list[Bound] = field(default_factory=list[Bound])
    formulas: dict[str, Formula] = field(default_factory=dict[str, Formula])
    is_distinct: bool = False
    is_share: bool = False
    adds: bool = False
    words: tuple[str, ...] = ()
    unclear: list[str] = field(default_factory=list[str])


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words that say something."""
    return tuple(stem(word) for word in plain_words(text) if word not in STOP)


def plain_words(text: str) -> Sequence[str]:
    """The words of a text in small letters, without the ending of a possessive."""
    return [
        word.lower().replace("\u2019", "'").removesuffix("'s").strip("'")
        for word in _WORD.findall(PLACE.sub(" ", text))
    ]
