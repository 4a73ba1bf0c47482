"""The task `introspect-data` on Redshift, end to end in memory; a secret of it is nowhere."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import taskkit
from buster_tasks import IntrospectDataInput, introspect_data
from buster_tasks.introspection.models import IntrospectDataOutput
from taskkit import RunHandle, runs

if TYPE_CHECKING:
    from tests.integration.buster_tasks.redshift.conftest import MakeDatabase, Redshift

pytestmark = pytest.mark.anyio

Until = Callable[[Callable[[], bool]], Any]
CANARY = "canary-7f3a"


@pytest.fixture(autouse=True)
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[taskkit.Worker]:
    monkeypatch.setenv("REDSHIFT_PASSWORD_OF_TEST", CANARY)
    async with taskkit.local() as app:
        yield app


@pytest.fixture
def reader(admin: psycopg.Connection[Any]) -> str:
    admin.execute("DROP ROLE IF EXISTS task_reader")
    admin.execute(f"CREATE ROLE task_reader SUPERUSER LOGIN PASSWORD '{CANARY}'".encode())
    return "task_reader"


def payload(redshift: Redshift, database: str, **changes: object) -> IntrospectDataInput:
    known = redshift.credentials(database, password="env:REDSHIFT_PASSWORD_OF_TEST")
    return IntrospectDataInput.model_validate(
        {"dataSourceName": "shop", "credentials": {**known, **changes}}
    )


async def left_behind(
    handle: RunHandle[IntrospectDataOutput], caplog: pytest.LogCaptureFixture
) -> str:
    """Everything that can be read of a run, and every log record, the driver's too."""
    result, run = await handle.result(), await handle.retrieve()
    entries = [entry.data async for entry in runs.logs(handle.id)]
    stacks = [attempt.error and (attempt.error, attempt.error.stack) for attempt in run.attempts]
    logged = [(record.getMessage(), record.args) for record in caplog.records]
    return f"{result!r}{run!r}{run.request!r}{run.metadata!r}{entries!r}{stacks!r}{logged!r}{caplog.text}"


async def test_a_database_is_introspected(
    redshift: Redshift,
    make_database: MakeDatabase,
    reader: str,
    sessions: Callable[[], int],
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    name = make_database("CREATE TABLE t (a int PRIMARY KEY)", "CREATE VIEW v AS SELECT a FROM t")
    handle = await introspect_data.trigger(payload(redshift, name, username=reader))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.issues) == (True, True, [])
    assert output.connection is not None
    assert (output.connection.user, output.connection.database) == (reader, name)
    assert output.connection.server_version == "1.0.127374"
    assert output.introspection is not None
    assert output.introspection.data_source_type == "redshift"
    assert [(one.name, one.row_count) for one in output.introspection.tables] == [("t", 0)]
    run = await handle.retrieve()
    assert run.metadata["phase"] == "done"
    assert (run.metadata["tables"], run.metadata["views"], run.metadata["columns"]) == (1, 1, 2)
    assert CANARY not in await left_behind(handle, caplog)
    await until(lambda: sessions() == 0)


async def test_a_wrong_password_is_an_answer_and_not_tried_again(
    redshift: Redshift,
    sessions: Callable[[], int],
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    handle = await introspect_data.trigger(payload(redshift, "postgres"))
    output = (await handle.result()).unwrap()
    assert output.error is not None
    assert output.error.code == "AUTHENTICATION_FAILED"
    assert len((await handle.retrieve()).attempts) == 1
    assert CANARY not in await left_behind(handle, caplog)
    await until(lambda: sessions() == 0)


async def test_missing_rights_are_no_empty_success(
    redshift: Redshift, make_database: MakeDatabase, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("DROP ROLE IF EXISTS stranger")
    admin.execute(f"CREATE ROLE stranger LOGIN PASSWORD '{CANARY}'".encode())
    name = make_database("CREATE SCHEMA s; CREATE TABLE s.t (a int)")
    handle = await introspect_data.trigger(payload(redshift, name, username="stranger"))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete) == (True, False)
    told = [(issue.code, issue.object) for issue in output.issues]
    assert told == [
        ("PERMISSION_DENIED", f"{name}: rows, sizes and distribution of tables"),
        ("PERMISSION_DENIED", "s"),
    ]
