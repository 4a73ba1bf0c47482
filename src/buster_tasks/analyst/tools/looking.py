"""Tools that look into the catalog and for values: what there is, before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import anyio
from pydantic import Field, JsonValue

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.evidence import shown
from buster_tasks.analyst.state import State
from buster_tasks.analyst.statements import containing
from buster_tasks.analyst.tools.base import Answer, Arguments, Tool

if TYPE_CHECKING:
    from buster_tasks.catalog import SearchHit

_LOOKING = frozenset({State.SEARCHING, State.PLANNING, State.ANALYZING})
_MOST_PROBES = 6
_MOST_VALUES = 20
_PROBE_SECONDS = 10.0


class SearchArguments(Arguments):
    text: Annotated[str, Field(description="Words that names, comments or values may hold.")]
    source: Annotated[str | None, Field(description="One data source; all if left out.")] = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class SearchSchema(Tool[SearchArguments]):
    """Find tables and columns by words of the question, over names, comments and sample values."""

    name = "search_schema"
    states = _LOOKING
    arguments = SearchArguments

    async def run(self, arguments: SearchArguments, analysis: Analysis) -> Answer:
        """The best hits, as places."""
        hits = await analysis.desk.search(
            arguments.text, source=arguments.source, limit=arguments.limit
        )
        if not hits:
            return Answer(
                "Nothing fits these words. Try others, or list_tables.", [], "nothing found"
            )
        return Answer(f"{len(hits)} fit.", [_hit(hit) for hit in hits], f"{len(hits)} found")


class ListArguments(Arguments):
    source: str | None = None
    after: Annotated[str, Field(description="The last name that was told, for the next ones.")] = ""


class ListTables(Tool[ListArguments]):
    """The names of the tables of a data source, 200 at a time."""

    name = "list_tables"
    states = _LOOKING
    arguments = ListArguments

    async def run(self, arguments: ListArguments, analysis: Analysis) -> Answer:
        """A page of names."""
        known = analysis.desk.known(arguments.source)
        names = sorted(".".join(place[1:]) for place in known.tables.places)
        page = [name for name in names if name > arguments.after][:200]
        more = len(names) > 0 and bool(page) and page[-1] != names[-1]
        said = f"{len(names)} tables and views in all."
        if more:
            said += f" For more, give after={page[-1]!r}."
        return Answer(said, list[JsonValue](page), f"{len(page)} names")


class DescribeArguments(Arguments):
    tables: Annotated[list[str], Field(min_length=1, max_length=8)]
    source: str | None = None


class DescribeTable(Tool[DescribeArguments]):
    """Columns, keys, comments, row counts and what is known of the values of some tables."""

    name = "describe_table"
    states = _LOOKING
    arguments = DescribeArguments

    async def run(self, arguments: DescribeArguments, analysis: Analysis) -> Answer:
        """Each table as the catalog knows it."""
        known = analysis.desk.known(arguments.source)
        places = [known.tables.find(name) for name in arguments.tables]
        data: list[JsonValue] = [known.tables.described(place) for place in places]
        return Answer("", data, ", ".join(place[2] for place in places))


class ValuesArguments(Arguments):
    text: Annotated[str, Field(min_length=1, description="A name, a code, a category.")]
    table: str | None = None
    column: str | None = None
    source: str | None = None


class SearchValues(Tool[ValuesArguments]):
    """Find where a value of the question stands, such as a name or a category, and how it is spelt there."""

    name = "search_values"
    states = _LOOKING
    arguments = ValuesArguments

    async def run(self, arguments: ValuesArguments, analysis: Analysis) -> Answer:
        """The values that hold the text, by column: asked of the most likely columns."""
        desk = analysis.desk
        known = desk.known(arguments.source)
        found: list[JsonValue] = []
        for place, column in await _candidates(arguments, analysis):
            sql = containing(
                known.source.qualified(*place),
                known.source.quote(column),
                arguments.text,
                known.dialect,
                most=_MOST_VALUES,
            )
            try:
                result = await desk.peek(known.name, sql, seconds=_PROBE_SECONDS)
            except ToolRefusedError:
                continue  # one column that cannot be asked says nothing of the others
            values: list[JsonValue] = [shown(row[0]) for row in result.rows if row[0] is not None]
            if values:
                found.append({"table": place[2], "column": column, "values": values})
        said = "" if found else "No column that was looked at holds it."
        return Answer(said, found, f"{len(found)} columns hold it")


async def _candidates(
    arguments: ValuesArguments, analysis: Analysis
) -> list[tuple[tuple[str, str, str], str]]:
    """Text columns to ask: those that were named, else those that the catalog thinks of, else of the chosen tables."""
    known = analysis.desk.known(arguments.source)
    if arguments.table is not None:
        places = [known.tables.find(arguments.table)]
    else:
        hits = await analysis.desk.search(arguments.text, source=known.name, limit=30)
        named = [hit for hit in hits if hit.kind == "column"]
        places = list(dict.fromkeys((hit.database, hit.schema, hit.table) for hit in named))
        places += [place for name, place in analysis.tables if name == known.name]
        places = list(dict.fromkeys(places)) or list(known.tables.places)[:10]
    await anyio.lowlevel.checkpoint()
    wanted = None if arguments.column is None else arguments.column.lower()
    found = [
        (place, column.name)
        for place in places
        for column in known.tables.columns(place)
        if (wanted is None and column.normalized_type == "text") or column.name.lower() == wanted
    ]
    return found[:_MOST_PROBES]


def _hit(hit: SearchHit) -> JsonValue:
    told: dict[str, JsonValue] = {
        "source": hit.data_source_name,
        "table": f"{hit.schema}.{hit.table}" if hit.schema else hit.table,
    }
    if hit.kind == "column":
        told["column"] = hit.name
        told["type"] = hit.data_type
    if hit.comment:
        told["comment"] = hit.comment
    return told
