"""From what was read of a file to its introspection: pure, so that it is tested without a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue

from buster_tasks.errors import SourceError
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.schema import (
    Database,
    Filters,
    Introspection,
    Issue,
    RowCountKind,
    Schema,
    StatisticsLevel,
    Table,
    View,
)
from buster_tasks.sources.sqlite import issues
from buster_tasks.sources.sqlite.catalog import RelationRow, StatisticsRow
from buster_tasks.sources.sqlite.columns import columns
from buster_tasks.sources.sqlite.ddl import read_module, read_view
from buster_tasks.sources.sqlite.issues import SCHEMA
from buster_tasks.sources.sqlite.keys import foreign_keys, indexes, primary_keys, unique_keys
from buster_tasks.sources.sqlite.reading import Reading


@dataclass(slots=True)
class Sizing:
    """How large things are, as far as it was found out: rows by table, bytes by table and index."""

    counted: dict[str, int] = field(default_factory=dict[str, int])
    uncounted: dict[str, SourceError] = field(default_factory=dict[str, SourceError])
    bytes: Mapping[str, int] | None = None
    unsized: SourceError | None = None


def assemble(
    reading: Reading,
    sizing: Sizing,
    facts: Mapping[str, JsonValue],
    *,
    filters: Filters,
    selection: Selection,
    level: StatisticsLevel,
) -> Introspection:
    """Everything that was read, with its issues; named after the database until somebody names it."""
    name, kinds = reading.database, reading.kinds
    delivered: StatisticsLevel = "none" if level == "none" else "catalog"
    keys = list(foreign_keys(reading))
    lost = [
        issues.unreadable(kinds[one.name], one.name, one.error)
        for one in reading.structure.unreadable
    ]
    databases = [Database(name=name, metadata=dict(facts))] if selection.database(name) else []
    schemas = [Schema(name=SCHEMA, database=name)] if selection.schema(name, SCHEMA) else []
    return Introspection(
        data_source_name=name,
        data_source_type="sqlite",
        databases=databases,
        schemas=schemas,
        tables=tables(reading, sizing),
        columns=columns(reading, with_statistics=delivered == "catalog"),
        views=views(reading),
        primary_keys=primary_keys(reading),
        unique_keys=unique_keys(reading),
        indexes=indexes(reading),
        foreign_keys=[key for key, _issue in keys],
        issues=[
            *selection.warnings(),
            *lost,
            *(issue for _key, issue in keys if issue is not None),
            *_doubts(reading, sizing),
        ],
        complete=not lost,
        introspected_at=datetime.now(UTC),
        filters=filters,
        statistics=delivered,
    )


def tables(reading: Reading, sizing: Sizing) -> list[Table]:
    """Tables, virtual tables and the shadow tables behind these."""
    rows = _estimates(reading.statistics)
    sizes = None if sizing.bytes is None else _with_indexes(reading, sizing.bytes)
    return [
        _table(reading, relation, sizing.counted, rows, sizes)
        for relation in reading.relations
        if relation.kind != "view"
    ]


def views(reading: Reading) -> list[View]:
    """Views with the query behind them."""
    return [
        View(
            name=relation.name,
            schema=SCHEMA,
            database=reading.database,
            definition=read_view(relation.sql),
        )
        for relation in reading.relations
        if relation.kind == "view"
    ]


def _table(
    reading: Reading,
    relation: RelationRow,
    counted: Mapping[str, int],
    estimated: Mapping[str, int],
    sizes: Mapping[str, int] | None,
) -> Table:
    kind: RowCountKind = (
        "exact"
        if relation.name in counted
        else "estimate"
        if relation.name in estimated
        else "unknown"
    )
    return Table(
        name=relation.name,
        schema=SCHEMA,
        database=reading.database,
        row_count=counted.get(relation.name, estimated.get(relation.name)),
        row_count_kind=kind,
        size_bytes=None if sizes is None else sizes.get(relation.name),
        metadata=_metadata(reading, relation),
    )


def _metadata(reading: Reading, relation: RelationRow) -> dict[str, JsonValue]:
    metadata: dict[str, JsonValue] = {}
    if relation.without_rowid:
        metadata["withoutRowid"] = True
    if relation.is_strict:
        metadata["strict"] = True
    if relation.kind == "virtual":
        metadata["virtual"] = read_module(relation.sql)
    if relation.kind == "shadow":
        metadata["shadowOf"] = _owner(relation.name, reading.relations)
    checks = reading.text(relation.name).checks
    if checks:
        metadata["checks"] = list[JsonValue](checks)
    return metadata


def _owner(shadow: str, relations: Iterable[RelationRow]) -> str | None:
    """The virtual table that a shadow table belongs to, by SQLite's naming rule `owner_suffix`."""
    folded = ascii_case(shadow)
    owners = [
        relation.name
        for relation in relations
        if relation.kind == "virtual" and folded.startswith(f"{ascii_case(relation.name)}_")
    ]
    return max(owners, key=len, default=None)


def _with_indexes(reading: Reading, sizes: Mapping[str, int]) -> dict[str, int]:
    """Bytes by table with its indexes; a virtual table has no pages of its own, and is absent."""
    totals = {name: sizes[name] for name in reading.kinds if name in sizes}
    for table, index in {(row.table, row.index_name) for row in reading.structure.indexes}:
        # A table WITHOUT ROWID is its own primary key index, with pages under its own name alone.
        totals[table] = totals.get(table, 0) + sizes.get(index, 0)
    return totals


def _estimates(statistics: Sequence[StatisticsRow]) -> dict[str, int]:
    """Rows by table at the last ANALYZE; a partial index counts fewer, so the largest number is taken."""
    rows: dict[str, int] = {}
    for row in statistics:
        if row.numbers:
            rows[row.table] = max(row.numbers[0], rows.get(row.table, 0))
    return rows


def _doubts(reading: Reading, sizing: Sizing) -> Iterator[Issue]:
    estimated = _estimates(reading.statistics)
    for table, error in sizing.uncounted.items():
        yield issues.uncounted(table, error, has_estimate=table in estimated)
    if sizing.unsized is not None:
        yield issues.unsized(reading.database, sizing.unsized)
