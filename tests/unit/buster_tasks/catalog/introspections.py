"""Introspections that the tests of the catalog are about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from buster_tasks.sources.schema import (
    Column,
    Database,
    ForeignKey,
    Introspection,
    Schema,
    Table,
    View,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def table(name: str, schema: str = "main", **known: Any) -> Table:
    return Table(name=name, schema=schema, database="shop", **known)


def column(table: str, name: str, schema: str = "main", **known: Any) -> Column:
    known = {"position": 1, "data_type": "TEXT", **known}
    return Column(table=table, name=name, schema=schema, database="shop", **known)


def view(name: str, **known: Any) -> View:
    return View(name=name, schema="main", database="shop", **known)


def foreign_key(table: str, columns: str, to: str, to_columns: str = "id") -> ForeignKey:
    return ForeignKey(
        source_database="shop", source_schema="main", source_table=table, source_columns=columns.split(),
        referenced_database="shop", referenced_schema="main", referenced_table=to,
        referenced_columns=to_columns.split(),
    )  # fmt: skip


def found(*, after: float = 0, name: str = "shop", **parts: Any) -> Introspection:
    """An introspection of these objects, `after` so many seconds."""
    return Introspection(
        data_source_name=name,
        data_source_type="sqlite",
        databases=[Database(name="shop")],
        schemas=[Schema(name="main", database="shop")],
        introspected_at=START + timedelta(seconds=after),
        **parts,
    )
