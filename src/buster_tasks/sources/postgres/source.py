"""A PostgreSQL database as a data source.

The connection blocks, in a thread of its own, because making models of 100,000 columns keeps the event loop waiting for
0.1 s at most there, and for 0.9 s with psycopg's async connection at the same speed (2 cores), and because a connection
whose host swallows packets can be cut from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.credentials import PostgresCredentials
from buster_tasks.sources.postgres.scan import Scan
from buster_tasks.sources.postgres.statistics import PostgresStatistics

if TYPE_CHECKING:
    from buster_tasks.sources.postgres.session import PostgresSession


class PostgresSource(BlockingSource["PostgresSession"]):
    """A PostgreSQL database of which everything is read and nothing written; it takes psycopg, the extra `postgres`.

    Rows and sizes are those of the last VACUUM or ANALYZE: they take no time of their own. With the statistics
    `catalog` columns have what ANALYZE found out about their values.
    """

    kind = "postgres"
    product, extra = "PostgreSQL", "postgres"
    statistics_dialect = PostgresStatistics()
    close_seconds = 0.6

    def __init__(self, credentials: PostgresCredentials) -> None:
        super().__init__(connection_timeout=credentials.connection_timeout)
        self._credentials = credentials

    def _make_session(self) -> PostgresSession:
        from buster_tasks.sources.postgres.session import PostgresSession

        return PostgresSession(self._credentials, self._open_seconds)

    def _identify(self, session: PostgresSession, budget: Budget) -> Identity:
        return session.whoami(budget)

    def _scan(self, session: PostgresSession, wanted: Wanted, budget: Budget) -> Steps:
        return Scan(session, wanted).steps(budget)
