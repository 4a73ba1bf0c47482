"""How the number of a column may be told: as it is, as a percent, with its sign, in its currency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from buster_tasks.analyst.claims.index import TIME_UNITS, Column, Traits, stem
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.findings import ValueFormat

_WHOLE = 100


@dataclass(frozen=True, slots=True)
class Scale:
    """Whether numbers are parts of one, or of a hundred; both where nothing tells."""

    of_one: bool
    of_hundred: bool


def scale_of_column(column: Column) -> Scale:
    """What percent the numbers of a column are: by its name, else by their size."""
    traits, greatest = column.traits, column.greatest
    if traits.is_percent_by_word:
        return Scale(of_one=greatest <= 1, of_hundred=True)
    if traits.is_percent:
        return Scale(of_one=greatest < 10, of_hundred=greatest > 1)
    if traits.is_count or column.is_whole or traits.currency:
        return Scale(of_one=False, of_hundred=False)
    return Scale(of_one=greatest <= 1, of_hundred=1 < greatest <= _WHOLE)


def scale_of_value(traits: Traits, shape: ValueFormat, unit: str, expression: str) -> Scale:
    """The same of a named value, by its format, unit, and name."""
    if shape == "percent":
        return Scale(of_one=True, of_hundred=False)
    if unit == "%" or "100" in expression:
        return Scale(of_one=False, of_hundred=True)
    return Scale(of_one=bool(expression) or traits.is_percent, of_hundred=traits.is_percent)


def readings(mention: Mention, exact: Decimal, scale: Scale) -> Iterator[Decimal]:
    """The number in the unit of the mention, by each way that it may be told."""
    match mention.kind:
        case "percent" | "points" | "fraction":
            if scale.of_one:
                yield exact * _WHOLE
            if scale.of_hundred:
                yield exact
        case _:
            yield exact


def way_of(mention: Mention, exact: Decimal, traits: Traits) -> Decimal:
    """The number with the sign that the sentence gives it: a change of -5 is what something fell by 5."""
    if not mention.is_change:
        return exact
    if (mention.value or Decimal(0)) < 0:
        return abs(exact) if mention.direction > 0 else exact  # nothing rose by -5
    if mention.direction == 0:
        return abs(exact)
    return exact if (mention.direction < 0) == traits.is_decline else -exact


def fits_unit(mention: Mention, traits: Traits) -> bool:
    """Whether the numbers may be money of that currency, or of that unit of time."""
    currency = traits.currency
    if mention.currency and (
        (currency and currency != mention.currency) or (not currency and traits.is_count)
    ):
        return False
    noun = stem(mention.noun) if mention.noun else ""
    unit = traits.time_unit
    return not (noun in TIME_UNITS and unit and noun != unit)
