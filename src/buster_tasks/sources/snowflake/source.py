"""A Snowflake account as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.credentials import SnowflakeCredentials
from buster_tasks.sources.snowflake.catalog import FACTS
from buster_tasks.sources.snowflake.scan import Scan
from buster_tasks.sources.snowflake.session import SnowflakeSession
from buster_tasks.sources.snowflake.statistics import SnowflakeStatistics


class SnowflakeSource(BlockingSource[SnowflakeSession]):
    """An account that is read and never written.

    The database of the credentials is read, or those that the filters name. Names in filters are compared without
    regard to case. Row counts and sizes come with the catalog. `network_seconds` is how long Snowflake may not answer
    before the session counts as lost.
    """

    kind = "snowflake"
    product, extra = "Snowflake", "snowflake"
    statistics_dialect = SnowflakeStatistics()
    names_databases = True
    open_seconds = 30.0

    def __init__(self, credentials: SnowflakeCredentials, *, network_seconds: float = 60.0) -> None:
        super().__init__(connection_timeout=credentials.connection_timeout)
        self._credentials, self._network_seconds = credentials, network_seconds

    def _make_session(self) -> SnowflakeSession:
        return SnowflakeSession(self._credentials, network_seconds=self._network_seconds)

    def _identify(self, session: SnowflakeSession, budget: Budget) -> Identity:
        session.rows(FACTS, budget=budget)
        facts = session.facts
        return Identity(facts.version, facts.database, facts.user)

    def _scan(self, session: SnowflakeSession, wanted: Wanted, budget: Budget) -> Steps:
        return Scan(session, wanted, budget).steps()
