"""The state machine takes any QueueBackend: one that answers later, that is reopened, that can do little."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.testing import BackendStateMachine

FEW = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
_CALLS = (
    "register", "enqueue", "get", "cancel", "append", "read", "claim", "extend", "settle", "advance", "list",
    "reschedule", "release_key", "create_token", "get_token", "complete_token", "list_tokens",
)  # fmt: skip


class Connection:
    """A way to runs that live elsewhere: each call gives way to the event loop, and it may be closed."""

    capabilities = MemoryBackend.capabilities
    opened = 0

    def __init__(self, store: MemoryBackend) -> None:
        self.store = store
        self.is_open = False

    async def open(self) -> None:
        Connection.opened += 1
        self.is_open = True

    async def close(self) -> None:
        assert self.is_open
        self.is_open = False

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.store, name)
        if name not in _CALLS:
            return call

        async def later(*args: Any, **kwargs: Any) -> Any:
            assert self.is_open, f"{name} was called on a connection that is closed"
            await asyncio.sleep(0)
            return await call(*args, **kwargs)

        return later


class Reopened(BackendStateMachine):
    @asynccontextmanager
    async def make_backend(self) -> AsyncIterator[Any]:
        yield Connection(MemoryBackend())

    def reopen_backend(self, backend: Connection) -> Connection:
        return Connection(backend.store)


def test_a_store_that_answers_later_and_is_reopened_after_crashes() -> None:
    Connection.opened = 0
    run_state_machine_as_test(Reopened, settings=FEW)
    assert Connection.opened >= FEW.max_examples + 10


@pytest.mark.parametrize(
    "without", [frozenset(Capability), *(frozenset({one}) for one in Capability)]
)
def test_what_is_not_declared_is_not_asked_for(without: frozenset[Capability]) -> None:
    asked: set[str] = set()

    class Lesser(MemoryBackend):
        capabilities = MemoryBackend.capabilities - without

        async def enqueue(self, requests: Any, **rest: Any) -> Any:
            for request in requests:
                asked.update(_needs(request))
            return await super().enqueue(requests, **rest)

        async def create_token(self, *args: Any, **rest: Any) -> Any:
            asked.add(Capability.TOKENS)
            return await super().create_token(*args, **rest)

    class Machine(BackendStateMachine):
        def make_backend(self) -> MemoryBackend:
            return Lesser()

    run_state_machine_as_test(Machine, settings=settings(FEW, max_examples=10))
    assert not asked & without


def _needs(request: Any) -> set[Capability]:
    needs = {
        Capability.DELAY: request.delay_until,
        Capability.TTL: request.ttl,
        Capability.PRIORITY: request.priority,
        Capability.KEY_LIMIT: request.concurrency_key,
        Capability.IDEMPOTENCY: request.idempotency_key,
        Capability.IDEMPOTENCY_TTL: request.idempotency_key_ttl,
        Capability.METADATA: request.metadata,
        Capability.DEBOUNCE: request.debounce,
    }
    return {capability for capability, value in needs.items() if value}


def test_a_machine_without_a_backend_says_what_to_write() -> None:
    with pytest.raises(NotImplementedError, match="make_backend is missing"):
        BackendStateMachine()
