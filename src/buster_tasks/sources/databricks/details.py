"""What is asked of Unity Catalog, step by step, into a `Reading`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.databricks import catalog
from buster_tasks.sources.databricks.catalog import (
    ColumnRow,
    DetailRow,
    KeyRow,
    PartitionRow,
    PlaceRow,
    ReferenceRow,
    RelationRow,
    ViewRow,
    dotted,
)
from buster_tasks.sources.databricks.narrowing import of_catalogs, of_schemas, of_tables
from buster_tasks.sources.databricks.reading import KEYS, PARTITIONS, REFERENCES, TEXTS, Reading
from buster_tasks.sources.databricks.session import DatabricksSession
from buster_tasks.sources.quoting import in_back_quotes as quote
from buster_tasks.sources.schema import Filters

T = TypeVar("T")
Step = Callable[[DatabricksSession, Budget], None]

MOST_DETAILS = 50
"""For how many tables the size is asked for, each by a statement of its own."""


def read_catalogs(session: DatabricksSession, budget: Budget) -> list[str]:
    """The names of all catalogs that we may see."""
    return [str(row[0]) for row in session.rows(catalog.CATALOGS, budget=budget)[1]]


class Asking:
    """The statements about some catalogs, in the information schema of one of them, narrowed by the filters."""

    def __init__(self, place: str, catalogs: Sequence[str], filters: Filters) -> None:
        tables, keys = of_tables(catalogs, filters), of_tables(catalogs, filters, "k.")
        places, schemas = of_catalogs(catalogs), of_schemas(catalogs, filters)
        self._known = {
            "place": quote(place),
            "of_catalogs": places.sql,
            "of_schemas": schemas.sql,
            "of_tables": tables.sql,
            "of_keys": keys.sql,
        }
        self._places = {**places.parameters, **schemas.parameters}
        self._tables = tables.parameters

    def places(self, session: DatabricksSession, budget: Budget) -> list[PlaceRow]:
        """Catalogs and schemas."""
        return self._read(session, catalog.PLACES, self._places, PlaceRow._make, budget)

    def relations(self, session: DatabricksSession, budget: Budget) -> list[RelationRow]:
        """Tables and views."""
        found = self._read(session, catalog.RELATIONS, self._tables, lambda row: row, budget)
        return [RelationRow(*row) for row in found]

    def names(self, session: DatabricksSession, budget: Budget) -> list[tuple[str, str, str]]:
        """All by name alone, also what the filters leave out."""
        return self._read(
            session, catalog.NAMES, {}, lambda row: (str(row[0]), str(row[1]), str(row[2])), budget
        )

    def columns(self, session: DatabricksSession, budget: Budget) -> list[ColumnRow]:
        """The columns, without which there is no introspection."""
        return self._read(session, catalog.COLUMNS, self._tables, ColumnRow._make, budget)

    def steps(self, reading: Reading) -> list[tuple[str, Step]]:
        """What to ask beside, by the name of what would be missing: each may fail without the others."""

        def keys(session: DatabricksSession, budget: Budget) -> None:
            reading.keys += self._read(session, catalog.KEYS, self._tables, KeyRow._make, budget)

        def references(session: DatabricksSession, budget: Budget) -> None:
            sql = catalog.REFERENCES
            reading.references += self._read(session, sql, self._tables, ReferenceRow._make, budget)

        def texts(session: DatabricksSession, budget: Budget) -> None:
            reading.views += self._read(session, catalog.VIEWS, self._tables, ViewRow._make, budget)

        def partitions(session: DatabricksSession, budget: Budget) -> None:
            sql = catalog.PARTITIONS
            reading.partitions += self._read(session, sql, self._tables, PartitionRow._make, budget)

        return [(KEYS, keys), (REFERENCES, references), (TEXTS, texts), (PARTITIONS, partitions)]

    def _read(
        self,
        session: DatabricksSession,
        sql: str,
        parameters: Mapping[str, str],
        make: Callable[[Sequence[Any]], T],
        budget: Budget,
    ) -> list[T]:
        text = sql.format(**self._known)
        return [make(row) for row in session.rows(text, parameters, budget=budget)[1]]


def sized(reading: Reading) -> list[RelationRow]:
    """The tables whose size can be asked for; those beyond the most that are asked about are counted."""
    fitting = [row for row in reading.relations if row.format == "DELTA" and row.size is None]
    reading.left_out = max(0, len(fitting) - MOST_DETAILS)
    return sorted(fitting, key=lambda row: row.place)[:MOST_DETAILS]


def detail(reading: Reading, row: RelationRow) -> Step:
    """Asks for the size, files and clustering of one table."""

    def step(session: DatabricksSession, budget: Budget) -> None:
        sql = catalog.DETAIL.format(table=dotted(*row.place))
        names, rows = session.rows(sql, budget=budget)
        if rows:
            reading.details.append(detail_of(row, dict(zip(names, rows[0], strict=True))))

    return step


def detail_of(row: RelationRow, known: Mapping[str, Any]) -> DetailRow:
    """A row of DESCRIBE DETAIL, whose columns differ from version to version."""
    clustered = known.get("clusteringColumns")
    if isinstance(clustered, str):
        clustered = json.loads(clustered)
    return DetailRow(
        row.place,
        size=known.get("sizeInBytes"),
        files=known.get("numFiles"),
        clustered_by=[str(name) for name in clustered] if clustered else None,
    )
