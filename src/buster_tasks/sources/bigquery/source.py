"""A BigQuery project as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buster_tasks.sources.base import Steps
from buster_tasks.sources.bigquery.catalog import quote
from buster_tasks.sources.bigquery.statistics import BigqueryStatistics
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.credentials import BigqueryCredentials

if TYPE_CHECKING:
    from buster_tasks.sources.bigquery.session import BigquerySession

_API = "BigQuery API v2"


class BigquerySource(BlockingSource["BigquerySession"]):
    """A project that is read and never written.

    A database is the project of the credentials, a schema a dataset, and all datasets that the user may see are read,
    wherever they are, unless the filters say which. Row counts and sizes are left out when there is no time for them.
    Statements of `execute` are carried out where the credentials' `location` says, or where BigQuery finds the datasets
    that they name; what one would read is asked before it is carried out, which costs nothing, and what is beyond
    `maximum_bytes_billed` is a QueryFailedError.
    """

    kind = "bigquery"
    product, extra = "BigQuery", "bigquery"
    statistics_dialect = BigqueryStatistics()
    names_databases = True
    open_seconds = 20.0

    def __init__(self, credentials: BigqueryCredentials) -> None:
        super().__init__(connection_timeout=credentials.connection_timeout)
        self._credentials = credentials

    def quote(self, identifier: str) -> str:
        """The identifier in back-quotes, with back-quotes and backslashes in it escaped."""
        return quote(identifier)

    def _make_session(self) -> BigquerySession:
        from buster_tasks.sources.bigquery.session import BigquerySession

        return BigquerySession(self._credentials)

    def _identify(self, session: BigquerySession, budget: Budget) -> Identity:
        answer = session.select("SELECT SESSION_USER()", max_rows=1, budget=budget)
        return Identity(_API, self._credentials.project_id, str(answer.rows[0][0]))

    def _scan(self, session: BigquerySession, wanted: Wanted, budget: Budget) -> Steps:
        from buster_tasks.sources.bigquery.scan import Scan

        return Scan(session, wanted, budget, project=self._credentials.project_id).steps()
