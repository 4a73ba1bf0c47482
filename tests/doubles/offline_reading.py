"""Small databases with questions, and the offline model's reading of a question without the rest of an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from buster_tasks.analyst.known_tables import KnownTables
from buster_tasks.analyst.offline.draft import Draft
from buster_tasks.analyst.offline.intent import stems
from buster_tasks.analyst.offline.linking import Linker
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.spelling import Spelling
from buster_tasks.sources.base import DataSource

SETS = Path(__file__).with_name("question_sets")

Described = list[dict[str, Any]]


async def described(source: DataSource) -> Described:
    """The tables of a source, as the tool tells them to a model."""
    found = await source.introspect(statistics="sample", time_limit=60.0)
    known = KnownTables(found)
    return [{"source": "x", **known.described(place)} for place in known.places]


def schema_of(tables: Sequence[Mapping[str, Any]], question: str = "") -> Schema:
    """The schema as it is read for a question."""
    return Schema.of(tables, (), stems(question))


def drafted(question: str, tables: Sequence[Mapping[str, Any]]) -> Draft | None:
    """The reading of a question, None where there is none that the model would answer."""
    draft = Linker(question, schema_of(tables, question)).draft()
    return None if draft is None or draft.doubts else draft


def spelt(question: str, tables: Sequence[Mapping[str, Any]], kind: str) -> str | None:
    """The statement for a question; None where it is refused."""
    draft = drafted(question, tables)
    return None if draft is None else Spelling(kind, schema_of(tables, question)).sql(draft)


def table(name: str, columns: Mapping[str, str], *, key: str = "", **more: Any) -> dict[str, Any]:
    """A table as the tool tells it, of column names and types; `examples` are given by column."""
    examples: Mapping[str, Sequence[object]] = more.pop("examples", {})
    told: dict[str, Any] = {
        "source": "x",
        "table": f"main.{name}",
        "rows": "100",
        "columns": [
            {
                "name": one,
                "type": kind,
                "examples": list(examples[one]),
                "distinct": len(examples[one]),
            }
            if one in examples
            else {"name": one, "type": kind}
            for one, kind in columns.items()
        ],
    }
    if key:
        told["primary_key"] = [key]
    return {**told, **more}
