"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from collections.abc import Generator

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceError
from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import Wanted
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.schema import Filters, StatisticsLevel
from buster_tasks.sources.snowflake import asking, narrowing
from buster_tasks.sources.snowflake.assembly import assemble
from buster_tasks.sources.snowflake.catalog import DatabaseRow
from buster_tasks.sources.snowflake.details import COLUMNS, Details, Step
from buster_tasks.sources.snowflake.reading import Failure, Reading
from buster_tasks.sources.snowflake.session import SnowflakeSession

_EVERYTHING = Filters()
_NOT_TOLD = (QueryFailedError, PermissionDeniedError)


class Scan:
    """One introspection."""

    def __init__(self, session: SnowflakeSession, wanted: Wanted, budget: Budget) -> None:
        self._session, self._budget = session, budget
        self._wanted = wanted
        self._filters = wanted.filters
        self._level: StatisticsLevel = wanted.statistics
        self._selection = Selection(wanted.filters, ascii_case)
        self._reading = Reading(session.facts, [])

    def steps(self) -> Steps:
        """Carry it out. Raises SourceError."""
        yield 0.0, {}
        reading = self._reading
        reading.databases = self._databases()
        for at, row in enumerate(reading.databases):
            for share in self._database(row.name):
                yield 0.9 * (at + share) / len(reading.databases), _counts(reading)
        if self._selection.warnings():
            self._show_other_names()
        with collector_held():
            reading.sort()
            return assemble(
                reading, filters=self._filters, selection=self._selection, level=self._level
            )

    def _databases(self) -> list[DatabaseRow]:
        """The session's database, or those that the filters name; as far as Snowflake shows them."""
        own, found = self._reading.facts.database or "", list[DatabaseRow]()
        try:
            found += asking.read_databases(self._session, self._budget)
        except _NOT_TOLD as error:
            self._reading.failures.append(Failure(own, "databases beside it", error))
        if not any(row.name == own for row in found):
            found.append(DatabaseRow(own))
        kept = [row for row in found if self._selection.database(row.name)]
        if self._filters.databases is None:
            kept = [row for row in kept if row.name == own]
        return sorted(kept, key=lambda row: row.name)

    def _database(self, name: str) -> Generator[float]:
        """Everything about one database, and how far that is; what of it cannot be read is kept as a failure."""
        reading = self._reading
        try:
            is_whole = self._relations(name)
        except _NOT_TOLD as error:
            if len(reading.databases) == 1:
                raise
            reading.failures.append(Failure(name, "tables", error))
            return
        if not any(one.database == name for one in reading.relations):
            return
        yield 0.2
        steps = Details(reading, name, is_whole).steps()
        for done, (part, step) in enumerate(steps, 1):
            try:
                self._ask(part, step)
            except SourceError as error:
                if not self._wanted.forgives(error):
                    raise
                reading.failures.append(Failure(name, part, error))
            yield 0.2 + 0.8 * done / len(steps)

    def _ask(self, part: str, step: Step) -> None:
        """All but the columns is left out where there is no time for it."""
        if part == COLUMNS:
            step(self._session, self._budget)
            return
        with self._wanted.optional(self._budget) as budget:
            step(self._session, budget)

    def _relations(self, name: str) -> bool:
        """Schemas and tables of a database; whether what was kept is all there is."""
        filters, reading, selection = self._filters, self._reading, self._selection
        wanted = narrowing.of_schemas(filters, name)
        schemas = asking.read_schemas(self._session, name, wanted, self._budget)
        if not schemas and filters.schemas is None:
            reading.without_schemas.append(name)
        kept = [row for row in schemas if selection.schema(name, row.name)]
        reading.schemas += kept
        if not kept:
            return False
        tables, names = narrowing.of_tables(filters, name), [row.name for row in kept]
        found = asking.read_relations(self._session, name, tables, names, self._budget)
        inside = [row for row in found if selection.table(*row.place)]
        reading.relations += inside
        return filters.schemas is None and filters.tables is None and len(inside) == len(found)

    def _show_other_names(self) -> None:
        """Let the selection see what the conditions kept from it, for the sake of its hints."""
        for row in self._reading.databases:
            everything = narrowing.of_tables(_EVERYTHING, row.name)
            try:
                names = asking.read_names(self._session, row.name, everything, self._budget)
            except _NOT_TOLD:
                continue
            for schema, name in names:
                self._selection.schema(row.name, schema)
                self._selection.table(row.name, schema, name)


def _counts(reading: Reading) -> dict[str, int]:
    views = len(reading.places("VIEW"))
    return {
        "tables": len(reading.relations) - views,
        "views": views,
        "columns": len(reading.columns),
    }
