"""All that was read of one database, with the look-ups that making models from it needs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from buster_tasks.errors import SourceError
from buster_tasks.sources.redshift.catalog import (
    ColumnRow,
    DatabaseRow,
    ExternalRow,
    InfoRow,
    KeyRow,
    LateRow,
    MaterializedRow,
    RelationRow,
    SchemaRow,
    SharedRow,
    StatisticsRow,
)

Name = tuple[str, str]
"""Schema and name of a table or view."""

_BACKING = re.compile(r"mv_tbl__(?P<view>.+)__\d+")
_CREATES_MATERIALIZED = re.compile(r"\s*create\s+materialized\s+view\b", re.IGNORECASE)


@dataclass(slots=True)
class Reading:
    """The catalog's rows about what was kept; `failed` has the optional statements that the server refused."""

    database: DatabaseRow
    schemas: Sequence[SchemaRow]
    relations: Sequence[RelationRow] = ()
    columns: Sequence[ColumnRow] = ()
    keys: Sequence[KeyRow] = ()
    info: Sequence[InfoRow] | None = None
    external: Sequence[ExternalRow] = ()
    late: Sequence[LateRow] = ()
    materialized: Sequence[MaterializedRow] = ()
    shared: Sequence[SharedRow] = ()
    statistics: Sequence[StatisticsRow] = ()
    failed: dict[str, SourceError] = field(default_factory=dict[str, SourceError])

    def columns_of(self) -> dict[Name, list[ColumnRow]]:
        """The columns of each table and view, by their place in it."""
        found: defaultdict[Name, list[ColumnRow]] = defaultdict(list)
        for row in self.columns:
            found[row.schema, row.table].append(row)
        for columns in found.values():
            columns.sort(key=lambda row: row.position)
        return found

    def info_of(self) -> dict[Name, InfoRow]:
        """What svv_table_info has, that of the table behind a materialized view as the view's."""
        found: dict[Name, InfoRow] = {}
        for row in self.info or ():
            found[row.schema, view_of(row.table) or row.table] = row
        return found

    def external_tables(self) -> dict[Name, list[ExternalRow]]:
        """The rows of each external table, by the place of the column."""
        found: defaultdict[Name, list[ExternalRow]] = defaultdict(list)
        for row in sorted(
            self.external, key=lambda row: (row.schema, row.table, row.position or 0)
        ):
            found[row.schema, row.table].append(row)
        return found


def view_of(table: str) -> str | None:
    """The materialized view that a table of this name holds the rows of, if it is such a one."""
    match = _BACKING.fullmatch(table)
    return match["view"] if match else None


def is_materialized(row: RelationRow) -> bool:
    """Whether it is a materialized view by its text, which is that of the whole statement then."""
    return row.kind == "v" and bool(_CREATES_MATERIALIZED.match(row.definition or ""))


def is_late_binding(row: RelationRow) -> bool:
    """Whether it is a view that is bound when it is used: the catalog has no columns of it."""
    return row.kind == "v" and row.attributes == 0 and not is_materialized(row)
