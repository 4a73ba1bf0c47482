"""A chart in a sentence, for those who do not see it."""

from __future__ import annotations

from buster_tasks.analyst.charting.axis import grain_of, period_label
from buster_tasks.analyst.charting.column import humanised, label_of, moment_of
from buster_tasks.analyst.charting.points import Point, Points
from buster_tasks.analyst.charting.request import ChartRequest


def describe(request: ChartRequest, found: Points) -> str:
    """Kind and title, how much is shown, from where to where, and its extremes. The points stand in their order."""
    texts = number_texts(found, request)
    known = [(one.y, n) for n, one in enumerate(found.points) if one.y is not None]
    names = [name for name in found.series if name]
    parts = [f"{request.kind.capitalize()} chart: {request.title.rstrip('.')}."]
    parts.append(f"{_measure(request)} by {found.x.title}, {len(found.points)} values")
    if len(names) > 1:
        parts[-1] += f" in {len(names)} series ({', '.join(names)})"
    parts[-1] += _reach(found) + "."
    if known:
        least, most = min(known)[1], max(known)[1]
        highest = f"{texts[most]} ({_where(found.points[most], found)})"
        lowest = f"{texts[least]} ({_where(found.points[least], found)})"
        parts.append(f"Highest {highest}, lowest {lowest}.")
    return " ".join([*parts, *found.notes])


def number_texts(found: Points, request: ChartRequest) -> list[str]:
    """The numbers as people read them: thousands told apart, all with as many places, shares in percent."""
    known = [one.y for one in found.points if one.y is not None]
    whole = all(number.is_integer() or abs(number) >= 1_000 for number in known)
    form = ".1%" if request.y_format == "percent" else ",.0f" if whole else ",.2f"
    return ["" if one.y is None else _text(one.y, form) for one in found.points]


def _text(number: float, form: str) -> str:
    text = format(number, form)
    # what rounds to nothing is not nothing
    return f"{number:.2g}" if number and not text.strip("-0.%") else text


def _measure(request: ChartRequest) -> str:
    text = request.y_title or ", ".join(map(humanised, request.y))
    return f"{text} ({request.unit})" if request.unit else text


def _reach(found: Points) -> str:
    if not found.x.has_order:
        return ""
    first, last = found.points[0].x, found.points[-1].x
    return f", from {_place(first, found)} to {_place(last, found)}"


def _where(point: Point, found: Points) -> str:
    of = f", {point.series}" if point.series else ""
    return f"{_place(point.x, found)}{of}"


def _place(x: object, found: Points) -> str:
    moment = moment_of(x) if found.x.type == "temporal" else None
    if moment is None:
        return label_of(x)
    every = [at for one in found.points if (at := moment_of(one.x))]
    return period_label(moment, grain_of(every))
