"""Queues: what they hold, pausing, limits, keys, turns, priority, and triggers that become one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from taskkit import Debounce, Queue, Task, queues, runs, task
from taskkit.errors import QueueFullError, QueueNotFoundError

pytestmark = pytest.mark.anyio


class Ledger:
    """How many were in at once, by key; each stays until it is let go."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.most = 0
        self.order: list[str] = []
        self._changed = asyncio.Condition()
        self._open = 0

    async def enter(self, name: str) -> None:
        async with self._changed:
            self.inside.append(name)
            self.order.append(name)
            self.most = max(self.most, len(self.inside))
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self._open > 0)
            self._open -= 1
            self.inside.remove(name)
            self._changed.notify_all()

    async def has(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.inside) == count)

    async def let_go(self, count: int) -> None:
        async with self._changed:
            self._open += count
            self._changed.notify_all()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def enter(ledger: Ledger) -> Callable[[Queue], Task[Any, Any, Any]]:
    def make(queue: Queue) -> Task[Any, Any, Any]:
        @task(id=f"enter-{queue.name}", queue=queue)
        async def body(name: str) -> str:
            await ledger.enter(name)
            return name

        return body

    return make


@pytest.mark.usefixtures("app")
async def test_a_limit_holds_and_can_be_put_over_and_taken_back(
    ledger: Ledger, enter: Callable[[Queue], Task[Any, Any, Any]]
) -> None:
    body = enter(Queue("users", concurrency_limit=2))
    many = await body.batch_trigger([str(n) for n in range(8)])
    await ledger.has(2)
    record = await queues.retrieve("users")
    assert (record.name, record.running, record.queued) == ("users", 2, 6)
    assert (record.concurrency_limit, record.declared_limit, record.paused) == (2, 2, False)

    record = await queues.override_concurrency_limit(body, 3)
    assert (record.concurrency_limit, record.declared_limit, record.is_overridden) == (3, 2, True)
    await ledger.has(3)
    record = await queues.reset_concurrency_limit("users")
    assert (record.concurrency_limit, record.is_overridden) == (2, False)
    await ledger.let_go(8)
    assert [result.output for result in await many.results()] == [str(n) for n in range(8)]
    assert ledger.most == 3
    assert (await queues.retrieve("users")).running == 0


@pytest.mark.usefixtures("app")
async def test_a_paused_queue_starts_nothing(
    ledger: Ledger, enter: Callable[[Queue], Task[Any, Any, Any]]
) -> None:
    body, other = enter(Queue("users")), enter(Queue("others"))
    first = await body.trigger("first")
    await ledger.has(1)
    assert (await queues.pause("users")).paused
    second = await body.trigger("second")
    await ledger.let_go(1)
    assert (await first.result()).ok
    await ledger.let_go(1)
    assert (await (await other.trigger("another")).result()).ok
    assert (await second.retrieve()).status == "QUEUED"
    assert {q.name: q.paused async for q in queues.list()} == {"users": True, "others": False}
    assert not (await queues.resume(body)).paused
    await ledger.let_go(1)
    assert (await second.result()).ok
    with pytest.raises(QueueNotFoundError, match="users"):
        await queues.pause("usrs")


@pytest.mark.usefixtures("app")
async def test_a_limit_counts_for_each_concurrency_key(
    ledger: Ledger, enter: Callable[[Queue], Task[Any, Any, Any]]
) -> None:
    body = enter(Queue("tenants", concurrency_limit=1))
    many = await body.batch_trigger(
        [body.item(f"{key}{n}", concurrency_key=key) for key in "abc" for n in range(3)]
    )
    await ledger.has(3)
    assert sorted(name[0] for name in ledger.inside) == ["a", "b", "c"]
    await ledger.let_go(9)
    assert all(result.ok for result in await many.results())
    for key in "abc":
        assert [name for name in ledger.order if name[0] == key] == [f"{key}{n}" for n in range(3)]
    assert ledger.most == 3


async def test_priority_is_a_head_start(
    work: Any, ledger: Ledger, enter: Callable[[Queue], Task[Any, Any, Any]]
) -> None:
    body = enter(Queue("ordered"))
    async with work(concurrency=1):
        first = await body.trigger("first")
        await ledger.has(1)
        later = [
            await body.trigger("plain"),
            await body.trigger("urgent", priority=100),
            await body.trigger("soon", priority=10),
            await body.trigger("last", priority=-10),
        ]
        await ledger.let_go(5)
        for handle in (first, *later):
            assert (await handle.result()).ok
    assert ledger.order == ["first", "urgent", "soon", "plain", "last"]


async def test_two_queues_take_turns(
    work: Any, ledger: Ledger, enter: Callable[[Queue], Task[Any, Any, Any]]
) -> None:
    long, short = enter(Queue("long")), enter(Queue("short"))
    async with work(concurrency=1):
        first = await long.trigger("l")
        await ledger.has(1)
        many = await long.batch_trigger(["l"] * 10)
        few = await short.batch_trigger(["s"] * 3)
        await ledger.let_go(14)
        await asyncio.gather(first.result(), many.results(), few.results())
    assert sorted(ledger.order[1:7]) == ["l", "l", "l", "s", "s", "s"]


@pytest.mark.usefixtures("app")
async def test_a_full_queue_refuses(
    ledger: Ledger, enter: Callable[[Queue], Task[Any, Any, Any]]
) -> None:
    body = enter(Queue("small", concurrency_limit=1, max_length=1))
    first = await body.trigger("first")
    await ledger.has(1)
    second = await body.trigger("second")
    with pytest.raises(QueueFullError, match="small"):
        await body.trigger("third")
    await ledger.let_go(2)
    assert (await first.result()).ok
    assert (await second.result()).ok


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("mode", ["leading", "trailing"])
async def test_triggers_with_one_debounce_key_are_one_run(mode: Any) -> None:
    @task(id="save")
    async def save(text: str) -> str:
        return text

    debounce = Debounce("doc", delay=60, mode=mode)
    handles = [await save.trigger(text, debounce=debounce, tags=text) for text in ("a", "b", "c")]
    other = await save.trigger("x", debounce=Debounce("other", delay=60, mode=mode))
    assert len({handle.id for handle in handles}) == 1
    assert other.id != handles[0].id
    run = await handles[0].retrieve()
    counts = "a" if mode == "leading" else "c"
    assert (run.status, run.payload, run.tags) == ("DELAYED", counts, (counts,))
    await runs.reschedule(run.id, 0)
    assert (await handles[2].result()).output == counts
    assert (await save.trigger("d", debounce=debounce)).id != run.id
