"""What an analysis consists of: evidence, values, findings, metrics, charts, dashboards. Plain values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from buster_tasks.introspection.models import WireModel

Verdict = Literal[
    "verified", "contradicted", "stale", "unsupported", "non_reproducible", "not_checked"
]
ValueFormat = Literal["auto", "integer", "number", "percent", "currency", "date", "month", "text"]
ChartKind = Literal["bar", "line", "area", "scatter", "pie"]
Severity = Literal["info", "warning", "error"]


class ResultColumn(WireModel):
    """A column of a result."""

    name: str
    data_type: str | None = None


class Evidence(WireModel):
    """A statement that was run, and what came of it.

    `sql` is the text as it ran. `digest` is the SHA-256 of the canonical rows (`evidence.py`); `sample` has the first
    rows, long cells cut off, `row_count` all that came, and `truncated` says whether there were more.
    """

    id: str
    source: str
    sql: str
    purpose: str = ""
    columns: list[ResultColumn]
    row_count: int
    truncated: bool
    digest: str
    sample: list[list[JsonValue]] = Field(default_factory=list[list[JsonValue]])


class CellRef(WireModel):
    """One cell of a result: the row from 0, the column by its name."""

    result: str
    row: int = 0
    column: str


class NamedValue(WireModel):
    """A value that a claim names: a cell, or an expression over other values (`a / b`, `a - b`, `(a - b) / b`).

    `value` is what it came to, a number as text where it is exact; `text` how the claim shows it.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    cell: CellRef | None = None
    expression: str | None = None
    format: ValueFormat = "auto"
    decimals: Annotated[int, Field(ge=0, le=10)] | None = None
    unit: str = ""
    value: JsonValue = None
    text: str = ""


class Check(WireModel):
    """Something that a look at a finding, without a model, has told."""

    code: str
    severity: Severity
    message: str


class Finding(WireModel):
    """A claim with the values that it names, and whether it holds.

    `claim` has places such as `{{revenue}}`; `text` is the claim with the values filled in.
    """

    id: str
    claim: str
    text: str = ""
    values: list[NamedValue] = Field(default_factory=list[NamedValue])
    evidence: list[str] = Field(default_factory=list[str])
    verdict: Verdict = "not_checked"
    checks: list[Check] = Field(default_factory=list[Check])


class Metric(WireModel):
    """One number, or a series, that answers to a name. `time_frame` says of which time it speaks."""

    type: Literal["metric"] = "metric"
    id: str
    name: str
    description: str = ""
    time_frame: str = ""
    source: str
    sql: str
    evidence: str
    value: JsonValue = None
    format: ValueFormat = "auto"
    unit: str = ""


class Chart(WireModel):
    """A drawing of a result: a Vega-Lite specification, the data of the result in it."""

    type: Literal["chart"] = "chart"
    id: str
    title: str
    kind: ChartKind
    evidence: str
    spec: dict[str, JsonValue]


class Query(WireModel):
    """A statement that the answer stands on."""

    type: Literal["query"] = "query"
    id: str
    name: str
    evidence: Evidence


class Dashboard(WireModel):
    """Metrics and charts in rows, by their ids, under a name."""

    type: Literal["dashboard"] = "dashboard"
    id: str
    name: str
    description: str = ""
    rows: list[list[str]]


Artifact = Annotated[Metric | Chart | Query | Dashboard, Field(discriminator="type")]


class PlanStep(WireModel):
    """One question that the analysis is to answer, and how."""

    question: str
    method: str = ""
    done: bool = False


class Plan(WireModel):
    """What is to be found out, and what is taken for granted."""

    steps: list[PlanStep]
    assumptions: list[str] = Field(default_factory=list[str])
