"""A secret of the credentials is in nothing that a run leaves behind, however the run ends."""

import asyncio
import logging
import sqlite3
import traceback
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import taskkit
from buster_tasks import introspect, introspect_data, sources
from buster_tasks.catalog import CatalogStore
from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    QueryFailedError,
    SecretNotFoundError,
    SourceError,
)
from buster_tasks.sources import kinds, resolve_secret
from buster_tasks.sources.blocking import BlockingThread, Budget
from buster_tasks.sources.schema import Introspection, Issue
from buster_tasks.sources.sqlite import SqliteSource
from buster_tasks.testing import FakeSource
from taskkit import RunHandle, logger, metadata, runs
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio

CANARY = "canary/7f3a\"é'%2"
FORMS = (CANARY, quote(CANARY, safe=""), repr(CANARY)[1:-1], "7f3a")
DEAD_PORT = 9  # nothing listens there, and a server of ours never does
DEAD_URL = f"http://127.0.0.1:{DEAD_PORT}"
SERVER = {"host": "127.0.0.1", "port": DEAD_PORT, "database": "db", "username": "me"}
SNOWFLAKE = {
    "account_id": "a", "warehouse_id": "w", "username": "me", "default_database": "db", "custom_host": DEAD_URL,
}  # fmt: skip
DATABRICKS = {"server_hostname": DEAD_URL, "http_path": "/sql"}
# Every kind that has a secret, with the fields that it may be in; the rest are those of a place where nobody is.
KINDS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "postgres": ("postgres", ("password",), SERVER),
    "mysql": ("mysql", ("password",), SERVER),
    "redshift": ("redshift", ("password",), {**SERVER, "ssl": False}),
    "redshift by IAM": (
        "redshift", ("secret_access_key", "session_token"),
        {**SERVER, "iam": True, "region": "r", "access_key_id": "A", "cluster_identifier": "c"},
    ),
    "sqlserver": (
        "sqlserver", ("password",), {"server": "127.0.0.1", "port": DEAD_PORT, "database": "db", "username": "me"},
    ),
    "snowflake": ("snowflake", ("password",), SNOWFLAKE),
    "snowflake by key": ("snowflake", ("private_key", "private_key_passphrase"), SNOWFLAKE),
    "snowflake by token": ("snowflake", ("access_token",), SNOWFLAKE),
    "snowflake by OAuth": (
        "snowflake", ("client_secret",), {**SNOWFLAKE, "client_id": "c", "token_url": f"{DEAD_URL}/token"},
    ),
    "databricks": ("databricks", ("access_token",), DATABRICKS),
    "databricks by OAuth": ("databricks", ("client_secret",), {**DATABRICKS, "client_id": "c"}),
    "bigquery": ("bigquery", ("service_account_key",), {"project_id": "p", "api_endpoint": DEAD_URL}),
}  # fmt: skip

_log = logging.getLogger("buster_tasks.sources")


class Leaky(FakeSource):
    """Resolves its password in a thread, as the real ones do, and then talks about it wherever it can."""

    fault: Callable[["Leaky", str], None]
    found: Introspection

    def __init__(self, credentials: Any) -> None:
        super().__init__(type(self).found)
        self.credentials = credentials
        self._thread = BlockingThread("leaky-source", lambda: None)

    async def open(self) -> None:
        budget = Budget(None)
        await self._thread.call(self._connect, budget)

    def _connect(self) -> None:
        password = next(resolve_secret(secret) for secret in secrets_of(self.credentials))
        self.dsn = f"{self.kind}://me:{quote(password, safe='')}@host/db?password={password}"
        logger.info(f"connecting to {self.dsn}", dsn=self.dsn, parts=[password])
        metadata.set("dsn", self.dsn)
        _log.warning("in the thread: %s", self.dsn, extra={"taskkit": {"dsn": self.dsn}})
        type(self).fault(self, password)

    async def introspect(self, *given: Any, **more: Any) -> Introspection:
        found = await super().introspect(*given, **more)
        issue = Issue(scope="source", object="x", code="X", message=self.dsn, fix=self.dsn)
        return found.model_copy(update={"issues": [issue]})

    async def close(self) -> None:
        await self._thread.close(lambda: None)
        await super().close()


def succeeds(source: Leaky, password: str) -> None:
    pass


