"""The PostgreSQL backend keeps the contract, on a real server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from taskkit.backends.postgres import PostgresBackend
from taskkit.testing import BackendSuite


class TestPostgresBackend(BackendSuite):
    @pytest.fixture(autouse=True)
    def _use(self, new_postgres_url: Callable[[], str]) -> None:
        self.new_url = new_postgres_url

    @asynccontextmanager
    async def make_backend(self) -> AsyncIterator[PostgresBackend]:
        self.url = self.new_url()
        yield PostgresBackend.from_url(self.url)

    def make_another(self, backend: PostgresBackend) -> PostgresBackend:
        return PostgresBackend.from_url(self.url)
