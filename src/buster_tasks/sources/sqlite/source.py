"""A SQLite file as a data source: calls go to one thread, and end when their time or their caller does."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources.base import Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.credentials import SqliteCredentials
from buster_tasks.sources.sqlite.scan import Scan
from buster_tasks.sources.sqlite.session import SqliteSession
from buster_tasks.sources.sqlite.statistics import SqliteStatistics

_OLDEST = (3, 37)


class SqliteSource(BlockingSource[SqliteSession]):
    """A SQLite file that is read and never written or created.

    `lock_seconds` is how long a lock of another connection is waited for; `count_seconds` the time for counting
    the rows of one table, and for adding up the sizes of all. What there is no time to count is an estimate, or None.
    """

    kind = "sqlite"
    statistics_dialect = SqliteStatistics()
    close_seconds = None

    def __init__(
        self,
        credentials: SqliteCredentials,
        *,
        lock_seconds: float = 2.0,
        count_seconds: float = 2.0,
    ) -> None:
        super().__init__()
        self._credentials = credentials
        self._lock_seconds, self._count_seconds = lock_seconds, count_seconds

    @property
    def database(self) -> str:
        """The name of the database: the file's name without its ending."""
        return Path(self._credentials.path).stem

    def _make_session(self) -> SqliteSession:
        if sqlite3.sqlite_version_info < _OLDEST:
            raise SourceNotSupportedError(
                f"This Python has SQLite {sqlite3.sqlite_version}; its catalog can be read from 3.37 on.",
                fix="Use a Python that was built with a newer SQLite.",
            )
        known = self._credentials
        return SqliteSession(known.path, read_only=known.read_only, lock_seconds=self._lock_seconds)

    def _identify(self, session: SqliteSession, budget: Budget) -> Identity:
        session.rows("SELECT 1", budget=budget)
        return Identity(sqlite3.sqlite_version, self.database)

    def _scan(self, session: SqliteSession, wanted: Wanted, budget: Budget) -> Steps:
        return Scan(
            session, wanted, budget, database=self.database, count_seconds=self._count_seconds
        ).steps()
