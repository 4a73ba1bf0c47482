"""A request and a result as a chart: a Vega-Lite specification that has its data in it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from pydantic import JsonValue

from buster_tasks.analyst.charting import theme
from buster_tasks.analyst.charting.axis import common_year, number_axis, time_axis
from buster_tasks.analyst.charting.categories import chosen
from buster_tasks.analyst.charting.column import humanised, moment_of, number_of
from buster_tasks.analyst.charting.description import describe, number_texts
from buster_tasks.analyst.charting.fitting import fitted
from buster_tasks.analyst.charting.points import MOST_POINTS, Point, Points, is_stacked, read
from buster_tasks.analyst.charting.request import ChartRequest
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.analyst.findings import Chart

Spec = dict[str, JsonValue]

_LONG_LABEL = 12
_MANY_BARS = 8
_MARKED_POINTS = 40
_TITLE_CHARACTERS = 76
_SYMBOL_CHARACTERS = 6


def build(request: ChartRequest, result: ResultSet, *, id: str) -> Chart:  # noqa: A002 - as the field is named
    """The chart, its data taken from the result: the same for the same arguments.

    Raises ToolRefusedError for what cannot be drawn or would mislead, and says what can.
    """
    found = read(request, result)
    body, drawn = _BODIES[request.kind](request, found)
    spec: Spec = {
        "$schema": theme.SCHEMA,
        "title": heading(request.title, drawn.notes),
        "description": describe(request, drawn),
        "width": theme.WIDTH,
        "height": theme.HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        **body,
        "config": theme.config(),
    }
    return Chart(id=id, title=request.title, kind=request.kind, evidence=result.id, spec=spec)


def heading(title: str, notes: Sequence[str]) -> JsonValue:
    """The title in lines short enough for the chart, what is left out below it."""
    lines = cast("list[JsonValue]", textwrap.wrap(title, _TITLE_CHARACTERS) or [title])
    below = cast("list[JsonValue]", textwrap.wrap(" ".join(notes), _TITLE_CHARACTERS + 14))
    return {"text": lines, "subtitle": below} if below else {"text": lines}


def values(*rows: Spec) -> Spec:
    """Rows as the data of a specification."""
    return {"values": list(rows)}


def _bar(request: ChartRequest, found: Points) -> tuple[Spec, Points]:
    drawn, order = chosen(request, found)
    horizontal = not found.x.has_order and (
        len(order) > _MANY_BARS or max(map(len, order)) > _LONG_LABEL
    )
    stacked = is_stacked(request, found)
    names: Spec = {
        "field": "x",
        "type": "nominal",
        "sort": cast("list[JsonValue]", order),
        "title": found.x.title,
        "scale": {"paddingInner": 0.25 if len(order) > 4 else 0.5, "paddingOuter": 0.2},
        "axis": {"grid": False, "labelAngle": 0, "labelOverlap": not horizontal},
    }
    if horizontal:
        # names speak for themselves, and need the room
        names["axis"] = {"grid": False, "title": None, "labelOverlap": False}
    sizes = _measured(request, drawn, zero=True)
    sizes["stack"] = "zero" if stacked else None
    offset: Spec = {} if stacked else {"field": "series", "sort": _names(found)}
    encoding: Spec = {"y": names, "x": sizes} if horizontal else {"x": names, "y": sizes}
    if len(found.series) > 1:
        encoding["color"] = _color(found)
        if offset:
            encoding["yOffset" if horizontal else "xOffset"] = offset
    body: Spec = {"data": values(*_category_rows(request, drawn)), "encoding": encoding}
    body |= _bar_marks(horizontal, sizes, drawn)
    if "layer" in body:
        body = fitted(body, theme.WIDTH)
    if horizontal:
        thick = 26 if len(found.series) == 1 or stacked else 8 + 12 * len(found.series)
        body["height"] = max(120, thick * len(order) + 50)
    return body, drawn


def _bar_marks(horizontal: bool, sizes: Spec, drawn: Points) -> Spec:
    """Bars; the lying ones with their numbers beside them, which makes the axis needless."""
    single = len(drawn.series) == 1
    bar: Spec = {"type": "bar", "tooltip": True}
    if single:
        bar["color"] = theme.PALETTE[0]
    if not (horizontal and single and all((one.y or 0.0) >= 0 for one in drawn.points)):
        return {"mark": bar}
    sizes["axis"] = {"labels": False, "grid": False}
    text: Spec = {"type": "text", "align": "left", "dx": 5, "fontSize": 12, "color": theme.MUTED}
    return {"layer": [{"mark": bar}, {"mark": text, "encoding": {"text": {"field": "label"}}}]}


def _line(request: ChartRequest, found: Points) -> tuple[Spec, Points]:
    found = replace(found, points=sorted(found.points, key=lambda one: found.x.rank(one.x)))
    x, rows = _along(found)
    per_series = len(found.points) / len(found.series)
    gaps = any(one.y is None for one in found.points)
    point: JsonValue = {"size": 36, "opacity": 1}
    if per_series > _MARKED_POINTS and not gaps:
        point = False
    mark: Spec = {"type": request.kind, "tooltip": True}
    if request.kind == "line":
        mark["point"] = point
    encoding: Spec = {"x": x, "y": _measured(request, found, zero=request.kind == "area")}
    if len(found.series) > 1:
        encoding["color"] = _color(found)
    else:
        mark["color"] = theme.PALETTE[0]
        if point and request.kind == "line":
            mark["point"] = {"size": 36, "opacity": 1, "color": theme.PALETTE[0]}
    return {"data": values(*rows), "mark": mark, "encoding": encoding}, found


def _scatter(request: ChartRequest, found: Points) -> tuple[Spec, Points]:
    if len(found.points) > MOST_POINTS:
        note = f"The first {MOST_POINTS:,} of {len(found.points):,} points."
        found = found.having(found.points[:MOST_POINTS], note)
    found = replace(found, points=sorted(found.points, key=lambda one: found.x.rank(one.x)))
    x, rows = _along(found)
    encoding: Spec = {"x": x, "y": _measured(request, found, zero=False)}
    mark: Spec = {"type": "point", "tooltip": True}
    if len(found.series) > 1:
        encoding["color"] = _color(found)
    else:
        mark["color"] = theme.PALETTE[0]
    return {"data": values(*rows), "mark": mark, "encoding": encoding}, found


def _pie(request: ChartRequest, found: Points) -> tuple[Spec, Points]:
    drawn, order = chosen(request, found)
    total = sum(one.y or 0.0 for one in drawn.points)
    shares = {str(one.x): (one.y or 0.0) / total for one in drawn.points}
    labels = {name: f"{name} · {shares[name]:.1%}" for name in order}
    rows = _category_rows(request, drawn)
    for row in rows:
        row |= {"series": labels[str(row["x"])], "order": order.index(str(row["x"]))}
    color = _colors([labels[name] for name in order], found.x.title)
    color["legend"] = {"orient": "right", "symbolType": "circle"}
    encoding: Spec = {
        "theta": {
            "field": "y",
            "type": "quantitative",
            "stack": True,
            "title": request.y_title or humanised(request.y[0]),
        },
        "order": {"field": "order", "type": "quantitative"},
        "color": color,
    }
    mark: Spec = {"type": "arc", "innerRadius": 62, "outerRadius": 110, "tooltip": True}
    body: Spec = {"data": values(*rows), "mark": mark, "encoding": encoding}
    return body | {"width": 260, "height": 240, "autosize": "pad"}, drawn


_BODIES = {"bar": _bar, "line": _line, "area": _line, "scatter": _scatter, "pie": _pie}


def _along(found: Points) -> tuple[Spec, list[Spec]]:
    """The x of what has an order, and the rows."""
    points = found.points
    x: Spec = {"field": "x", "title": found.x.title}
    match found.x.type:
        case "temporal":
            moments = [at for one in points if (at := moment_of(one.x))]
            year = common_year(moments)
            x["title"] = f"{found.x.title}, {year}" if year else found.x.title
            x |= {"type": "temporal", "scale": {"type": "utc"}, "axis": time_axis(moments)}
            rows = [
                _row(one, at.isoformat().replace("+00:00", "Z"))
                for one, at in zip(points, moments, strict=True)
            ]
        case "quantitative":
            zero: JsonValue = {"zero": False, "nice": True}
            x |= {"type": "quantitative", "scale": zero, "axis": {"grid": False, "tickCount": 8}}
            rows = [_row(one, _json(number_of(one.x))) for one in points]
        case _:
            labels = list(dict.fromkeys(str(one.x) for one in points))
            x |= {"type": "ordinal", "sort": cast("list[JsonValue]", labels)}
            x["axis"] = {"grid": False, "labelAngle": 0, "labelOverlap": "greedy"}
            rows = [_row(one, str(one.x)) for one in points]
    return x, rows


def _measured(request: ChartRequest, found: Points, *, zero: bool) -> Spec:
    """The y: bars and areas begin at zero, lines where the values are far from it do not."""
    known = [one.y for one in found.points if one.y is not None]
    near = (
        bool(known) and request.kind == "line" and min(known) >= 0 and min(known) < 0.5 * max(known)
    )
    title = request.y_title or (humanised(request.y[0]) if len(request.y) == 1 else "")
    if request.unit:
        title = f"{title} ({request.unit})".strip()
    return {
        "field": "y",
        "type": "quantitative",
        "title": title or None,
        "scale": {"zero": zero or near, "nice": True},
        "axis": number_axis(known, request.y_format),
    }


def _category_rows(request: ChartRequest, drawn: Points) -> list[Spec]:
    return [
        _row(one, str(one.x)) | {"label": text}
        for one, text in zip(drawn.points, number_texts(drawn, request), strict=True)
    ]


def _row(point: Point, x: JsonValue) -> Spec:
    row: Spec = {"x": x, "y": _json(point.y)}
    return row | {"series": point.series} if point.series else row


def _json(number: float | None) -> JsonValue:
    """Whole numbers without `.0`, so that they read as what they are."""
    if number is not None and number.is_integer() and abs(number) < 2**53:
        return int(number)
    return number


def _color(found: Points) -> Spec:
    return _colors(found.series, found.series_title)


def _colors(names: Sequence[str], title: str) -> Spec:
    domain = cast("list[JsonValue]", list(names))
    palette = cast("list[JsonValue]", list(theme.PALETTE[: len(names)]))
    return {
        "field": "series",
        "type": "nominal",
        "sort": domain,
        "title": title or None,
        "scale": {"domain": domain, "range": palette},
        "legend": {"orient": "top", "direction": "horizontal", "columns": _columns(names)},
    }


def _columns(names: Sequence[str]) -> int:
    """How many names stand beside each other above the chart."""
    if sum(len(name) + _SYMBOL_CHARACTERS for name in names) <= _TITLE_CHARACTERS:
        return len(names)
    width = max(map(len, names)) + _SYMBOL_CHARACTERS
    return max(1, min(len(names), _TITLE_CHARACTERS // width))


def _names(found: Points) -> list[JsonValue]:
    return cast("list[JsonValue]", list(found.series))
