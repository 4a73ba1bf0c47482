"""The PostgreSQL backend does what the reference model does, also when it is opened again after a crash."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.servers import PostgresServer, postgres_server
from taskkit.backends.postgres import PostgresBackend
from taskkit.testing import BackendStateMachine

SCHEMAS = count()
FEW = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


class Machine(BackendStateMachine):
    server: ClassVar[PostgresServer]

    @asynccontextmanager
    async def make_backend(self) -> AsyncIterator[PostgresBackend]:
        self.url = f"{self.server.url()}?schema=taskkit_{next(SCHEMAS)}"
        yield PostgresBackend.from_url(self.url)

    def reopen_backend(self, backend: PostgresBackend) -> PostgresBackend:
        return PostgresBackend.from_url(self.url)


@pytest.mark.timeout(120)
def test_postgres_does_what_the_model_does(server: PostgresServer) -> None:
    Machine.server = server
    run_state_machine_as_test(Machine, settings=FEW)
