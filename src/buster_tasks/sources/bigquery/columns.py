"""Columns, with the fields within them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.bigquery.column_types import element_of, normalized, sizes
from buster_tasks.sources.bigquery.reading import Reading, Row, place_of
from buster_tasks.sources.bigquery.shards import Place
from buster_tasks.sources.schema import Column, NestedField, of_catalog

Spot = tuple[Place, str]
"""A column of a table."""


def columns(reading: Reading, primary: set[Spot], foreign: set[Spot]) -> list[Column]:
    """The columns of all that is told, without those that BigQuery makes up itself."""
    paths: dict[Spot, list[Row]] = defaultdict(list)
    for row in reading.fields:
        paths[place_of(row), row["column_name"]].append(row)
    made: list[Column] = []
    for row in reading.in_order():
        if not _is_made_up(row):
            spot = place_of(row), row["column_name"]
            known = _column(reading, row, paths.get(spot, []))
            if reading.kind(spot[0]) != "VIEW":
                known["is_primary_key"] = spot in primary
                known["is_foreign_key"] = spot in foreign
            made.append(of_catalog(Column, known))
    return made


def partition_and_clustering(reading: Reading) -> tuple[dict[Place, list[str]], ...]:
    """The columns that rows are put into partitions by, and those they are sorted by, of each table."""
    partition: dict[Place, list[str]] = defaultdict(list)
    clustering: dict[Place, list[tuple[int, str]]] = defaultdict(list)
    for row in reading.in_order():
        if row.get("is_partitioning_column") == "YES":
            partition[place_of(row)].append(row["column_name"])
        if row.get("clustering_ordinal_position") is not None:
            at = int(row["clustering_ordinal_position"])
            clustering[place_of(row)].append((at, row["column_name"]))
    return partition, {
        place: [name for _at, name in sorted(names)] for place, names in clustering.items()
    }


def _is_made_up(row: Row) -> bool:
    """Such as _PARTITIONTIME, which has no position."""
    return row["ordinal_position"] is None or row.get("is_system_defined") == "YES"


def _column(reading: Reading, row: Row, paths: list[Row]) -> dict[str, Any]:
    place, name, data_type = place_of(row), row["column_name"], row["data_type"]
    own = [path for path in paths if path["field_path"] == name]
    generated = row.get("generation_expression") if row.get("is_generated") != "NEVER" else None
    schema, table = reading.name_of(place)
    return {
        "name": name,
        "table": table,
        "schema_name": schema,
        "database": reading.project,
        "position": row["ordinal_position"],
        "data_type": data_type,
        "normalized_type": normalized(data_type),
        "is_nullable": row["is_nullable"] == "YES",
        "default_value": _or_none(row.get("column_default")),
        "generated_expression": generated,
        "generated_kind": _generated_kind(row) if generated else None,
        "comment": (own[0]["description"] or None) if own else None,
        "fields": fields(name, data_type, [path for path in paths if path["field_path"] != name]),
        "metadata": _metadata(row),
        **sizes(data_type),
    }


def _generated_kind(row: Row) -> str:
    return "stored" if row.get("is_stored") == "YES" else "virtual"


def _or_none(text: str | None) -> str | None:
    """BigQuery writes the word NULL where there is none."""
    return None if text in (None, "", "NULL") else text


def _metadata(row: Row) -> dict[str, JsonValue]:
    given: Sequence[object] = row.get("policy_tags") or ()
    tags: list[JsonValue] = [str(tag) for tag in given]
    known: dict[str, JsonValue] = {
        "collation": _or_none(row.get("collation_name")),
        "roundingMode": _or_none(row.get("rounding_mode")),
        "policyTags": tags or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def fields(column: str, data_type: str, paths: Iterable[Row]) -> list[NestedField] | None:
    """What is within a column: the service's paths as a tree, with the elements of arrays, which it does not list."""
    below: dict[str, list[Row]] = defaultdict(list)
    for row in paths:
        below[row["field_path"].rpartition(".")[0]].append(row)
    return _within(column, data_type, below)


def _within(path: str, data_type: str, below: dict[str, list[Row]]) -> list[NestedField] | None:
    inner = element_of(data_type)
    if inner is not None:
        return [_field("element", inner, _within(path, inner, below))]
    found = [
        _field(
            row["field_path"].rpartition(".")[2],
            row["data_type"],
            _within(row["field_path"], row["data_type"], below),
            row["description"] or None,
        )
        for row in below.get(path, ())
    ]
    return found or None


def _field(
    name: str, data_type: str, fields: list[NestedField] | None, comment: str | None = None
) -> NestedField:
    known = {
        "name": name,
        "data_type": data_type,
        "normalized_type": normalized(data_type),
        "comment": comment,
        "fields": fields,
    }
    return of_catalog(NestedField, known)
