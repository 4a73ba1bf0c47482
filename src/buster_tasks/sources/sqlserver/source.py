"""A SQL Server as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.credentials import SqlserverCredentials
from buster_tasks.sources.quoting import in_brackets
from buster_tasks.sources.sqlserver.scan import Scan
from buster_tasks.sources.sqlserver.session import SqlserverSession
from buster_tasks.sources.sqlserver.statistics import SqlserverStatistics


class SqlserverSource(BlockingSource[SqlserverSession]):
    """A server that is read and never written.

    Without a filter of databases the one of the credentials is read; where that is `master`, which holds nothing of
    anybody's, all that the login may enter. A connection to Azure SQL Database reads its own database alone. Row
    counts and sizes come with the catalog, as estimates. With the statistics `catalog` columns of the connection's own
    database have what the server's histograms tell.
    """

    kind = "sqlserver"
    product, extra = "SQL Server", "sqlserver"
    statistics_dialect = SqlserverStatistics()
    names_databases = True

    def __init__(self, credentials: SqlserverCredentials) -> None:
        super().__init__(connection_timeout=credentials.connection_timeout)
        self._credentials = credentials

    def quote(self, identifier: str) -> str:
        """The identifier in brackets, a closing one doubled."""
        return in_brackets(identifier)

    def _make_session(self) -> SqlserverSession:
        return SqlserverSession(self._credentials)

    def _identify(self, session: SqlserverSession, budget: Budget) -> Identity:
        session.rows("SELECT 1 AS one", budget=budget)
        server = session.server
        return Identity(f"{server.version} ({server.edition})", server.database, server.user)

    def _scan(self, session: SqlserverSession, wanted: Wanted, budget: Budget) -> Steps:
        """The credentials' `request_timeout` holds for each statement of the catalog."""
        milliseconds = self._credentials.request_timeout
        seconds = None if milliseconds is None else milliseconds / 1_000
        return Scan(session, wanted, budget, statement_seconds=seconds).steps()
