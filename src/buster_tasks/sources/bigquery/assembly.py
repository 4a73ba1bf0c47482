"""From what was read of a project to its introspection: pure, so that it is tested without BigQuery.

A database is a project here, and a schema a dataset.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.bigquery import issues
from buster_tasks.sources.bigquery.columns import columns, partition_and_clustering
from buster_tasks.sources.bigquery.keys import FOREIGN, PRIMARY, foreign_keys, primary_keys, spots
from buster_tasks.sources.bigquery.literals import value_of
from buster_tasks.sources.bigquery.reading import MATERIALIZED, VIEW, Reading, Row, by_place
from buster_tasks.sources.bigquery.shards import Place
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import (
    Database,
    Filters,
    Introspection,
    Schema,
    StatisticsLevel,
    Table,
    TableType,
    View,
    of_catalog,
)

_TYPES: dict[str, TableType] = {"EXTERNAL": "EXTERNAL_TABLE", MATERIALIZED: "MATERIALIZED_VIEW"}
_QUERY = re.compile(r"\bAS\b\s*(?=\(*\s*(?:SELECT|WITH|FROM)\b)", re.IGNORECASE)


def assemble(
    reading: Reading, *, filters: Filters, selection: Selection, level: StatisticsLevel
) -> Introspection:
    """Everything that was read, with its issues; named after the project until somebody names it."""
    delivered: StatisticsLevel = "none" if level == "none" else "catalog"
    lost = issues.lost(reading)
    return Introspection(
        data_source_name=reading.project,
        data_source_type="bigquery",
        databases=[Database(name=reading.project)] if selection.database(reading.project) else [],
        schemas=schemas(reading),
        tables=tables(reading),
        columns=columns(reading, spots(reading, PRIMARY), spots(reading, FOREIGN)),
        views=views(reading),
        primary_keys=primary_keys(reading),
        foreign_keys=foreign_keys(reading),
        issues=[
            *selection.warnings(),
            *issues.hurried(reading),
            *lost,
        ],
        complete=not lost,
        introspected_at=datetime.now(UTC),
        filters=filters,
        statistics=delivered,
    )


def schemas(reading: Reading) -> list[Schema]:
    """The datasets, each with its location."""
    options = reading.options_of()
    made: list[Schema] = []
    for name, location in sorted(reading.datasets.items()):
        known, comment = _options(options.get((name, None), {}))
        known.pop("location", None)  # told by the list of datasets, in its usual spelling
        facts: dict[str, JsonValue] = {"location": location}
        if known:
            facts["options"] = known
        made.append(Schema(name=name, database=reading.project, comment=comment, metadata=facts))
    return made


def tables(reading: Reading) -> list[Table]:
    """What holds rows; tables that are sharded by days are told as one."""
    partition, clustering = partition_and_clustering(reading)
    options, details, storage = (
        reading.options_of(),
        by_place(reading.details),
        by_place(reading.storage),
    )
    made: list[Table] = []
    for place in reading.told():
        if reading.kind(place) != VIEW:
            known = _table(reading, place, options.get(place, {}), details.get(place))
            known |= _numbers(reading, place, storage)
            known["partition_keys"] = partition.get(place)
            known["clustering_keys"] = clustering.get(place)
            made.append(of_catalog(Table, known))
    return made


def views(reading: Reading) -> list[View]:
    """Views, and materialized ones, with the query behind them."""
    options, texts, details = (
        reading.options_of(),
        by_place(reading.views),
        by_place(reading.details),
    )
    made: list[View] = []
    for place in reading.told():
        if reading.kind(place) in (VIEW, MATERIALIZED):
            known, comment = _options(options.get(place, {}))
            row = texts.get(place, {})
            facts: dict[str, JsonValue] = {"options": known} if known else {}
            if row.get("use_standard_sql") == "NO":
                facts["dialect"] = "legacy SQL"
            view = {
                "name": place[1],
                "schema_name": place[0],
                "database": reading.project,
                "definition": row.get("view_definition") or _query_of(details.get(place)),
                "is_materialized": reading.kind(place) == MATERIALIZED,
                "comment": comment,
                "created": reading.relations[place]["creation_time"],
                "metadata": facts,
            }
            made.append(of_catalog(View, view))
    return made


def _table(
    reading: Reading, place: Place, options: Mapping[str, str], details: Row | None
) -> dict[str, Any]:
    schema, name = reading.name_of(place)
    known, comment = _options(options)
    facts: dict[str, JsonValue] = {"options": known} if known else {}
    family = reading.families.get(place)
    if family is not None:
        facts["shards"] = {
            "count": len(family.days),
            "first": family.days[0],
            "last": family.days[-1],
            "columnsOf": place[1],
        }
    if details is not None and details["base_table_name"] is not None:
        facts[reading.kind(place).lower()] = _copied(details)
    created = [reading.relations[member]["creation_time"] for member in reading.members(place)]
    return {
        "name": name,
        "schema_name": schema,
        "database": reading.project,
        "type": _TYPES.get(reading.kind(place), "TABLE"),
        "comment": comment,
        "created": min((one for one in created if one is not None), default=None),
        "metadata": facts,
    }


def _copied(row: Row) -> JsonValue:
    """What a snapshot or a clone was made of, and when."""
    at = row["snapshot_time_ms"]
    parts = (row["base_table_catalog"], row["base_table_schema"], row["base_table_name"])
    return {"of": ".".join(parts), "at": None if at is None else at.isoformat()}


def _numbers(reading: Reading, place: Place, storage: Mapping[Place, Row]) -> dict[str, Any]:
    """Rows and bytes as BigQuery last counted them, which may be minutes ago; of all shards, or of none."""
    found = [storage[member] for member in reading.members(place) if member in storage]
    if len(found) < len(reading.members(place)) or reading.kind(place) == "EXTERNAL":
        return {}
    rows = _sum(row["total_rows"] for row in found)
    changed = [row["storage_last_modified_time"] for row in found]
    return {
        "row_count": rows,
        "row_count_kind": "unknown" if rows is None else "estimate",
        "size_bytes": _sum(row["total_logical_bytes"] for row in found),
        "last_modified": max((one for one in changed if one is not None), default=None),
    }


def _sum(numbers: Any) -> int | None:
    known = list(numbers)
    return None if None in known else sum(int(number) for number in known)


def _options(written: Mapping[str, str]) -> tuple[dict[str, JsonValue], str | None]:
    """The options by name, and the description; labels are a mapping."""
    known = {name: value_of(text) for name, text in sorted(written.items())}
    comment = known.pop("description", None)
    labels = known.get("labels")
    if isinstance(labels, list):
        pairs = [one for one in labels if isinstance(one, list) and len(one) == 2]
        known["labels"] = {str(name): value for name, value in pairs}
    return known, str(comment) if comment else None


def _query_of(details: Row | None) -> str | None:
    """The query within the text that would make a materialized view again."""
    text = str(details["ddl"] or "") if details is not None else ""
    found = _QUERY.search(text)
    query = text[found.end() :] if found is not None else text
    return query.strip().removesuffix(";") or None
