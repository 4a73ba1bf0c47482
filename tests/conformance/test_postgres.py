"""The PostgreSQL backend keeps the contract, on a real server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from benchmarks.servers import PostgresServer, postgres_server
from taskkit.backends.postgres import PostgresBackend
from taskkit.testing import BackendSuite

SCHEMAS = count()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


class TestPostgresBackend(BackendSuite):
    @pytest.fixture(autouse=True)
    def _use(self, server: PostgresServer) -> None:
        self.server = server

    @asynccontextmanager
    async def make_backend(self) -> AsyncIterator[PostgresBackend]:
        url = self.server.url()
        yield PostgresBackend.from_url(f"{url}?schema=taskkit_{next(SCHEMAS)}")
