"""The task `introspect-data` on a MySQL source, end to end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import taskkit
from buster_tasks import IntrospectDataInput, IntrospectDataOptions, introspect_data

pytestmark = pytest.mark.anyio

SCRIPT = (
    "CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(20))",
    "CREATE TABLE orders (id INT PRIMARY KEY, customer INT, FOREIGN KEY (customer) REFERENCES customers (id))",
    "CREATE VIEW names AS SELECT name FROM customers",
)


@pytest.fixture(autouse=True)
async def app() -> AsyncIterator[taskkit.Worker]:
    async with taskkit.local() as app:
        yield app


def payload(account: Any, **changes: Any) -> IntrospectDataInput:
    return IntrospectDataInput(
        data_source_name="shop",
        credentials=account.credentials(**changes),
        options=IntrospectDataOptions(),
    )


async def test_a_server_is_introspected(account: Any) -> None:
    account.run(*SCRIPT)
    handle = await introspect_data.trigger(payload(account))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.issues) == (True, True, [])
    assert output.connection is not None
    assert output.connection.ok
    assert "MariaDB" in (output.connection.server_version or "")
    found = output.introspection
    assert found is not None
    assert (found.data_source_name, found.data_source_type) == ("shop", "mysql")
    counts = found.counts()
    assert {name: counts[name] for name in ("tables", "views", "columns", "foreign_keys")} == {
        "tables": 2, "views": 1, "columns": 5, "foreign_keys": 1,
    }  # fmt: skip
    run = await handle.retrieve()
    assert (run.metadata["phase"], run.metadata["progress"]) == ("done", 1.0)
    await account.until_alone()


async def test_a_wrong_password_is_an_answer_and_is_not_retried(account: Any) -> None:
    handle = await introspect_data.trigger(payload(account, password="canary-7f3a"))
    output = (await handle.result()).unwrap()
    assert not output.success
    assert output.error is not None
    assert output.error.code == "AUTHENTICATION_FAILED"
    run = await handle.retrieve()
    assert len(run.attempts) == 1
    assert "canary-7f3a" not in repr(run)
    await account.until_alone()


async def test_a_canceled_run_leaves_no_connection(account: Any) -> None:
    account.run(*SCRIPT, *(f"CREATE TABLE t{number} (a INT)" for number in range(50)))
    handle = await introspect_data.trigger(payload(account))
    while not await asyncio.to_thread(account.connections):
        assert not (await handle.retrieve()).is_completed
    await handle.cancel()
    result = await handle.result()
    assert not result.ok or result.unwrap().success  # it may have come to its end just then
    await account.until_alone()
