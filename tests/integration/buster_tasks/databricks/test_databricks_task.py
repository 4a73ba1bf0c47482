"""The task `introspect-data` on a Databricks source, end to end."""

import logging
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

import taskkit
from buster_tasks import IntrospectDataInput, IntrospectDataOptions, introspect_data
from buster_tasks.sources import DatabricksCredentials
from buster_tasks.sources.databricks import DatabricksSource

pytestmark = pytest.mark.anyio

CANARY = "dapi-canary-7f3a"
LIVE = ("DATABRICKS_SERVER_HOSTNAME", "DATABRICKS_HTTP_PATH", "DATABRICKS_TOKEN")


@pytest.fixture
async def app() -> AsyncIterator[taskkit.Worker]:
    async with taskkit.local() as app:
        yield app


def payload(account: Any, **changes: Any) -> IntrospectDataInput:
    return IntrospectDataInput(
        data_source_name="shop",
        credentials=account.credentials(**changes),
        options=IntrospectDataOptions(),
    )


async def test_a_workspace_is_introspected(
    app: taskkit.Worker,
    server: Any,
    account: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("DATABRICKS_CANARY", CANARY)
    server.user(account.name, CANARY)
    account.run(
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.customers (id int NOT NULL, name string, PRIMARY KEY (id))",
        "CREATE TABLE shop.orders (id int, customer int, FOREIGN KEY (customer) REFERENCES shop.customers (id))",
        "CREATE VIEW shop.names AS SELECT name FROM shop.customers",
    )
    handle = await introspect_data.trigger(payload(account, access_token="env:DATABRICKS_CANARY"))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.issues) == (True, True, [])
    assert output.connection is not None
    assert output.connection.ok
    found = output.introspection
    assert found is not None
    assert (found.data_source_name, found.data_source_type) == ("shop", "databricks")
    counts = found.counts()
    assert {name: counts[name] for name in ("tables", "views", "columns", "foreign_keys")} == {
        "tables": 2, "views": 1, "columns": 5, "foreign_keys": 1,
    }  # fmt: skip
    run = await handle.retrieve()
    assert (run.metadata["phase"], run.metadata["progress"]) == ("done", 1.0)
    await account.until_alone()
    seen = f"{run!r} {output!r} {found.model_dump_json()} {caplog.text} {capfd.readouterr()}"
    assert "canary-7f3a" not in seen


async def test_a_wrong_token_is_an_answer_and_is_not_retried(
    app: taskkit.Worker, account: Any
) -> None:
    handle = await introspect_data.trigger(payload(account, access_token=CANARY + "-wrong"))
    output = (await handle.result()).unwrap()
    assert not output.success
    assert output.error is not None
    assert output.error.code == "AUTHENTICATION_FAILED"
    run = await handle.retrieve()
    assert len(run.attempts) == 1
    assert "canary" not in repr(run)


@pytest.mark.skipif(
    any(name not in os.environ for name in LIVE),
    reason=f"a real workspace is read where {', '.join(LIVE)} are set",
)
async def test_a_real_workspace() -> None:
    host, path, token = (os.environ[name] for name in LIVE)
    credentials = DatabricksCredentials(
        server_hostname=host,
        http_path=path,
        access_token=token,
        catalog=os.environ.get("DATABRICKS_CATALOG"),
        connection_timeout=300_000,
    )
    async with DatabricksSource(credentials) as source:
        test = await source.test()
        assert test.ok, test.message
        found = await source.introspect()
        assert source.statements <= 12
        assert found.databases
        print([(one.code, one.message) for one in found.issues], found.counts())
        result = await source.execute("SELECT CURRENT_DATE() AS d, TIMESTAMP_NTZ'2024-01-01' AS n")
        assert [one.data_type for one in result.columns] == ["date", "timestamp_ntz"]
