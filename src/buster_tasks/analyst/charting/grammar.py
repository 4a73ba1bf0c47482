"""The part of Vega-Lite that may come from somebody else: marks, channels and options by name, and no expressions."""

from __future__ import annotations

import re
from typing import Final

from buster_tasks.analyst.charting.look import (
    Look,
    Rule,
    anything,
    as_dict,
    as_list,
    color,
    color_or_number,
    colors_or_numbers,
    count,
    flag,
    format_,
    length,
    list_of,
    listed,
    number,
    object_or,
    one_of,
    scalar,
    scalars,
    text,
    word,
    words,
)
from buster_tasks.analyst.findings import ChartKind

MARKS: Final[dict[str, ChartKind]] = {
    "bar": "bar",
    "rect": "bar",
    "line": "line",
    "trail": "line",
    "area": "area",
    "point": "scatter",
    "circle": "scatter",
    "square": "scatter",
    "tick": "scatter",
    "arc": "pie",
}
REPLACED: Final = ("$schema", "data", "config", "background")

_BESIDE = ("rule", "text")  # in a layer beside one of the marks above
_AGGREGATES = words(
    "count sum mean average median min max distinct valid missing stdev variance q1 q3"
)
_CHANNELS = words(
    "x y x2 y2 xOffset yOffset color fill stroke opacity size shape theta theta2 radius detail "
    "order text strokeDash row column facet tooltip"
)
_SHAPE = one_of(words("circle square cross diamond stroke"))


def mark_name(value: object) -> str:
    """The type of a mark, "" where there is none."""
    known = as_dict(value)
    name = value if known is None else known.get("type")
    return name if isinstance(name, str) else ""


def mark_names(view: object) -> list[str]:
    """The marks of a view and of its layers."""
    top = as_dict(view) or {}
    inner = [(as_dict(one) or {}).get("mark") for one in as_list(top.get("layer")) or []]
    return [mark_name(one) for one in [top.get("mark"), *inner]]


def _mark(look: Look, value: object, where: str) -> None:
    if as_dict(value) is not None:
        look.mapping(value, _MARK, where)
    name = mark_name(value)
    if name not in MARKS and name not in _BESIDE:
        look.wrong(where, f"{name[:60]!r} may not be drawn; use {listed([*MARKS, *_BESIDE])}.")


def _transform(look: Look, value: object, where: str) -> None:
    keys = as_dict(value) or {}
    if "calculate" in keys:
        look.wrong(where, "expressions are not run; compute the column in the statement.")
    elif "aggregate" in keys:
        _aggregate(look, keys, where)
    elif "fold" in keys:
        look.mapping(value, {"fold": list_of(Look.field), "as": list_of(Look.made, 2)}, where)
        look.fields |= {"key", "value"}
    elif "filter" in keys:
        look.mapping(value, {"filter": _predicate}, where)
    else:
        look.wrong(where, "must be aggregate, filter or fold; do all else in the statement.")


def _aggregate(look: Look, value: dict[object, object], where: str) -> None:
    before = set(look.fields)
    look.mapping(value, {"groupby": list_of(Look.field), "aggregate": list_of(_measure)}, where)
    kept = as_list(value.get("groupby")) or []
    # what is neither made nor grouped by is gone
    look.fields = (look.fields - before) | {one for one in kept if isinstance(one, str)}


def _measure(look: Look, value: object, where: str) -> None:
    look.mapping(value, {"op": one_of(_AGGREGATES), "field": Look.field, "as": Look.made}, where)


def _predicate(look: Look, value: object, where: str) -> None:
    if isinstance(value, str):
        look.wrong(
            where, "expressions are not run; write {field, equal | lt | gt | oneOf | range}."
        )
    else:
        look.mapping(value, _PREDICATE, where)


def _sort(look: Look, value: object, where: str) -> None:
    if as_list(value) is not None:
        scalars(look, value, where)
    elif isinstance(value, str):
        if not re.fullmatch(r"-?[A-Za-z0-9]{1,20}", value):
            look.wrong(where, "must be 'ascending', 'descending', 'x', '-y' and the like.")
    elif value is not None:
        look.mapping(value, _SORT, where)


