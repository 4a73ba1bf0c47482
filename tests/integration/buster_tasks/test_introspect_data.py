"""The task end to end, in memory, and how it ends also on SQLite."""

import asyncio
import io
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import taskkit
from buster_tasks import IntrospectDataInput, IntrospectDataOptions, introspect_data
from buster_tasks.catalog import CatalogStore
from buster_tasks.introspection import streaming
from buster_tasks.sources import kinds
from buster_tasks.sources.credentials import PostgresCredentials, SqliteCredentials
from buster_tasks.sources.schema import Introspection
from buster_tasks.testing import FakeSource
from taskkit import Run, RunHandle, runs, streams
from taskkit.runtime.current_backend import current_home

pytestmark = pytest.mark.anyio

MakeDatabase = Callable[..., Path]
CANARY = "canary-7f3a"
SCRIPT = "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE VIEW v AS SELECT a FROM t;"


@pytest.fixture(autouse=True)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[taskkit.Worker]:
    if getattr(request, "param", "memory") == "memory":
        async with taskkit.local() as app:
            yield app
    else:
        async with taskkit.worker(f"sqlite:///{tmp_path / 'runs.db'}", drain=0) as app:
            yield app


on_two_backends = pytest.mark.parametrize("app", ["memory", "sqlite"], indirect=True)


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CatalogStore:
    """A catalog of the test's own."""
    monkeypatch.setenv("BUSTER_TASKS_CATALOG", str(tmp_path / "kept" / "catalog.db"))
    return CatalogStore()


def payload_for(path: Path, options: IntrospectDataOptions | None = None) -> IntrospectDataInput:
    credentials = SqliteCredentials(path=str(path))
    return IntrospectDataInput(data_source_name="My shop", credentials=credentials, options=options)


def open_sources() -> list[threading.Thread]:
    threads = [thread for thread in threading.enumerate() if "sqlite-source" in thread.name]
    for thread in threads:
        thread.join(timeout=0.5)
    return [thread for thread in threads if thread.is_alive()]


async def until(handle: RunHandle[Any], holds: Callable[[Run], bool]) -> Run:
    """The run as soon as the condition holds for it."""
    for _ in range(10_000):
        run = await handle.retrieve()
        if holds(run):
            return run
        await asyncio.sleep(0.001)
    pytest.fail(f"it never came to that: {await handle.retrieve()}")


async def test_a_source_is_introspected(make_database: MakeDatabase) -> None:
    handle = await introspect_data.trigger(payload_for(make_database(SCRIPT)))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.data_source_name) == (True, True, "My shop")
    assert output.introspection is not None
    assert [(table.name, table.row_count) for table in output.introspection.tables] == [("t", 2)]
    run = await handle.retrieve()
    assert run.metadata == {
        "phase": "done", "progress": 1.0, "tables": 1, "views": 1, "columns": 2, "tablesCounted": 1, "databases": 1,
        "schemas": 1, "primaryKeys": 1, "uniqueKeys": 0, "indexes": 0, "foreignKeys": 0, "issues": 0,
    }  # fmt: skip


async def test_the_result_is_kept(make_database: MakeDatabase, catalog: CatalogStore) -> None:
    handle = await introspect_data.trigger(payload_for(make_database(SCRIPT)))
    output = (await handle.result()).unwrap()
    assert output.snapshot_id is not None
    assert catalog.get(output.snapshot_id).introspection == output.introspection
    assert output.counts == catalog.list()[0].counts
    assert [hit.name for hit in catalog.search("a", data_source_name="My shop")] == [
        "a",
        "a",
        "t",
        "v",
    ]


async def test_nothing_is_kept_where_nobody_wants_it(
    make_database: MakeDatabase, catalog: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(SCRIPT)
    unwanted = payload_for(path, IntrospectDataOptions(snapshot=False))
    first = (await (await introspect_data.trigger(unwanted)).result()).unwrap()
    monkeypatch.setenv("BUSTER_TASKS_CATALOG", "off")
    second = (await (await introspect_data.trigger(payload_for(path))).result()).unwrap()
    for output in (first, second):
        assert (output.success, output.issues, output.snapshot_id) == (True, [], None)
    assert not catalog.path.exists()


@pytest.mark.parametrize("broken", ["no tables at all", None])
async def test_a_broken_catalog_costs_nothing_but_the_snapshot(
    make_database: MakeDatabase, catalog: CatalogStore, broken: str | None
) -> None:
    catalog.path.parent.mkdir()
    if broken is None:
        catalog.path.mkdir()
    else:
        catalog.path.write_text(broken * 100)
    handle = await introspect_data.trigger(payload_for(make_database(SCRIPT)))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.snapshot_id) == (True, True, None)
    assert output.introspection is not None
    (issue,) = output.issues
    assert issue.code == "SNAPSHOT_NOT_KEPT"
    assert output.counts is not None
    assert output.counts["issues"] == 1
    assert "BUSTER_TASKS_CATALOG" in issue.fix


