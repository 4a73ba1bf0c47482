"""Mentions as they are written, and as they are wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.sources.base import QueryColumn, QueryResult

_WORDS_TEXT: Final = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty
"""
WORDS = _WORDS_TEXT.split()
_MONTHS_TEXT: Final = """
January February March April May June July August September October November December
"""
MONTHS = _MONTHS_TEXT.split()
_COUNTRIES_TEXT: Final = """
France Germany Spain Italy Portugal Norway Sweden Denmark Finland Poland Austria Belgium Greece Ireland
Hungary Brazil Canada Chile Japan Mexico
"""
COUNTRIES = _COUNTRIES_TEXT.split()
PRODUCTS = [
    "Blue Kettle",
    "Oak Table",
    "Desk Lamp",
    "Garden Hose",
    "Wool Rug",
    "Steel Pan",
    "Tea Set",
    "Area 51 Poster",
]


@dataclass(frozen=True)
class Slot:
    """A mention as it is written, and how it can be made wrong."""

    text: str
    wrong: tuple[str, ...]


Made = tuple[str, list[Slot], tuple[ResultSet, ...], str]
Template = Callable[[random.Random], Made]


def result(
    identity: str, names: Sequence[str], rows: Sequence[tuple[object, ...]], sql: str
) -> ResultSet:
    columns = tuple(QueryColumn(name) for name in names)
    return ResultSet(identity, "shop", sql, "", QueryResult(columns, list(rows), truncated=False))


def rounded(value: float | Decimal, places: int) -> Decimal:
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def grouped(value: Decimal, places: int) -> str:
    return f"{value:,.{places}f}"


def plain(
    rng: random.Random, value: float | Decimal, places: int = 0, before: str = "", after: str = ""
) -> Slot:
    """Digits: one changed, the last off by one, two swapped, ten times as much, a tenth, another sign."""
    right = rounded(value, places)
    wrong = [right + unit for unit in (Decimal(1).scaleb(-places), -Decimal(1).scaleb(-places))]
    wrong += [right * 10, right + 10 ** rng.randint(1, 3)]
    text = str(abs(right)).replace(".", "")
    swaps = [
        at
        for at in range(len(text) - 1)
        if text[at] != text[at + 1] and not (at == 0 and text[1] == "0")
    ]
    if swaps:
        at = rng.choice(swaps)
        digits = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        wrong.append(Decimal(digits).scaleb(-places))
    at = rng.randrange(len(text))
    other = rng.choice([one for one in "123456789" if one != text[at]])
    wrong.append(Decimal(text[:at] + other + text[at + 1 :]).scaleb(-places))
    if places == 0 and right >= 100:
        wrong.append(rounded(right / 10, 0))
    return Slot(
        f"{before}{grouped(right, places)}{after}",
        tuple(
            f"{before}{grouped(one, places)}{after}"
            for one in dict.fromkeys(wrong)
            if one not in (right, 0) and not _is_tie(value, one, places)
        ),
    )


def _is_tie(value: float | Decimal, one: Decimal, places: int) -> bool:
    """Whether the number is the other way to round a half, which is as true."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return abs(exact - one) * 2 == Decimal(1).scaleb(-places)


def percent(rng: random.Random, value: float | Decimal, places: int = 1) -> Slot:
    """A fraction as percent, also wrong as a fraction of itself and as so many units."""
    slot = plain(rng, Decimal(repr(value) if isinstance(value, float) else value) * 100, places)
    mark = rng.choice(["%", " %", " percent"])
    wrong = [f"{one}{mark}" for one in slot.wrong]
    return Slot(f"{slot.text}{mark}", tuple(wrong))


def million(value: float | Decimal) -> Slot:
    right = rounded(Decimal(value) / 1_000_000, 1)
    others = [right + Decimal("0.1"), right - Decimal("0.1"), right + 1, right * 10]
    wrong = [f"{one:,.1f} million" for one in others if one > 0]
    return Slot(
        f"{right:,.1f} million", (*wrong, f"{right:,.1f} billion", f"{right:,.1f} thousand")
    )


def word(rng: random.Random, value: int, *, beside: Sequence[int] = ()) -> Slot:
    others = [number for number in range(2, 21) if number != value and number not in beside]
    return Slot(WORDS[value], tuple(WORDS[number] for number in rng.sample(others, 3)))


def month(rng: random.Random, day: date, others: Sequence[date] = ()) -> Slot:
    """A month as a sentence names it; wrong are other months, and other years."""
    write: Callable[[date], str] = rng.choice(
        [
            lambda one: f"{MONTHS[one.month - 1]} {one.year}",
            lambda one: f"{MONTHS[one.month - 1][:3]} {one.year}",
            lambda one: f"{one.year}-{one.month:02}",
        ]
    )
    wrong = [one for one in others if one != day]
    wrong += [day.replace(year=day.year + 1), day.replace(year=day.year - 2)]
    return Slot(write(day), tuple(write(one) for one in wrong))


def fixed(text: str) -> Slot:
    return Slot(text, ())


def other_name(rng: random.Random, right: str, names: Sequence[str]) -> Slot:
    return Slot(right, tuple(rng.sample([name for name in names if name != right], 2)))


def distinct(rng: random.Random, count: int, low: int, high: int) -> list[int]:
    """Numbers of which no two are near each other, so that a wrong one is not right elsewhere."""
    return rng.sample(range(low, high, 7), count)
