"""A Vega-Lite specification of somebody else's as a chart: checked against the result, its data replaced by ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pydantic import JsonValue

from buster_tasks.analyst.charting import theme
from buster_tasks.analyst.charting.column import moment_of, number_of
from buster_tasks.analyst.charting.grammar import MARKS, REPLACED, TOP, mark_names
from buster_tasks.analyst.charting.look import Look, as_dict, as_list, listed
from buster_tasks.analyst.charting.points import MOST_POINTS, truncation
from buster_tasks.analyst.charting.spec import heading
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.evidence import ResultSet, excerpt
from buster_tasks.analyst.findings import Chart, ChartKind

MOST_NODES = 2_000
MOST_DEPTH = 12
MOST_CHARACTERS = 500
_MOST_PROBLEMS = 12


def problems(spec: object, columns: Sequence[str]) -> list[str]:
    """What must be mended before the specification may be drawn over these columns, a sentence each; none is good.

    Never raises, whatever `spec` is. `data`, `config`, `background` and `$schema` are not looked at: ours take their
    place.
    """
    too_much = _size(spec)
    if too_much:
        return [too_much]
    look = Look(columns)
    look.mapping(spec, TOP, "spec")
    if isinstance(spec, dict) and not MARKS.keys() & set(
        mark_names(cast("dict[str, object]", spec))
    ):
        look.wrong("spec", f"one mark must be of {listed(MARKS)}.")
    return look.found[:_MOST_PROBLEMS]


def adopt(spec: object, result: ResultSet, *, id: str, title: str) -> Chart:  # noqa: A002 - as the field is named
    """The chart that the specification draws of the result.

    Raises ToolRefusedError with all its `problems`, or where the result has no rows.
    """
    wrong = problems(spec, result.columns)
    if wrong:
        raise ToolRefusedError("The specification cannot be drawn.", fix=" ".join(wrong))
    if not result.result.rows:
        raise ToolRefusedError(
            f"The result {result.id!r} has no rows, so there is nothing to draw."
        )
    given = cast("dict[str, JsonValue]", spec)
    kind: ChartKind = next(MARKS[name] for name in mark_names(given) if name in MARKS)
    notes = truncation(result)
    if result.result.row_count > MOST_POINTS:
        notes.append(f"The first {MOST_POINTS:,} of {result.result.row_count:,} rows.")
    whole: dict[str, JsonValue] = {
        "width": theme.WIDTH,
        "height": theme.HEIGHT,
        **{name: value for name, value in given.items() if name not in REPLACED},
        "$schema": theme.SCHEMA,
        "title": heading(title, notes),
        "description": _description(kind, title, result, notes),
        "data": {"values": _rows(result)},
        "config": theme.config(),
    }
    return Chart(id=id, title=title, kind=kind, evidence=result.id, spec=whole)


def _rows(result: ResultSet) -> list[JsonValue]:
    names = result.columns
    return [
        {name: _cell(cell) for name, cell in zip(names, row, strict=True)}
        for row in result.result.rows[:MOST_POINTS]
    ]


def _cell(cell: object) -> JsonValue:
    """Numbers as such, NaN as nothing; times without a zone, which are read and shown as they stand wherever one is."""
    if isinstance(cell, bool | str) or cell is None:
        return cell
    number = number_of(cell)
    if number is not None:
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    moment = moment_of(cell)
    if moment is not None:
        return moment.replace(tzinfo=None).isoformat()
    return None if isinstance(cell, float) else str(excerpt(cell))


def _description(kind: str, title: str, result: ResultSet, notes: Sequence[str]) -> str:
    rows = f"{result.result.row_count:,} rows of {', '.join(result.columns)}."
    return " ".join([f"{kind.capitalize()} chart: {title.rstrip('.')}.", rows, *notes])


def _size(spec: object) -> str:
    """What is said of a tree that is too large to look at; without recursion, so that depth cannot hurt."""
    nodes, level = 0, [spec]
    for _ in range(MOST_DEPTH):
        long = next(
            (one for one in level if isinstance(one, str) and len(one) > MOST_CHARACTERS), ""
        )
        if long:
            return f"A text of {len(long)} characters is too long; {MOST_CHARACTERS} is the most."
        level = [inner for one in level for inner in _inner(one)]
        nodes += len(level)
        if nodes > MOST_NODES:
            return f"spec has over {MOST_NODES} parts: make it simpler."
        if not level:
            return ""
    return f"spec is nested over {MOST_DEPTH} deep: make it simpler."


def _inner(value: object) -> list[object]:
    known = as_dict(value)
    if known is not None:
        return [inner for name, inner in known.items() if name not in REPLACED]
    return as_list(value) or []
