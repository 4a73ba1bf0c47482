"""One specification in several widths."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

Spec = dict[str, JsonValue]

_SMALL = 400
_LABELS = 200  # the most that the names beside lying bars take, in pixels
_SMALL_LABELS = 120
_CHARACTER = 7


def fitted(spec: Spec, width: int) -> Spec:
    """The specification for a drawing so wide in all, in pixels; on a small one its legend is below."""
    if spec.get("autosize") == "pad":  # round ones do not grow
        return _with_legend(spec, "vertical", 1) if width < _SMALL else spec
    wider: Spec = {**spec, "width": width}
    if "layer" in spec:
        wider = _with_room(wider, width - (_SMALL_LABELS if width < _SMALL else _LABELS))
    return _small(wider) if width < _SMALL else wider


def room(labels: Sequence[str], width: float) -> float:
    """By how much an axis must reach beyond its largest value, so that the labels fit behind the bars."""
    needed = max(map(len, labels), default=0) * _CHARACTER + 8
    return 1 / (1 - min(0.7, needed / width))


def _with_room(spec: Spec, width: int) -> Spec:
    """For the numbers beside lying bars."""
    encoding, data = spec.get("encoding"), spec.get("data")
    rows = data.get("values") if isinstance(data, dict) else None
    x = encoding.get("x") if isinstance(encoding, dict) else None
    if not (isinstance(encoding, dict) and isinstance(x, dict) and isinstance(rows, list)):
        return spec
    known = [row for row in rows if isinstance(row, dict)]
    labels = [text for row in known if isinstance(text := row.get("label"), str)]
    sizes = [size for row in known if isinstance(size := row.get("y"), int | float)]
    if not labels or not sizes:
        return spec
    domain: JsonValue = [0, max(sizes) * room(labels, width) or 1]
    return {**spec, "encoding": {**encoding, "x": {**x, "scale": {"domain": domain}}}}


def _small(spec: Spec) -> Spec:
    config = spec.get("config")
    axis = config.get("axis") if isinstance(config, dict) else None
    if isinstance(config, dict) and isinstance(axis, dict):
        spec = {**spec, "config": {**config, "axis": {**axis, "labelLimit": _SMALL_LABELS}}}
    return _with_legend(spec, "horizontal", 2)


def _with_legend(spec: Spec, direction: str, columns: int) -> Spec:
    encoding = spec.get("encoding")
    color = encoding.get("color") if isinstance(encoding, dict) else None
    known = color.get("legend") if isinstance(color, dict) else None
    if not (isinstance(encoding, dict) and isinstance(color, dict) and isinstance(known, dict)):
        return spec
    legend: JsonValue = {**known, "orient": "bottom", "direction": direction, "columns": columns}
    return {**spec, "encoding": {**encoding, "color": {**color, "legend": legend}}}
