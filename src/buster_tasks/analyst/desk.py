"""The desk: the sources at hand, what is known of them, and statements that are guarded, bounded and remembered."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import anyio
from pydantic import JsonValue

from buster_tasks.analyst.errors import ToolRefusedError, UnknownSourceError
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.analyst.findings import Check
from buster_tasks.analyst.journal import Journal, kept_result
from buster_tasks.analyst.known_tables import KnownTables
from buster_tasks.analyst.models import AnalystLimits
from buster_tasks.analyst.statements import near_columns, orders_its_rows
from buster_tasks.errors import SnapshotNotFoundError, SourceError
from buster_tasks.sources import connect
from buster_tasks.sources.base import DataSource, HasDialect, QueryResult
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.statistics import measure
from buster_tasks.sql_guard import Refused, check
from taskkit.model.redaction import Redaction

if TYPE_CHECKING:
    from buster_tasks.catalog import CatalogStore, SearchHit
    from buster_tasks.sources.credentials import AnyCredentials

FRESH_FOR = timedelta(hours=24)
"""How old a snapshot of the catalog may be; an older one is made anew."""

_INTROSPECTION_SECONDS, _MEASURING_SECONDS = 60.0, 20.0
_MOST_MEASURED = 200
_MOST_ISSUES = 5
_CLOSE_SECONDS = 1.5

Connect = Callable[["AnyCredentials"], DataSource]


@dataclass(slots=True)
class Known:
    """One source: the connection, and what its catalog holds."""

    name: str
    source: DataSource
    tables: KnownTables

    @property
    def dialect(self) -> str:
        """How its SQL is spelt, as the guard names it."""
        return self.source.sql_dialect if isinstance(self.source, HasDialect) else self.source.kind


class Desk:
    """The data sources of one analysis; use it as `async with`.

    Sources that cannot be reached are told in `warnings`; UnknownSourceError where none can. Statements are counted
    over the attempts of a run, and those of an earlier attempt are played back by the journal. `secrets` are masked in
    results and errors, and what is added to them later too.
    """

    def __init__(
        self,
        credentials: Mapping[str, AnyCredentials],
        journal: Journal,
        limits: AnalystLimits,
        *,
        connected: Connect = connect,
        catalog: Path | None = None,
        seconds_left: Callable[[], float] = lambda: math.inf,
        secrets: Redaction | None = None,
    ) -> None:
        self._credentials, self._journal, self._limits = credentials, journal, limits
        self._connected, self._catalog = connected, catalog
        self._seconds_left, self._secrets = seconds_left, secrets or Redaction()
        self._opened: dict[str, Known] = {}
        self._stack = AsyncExitStack()
        self._store: CatalogStore | None = None
        self.results: dict[str, ResultSet] = {}
        self.warnings: list[Check] = []
        self.statements = 0

    @property
    def sources(self) -> Sequence[Known]:
        """Those that could be opened, in the order in which they were named."""
        return [self._opened[name] for name in self._credentials if name in self._opened]

    @property
    def store(self) -> CatalogStore:
        """The catalog of this analysis."""
        assert self._store is not None  # it is made when the desk is opened
        return self._store

    async def __aenter__(self) -> Self:
        from buster_tasks.catalog import CatalogStore, catalog_path  # needs SQLite, now only

        await self._stack.__aenter__()
        try:
            self._store = CatalogStore(self._catalog or catalog_path() or self._own_catalog())
            async with anyio.create_task_group() as group:
                for name, known in self._credentials.items():
                    group.start_soon(self._open, name, known)
            self._check_some()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._close()

    def known(self, name: str | None) -> Known:
        """The source of this name; of one source alone the name may be left out. Raises ToolRefusedError."""
        if name is None and len(self._opened) == 1:
            return next(iter(self._opened.values()))
        found = self._opened.get(name or "")
        if found is None:
            raise ToolRefusedError(
                f"There is no data source {name!r}." if name else "Several data sources are open.",
                fix=f"Name one of: {', '.join(known.name for known in self.sources)}.",
            )
        return found

    async def run_sql(
        self, source: str | None, sql: str, *, purpose: str = "", seconds: float | None = None
    ) -> ResultSet:
        """The result of one statement that only reads, under a new id. Raises ToolRefusedError, told to the model."""
        known = self.known(source)
        allowed = self.guarded(known, sql)
        result = await self._counted(known, allowed, seconds)
        made = ResultSet(
            f"r{len(self.results) + 1}",
            known.name,
            allowed,
            purpose,
            result,
            is_ordered=orders_its_rows(allowed, known.dialect),
        )
        self.results[made.id] = made
        return made

    async def peek(self, source: str, sql: str, *, seconds: float | None = None) -> QueryResult:
        """The result of one of our own statements, which is no evidence. Raises ToolRefusedError."""
        known = self.known(source)
        allowed = self.guarded(known, sql)
        return await self._counted(known, allowed, seconds)

    async def repeat(self, result: ResultSet, *, seconds: float | None = None) -> ResultSet:
        """The same statement, run again. Raises ToolRefusedError."""
        known = self.known(result.source)
        allowed = self.guarded(known, result.sql)
        again = await self._execute(known, allowed, seconds)
        return ResultSet(
            result.id, result.source, allowed, result.purpose, again, is_ordered=result.is_ordered
        )

    def guarded(self, known: Known, sql: str) -> str:
        """The statement as it may run. Raises ToolRefusedError."""
        verdict = check(sql, known.dialect, relations=known.tables.names)
        if isinstance(verdict, Refused):
            fix = verdict.fix
            if verdict.code == "RELATION_NOT_ALLOWED":
                fix = f"{fix} {known.tables.near(verdict.reason)}".strip()
            raise ToolRefusedError(verdict.reason, fix=fix)
        return verdict.sql

    async def search(
        self, text: str, *, source: str | None = None, limit: int = 20
    ) -> list[SearchHit]:
        """The tables and columns that fit the words best, of one source or of all that are open."""
        wanted = [self.known(source)] if source is not None else self.sources
        hits: list[SearchHit] = []
        for known in wanted:
            look = partial(self.store.search, text, limit, data_source_name=known.name)
            hits.extend(await anyio.to_thread.run_sync(look))
        return hits[:limit] if len(wanted) == 1 else _in_turn(hits, limit)

    def _check_some(self) -> None:
        if not self._opened:
            raise _nothing_open(self._credentials, self.warnings)

    async def _counted(self, known: Known, sql: str, seconds: float | None) -> QueryResult:
        if self.statements >= self._limits.statements:
            raise ToolRefusedError(
                f"All {self._limits.statements} statements of this analysis are used.",
                fix="Submit what you have.",
            )
        self.statements += 1
        what: list[JsonValue] = [known.name, sql, self._limits.rows]
        return await kept_result(
            self._journal, self.statements, what, lambda: self._execute(known, sql, seconds)
        )

    async def _execute(self, known: Known, sql: str, seconds: float | None) -> QueryResult:
        left = self._seconds_left() if seconds is None else seconds
        allowed = max(0.1, min(self._limits.statement_seconds, left))
        try:
            result = await known.source.execute(sql, max_rows=self._limits.rows, timeout=allowed)
        except SourceError as error:
            hint = near_columns(sql, known.dialect, known.tables)
            fix = " ".join(filter(None, [error.fix, hint]))
            raise ToolRefusedError(
                self._secrets.text(error.message), fix=self._secrets.text(fix)
            ) from None
        # cells and errors may hold what the source was opened with, and go into outputs and journals
        return replace(result, rows=[tuple(map(self._secrets.data, row)) for row in result.rows])

    async def _open(self, name: str, credentials: AnyCredentials) -> None:
        source = self._connected(credentials)
        try:
            await source.open()
            found = await self._catalog_of(name, source)
        except SourceError as error:
            await _shut(source)
            why = self._secrets.text(error.message)
            message = f"The data source {name!r} cannot be used: {why}"
            self.warnings.append(Check(code=error.code, severity="warning", message=message))
            return
        self._stack.push_async_callback(_shut, source)
        self._opened[name] = Known(name, source, found)

    async def _catalog_of(self, name: str, source: DataSource) -> KnownTables:
        """What the catalog holds of the source, the same at each attempt; made on the spot if none is fresh."""

        async def chosen() -> JsonValue:
            latest = await anyio.to_thread.run_sync(self.store.latest, name)
            if latest is not None and latest.kind == source.kind and _is_fresh(latest.taken_at):
                return latest.id
            return await self._introspected(name, source)

        snapshot_id = cast("str", await self._journal.keep(f"catalog/{name}", chosen))
        try:
            snapshot = await anyio.to_thread.run_sync(self.store.get, snapshot_id)
        except SnapshotNotFoundError:  # another machine goes on, with a catalog of its own
            snapshot_id = await self._introspected(name, source)
            snapshot = await anyio.to_thread.run_sync(self.store.get, snapshot_id)
        self.warnings.extend(
            Check(code=issue.code, severity="info", message=issue.message)
            for issue in snapshot.issues[:_MOST_ISSUES]
        )
        return KnownTables(snapshot.introspection)

    async def _introspected(self, name: str, source: DataSource) -> str:
        """The id of a new snapshot; a small source is looked into too, for what its columns hold."""
        found = await source.introspect(statistics="catalog", time_limit=_INTROSPECTION_SECONDS)
        if len(found.tables) <= _MOST_MEASURED:
            found = await measure([source], found, "sample", ends=Budget(_MEASURING_SECONDS))
        named = found.model_copy(update={"data_source_name": name})
        return await anyio.to_thread.run_sync(self.store.put, named)

    def _own_catalog(self) -> Path:
        """A catalog for this analysis alone, where none is to be kept."""
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="analyst-"))
        return Path(folder) / "catalog.db"

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._stack.aclose()


async def _shut(source: DataSource) -> None:
    with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
        await source.close()


def _is_fresh(taken_at: datetime) -> bool:
    return datetime.now(UTC) - taken_at < FRESH_FOR


def _in_turn(hits: Sequence[SearchHit], limit: int) -> list[SearchHit]:
    """The best of each source first, since scores of two searches cannot be compared."""
    by_source: dict[str, list[SearchHit]] = {}
    for hit in hits:
        by_source.setdefault(hit.data_source_name, []).append(hit)
    found: list[SearchHit] = []
    for at in range(max(map(len, by_source.values()), default=0)):
        found += [one[at] for one in by_source.values() if at < len(one)]
    return found[:limit]


def _nothing_open(names: Mapping[str, object], warnings: Sequence[Check]) -> UnknownSourceError:
    if not names:
        return UnknownSourceError(
            "No data source was given.", fix="Name at least one in `data_sources`."
        )
    why = " ".join(warning.message for warning in warnings)
    return UnknownSourceError(why, fix="Check names and credentials.")
