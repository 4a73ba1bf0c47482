"""A PostgreSQL that is restarted, cut off, silent, full or closed to us: what calls say, and that all goes on after."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.servers import PostgresServer, StopMode, postgres_server
from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.postgres.connection import place_of
from taskkit.errors import BackendError, StoreUnavailableError
from taskkit.model.exchange import RunFilter
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest
from taskkit.runtime.home import Home
from taskkit.trigger.handle import end_of
from tests.crash.postgres_restarts import restart_often
from tests.crash.proxy import Proxy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PATIENCE = 0.5
RESTARTS = 5


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


REQUEST = request()
ROLES = (
    "CREATE ROLE poor LOGIN PASSWORD 'hush'",
    "CREATE ROLE single LOGIN SUPERUSER PASSWORD 'hush'",
    "ALTER ROLE single NOSUPERUSER CONNECTION LIMIT 1",
    "CREATE ROLE reader LOGIN PASSWORD 'hush'",
    "ALTER ROLE reader SET default_transaction_read_only = on",
    "GRANT ALL ON SCHEMA taskkit TO reader, single",
    "GRANT ALL ON ALL TABLES IN SCHEMA taskkit TO reader, single",
    "GRANT ALL ON ALL SEQUENCES IN SCHEMA taskkit TO reader, single",
)


# --- a network that stands still ----------------------------------------------------------------------


@pytest.mark.parametrize("call", ["enqueue", "get"])
async def test_a_call_into_a_silent_network_fails_in_time_and_the_next_finds_a_new_way(
    call: str, proxy: Proxy, runs_server: PostgresServer, postgres_url: str
) -> None:
    url = postgres_url.replace(f":{runs_server.port}/", f":{proxy.port}/") + "&connect_timeout=2"
    async with opened(url, patience=PATIENCE) as backend:
        first, second = request(), request()
        await backend.enqueue([first], batch_id=None, now=None)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "enqueue": lambda: backend.enqueue([second], batch_id=None, now=None),
            "get": lambda: backend.get([first.run_id]),
        }
        proxy.hold()
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match=r"has not answered within 0\.5 s"):
            await calls[call]()
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


async def test_an_answer_to_a_commit_that_is_lost_leaves_one_run(
    proxy: Proxy, runs_server: PostgresServer, postgres_url: str
) -> None:
    url = postgres_url.replace(f":{runs_server.port}/", f":{proxy.port}/") + "&sslmode=disable"
    async with opened(url) as backend:
        for _ in range(2):  # from now on an enqueue is one way there and back
            await backend.enqueue([request()], batch_id=None, now=None)
        asked = request()
        proxy.swallow_answer_to(asked.run_id.encode())
        with pytest.raises(StoreUnavailableError, match="not known to be stored"):
            await backend.enqueue([asked], batch_id=None, now=None)
        (answer,) = await backend.enqueue([asked], batch_id=None, now=None)
        assert answer.disposition == "existing"
        page = await backend.list(RunFilter(), cursor=None, limit=10)
        assert [run.id for run in page.items].count(asked.run_id) == 1


# --- a server that is stopped and started ---------------------------------------------------------------


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
async def test_calls_fail_while_the_server_is_away_and_go_on_after(
    mode: StopMode, server: PostgresServer
) -> None:
    home = Home(lambda: PostgresBackend(place_of(f"{server.url()}?schema=calls_{mode}")), name="pg")
    await home.ready()
    try:
        backend = home.backend
        first, second = request(), request()
        await backend.enqueue([first], batch_id=None, now=None)
        end = asyncio.ensure_future(end_of(home, first.run_id, None))
        server.stop(mode)
        for _ in range(2):  # the connection that is gone, and the one that cannot be made
            with pytest.raises(StoreUnavailableError):
                await backend.enqueue([second], batch_id=None, now=None)
            with pytest.raises(StoreUnavailableError):
                await backend.get([first.run_id])
        server.start()
        await backend.enqueue([second], batch_id=None, now=None)
        await backend.cancel([first.run_id], reason=None, now=None)
        run = await asyncio.wait_for(end, 30)
        assert run.status == "CANCELED"
    finally:
        await home.close()


async def test_workers_and_clients_outlive_restarts(server: PostgresServer, tmp_path: Path) -> None:
    report = await restart_often(server, RESTARTS, tmp_path / "ledger", schema="restarts")
    assert report.errors == []
    assert report.accepted > 0
    assert report.lost == []
    assert report.unfinished == []
    assert report.at_once == []


# --- a server that will not have us -------------------------------------------------------------------


async def told(url: str, request: TriggerRequest | None = None) -> str:
    """What opening, or else this trigger, says."""
    with pytest.raises((StoreUnavailableError, BackendError)) as caught:
        async with opened(url) as backend:
            await backend.enqueue([request or REQUEST], batch_id=None, now=None)
    return f"{type(caught.value).__name__}: {caught.value}"


async def test_errors_name_the_database_and_never_the_password(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server.url()):
        pass
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for statement in ROLES:
            connection.execute(statement)
    at = f"@127.0.0.1:{server.port}/postgres"
    cases = {
        f"postgresql://postgres:hush{at}": "StoreUnavailableError.*password authentication failed",
        f"postgresql://postgres:secret{at}_2": "StoreUnavailableError.*does not exist",
        "postgresql://postgres:hush@127.0.0.1:1/postgres": "StoreUnavailableError.*refused",
        f"postgresql://poor:hush{at}?schema=new": "BackendError.*permission denied.*needs CREATE",
        f"postgresql://poor:hush{at}": "BackendError.*permission denied.*needs CREATE",
        f"postgresql://reader:hush{at}": "StoreUnavailableError.*read-only.*Name the primary",
        f"postgresql://single:hush{at}": "StoreUnavailableError.*too many connections",
    }
    monkeypatch.delenv("PGDATABASE", raising=False)
    for url, expected in cases.items():
        said = await told(url)
        assert re.search(expected, said), (url, said)
        assert "127.0.0.1" in said
        assert "/postgres" in said
        assert "hush" not in said
        assert "secret" not in said


async def test_a_backend_that_did_not_open_can_be_opened_again(server: PostgresServer) -> None:
    backend = PostgresBackend.from_url(f"{server.url()}?schema=again")
    server.stop("fast")
    with pytest.raises(StoreUnavailableError):
        await backend.open()
    await backend.close()  # which has nothing to do
    server.start()
    await backend.open()
    await backend.enqueue([request()], batch_id=None, now=None)
    await backend.close()


@pytest.mark.parametrize("fields", [{"concurrency_key": "a\0b"}, {"idempotency_key": "\ud800"}])
async def test_a_text_that_cannot_be_stored_fails_its_trigger_alone(
    fields: dict[str, str], postgres_url: str
) -> None:
    async with opened(postgres_url) as backend:
        bad, good = request(**fields), request()
        answers = await asyncio.gather(
            backend.enqueue([bad], batch_id=None, now=None),
            backend.enqueue([good], batch_id=None, now=None),
            return_exceptions=True,
        )
        assert isinstance(answers[0], BackendError)
        assert "cannot hold the text" in str(answers[0])
        assert await backend.get([bad.run_id]) == [None]
        assert (await backend.get([good.run_id])) != [None]


async def test_any_character_may_be_in_a_tag(postgres_url: str) -> None:
    async with opened(postgres_url) as backend:
        asked = request(tags=("a\0b", "\ud800"))
        await backend.enqueue([asked], batch_id=None, now=None)
        (run,) = await backend.get([asked.run_id])
        assert run is not None
        assert tuple(run.tags) == ("a\0b", "\ud800")
