"""Servers behind TLS, and such as cannot be reached or refuse: what is said, and within what time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from taskkit import task
from taskkit.errors import (
    BackendError,
    InvalidConfigError,
    PayloadTooLargeError,
    StoreUnavailableError,
)
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends.temporal import TemporalBackend  # needs it
from taskkit.backends.temporal.place import place_of
from taskkit.backends.temporal.refusal import unconnected
from tests.integration.taskkit.temporal.doors import Authority, proxy, refuser, served, tls_of

pytestmark = pytest.mark.anyio
WITHIN = 10.0


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("TEMPORAL_API_KEY", "TEMPORAL_TLS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    with own_tasks():
        yield


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other"), "theirs")


def url(port: int, options: str = "") -> str:
    return f"temporal://127.0.0.1:{port}/default?project=doors&lease=5{options}"


async def opened(url: str) -> TemporalBackend:
    backend = TemporalBackend.from_url(url)
    await backend.open()
    return backend


async def failure(url: str, kind: type[BaseException] = StoreUnavailableError) -> str:
    """What `open` says, in time."""
    begin = asyncio.get_running_loop().time()
    with pytest.raises(kind) as caught:
        await opened(url)
    assert asyncio.get_running_loop().time() - begin < WITHIN
    assert type(caught.value) is kind
    return str(caught.value)


# --- TLS --------------------------------------------------------------------------------------------


async def test_a_run_goes_through_tls(temporal_address: str, authority: Authority) -> None:
    @task
    async def double(number: int) -> int:
        return 2 * number

    async with proxy(temporal_address, tls_of(authority, "temporal.test")) as door:
        options = f"&tls=true&ca={authority.file}&server_name=temporal.test"
        home = Home(lambda: TemporalBackend.from_url(url(door.port, options)), name="tls")
        async with Worker(home, "production", concurrency=2, drain=0):
            assert (await (await double.trigger(21)).result(timeout=20)).unwrap() == 42


def test_a_certificate_is_asked_for_also_where_the_connection_was_closed_before_the_alert() -> None:
    """One time in four, on a busy machine."""
    place = place_of("temporal://127.0.0.1:7233/default?tls=true")
    said = (
        "Failed client connect: `get_system_info` call error after connection: Status { code: Cancelled, message: "
        '"operation was canceled", source: Some(tonic::transport::Error(Transport, hyper::Error(Canceled, '
        '"connection closed"))) }'
    )
    assert "wants a client certificate" in str(unconnected(place, said, "tls"))


async def test_a_server_that_wants_a_certificate_gets_ours(
    temporal_address: str, authority: Authority, other_authority: Authority
) -> None:
    tls = tls_of(authority, "temporal.test", clients=other_authority)
    cert, key = other_authority.issue("worker")
    options = f"&ca={authority.file}&server_name=temporal.test"
    async with proxy(temporal_address, tls) as door:
        backend = await opened(url(door.port, f"{options}&cert={cert}&key={key}"))
        assert await backend.get(["run_unknown"]) == [None]
        without = await failure(url(door.port, options))
        strange, strange_key = authority.issue("worker")
        with_another = await failure(url(door.port, f"{options}&cert={strange}&key={strange_key}"))
    assert "wants a client certificate" in without
    assert "does not accept our client certificate" in with_another
    for said in (without, with_another):
        assert "?cert=...&key=..." in said


async def test_a_certificate_of_an_unknown_authority_is_refused(
    temporal_address: str, authority: Authority, other_authority: Authority
) -> None:
    async with proxy(temporal_address, tls_of(authority, "temporal.test")) as door:
        own = await failure(url(door.port, "&tls=true"))
        other = await failure(
            url(door.port, f"&ca={other_authority.file}&server_name=temporal.test")
        )
    for said in (own, other):
        assert f"127.0.0.1:{door.port}" in said
        assert "authority" in said
        assert "?ca=" in said


async def test_a_certificate_for_another_name_is_refused(
    temporal_address: str, authority: Authority
) -> None:
    async with proxy(temporal_address, tls_of(authority, "temporal.test")) as door:
        said = await failure(url(door.port, f"&ca={authority.file}&server_name=other.test"))
    assert "?server_name=" in said


async def test_a_file_that_is_not_there_is_named(authority: Authority, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    said = await failure(url(1, f"&ca={missing}"), InvalidConfigError)
    assert str(missing) in said
    assert "ca=" in said


async def test_a_file_that_is_no_certificate_is_no_riddle(
    temporal_address: str, authority: Authority, tmp_path: Path
) -> None:
    cert, key = authority.issue("worker")
    key.write_text("nothing")
    options = f"&ca={authority.file}&server_name=temporal.test&cert={cert}&key={key}"
    async with proxy(temporal_address, tls_of(authority, "temporal.test")) as door:
        said = await failure(url(door.port, options))
    assert "?cert= and ?key=" in said


async def test_settings_of_temporal_itself_are_used(
    temporal_address: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(authority.file))
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_NAME", "temporal.test")
    async with proxy(temporal_address, tls_of(authority, "temporal.test")) as door:
        backend = await opened(url(door.port))
        assert await backend.get(["run_unknown"]) == [None]


# --- API keys ---------------------------------------------------------------------------------------


async def test_an_api_key_is_sent_under_tls_and_shown_nowhere(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "s3cr3t-key\n")
    async with refuser(tls_of(authority, "temporal.test"), lets_in=True) as server:
        backend = TemporalBackend.from_url(
            url(server.port, f"&ca={authority.file}&server_name=temporal.test")
        )
        with pytest.raises(BackendError) as caught:
            await backend.open()
    assert {one.get("authorization") for one in server.headers} == {"Bearer s3cr3t-key"}
    assert "TEMPORAL_API_KEY" in str(caught.value)
    assert (
        "s3cr3t" not in f"{caught.value!r} {backend!r} {backend.place!r} {caught.value.__cause__!r}"
    )


async def test_an_api_key_alone_switches_tls_on(
    temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "s3cr3t-key")
    said = await failure(f"temporal://{temporal_address}")
    assert "does not speak TLS" in said
    assert "?tls=false" in said


async def test_without_tls_no_api_key_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "s3cr3t-key")
    async with refuser() as server:
        await failure(url(server.port, "&tls=false"), BackendError)
    assert server.headers
    assert not any("authorization" in one for one in server.headers)


async def test_an_api_key_that_cannot_be_one_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "s3cr3t\nkey")
    said = await failure(url(1), InvalidConfigError)
    assert "TEMPORAL_API_KEY" in said
    assert "s3cr3t" not in said


# --- what cannot be reached -------------------------------------------------------------------------


async def _answers_like_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def _says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@asynccontextmanager
async def nobody() -> AsyncIterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize(
    ("there", "options", "words"),
    [
        (nobody, "", "nothing listens there"),
        (lambda: served(_answers_like_http), "", "no Temporal server, or wants TLS"),
        (lambda: served(_answers_like_http), "&tls=true", "does not speak TLS"),
    ],
    ids=["refused", "HTTP", "HTTP under TLS"],
)
async def test_who_does_not_answer_is_named(
    there: Callable[[], AbstractAsyncContextManager[int]], options: str, words: str
) -> None:
    async with there() as port:
        said = await failure(url(port, options))
    assert f"127.0.0.1:{port}" in said
    assert words in said


async def test_who_says_nothing_is_named_in_time() -> None:
    async with served(_says_nothing) as port:
        for said in await asyncio.gather(failure(url(port)), failure(url(port, "&tls=true"))):
            assert f"127.0.0.1:{port}" in said
            assert "no answer came in time" in said


async def test_plain_to_a_server_with_tls_is_told(
    temporal_address: str, authority: Authority
) -> None:
    async with proxy(temporal_address, tls_of(authority, "temporal.test")) as door:
        said = await failure(url(door.port))
    assert f"127.0.0.1:{door.port}" in said
    assert "tls=true" in said


async def test_an_unknown_host_is_told() -> None:
    assert "name of the host is not known" in await failure("temporal://no-such-host.invalid")


async def test_an_unknown_namespace_is_told(temporal_address: str) -> None:
    said = await failure(f"temporal://{temporal_address}/nowhere", BackendError)
    assert "no namespace 'nowhere'" in said
    assert "temporal operator namespace create" in said


# --- what refuses, or falls silent later ------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "kind", "words"),
    [
        (7, "Request unauthorized.", BackendError, "TEMPORAL_API_KEY"),
        (8, "namespace rate limit exceeded", StoreUnavailableError, "at its limit"),
        (3, "Blob data size exceeds limit.", PayloadTooLargeError, "too large"),
        (13, "it is broken", BackendError, "INTERNAL"),
    ],
)
async def test_a_refusal_has_a_type(
    status: int, message: str, kind: type[Exception], words: str
) -> None:
    async with refuser(lets_in=True, status=status, message=message) as server:
        begin = asyncio.get_running_loop().time()
        with pytest.raises(kind) as caught:
            await opened(url(server.port))
        assert asyncio.get_running_loop().time() - begin < 25
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)


async def unanswered(call: Awaitable[object]) -> float:
    """After how many seconds a call to a server that is away has failed."""
    begin = asyncio.get_running_loop().time()
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        await call
    return asyncio.get_running_loop().time() - begin


async def test_calls_to_a_server_that_goes_away_end_in_time(temporal_address: str) -> None:
    async with proxy(temporal_address) as door:
        is_gone = await opened(url(door.port))
    async with proxy(temporal_address) as door:
        is_silent = await opened(url(door.port))
        door.silent = True
        took = await asyncio.gather(
            unanswered(is_silent.get(["run_unknown"])), unanswered(is_gone.get(["run_unknown"]))
        )
    assert max(took) < 25
