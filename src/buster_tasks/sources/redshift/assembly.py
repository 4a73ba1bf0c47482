"""From what was read of a database to its introspection: pure, so that it is tested without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.filters import Selection
from buster_tasks.sources.redshift import issues
from buster_tasks.sources.redshift.catalog import ColumnRow, ExternalRow, InfoRow, RelationRow
from buster_tasks.sources.redshift.columns import Columns
from buster_tasks.sources.redshift.keys import Keys
from buster_tasks.sources.redshift.reading import (
    Name,
    Reading,
    is_late_binding,
    is_materialized,
    view_of,
)
from buster_tasks.sources.schema import (
    Column,
    Database,
    Filters,
    Introspection,
    Schema,
    StatisticsLevel,
    Table,
    View,
    of_catalog,
)

_MIB = 1_048_576
_DIST_STYLES = {
    0: "EVEN",
    1: "KEY",
    8: "ALL",
    9: "AUTO",
    10: "AUTO(ALL)",
    11: "AUTO(EVEN)",
    12: "AUTO(KEY)",
}
_KEPT_PARAMETERS = ("numRows", "numFiles", "compression_type", "classification", "EXTERNAL")


def assemble(
    reading: Reading,
    *,
    user: str,
    version: str,
    filters: Filters,
    selection: Selection,
    level: StatisticsLevel,
) -> Introspection:
    """Everything that was read, with its issues; named after the database until somebody names it."""
    row = reading.database
    keys = Keys(reading)
    made = _Making(reading, keys)
    made.make()
    lost = issues.lost(reading, user)
    database = Database(
        name=row.name, owner=row.owner, comment=row.comment, metadata={"serverVersion": version}
    )
    return Introspection(
        data_source_name=row.name,
        data_source_type="redshift",
        databases=[database] if selection.database(row.name) else [],
        schemas=_schemas(reading),
        tables=made.tables,
        columns=made.columns,
        views=made.views,
        primary_keys=keys.primary(),
        unique_keys=keys.unique(),
        foreign_keys=keys.foreign(),
        issues=[*selection.warnings(), *lost],
        complete=not lost,
        introspected_at=datetime.now(UTC),
        filters=filters,
        statistics="none" if level == "none" else "catalog",
    )


def _schemas(reading: Reading) -> list[Schema]:
    external = {row.schema for row in reading.external}
    return [
        Schema(
            name=row.name,
            database=reading.database.name,
            owner=row.owner,
            comment=row.comment,
            metadata={"external": True} if row.name in external else {},
        )
        for row in reading.schemas
    ]


class _Making:
    """Tables, views and columns as they are made, of one relation after the other."""

    def __init__(self, reading: Reading, keys: Keys) -> None:
        self._reading = reading
        self._database = reading.database.name
        self._info = reading.info_of()
        self._own = reading.columns_of()
        self._source = Columns(reading, keys)
        self._states = {(row.schema, row.name): row for row in reading.materialized}
        self.tables: list[Table] = []
        self.views: list[View] = []
        self.columns: list[Column] = []

    def make(self) -> None:
        """All of them."""
        known: set[Name] = set()
        for relation in self._reading.relations:
            known.add((relation.schema, relation.name))
            if not (relation.kind == "r" and view_of(relation.name)):
                self._relation(relation)
        for place, rows in self._reading.external_tables().items():
            known.add(place)
            self._external(place, rows)
        self._shared(known)

    def _relation(self, relation: RelationRow) -> None:
        place = (relation.schema, relation.name)
        is_kept = relation.kind == "v" and (is_materialized(relation) or place in self._states)
        rows = None
        if relation.kind == "r" or is_kept:
            table = self._table(relation, is_kept=is_kept)
            rows = table.row_count
            self.tables.append(table)
        if relation.kind == "v":
            self.views.append(self._view(relation, is_kept=is_kept))
        self.columns += self._source.of_relation(relation, rows)

    def _view(self, relation: RelationRow, *, is_kept: bool) -> View:
        metadata: dict[str, JsonValue] = {}
        if is_late_binding(relation) and not is_kept:
            metadata["lateBinding"] = True
        state = self._states.get((relation.schema, relation.name))
        if state is not None:
            metadata |= {
                "stale": _flag(state.is_stale),
                "autoRefresh": _flag(state.auto_refresh),
                "autoRewrite": _flag(state.auto_rewrite),
                "state": state.state,
            }
        text = relation.definition
        known = {
            "name": relation.name,
            "schema_name": relation.schema,
            "database": self._database,
            "definition": None if text is None else text.strip().removesuffix(";"),
            "is_materialized": is_kept,
            "owner": relation.owner,
            "comment": relation.comment,
            "created": _utc(relation.created),
            "metadata": _without_none(metadata),
        }
        return of_catalog(View, known)

    def _table(self, relation: RelationRow, *, is_kept: bool) -> Table:
        place = (relation.schema, relation.name)
        columns = self._own.get(place, [])
        info = self._info.get(place)
        sorts = sorted((row for row in columns if row.sort_key), key=_sort_place)
        known: dict[str, Any] = {
            "name": relation.name,
            "schema_name": relation.schema,
            "database": self._database,
            "type": "MATERIALIZED_VIEW" if is_kept else "TABLE",
            **self._size(relation, info, is_kept=is_kept),
            "owner": relation.owner,
            "comment": relation.comment,
            "created": _utc(relation.created),
            "clustering_keys": [row.name for row in sorts] or None,
            "metadata": _without_none(_storage(relation, columns, sorts, info)),
        }
        return of_catalog(Table, known)

    def _size(
        self, relation: RelationRow, info: InfoRow | None, *, is_kept: bool
    ) -> dict[str, Any]:
        """Rows and bytes: svv_table_info leaves out what is empty, and all that the user may not read."""
        if info is not None:
            rows = info.rows if info.visible_rows is None else info.visible_rows
            size = None if info.size is None else info.size * _MIB
            return {**_estimate(rows), "size_bytes": size}
        if self._reading.info is not None and relation.is_readable and not is_kept:
            return {**_estimate(Decimal(0)), "size_bytes": 0}
        return _estimate(Decimal(round(relation.rows)) if relation.rows >= 1 else None)

    def _external(self, place: Name, rows: list[ExternalRow]) -> None:
        first = rows[0]
        parameters = _parameters(first.parameters)
        parts = sorted((row for row in rows if row.part_key), key=lambda row: row.part_key or 0)
        number = parameters.get("numRows")
        if (first.kind or "").strip().upper().endswith("VIEW"):
            known: dict[str, Any] = {
                "name": place[1],
                "schema_name": place[0],
                "database": self._database,
            }
            self.views.append(of_catalog(View, {**known, "metadata": {"external": True}}))
        else:
            known = {
                "name": place[1],
                "schema_name": place[0],
                "database": self._database,
                "type": "EXTERNAL_TABLE",
                **_estimate(_number(number)),
                "partition_keys": [row.column for row in parts] or None,
                "metadata": _without_none(
                    {
                        "location": first.location or None,
                        "inputFormat": first.input_format or None,
                        "parameters": parameters or None,
                    }
                ),
            }
            self.tables.append(of_catalog(Table, known))
        self.columns += self._source.of_external(rows)

    def _shared(self, known: set[Name]) -> None:
        """What the columns, or svv_redshift_tables, tell of and the catalog does not hold."""
        told = {(row.schema, row.name): row for row in self._reading.shared}
        for place in sorted({*told, *self._own} - known):
            row = told.get(place)
            common: dict[str, Any] = {
                "name": place[1],
                "schema_name": place[0],
                "database": self._database,
                "comment": (row.comment or None) if row else None,
                "metadata": {"shared": True},
            }
            if row is not None and row.kind.strip().upper() == "VIEW":
                self.views.append(of_catalog(View, common))
            else:
                self.tables.append(of_catalog(Table, common))
            self.columns += self._source.of_shared(place)


def _storage(
    relation: RelationRow, columns: list[ColumnRow], sorts: list[ColumnRow], info: InfoRow | None
) -> dict[str, JsonValue]:
    is_interleaved = any((row.sort_key or 0) < 0 for row in sorts)
    style = info.dist_style if info is not None else _DIST_STYLES.get(relation.dist_style or 0)
    if info is None and relation.dist_style is None:
        style = None
    return {
        "distStyle": style,
        "distKey": next((row.name for row in columns if row.is_dist_key), None),
        "sortStyle": ("interleaved" if is_interleaved else "compound") if sorts else None,
        "sortKey": None if info is None or sorts else info.sort_key,
        "unsortedPercent": None if info is None else _float(info.unsorted),
        "staleStatisticsPercent": None if info is None else _float(info.stats_off),
        "readable": None if relation.is_readable else False,
    }


def _sort_place(row: ColumnRow) -> int:
    return abs(row.sort_key or 0)


def _estimate(rows: Decimal | None) -> dict[str, Any]:
    if rows is None:
        return {"row_count_kind": "unknown"}
    return {"row_count": int(rows), "row_count_kind": "estimate"}


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _number(value: object) -> Decimal | None:
    text = str(value)
    return Decimal(text) if text.isdecimal() else None


def _parameters(text: str | None) -> dict[str, JsonValue]:
    """Those of an external table that tell of its data: others may hold anything."""
    try:
        read = json.loads(text or "{}")
    except ValueError:
        return {}
    return {
        name: read[name] for name in _KEPT_PARAMETERS if isinstance(read, dict) and name in read
    }


def _flag(word: str | None) -> bool | None:
    return {"t": True, "f": False}.get((word or "").strip().lower())


def _utc(moment: datetime | None) -> datetime | None:
    """The catalog's times are UTC and say no zone."""
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)


def _without_none(known: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in known.items() if value is not None}
