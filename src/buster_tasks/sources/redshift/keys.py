"""Primary, unique and foreign keys, from the catalog's rows; Redshift takes them as information and checks none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from buster_tasks.sources.redshift.catalog import KeyRow
from buster_tasks.sources.redshift.reading import Name, Reading
from buster_tasks.sources.schema import ForeignKey, PrimaryKey, TableKey, UniqueKey, of_catalog

K = TypeVar("K", bound=TableKey)

_INFORMATIONAL = {"enforced": False}


class Keys:
    """The keys of what was kept, grouped once."""

    def __init__(self, reading: Reading) -> None:
        self._database = reading.database.name
        self._places = {row.oid: (row.schema, row.name) for row in reading.relations}
        self._groups: defaultdict[int, list[KeyRow]] = defaultdict(list)
        for row in reading.keys:
            if row.relation in self._places:
                self._groups[row.oid].append(row)

    def primary(self) -> list[PrimaryKey]:
        """Primary keys, columns in key order."""
        return [self._key(PrimaryKey, rows) for rows in self._of("p")]

    def unique(self) -> list[UniqueKey]:
        """UNIQUE constraints."""
        return [self._key(UniqueKey, rows) for rows in self._of("u")]

    def foreign(self) -> list[ForeignKey]:
        """Foreign keys, also to tables that the filters leave out."""
        return [self._foreign(rows) for rows in self._of("f")]

    def columns(self, kind: str) -> set[tuple[Name, str]]:
        """The columns that are in a key of this kind, each with its table."""
        return {
            (self._places[row.relation], row.column)
            for rows in self._of(kind)
            for row in rows
            if row.side == "own"
        }

    def _of(self, kind: str) -> list[list[KeyRow]]:
        groups = [rows for rows in self._groups.values() if rows[0].kind == kind]
        return sorted(groups, key=lambda rows: (self._places[rows[0].relation], rows[0].name))

    def _key(self, model: type[K], rows: list[KeyRow]) -> K:
        schema, table = self._places[rows[0].relation]
        return of_catalog(
            model,
            {
                "name": rows[0].name,
                "table": table,
                "schema_name": schema,
                "database": self._database,
                "columns": _ordered(rows, "own", rows[0].key),
                "metadata": dict(_INFORMATIONAL),
            },
        )

    def _foreign(self, rows: list[KeyRow]) -> ForeignKey:
        schema, table = self._places[rows[0].relation]
        return of_catalog(
            ForeignKey,
            {
                "name": rows[0].name,
                "source_table": table,
                "source_schema": schema,
                "source_database": self._database,
                "source_columns": _ordered(rows, "own", rows[0].key),
                "referenced_table": rows[0].target,
                "referenced_schema": rows[0].target_schema,
                "referenced_database": self._database,
                "referenced_columns": _ordered(rows, "target", rows[0].target_key),
                "metadata": dict(_INFORMATIONAL),
            },
        )


def _ordered(rows: Sequence[KeyRow], side: str, order: Sequence[int] | None) -> list[str]:
    names = {row.number: row.column for row in rows if row.side == side}
    return [names[number] for number in order or () if number in names]
