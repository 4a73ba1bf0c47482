"""The report as Markdown: the same content as the page, its text of others made harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from buster_tasks.analyst.charting import table_of
from buster_tasks.analyst.findings import Chart, Finding, Query
from buster_tasks.analyst.quoting import cut
from buster_tasks.analyst.report.content import (
    STATUSES,
    VERDICTS,
    Content,
    as_decimal,
    cell_text,
    metric_text,
    origin,
    segments,
    size_of,
    usage_lines,
)
from buster_tasks.analyst.report.taming import fenced, literal, phrase, tamed

_TABLE_ROWS = 20
_CELL_CHARACTERS = 120


def document(content: Content) -> str:
    """The whole text, its blocks apart by a blank line."""
    result = content.result
    blocks: list[str] = [f"# {literal(content.question) or 'Analysis'}", _facts(content)]
    blocks.append(tamed(result.clarification or result.response).strip())
    blocks += _part("Metrics", _metrics(content))
    for board in content.dashboards:
        shown = [one for row in board.rows for one in row]
        names = [_name_of(one, content) for one in shown]
        blocks += _part(literal(board.name), [literal(board.description), "\n".join(names)])
    blocks += _part("Charts", [block for chart in content.charts for block in _chart(chart)])
    blocks += _part(
        "Findings", [block for one in result.findings for block in _finding(one, content)]
    )
    warnings = [f"- **{one.severity}**: {phrase(one.message)}" for one in result.warnings]
    blocks += _part("Warnings", ["\n".join(warnings)])
    blocks += _part("Assumptions", ["\n".join(f"- {phrase(one)}" for one in result.assumptions)])
    blocks += _part("Plan", ["\n".join(_plan(content))])
    blocks += _part("Statements", list(_statements(content)))
    usage = [f"- {name}: {literal(text)}" for name, text in usage_lines(content)]
    blocks += _part("Work", ["\n".join(usage)])
    return "\n\n".join(block for block in blocks if block) + "\n"


def _part(title: str, blocks: Sequence[str]) -> list[str]:
    """The blocks under a heading, nothing where there are none."""
    kept = [block for block in blocks if block]
    return [f"## {title}", *kept] if kept else []


def _facts(content: Content) -> str:
    parts = [
        f"**{STATUSES[content.result.status]}**",
        *map(literal, content.result.used_data_sources),
    ]
    if content.finished_at:
        parts.append(content.finished_at.strftime("%d %B %Y, %H:%M %Z").strip())
    return " · ".join(parts)


def _metrics(content: Content) -> list[str]:
    rows: list[list[JsonValue]] = [
        [one.name, metric_text(one), one.time_frame, _numbered([one.evidence], content)]
        for one in content.metrics
    ]
    return [_table(["Metric", "Value", "Time", "Statement"], rows)] if rows else []


def _name_of(name: str, content: Content) -> str:
    found = content.artifact(name)
    if found is None:
        return f"- {literal(name)}"
    return f"- {literal(found.title if isinstance(found, Chart) else found.name)}"


def _chart(chart: Chart) -> Iterator[str]:
    found = table_of(chart)
    yield f"### {literal(chart.title)}"
    description = chart.spec.get("description")
    yield literal(description) if isinstance(description, str) else ""
    yield _table(found.headings, found.rows[:_TABLE_ROWS])
    if len(found.rows) > _TABLE_ROWS:
        yield f"The first {_TABLE_ROWS} of {len(found.rows):,} rows."


def _finding(finding: Finding, content: Content) -> Iterator[str]:
    label, meaning = VERDICTS[finding.verdict]
    claim = "".join(
        _stretch(text) if value is None else f"**{literal(text)}**"
        for text, value in segments(finding)
    )
    yield f"### {claim.strip()}"
    behind = _numbered(finding.evidence, content)
    yield f"**{label}.** {meaning}" + (f" Statement {behind}." if behind else "")
    values = [
        f"- `{one.name}` = {literal(one.text)} ({literal(origin(one))})" for one in finding.values
    ]
    checks = [f"- **{one.severity}**: {phrase(one.message)}" for one in finding.checks]
    yield "\n".join([*values, *checks])


def _stretch(text: str) -> str:
    """A stretch of a line with the blanks at its ends."""
    before = " " if text[:1].isspace() else ""
    after = " " if text.strip() and text[-1:].isspace() else ""
    return f"{before}{phrase(text)}{after}"


def _plan(content: Content) -> Iterator[str]:
    plan = content.result.plan
    for step in plan.steps if plan else []:
        method = f": {phrase(step.method)}" if step.method else ""
        yield f"- [{'x' if step.done else ' '}] {phrase(step.question)}{method}"
    for assumption in plan.assumptions if plan else []:
        yield f"- Assumed: {phrase(assumption)}"


def _statements(content: Content) -> Iterator[str]:
    for number, query in enumerate(content.queries.values(), 1):
        yield from _statement(query, number)


def _statement(query: Query, number: int) -> Iterator[str]:
    evidence = query.evidence
    yield f"### Statement {number}: {literal(query.name or evidence.purpose)}".rstrip(": ")
    yield fenced(evidence.sql, "sql")
    yield f"Source {literal(evidence.source)}, {size_of(evidence)}, digest `{evidence.digest[:12]}`."
    yield _table([column.name for column in evidence.columns], evidence.sample)


def _numbered(names: Sequence[str], content: Content) -> str:
    numbers = content.numbers()
    return ", ".join(str(numbers[name]) for name in dict.fromkeys(names) if name in numbers)


def _table(headings: Sequence[str], rows: Sequence[Sequence[JsonValue]]) -> str:
    if not headings or not rows:
        return ""
    right = [
        all(row[n] is None or as_decimal(row[n]) is not None for row in rows)
        for n in range(len(headings))
    ]
    lines = [
        _line([literal(name) for name in headings]),
        _line(["---:" if is_number else "---" for is_number in right]),
        *(_line([_cell(cell) for cell in row]) for row in rows),
    ]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: JsonValue) -> str:
    text = (
        json.dumps(value, ensure_ascii=False)
        if isinstance(value, list | dict)
        else cell_text(value)
    )
    return literal(cut(text, _CELL_CHARACTERS))
