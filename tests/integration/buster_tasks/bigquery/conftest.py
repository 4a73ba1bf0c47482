import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack
from typing import Any

import pytest

from buster_tasks.sources import BigqueryCredentials
from buster_tasks.sources.bigquery import BigquerySource
from tests.doubles.bigquery_proxy import Proxy, bigquery_proxy
from tests.doubles.bigquery_server import BigqueryServer, bigquery_server

_numbers = itertools.count(1)

HUGE = "CREATE TABLE endless.big AS SELECT x FROM UNNEST(GENERATE_ARRAY(1, 4000)) x"


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine is logged in to Google with is nothing to a test."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")


@pytest.fixture(scope="module")
def server(
    missing_server: Callable[[], AbstractContextManager[None]],
) -> Iterator[BigqueryServer]:
    """A new one for each module: the emulator goes on with statements that were canceled."""
    with missing_server():
        running = bigquery_server()
        made = running.__enter__()
    try:
        made.run("CREATE SCHEMA endless", HUGE)
        yield made
    finally:
        running.__exit__(None, None, None)


@pytest.fixture
def dataset(server: BigqueryServer) -> Iterator[str]:
    """A dataset of the test's own."""
    name = f"shop_{next(_numbers)}"
    server.run(f"CREATE SCHEMA {name} OPTIONS (description='of a test')")
    yield name
    server.run(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def proxy(server: BigqueryServer) -> Iterator[Proxy]:
    with bigquery_proxy(server.endpoint) as running:
        yield running


@pytest.fixture
async def open_source(server: BigqueryServer) -> AsyncIterator[Callable[..., BigquerySource]]:
    """Sources of the server, closed at the end."""
    async with AsyncExitStack() as stack:

        def opened(**changes: Any) -> BigquerySource:
            credentials = BigqueryCredentials.model_validate(server.credentials(**changes))
            source = BigquerySource(credentials)
            stack.push_async_callback(source.close)
            return source

        yield opened
