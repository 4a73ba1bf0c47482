"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buster_tasks.sources.base import Steps
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.filters import Selection, exact_case
from buster_tasks.sources.postgres.assembly import assemble
from buster_tasks.sources.postgres.catalog import (
    MOST_NAMES,
    RelationRow,
    SchemaRow,
    read_columns,
    read_constraints,
    read_indexes,
    read_names,
    read_relations,
    read_schemas,
)
from buster_tasks.sources.postgres.columns import add_columns
from buster_tasks.sources.postgres.reading import Reading
from buster_tasks.sources.schema import StatisticsLevel

if TYPE_CHECKING:
    from buster_tasks.sources.blocking import Budget
    from buster_tasks.sources.blocking_source import Wanted
    from buster_tasks.sources.postgres.session import PostgresSession, Reader


class Scan:
    """One introspection."""

    def __init__(self, session: PostgresSession, wanted: Wanted) -> None:
        self._session = session
        self._filters = wanted.filters
        self._level: StatisticsLevel = wanted.statistics
        self._selection = Selection(wanted.filters, exact_case)

    def steps(self, budget: Budget) -> Steps:
        """Carry it out, all in one transaction, so that it shows one moment. Raises SourceError."""
        with self._session.reading(budget, catalog=True) as reader:
            yield 0.0, {}
            reading = self._relations(reader)
            views = sum(relation.kind == "v" for relation in reading.relations)
            yield 0.2, {"tables": len(reading.relations) - views, "views": views}
            oids = [relation.oid for relation in reading.relations]
            reading.constraints = read_constraints(reader, oids)
            yield 0.3, {}
            reading.indexes = read_indexes(reader, oids)
            yield 0.4, {"indexes": len(reading.indexes)}
            rows = read_columns(reader, oids, with_statistics=self._level != "none")
            add_columns(reading, rows)
            yield 0.8, {"columns": sum(map(len, reading.found_columns.values()))}
            version = self._session.server_version
        with collector_held():
            return assemble(
                reading,
                user=self._session.user,
                version=version,
                filters=self._filters,
                selection=self._selection,
                level=self._level,
            )

    def _relations(self, reader: Reader) -> Reading:
        database, schemas = read_schemas(reader)
        kept = [one for one in schemas if self._selection.schema(database.name, one.name)]
        relations = [
            relation
            for relation in (read_relations(reader, kept, self._filters) if kept else ())
            if self._selection.table(database.name, relation.schema, relation.name)
        ]
        if kept and self._is_in_doubt(relations):
            self._look_at_all(reader, database.name, kept)
        return Reading(database, kept, relations)

    def _is_in_doubt(self, relations: list[RelationRow]) -> bool:
        """Whether what was kept does not tell which patterns match something."""
        wanted = self._filters
        is_missed = wanted.tables is not None and (
            not relations or bool(self._selection.warnings())
        )
        return is_missed or bool(wanted.exclude_tables)

    def _look_at_all(self, reader: Reader, database: str, kept: list[SchemaRow]) -> None:
        names = read_names(reader, kept)
        for schema, name in names[:MOST_NAMES]:
            self._selection.table(database, schema, name)
