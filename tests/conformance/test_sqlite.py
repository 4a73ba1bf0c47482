"""The SQLite backend keeps the contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from taskkit.backends.sqlite import SqliteBackend
from taskkit.testing import BackendSuite


class TestSqliteBackend(BackendSuite):
    @asynccontextmanager
    async def make_backend(self) -> AsyncIterator[SqliteBackend]:
        with TemporaryDirectory() as folder:
            self.url = f"sqlite:///{Path(folder)}/runs.db"
            yield SqliteBackend.from_url(self.url)

    def make_another(self, backend: SqliteBackend) -> SqliteBackend:
        return SqliteBackend.from_url(self.url)