async def test_a_failure_is_no_snapshot(tmp_path: Path, catalog: CatalogStore) -> None:
    handle = await introspect_data.trigger(payload_for(tmp_path / "gone.db"))
    output = (await handle.result()).unwrap()
    assert (output.success, output.counts, output.snapshot_id) == (False, None, None)
    assert catalog.list() == []


async def test_phases_are_seen_while_they_last(make_database: MakeDatabase) -> None:
    handle = await introspect_data.trigger(payload_for(make_database(SCRIPT)))
    seen: set[str] = set()

    def ended(run: Run) -> bool:
        seen.add(run.metadata.get("phase", ""))
        return run.is_completed

    await until(handle, ended)
    # metadata is flushed every second by itself, and the whole run is much shorter
    assert "introspecting" in seen


async def test_the_wire_is_that_of_the_original(make_database: MakeDatabase) -> None:
    handle = await introspect_data.trigger({  # type: ignore[arg-type]  # raw input, as from another language
        "dataSourceName": "shop",
        "credentials": {"type": "sqlite", "path": str(make_database(SCRIPT))},
        "options": {"excludeTables": ["v"]},
    })  # fmt: skip
    result = await handle.result()
    assert result.unwrap().success
    run = await handle.retrieve()
    assert set(run.payload) == {"dataSourceName", "credentials", "options"}
    assert run.output == result.unwrap()


@on_two_backends
async def test_a_wrong_path_is_a_structured_answer(tmp_path: Path) -> None:
    handle = await introspect_data.trigger(payload_for(tmp_path / "gone.db"))
    output = (await handle.result()).unwrap()
    assert not output.success
    assert output.error is not None
    assert output.error.code == "DATABASE_NOT_FOUND"
    assert len((await handle.retrieve()).attempts) == 1


@on_two_backends
async def test_what_may_pass_is_retried_and_the_last_attempt_answers(
    make_database: MakeDatabase,
) -> None:
    path = make_database(SCRIPT)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    handle = await introspect_data.trigger(payload_for(path), max_attempts=2)
    failed = await until(
        handle, lambda run: len(run.attempts) == 1 and run.attempts[0].error is not None
    )
    assert failed.attempts[0].error is not None
    assert "SourceBusyError" in failed.attempts[0].error.name
    output = (await handle.result()).unwrap()
    assert output.error is not None
    assert output.error.code == "SOURCE_BUSY"
    assert len((await handle.retrieve()).attempts) == 2
    writer.close()


async def test_a_retry_succeeds_when_the_lock_is_gone(make_database: MakeDatabase) -> None:
    path = make_database(SCRIPT)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    handle = await introspect_data.trigger(payload_for(path))
    await until(handle, lambda run: len(run.attempts) == 1 and run.attempts[0].error is not None)
    writer.execute("COMMIT")
    assert (await handle.result()).unwrap().success
    writer.close()


async def started(handle: RunHandle[Any]) -> None:
    await until(handle, lambda run: run.metadata.get("phase") is not None)


@on_two_backends
async def test_cancelling_closes_the_connection(make_database: MakeDatabase) -> None:
    path = make_database(SCRIPT)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    handle = await introspect_data.trigger(payload_for(path))
    await started(handle)
    assert any("sqlite-source" in thread.name for thread in threading.enumerate())
    await handle.cancel()
    result = await handle.result()
    assert result.status == "CANCELED"
    assert open_sources() == []
    writer.close()


@on_two_backends
async def test_the_time_limit_closes_the_connection(make_database: MakeDatabase) -> None:
    path = make_database(SCRIPT)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    handle = await introspect_data.trigger(payload_for(path), max_duration=0.3)
    result = await handle.result()
    assert result.status == "TIMED_OUT"
    assert open_sources() == []
    writer.close()


class Hanging(FakeSource):
    """Connects, and then never tells its structure."""

    def __init__(self, credentials: object) -> None:
        super().__init__(Introspection.model_construct(), kind="sqlite")

    async def introspect(self, *_given: Any, **_more: Any) -> Introspection:
        await asyncio.Event().wait()
        raise AssertionError  # nobody sets it


async def test_before_the_time_limit_the_run_says_that_its_source_is_too_slow(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kinds._OWN, "sqlite", f"{__name__}:Hanging")
    handle = await introspect_data.trigger(payload_for(make_database(SCRIPT)), max_duration=6.1)
    output = (await handle.result()).unwrap()
    assert (output.success, output.introspection) == (False, None)
    assert output.error is not None
    assert (output.error.code, "max_duration" in output.error.fix) == ("SOURCE_TIMEOUT", True)
    assert len((await handle.retrieve()).attempts) == 1


