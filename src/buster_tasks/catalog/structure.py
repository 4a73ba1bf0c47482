"""What an introspection says of a source's structure: objects by their place, without what merely grows.

Rows, sizes, dates and statistics are no structure. Nor is a column's position: whoever adds one in the middle has not
changed all those behind it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from pydantic import JsonValue

from buster_tasks.sources.schema import (
    Column,
    Database,
    ForeignKey,
    Index,
    Introspection,
    PrimaryKey,
    Schema,
    SchemaModel,
    Table,
    UniqueKey,
    View,
)

ObjectKind = Literal[
    "database", "schema", "table", "view", "column", "primary_key", "unique_key", "foreign_key", "index"
]  # fmt: skip

STRUCTURE: Final[Mapping[type[SchemaModel], tuple[str, ...]]] = {
    Database: ("owner", "comment"),
    Schema: ("owner", "comment", "metadata"),
    Table: ("type", "owner", "comment", "clustering_keys", "partition_keys", "metadata"),
    View: ("definition", "is_materialized", "owner", "comment", "metadata"),
    Column: (
        "data_type", "normalized_type", "is_nullable", "default_value", "identity", "generated_expression",
        "generated_kind", "max_length", "precision", "scale", "fields", "comment", "metadata",
    ),
    PrimaryKey: ("name", "columns", "metadata"),
    UniqueKey: ("columns", "metadata"),
    ForeignKey: (
        "source_columns", "referenced_database", "referenced_schema", "referenced_table", "referenced_columns",
        "on_update", "on_delete", "metadata",
    ),
    Index: ("type", "columns", "parts", "is_unique", "is_primary_key", "predicate", "metadata"),
}  # fmt: skip
"""The fields of each kind of object that are its structure, beside those that say which object it is."""

_GROWING = frozenset({"nextAutoIncrement", "readable", "serverVersion"})
"""Parts of `metadata` that change without anybody changing the structure."""

_SCALARS = (str, int, bool, float, type(None))


class Place(NamedTuple):
    """Which object it is. `table` is empty for databases and schemas; `number` parts those that share all else."""

    kind: ObjectKind
    database: str
    schema: str = ""
    table: str = ""
    name: str = ""
    number: int = 0


Structure = Mapping[Place, Mapping[str, JsonValue]]


def structure_of(found: Introspection) -> Structure:
    """The objects of an introspection with their structure, whatever order they came in."""
    sharing: defaultdict[Place, list[dict[str, JsonValue]]] = defaultdict(list)
    for place, model in _placed(found):
        sharing[place].append(_fields(model))
    structure: dict[Place, Mapping[str, JsonValue]] = {}
    for place, states in sharing.items():
        if len(states) > 1:
            states.sort(key=lambda state: json.dumps(state, sort_keys=True, default=str))
        for number, state in enumerate(states):
            structure[place._replace(number=number) if number else place] = state
    return structure


def _placed(found: Introspection) -> Iterator[tuple[Place, SchemaModel]]:
    for database in found.databases:
        yield Place("database", database.name, name=database.name), database
    for schema in found.schemas:
        yield Place("schema", schema.database, schema.name, name=schema.name), schema
    for table in found.tables:
        yield Place("table", table.database, table.schema_name, table.name, table.name), table
    for view in found.views:
        yield Place("view", view.database, view.schema_name, view.name, view.name), view
    for column in found.columns:
        yield _within("column", column, column.name), column
    yield from _keys(found)
    for index in found.indexes:
        yield _within("index", index, index.name), index


def _keys(found: Introspection) -> Iterator[tuple[Place, SchemaModel]]:
    for primary in found.primary_keys:
        yield _within("primary_key", primary, ""), primary  # a table has one, whatever its name
    for unique in found.unique_keys:
        yield _within("unique_key", unique, unique.name or _listed(unique.columns)), unique
    for key in found.foreign_keys:
        target = f"{key.referenced_schema}.{key.referenced_table} {_listed(key.referenced_columns)}"
        name = key.name or f"{_listed(key.source_columns)} -> {target}"
        place = (key.source_database, key.source_schema, key.source_table, name)
        yield Place("foreign_key", *place), key


def _within(kind: ObjectKind, of: Column | PrimaryKey | UniqueKey | Index, name: str) -> Place:
    return Place(kind, of.database, of.schema_name, of.table, name)


def _listed(columns: Iterable[str]) -> str:
    return f"({', '.join(columns)})"


def _fields(model: SchemaModel) -> dict[str, JsonValue]:
    known = model.__dict__
    return {
        name: value if type(value := known[name]) in _SCALARS else _plain(value)
        for name in STRUCTURE[type(model)]
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it, without the parts of `metadata` that grow."""
    if isinstance(value, SchemaModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {
            name: _plain(part)
            for name, part in value.items()  # pyright: ignore[reportUnknownVariableType]  # any JSON
            if name not in _GROWING
        }
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]  # pyright: ignore[reportUnknownVariableType]  # any JSON
    return value
