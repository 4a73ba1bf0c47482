"""Primary and foreign keys; BigQuery enforces neither, and has no others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from buster_tasks.sources.bigquery.columns import Spot
from buster_tasks.sources.bigquery.reading import Reading, Row, place_of
from buster_tasks.sources.bigquery.shards import Place
from buster_tasks.sources.schema import ForeignKey, PrimaryKey

PRIMARY, FOREIGN = "PRIMARY KEY", "FOREIGN KEY"

_UNNAMED = re.compile(r"(pk|fk)\$\d*")


def primary_keys(reading: Reading) -> list[PrimaryKey]:
    """The primary keys of what is told."""
    return [
        PrimaryKey(
            name=_name(rows[0]),
            table=reading.name_of(place_of(rows[0]))[1],
            schema=rows[0]["table_schema"],
            database=reading.project,
            columns=[row["column_name"] for row in rows],
            metadata={"enforced": False},
        )
        for rows in _told(reading, PRIMARY)
    ]


def foreign_keys(reading: Reading) -> list[ForeignKey]:
    """The foreign keys of what is told, without those whose target cannot be seen."""
    known = _primary(reading)
    made: list[ForeignKey] = []
    for rows in _told(reading, FOREIGN):
        target, first = _target(rows[0]), rows[0]
        columns = _referenced(rows, known)
        if target is not None and columns is not None:
            made.append(
                ForeignKey(
                    name=_name(first),
                    source_table=reading.name_of(place_of(first))[1],
                    source_schema=first["table_schema"],
                    source_database=reading.project,
                    source_columns=[row["column_name"] for row in rows],
                    referenced_table=target[1],
                    referenced_schema=target[0],
                    referenced_database=reading.project,
                    referenced_columns=columns,
                    metadata={"enforced": False},
                )
            )
    return made


def dangling(reading: Reading) -> Iterator[Row]:
    """The first row of each foreign key whose target cannot be seen."""
    known = _primary(reading)
    for rows in _told(reading, FOREIGN):
        if _referenced(rows, known) is None:
            yield rows[0]


def spots(reading: Reading, kind: str) -> set[Spot]:
    """The columns that keys of this kind are made of."""
    return {
        (place_of(row), row["column_name"])
        for row in reading.keys
        if row["constraint_type"] == kind
    }


def _told(reading: Reading, kind: str) -> Iterator[list[Row]]:
    kept = set(reading.told())
    for rows in reading.by_key():
        if rows[0]["constraint_type"] == kind and place_of(rows[0]) in kept:
            yield rows


def _primary(reading: Reading) -> dict[Place, list[str]]:
    """The columns of all primary keys, also of tables that were not kept."""
    return {
        place_of(rows[0]): [row["column_name"] for row in rows]
        for rows in reading.by_key()
        if rows[0]["constraint_type"] == PRIMARY
    }


def _target(row: Row) -> Place | None:
    return None if row["target_table"] is None else (row["target_schema"], row["target_table"])


def _referenced(rows: list[Row], known: dict[Place, list[str]]) -> list[str] | None:
    """The columns that these lead to, each by its position in the other table's primary key."""
    target = _target(rows[0])
    columns = [] if target is None else known.get(target, [])
    positions = [row["position_in_unique_constraint"] for row in rows]
    if any(at is None or not 1 <= at <= len(columns) for at in positions):
        return None
    return [columns[at - 1] for at in positions]


def _name(row: Row) -> str | None:
    """The constraint's own name: BigQuery puts that of the table before it, and makes one up where it has none."""
    name = str(row["constraint_name"]).removeprefix(f"{row['table_name']}.")
    return None if _UNNAMED.fullmatch(name) else name
