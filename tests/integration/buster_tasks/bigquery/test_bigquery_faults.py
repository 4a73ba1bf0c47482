"""What goes wrong on the way to BigQuery: the typed error in its time, and no connection left."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.servers import free_port
from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    HostNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceBusyError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources import BigqueryCredentials
from buster_tasks.sources.bigquery import BigquerySource
from tests.doubles.bigquery_proxy import TOKEN, Answer, Proxy, bigquery_proxy
from tests.doubles.bigquery_server import BigqueryServer, bigquery_server
from tests.doubles.sqlserver import make_certificates

pytestmark = pytest.mark.anyio

Key = Callable[..., dict[str, Any]]
ENDLESS = "SELECT COUNT(*) FROM big a, big b, big c WHERE MOD(a.x * b.x * c.x, 7) = 1"
ENDLESS = f"WITH big AS (SELECT x FROM UNNEST(GENERATE_ARRAY(1, 4000)) x) {ENDLESS}"


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def key(private_key: str, proxy: Proxy) -> dict[str, Any]:
    return {
        "type": "service_account",
        "client_email": "reader@shop.iam.gserviceaccount.com",
        "private_key": private_key,
        "private_key_id": "1",
        "token_uri": proxy.token_uri,
    }


def source_at(endpoint: str, **changes: Any) -> BigquerySource:
    known = {"project_id": "shop-project", "api_endpoint": endpoint, **changes}
    return BigquerySource(BigqueryCredentials.model_validate(known))


async def failure(source: BigquerySource, within: float = 4.0) -> SourceError:
    """What opening ends with, in time; `test` tells the same."""
    began = time.perf_counter()
    with pytest.raises(SourceError) as caught:
        await source.open()
    assert time.perf_counter() - began < within
    assert caught.value.fix
    test = await source.test()
    assert (test.ok, test.error_code) == (False, caught.value.code)
    await source.close()
    return caught.value


async def until_unconnected(proxy: Proxy) -> None:
    """Until the proxy has seen every connection end."""
    for _ in range(5_000):
        if proxy.open_connections == 0:
            return
        await asyncio.sleep(0)
        await asyncio.to_thread(lambda: None)
    pytest.fail(f"{proxy.open_connections} connections are left")


@pytest.mark.parametrize("way", ["object", "text", "path", "file", "reference"])
async def test_a_key_logs_in(way: str, key: dict[str, Any], proxy: Proxy, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    ways: dict[str, dict[str, Any]] = {
        "object": {"service_account_key": key},
        "text": {"service_account_key": json.dumps(key)},
        "path": {"service_account_key": str(path)},
        "file": {"key_file_path": str(path)},
        "reference": {"service_account_key": f"file:{path}"},
    }
    proxy.wants_token = True
    async with source_at(proxy.endpoint, **ways[way]) as source:
        assert (await source.execute("SELECT 1")).rows == [(1,)]
    assert {asked.token for asked in proxy.asked if asked.path != "/token"} == {TOKEN}
    assert sum(asked.path == "/token" for asked in proxy.asked) == 1
    await until_unconnected(proxy)


async def test_a_key_that_google_refuses(key: dict[str, Any], proxy: Proxy) -> None:
    said = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    proxy.token_answer = Answer(400, said)
    error = await failure(source_at(proxy.endpoint, service_account_key=key))
    assert (type(error), error.transient) == (AuthenticationError, False)
    assert "invalid_grant" in error.message
    await until_unconnected(proxy)


@pytest.mark.parametrize("kind", ["external_account", None])
async def test_a_key_of_another_kind(kind: str | None, key: dict[str, Any], proxy: Proxy) -> None:
    error = await failure(source_at(proxy.endpoint, service_account_key={**key, "type": kind}))
    assert isinstance(error, AuthenticationError)
    assert proxy.asked == []


async def test_a_machine_that_is_not_logged_in() -> None:
    error = await failure(source_at("https://127.0.0.1:9"))
    assert isinstance(error, AuthenticationError)
    assert "gcloud auth application-default login" in error.fix


async def test_no_token_goes_to_an_address_in_clear(key: dict[str, Any]) -> None:
    error = await failure(source_at("http://db.example:80", service_account_key=key))
    assert isinstance(error, TlsFailedError)


ANSWERS = [
    (Answer.error(404, "notFound", "Not found: Project shop-project"), DatabaseNotFoundError, False),
    (Answer.error(403, "accessDenied", "Access Denied: Project p: no jobs.create"), PermissionDeniedError, False),
    (Answer.error(403, "accessNotConfigured", "BigQuery API has not been used"), PermissionDeniedError, False),
    (Answer.error(401, "authError", "Invalid Credentials"), AuthenticationError, False),
    (Answer.error(403, "quotaExceeded", "Quota exceeded"), SourceBusyError, False),
    (Answer(200, "<html>hello</html>"), ConnectionFailedError, False),
    (Answer(404, "<html>hello</html>"), DatabaseNotFoundError, False),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "transient"), ANSWERS)
async def test_a_service_that_refuses(
    answer: Answer, kind: type[SourceError], proxy: Proxy, *, transient: bool
) -> None:
    proxy.refuse("SELECT 1", answer)
    error = await failure(source_at(proxy.endpoint))
    assert (type(error), error.transient) == (kind, transient)
    await until_unconnected(proxy)


async def test_a_service_that_is_busy_for_a_moment(proxy: Proxy) -> None:
    busy = Answer.error(403, "rateLimitExceeded", "Exceeded rate limits")
    async with source_at(proxy.endpoint) as source:
        proxy.refuse("SELECT 2", busy, times=1)
        assert (await source.execute("SELECT 2")).rows == [(2,)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer.error(403, "rateLimitExceeded", "Exceeded rate limits"), SourceBusyError),
        (Answer.error(503, "backendError", "Error encountered"), ConnectionFailedError),
    ],
)
async def test_retries_end_with_the_time_of_the_call(
    answer: Answer, kind: type[SourceError], proxy: Proxy
) -> None:
    async with source_at(proxy.endpoint) as source:
        proxy.refuse("SELECT 2", answer)
        began = time.perf_counter()
        with pytest.raises((kind, SourceTimeoutError)) as caught:
            await source.execute("SELECT 2", timeout=0.3)
        assert time.perf_counter() - began < 2
        assert caught.value.transient
        await source.close()
    count = len(proxy.asked)
    await until_unconnected(proxy)
    assert len(proxy.asked) == count


async def test_a_dead_port() -> None:
    error = await failure(source_at(f"http://127.0.0.1:{free_port()}", connection_timeout=500))
    assert isinstance(error, (ConnectionFailedError, SourceTimeoutError))
    assert error.transient


async def test_an_unknown_host(key: dict[str, Any]) -> None:
    source = source_at(
        "https://no-such-host.invalid", service_account_key=key, connection_timeout=2_000
    )
    error = await failure(source, within=8)
    assert isinstance(error, (HostNotFoundError, SourceTimeoutError))


async def test_a_port_that_speaks_no_tls(key: dict[str, Any], proxy: Proxy) -> None:
    endpoint = proxy.endpoint.replace("http:", "https:")
    error = await failure(source_at(endpoint, service_account_key=key))
    assert isinstance(error, TlsFailedError)
    await until_unconnected(proxy)


async def test_a_certificate_that_does_not_hold(key: dict[str, Any], tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificates(tmp_path)[1])
    listener = await asyncio.start_server(silent, "127.0.0.1", 0, ssl=context)
    async with listener:
        endpoint = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        error = await failure(source_at(endpoint, service_account_key=key))
    assert (type(error), error.transient) == (TlsFailedError, False)


async def test_a_host_that_swallows_packets(full_queue: int) -> None:
    error = await failure(source_at(f"http://127.0.0.1:{full_queue}", connection_timeout=300))
    assert (type(error), error.transient) == (SourceTimeoutError, True)


@pytest.fixture
async def mortal(
    missing_server: Callable[[], AbstractContextManager[None]],
) -> AsyncIterator[tuple[BigqueryServer, Proxy]]:
    """A server of the test's own, which it may kill, behind a proxy."""
    with missing_server(), bigquery_server() as own, bigquery_proxy(own.endpoint) as proxy:
        yield own, proxy


