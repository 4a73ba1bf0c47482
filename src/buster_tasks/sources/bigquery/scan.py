"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from buster_tasks.errors import SourceError, SourceTimeoutError
from buster_tasks.sources.base import Step, Steps
from buster_tasks.sources.bigquery import asking
from buster_tasks.sources.bigquery.assembly import assemble
from buster_tasks.sources.bigquery.catalog import Scope
from buster_tasks.sources.bigquery.reading import VIEW, Reading, Row, place_of
from buster_tasks.sources.bigquery.session import BigquerySession
from buster_tasks.sources.bigquery.shards import families
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import Wanted
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.filters import Selection, exact_case
from buster_tasks.sources.schema import StatisticsLevel


class Scan:
    """One introspection."""

    def __init__(
        self, session: BigquerySession, wanted: Wanted, budget: Budget, *, project: str
    ) -> None:
        self._session, self._budget, self._project = session, budget, project
        self._wanted = wanted
        self._filters = wanted.filters
        self._level: StatisticsLevel = wanted.statistics
        self._selection = Selection(wanted.filters, exact_case)

    def steps(self) -> Steps:
        """Carry it out. Raises SourceError."""
        yield 0.0, {}
        reading, scopes, is_whole = self._relations()
        yield 0.2, _counts(reading)
        if reading.relations:
            yield from self._details(reading, scopes, is_whole=is_whole)
        with collector_held():
            return assemble(
                reading, filters=self._filters, selection=self._selection, level=self._level
            )

    def _relations(self) -> tuple[Reading, list[Scope], bool]:
        """What the filters keep, over what the rest is to be asked, and whether that is all there is."""
        project, selection = self._project, self._selection
        selection.database(project)
        seen = self._session.datasets(self._budget)
        datasets = [one for one in seen if selection.schema(project, one.name)]
        locations = {dataset.name: dataset.location for dataset in datasets}
        reading = Reading(project, locations, has_seen_any=bool(seen))
        scopes: list[Scope] = []
        found: list[Row] = []
        for scope in asking.scopes(project, datasets):
            visible, rows = asking.read_tables(
                self._session, scope, self._filters, reading, self._budget
            )
            scopes += [visible] if visible.datasets else []
            found += rows
        reading.relations = {
            place_of(row): row for row in found if selection.table(project, *place_of(row))
        }
        reading.families = families(
            (place, str(row["table_type"])) for place, row in reading.relations.items()
        )
        if selection.warnings() and self._filters.tables is not None:
            self._show_other_names(scopes)
        is_whole = len(reading.told()) == len(found) and self._filters.tables is None
        return reading, scopes, is_whole

    def _show_other_names(self, scopes: Sequence[Scope]) -> None:
        """Let the selection see what the catalog's conditions kept from it, for the sake of its hints."""
        for scope in scopes:
            for schema, name in asking.read_names(self._session, scope, self._budget):
                self._selection.table(scope.project, schema, name)

    def _details(
        self, reading: Reading, scopes: Sequence[Scope], *, is_whole: bool
    ) -> Generator[Step]:
        parts = [
            part for scope in scopes for part in asking.parts(scope, reading, is_whole=is_whole)
        ]
        for done, part in enumerate(parts, 1):
            try:
                self._ask(part)
            except SourceError as error:
                if part.name == asking.COLUMNS or not self._wanted.forgives(error):
                    raise
                if part.name == asking.NUMBERS and isinstance(error, SourceTimeoutError):
                    reading.is_hurried = True
                else:
                    reading.failed.append((part.name, part.location, error))
            counts = {**_counts(reading), "columns": len(reading.columns)}
            yield 0.2 + 0.7 * done / len(parts), counts

    def _ask(self, part: asking.Part) -> None:
        """All but the columns is left out where there is no time for it."""
        if part.name == asking.COLUMNS:
            part.ask(self._session, self._budget)
            return
        with self._wanted.optional(self._budget) as budget:
            part.ask(self._session, budget)


def _counts(reading: Reading) -> dict[str, int]:
    told = reading.told()
    views = sum(reading.kind(place) == VIEW for place in told)
    return {"tables": len(told) - views, "views": views}
