"""A PostgreSQL that is restarted, cut off, silent, full or closed to us: what calls say, and that all goes on after."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import PostgresServer, StopMode, postgres_server
from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.postgres.connection import place_of
from taskkit.errors import StoreUnavailableError
from taskkit.model.exchange import Enqueued
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest
from tests.crash.proxy import Proxy


pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PATIENCE = 0.5


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One of this module's own, because it is stopped and started."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def proxy(runs_server: PostgresServer) -> Iterator[Proxy]:
    proxy = Proxy(runs_server.port)
    yield proxy
    proxy.close()


@asynccontextmanager
async def opened(url: str, *, patience: float = 30.0) -> AsyncIterator[PostgresBackend]:
    backend = PostgresBackend(replace(place_of(url), patience=patience))
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


def request(**fields: Any) -> TriggerRequest:
    return TriggerRequest(new_run_id(), "task", b"1", "task/task", **fields)


# --- a network that stands still ----------------------------------------------------------------------


@pytest.mark.parametrize("call", ["enqueue", "get"])
async def test_a_call_into_a_silent_network_fails_in_time_and_the_next_finds_a_new_way(
    call: str, proxy: Proxy, runs_server: PostgresServer, postgres_url: str
) -> None:
    url = postgres_url.replace(f":{runs_server.port}/", f":{proxy.port}/") + "&connect_timeout=2"
    async with opened(url, patience=PATIENCE) as backend:
        first, second = request(), request()
        await backend.enqueue([first], batch_id=None, now=None)
        proxy.hold()
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match=r"has not answered within 0\.5 s"):
            if call == "enqueue":
                await backend.enqueue([second], batch_id=None, now=None)
            else:
                await backend.get([first.run_id])
        assert time.monotonic() - began < PATIENCE + 1
        proxy.go_on()
        await backend.enqueue([second], batch_id=None, now=None)
        runs = await backend.get([first.run_id, second.run_id])
        assert None not in runs


async def test_a_silent_network_is_noticed_also_while_connecting(
    proxy: Proxy, runs_server: PostgresServer, postgres_url: str
) -> None:
    url = postgres_url.replace(f":{runs_server.port}/", f":{proxy.port}/") + "&connect_timeout=2"
    proxy.hold()
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        async with opened(url, patience=PATIENCE):
            pass
    assert time.monotonic() - began < 4
