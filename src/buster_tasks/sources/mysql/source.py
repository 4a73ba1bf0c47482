"""A MySQL or MariaDB server as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.credentials import MysqlCredentials
from buster_tasks.sources.mysql.scan import Scan
from buster_tasks.sources.mysql.session import MysqlSession
from buster_tasks.sources.mysql.statistics import MysqlStatistics
from buster_tasks.sources.quoting import in_back_quotes


class MysqlSource(BlockingSource[MysqlSession]):
    """A server that is read and never written.

    A database is a schema of the same name here, and all that the user may see are read unless the filters say which;
    the one of the credentials is where statements of `execute` run. Row counts and sizes come with the catalog, as
    estimates. `read_seconds` is how long the server may be silent while it works on a statement.
    """

    kind = "mysql"
    product, extra = "MySQL", "mysql"
    statistics_dialect = MysqlStatistics()

    def __init__(self, credentials: MysqlCredentials, *, read_seconds: float = 300.0) -> None:
        super().__init__(connection_timeout=credentials.connection_timeout)
        self._credentials, self._read_seconds = credentials, read_seconds

    def quote(self, identifier: str) -> str:
        """The identifier in back-quotes, its own doubled."""
        return in_back_quotes(identifier)

    def _make_session(self) -> MysqlSession:
        return MysqlSession(self._credentials, read_seconds=self._read_seconds)

    def _identify(self, session: MysqlSession, budget: Budget) -> Identity:
        session.rows("SELECT 1 AS one", budget=budget)
        server = session.server
        return Identity(server.version, server.database, server.user)

    def _scan(self, session: MysqlSession, wanted: Wanted, budget: Budget) -> Steps:
        return Scan(session, wanted, budget).steps()
