"""The task `introspect-data` on a SQL Server source, end to end."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import taskkit
from buster_tasks import IntrospectDataInput, IntrospectDataOptions, introspect_data

pytestmark = pytest.mark.anyio

CANARY = "canary;7f3a}"


@pytest.fixture(autouse=True)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[taskkit.Worker]:
    if getattr(request, "param", "memory") == "memory":
        async with taskkit.local() as app:
            yield app
    else:
        async with taskkit.worker(f"sqlite:///{tmp_path / 'runs.db'}", drain=0) as app:
            yield app


def payload(account: Any, **changes: Any) -> IntrospectDataInput:
    return IntrospectDataInput(
        data_source_name="shop",
        credentials=account.credentials(**changes),
        options=IntrospectDataOptions(),
    )


async def test_a_server_is_introspected(
    account: Any, monkeypatch: Any, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SQLSERVER_PASSWORD", CANARY)
    account.limit(password=CANARY)
    account.run(
        "CREATE TABLE customers (id int NOT NULL PRIMARY KEY, name varchar(20))",
        "CREATE TABLE orders (id int NOT NULL PRIMARY KEY, customer int, "
        "FOREIGN KEY (customer) REFERENCES customers (id))",
        "CREATE VIEW names AS SELECT name FROM customers",
    )
    handle = await introspect_data.trigger(payload(account, password="env:SQLSERVER_PASSWORD"))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.issues) == (True, True, [])
    assert output.connection is not None
    assert output.connection.ok
    found = output.introspection
    assert found is not None
    assert (found.data_source_name, found.data_source_type) == ("shop", "sqlserver")
    counts = found.counts()
    assert {name: counts[name] for name in ("tables", "views", "columns", "foreign_keys")} == {
        "tables": 2, "views": 1, "columns": 5, "foreign_keys": 1,
    }  # fmt: skip
    run = await handle.retrieve()
    assert (run.metadata["phase"], run.metadata["progress"]) == ("done", 1.0)
    await account.until_alone()
    seen = f"{run!r} {output!r} {found.model_dump_json()} {caplog.text} {capfd.readouterr()}"
    assert "canary" not in seen


async def test_a_wrong_password_is_an_answer_and_is_not_retried(account: Any) -> None:
    handle = await introspect_data.trigger(payload(account, password=CANARY))
    output = (await handle.result()).unwrap()
    assert not output.success
    assert output.error is not None
    assert output.error.code == "AUTHENTICATION_FAILED"
    run = await handle.retrieve()
    assert len(run.attempts) == 1
    assert "canary" not in f"{run!r} {output!r}"
    await account.until_alone()


@pytest.mark.parametrize("app", ["memory", "sqlite"], indirect=True)
async def test_near_its_time_limit_a_run_gives_what_it_has(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLSERVER_PASSWORD", CANARY)
    account.limit(password=CANARY)
    account.run("CREATE TABLE a (id int NOT NULL PRIMARY KEY)", "CREATE TABLE b (id int)")
    # whoever asks for indexes waits for minutes
    account.duckdb("ALTER TABLE indexes RENAME TO indexes_as_they_were")
    account.duckdb(
        "CREATE VIEW indexes AS SELECT * FROM indexes_as_they_were WHERE "
        "(SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(10000000) b) > 0"
    )
    asked = payload(account, password="env:SQLSERVER_PASSWORD")
    handle = await introspect_data.trigger(asked, max_duration=7)
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.error) == (True, False, None)
    assert output.introspection is not None
    assert [table.name for table in output.introspection.tables] == ["a", "b"]
    assert len(output.introspection.columns) == 2
    told = [issue for issue in output.issues if issue.code == "TIME_LIMIT_REACHED"]
    assert any("indexes" in issue.message for issue in told)
    assert all(issue.fix for issue in told)
    assert (await handle.retrieve()).status == "COMPLETED"
    await account.until_alone()
