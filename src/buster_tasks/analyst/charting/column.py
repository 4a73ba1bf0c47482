"""A column of a result as a chart sees it: its kind told from the values that are really there."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Literal

from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.evidence import ResultSet, excerpt

FieldType = Literal["quantitative", "temporal", "ordinal", "nominal"]

NO_VALUE = "(no value)"
_LARGEST = 10**300

_MONTH = re.compile(r"(\d{4})-(\d{2})\Z")
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?\Z"
)
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?\Z")
_PERIOD = re.compile(r"\d{4}([-_ ]?[QqWwHh]\d{1,2})?\Z")
_IDENTIFIER = re.compile(r"(^|_)(id|key|uuid|code|zip|postcode|phone)\Z", re.IGNORECASE)
_YEAR = re.compile(r"(^|_)(year|yr)\Z", re.IGNORECASE)
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WORDS = re.compile(r"[\s_]+|(?<=[a-z])(?=[A-Z])")
_ACRONYMS = {"id", "usd", "eur", "gbp", "sku", "url", "vat", "ytd", "kpi", "avg"}


@dataclass(frozen=True, slots=True)
class Column:
    """The name, the cells from top to bottom, and what they are."""

    name: str
    cells: Sequence[object]
    type: FieldType

    @property
    def title(self) -> str:
        """The name as people write it."""
        return humanised(self.name)

    @property
    def has_order(self) -> bool:
        """Whether one value comes after another, so that a line between them means something."""
        return self.type != "nominal"

    def rank(self, cell: object) -> tuple[int, float, str]:
        """What its values are sorted by: times and numbers by size, months and weekdays as the calendar has them."""
        if cell is None:
            return 1, 0.0, ""
        moment = moment_of(cell) if self.type == "temporal" else None
        if moment is not None:
            return 0, moment.timestamp(), ""
        number = number_of(cell)
        if number is not None:
            return 0, number, ""
        return 0, float(_calendar_place(str(cell)) or 0), str(cell)


def column(result: ResultSet, name: str) -> Column:
    """The column of this name, letters large or small.

    Raises ToolRefusedError for one that is not there, with the nearest names, and for one that is there twice.
    """
    names = result.columns
    places = [n for n, one in enumerate(names) if one == name] or [
        n for n, one in enumerate(names) if one.lower() == name.lower()
    ]
    if not places:
        raise _unknown(name, names)
    if len(places) > 1:
        raise ToolRefusedError(
            f"The result {result.id!r} has {len(places)} columns named {name!r}.",
            fix="Name them apart with AS in the statement.",
        )
    cells = [row[places[0]] for row in result.result.rows]
    return Column(names[places[0]], cells, type_of(names[places[0]], cells))


def type_of(name: str, cells: Sequence[object]) -> FieldType:
    """What the values are: measured, a time, in an order, or names.

    Numbers that are ids are names, years are in an order; text is a time when all of it is a date or a month.
    """
    known = [cell for cell in cells if cell is not None]
    if not known or any(isinstance(cell, bool) for cell in known):
        return "nominal"
    if all(moment_of(cell) is not None for cell in known):
        return "temporal"
    if all(number_of(cell) is not None for cell in known):
        return _type_of_numbers(name, known)
    texts = [cell for cell in known if isinstance(cell, str)]
    if len(texts) == len(known) and (
        all(_PERIOD.match(text) for text in texts) or all(map(_calendar_place, texts))
    ):
        return "ordinal"
    return "nominal"


def number_of(cell: object) -> float | None:
    """The cell as a finite number, else None: no NaN ever gets into a chart. Exact numbers may come as text."""
    match cell:
        case bool():
            number = math.nan
        case int():
            number = float(cell) if abs(cell) < _LARGEST else math.nan
        case Decimal():
            number = float(cell) if cell.is_finite() else math.nan
        case float():
            number = cell
        case str() if _NUMBER.match(cell):
            number = float(cell)
        case _:
            number = math.nan
    return number if math.isfinite(number) else None


def moment_of(cell: object) -> datetime | None:
    """The cell as a moment in UTC, else None; a time without a zone is taken for one of UTC."""
    if isinstance(cell, datetime):
        moment = cell
    elif isinstance(cell, date):
        moment = datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    elif isinstance(cell, str):
        parsed = _parsed(cell)
        if parsed is None:
            return None
        moment = parsed
    else:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def label_of(cell: object) -> str:
    """The cell as the name of a category."""
    value = excerpt(cell)
    if value is None:
        return NO_VALUE
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if str(value).strip() else "(blank)"


def humanised(name: str) -> str:
    """`net_revenue_usd` as "Net revenue USD"; what has spaces already stays as it is."""
    if " " in name.strip():
        return name.strip()
    words = [word for word in _WORDS.split(name) if word]
    text = " ".join(word.upper() if word.lower() in _ACRONYMS else word.lower() for word in words)
    return text[:1].upper() + text[1:] or name


def _type_of_numbers(name: str, cells: Sequence[object]) -> FieldType:
    numbers = [number_of(cell) or 0.0 for cell in cells]
    if _YEAR.search(name) and all(n.is_integer() and 1000 <= n <= 2999 for n in numbers):
        return "ordinal"
    if _IDENTIFIER.search(name) and all(n.is_integer() for n in numbers):
        return "nominal"
    return "quantitative"


def _parsed(text: str) -> datetime | None:
    month = _MONTH.match(text)
    try:
        if month:
            return datetime(int(month[1]), int(month[2]), 1, tzinfo=UTC)
        return datetime.fromisoformat(text) if _ISO.match(text) else None
    except ValueError:
        return None


def _calendar_place(text: str) -> int | None:
    """The place of the month or weekday that the text names in English (`Mar`, `march`), from 1, else None."""
    word = text.strip().lower().rstrip(".")
    for names in (_MONTHS, _DAYS):
        places = [n for n, name in enumerate(names, 1) if name.startswith(word)]
        if len(word) >= 3 and places:
            return places[0]
    return None


def _unknown(name: str, names: Sequence[str]) -> ToolRefusedError:
    by_lower = {one.lower(): one for one in names}
    near = [by_lower[one] for one in get_close_matches(name.lower(), by_lower, n=3)]
    hint = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
    return ToolRefusedError(
        f"The result has no column {name[:100]!r}.", fix=f"{hint}It has {', '.join(names)}."
    )
