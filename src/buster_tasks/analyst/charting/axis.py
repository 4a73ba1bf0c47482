"""Axes: numbers and times as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from buster_tasks.analyst.charting import theme
from buster_tasks.analyst.findings import ValueFormat

Grain = Literal["year", "month", "day", "time"]

MOST_LABELS = 7
_FORMATS: dict[Grain, str] = {
    "year": "%Y",
    "month": "%b %Y",
    "day": "%-d %b %Y",
    "time": "%-d %b %H:%M",
}
# d3 writes billions as G; SI prefixes are not what people say of money.
_SHORT_LABEL = "replace(format(datum.value, '~s'), 'G', 'B')"
_GRID_COLOR: JsonValue = {
    "condition": {"test": "datum.value === 0", "value": theme.ZERO},
    "value": theme.GRID,
}


def grain_of(moments: Sequence[datetime]) -> Grain:
    """The coarsest step that all of them are on."""
    if any((at.hour, at.minute, at.second, at.microsecond) != (0, 0, 0, 0) for at in moments):
        return "time"
    if any(at.day != 1 for at in moments):
        return "day"
    return "month" if any(at.month != 1 for at in moments) or len(moments) == 1 else "year"


def period_label(at: datetime, grain: Grain) -> str:
    """The moment as a label of that grain, in English whatever the locale."""
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][
        at.month - 1
    ]
    match grain:
        case "year":
            return f"{at.year}"
        case "month":
            return f"{month} {at.year}"
        case "day":
            return f"{at.day} {month} {at.year}"
        case "time":
            return f"{at.day} {month} {at.hour:02}:{at.minute:02}"


def common_year(moments: Sequence[datetime]) -> int | None:
    """The year of all of them, which need not stand at each; None where years or months alone are told."""
    years = {at.year for at in moments}
    is_fine = grain_of(moments) in {"day", "time"}
    return years.pop() if is_fine and len(years) == 1 else None


def time_axis(moments: Sequence[datetime]) -> dict[str, JsonValue]:
    """Labels at times that the data has, evenly chosen, so that none stands twice or between two points."""
    distinct = sorted(set(moments))
    step = -(-len(distinct) // MOST_LABELS)
    form = _FORMATS[grain_of(distinct)]
    return {
        "values": [int(at.timestamp() * 1000) for at in distinct[::step]],
        "format": form.removesuffix(" %Y") if common_year(distinct) else form,
        "labelOverlap": "greedy",
        "labelFlush": False,
        "grid": False,
    }


def number_axis(values: Sequence[float], style: ValueFormat) -> dict[str, JsonValue]:
    """Numbers with their thousands told apart, large ones as 10k and 2.5M, shares in percent."""
    axis: dict[str, JsonValue] = {"tickCount": 5, "gridColor": _GRID_COLOR}
    largest = max((abs(value) for value in values), default=0.0)
    if style == "percent":
        axis["format"] = ".0%" if largest >= 0.1 else ".1%"
    elif largest >= 10_000:
        axis["labelExpr"] = _SHORT_LABEL
    else:
        whole = all(value.is_integer() for value in values)
        axis["format"] = ",d" if whole and largest >= 5 else ",~g"
    return axis
