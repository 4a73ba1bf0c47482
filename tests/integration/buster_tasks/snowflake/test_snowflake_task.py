"""The task `introspect-data` on Snowflake's stand-in, end to end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import taskkit
from buster_tasks import IntrospectDataInput, IntrospectDataOptions, introspect_data

pytestmark = pytest.mark.anyio

CANARY = "canary-7f3a"
SCRIPT = (
    "CREATE TABLE APP.CUSTOMERS (ID INT PRIMARY KEY, NAME VARCHAR(20))",
    "CREATE TABLE APP.ORDERS (ID INT PRIMARY KEY, CUSTOMER INT REFERENCES APP.CUSTOMERS (ID))",
    "CREATE VIEW APP.NAMES AS SELECT NAME FROM APP.CUSTOMERS",
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


async def test_an_account_is_introspected(account: Any) -> None:
    account.run(*SCRIPT)
    handle = await introspect_data.trigger(payload(account))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.issues) == (True, True, [])
    assert output.connection is not None
    assert (output.connection.ok, output.connection.user) == (True, account.name)
    found = output.introspection
    assert found is not None
    assert (found.data_source_name, found.data_source_type) == ("shop", "snowflake")
    counts = found.counts()
    assert {name: counts[name] for name in ("tables", "views", "columns", "foreign_keys")} == {
        "tables": 2, "views": 1, "columns": 5, "foreign_keys": 1,
    }  # fmt: skip
    run = await handle.retrieve()
    assert (run.metadata["phase"], run.metadata["progress"]) == ("done", 1.0)
    assert account.server.password not in repr(run)
    await account.until_alone()


async def test_a_wrong_password_is_an_answer_and_is_not_retried(
    account: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    handle = await introspect_data.trigger(payload(account, password=CANARY))
    output = (await handle.result()).unwrap()
    assert not output.success
    assert output.error is not None
    assert output.error.code == "AUTHENTICATION_FAILED"
    run = await handle.retrieve()
    assert len(run.attempts) == 1
    assert CANARY not in repr(run) + output.model_dump_json() + caplog.text
    await account.until_alone()


async def test_a_canceled_run_leaves_no_session(account: Any) -> None:
    account.run(*SCRIPT, *(f"CREATE TABLE APP.T{number} (A INT)" for number in range(20)))
    handle = await introspect_data.trigger(payload(account))
    while not await asyncio.to_thread(account.sessions):
        assert not (await handle.retrieve()).is_completed
    await handle.cancel()
    result = await handle.result()
    assert not result.ok or result.unwrap().success  # it may have come to its end just then
    await account.until_alone()
