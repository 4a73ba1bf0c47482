"""What the tests of taskkit share."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

import taskkit
from taskkit.backends.memory import MemoryBackend
from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.runtime import current_backend
from taskkit.session import Worker
from taskkit.testing import FakeClock


@pytest.fixture(autouse=True)
def alone(isolated: None) -> None:
    """No task, setting or backend of one test is seen by the next."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def app(clock: FakeClock) -> AsyncIterator[Worker]:
    """`local()` with one slot on a clock that the test moves."""
    async with taskkit.local(clock=clock, concurrency=1) as worker:
        yield worker


class Serve:
    """Works on a given backend instance, as `local()` does on its own."""

    def __call__(
        self, backend: MemoryBackend, *, clock: Clock = SYSTEM_CLOCK, concurrency: int = 10
    ) -> AbstractAsyncContextManager[Worker]:
        home = current_backend.home_for(backend, clock=clock)
        return Worker(home, "development", concurrency=concurrency, drain=0)


@pytest.fixture
def serve() -> Serve:
    return Serve()
