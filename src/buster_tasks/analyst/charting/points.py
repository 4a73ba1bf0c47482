"""The points of a chart out of a result, refused where the chart would make no sense or would lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from buster_tasks.analyst.charting.column import Column, column, label_of, number_of
from buster_tasks.analyst.charting.request import ChartRequest
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.evidence import ResultSet

MOST_POINTS = 5_000
MOST_SLICES = 8
MOST_SERIES = 8


@dataclass(frozen=True, slots=True)
class Point:
    """One mark: where, how much (None is a gap), and of which series."""

    x: object
    y: float | None
    series: str


@dataclass(frozen=True, slots=True)
class Points:
    """What is drawn. `series` has the names in their order, one "" where there is but one; `notes` what is left out."""

    x: Column
    points: list[Point]
    series: list[str]
    series_title: str
    notes: list[str] = field(default_factory=list[str])

    def having(self, points: list[Point], note: str) -> Points:
        """The same of other points, and why."""
        return replace(self, points=points, notes=[*self.notes, note])


def read(request: ChartRequest, result: ResultSet) -> Points:
    """The points of what is asked for, from the top of the result to its end.

    Raises ToolRefusedError for what makes no sense, naming what would.
    """
    if not result.result.rows:
        raise ToolRefusedError(
            f"The result {result.id!r} has no rows, so there is nothing to draw.",
            fix="Look at the statement's conditions first.",
        )
    _check_shape(request)
    x = column(result, request.x)
    measures = [_measure(result, name) for name in request.y]
    color = column(result, request.color) if request.color else None
    found = Points(
        x=x,
        points=_points(x, measures, color),
        series=_series(measures, color),
        series_title=color.title if color else "",
        notes=truncation(result),
    )
    _check_sense(request, found)
    if color and len(found.series) == 1:
        # one colour tells nothing apart: its name is said instead
        alone = [replace(point, series="") for point in found.points]
        found = found.having(alone, f"{color.title}: {found.series[0]}.")
        found = replace(found, series=[""])
    return _without_gaps_in_x(_fewer_series(found))


def is_stacked(request: ChartRequest, found: Points) -> bool:
    """Whether series stand on each other: areas always do, since one would hide the next."""
    several = len(found.series) > 1
    return several and (request.kind == "area" or (request.kind == "bar" and request.stacked))


def _check_shape(request: ChartRequest) -> None:
    several = len(request.y) > 1
    if len(set(request.y)) < len(request.y) or request.x in request.y:
        raise ToolRefusedError(
            "A column is named twice.", fix="Each of x and y must be a column of its own."
        )
    if several and request.color:
        raise ToolRefusedError(
            "Several y and a color cannot be drawn together.",
            fix="Give one y and the color, or several y without a color.",
        )
    if request.kind == "pie" and (several or request.color):
        raise ToolRefusedError(
            "A pie has one y, whose parts are named by x, and no color.",
            fix="Use a bar chart for more.",
        )


def _measure(result: ResultSet, name: str) -> Column:
    """The column, whose values are numbers."""
    found = column(result, name)
    known = [cell for cell in found.cells if cell is not None]
    wrong = next((cell for cell in known if number_of(cell) is None), None)
    if known and wrong is None:
        return found
    numeric = [
        one
        for one in result.columns
        if result.columns.count(one) == 1 and column(result, one).type == "quantitative"
    ]
    said = f"holds {label_of(wrong)[:50]!r}" if known else "holds nothing but NULL"
    raise ToolRefusedError(
        f"y must be numbers, and the column {found.name!r} {said}.",
        fix=f"Numbers are in {', '.join(numeric)}."
        if numeric
        else "Compute a number in the statement.",
    )


def _points(x: Column, measures: Sequence[Column], color: Column | None) -> list[Point]:
    if color:
        rows = zip(x.cells, measures[0].cells, color.cells, strict=True)
        return [Point(at, number_of(y), label_of(name)) for at, y, name in rows]
    names = [one.title if len(measures) > 1 else "" for one in measures]
    return [
        Point(at, number_of(y), name)
        for one, name in zip(measures, names, strict=True)
        for at, y in zip(x.cells, one.cells, strict=True)
    ]


def _series(measures: Sequence[Column], color: Column | None) -> list[str]:
    if color is None:
        return [one.title if len(measures) > 1 else "" for one in measures]
    cells = {label_of(cell): cell for cell in color.cells}
    if color.has_order:
        return sorted(cells, key=lambda name: color.rank(cells[name]))
    totals = dict.fromkeys(cells, 0.0)
    for name, y in zip(color.cells, measures[0].cells, strict=True):
        totals[label_of(name)] += abs(number_of(y) or 0.0)
    return sorted(cells, key=lambda name: (-totals[name], name))


def _check_sense(request: ChartRequest, found: Points) -> None:
    x = found.x
    if request.kind in {"line", "area"} and not x.has_order:
        raise ToolRefusedError(
            f"A {request.kind} goes from one value to the next, and those of {x.name!r} have no order.",
            fix="Use a bar chart, or a time for x.",
        )
    if request.kind == "scatter" and x.type not in {"quantitative", "temporal"}:
        raise ToolRefusedError(
            f"The x of a scatter is a number or a time, and {x.name!r} is neither.",
            fix="Use a bar chart.",
        )
    if request.kind != "scatter":
        _check_once(request, found)
    values = [point.y for point in found.points if point.y is not None]
    if request.kind == "pie":
        _check_pie(request, found, values)
    if is_stacked(request, found) and any(value < 0 for value in values):
        raise ToolRefusedError(
            "Values below zero cannot be stacked.", fix="Use a line, or bars beside each other."
        )


def _check_once(request: ChartRequest, found: Points) -> None:
    """Two marks in one place would hide or add to each other, without anybody seeing it."""
    counts = Counter((label_of(point.x), point.series) for point in found.points)
    (place, series), most = counts.most_common(1)[0]
    if most == 1:
        return
    of = f" of {series!r}" if series else ""
    by = "" if request.color else ", or name the column that tells them apart as color"
    raise ToolRefusedError(
        f"{found.x.name!r} has {most} rows for {place[:80]!r}{of}, and a {request.kind} chart shows one.",
        fix=f"Group by it in the statement{by}.",
    )


def _check_pie(request: ChartRequest, found: Points, values: Sequence[float]) -> None:
    if any(value < 0 for value in values):
        raise ToolRefusedError(
            "A pie shows parts of a whole, and a part cannot be below zero.", fix="Use a bar chart."
        )
    if not sum(values) > 0:
        raise ToolRefusedError("The parts of the pie add up to 0.", fix="Use a bar chart.")
    if len(found.points) > MOST_SLICES and request.rest == "left_out":
        raise ToolRefusedError(
            f"A pie of {len(found.points)} slices cannot be read; {MOST_SLICES} is the most.",
            fix="Use a bar chart, or rest='summed' where the values may be added up.",
        )


def truncation(result: ResultSet) -> list[str]:
    """What is said of a result that was cut."""
    if not result.result.truncated:
        return []
    return [f"Only the first {result.result.row_count:,} rows of the result: there are more."]


def _fewer_series(found: Points) -> Points:
    """The largest, as many as colours can be told apart."""
    if len(found.series) <= MOST_SERIES:
        return found
    kept = found.series[:MOST_SERIES]
    note = f"{MOST_SERIES} of {len(found.series)} series; the others are not shown."
    left = found.having([point for point in found.points if point.series in kept], note)
    return replace(left, series=kept)


def _without_gaps_in_x(found: Points) -> Points:
    """A category may be nameless, but there is no place for an unknown time or number."""
    if found.x.type == "nominal":
        return found
    kept = [point for point in found.points if point.x is not None]
    missing = len(found.points) - len(kept)
    if not kept:
        raise ToolRefusedError(
            f"The column {found.x.name!r} holds nothing but NULL.", fix="Take another x."
        )
    return found.having(kept, f"{missing} without {found.x.title} left out.") if missing else found
