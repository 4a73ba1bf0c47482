"""A BigQuery source whose session gives rows in the shape that the service has, without the service.

For the emulator takes half a second for each table that it makes, and as long again for a list of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from buster_tasks.sources.base import QueryResult, Steps
from buster_tasks.sources.bigquery.scan import Scan
from buster_tasks.sources.bigquery.session import BigquerySession, Dataset, Parameters
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted

_NOW = datetime(2024, 5, 1, tzinfo=UTC)
_TYPES = (
    "INT64",
    "INT64",
    "STRING",
    "NUMERIC(12, 2)",
    "TIMESTAMP",
    "INT64",
    "BOOL",
    "STRING",
    "STRING",
    "FLOAT64",
)
Row = dict[str, Any]


def _place(number: int) -> Row:
    return {"table_schema": "app", "table_name": f"table_{number}"}


def _column(number: int, at: int) -> Row:
    return {
        "table_catalog": "p", **_place(number), "column_name": f"column_{at}", "ordinal_position": at,
        "is_nullable": "YES", "data_type": _TYPES[at - 1], "is_generated": "NEVER",
        "generation_expression": None, "is_stored": None, "is_hidden": "NO", "is_updatable": None,
        "is_system_defined": "NO", "is_partitioning_column": "NO", "clustering_ordinal_position": None,
        "collation_name": "NULL", "column_default": "NULL", "rounding_mode": None, "data_policies": [],
        "policy_tags": [],
    }  # fmt: skip


def _key(number: int) -> Row:
    return {
        **_place(number), "constraint_name": f"table_{number}.pk$", "constraint_type": "PRIMARY KEY",
        "column_name": "column_1", "ordinal_position": 1, "position_in_unique_constraint": None,
        "target_schema": None, "target_table": None,
    }  # fmt: skip


class _Session:
    """Answers by the view that a statement reads."""

    def __init__(self, tables: int) -> None:
        self._tables, self.statements = range(tables), 0

    def open(self, budget: Budget) -> None:
        pass

    def close(self) -> None:
        pass

    def interrupt(self) -> None:
        pass

    def abandon(self) -> None:
        pass

    def select(
        self, sql: str, /, *, max_rows: int, max_bytes: int | None, budget: Budget
    ) -> QueryResult:
        raise NotImplementedError

    def datasets(self, _budget: Budget) -> list[Dataset]:
        self.statements += 1
        return [Dataset("app", "EU")]

    def rows(
        self, sql: str, _parameters: Parameters, _location: str | None, _budget: Budget
    ) -> Sequence[Row]:
        self.statements += 1
        tables = self._tables
        if "KEY_COLUMN_USAGE" in sql:
            return [_key(number) for number in tables]
        if ".TABLE_STORAGE" in sql:
            size = {"total_rows": 7, "total_logical_bytes": 56, "storage_last_modified_time": _NOW}
            return [{**_place(number), **size} for number in tables]
        if ".COLUMNS" in sql:
            return [_column(number, at) for number in tables for at in range(1, 11)]
        if ".TABLES" in sql:
            kind = {"table_type": "BASE TABLE", "creation_time": _NOW}
            return [{**_place(number), **kind} for number in tables]
        if ".TABLE_OPTIONS" in sql:
            said = {"option_name": "description", "option_value": '"as it is"'}
            return [{**_place(number), **said} for number in tables]
        return []


class RecordedBigquery(BlockingSource[_Session]):
    """A project with one dataset of so many tables."""

    kind, product, extra = "bigquery", "BigQuery", "bigquery"

    def __init__(self, tables: int) -> None:
        super().__init__()
        self._tables = tables

    def _make_session(self) -> _Session:
        return _Session(self._tables)

    def _identify(self, session: _Session, budget: Budget) -> Identity:
        raise NotImplementedError

    def _scan(self, session: _Session, wanted: Wanted, budget: Budget) -> Steps:
        return Scan(cast("BigquerySession", session), wanted, budget, project="p").steps()
