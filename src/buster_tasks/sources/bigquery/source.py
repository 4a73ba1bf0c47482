"""A BigQuery project as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from buster_tasks.errors import (
    DriverMissingError,
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
)
from buster_tasks.sources.base import ConnectionTest, Progress, QueryResult, no_progress
from buster_tasks.sources.bigquery.catalog import Scope, quote
from buster_tasks.sources.bigquery.reading import VIEW, Reading, Row, place_of
from buster_tasks.sources.bigquery.shards import families
from buster_tasks.sources.blocking import BlockingThread, Budget
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.credentials import BigqueryCredentials
from buster_tasks.sources.filters import Selection, exact_case
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel

if TYPE_CHECKING:
    from buster_tasks.sources.bigquery.session import BigquerySession, Dataset

T = TypeVar("T")

_OPEN_SECONDS = 20.0
_CLOSE_SECONDS = 0.7
_EVERYTHING = Filters()
_API = "BigQuery API v2"


class BigquerySource:
    """A project that is read and never written.

    A database is the project of the credentials, a schema a dataset, and all datasets that the user may see are read,
    wherever they are, unless the filters say which. Statements of `execute` are carried out where the credentials'
    `location` says, or where BigQuery finds the datasets that they name.
    """

    kind: Literal["bigquery"] = "bigquery"

    def __init__(self, credentials: BigqueryCredentials) -> None:
        milliseconds = credentials.connection_timeout
        self._open_seconds = _OPEN_SECONDS if milliseconds is None else milliseconds / 1000
        self._credentials = credentials
        self._session: BigquerySession | None = None
        self._thread = BlockingThread("bigquery-source", self._interrupt, self._abandon)

    @property
    def statements(self) -> int:
        """How many jobs were run and lists asked up to now, without dry runs."""
        return self._session.statements if self._session is not None else 0

    async def open(self) -> None:
        """Log in, and see that jobs may be run; does nothing when that was done. Raises SourceError."""
        session = self._made()
        await self._read(session.open, self._open_seconds)

    async def test(self) -> ConnectionTest:
        """Whether the service answers, and whom it takes us for."""
        began = time.perf_counter()
        try:
            await self.open()
            answer = await self.execute("SELECT SESSION_USER()", timeout=self._open_seconds)
        except SourceError as error:
            return ConnectionTest.failed(error)
        return ConnectionTest(
            ok=True,
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=_API,
            database=self._credentials.project_id,
            user=str(answer.rows[0][0]),
        )

    async def introspect(
        self,
        filters: Filters = _EVERYTHING,
        progress: Progress = no_progress,
        *,
        statistics: StatisticsLevel = "none",
        time_limit: float | None = None,
    ) -> Introspection:
        """All that the filters keep, as `Introspection` says. Raises SourceError.

        Past `time_limit` seconds row counts and sizes are left out, and an issue says so.
        """
        selection = Selection(filters, exact_case)
        ends = Budget(time_limit)
        await self.open()
        await progress("introspecting", 0.0, {})
        reading, scopes, is_whole = await self._relations(filters, selection)
        await progress("introspecting", 0.2, _counts(reading))
        if reading.relations:
            await self._details(reading, scopes, progress, ends, is_whole=is_whole)

        def assembled(_budget: Budget) -> Introspection:
            from buster_tasks.sources.bigquery.assembly import assemble

            with collector_held():
                return assemble(reading, filters=filters, selection=selection, level=statistics)

        # Seconds for ten thousand tables, so it is not done in the event loop.
        found = await self._read(assembled)
        await progress("introspecting", 1.0, found.counts())
        return found

    async def execute(
        self, sql: str, *, max_rows: int = 1_000, timeout: float = 30.0
    ) -> QueryResult:
        """At most `max_rows` rows of one reading statement, values as `values.py` says; `timeout` in seconds.

        What it would read is asked before it is carried out, which costs nothing. Raises PermissionDeniedError for what
        is not a read, QueryFailedError for wrong SQL and for what is beyond `maximum_bytes_billed`, SourceTimeoutError.
        """
        session = self._made()
        await self.open()
        limit = max(0, max_rows)
        return await self._read(
            lambda budget: session.select(sql, max_rows=limit, budget=budget), timeout
        )

    def quote(self, identifier: str) -> str:
        """The identifier in backquotes, with backquotes and backslashes in it escaped."""
        return quote(identifier)

    async def cancel(self) -> None:
        """Stop all calls that run or wait: they raise QueryCanceledError."""
        self._thread.stop_all()

    async def close(self) -> None:
        """Cancel the job that runs, end connections and thread; within two seconds whatever the service does."""
        await self._thread.close(self._discard, patience=_CLOSE_SECONDS)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _read(self, work: Callable[[Budget], T], seconds: float | None = None) -> T:
        budget = Budget(seconds)
        return await self._thread.call(lambda: work(budget), budget)

    async def _relations(
        self, filters: Filters, selection: Selection
    ) -> tuple[Reading, list[Scope], bool]:
        """What the filters keep, over what the rest is to be asked, and whether that is all there is."""
        from buster_tasks.sources.bigquery import asking

        session, project = self._made(), self._credentials.project_id
        selection.database(project)
        seen = await self._read(session.datasets)
        datasets = [one for one in seen if selection.schema(project, one.name)]
        reading = Reading(project, _by_name(datasets), has_seen_any=bool(seen))
        scopes: list[Scope] = []
        found: list[Row] = []
        for scope in asking.scopes(project, datasets):
            visible, rows = await self._read(
                partial(asking.read_tables, session, scope, filters, reading)
            )
            scopes += [visible] if visible.datasets else []
            found += rows
        reading.relations = {
            place_of(row): row for row in found if selection.table(project, *place_of(row))
        }
        reading.families = families(
            (place, str(row["table_type"])) for place, row in reading.relations.items()
        )
        if selection.warnings() and filters.tables is not None:
            await self._show_other_names(scopes, selection)
        return reading, scopes, len(reading.told()) == len(found) and filters.tables is None

    async def _show_other_names(self, scopes: list[Scope], selection: Selection) -> None:
        """Let the selection see what the catalog's conditions kept from it, for the sake of its hints."""
        from buster_tasks.sources.bigquery import asking

        session = self._made()
        for scope in scopes:
            names = await self._read(partial(asking.read_names, session, scope))
            for schema, name in names:
                selection.table(scope.project, schema, name)

    async def _details(
        self,
        reading: Reading,
        scopes: list[Scope],
        progress: Progress,
        ends: Budget,
        *,
        is_whole: bool,
    ) -> None:
        from buster_tasks.sources.bigquery import asking

        session = self._made()
        parts = [
            part for scope in scopes for part in asking.parts(scope, reading, is_whole=is_whole)
        ]
        for done, part in enumerate(parts, 1):
            if part.name == asking.NUMBERS and ends.is_spent:
                reading.is_hurried = True
                continue
            try:
                await self._read(partial(part.ask, session))
            except (QueryFailedError, PermissionDeniedError) as error:
                if part.name == asking.COLUMNS:
                    raise
                reading.failed.append((part.name, part.location, error))
            counts = {**_counts(reading), "columns": len(reading.columns)}
            await progress("introspecting", 0.2 + 0.7 * done / len(parts), counts)

    def _made(self) -> BigquerySession:
        if self._session is None:
            try:
                from buster_tasks.sources.bigquery.session import BigquerySession
            except ImportError as error:
                raise DriverMissingError.of("BigQuery", "bigquery", error) from error
            self._session = BigquerySession(self._credentials)
        return self._session

    def _interrupt(self) -> None:
        if self._session is not None:
            self._session.interrupt()

    def _abandon(self) -> None:
        if self._session is not None:
            self._session.abandon()

    def _discard(self) -> None:
        if self._session is not None:
            self._session.close()


def _by_name(datasets: list[Dataset]) -> dict[str, str]:
    return {dataset.name: dataset.location for dataset in datasets}


def _counts(reading: Reading) -> dict[str, int]:
    told = reading.told()
    views = sum(reading.kind(place) == VIEW for place in told)
    return {"tables": len(told) - views, "views": views}
