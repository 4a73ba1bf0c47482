"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, TypeVar

from buster_tasks.errors import QueryCanceledError, SourceError
from buster_tasks.sources.base import Step, Steps
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.filters import Selection, exact_case
from buster_tasks.sources.redshift import catalog
from buster_tasks.sources.redshift.assembly import assemble
from buster_tasks.sources.redshift.narrowing import Narrowing
from buster_tasks.sources.redshift.reading import (
    Reading,
    is_late_binding,
    is_materialized,
    view_of,
)
from buster_tasks.sources.schema import StatisticsLevel

if TYPE_CHECKING:
    from buster_tasks.sources.blocking import Budget
    from buster_tasks.sources.blocking_source import Wanted
    from buster_tasks.sources.redshift.session import Reader, RedshiftSession

R = TypeVar("R")


class Scan:
    """One introspection."""

    def __init__(self, session: RedshiftSession, wanted: Wanted) -> None:
        self._session = session
        self._wanted = wanted
        self._filters = wanted.filters
        self._level: StatisticsLevel = wanted.statistics
        self._selection = Selection(wanted.filters, exact_case)
        self._database = ""

    def steps(self, budget: Budget) -> Steps:
        """Carry it out in one transaction, so that it shows one moment. Raises SourceError."""
        with self._session.reading(budget) as reader:
            yield 0.0, {}
            reading, kept = self._begin(reader)
            if kept.schemas:
                yield from self._structure(reader, reading, kept)
                yield from self._details(reader, reading, kept, budget)
                if self._is_in_doubt() and not self._wanted.ends.is_spent:
                    for schema, name in catalog.read_names(reader, kept):
                        self._selection.table(kept.database, schema, name)
        with collector_held():
            return assemble(
                reading,
                user=self._session.user,
                version=self._session.server_version,
                filters=self._filters,
                selection=self._selection,
                level=self._level,
            )

    def _begin(self, reader: Reader) -> tuple[Reading, Narrowing]:
        database, schemas = catalog.read_schemas(reader)
        self._database = database.name
        kept = [one for one in schemas if self._selection.schema(database.name, one.name)]
        names = [one.name for one in kept]
        return Reading(database, kept), Narrowing.of(self._filters, database.name, names)

    def _structure(self, reader: Reader, reading: Reading, kept: Narrowing) -> Generator[Step]:
        found = catalog.read_relations(reader, kept)
        reading.relations = [row for row in found if self._keeps(row.schema, row.name)]
        views = sum(row.kind == "v" for row in reading.relations)
        yield 0.2, {"tables": len(reading.relations) - views, "views": views}
        columns = catalog.read_columns(reader, kept)
        with collector_held():
            reading.columns = [row for row in columns if self._keeps(row.schema, row.table)]
        yield 0.5, {"columns": len(reading.columns)}
        reading.keys = catalog.read_keys(reader, kept)
        yield 0.6, {}

    def _details(
        self, reader: Reader, reading: Reading, kept: Narrowing, budget: Budget
    ) -> Generator[Step]:
        """What a user may be refused, or left out; the rare ones only where there is something to ask about."""

        def optional(name: str, read: Callable[[], Sequence[R]]) -> Sequence[R] | None:
            try:
                return self._in_time(read, budget)
            except SourceError as error:
                if not self._wanted.forgives(error):
                    raise
                reading.failed[name] = error
                return None

        reading.info = optional("info", lambda: catalog.read_table_info(reader, kept))
        yield 0.7, {}
        external = optional("external", lambda: catalog.read_external(reader, kept)) or ()
        reading.external = [row for row in external if self._keeps(row.schema, row.table)]
        yield 0.8, {}
        if any(map(is_late_binding, reading.relations)):
            late = optional("late", lambda: catalog.read_late_binding(reader)) or ()
            reading.late = [row for row in late if self._keeps(row.schema, row.view)]
        if any(is_materialized(row) or view_of(row.name) for row in reading.relations):
            rows = optional("materialized", lambda: catalog.read_materialized(reader, kept)) or ()
            reading.materialized = [row for row in rows if self._keeps(row.schema, row.name)]
        if self._has_shared(reading):
            shared = optional("shared", lambda: catalog.read_shared(reader, kept)) or ()
            reading.shared = [row for row in shared if self._keeps(row.schema, row.name)]
        if self._level != "none":
            statistics = optional("statistics", lambda: catalog.read_statistics(reader, kept))
            reading.statistics = statistics or ()
        yield 0.9, {}

    def _in_time(self, read: Callable[[], Sequence[R]], budget: Budget) -> Sequence[R]:
        """What it reads, or a timeout where the introspection's time limit came first."""
        with self._wanted.optional(budget) as own:
            if own.is_spent:
                raise own.error()
            try:
                return read()
            except QueryCanceledError as error:
                if own.is_spent:
                    raise own.error() from error
                raise

    def _keeps(self, schema: str, name: str) -> bool:
        return self._selection.table(self._database, schema, name)

    def _has_shared(self, reading: Reading) -> bool:
        """Whether columns were seen of what the catalog does not hold, as in the database of a datashare."""
        known = {(row.schema, row.name) for row in reading.relations}
        known |= {(row.schema, row.table) for row in reading.external}
        return any((row.schema, row.table) not in known for row in reading.columns)

    def _is_in_doubt(self) -> bool:
        """Whether what was kept does not tell which patterns match something."""
        wanted = self._filters
        is_missed = wanted.tables is not None and bool(self._selection.warnings())
        return is_missed or bool(wanted.exclude_tables)
