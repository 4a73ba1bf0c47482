"""What a report is of: the answer, looked up by ids, and the words for what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from buster_tasks.analyst.charting import Drawing
from buster_tasks.analyst.claims.rendering import FormatMismatchError, render
from buster_tasks.analyst.findings import (
    Chart,
    Dashboard,
    Evidence,
    Finding,
    Metric,
    NamedValue,
    Query,
    Verdict,
)
from buster_tasks.analyst.models import AnalystMetadata, AnalystResult, Status

VERDICTS: Final[dict[Verdict, tuple[str, str]]] = {
    "verified": ("Verified", "The statements were run again and gave the same."),
    "contradicted": ("Contradicted", "The data says something else."),
    "stale": ("Out of date", "The data has changed since the statement was run."),
    "unsupported": ("Not supported", "The data does not show it."),
    "non_reproducible": ("Not reproducible", "Another run may give another number."),
    "not_checked": ("Not checked", "Nobody has looked whether it holds."),
}
STATUSES: Final[dict[Status, str]] = {
    "completed": "Completed",
    "completed_with_warnings": "Completed with warnings",
    "needs_clarification": "A question back",
    "refused": "Refused",
    "canceled": "Canceled before the end",
    "failed": "Failed before the end",
}

_METADATA: Final = AnalystMetadata()
_PLACE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Content:
    """All that a report shows, and where to find it.

    `drawings` are by the charts' ids, `missing` says why one is not there.
    """

    result: AnalystResult
    question: str = ""
    metadata: AnalystMetadata = _METADATA
    drawings: Mapping[str, Drawing] = field(default_factory=dict[str, Drawing])
    missing: Sequence[str] = ()
    finished_at: datetime | None = None

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, in order."""
        return [one for one in self.result.artifacts if isinstance(one, Metric)]

    @property
    def charts(self) -> list[Chart]:
        """The charts, in order."""
        return [one for one in self.result.artifacts if isinstance(one, Chart)]

    @property
    def dashboards(self) -> list[Dashboard]:
        """The dashboards, in order."""
        return [one for one in self.result.artifacts if isinstance(one, Dashboard)]

    @property
    def queries(self) -> dict[str, Query]:
        """The statements by the ids of their evidence, in order."""
        return {one.evidence.id: one for one in self.result.artifacts if isinstance(one, Query)}

    def shown_on_dashboards(self) -> set[str]:
        """The ids of what a dashboard shows, and need not be shown again."""
        return {name for board in self.dashboards for row in board.rows for name in row}

    def artifact(self, name: str) -> Metric | Chart | None:
        """The metric or chart of this id."""
        found: dict[str, Metric | Chart] = {one.id: one for one in self.charts}
        return found.get(name) or next((one for one in self.metrics if one.id == name), None)

    def numbers(self) -> dict[str, int]:
        """The statements' numbers on the page, from 1, by the ids of their evidence."""
        return {name: n for n, name in enumerate(self.queries, 1)}


def segments(finding: Finding) -> Iterator[tuple[str, NamedValue | None]]:
    """The text of the finding in stretches, those that a value has filled in with the value."""
    text, end = finding.text or finding.claim, 0
    by_name = {value.name: value for value in finding.values}
    for place in _PLACE.finditer(finding.claim):
        value = by_name.get(place[1])
        for shown in dict.fromkeys([value.text, value.text.removeprefix("-")] if value else []):
            start = text.find(shown, end) if shown else -1
            if start >= 0:
                yield text[end:start], None
                yield shown, value
                end = start + len(shown)
                break
    yield text[end:], None


def metric_text(metric: Metric) -> str:
    """The metric's value as people read it; as it is where its format does not fit it."""
    value: object = metric.value
    exact = as_decimal(metric.value)
    try:
        return render(value if exact is None else exact, metric.format, unit=metric.unit)
    except FormatMismatchError:
        return cell_text(metric.value)


def as_decimal(value: JsonValue) -> Decimal | None:
    """The number, which may have come as text because it is exact; None for what is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float) or (
        isinstance(value, str) and re.fullmatch(r"-?\d{1,40}(\.\d{1,40})?", value)
    ):
        number = Decimal(str(value))
        return number if number.is_finite() else None
    return None


def cell_text(value: JsonValue) -> str:
    """A cell as it stands in a table of evidence: digit for digit."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case _:
            return str(value)


def origin(value: NamedValue) -> str:
    """Where a value comes from: the cell, or the expression over others."""
    if value.cell is not None:
        return f"{value.cell.result}, row {value.cell.row + 1}, {value.cell.column}"
    return value.expression or ""


def size_of(evidence: Evidence) -> str:
    """How many rows came, and whether there were more."""
    rows = "1 row" if evidence.row_count == 1 else f"{evidence.row_count:,} rows"
    return f"{rows}, cut: there are more" if evidence.truncated else rows


def usage_lines(content: Content) -> list[tuple[str, str]]:
    """What the answer took, as names and values."""
    usage = content.metadata.usage
    tokens = f"{usage.prompt_tokens:,} in, {usage.completion_tokens:,} out"
    if usage.cached_tokens:
        tokens += f", {usage.cached_tokens:,} of those in from a cache"
    lines = [("Model", content.metadata.model)] if content.metadata.model else []
    if usage.model_calls:
        cost = "unknown" if usage.cost_usd is None else f"{usage.cost_usd:.4f} USD"
        lines += [("Model calls", f"{usage.model_calls:,}"), ("Tokens", tokens), ("Cost", cost)]
    lines.append(("Statements", f"{usage.statements or len(content.queries):,}"))
    total = usage.seconds.get("total") or sum(usage.seconds.values())
    return [*lines, ("Time", f"{total:.1f} s")] if total else lines
