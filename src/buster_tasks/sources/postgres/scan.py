"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from buster_tasks.errors import SourceError
from buster_tasks.sources.base import Step, Steps
from buster_tasks.sources.blocking import Budget
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
    from buster_tasks.sources.blocking_source import Wanted
    from buster_tasks.sources.postgres.session import PostgresSession, Reader


# The structure is worth more than what else is left out past the limit, and a task has some time left then.
_LATE_SECONDS = 3.0
_DONE = (0.3, 0.8, 0.9)


class Scan:
    """One introspection."""

    def __init__(self, session: PostgresSession, wanted: Wanted) -> None:
        self._session, self._wanted = session, wanted
        left = wanted.ends.left()
        self._late = Budget(None if left is None else left + _LATE_SECONDS)
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
            yield from self._details(reader, reading, budget)
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

    def _details(self, reader: Reader, reading: Reading, budget: Budget) -> Generator[Step]:
        """One part after the other until the time is up; what is not read by then is told."""
        oids = [relation.oid for relation in reading.relations]

        def constraints() -> None:
            reading.constraints = read_constraints(reader, oids)

        def columns() -> None:
            rows = read_columns(reader, oids, with_statistics=self._level != "none")
            add_columns(reading, rows)

        def indexes() -> None:
            reading.indexes = read_indexes(reader, oids)

        parts = (("constraints", constraints), ("columns", columns), ("indexes", indexes))
        for at, (_name, read) in enumerate(parts):
            try:
                with self._wanted.limited(self._late.left(), budget) as own, reader.within(own):
                    read()
            except SourceError as error:
                if not self._wanted.forgives(error):
                    raise
                reading.leave_out([name for name, _read in parts[at:]], error)
                return
            yield _DONE[at], reading.counts()

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
