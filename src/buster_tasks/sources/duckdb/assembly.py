"""From the catalog's rows to an introspection: pure, so that it is tested without a database."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.duckdb.catalog import Catalog
from buster_tasks.sources.duckdb.column_types import normalized, precision_and_scale
from buster_tasks.sources.duckdb.session import Row
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import (
    Column,
    Database,
    Filters,
    ForeignKey,
    Index,
    IndexPart,
    Introspection,
    Issue,
    PrimaryKey,
    Schema,
    StatisticsLevel,
    Table,
    UniqueKey,
    View,
    of_catalog,
)

_NAME = r'(?:"(?:[^"]|"")*"|[^\s(."]+)'
_VIEW = re.compile(
    rf"CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?VIEW\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"{_NAME}(?:\.{_NAME})*\s*(?:\((?:\s*{_NAME}\s*,?)*\)\s*)?AS\s+",
    re.IGNORECASE,
)

Place = tuple[str, str]
"""A schema and a table."""


class Assembly:
    """Makes models of the rows about what was kept."""

    def __init__(self, catalog: Catalog, selection: Selection) -> None:
        self._catalog, self._selection = catalog, selection
        self._database: str = catalog.database["database_name"]
        self._tables = self._kept(catalog.tables, "table_name")
        self._views = self._kept(catalog.views, "view_name")
        self._keys: defaultdict[str, set[tuple[Place, str]]] = defaultdict(set)
        self._checks: defaultdict[Place, list[str]] = defaultdict(list)
        self._names: defaultdict[Place, set[str]] = defaultdict(set)
        for row in catalog.columns:
            self._names[_place(row)].add(row["column_name"])
        for row in catalog.constraints:
            places = {(_place(row), name) for name in row["constraint_column_names"]}
            self._keys[row["constraint_type"]] |= places
            if row["constraint_type"] == "CHECK":
                self._checks[_place(row)].append(row["expression"])

    def introspection(self, filters: Filters, level: StatisticsLevel) -> Introspection:
        """Everything, with its issues; named after the database until somebody names it."""
        delivered: StatisticsLevel = "none" if level == "none" else "catalog"
        lost = list(self._without_columns())
        is_kept = self._selection.database(self._database)
        return Introspection(
            data_source_name=self._database,
            data_source_type="duckdb",
            databases=[self._of_database()] if is_kept else [],
            schemas=list(self._schemas()),
            tables=[self._table(row) for row in self._tables.values()],
            columns=[self._column(row) for row in self._rows(self._catalog.columns, views=True)],
            views=[self._view(row) for row in self._views.values()],
            primary_keys=[PrimaryKey(**key) for key in self._table_keys("PRIMARY KEY")],
            unique_keys=[UniqueKey(**key) for key in self._table_keys("UNIQUE")],
            indexes=[self._index(row) for row in self._rows(self._catalog.indexes)],
            foreign_keys=list(self._foreign_keys()),
            issues=[
                *self._selection.warnings(),
                *lost,
            ],
            complete=not lost,
            introspected_at=datetime.now(UTC),
            filters=filters,
            statistics=delivered,
        )

    def _kept(self, rows: list[Row], name: str) -> dict[Place, Row]:
        places = {(row["schema_name"], row[name]): row for row in rows}
        return {
            place: row
            for place, row in places.items()
            if self._selection.table(self._database, *place)
        }

    def _rows(self, rows: list[Row], *, views: bool = False) -> Iterator[Row]:
        """Those about tables, and views if wanted, that were kept."""
        for row in rows:
            place = _place(row)
            if place in self._tables or (views and place in self._views):
                yield row

    def _of_database(self) -> Database:
        row = self._catalog.database
        return Database(name=self._database, comment=row.get("comment"))

    def _schemas(self) -> Iterator[Schema]:
        for row in self._catalog.schemas:
            name = row["schema_name"]
            if self._selection.schema(self._database, name):
                yield Schema(name=name, database=self._database, comment=row.get("comment"))

    def _table(self, row: Row) -> Table:
        rows = row["estimated_size"]
        checks = self._checks[_place(row)]
        return Table(
            name=row["table_name"],
            schema=row["schema_name"],
            database=self._database,
            row_count=rows,
            row_count_kind="unknown" if rows is None else "estimate",
            comment=row["comment"],
            metadata={"checks": list[JsonValue](checks)} if checks else {},
        )

    def _view(self, row: Row) -> View:
        text = str(row["sql"] or "")
        definition = _VIEW.sub("", text, count=1).strip().removesuffix(";")
        return View(
            name=row["view_name"],
            schema=row["schema_name"],
            database=self._database,
            definition=definition or None,
            comment=row["comment"],
        )

    def _column(self, row: Row) -> Column:
        place, name, data_type = _place(row), row["column_name"], row["data_type"]
        generated = row.get("generation_expression")  # told since 2.0
        numbers = precision_and_scale(data_type)
        fields = self._catalog.fields.get(data_type)
        known: dict[str, Any] = {
            "name": name,
            "table": row["table_name"],
            "schema_name": row["schema_name"],
            "database": self._database,
            "position": row["column_index"],
            "data_type": data_type,
            "normalized_type": normalized(data_type),
            "default_value": None if generated else row["column_default"],
            "generated_expression": generated,
            "generated_kind": "virtual" if generated else None,
            "precision": numbers[0] if numbers else None,
            "scale": numbers[1] if numbers else None,
            "fields": [field.model_copy(deep=True) for field in fields] if fields else None,
            "comment": row["comment"],
        }
        if place in self._tables:  # of views it knows neither keys nor what is never null
            known["is_nullable"] = row["is_nullable"]
            known["is_primary_key"] = (place, name) in self._keys["PRIMARY KEY"]
            known["is_foreign_key"] = (place, name) in self._keys["FOREIGN KEY"]
        return of_catalog(Column, known)

    def _table_keys(self, kind: str) -> Iterator[dict[str, Any]]:
        for row in self._rows(self._catalog.constraints):
            if row["constraint_type"] == kind:
                yield {
                    "name": row.get("constraint_name"),
                    "table": row["table_name"],
                    "schema": row["schema_name"],
                    "database": self._database,
                    "columns": list(row["constraint_column_names"]),
                }

    def _foreign_keys(self) -> Iterator[ForeignKey]:
        """DuckDB lets a key lead to the table's own schema alone."""
        for row in self._rows(self._catalog.constraints):
            if row["constraint_type"] == "FOREIGN KEY":
                yield ForeignKey(
                    name=row.get("constraint_name"),
                    source_table=row["table_name"],
                    source_schema=row["schema_name"],
                    source_database=self._database,
                    source_columns=list(row["constraint_column_names"]),
                    referenced_table=row["referenced_table"],
                    referenced_schema=row["schema_name"],
                    referenced_database=self._database,
                    referenced_columns=list(row["referenced_column_names"]),
                )

    def _index(self, row: Row) -> Index:
        names = self._names[_place(row)]
        parts = [_part(text, names) for text in row["parts"]]
        return Index(
            name=row["index_name"],
            table=row["table_name"],
            schema=row["schema_name"],
            database=self._database,
            type="art",
            columns=[part.column or part.expression or "" for part in parts],
            parts=parts,
            is_unique=row["is_unique"],
            is_primary_key=row["is_primary"],
        )

    def _without_columns(self) -> Iterator[Issue]:
        """A view whose columns DuckDB cannot tell, because what it reads is gone."""
        for schema, name in self._views:
            if not self._names[schema, name]:
                yield Issue(
                    scope="view",
                    object=f"{schema}.{name}",
                    code="OBJECT_UNREADABLE",
                    message=f"The columns of {name!r} cannot be read.",
                    fix="Repair or drop the view.",
                )


def _place(row: Row) -> Place:
    return row["schema_name"], row["table_name"]


def _part(text: str, names: set[str]) -> IndexPart:
    """A column by its name, quoted where it must be, or an expression."""
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    name = text[1:-1].replace('""', '"') if is_quoted else text
    if name in names:
        return IndexPart(column=name)
    return IndexPart(expression=text)
