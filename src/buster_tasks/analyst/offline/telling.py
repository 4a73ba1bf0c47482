"""What a result tells: findings whose numbers name cells, and the chart that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buster_tasks.analyst.offline.draft import Draft, Measure
from buster_tasks.language_model import ToolCall

_MOST_NAMED = 3
_MOST_BARS = 30


def charts_of(
    draft: Draft, result: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], question: str
) -> list[ToolCall]:
    """A line over time, bars over anything else, a metric of a single number; nothing where there is nothing to see."""
    if not draft.measures or not rows:
        return []
    if len(rows) == 1 and not draft.dimensions:
        return [
            ToolCall.of("create_metric", name=_title(question), result=result, column=one.name)
            for one in draft.measures
            if one.name in columns and rows[0][list(columns).index(one.name)] is not None
        ]
    if not draft.dimensions or len(rows) < 2:
        return []
    first, measure = (
        draft.dimensions[0],
        draft.order if isinstance(draft.order, Measure) else draft.measures[0],
    )
    if first.grain is not None:
        kind = "line"
    elif len(rows) <= _MOST_BARS:
        kind = "bar"
    else:
        return []
    color = (
        draft.dimensions[1].name if len(draft.dimensions) > 1 and first.grain is not None else None
    )
    more = {} if color is None else {"color": color}
    return [
        ToolCall.of(
            "create_chart",
            kind=kind,
            title=_title(question),
            result=result,
            x=first.name,
            y=[measure.name],
            **more,
        )
    ]


def findings_of(
    draft: Draft,
    result: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    count: int,
) -> dict[str, Any]:
    """The arguments of `submit_findings`."""
    if count == 0:
        claim = {"claim": "No row meets these conditions.", "values": [], "evidence": [result]}
        return {"findings": [claim], "summary": "No row meets these conditions."}
    if not draft.measures:
        return _listed(draft, result, columns, rows)
    if not draft.dimensions:
        return _single(draft, result, columns)
    return _grouped(draft, result, columns, rows)


def _single(draft: Draft, result: str, columns: Sequence[str]) -> dict[str, Any]:
    findings = [
        {
            "claim": f"The {_spoken(measure.name)} is {{{{{measure.name}}}}}.",
            "values": [_value(measure.name, result, 0, measure.name)],
        }
        for measure in draft.measures
        if measure.name in columns
    ]
    return {"findings": findings, "summary": " ".join(str(one["claim"]) for one in findings)}


def _grouped(
    draft: Draft, result: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """The first rows, or the first and the last of a time: what they are called, and their numbers."""
    is_time = draft.dimensions[0].grain is not None
    measure = draft.order if isinstance(draft.order, Measure) else draft.measures[0]
    picked = (
        [0, len(rows) - 1]
        if is_time and len(rows) > 1
        else list(range(min(_MOST_NAMED, len(rows))))
    )
    findings: list[dict[str, Any]] = []
    for at in picked:
        values = [
            _value(f"name_{at}_{number}", result, at, one.name)
            for number, one in enumerate(draft.dimensions)
            if one.name in columns
        ]
        values.append(_value(f"number_{at}", result, at, measure.name))
        called = " ".join(f"{{{{{value['name']}}}}}" for value in values[:-1])
        findings.append(
            {
                "claim": f"{called}: {_spoken(measure.name)} {{{{number_{at}}}}}.",
                "values": values,
            }
        )
    return {"findings": findings, "summary": " ".join(str(one["claim"]) for one in findings[:1])}


def _listed(
    draft: Draft, result: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    shown = [one.name for one in draft.dimensions if one.name in columns][:3]
    values: list[dict[str, Any]] = []
    called: list[str] = []
    for at in range(min(_MOST_NAMED, len(rows))):
        names = [f"row_{at}_{number}" for number in range(len(shown))]
        values += [
            _value(name, result, at, column) for name, column in zip(names, shown, strict=True)
        ]
        called.append(" ".join(f"{{{{{name}}}}}" for name in names))
    claim = f"Among them: {'; '.join(called)}."
    return {"findings": [{"claim": claim, "values": values}], "summary": claim}


def _value(name: str, result: str, row: int, column: str) -> dict[str, Any]:
    return {"name": name, "result": result, "row": row, "column": column}


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _title(question: str) -> str:
    text = question.strip().rstrip("?.")
    return text[:1].upper() + text[1:90]
