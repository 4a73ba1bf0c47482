"""The task `introspect-data` on PostgreSQL, end to end in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest

import taskkit
from benchmarks.servers import PostgresServer
from buster_tasks import IntrospectDataInput, introspect_data
from buster_tasks.introspection.models import IntrospectDataOutput
from taskkit import RunHandle

pytestmark = pytest.mark.anyio

MakeDatabase = Callable[..., str]
Sessions = Callable[[], int]


@pytest.fixture(autouse=True)
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[taskkit.Worker]:
    monkeypatch.setenv("SHOP_PASSWORD", "secret")
    async with taskkit.local() as app:
        yield app


def payload(server: PostgresServer, database: str, **changes: object) -> IntrospectDataInput:
    known = server.credentials(database, password="env:SHOP_PASSWORD")
    return IntrospectDataInput.model_validate(
        {"dataSourceName": "shop", "credentials": {**known, **changes}}
    )


async def output_of(handle: RunHandle[IntrospectDataOutput]) -> IntrospectDataOutput:
    return (await handle.result()).unwrap()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0)


async def test_a_database_is_introspected(
    server: PostgresServer, make_database: MakeDatabase, sessions: Sessions
) -> None:
    name = make_database(
        "CREATE TABLE t (a int PRIMARY KEY); CREATE VIEW v AS SELECT a FROM t; ANALYZE t"
    )
    handle = await introspect_data.trigger(payload(server, name))
    output = await output_of(handle)
    assert (output.success, output.complete, output.issues) == (True, True, [])
    assert output.connection is not None
    assert (output.connection.user, output.connection.database) == ("postgres", name)
    assert output.introspection is not None
    assert output.introspection.data_source_name == "shop"
    assert [(one.name, one.row_count) for one in output.introspection.tables] == [("t", 0)]
    run = await handle.retrieve()
    assert run.metadata["phase"] == "done"
    assert (run.metadata["tables"], run.metadata["views"], run.metadata["columns"]) == (1, 1, 2)
    await until(lambda: sessions() == 0)


async def test_a_wrong_password_is_an_answer_and_not_tried_again(
    server: PostgresServer, sessions: Sessions
) -> None:
    handle = await introspect_data.trigger(payload(server, "postgres", username="nobody"))
    output = await output_of(handle)
    assert output.error is not None
    assert output.error.code == "AUTHENTICATION_FAILED"
    assert len((await handle.retrieve()).attempts) == 1
    await until(lambda: sessions() == 0)


async def test_a_session_that_the_server_ends_is_tried_again(
    server: PostgresServer,
    make_database: MakeDatabase,
    admin: psycopg.Connection[Any],
    sessions: Sessions,
) -> None:
    name = make_database("CREATE TABLE t (a int)")
    with psycopg.connect(server.dsn(name)) as other:
        other.execute("LOCK TABLE pg_catalog.pg_inherits IN ACCESS EXCLUSIVE MODE")
        handle = await introspect_data.trigger(payload(server, name))
        await until(lambda: waiting(admin, name))
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'buster-tasks' AND datname = %s",
            [name],
        )
    output = await output_of(handle)
    assert output.success
    attempts = (await handle.retrieve()).attempts
    assert len(attempts) == 2
    assert attempts[0].error is not None
    assert "ConnectionFailedError" in attempts[0].error.name


def waiting(admin: psycopg.Connection[Any], database: str) -> bool:
    found = admin.execute(
        "SELECT FROM pg_stat_activity WHERE application_name = 'buster-tasks'"
        " AND datname = %s AND wait_event_type = 'Lock'",
        [database],
    )
    return bool(found.fetchall())


@pytest.mark.parametrize("how", ["cancel", "max_duration"])
async def test_a_run_that_ends_early_leaves_no_connection(
    server: PostgresServer,
    make_database: MakeDatabase,
    admin: psycopg.Connection[Any],
    sessions: Sessions,
    how: str,
) -> None:
    name = make_database("CREATE TABLE t (a int)")
    with psycopg.connect(server.dsn(name)) as other:
        other.execute("LOCK TABLE pg_catalog.pg_inherits IN ACCESS EXCLUSIVE MODE")
        limit = 0.5 if how == "max_duration" else None
        handle = await introspect_data.trigger(payload(server, name), max_duration=limit)
        await until(lambda: waiting(admin, name))
        if how == "cancel":
            await handle.cancel()
        result = await handle.result()
        assert result.status == {"cancel": "CANCELED", "max_duration": "TIMED_OUT"}[how]
        await until(lambda: sessions() == 0)


async def test_missing_rights_are_no_empty_success(
    server: PostgresServer, make_database: MakeDatabase, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("DROP ROLE IF EXISTS stranger")
    admin.execute("CREATE ROLE stranger LOGIN PASSWORD 'secret'")
    name = make_database("CREATE SCHEMA s; CREATE TABLE s.t (a int)")
    output = await output_of(
        await introspect_data.trigger(payload(server, name, username="stranger"))
    )
    assert (output.success, output.complete) == (True, False)
    assert [(issue.code, issue.object) for issue in output.issues] == [("PERMISSION_DENIED", "s")]
