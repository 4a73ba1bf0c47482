"""A Redshift database as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.credentials import RedshiftCredentials
from buster_tasks.sources.redshift.scan import Scan
from buster_tasks.sources.redshift.statistics import RedshiftStatistics

if TYPE_CHECKING:
    from buster_tasks.sources.redshift.session import RedshiftSession


class RedshiftSource(BlockingSource["RedshiftSession"]):
    """A Redshift database of which everything is read and nothing written; it takes the extra `redshift`.

    One database is read, that of the credentials: each has a catalog of its own. Rows and sizes come with the catalog
    and take no time of their own. With the statistics `catalog` columns have what ANALYZE found out about their values.
    """

    kind = "redshift"
    product, extra = "Redshift", "redshift"
    statistics_dialect = RedshiftStatistics()
    close_seconds = 0.6

    def __init__(self, credentials: RedshiftCredentials) -> None:
        super().__init__(connection_timeout=credentials.connection_timeout)
        self._credentials = credentials

    def _make_session(self) -> RedshiftSession:
        from buster_tasks.sources.redshift.session import RedshiftSession

        return RedshiftSession(self._credentials, self._open_seconds)

    def _identify(self, session: RedshiftSession, budget: Budget) -> Identity:
        return session.whoami(budget)

    def _scan(self, session: RedshiftSession, wanted: Wanted, budget: Budget) -> Steps:
        return Scan(session, wanted).steps(budget)
