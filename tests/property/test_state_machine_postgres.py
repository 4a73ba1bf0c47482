"""The PostgreSQL backend does what the reference model does, also when it is opened again after a crash."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from taskkit.backends.postgres import PostgresBackend
from taskkit.testing import BackendStateMachine

FEW = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Machine(BackendStateMachine):
    new_url: ClassVar[Callable[[], str]]

    @asynccontextmanager
    async def make_backend(self) -> AsyncIterator[PostgresBackend]:
        self.url = type(self).new_url()
        yield PostgresBackend.from_url(self.url)

    def reopen_backend(self, backend: PostgresBackend) -> PostgresBackend:
        return PostgresBackend.from_url(self.url)


@pytest.mark.timeout(120)
def test_postgres_does_what_the_model_does(new_postgres_url: Callable[[], str]) -> None:
    Machine.new_url = staticmethod(new_postgres_url)
    run_state_machine_as_test(Machine, settings=FEW)