def _channel(look: Look, value: object, where: str) -> None:
    if as_list(value) is not None:
        look.each(value, _channel, where, 10)
    else:
        look.mapping(value, _CHANNEL, where)


def _text_channel(look: Look, value: object, where: str) -> None:
    _channel_of = {**_CHANNEL, "value": text}
    look.mapping(value, _channel_of, where)


_SORT: dict[str, Rule] = {
    "field": Look.field,
    "op": one_of(_AGGREGATES),
    "order": one_of(["ascending", "descending"]),
    "encoding": one_of(_CHANNELS),
}
_SCALE: dict[str, Rule] = {
    "type": one_of(words("linear log sqrt symlog time utc ordinal point band quantize quantile")),
    "domain": scalars,
    "range": colors_or_numbers,
    "scheme": word,
    **dict.fromkeys(words("zero nice reverse clamp"), flag),
    **dict.fromkeys(words("padding paddingInner paddingOuter"), count),
}
_GUIDE: dict[str, Rule] = {
    "title": text,
    "format": format_,
    "formatType": one_of(words("number time utc")),
    **dict.fromkeys(words("grid labels ticks domain"), flag),
    **dict.fromkeys(words("labelOverlap orient direction"), word),
    **dict.fromkeys(["tickCount", "columns"], count),
    **dict.fromkeys(["labelLimit", "labelFontSize"], length),
    "labelAngle": number,
    "values": scalars,
    "symbolType": _SHAPE,
}
_CHANNEL: dict[str, Rule] = {
    "field": Look.field,
    "type": one_of(words("quantitative temporal ordinal nominal")),
    "aggregate": one_of(_AGGREGATES),
    "bin": object_or(word, {"maxbins": count, "nice": flag}),
    "timeUnit": word,
    "sort": _sort,
    "stack": word,
    "title": text,
    "format": format_,
    "formatType": one_of(words("number time utc")),
    "scale": object_or(flag, _SCALE),
    "axis": object_or(flag, _GUIDE),
    "legend": object_or(flag, _GUIDE),
    "header": object_or(flag, {"title": text, "labels": flag, "format": format_}),
    "value": color_or_number,
    "datum": scalar,
    "columns": count,
    "bandPosition": count,
}
_POINT: dict[str, Rule] = {"color": color, "fill": color, "filled": flag, "size": number}
_MARK: dict[str, Rule] = {
    "type": word,
    **dict.fromkeys(words("color fill stroke"), color),
    **dict.fromkeys(words("filled tooltip clip"), flag),
    **dict.fromkeys(words("opacity fillOpacity strokeOpacity strokeWidth size angle"), number),
    **dict.fromkeys(words("dx dy padAngle cornerRadius cornerRadiusEnd"), number),
    **dict.fromkeys(words("fontSize innerRadius outerRadius radius"), number),
    **dict.fromkeys(words("interpolate orient align baseline fontWeight fontStyle"), word),
    "shape": _SHAPE,
    "strokeDash": list_of(number),
    "point": object_or(flag, _POINT),
    "line": object_or(flag, _POINT),
}
_PREDICATE: dict[str, Rule] = {
    "field": Look.field,
    "timeUnit": word,
    **dict.fromkeys(words("equal lt lte gt gte"), scalar),
    **dict.fromkeys(["oneOf", "range"], scalars),
    "valid": flag,
    "not": _predicate,
    "and": list_of(_predicate),
    "or": list_of(_predicate),
}
_ENCODING: dict[str, Rule] = {**dict.fromkeys(_CHANNELS, _channel), "text": _text_channel}
_TITLE: dict[str, Rule] = {"text": text, "subtitle": text, "anchor": word, "fontSize": length}
_LAYER: dict[str, Rule] = {
    # first, because it makes names that the encoding may use
    "transform": list_of(_transform),
    "mark": _mark,
    "encoding": lambda look, value, where: look.mapping(value, _ENCODING, where),
    "title": object_or(text, _TITLE),
    "description": text,
}
TOP: Final[dict[str, Rule]] = {
    **dict.fromkeys(REPLACED, anything),
    **_LAYER,
    "layer": list_of(lambda look, value, where: look.mapping(value, _LAYER, where)),
    "width": length,
    "height": length,
}
