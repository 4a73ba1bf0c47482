"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TypeVar

from buster_tasks.errors import SourceError
from buster_tasks.sources.base import Step, Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import Wanted
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import Filters, Issue, StatisticsLevel
from buster_tasks.sources.sqlserver import issues
from buster_tasks.sources.sqlserver.assembly import assemble
from buster_tasks.sources.sqlserver.catalog import DatabaseRow
from buster_tasks.sources.sqlserver.details import Asking, Step as DetailStep, read_databases
from buster_tasks.sources.sqlserver.reading import SCHEMA, Reading
from buster_tasks.sources.sqlserver.server import Server
from buster_tasks.sources.sqlserver.session import SqlserverSession

T = TypeVar("T")

_MASTER = "master"


class Scan:
    """One introspection."""

    def __init__(
        self,
        session: SqlserverSession,
        wanted: Wanted,
        budget: Budget,
        *,
        statement_seconds: float | None,
    ) -> None:
        self._session, self._budget = session, budget
        self._statement_seconds = statement_seconds
        self._wanted = wanted
        self._filters = wanted.filters
        self._level: StatisticsLevel = wanted.statistics
        self._selection = Selection(wanted.filters, session.server.fold)

    def steps(self) -> Steps:
        """Carry it out. Raises SourceError."""
        yield 0.0, {}
        server = self._session.server
        found = self._ask(read_databases)
        databases, missed = chosen(server, found, self._filters, self._selection)
        readings: list[Reading] = []
        for at, database in enumerate(databases):
            share = (at / len(databases), 0.9 / len(databases))
            readings.append((yield from self._database(database, share)))
        with collector_held():
            for reading in readings:
                reading.sort()
            return assemble(
                server,
                readings,
                filters=self._filters,
                selection=self._selection,
                level=self._level,
                more=missed,
            )

    def _ask(self, work: Callable[[SqlserverSession, Budget], T]) -> T:
        with self._wanted.limited(self._statement_seconds, self._budget) as budget:
            return work(self._session, budget)

    def _ask_for(self, reading: Reading, part: str, step: DetailStep) -> None:
        """What may be refused, or left out where there is no time for it."""
        try:
            with self._wanted.optional(self._budget, self._statement_seconds) as budget:
                step(self._session, budget)
        except SourceError as error:
            if not self._wanted.forgives(error):
                raise
            reading.failed[part] = error

    def _database(
        self, database: DatabaseRow, share: tuple[float, float]
    ) -> Generator[Step, None, Reading]:
        """What the filters keep of one database; `share` is where its part of the progress begins, and its length."""
        selection, name, (begin, length) = self._selection, database.name, share
        asking = Asking(name, self._filters)
        found = self._ask(asking.relations)
        relations = [
            row for row in found
            if row.kind != SCHEMA and selection.table(name, row.schema, row.name)
        ]  # fmt: skip
        full = {row.schema for row in relations}
        schemas = [
            row for row in found
            if row.kind == SCHEMA and (row.schema != "guest" or row.schema in full)
            and selection.schema(name, row.schema)
        ]  # fmt: skip
        reading = Reading(database, schemas, relations)
        if selection.warnings():
            for schema, table in self._ask(asking.names):
                selection.table(name, schema, table)
        yield begin + 0.2 * length, {"tables": len(relations)}
        if not relations:
            return reading
        self._ask(partial(asking.columns, reading))
        is_current = name == self._session.server.database
        steps = asking.steps(reading, self._level, is_current=is_current)
        for done, (part, step) in enumerate(steps):
            yield (
                begin + length * (0.5 + 0.5 * done / len(steps)),
                {"columns": len(reading.columns)},
            )
            self._ask_for(reading, part, step)
        return reading


def chosen(
    server: Server, databases: list[DatabaseRow], filters: Filters, selection: Selection
) -> tuple[list[DatabaseRow], list[Issue]]:
    """The databases to read, and an issue for each that the filters keep and that cannot be."""
    kept = [one for one in databases if selection.database(one.name)]
    if filters.databases is None:
        is_master = server.database == _MASTER and not server.has_one_database
        kept = [one for one in kept if (one.name == server.database) != is_master]
        closed: list[DatabaseRow] = []  # nobody asked for those in particular
    else:
        closed = [one for one in kept if not one.may_enter]
    opened = [one for one in kept if one.may_enter]
    if not server.has_one_database:
        return opened, issues.not_entered(server, closed)
    own = [one for one in opened if one.name == server.database]
    away = [one for one in kept if one.name != server.database]
    return own, issues.out_of_reach(server, away)