async def ended(running: "asyncio.Task[Any]", source: BigquerySource, within: float) -> None:
    """The call has failed in time, as something that may succeed later, and the source says the same."""
    async with asyncio.timeout(within):
        with pytest.raises((ConnectionFailedError, SourceTimeoutError)) as caught:
            await running
    assert caught.value.transient
    assert not (await source.test()).ok
    await source.close()


async def test_a_service_that_dies_in_mid_query(mortal: tuple[BigqueryServer, Proxy]) -> None:
    server, proxy = mortal
    source = source_at(proxy.endpoint, connection_timeout=1_000)
    running = asyncio.create_task(source.execute(ENDLESS, timeout=3))
    while not any(ENDLESS in asked.sql and not asked.is_dry for asked in proxy.asked):
        assert not running.done(), running.result()
        await asyncio.to_thread(lambda: None)
    server.process.kill()
    await ended(running, source, within=6)
    await until_unconnected(proxy)


async def test_a_service_that_dies_in_mid_introspection(
    mortal: tuple[BigqueryServer, Proxy],
) -> None:
    server, proxy = mortal
    server.run("CREATE SCHEMA shop", "CREATE TABLE shop.t (a INT64)")
    source = source_at(proxy.endpoint, connection_timeout=1_000)

    async def progress(phase: str, fraction: float, counts: Any) -> None:
        if counts:
            server.process.kill()

    running = asyncio.create_task(source.introspect(progress=progress))
    await ended(running, source, within=20)
    await until_unconnected(proxy)


