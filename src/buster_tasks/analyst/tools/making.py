"""Tools that make metrics, charts and dashboards of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.charting import ChartRequest, build
from buster_tasks.analyst.claims import review_text
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.evidence import ResultSet, excerpt
from buster_tasks.analyst.findings import Dashboard, Metric, ValueFormat
from buster_tasks.analyst.state import State
from buster_tasks.analyst.tools.base import Answer, Arguments, Tool

_ANALYZING = frozenset({State.ANALYZING})
_NUMBERS = frozenset({"number", "percent", "points", "fraction", "factor"})


class MetricArguments(Arguments):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    result: Annotated[str, Field(description="The id of a result, such as r1.")]
    column: Annotated[str, Field(description="Which column has the number.")]
    time_frame: Annotated[str, Field(description="Of which time it speaks, such as 2024.")] = ""
    description: str = ""
    format: ValueFormat = "auto"
    unit: str = ""


class CreateMetric(Tool[MetricArguments]):
    """Make a metric, a number under a name, of a result: its one row, or the last of several."""

    name = "create_metric"
    states = _ANALYZING
    arguments = MetricArguments

    async def run(self, arguments: MetricArguments, analysis: Analysis) -> Answer:
        """Keep it with the statement behind it."""
        result = result_of(arguments.result, analysis)
        at = _column(arguments.column, result)
        if not result.result.rows:
            raise ToolRefusedError(
                f"Result {result.id} has no rows.", fix="Make metrics of results that have some."
            )
        _check_said(f"{arguments.name}. {arguments.description}", [result], analysis)
        metric = Metric(
            id=analysis.next_id("m", analysis.metrics),
            name=arguments.name,
            description=arguments.description,
            time_frame=arguments.time_frame,
            source=result.source,
            sql=result.sql,
            evidence=result.id,
            value=excerpt(result.result.rows[-1][at]),
            format=arguments.format,
            unit=arguments.unit,
        )
        analysis.metrics.append(metric)
        return Answer(f"Metric {metric.id}: {metric.value}.", None, metric.name)


class ChartArguments(ChartRequest):
    result: Annotated[str, Field(description="The id of a result, such as r1.")]


class CreateChart(Tool[ChartArguments]):
    """Draw a result: bar, line, area, scatter or pie, by the names of its columns."""

    name = "create_chart"
    states = _ANALYZING
    arguments = ChartArguments

    async def run(self, arguments: ChartArguments, analysis: Analysis) -> Answer:
        """Keep the specification, with the data of the result."""
        result = result_of(arguments.result, analysis)
        _check_said(arguments.title, [result], analysis)
        chart = build(arguments, result, id=analysis.next_id("c", analysis.charts))
        analysis.charts.append(chart)
        return Answer(f"Chart {chart.id}.", None, chart.title)


class DashboardArguments(Arguments):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    rows: Annotated[
        list[list[str]],
        Field(min_length=1, max_length=12, description="Ids of metrics and charts, 1 to 4 a row."),
    ]
    description: str = ""


class CreateDashboard(Tool[DashboardArguments]):
    """Put metrics and charts together under a name, in rows."""

    name = "create_dashboard"
    states = _ANALYZING
    arguments = DashboardArguments

    async def run(self, arguments: DashboardArguments, analysis: Analysis) -> Answer:
        """Keep it, if all that it shows exists."""
        there = [metric.id for metric in analysis.metrics]
        there += [chart.id for chart in analysis.charts]
        shown_ids = [id_ for row in arguments.rows for id_ in row]
        missing = [id_ for id_ in shown_ids if id_ not in there]
        if missing:
            raise ToolRefusedError(
                f"There is no {missing[0]!r}.", fix=f"There are: {', '.join(there) or 'none yet'}."
            )
        if any(not 1 <= len(row) <= 4 for row in arguments.rows):
            raise ToolRefusedError("A row has 1 to 4 of them.", fix="Break longer rows.")
        results = list(analysis.desk.results.values())
        _check_said(f"{arguments.name}. {arguments.description}", results, analysis)
        dashboard = Dashboard(
            id=analysis.next_id("d", analysis.dashboards),
            name=arguments.name,
            description=arguments.description,
            rows=arguments.rows,
        )
        analysis.dashboards.append(dashboard)
        return Answer(f"Dashboard {dashboard.id}.", None, dashboard.name)


def result_of(id_: str, analysis: Analysis) -> ResultSet:
    """The result of this id. Raises ToolRefusedError."""
    found = analysis.desk.results.get(id_)
    if found is None:
        known = ", ".join(analysis.desk.results) or "none yet"
        raise ToolRefusedError(f"There is no result {id_!r}.", fix=f"There are: {known}.")
    return found


def _check_said(text: str, results: Sequence[ResultSet], analysis: Analysis) -> None:
    """Names and titles are read like findings: a number that the results do not show is refused."""
    verdicts = review_text(text, [], results, question=analysis.question)
    missing = [
        verdict.mention.text
        for verdict in verdicts
        if not verdict.supported and verdict.mention.kind in _NUMBERS and not verdict.mention.weak
    ]
    if missing:
        raise ToolRefusedError(
            f"The result does not show {', '.join(missing)}.",
            fix="Leave numbers out of names, titles and descriptions.",
        )


def _column(name: str, result: ResultSet) -> int:
    names = [column.lower() for column in result.columns]
    if name.lower() not in names:
        raise ToolRefusedError(
            f"Result {result.id} has no column {name!r}.",
            fix=f"It has: {', '.join(result.columns)}.",
        )
    return names.index(name.lower())
