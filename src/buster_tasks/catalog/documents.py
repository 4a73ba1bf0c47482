"""What the search knows of an introspection: a row for each table, view and column."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from buster_tasks.catalog.words import indexed_name, indexed_text, indexed_words
from buster_tasks.sources.schema import Column, Introspection, Table, View

_SAMPLES = 20
_SAMPLE_LENGTH = 100
_COMMENT_LENGTH = 2_000
_RELATED = 200

_Place = tuple[str, str, str]


class Document(NamedTuple):
    """A row of the index: `name` to `sample` are words, `object` is what a hit tells, as JSON."""

    name: str
    related: str
    place: str
    comment: str
    sample: str
    object: str


def documents_of(found: Introspection) -> Iterator[Document]:
    """Tables and views first: where a word meets too much to be ranked whole, they are not left out."""
    names: defaultdict[_Place, list[str]] = defaultdict(list)
    for column in found.columns:
        of_relation = names[column.database, column.schema_name, column.table]
        if len(of_relation) < _RELATED:
            of_relation.append(column.name)
    for table in found.tables:
        yield _of_relation("table", table, names)
    for view in found.views:
        yield _of_relation("view", view, names)
    for column in found.columns:
        yield _of_column(column)


def _of_relation(kind: str, of: Table | View, names: defaultdict[_Place, list[str]]) -> Document:
    columns = names.get((of.database, of.schema_name, of.name), [])
    return Document(
        indexed_name(of.name),
        " ".join(map(indexed_words, columns)),
        _place(of.database, of.schema_name),
        indexed_text(of.comment[:_COMMENT_LENGTH]) if of.comment else "",
        "",
        json.dumps([kind, of.database, of.schema_name, of.name, of.name, None, of.comment]),
    )


def _of_column(of: Column) -> Document:
    place = [of.database, of.schema_name, of.table, of.name]
    return Document(
        indexed_name(of.name),
        indexed_words(of.table),
        _place(of.database, of.schema_name),
        indexed_text(of.comment[:_COMMENT_LENGTH]) if of.comment else "",
        _samples(of.sample_values) if of.sample_values else "",
        json.dumps(["column", *place, of.data_type, of.comment]),
    )


def _place(database: str, schema: str) -> str:
    return f"{indexed_words(database)} {indexed_words(schema)}"


def _samples(values: Sequence[JsonValue]) -> str:
    texts = (value if isinstance(value, str) else json.dumps(value) for value in values[:_SAMPLES])
    return " ".join(indexed_text(text[:_SAMPLE_LENGTH]) for text in texts)
