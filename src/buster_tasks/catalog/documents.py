"""What the search knows of an introspection: a row for each table, view and column."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from pydantic_core import to_json

from buster_tasks.catalog.words import indexed_name, indexed_text, indexed_words
from buster_tasks.sources.nested_fields import field_paths
from buster_tasks.sources.schema import Column, Introspection, Table, View
from buster_tasks.sources.serialization import list_chunks

_SAMPLES = 20
_SAMPLE_LENGTH = 100
_COMMENT_LENGTH = 2_000
_RELATED = 200

_SEARCHED = frozenset(
    (
        *("database", "schema_name", "table", "name", "comment", "data_type", "fields"),
        *("sample_values", "top_values", "semantic_type"),
    )
)
# to be changed when documents of the same objects become others, so that they are written anew
_MADE = b"4"

_Place = tuple[str, str, str]


class Document(NamedTuple):
    """A row of the index: `name` to `sample` are words, `object` is what a hit tells, as JSON."""

    name: str
    related: str
    place: str
    comment: str
    sample: str
    object: str


def searched_digest(found: Introspection) -> str:
    """A digest of what the documents are made of. Raises ValueError for text that is no Unicode."""
    digest = hashlib.sha256(_MADE)
    for name in ("tables", "views", "columns"):
        kind: Any = Introspection.model_fields[name].annotation
        for piece in list_chunks(kind, getattr(found, name), only=_SEARCHED):
            digest.update(piece)
    return digest.hexdigest()


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
        _json([kind, of.database, of.schema_name, of.name, of.name, None, of.comment]),
    )


def _of_column(of: Column) -> Document:
    place = [of.database, of.schema_name, of.table, of.name]
    return Document(
        indexed_name(of.name),
        _related(of),
        _place(of.database, of.schema_name),
        indexed_text(of.comment[:_COMMENT_LENGTH]) if of.comment else "",
        _values(of),
        _json(["column", *place, of.data_type, of.comment]),
    )


def _related(of: Column) -> str:
    """The words of the column's table, and of the fields within the column."""
    if of.fields is None:
        return indexed_words(of.table)
    names = (path.rpartition(".")[2] for path in islice(field_paths(of), _RELATED))
    return " ".join(map(indexed_words, (of.table, *names)))


def _place(database: str, schema: str) -> str:
    return f"{indexed_words(database)} {indexed_words(schema)}"


def _values(of: Column) -> str:
    """What the column seems to hold, and values of it: first those that are there most often."""
    if of.semantic_type is None and not of.top_values and not of.sample_values:
        return ""
    values = [one.value for one in of.top_values or ()]
    values += [value for value in of.sample_values or () if value not in values]
    texts = (value if isinstance(value, str) else json.dumps(value) for value in values[:_SAMPLES])
    words = [(of.semantic_type or "").replace("_", " "), *(text[:_SAMPLE_LENGTH] for text in texts)]
    return indexed_text(" ".join(words).strip())


def _json(values: Sequence[str | None]) -> str:
    return to_json(values).decode()
