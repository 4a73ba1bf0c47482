"""What is asked of one database, step by step, into a `Reading`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.quoting import in_brackets as quote
from buster_tasks.sources.schema import Filters, StatisticsLevel
from buster_tasks.sources.sqlserver import catalog
from buster_tasks.sources.sqlserver.catalog import (
    ColumnRow,
    DatabaseRow,
    HistogramRow,
    IndexRow,
    PartitionRow,
    ReferenceRow,
    RelationRow,
    SizeRow,
    TextRow,
)
from buster_tasks.sources.sqlserver.narrowing import of_schemas, of_tables
from buster_tasks.sources.sqlserver.reading import Reading
from buster_tasks.sources.sqlserver.session import SqlserverSession

T = TypeVar("T")
Step = Callable[[SqlserverSession, Budget], None]

SIZES = "sizes"


def read_databases(session: SqlserverSession, budget: Budget) -> list[DatabaseRow]:
    """The databases of the server, also those that we may not enter, without its own."""
    return [DatabaseRow._make(row) for row in session.rows(catalog.DATABASES, budget=budget)]


class Asking:
    """The catalog's statements for one database, narrowed by the filters."""

    def __init__(self, database: str, filters: Filters) -> None:
        self._database = database
        self._schemas = of_schemas(filters, database)
        self._tables = of_tables(filters, database)

    def relations(self, session: SqlserverSession, budget: Budget) -> list[RelationRow]:
        """Schemas, tables and views."""
        parameters = (*self._schemas.parameters, *self._tables.parameters)
        return self._read(session, catalog.RELATIONS, parameters, RelationRow._make, budget)

    def names(self, session: SqlserverSession, budget: Budget) -> list[tuple[str, str]]:
        """Schemas and tables by name alone, also those that the filters leave out."""
        return self._read(
            session, catalog.NAMES, (), lambda row: (str(row[0]), str(row[1])), budget
        )

    def columns(self, reading: Reading, session: SqlserverSession, budget: Budget) -> None:
        """The columns, without which there is no introspection."""
        reading.columns = self._of_tables(session, catalog.COLUMNS, ColumnRow._make, budget)

    def steps(
        self, reading: Reading, level: StatisticsLevel, *, is_current: bool
    ) -> list[tuple[str, Step]]:
        """What to ask beside the columns, by the name of what would be missing: each may fail without the others."""

        def indexes(session: SqlserverSession, budget: Budget) -> None:
            reading.indexes = self._of_tables(session, catalog.INDEXES, IndexRow._make, budget)

        def references(session: SqlserverSession, budget: Budget) -> None:
            sql = catalog.REFERENCES
            reading.references = self._of_tables(session, sql, ReferenceRow._make, budget)

        def texts(session: SqlserverSession, budget: Budget) -> None:
            twice = self._tables.parameters * 2
            reading.texts = self._read(session, catalog.TEXTS, twice, TextRow._make, budget)

        def sizes(session: SqlserverSession, budget: Budget) -> None:
            reading.sizes = self._sizes(reading, session, budget)

        def partitions(session: SqlserverSession, budget: Budget) -> None:
            if reading.has_partitions:
                sql = catalog.PARTITIONS
                reading.partitions = self._of_tables(session, sql, PartitionRow._make, budget)

        def histograms(session: SqlserverSession, budget: Budget) -> None:
            sql = catalog.HISTOGRAMS
            reading.histograms = self._of_tables(session, sql, HistogramRow._make, budget)

        found: list[tuple[str, Step]] = [
            ("indexes", indexes),
            ("foreign keys", references),
            ("texts of views and checks", texts),
            (SIZES, sizes),
            ("partitions", partitions),
        ]
        return [*found, ("statistics", histograms)] if level != "none" and is_current else found

    def _sizes(self, reading: Reading, session: SqlserverSession, budget: Budget) -> list[SizeRow]:
        """Rows and pages; the rows alone where the pages are not for us, which is an issue."""
        try:
            return self._of_tables(session, catalog.SIZES, SizeRow._make, budget)
        except PermissionDeniedError as error:
            reading.failed[SIZES] = error
        return self._of_tables(session, catalog.COUNTS, SizeRow._make, budget)

    def _of_tables(
        self,
        session: SqlserverSession,
        sql: str,
        make: Callable[[Sequence[Any]], T],
        budget: Budget,
    ) -> list[T]:
        return self._read(session, sql, self._tables.parameters, make, budget)

    def _read(
        self,
        session: SqlserverSession,
        sql: str,
        parameters: Sequence[str],
        make: Callable[[Sequence[Any]], T],
        budget: Budget,
    ) -> list[T]:
        text = sql.format(
            db=quote(self._database), of_schemas=self._schemas.sql, of_tables=self._tables.sql
        )
        return [make(row) for row in session.rows(text, parameters, budget=budget)]
