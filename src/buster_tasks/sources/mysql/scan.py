"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from collections.abc import Generator

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceError
from buster_tasks.sources.base import Step, Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import Wanted
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.filters import Selection, ascii_case, exact_case
from buster_tasks.sources.mysql import asking, details, narrowing
from buster_tasks.sources.mysql.assembly import assemble
from buster_tasks.sources.mysql.catalog import RelationRow
from buster_tasks.sources.mysql.reading import DATABASE, SEQUENCE, Reading
from buster_tasks.sources.mysql.rights import Rights, read_rights
from buster_tasks.sources.mysql.session import MysqlSession
from buster_tasks.sources.schema import Filters, StatisticsLevel

_EVERYTHING = Filters()


class Scan:
    """One introspection."""

    def __init__(self, session: MysqlSession, wanted: Wanted, budget: Budget) -> None:
        self._session, self._budget = session, budget
        self._wanted = wanted
        self._filters = wanted.filters
        self._level: StatisticsLevel = wanted.statistics
        fold = ascii_case if session.server.ignores_case else exact_case
        self._selection = Selection(wanted.filters, fold)

    def steps(self) -> Steps:
        """Carry it out. Raises SourceError."""
        yield 0.0, {}
        reading, is_whole = self._relations()
        views = len(reading.view_places())
        yield 0.2, {"tables": len(reading.relations) - views, "views": views}
        if reading.relations:
            yield from self._details(reading, is_whole=is_whole)
        with collector_held():
            reading.sort()
            return assemble(
                reading, filters=self._filters, selection=self._selection, level=self._level
            )

    def _relations(self) -> tuple[Reading, bool]:
        """What the filters keep, and whether that is all there is."""
        filters, session = self._filters, self._session
        databases, tables = narrowing.of_databases(filters), narrowing.of_tables(filters)
        found = asking.read_relations(session, databases, tables, self._budget)
        kept = [row for row in found if self._keeps(row)]
        kept.sort(key=lambda row: row.place)
        if self._selection.warnings():
            self._show_other_names()
        reading = Reading(
            server=session.server,
            databases=[row for row in kept if row.kind == DATABASE],
            relations=[row for row in kept if row.kind != DATABASE],
            rights=self._rights(),
        )
        is_whole = (
            len(kept) == sum(row.kind != SEQUENCE for row in found) and filters.tables is None
        )
        return reading, is_whole

    def _keeps(self, row: RelationRow) -> bool:
        if row.kind == DATABASE:
            return self._selection.schema(row.schema, row.schema)
        return row.kind != SEQUENCE and self._selection.table(row.schema, row.schema, row.name)

    def _show_other_names(self) -> None:
        """Let the selection see what the server's conditions kept from it, for the sake of its hints."""
        everything = narrowing.of_databases(_EVERYTHING)
        for schema, name in asking.read_names(self._session, everything, self._budget):
            self._selection.schema(schema, schema)
            self._selection.table(schema, schema, name)

    def _rights(self) -> Rights | None:
        """What we may see; None where the server does not tell, as one that checks no rights at all."""
        try:
            return read_rights(asking.read_grants(self._session, self._budget))
        except (QueryFailedError, PermissionDeniedError):
            return None

    def _details(self, reading: Reading, *, is_whole: bool) -> Generator[Step]:
        kept = narrowing.of_kept([row.place for row in reading.relations], all_of_them=is_whole)
        details.columns(reading, kept, self._session, self._budget)
        yield 0.5, {"columns": len(reading.columns)}
        steps = details.steps(reading, kept, with_distinct=self._level != "none")
        for done, (name, step) in enumerate(steps, 1):
            try:
                with self._wanted.optional(self._budget) as budget:
                    step(self._session, budget)
            except SourceError as error:
                if not self._wanted.forgives(error):
                    raise
                reading.failed[name] = error
            yield 0.5 + 0.4 * done / len(steps), {}
