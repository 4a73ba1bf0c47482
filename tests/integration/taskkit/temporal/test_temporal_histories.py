"""Runs whose history becomes long, on a Temporal dev server that finds it long soon."""

from collections.abc import AsyncIterator, Iterator

import pytest

from benchmarks.servers import ServerMissingError
from benchmarks.temporal import temporal_server
from taskkit import metadata, task, wait
from taskkit.model.run import RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends.temporal import TemporalBackend  # needs it

pytestmark = pytest.mark.anyio
SHORT = ["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=15"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    try:
        with temporal_server(SHORT) as address:
            yield address
    except ServerMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture
async def backend(address: str) -> AsyncIterator[TemporalBackend]:
    backend = TemporalBackend.from_url(f"temporal://{address}/default?lease=5")
    home = Home(lambda: backend, name="temporal")
    with own_tasks():
        async with Worker(home, "production", drain=0):
            yield backend


async def test_a_run_that_goes_on_with_a_new_history_is_the_same_run(
    backend: TemporalBackend,
) -> None:
    ends: list[str] = []

    @task
    async def long() -> None:
        try:
            for number in range(20):
                metadata.set("number", number)
                await wait.sleep(0.01)
            await wait.sleep(3600)
        finally:
            ends.append("its own")

    handle = await long.trigger(metadata={"given": 1})
    first = await handle.retrieve()
    histories: set[str | None] = set()
    run = first
    while len(histories) < 3 or run.status is not RunStatus.WAITING:
        description = await backend.reader.describe(handle.id)
        assert description is not None
        histories.add(description.run_id)
        run = await backend.reader.read(description)
        assert run.created_at == first.created_at
        assert run.metadata["given"] == 1
    assert run.started_at is not None
    assert run.metadata["number"] > 0
    await handle.cancel("enough")
    assert (await handle.result(timeout=20)).status is RunStatus.CANCELED
    assert (await handle.retrieve()).cancel_reason == "enough"
    assert ends == ["its own"]
