"""The model itself: which tools it calls in each state, told from the messages alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from buster_tasks.analyst.offline.draft import Draft
from buster_tasks.analyst.offline.intent import Intent, read
from buster_tasks.analyst.offline.linking import Found, Linker
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.spelling import Spelling
from buster_tasks.analyst.offline.talk import Talk, result_number
from buster_tasks.analyst.offline.telling import charts_of, findings_of
from buster_tasks.analyst.offline.words import words as listed
from buster_tasks.language_model import (
    NOTHING_USED,
    ModelReply,
    ModelRequest,
    TextListener,
    ToolCall,
    Usage,
    no_listener,
)

_AT_ONCE: Final = 8
_MOST_TABLES: Final = 40
_MOST_LOOKED_UP: Final = 3
_WORST: Final = 0.75
_CANNOT: Final = (
    "The offline model cannot map this question to the tables: it only matches words of the question with names and "
    "values, for questions such as 'revenue by month', 'top 5 products by quantity' or 'how many customers per "
    "country'. Choose a language model for more."
)


class OfflineModel:
    """A `LanguageModel` that matches words with a schema: no provider, no tokens, and the same answer again.

    It keeps nothing between calls: all that it knows stands in the messages.
    """

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        """The next calls of tools."""
        talk = Talk.of(request)
        calls = [
            call.model_copy(update={"id": f"offline-{len(request.messages)}-{at}"})
            for at, call in enumerate(_calls(talk))
        ]
        return ModelReply(
            tool_calls=tuple(calls), finish_reason="tool_calls", usage=NOTHING_USED, model="offline"
        )

    async def estimate(self, request: ModelRequest) -> Usage:
        """Nothing."""
        return NOTHING_USED


def _calls(talk: Talk) -> list[ToolCall]:
    if "submit_review" in talk.tools:
        return [ToolCall.of("submit_review")]
    if "submit_context" in talk.tools:
        return _searching(talk)
    if "submit_plan" in talk.tools:
        return [_planned(talk)]
    return _analyzing(talk)


# --- searching ------------------------------------------------------------------------------------


def _searching(talk: Talk) -> list[ToolCall]:
    if not talk.done:
        return [ToolCall.of("search_schema", text=talk.question, limit=50)]
    wanted = _wanted(talk)
    asked = {name for call in talk.calls_of("describe_table") for name in call.arguments["tables"]}
    missing = {
        source: [name for name in names if name not in asked] for source, names in wanted.items()
    }
    calls = [
        ToolCall.of("describe_table", tables=names[at : at + _AT_ONCE], source=source)
        for source, names in missing.items()
        for at in range(0, len(names), _AT_ONCE)
    ]
    if calls and len(talk.calls_of("describe_table")) < _MOST_TABLES // _AT_ONCE + 2:
        return calls
    intent = read(talk.question)
    looked_up = {call.arguments.get("text") for call in talk.calls_of("search_values")}
    values = [text for text in _unknown_values(talk, intent) if text not in looked_up]
    source = _source(talk)
    if values and not looked_up:
        return [
            ToolCall.of("search_values", text=text, source=source)
            for text in values[:_MOST_LOOKED_UP]
        ]
    found = _found(talk)
    draft = _draft(talk, intent, found)
    if draft is None:
        return [ToolCall.of("answer_without_data", text=_CANNOT)]
    notes = [f"{one.text!r} stands in {one.column.table}.{one.column.name}" for one in found]
    places = _schema(talk).tables
    tables = [{"table": places[name].place, "source": source} for name in draft.tables]
    return [ToolCall.of("submit_context", tables=tables, notes=notes)]


def _wanted(talk: Talk) -> dict[str, list[str]]:
    """The tables to look at: all of a small source, else those that the search has found, and their neighbours."""
    wanted: dict[str, list[str]] = {
        source: names[:_MOST_TABLES] for source, names in talk.tables.items()
    }
    for call in talk.calls_of("search_schema"):
        for hit in call.data or ():
            names = wanted.setdefault(str(hit["source"]), [])
            if hit["table"] not in names and len(names) < _MOST_TABLES // 2:
                names.append(str(hit["table"]))
    return wanted


def _unknown_values(talk: Talk, intent: Intent) -> list[str]:
    """Quoted texts and capitalised words that no example holds: values, it may be, that have to be looked up."""
    known = {one.text.lower() for one in Linker(intent, _schema(talk)).values}
    words = talk.question.replace("?", " ").replace(",", " ").replace(".", " ").split()
    capitals = [word for word in words[1:] if word[:1].isupper() and word.lower() not in _NO_VALUES]
    texts = [*intent.quoted, *capitals]
    schema = {word for table in _schema(talk).tables.values() for word in table.words}
    return [
        text
        for text in dict.fromkeys(texts)
        if not any(text.lower() in one for one in known) and text.lower() not in schema
    ]


_NO_VALUES: Final = listed(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec id ids q1 q2 q3 q4 i usd eur return show list"
)


def _found(talk: Talk) -> list[Found]:
    """The values that were looked up, where a column holds exactly them."""
    schema = _schema(talk)
    found: list[Found] = []
    for call in talk.calls_of("search_values"):
        text = str(call.arguments.get("text", ""))
        for hit in call.data or ():
            table = schema.tables.get(str(hit["table"]))
            column = None if table is None else table.columns.get(str(hit["column"]))
            same = [value for value in hit["values"] if str(value).lower() == text.lower()]
            if column is not None and same:
                found.append(Found(str(same[0]), column))
    return found


# --- planning and analyzing -------------------------------------------------------------------------


def _planned(talk: Talk) -> ToolCall:
    draft = _draft(talk, read(talk.question), _noted(talk))
    assumptions = [] if draft is None else draft.assumptions
    return ToolCall.of("submit_plan", steps=[talk.question], assumptions=assumptions)


def _analyzing(talk: Talk) -> list[ToolCall]:
    draft = _draft(talk, read(talk.question), _noted(talk))
    runs = talk.calls_of("run_sql")
    if draft is None:
        return [_nothing()]
    if not runs:
        source = _source(talk)
        schema = _schema(talk)
        sql = Spelling(talk.kinds.get(source, "sqlite"), schema).sql(draft)
        return [ToolCall.of("run_sql", sql=sql, purpose=talk.question[:200], source=source)]
    result = result_number(runs[-1])
    if result is None:
        return [_nothing()]
    id_, rows = result
    columns = [str(name) for name in (runs[-1].data or {}).get("columns", ())]
    cells = (runs[-1].data or {}).get("rows", ())
    if not talk.calls_of("create_chart"):
        charts = charts_of(draft, id_, columns, cells, talk.question)
        if charts:
            return charts
    return [ToolCall.of("submit_findings", **findings_of(draft, id_, columns, cells, rows))]


def _nothing() -> ToolCall:
    return ToolCall.of("submit_findings", findings=[{"claim": _CANNOT, "values": []}])


def _noted(talk: Talk) -> list[Found]:
    """The values that the notes of the search tell of."""
    schema = _schema(talk)
    found: list[Found] = []
    for note in talk.notes:
        text, stands, place = note.rpartition(" stands in ")
        table, _, column = place.rpartition(".")
        if stands and table in schema.tables and column in schema.tables[table].columns:
            found.append(Found(text[1:-1], schema.tables[table].columns[column]))
    return found


def _draft(talk: Talk, intent: Intent, found: Sequence[Found]) -> Draft | None:
    draft = Linker(intent, _schema(talk), found).draft()
    return draft if draft is not None and draft.score >= _WORST else None


def _source(talk: Talk) -> str:
    """The source that the tables are of: of several the one with the most that were found."""
    names: list[str] = [str(one.get("source") or "") for one in talk.described]
    named = [name for name in names if name in talk.kinds]
    if named:
        return max(dict.fromkeys(named), key=named.count)
    return next(iter(talk.kinds), "")


def _schema(talk: Talk) -> Schema:
    source = _source(talk)
    described: list[dict[str, Any]] = [
        one for one in talk.described if (one.get("source") or source) == source
    ]
    return Schema.of(described)
