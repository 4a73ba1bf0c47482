"""The model itself: which tools it calls in each state, told from the messages alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, cast

from buster_tasks.analyst.offline.draft import Draft
from buster_tasks.analyst.offline.intent import stems
from buster_tasks.analyst.offline.linking import Linker
from buster_tasks.analyst.offline.matching import GOOD
from buster_tasks.analyst.offline.measuring import SURELY_MONEY
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.spelling import Spelling
from buster_tasks.analyst.offline.talk import Talk, result_number
from buster_tasks.analyst.offline.telling import Telling
from buster_tasks.analyst.offline.values import Found
from buster_tasks.analyst.offline.words import best, words as listed
from buster_tasks.language_model import (
    NOTHING_USED,
    ModelReply,
    ModelRequest,
    TextListener,
    ToolCall,
    Usage,
    no_listener,
)

_TARGET: Final = re.compile(r"\) -> (.+) \(")
_MONEY_TABLES: Final = "orders order items sales payments invoices total amount unit price quantity"
_BEGINS: Final = "Names of tables may begin with "
_MOST_SPOKEN_OF: Final = 8
_AT_ONCE: Final = 8
_MOST_TABLES: Final = 40
_MOST_LOOKED_UP: Final = 4
_MOST_LOOKED_INTO: Final = 4
_CANNOT: Final = (
    "The offline model cannot map this question to the tables: it only matches words of the question with names and "
    "values, for questions such as 'revenue by month', 'top products by quantity' or 'how many customers per "
    "country'. Choose a language model for more."
)


_NO_VALUES: Final = listed(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec id ids q1 q2 q3 q4 i usd eur return show list"
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
        return [ToolCall.of("search_schema", text=_search_text(talk.question), limit=50)]
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
    look_ups = _look_ups(talk)
    if look_ups:
        return look_ups
    found = _found(talk)
    draft = _linked(talk, found)
    if draft is None or draft.doubts:
        refused = any(call.is_refused for call in talk.calls_of("answer_without_data"))
        return [ToolCall.of("answer_without_data", text=_CANNOT if refused else _cannot(draft))]
    notes = [f"{one.text!r} stands in {one.column.table}.{one.column.name}" for one in found]
    noise = sorted(_schema(talk).noise)
    notes += [f"{_BEGINS}{', '.join(noise)}"] if noise else []
    places = _schema(talk).tables
    read = [
        *draft.tables,
        *([draft.absent.table] if draft.absent is not None else []),
        *_spoken_of(talk),
    ]
    tables = [
        {"table": places[name].place, "source": _source(talk)} for name in dict.fromkeys(read)
    ]
    return [ToolCall.of("submit_context", tables=tables, notes=notes)]


def _spoken_of(talk: Talk) -> list[str]:
    """The tables that the question names, whether they are read or not: the reading afterwards is to be the same."""
    words = stems(talk.question)
    named = [
        table.name
        for table in _schema(talk).tables.values()
        if any(best(word, words) >= GOOD for word in table.words)
    ]
    return named[:_MOST_SPOKEN_OF]


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
    for source, name in _led_to(talk):
        names = wanted.setdefault(source, [])
        if name not in names and len(names) < _MOST_TABLES:
            names.append(name)
    return wanted


def _led_to(talk: Talk) -> list[tuple[str, str]]:
    """The tables that those which were found refer to, where only some of all are known."""
    found: list[tuple[str, str]] = []
    for one in talk.described:
        source = str(one.get("source") or _source(talk))
        schema = str(one["table"]).split(".")[-2:-1]
        for reference in one.get("references", ()) if source not in talk.tables else ():
            target = _TARGET.search(str(reference))
            if target is not None:
                found.append((source, ".".join([*schema, target[1]])))
    return found


def _search_text(question: str) -> str:
    """The question; where it is about money, with what tables of money are called."""
    return f"{question} {_MONEY_TABLES}" if set(stems(question)) & SURELY_MONEY else question


def _look_ups(talk: Talk) -> list[ToolCall]:
    """Searches for words that may be values, in the tables that the best reading leads to; asked once."""
    if talk.calls_of("search_values"):
        return []
    linker = Linker(talk.question, _schema(talk))
    draft = linker.draft()
    texts = [
        *_quoted(linker),
        *_capitals(talk.question),
        *([] if draft is None else draft.unexplained),
    ]
    known = {one.text.lower() for one in linker.values}
    wanted = [
        text for text in dict.fromkeys(texts) if not any(text.lower() in one for one in known)
    ]
    places = _schema(talk).tables
    near = (
        _spoken_of(talk)
        if draft is None
        else sorted(draft.ways, key=lambda name: len(draft.ways[name]))
    )
    if draft is not None and draft.absent is not None:
        near = [draft.absent.table, *near]
    return [
        ToolCall.of("search_values", text=text, table=places[name].place, source=_source(talk))
        for text in wanted[:_MOST_LOOKED_UP]
        for name in near[:_MOST_LOOKED_INTO]
    ]


def _quoted(linker: Linker) -> list[str]:
    return [one.text for one in linker.intent.mentions if one.is_quoted and one.manner == "equal"]


def _capitals(question: str) -> list[str]:
    """Runs of words with capitals behind the first word, which are names, it may be."""
    found = re.findall(
        r"(?<!^)(?<![.?!] )\b[A-Z][\w&'-]*(?: (?:of |the |and |de )?[A-Z][\w&'-]*)*",
        question.partition("\n")[0],
    )
    return [text for text in found if not set(text.lower().split()) & _NO_VALUES]


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
    draft = _linked(talk, _noted(talk))
    assumptions = [] if draft is None else draft.assumptions
    steps = [talk.question.partition("\n")[0]]
    return ToolCall.of("submit_plan", steps=steps, assumptions=assumptions)


def _analyzing(talk: Talk) -> list[ToolCall]:
    draft = _linked(talk, _noted(talk))
    runs = talk.calls_of("run_sql")
    if draft is None or draft.doubts:
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
    told = cast("dict[str, list[Any]]", runs[-1].data or {})
    columns = [str(name) for name in told.get("columns", [])]
    cells = told.get("rows", [])
    telling = Telling(draft, _schema(talk), id_, columns, cells, rows)
    charts = telling.charts(talk.question)
    if charts and not talk.calls_of(charts[0].name):
        return charts
    refused = any(call.is_refused for call in talk.calls_of("submit_findings"))
    said = telling.plain() if refused else telling.findings()
    return [ToolCall.of("submit_findings", **said)]


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


def _linked(talk: Talk, found: Sequence[Found]) -> Draft | None:
    return Linker(talk.question, _schema(talk), found).draft()


def _cannot(draft: Draft | None) -> str:
    """That it cannot be answered here, and why."""
    return _CANNOT if draft is None else f"{_CANNOT} {draft.doubts[0]}"


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
    begins = [
        note.removeprefix(_BEGINS).split(", ") for note in talk.notes if note.startswith(_BEGINS)
    ]
    return Schema.of(described, begins[0] if begins else (), stems(talk.question))
