"""Columns of tables and views, from the catalog's rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.redshift.catalog import (
    ColumnRow,
    ExternalRow,
    LateRow,
    RelationRow,
    StatisticsRow,
)
from buster_tasks.sources.redshift.column_types import read_type
from buster_tasks.sources.redshift.keys import Keys
from buster_tasks.sources.redshift.reading import Name, Reading
from buster_tasks.sources.schema import Column, of_catalog

_IDENTITY = re.compile(
    r"""(?P<always>"?identity"?)\(.*'(?P<seed>-?\d+),(?P<step>-?\d+)'.*\)|(?P<default>"?default_identity"?)\(.*\)"""
)
_SEED = re.compile(r"'(-?\d+),\s*(-?\d+)'")
_NULLABLE = {"yes": True, "no": False, "true": True, "false": False}


class Columns:
    """Makes the columns of one table or view after the other."""

    def __init__(self, reading: Reading, keys: Keys) -> None:
        self._database = reading.database.name
        self._own = reading.columns_of()
        self._late: dict[Name, list[LateRow]] = {}
        for row in reading.late:
            self._late.setdefault((row.schema, row.view), []).append(row)
        self._primary, self._foreign = keys.columns("p"), keys.columns("f")
        self._statistics = {(row.schema, row.table, row.column): row for row in reading.statistics}

    def of_relation(self, relation: RelationRow, rows: int | None) -> Iterator[Column]:
        """Those of a table, with `rows` in it, or of a view; none where the user may not see them."""
        place = (relation.schema, relation.name)
        own = self._own.get(place, [])
        for at, row in enumerate(own, 1):
            yield of_catalog(Column, self._known(relation, row, at, rows))
        if not own:
            late = sorted(self._late.get(place, []), key=lambda row: row.position)
            for at, one in enumerate(late, 1):
                yield of_catalog(Column, self._placed(place, one.column, one.data_type, at))

    def of_shared(self, place: Name) -> Iterator[Column]:
        """Those of what another catalog holds."""
        for at, row in enumerate(self._own.get(place, []), 1):
            known = self._placed(place, row.name, row.data_type, at)
            known |= {"is_nullable": _nullable(row.is_nullable), "comment": row.comment or None}
            yield of_catalog(Column, known)

    def of_external(self, rows: list[ExternalRow]) -> Iterator[Column]:
        """Those of an external table; the columns of its partitions come last."""
        named = [row for row in rows if row.column is not None]
        for at, row in enumerate(named, 1):
            known = self._placed((row.schema, row.table), row.column or "", row.data_type or "", at)
            known["is_nullable"] = _nullable(row.is_nullable)
            if row.part_key:
                known["metadata"] = {"partitionKey": row.part_key}
            yield of_catalog(Column, known)

    def _placed(self, place: Name, name: str, data_type: str, position: int) -> dict[str, Any]:
        meaning = read_type(data_type)
        return {
            "name": name,
            "table": place[1],
            "schema_name": place[0],
            "database": self._database,
            "position": position,
            "data_type": data_type,
            "normalized_type": meaning.normalized,
            "max_length": meaning.max_length,
            "precision": meaning.precision,
            "scale": meaning.scale,
            "fields": meaning.nested(),
        }

    def _known(
        self, relation: RelationRow, row: ColumnRow, position: int, rows: int | None
    ) -> dict[str, Any]:
        place = (row.schema, row.table)
        known = self._placed(place, row.name, row.data_type, position)
        known["comment"] = row.comment or None
        if relation.kind != "r":  # of a view's columns nothing else is known
            return known
        known |= {
            "is_nullable": _nullable(row.is_nullable),
            "is_primary_key": (place, row.name) in self._primary,
            "is_foreign_key": (place, row.name) in self._foreign,
            **_default(row.default or None),
        }
        metadata = {**known.get("metadata", {}), **_storage(row)}
        if metadata:
            known["metadata"] = metadata
        return known | self._statistics_of(place, row.name, rows)

    def _statistics_of(self, place: Name, column: str, rows: int | None) -> dict[str, Any]:
        found = self._statistics.get((*place, column))
        return {} if found is None or not rows else _statistics(found, rows)


def _statistics(row: StatisticsRow, rows: int) -> dict[str, Any]:
    """Estimates from the share of nulls and the number of values, negative for a share of the rows."""
    known: dict[str, Any] = {"statistics_kind": "estimate"}
    if row.null_share is not None:
        known["null_count"] = round(row.null_share * rows)
    if row.distinct:
        known["distinct_count"] = round(row.distinct if row.distinct > 0 else -row.distinct * rows)
    return known


def _default(text: str | None) -> dict[str, Any]:
    """The default, or the identity that Redshift writes as one."""
    match = _IDENTITY.fullmatch(text or "")
    if match is None:
        return {"default_value": text}
    known: dict[str, Any] = {"identity": "always" if match["always"] else "by_default"}
    seed = _SEED.search(text or "")
    if seed is not None:
        known["metadata"] = {"identitySeed": int(seed[1]), "identityStep": int(seed[2])}
    return known


def _storage(row: ColumnRow) -> dict[str, JsonValue]:
    known: dict[str, JsonValue] = {
        "encoding": row.encoding if row.encoding not in ("", "none") else None,
        "distKey": True if row.is_dist_key else None,
        "sortKey": row.sort_key or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _nullable(word: str | None) -> bool | None:
    return _NULLABLE.get((word or "").strip().lower())