async def test_rows_are_left_out_when_the_time_limit_is_near(make_database: MakeDatabase) -> None:
    handle = await introspect_data.trigger(payload_for(make_database(SCRIPT)), max_duration=5)
    output = (await handle.result()).unwrap()
    assert output.introspection is not None
    assert [table.row_count_kind for table in output.introspection.tables] == ["unknown"]
    assert output.success


def more_than_a_run_holds() -> str:
    columns = ", ".join(f"c{number}_{'x' * 2_000}" for number in range(2_000))
    return "".join(f"CREATE TABLE t{number} ({columns});" for number in range(3))


async def streamed(run_id: str, key: str) -> Introspection:
    """What the parts of a run's stream are together."""
    parts = [part async for part in streams.read(run_id, key)]
    assert max(map(len, parts)) == 64 * 1024
    return Introspection.model_validate_json("".join(parts))


async def test_what_no_run_could_hold_is_in_the_catalog_and_in_a_stream(
    make_database: MakeDatabase, catalog: CatalogStore
) -> None:
    path = make_database(more_than_a_run_holds())
    handle = await introspect_data.trigger(payload_for(path))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.introspection) == (True, True, None)
    assert output.counts is not None
    assert (output.counts["tables"], output.counts["columns"]) == (3, 6_000)
    (issue,) = output.issues
    assert (issue.code, output.counts["issues"]) == ("RESULT_IN_CATALOG", 1)
    assert output.snapshot_id is not None
    assert output.snapshot_id in issue.fix
    kept = catalog.get(output.snapshot_id).introspection
    assert len(kept.columns) == 6_000
    assert output.stream == "introspection"
    assert output.stream in issue.fix
    assert await streamed(handle.id, output.stream) == kept


async def test_what_nobody_keeps_is_in_a_stream(make_database: MakeDatabase) -> None:
    path = make_database(more_than_a_run_holds())
    handle = await introspect_data.trigger(payload_for(path, IntrospectDataOptions(snapshot=False)))
    output = (await handle.result()).unwrap()
    assert (output.success, output.introspection, output.snapshot_id) == (True, None, None)
    assert [issue.code for issue in output.issues] == ["RESULT_IN_STREAM"]
    assert output.stream is not None
    assert len((await streamed(handle.id, output.stream)).columns) == 6_000


async def test_what_no_stream_could_hold_either_is_told(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "STREAM_LIMIT", 11 * 1024 * 1024)
    path = make_database(more_than_a_run_holds())
    payload = payload_for(path, IntrospectDataOptions(snapshot=False))
    output = (await (await introspect_data.trigger(payload)).result()).unwrap()
    assert output.error is not None
    assert (output.error.code, output.introspection) == ("RESULT_TOO_LARGE", None)
    assert "6000 columns" in output.error.message
    one = payload_for(path, IntrospectDataOptions(tables=["t1"], snapshot=False))
    assert (await (await introspect_data.trigger(one)).result()).unwrap().success


async def test_the_limit_is_that_of_the_store(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_home(), "output_limit", 1_000)
    options = IntrospectDataOptions(snapshot=False)
    handle = await introspect_data.trigger(payload_for(make_database(SCRIPT), options))
    output = (await handle.result()).unwrap()
    assert [issue.code for issue in output.issues] == ["RESULT_IN_STREAM"]
    assert "0.000954 MiB" in output.issues[0].message


async def test_a_secret_is_nowhere_to_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    payload = IntrospectDataInput(
        data_source_name="shop",
        credentials=PostgresCredentials(
            host="127.0.0.1", port=1, database="d", username="u", password=SecretStr(CANARY)
        ),
    )
    handle = await introspect_data.trigger(payload, max_attempts=1)
    output = (await handle.result()).unwrap()
    assert output.error is not None
    assert output.error.code == "CONNECTION_FAILED"
    run = await runs.retrieve(handle.id)
    seen = io.StringIO()
    print(run, run.payload, run.output, run.metadata, repr(payload), output, caplog.text, file=seen)
    assert CANARY not in seen.getvalue()
    assert run.payload["credentials"]["password"] == "********"


async def test_logs_tell_the_steps(
    make_database: MakeDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    handle = await introspect_data.trigger(payload_for(make_database(SCRIPT)))
    await handle.result()
    assert [record.message for record in caplog.records if record.name == "taskkit.task"] == [
        "Starting data source introspection",
        "Connecting to the data source",
        "Testing the data source connection",
        "Running full introspection",
        "Closing the connection",
        "Introspection completed",
    ]
