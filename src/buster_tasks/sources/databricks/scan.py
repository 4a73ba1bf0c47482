"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from buster_tasks.errors import SourceError
from buster_tasks.sources.base import Step, Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import Wanted
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.databricks import legacy
from buster_tasks.sources.databricks.assembly import assemble
from buster_tasks.sources.databricks.catalog import PlaceRow
from buster_tasks.sources.databricks.details import (
    Asking,
    Step as DetailStep,
    detail,
    read_catalogs,
    sized,
)
from buster_tasks.sources.databricks.failures import is_absent
from buster_tasks.sources.databricks.reading import DETAILS, Reading
from buster_tasks.sources.databricks.session import DatabricksSession
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import StatisticsLevel

_SYSTEM = "system"
_NOBODYS = (_SYSTEM, "samples")
_INTERNAL = "__databricks_internal"


class Scan:
    """One introspection; `catalog` is that of the credentials."""

    def __init__(
        self, session: DatabricksSession, wanted: Wanted, budget: Budget, *, catalog: str | None
    ) -> None:
        self._session, self._budget, self._catalog = session, budget, catalog
        self._wanted = wanted
        self._filters = wanted.filters
        self._level: StatisticsLevel = wanted.statistics
        self._selection = Selection(wanted.filters, str.lower)
        self._reading = Reading()

    def steps(self) -> Steps:
        """Carry it out. Raises SourceError."""
        yield 0.0, {}
        reading = self._reading
        chosen = self._chosen(read_catalogs(self._session, self._budget))
        old = [name for name in chosen if name.lower() in legacy.LEGACY]
        yield from self._unity([name for name in chosen if name not in old])
        for name in [*old, *reading.legacy]:
            yield from self._old(name)
        if self._level != "none":
            self._sizes()
        with collector_held():
            reading.sort()
            return assemble(
                self._session.facts,
                reading,
                filters=self._filters,
                selection=self._selection,
                level=self._level,
            )

    def _chosen(self, names: Sequence[str]) -> list[str]:
        kept = [name for name in names if self._selection.database(name)]
        if self._filters.databases is not None:
            return kept
        if self._catalog is not None:
            return [self._session.facts.catalog]
        return [name for name in kept if name not in _NOBODYS and not name.startswith(_INTERNAL)]

    def _unity(self, names: list[str]) -> Generator[Step]:
        """Read these catalogs, together where the metastore's information schema is open to us, else one by one."""
        if not names:
            return
        asking = Asking(_SYSTEM, names, self._filters)
        places = self._places(asking)
        if places is not None:
            yield from self._catalogs(asking, names, places)
            return
        for name in names:
            asking = Asking(name, [name], self._filters)
            places = self._places(asking)
            if places is None:
                self._reading.legacy.append(name)
            else:
                yield from self._catalogs(asking, [name], places)

    def _places(self, asking: Asking) -> list[PlaceRow] | None:
        """Catalogs and schemas; None where this information schema is not there, or not for us."""
        try:
            return asking.places(self._session, self._budget)
        except SourceError as error:
            if error.code == "PERMISSION_DENIED" or is_absent(error):
                return None
            raise

    def _catalogs(
        self, asking: Asking, names: Sequence[str], places: Sequence[PlaceRow]
    ) -> Generator[Step]:
        reading, selection = self._reading, self._selection
        session, budget = self._session, self._budget
        told = {row.catalog: row for row in places if row.schema is None}
        reading.catalogs += [told.get(name, PlaceRow(name, None)) for name in names]
        reading.schemas += [
            row for row in places if row.schema and selection.schema(row.catalog, row.schema)
        ]
        kept = [row for row in asking.relations(session, budget) if selection.table(*row.place)]
        reading.relations += kept
        if selection.warnings():
            for place in asking.names(session, budget):
                selection.table(*place)
        yield 0.2, {"tables": len(kept)}
        if not kept:
            return
        reading.columns += asking.columns(session, budget)
        steps = asking.steps(reading)
        for done, (part, step) in enumerate(steps):
            counts = {"tables": len(kept), "columns": len(reading.columns)}
            yield 0.5 + 0.4 * done / len(steps), counts
            self._ask_for(part, step)

    def _old(self, name: str) -> Generator[Step]:
        reading = self._reading
        if name not in reading.legacy:
            reading.legacy.append(name)
        reading.catalogs.append(PlaceRow(name, None))
        schemas = legacy.read_schemas(self._session, self._budget, name, self._selection)
        reading.schemas += schemas
        for row in schemas:
            place = (name, row.schema or "")
            legacy.read_schema(self._session, self._budget, place, self._selection, reading)
            yield 0.9, {"tables": len(reading.relations)}

    def _sizes(self) -> None:
        asked = sized(self._reading)
        for done, row in enumerate(asked):
            if self._wanted.ends.is_spent:
                self._reading.left_out += len(asked) - done
                return
            self._ask_for(DETAILS, detail(self._reading, row))

    def _ask_for(self, part: str, step: DetailStep) -> None:
        """What may be refused, or left out where there is no time for it."""
        try:
            with self._wanted.optional(self._budget) as budget:
                step(self._session, budget)
        except SourceError as error:
            if not self._wanted.forgives(error):
                raise
            self._reading.failed[part] = error
