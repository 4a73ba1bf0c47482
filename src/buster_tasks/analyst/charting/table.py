"""The data of a chart as a table, for those who want the numbers or have no picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from buster_tasks.analyst.charting.axis import grain_of, period_label
from buster_tasks.analyst.charting.column import humanised, moment_of
from buster_tasks.analyst.findings import Chart

_Row = dict[str, JsonValue]
_UNSEEN = {"order", "text", "tooltip"}  # channels that repeat what another shows


@dataclass(frozen=True, slots=True)
class ChartTable:
    """Headings and rows as they are drawn. Each series is a column of its own."""

    headings: list[str]
    rows: list[list[JsonValue]]


def table_of(chart: Chart) -> ChartTable:
    """The table of what the chart shows; empty where the specification holds no data."""
    data = chart.spec.get("data")
    found = data.get("values") if isinstance(data, dict) else None
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    rows = _with_periods(rows)
    titles = _titles(chart.spec)
    fields = [name for name in titles if any(name in row for row in rows)]
    if {"x", "y", "series"} <= set(fields) and chart.kind != "scatter":
        by_series = _by_series(rows, titles["x"], _domain(chart.spec))
        if by_series is not None:
            return by_series
    return ChartTable(
        [titles[name] for name in fields], [[row.get(name) for name in fields] for row in rows]
    )


def _with_periods(rows: list[_Row]) -> list[_Row]:
    """The same with times of x as the chart labels them."""
    moments = [moment_of(row.get("x")) for row in rows]
    known = [at for at in moments if at is not None]
    if not rows or len(known) < len(rows):
        return rows
    grain = grain_of(known)
    return [{**row, "x": period_label(at, grain)} for row, at in zip(rows, known, strict=True)]


def _titles(spec: _Row) -> dict[str, str]:
    """The fields that are drawn with what they are called: what names a row first, what it is measured by last."""
    titles: dict[str, str] = {}
    layers = spec.get("layer")
    for view in [spec, *(layers if isinstance(layers, list) else [])]:
        encoding = view.get("encoding") if isinstance(view, dict) else None
        if isinstance(encoding, dict):
            for field, title in _fields(encoding):
                titles.setdefault(field, title)
    return dict(sorted(titles.items(), key=lambda one: one[0] != "x"))


def _fields(encoding: _Row) -> Iterable[tuple[str, str]]:
    last = {"theta": 2, "y": 1}
    for name, channel in sorted(encoding.items(), key=lambda one: last.get(one[0], 0)):
        field = channel.get("field") if isinstance(channel, dict) else None
        if isinstance(channel, dict) and isinstance(field, str) and name not in _UNSEEN:
            title = channel.get("title")
            yield field, title if isinstance(title, str) and title else humanised(field)


def _domain(spec: _Row) -> list[str]:
    """The series in the order of the legend."""
    found: JsonValue = spec
    for name in ("encoding", "color", "scale", "domain"):
        found = found.get(name) if isinstance(found, dict) else None
    return [str(name) for name in found] if isinstance(found, list) else []


def _by_series(rows: list[_Row], heading: str, domain: list[str]) -> ChartTable | None:
    """One row for each x, one column for each series; None where that would lose a value."""
    names = list(dict.fromkeys([*domain, *(str(row.get("series")) for row in rows)]))
    cells: dict[str, list[JsonValue]] = {}
    for row in rows:
        x = row.get("x")
        line = cells.setdefault(str(x), [x, *(None for _ in names)])
        place = names.index(str(row.get("series"))) + 1
        if line[place] is not None:
            return None
        line[place] = row.get("y")
    return ChartTable([heading, *names], list(cells.values()))
