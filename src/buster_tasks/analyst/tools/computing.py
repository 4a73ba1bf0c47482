"""Tools that run statements and look at rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.evidence import ResultSet, shown
from buster_tasks.analyst.state import State
from buster_tasks.analyst.tools.base import Answer, Arguments, Tool

_PREVIEW_ROWS = 10


class SqlArguments(Arguments):
    sql: Annotated[str, Field(description="One SELECT in the dialect of the data source.")]
    purpose: Annotated[str, Field(description="What it is to tell, in a few words.")] = ""
    source: Annotated[str | None, Field(description="Needed where there are several.")] = None


class RunSql(Tool[SqlArguments]):
    """Run one statement that only reads. The result gets an id, r1, r2 and so on, by which values name its cells."""

    name = "run_sql"
    states = frozenset({State.ANALYZING, State.REVIEWING})
    arguments = SqlArguments

    async def run(self, arguments: SqlArguments, analysis: Analysis) -> Answer:
        """The rows, as many as a model is shown, and whether there were more."""
        result = await analysis.desk.run_sql(
            arguments.source, arguments.sql, purpose=arguments.purpose
        )
        return told(result, analysis)


class PreviewArguments(Arguments):
    table: str
    source: str | None = None


class PreviewTable(Tool[PreviewArguments]):
    """The first rows of a table, to see what its values look like."""

    name = "preview_table"
    states = frozenset({State.SEARCHING, State.PLANNING, State.ANALYZING})
    arguments = PreviewArguments

    async def run(self, arguments: PreviewArguments, analysis: Analysis) -> Answer:
        """A few rows, which are no evidence."""
        known = analysis.desk.known(arguments.source)
        place = known.tables.find(arguments.table)
        names = ", ".join(known.source.quote(one.name) for one in known.tables.columns(place)[:40])
        where = known.source.qualified(*place)
        most = f"TOP {_PREVIEW_ROWS} " if known.dialect == "sqlserver" else ""
        end = "" if most else f" LIMIT {_PREVIEW_ROWS}"
        sql = f"SELECT {most}{names or '*'} FROM {where}{end}"  # noqa: S608 - names, each quoted
        result = await analysis.desk.peek(known.name, sql)
        rows: list[JsonValue] = [[shown(cell) for cell in row] for row in result.rows]
        columns: list[JsonValue] = [column.name for column in result.columns]
        return Answer("", {"columns": columns, "rows": rows}, f"{len(rows)} rows of {place[2]}")


def told(result: ResultSet, analysis: Analysis) -> Answer:
    """A result as a model is shown it."""
    limits, found = analysis.limits, result.result
    rows: list[JsonValue] = [
        [shown(cell) for cell in row] for row in found.rows[: limits.model_rows]
    ]
    columns: list[JsonValue] = list(result.columns)
    said = f"Result {result.id}: {found.row_count} rows"
    if found.truncated:
        said += f", cut off at {limits.rows}: there are more, so totals over them are wrong"
    if len(rows) < found.row_count:
        said += f", of which the first {len(rows)} are shown"
    if not found.rows:
        said += ". Look at filters, spellings and joins before you conclude that there is nothing"
    return Answer(
        f"{said}.", {"columns": columns, "rows": rows}, f"{result.id}: {found.row_count} rows"
    )