async def test_a_service_that_keeps_silent(proxy: Proxy) -> None:
    proxy.silence = lambda asked: True
    error = await failure(source_at(proxy.endpoint, connection_timeout=300))
    assert isinstance(error, SourceTimeoutError)


async def test_closing_while_the_service_keeps_silent(proxy: Proxy) -> None:
    source = source_at(proxy.endpoint)
    await source.open()
    proxy.silence = lambda asked: True
    call = asyncio.create_task(source.execute("SELECT 2", timeout=600))
    await asyncio.to_thread(proxy.held.wait, 10)
    began = time.perf_counter()
    await source.close()
    assert time.perf_counter() - began < 2
    with pytest.raises(QueryCanceledError):
        await call


async def test_a_timeout_cancels_the_job_in_bigquery(proxy: Proxy) -> None:
    async with source_at(proxy.endpoint) as source:
        proxy.silence = lambda asked: asked.method == "GET" and "/queries/" in asked.path
        with pytest.raises(SourceTimeoutError):
            await source.execute("SELECT 2", timeout=3)
    (one,) = [asked for asked in proxy.asked if "SELECT 2" in asked.sql and not asked.is_dry]
    job = one.body["jobReference"]["jobId"]
    assert any(f"/jobs/{job}/cancel" in asked.path for asked in proxy.asked)


async def test_a_statement_that_would_read_too_much(proxy: Proxy) -> None:
    def dear(asked: Any, answer: dict[str, Any]) -> None:
        if asked.is_dry and "SELECT 2" in asked.sql:
            answer["statistics"]["query"]["totalBytesProcessed"] = "1001"
            answer["statistics"]["totalBytesProcessed"] = "1001"

    proxy.change = dear
    async with source_at(proxy.endpoint, maximum_bytes_billed=1_000) as source:
        with pytest.raises(QueryFailedError, match="1,001 bytes"):
            await source.execute("SELECT 2")
        assert (await source.execute("SELECT 3")).rows == [(3,)]
    jobs = [asked.body["configuration"] for asked in proxy.asked if asked.sql and not asked.is_dry]
    (job,) = [job for job in jobs if "SELECT 3" in job["query"]["query"]]
    assert job["query"]["maximumBytesBilled"] == "1000"
    assert job["labels"] == {"application": "buster-tasks"}
    assert int(job["jobTimeoutMs"]) <= 30_000
