"""The task `introspect-data` on BigQuery, end to end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import taskkit
from buster_tasks import IntrospectDataInput, IntrospectDataOptions, introspect_data
from taskkit import runs
from tests.doubles.bigquery_proxy import Answer, Proxy
from tests.doubles.bigquery_server import BigqueryServer

pytestmark = pytest.mark.anyio

CANARY = "canary-7f3a"


@pytest.fixture(autouse=True)
async def app() -> AsyncIterator[taskkit.Worker]:
    async with taskkit.local() as app:
        yield app


def payload(server: BigqueryServer, **changes: Any) -> IntrospectDataInput:
    return IntrospectDataInput.model_validate(
        {
            "data_source_name": "shop",
            "credentials": server.credentials(**changes),
            "options": IntrospectDataOptions(schemas=["endless"]),
        }
    )


async def test_a_project_is_introspected(server: BigqueryServer) -> None:
    handle = await introspect_data.trigger(payload(server))
    output = (await handle.result()).unwrap()
    assert (output.success, output.complete, output.issues) == (True, True, [])
    found = output.introspection
    assert found is not None
    assert (found.data_source_name, found.data_source_type) == ("shop", "bigquery")
    assert [(one.name, one.row_count) for one in found.tables] == [("big", 4_000)]
    run = await handle.retrieve()
    assert (run.metadata["phase"], run.metadata["progress"]) == ("done", 1.0)


@pytest.mark.parametrize("key", [{"private_key": CANARY, "type": "service_account"}, "{" + CANARY])
async def test_a_key_that_is_none_is_an_answer_without_it(
    server: BigqueryServer, key: object, caplog: pytest.LogCaptureFixture
) -> None:
    handle = await introspect_data.trigger(payload(server, service_account_key=key))
    output = (await handle.result()).unwrap()
    assert output.error is not None
    assert output.error.code == "AUTHENTICATION_FAILED"
    run = await handle.retrieve()
    assert len(run.attempts) == 1
    entries = [entry.data async for entry in runs.logs(handle.id)]
    assert CANARY not in f"{run!r}{run.payload!r}{output!r}{entries!r}{caplog.text}"


async def test_a_busy_service_is_tried_again(server: BigqueryServer, proxy: Proxy) -> None:
    busy = Answer.error(400, "jobRateLimitExceeded", "Job exceeded rate limits")
    proxy.refuse("INFORMATION_SCHEMA.TABLES", busy, times=1)
    handle = await introspect_data.trigger(payload(server, api_endpoint=proxy.endpoint))
    output = (await handle.result()).unwrap()
    assert output.success
    assert len((await handle.retrieve()).attempts) == 2