def quotes_the_dsn(source: Leaky, password: str) -> None:
    raise ConnectionFailedError(f"no way to {source.dsn}", fix=f"see {source.dsn}")


def quotes_it_for_good(source: Leaky, password: str) -> None:
    raise AuthenticationError(f"{password!r} is wrong", fix=f"not {password}")


def has_a_cause(source: Leaky, password: str) -> None:
    try:
        raise OSError(source.dsn)
    except OSError as cause:
        error = QueryFailedError(f"the server said {password}")
        error.add_note(f"password={password}")
        raise error from cause


def has_a_context(source: Leaky, password: str) -> None:
    try:
        raise OSError(source.dsn)
    except OSError:
        _log.exception("here with %s", password)
        raise ConnectionFailedError(f"while {password}") from None


def is_no_source_error(source: Leaky, password: str) -> None:
    try:
        raise OSError(source.dsn)
    except OSError:
        raise KeyError(source.dsn)  # noqa: B904  # the context is what is looked at


FAULTS = (
    succeeds,
    quotes_the_dsn,
    quotes_it_for_good,
    has_a_cause,
    has_a_context,
    is_no_source_error,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(autouse=True)
async def app(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> AsyncIterator[taskkit.Worker]:
    caplog.set_level(logging.DEBUG)
    async with taskkit.local(clock=clock) as app:
        yield app


@pytest.fixture(params=["value", "env", "file"])
def password(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    monkeypatch.setenv("CANARY_OF_TEST", CANARY)
    (tmp_path / "password").write_text(f"{CANARY}\n", encoding="utf-8")
    given = {"value": CANARY, "env": "env:CANARY_OF_TEST", "file": f"file:{tmp_path / 'password'}"}
    return given[request.param]


@pytest.fixture
async def leaky(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Leaky]:
    path = tmp_path / "shop.db"
    sqlite3.connect(path).close()
    async with SqliteSource(sources.SqliteCredentials(path=str(path))) as source:
        monkeypatch.setattr(Leaky, "found", await source.introspect(), raising=False)
    for kind, _fields, _rest in KINDS.values():
        monkeypatch.setitem(kinds._OWN, kind, f"{__name__}:Leaky")
    return Leaky


def payload(kind: str, password: str, **more: Any) -> Any:
    """As it comes from outside: the task makes a model of it."""
    known, fields, rest = KINDS[kind]
    credentials = {"type": known, **rest, **dict.fromkeys(fields, password), **more}
    return {"dataSourceName": "shop", "credentials": credentials}


def secrets_of(credentials: Any) -> list[Any]:
    """The secrets that are given."""
    fields = {field for _kind, fields, _rest in KINDS.values() for field in fields}
    found = [getattr(credentials, field, None) for field in sorted(fields)]
    return [secret for secret in found if secret is not None]


async def ended(handle: RunHandle[Any], clock: FakeClock) -> None:
    """Let the run be tried again at once."""
    for _ in range(10_000):
        run = await handle.retrieve()
        if run.status.is_final:
            return
        if run.status == "EXECUTING":
            await asyncio.sleep(0.001)
        else:
            await clock.advance(1)
    pytest.fail("the run never ended")


async def left_behind(handle: RunHandle[Any], caplog: pytest.LogCaptureFixture) -> str:
    """Everything that can be read of a run, and every log record."""
    result = await handle.result()
    run = await handle.retrieve()
    entries = [entry.data async for entry in runs.logs(handle.id)]
    stacks = [attempt.error and (attempt.error, attempt.error.stack) for attempt in run.attempts]
    logged = [(record.getMessage(), record.__dict__) for record in caplog.records]
    dumped = [output_of(one) for one in (result, run)]
    seen = (
        handle,
        result,
        run,
        run.request,
        run.request.payload,
        run.payload,
        run.metadata,
        run.tags,
    )
    texts = (*seen, stacks, entries, logged, dumped, result._repr_html_(), run._repr_html_())
    return "".join(f"{text!r}{text}" for text in (*texts, caplog.text))


def output_of(told: Any) -> Any:
    output: Any = getattr(told, "output", None)
    return output.model_dump_json() if hasattr(output, "model_dump_json") else output


def assert_no_canary(text: str) -> None:
    assert [form for form in FORMS if form in text] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_whatever_a_reader_says(
    leaky: type[Leaky],
    kind: str,
    fault: Callable[[Leaky, str], None],
    password: str,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leaky, "fault", staticmethod(fault), raising=False)
    handle = await introspect_data.trigger(payload(kind, password), max_attempts=2)
    await ended(handle, clock)
    text = await left_behind(handle, caplog)
    assert "********" in text  # it did talk
    assert_no_canary(text)


async def test_a_snapshot_and_plain_code(
    leaky: type[Leaky], password: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = CatalogStore(tmp_path / "catalog.db")
    credentials = payload("postgres", password)["credentials"]
    monkeypatch.setattr(leaky, "fault", staticmethod(succeeds), raising=False)
    found = await introspect(credentials, snapshot=store)
    (kept,) = store.list()
    text = b"".join(store.json_of(kept.id)).decode()
    assert "********" in text  # it did talk
    assert_no_canary(f"{text}{kept!r}{found!r}{store.get(kept.id)!r}")
    for fault in (quotes_the_dsn, quotes_it_for_good, has_a_cause, has_a_context):
        monkeypatch.setattr(leaky, "fault", staticmethod(fault))
        with pytest.raises(SourceError) as caught:
            await introspect(credentials)
        assert_no_canary("".join(traceback.format_exception(caught.value)))
        assert "********" in caught.value.message


HOSTS = {"sqlserver": "server", "snowflake": "custom_host", "databricks": "server_hostname"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["dead", "unknown"])
async def test_a_real_reader_that_cannot_connect(
    kind: str,
    place: str,
    password: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT", DEAD_URL)
    known = KINDS[kind][0]
    host = {"api_endpoint": "https://no-such-host.invalid"}
    if known != "bigquery":
        host = {HOSTS.get(known, "host"): "no-such-host.invalid"}
    more = {"connection_timeout": 500, **(host if place == "unknown" else {})}
    with warnings.catch_warnings(record=True) as warned:
        handle = await introspect_data.trigger(payload(kind, password, **more), max_attempts=1)
        text = await left_behind(handle, caplog)
    assert "'success': False" in text or "success=False" in text
    assert_no_canary(text + "".join(str(one.message) for one in warned))


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
async def test_a_secret_where_none_belongs(kind: str, tmp_path: Path) -> None:
    credentials = {"type": kind, "path": str(tmp_path / "x"), "password": CANARY}
    wrong: Any = {"dataSourceName": "shop", "credentials": credentials}
    with pytest.raises(taskkit.errors.TaskkitError) as caught:
        await introspect_data.trigger(wrong)
    assert_no_canary("".join(chain(caught.value)))


async def test_a_secret_in_the_wrong_field() -> None:
    wrong = payload("postgres", CANARY) | {"pasword": CANARY}
    with pytest.raises(taskkit.errors.TaskkitError) as caught:
        await introspect_data.trigger(wrong)
    assert_no_canary("".join(chain(caught.value)))


@pytest.mark.parametrize("file", ["missing", "binary"])
async def test_a_reference_that_leads_nowhere(
    file: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff" + b"7f3a")
    reference = f"file:{tmp_path / file}"
    handle = await introspect_data.trigger(payload("postgres", reference))
    text = await left_behind(handle, caplog)
    assert "SECRET_NOT_FOUND" in text
    assert_no_canary(text)
    with pytest.raises(SecretNotFoundError) as caught:
        resolve_secret(reference)
    assert_no_canary("".join(chain(caught.value)))


def chain(error: BaseException | None) -> Iterator[str]:
    """The texts of an error and of all behind it, shown or not."""
    while error is not None:
        yield f"{error} {error!r} {error.args!r} {error.__dict__!r}"
        if error.__cause__ is not None and error.__cause__ is not error.__context__:
            yield from chain(error.__cause__)
        error = error.__context__


async def test_traces(
    leaky: type[Leaky], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    spans = export.InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    monkeypatch.setattr(leaky, "fault", staticmethod(traced), raising=False)
    handle = await introspect_data.trigger(payload("postgres", CANARY))
    await left_behind(handle, caplog)
    finished = spans.get_finished_spans()
    assert [span.name for span in finished if span.name == "log in"] == ["log in"]
    assert_no_canary("".join(span.to_json() for span in finished))


def traced(source: Leaky, password: str) -> None:
    with logger.trace("log in"):
        raise AuthenticationError(f"{password!r} is wrong")
