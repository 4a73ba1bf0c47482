"""Databricks SQL as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.credentials import DatabricksCredentials
from buster_tasks.sources.databricks.scan import Scan
from buster_tasks.sources.databricks.session import DatabricksSession
from buster_tasks.sources.databricks.statistics import DatabricksStatistics
from buster_tasks.sources.quoting import in_back_quotes


class DatabricksSource(BlockingSource[DatabricksSession]):
    """A workspace that is read and never written.

    Without a filter of databases the catalog of the credentials is read; where they name none, all that the user may
    see, but for Databricks' own. With the statistics `catalog` the sizes of some Delta tables are asked for, one by
    one, for as long as there is time.
    """

    kind = "databricks"
    product, extra = "Databricks", "databricks"
    statistics_dialect = DatabricksStatistics()
    names_databases = True
    open_seconds = 30.0

    def __init__(self, credentials: DatabricksCredentials) -> None:
        super().__init__(connection_timeout=credentials.connection_timeout)
        self._credentials = credentials

    def quote(self, identifier: str) -> str:
        """The identifier in back-quotes, its own doubled."""
        return in_back_quotes(identifier)

    def _make_session(self) -> DatabricksSession:
        return DatabricksSession(self._credentials)

    def _identify(self, session: DatabricksSession, budget: Budget) -> Identity:
        session.rows("SELECT 1", budget=budget)
        facts = session.facts
        return Identity(f"Spark {facts.version.split()[0]}", facts.catalog, facts.user)

    def _scan(self, session: DatabricksSession, wanted: Wanted, budget: Budget) -> Steps:
        return Scan(session, wanted, budget, catalog=self._credentials.catalog).steps()
