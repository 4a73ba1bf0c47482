"""Columns, with the fields within them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.bigquery.column_types import normalized, sizes
from buster_tasks.sources.bigquery.reading import Reading, Row, place_of
from buster_tasks.sources.bigquery.shards import Place
from buster_tasks.sources.schema import Column, of_catalog

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
        "metadata": _metadata(row, [path for path in paths if path["field_path"] != name]),
        **sizes(data_type),
    }


def _generated_kind(row: Row) -> str:
    return "stored" if row.get("is_stored") == "YES" else "virtual"


def _or_none(text: str | None) -> str | None:
    """BigQuery writes the word NULL where there is none."""
    return None if text in (None, "", "NULL") else text


def _metadata(row: Row, paths: list[Row]) -> dict[str, JsonValue]:
    given: Sequence[object] = row.get("policy_tags") or ()
    tags: list[JsonValue] = [str(tag) for tag in given]
    known: dict[str, JsonValue] = {
        "collation": _or_none(row.get("collation_name")),
        "roundingMode": _or_none(row.get("rounding_mode")),
        "policyTags": tags or None,
        "fields": fields(row["column_name"], paths) or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def fields(column: str, paths: Iterable[Row]) -> list[JsonValue]:
    """The fields within a column as a tree, each with its whole path."""
    top: list[JsonValue] = []
    inside: dict[str, list[JsonValue]] = {column: top}
    for row in sorted(paths, key=lambda path: path["field_path"].count(".")):
        parent, _dot, name = row["field_path"].rpartition(".")
        known: dict[str, JsonValue] = {
            "name": name,
            "path": row["field_path"],
            "dataType": row["data_type"],
            "normalizedType": normalized(row["data_type"]),
        }
        if row["description"]:
            known["comment"] = row["description"]
        inner: list[JsonValue] = []
        inside[row["field_path"]] = inner
        known["fields"] = inner
        inside.get(parent, top).append(known)
    _prune(top)
    return top


def _prune(level: list[JsonValue]) -> None:
    """Leave out the empty lists."""
    for one in level:
        if isinstance(one, dict):
            inner = one["fields"]
            if isinstance(inner, list) and inner:
                _prune(inner)
            else:
                del one["fields"]
