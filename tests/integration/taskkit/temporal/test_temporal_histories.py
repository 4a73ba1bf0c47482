"""Runs whose history becomes long, on a Temporal dev server that finds it long soon."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from benchmarks.servers import ServerMissingError
from benchmarks.temporal import temporal_server
from taskkit import Queue, metadata, tags, task, wait
from taskkit.model.exchange import RunFilter
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


async def test_added_tags_go_on_with_a_run(backend: TemporalBackend) -> None:
    """Each is added in another history; lists find the run by all of them."""

    @task
    async def tagged() -> None:
        for number in range(3):
            await tags.add(f"added-{number}")
            for _ in range(6):
                await wait.sleep(0.01)
        await wait.sleep(3600)

    handle = await tagged.trigger(tags="given")
    run = await handle.retrieve()
    while len(run.tags) < 4 or run.status is not RunStatus.WAITING:
        run = await handle.retrieve()
    expected = ("given", "added-0", "added-1", "added-2")
    assert run.tags == expected
    query = f"WorkflowId = '{handle.id}' AND ExecutionStatus = 'ContinuedAsNew'"
    while not (await backend.client.count_workflows(query)).count:
        pass
    for tag in expected:
        filters = RunFilter(tag=frozenset({tag}))
        while not (page := await backend.list(filters, cursor=None, limit=2)).items:
            pass
        assert [found.id for found in page.items] == [handle.id]
    await handle.cancel()
    assert (await handle.result(timeout=20)).status is RunStatus.CANCELED
    assert (await handle.retrieve()).tags == expected


async def test_a_limit_that_goes_on_with_a_new_history_loses_nobody(
    backend: TemporalBackend,
) -> None:
    """Its history is a new one every few runs, while some hold slots, some wait, and others come."""
    inside: list[int] = []
    most: list[int] = []

    @task(queue=Queue("three", 3))
    async def three(number: int) -> int:
        inside.append(number)
        most.append(len(inside))
        await asyncio.sleep(0.1)
        inside.remove(number)
        if number % 4 == 0:
            await wait.sleep(0.01)
        return number

    limiter = backend.client.get_workflow_handle(f"{backend.place.project}/limit/three")
    batch = await three.batch_trigger(range(20))
    await batch.runs[0].result(timeout=20)
    histories = {(await limiter.describe()).run_id}
    batches = [batch, await three.batch_trigger(range(20, 40))]
    results = [result for one in batches for result in await one.results(timeout=60)]
    histories.add((await limiter.describe()).run_id)
    assert [result.output for result in results] == list(range(40))
    assert max(most) <= 3
    assert len(histories) == 2


async def test_a_parent_goes_on_with_a_new_history_while_its_children_tell_that_they_are_over(
    backend: TemporalBackend,
) -> None:
    """No word is lost between two histories, and none of them becomes as long as there are children."""
    may_end = asyncio.Semaphore(0)

    @task(id="child")
    async def child(number: int) -> int:
        await may_end.acquire()
        return number

    @task(id="parent")
    async def parent(count: int) -> list[object]:
        batch = await child.batch_trigger_and_wait(range(count))
        return [result.output for result in batch.runs]

    handle = await parent.trigger(25)
    while (await handle.retrieve()).status is not RunStatus.WAITING:
        await asyncio.sleep(0)
    seen: list[tuple[str | None, int]] = []
    for _ in range(25):
        may_end.release()
        seen.append(await heard_more(backend, handle.id, seen))
    assert (await handle.result(timeout=40)).unwrap() == list(range(25))
    assert len({history for history, _ in seen}) > 1
    assert max(length for _, length in seen) < 25


async def heard_more(
    backend: TemporalBackend, run_id: str, seen: Sequence[tuple[str | None, int]]
) -> tuple[str | None, int]:
    """The history of a run, and its length, once its workflow has heard more than was seen."""
    while True:
        description = await backend.reader.describe(run_id)
        assert description is not None
        now = (description.run_id, description.history_length or 0)
        is_behind = description.raw_description.HasField("pending_workflow_task")
        if now not in seen and not is_behind:
            return now
        await asyncio.sleep(0)
