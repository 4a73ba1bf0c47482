"""A DuckDB file as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.credentials import DuckdbCredentials
from buster_tasks.sources.duckdb.statistics import DuckdbStatistics
from buster_tasks.sources.filters import Selection, ascii_case

if TYPE_CHECKING:
    from buster_tasks.sources.duckdb.session import DuckdbSession


class DuckdbSource(BlockingSource["DuckdbSession"]):
    """A DuckDB file that is read and never written or created; DuckDB may touch no other file and load nothing.

    Rows are DuckDB's own estimate, which takes no time of its own.
    """

    kind = "duckdb"
    product, extra = "DuckDB", "duckdb"
    statistics_dialect = DuckdbStatistics()
    close_seconds = None

    def __init__(self, credentials: DuckdbCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def _make_session(self) -> DuckdbSession:
        from buster_tasks.sources.duckdb.session import DuckdbSession

        return DuckdbSession(self._credentials.path, read_only=self._credentials.read_only)

    def _identify(self, session: DuckdbSession, budget: Budget) -> Identity:
        answer = session.select("SELECT current_database()", max_rows=1, budget=budget)
        return Identity(session.version(), str(answer.rows[0][0]))

    def _scan(self, session: DuckdbSession, wanted: Wanted, budget: Budget) -> Steps:
        from buster_tasks.sources.duckdb.assembly import Assembly
        from buster_tasks.sources.duckdb.catalog import read_catalog

        selection = Selection(wanted.filters, ascii_case)
        yield 0.0, {}
        catalog = read_catalog(session, budget)
        yield 0.5, {"tables": len(catalog.tables)}
        with collector_held():
            return Assembly(catalog, selection).introspection(wanted.filters, wanted.statistics)
