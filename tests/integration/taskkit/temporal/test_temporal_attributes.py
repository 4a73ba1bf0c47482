"""The search attributes of a namespace, also where only operators may see and add them, as in Temporal Cloud."""

import time
from typing import Any, NoReturn

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed")

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowExecutionCount
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.attributes import register_attributes
from taskkit.backends.temporal.place import Place
from taskkit.errors import BackendError

pytestmark = pytest.mark.anyio


async def refuse(request: object) -> NoReturn:
    raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")


class Operators:
    list_search_attributes = staticmethod(refuse)
    add_search_attributes = staticmethod(refuse)


class Tenant:
    """A client that is no operator's."""

    operator_service = Operators()

    def __init__(self, client: Client) -> None:
        self._client = client

    async def count_workflows(self, query: str) -> WorkflowExecutionCount:
        return await self._client.count_workflows(query)


@pytest.fixture
async def client(temporal_address: str) -> Client:
    """Of a fresh namespace."""
    namespace = f"bare{time.time_ns()}"
    client = await Client.connect(temporal_address, namespace=namespace)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=namespace, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    return client


async def test_what_an_operator_has_added_is_found(client: Client) -> None:
    place = Place("127.0.0.1", 7233, client.namespace)
    await register_attributes(client, place)
    tenant: Any = Tenant(client)
    await register_attributes(tenant, place)


@pytest.mark.parametrize(
    ("host", "command", "option"),
    [
        ("temporal.internal", "temporal operator search-attribute create", " --name TaskkitRank --type Int"),
        ("shop.a1b2c.tmprl.cloud", "tcld namespace search-attributes add", " --search-attribute TaskkitRank=Int"),
        ("eu-west-1.api.temporal.io", "tcld namespace search-attributes add", " --search-attribute TaskkitRank=Int"),
    ],
)  # fmt: skip
async def test_what_is_missing_is_named_with_the_command(
    client: Client, host: str, command: str, option: str
) -> None:
    tenant: Any = Tenant(client)
    place = Place(host, 7233, client.namespace)
    with pytest.raises(BackendError) as raised:
        await register_attributes(tenant, place)
    message = str(raised.value)
    assert "lacks the search attributes TaskkitTask, " in message
    told = message.partition(f"Run: {command} --namespace {client.namespace} --")[2]
    assert option in told
