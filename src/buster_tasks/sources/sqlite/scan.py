"""Introspection step by step: what is asked, in which order, and how far it is after each step."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from buster_tasks.errors import DatabaseCorruptError, QueryFailedError, SourceTimeoutError
from buster_tasks.sources.base import Step, Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import Wanted
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.filters import Selection, ascii_case
from buster_tasks.sources.quoting import in_double_quotes
from buster_tasks.sources.schema import StatisticsLevel
from buster_tasks.sources.sqlite.assembly import Sizing, assemble
from buster_tasks.sources.sqlite.catalog import (
    RelationRow,
    StatisticsRow,
    count_rows,
    read_facts,
    read_relations,
    read_sizes,
    read_statistics,
    read_structure,
)
from buster_tasks.sources.sqlite.issues import SCHEMA
from buster_tasks.sources.sqlite.reading import Reading
from buster_tasks.sources.sqlite.session import SqliteSession

_TABLES_PER_REPORT = 32


class Scan:
    """One introspection."""

    def __init__(
        self,
        session: SqliteSession,
        wanted: Wanted,
        budget: Budget,
        *,
        database: str,
        count_seconds: float,
    ) -> None:
        self._session, self._budget = session, budget
        self._database, self._count_seconds = database, count_seconds
        self._filters, self._ends = wanted.filters, wanted.ends
        self._level: StatisticsLevel = wanted.statistics
        self._selection = Selection(wanted.filters, ascii_case)

    def steps(self) -> Steps:
        """Carry it out. Raises SourceError."""
        session, budget = self._session, self._budget
        yield 0.0, {}
        relations = read_relations(session, budget)
        kept = self._kept(relations)
        views = sum(relation.kind == "view" for relation in kept)
        yield 0.1, {"tables": len(kept) - views, "views": views}
        with collector_held():
            structure = read_structure(session, kept, budget)
        analyzed = self._statistics(relations)
        yield 0.4, {"columns": len(structure.columns)}
        lost = {one.name for one in structure.unreadable}
        countable = [one.name for one in kept if one.kind != "view" and one.name not in lost]
        sizing = yield from self._measure(countable)
        names = [relation.name for relation in relations]
        facts = read_facts(session, budget)
        with collector_held():
            reading = Reading(self._database, kept, structure, names=names, statistics=analyzed)
            return assemble(
                reading,
                sizing,
                facts,
                filters=self._filters,
                selection=self._selection,
                level=self._level,
            )

    def _kept(self, relations: Sequence[RelationRow]) -> list[RelationRow]:
        """What the filters keep, without the tables whose names SQLite has for itself."""
        return [
            relation
            for relation in relations
            if not ascii_case(relation.name).startswith("sqlite_")
            and self._selection.table(self._database, SCHEMA, relation.name)
        ]

    def _statistics(self, relations: Sequence[RelationRow]) -> list[StatisticsRow]:
        if not any(relation.name == "sqlite_stat1" for relation in relations):
            return []
        return read_statistics(self._session, self._budget)

    def _measure(self, tables: Sequence[str]) -> Generator[Step, None, Sizing]:
        """Rows and bytes of the tables as far as the time goes; what fails for one is noted, and the rest goes on."""
        sizing = Sizing()
        for at, table in enumerate(tables):
            try:
                quoted = in_double_quotes(table)
                sizing.counted[table] = count_rows(self._session, quoted, self._allowance())
            except (SourceTimeoutError, QueryFailedError, DatabaseCorruptError) as error:
                sizing.uncounted[table] = error
            if (at + 1) % _TABLES_PER_REPORT == 0 or at + 1 == len(tables):
                yield 0.4 + 0.5 * (at + 1) / len(tables), {"tables_counted": at + 1}
        try:
            sizing.bytes = read_sizes(self._session, self._allowance())
        except (SourceTimeoutError, DatabaseCorruptError) as error:
            sizing.unsized = error
        return sizing

    def _allowance(self) -> Budget:
        left = self._ends.left()
        seconds = self._count_seconds if left is None else min(self._count_seconds, left)
        return Budget(seconds, within=self._budget)
