"""What the conformance suite asks of stores only, on a real Temporal dev server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from taskkit import AbortTaskRunError, Retry, metadata, runs, task, wait
from taskkit.definition.context import Context
from taskkit.errors import InvalidConfigError, PayloadTooLargeError, StoreUnavailableError
from taskkit.model.exchange import Enqueued, Entry, EntryKind
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends.temporal import TemporalBackend  # needs it

pytestmark = pytest.mark.anyio
WITHIN = 20.0
KEY = "0" * 63 + "1"


@pytest.fixture(autouse=True)
def _own_tasks() -> Iterator[None]:
    with own_tasks():
        yield


@pytest.fixture
async def home(temporal_url: str) -> AsyncIterator[Home]:
    home = Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal")
    await home.ready()
    yield home
    await home.close()


def working(home: Home, concurrency: int = 10) -> Worker:
    return Worker(home, "production", concurrency=concurrency, lease=3, drain=0)


def request(number: int, **fields: object) -> TriggerRequest:
    ordinary = {"run_id": f"run_{id(fields)}_{number}", "task_id": "keyed", "payload": b"1"}
    return TriggerRequest(**{**ordinary, "queue": "task/keyed", **fields})  # type: ignore[arg-type]  # of any kind


async def test_a_delay_is_kept(home: Home) -> None:
    @task
    async def late() -> str:
        return datetime.now(UTC).isoformat()

    async with working(home):
        due = datetime.now(UTC) + timedelta(seconds=1.5)
        handle = await late.trigger(delay=due)
        before = await handle.retrieve()
        result = await handle.result(timeout=WITHIN)
        run = await handle.retrieve()
    assert before.status is RunStatus.DELAYED
    assert before.available_at == due
    assert datetime.fromisoformat(result.unwrap()) >= due
    assert run.started_at is not None
    assert run.started_at >= due


async def test_a_run_that_nobody_starts_in_time_expires(home: Home) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    @task
    async def busy() -> None:
        entered.set()
        await leave.wait()

    async with working(home, concurrency=1):
        first = await busy.trigger()
        await entered.wait()
        second = await busy.trigger(ttl=1)
        result = await second.result(timeout=WITHIN)
        leave.set()
        assert (await first.result(timeout=WITHIN)).ok
        run = await second.retrieve()
    assert result.status is RunStatus.EXPIRED
    assert run.error is not None
    assert "did not start within its ttl of 1 s" in run.error.message
    assert (run.started_at, run.attempts) == (None, ())


async def test_a_retry_waits_for_its_moment_and_keeps_its_attempts(home: Home) -> None:
    @task(retry=Retry(max_attempts=2, min_timeout=1, max_timeout=1, randomize=False))
    async def second_time(ctx: Context) -> int:
        if ctx.attempt.number == 1:
            raise KeyError("first")
        return ctx.attempt.number

    async with working(home):
        handle = await second_time.trigger()
        assert (await handle.result(timeout=WITHIN)).unwrap() == 2
        run = await handle.retrieve()
    first, second = run.attempts
    assert first.error is not None
    assert first.error.name == "KeyError"
    assert first.finished_at is not None
    assert second.started_at - first.finished_at >= timedelta(seconds=0.9)
    assert (run.attempt, run.deaths, run.delivery) == (2, 0, 2)


async def test_many_who_use_a_key_get_one_run(home: Home) -> None:
    requests = [request(number, idempotency_key=KEY) for number in range(20)]
    calls = [home.backend.enqueue([one], batch_id=None, now=None) for one in requests]
    answers = [one for answer in await asyncio.gather(*calls) for one in answer]
    assert len({answer.run_id for answer in answers}) == 1
    assert sorted(answer.disposition for answer in answers) == ["created"] + ["existing"] * 19


async def test_a_failure_frees_a_key_and_racers_get_the_same_next_run(home: Home) -> None:
    @task(id="keyed", retry=None)
    async def keyed(fails: bool) -> None:
        if fails:
            raise KeyError

    async with working(home):
        first = await keyed.trigger(True, idempotency_key="order-7")
        assert (await first.result(timeout=WITHIN)).status is RunStatus.FAILED
        racers = [keyed.trigger(False, idempotency_key="order-7") for _ in range(5)]
        handles = await asyncio.gather(*racers)
        second = await handles[0].result(timeout=WITHIN)
        again = await keyed.trigger(False, idempotency_key="order-7")
    assert second.ok
    assert {handle.id for handle in handles} == {again.id}
    assert first.id != again.id
    assert sorted(handle.is_cached for handle in [*handles, again]) == [False] + [True] * 5


async def test_a_key_that_was_freed_often_leads_to_the_run_that_holds_it(home: Home) -> None:
    @task(id="keyed", retry=None)
    async def keyed(fails: bool) -> None:
        if fails:
            raise KeyError

    async with working(home):
        handles = [await keyed.trigger(True, idempotency_key="order-8")]
        for number in range(6):
            assert (await handles[-1].result(timeout=WITHIN)).status is RunStatus.FAILED
            handles.append(await keyed.trigger(number < 5, idempotency_key="order-8"))
        assert (await handles[-1].result(timeout=WITHIN)).ok
        again = await keyed.trigger(False, idempotency_key="order-8")
    assert len({handle.id for handle in handles}) == 7
    assert not any(handle.is_cached for handle in handles)
    assert (again.id, again.is_cached) == (handles[-1].id, True)


async def test_a_key_holds_for_its_ttl(home: Home) -> None:
    async def ask() -> Enqueued:
        one = request(1, idempotency_key=KEY, idempotency_key_ttl=1.0)
        (answer,) = await home.backend.enqueue([one], batch_id=None, now=None)
        return answer

    first = await ask()
    assert first.disposition == "created"
    (run,) = await home.backend.get([first.run_id])
    assert run is not None
    while (answer := await ask()).disposition == "existing":
        assert answer.run_id == first.run_id
    assert answer.run_id != first.run_id
    (second,) = await home.backend.get([answer.run_id])
    assert second is not None
    assert second.created_at - run.created_at >= timedelta(seconds=0.9)


async def test_a_cancel_of_a_waiting_parent_ends_its_children_too(home: Home) -> None:
    entered = asyncio.Event()
    ends: list[str] = []

    @task(id="child")
    async def child() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("child")

    @task(id="parent")
    async def parent() -> None:
        try:
            await child.trigger_and_wait()
        finally:
            ends.append("parent")

    async with working(home, concurrency=1):
        handle = await parent.trigger()
        await entered.wait()
        while (await handle.retrieve()).status is not RunStatus.WAITING:
            pass  # its slot is the child's before the server knows that it waits
        await handle.cancel("enough")
        result = await handle.result(timeout=WITHIN)
        run = await handle.retrieve()
        while len(ends) < 2:
            await asyncio.sleep(0)
    assert result.status is RunStatus.CANCELED
    assert run.cancel_reason == "enough"
    assert sorted(ends) == ["child", "parent"]


async def test_a_parent_is_told_of_a_child_that_was_canceled_before_it_began(home: Home) -> None:
    @task(id="child", queue="nobody")
    async def child() -> None: ...

    @task(id="parent")
    async def parent() -> str:
        return (await child.trigger_and_wait()).status

    backend = home.backend
    async with Worker(home, "production", concurrency=1, queues=["task/parent"], drain=0):
        handle = await parent.trigger()
        while (await handle.retrieve()).status is not RunStatus.WAITING:
            await asyncio.sleep(0)
        (child_id,) = backend.made[handle.id]  # type: ignore[attr-defined]  # no list yet
        await backend.cancel([child_id], reason=None, now=None)
        assert (await handle.result(timeout=WITHIN)).unwrap() == "CANCELED"


async def test_a_wait_that_is_given_up_brings_the_run_back(home: Home) -> None:
    @task
    async def impatient() -> str:
        try:
            async with asyncio.timeout(0.3):
                await wait.sleep(3600)
        except TimeoutError:
            return "gave up"
        return "slept"

    async with working(home, concurrency=1):
        handle = await impatient.trigger()
        assert (await handle.result(timeout=WITHIN)).unwrap() == "gave up"


async def test_two_waits_at_once_are_answered_one_after_the_other(home: Home) -> None:
    order: list[str] = []

    @task
    async def both() -> int:
        async def sleep(name: str, seconds: float) -> None:
            await wait.sleep(seconds)
            order.append(name)

        await asyncio.gather(sleep("long", 2.5), sleep("short", 0.2))
        return len(order)

    async with working(home, concurrency=1):
        handle = await both.trigger()
        assert (await handle.result(timeout=WITHIN)).unwrap() == 2
    assert order == ["short", "long"]


async def test_parents_wait_beside_their_children_in_one_slot(home: Home) -> None:
    running, peak = 0, 0

    @task(id="child")
    async def child(number: int) -> int:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0)
        running -= 1
        return number

    @task(id="parent")
    async def parent(number: int) -> int:
        items = [number * 10 + one for one in range(3)]
        return sum(await child.batch_trigger_and_wait(items).unwrap())

    async with working(home, concurrency=1):
        batch = await parent.batch_trigger([1, 2, 3, 4])
        results = await batch.results(timeout=WITHIN)
    assert [result.unwrap() for result in results] == [33, 63, 93, 123]
    assert peak == 1


async def test_a_run_waits_for_a_worker_that_knows_its_task(home: Home) -> None:
    @task(id="known", queue="shared")
    async def known() -> int:
        return 1

    async with working(home):
        stored = request(1, task_id="later", queue="shared", payload=None)
        await home.backend.enqueue([stored], batch_id=None, now=None)
        assert (await (await known.trigger()).result(timeout=WITHIN)).unwrap() == 1
        run = None
        while run is None or run.status is not RunStatus.PENDING_VERSION:
            (run,) = await home.backend.get([stored.run_id])

        @task(id="later", queue="shared")
        async def later() -> int:
            return 2

        (run,) = await home.backend.get([stored.run_id])
        while run is None or not run.is_completed:
            (run,) = await home.backend.get([stored.run_id])
    assert run.output == 2
    assert run.deaths == 0


async def test_a_waiting_run_outlives_the_worker_that_parked_it(home: Home) -> None:
    entered: list[int] = []

    @task
    async def sleeper() -> int:
        entered.append(1)
        await wait.sleep(2)
        return len(entered)

    async with working(home):
        handle = await sleeper.trigger()
        while (await handle.retrieve()).status is not RunStatus.WAITING:
            await asyncio.sleep(0)
    async with working(home):
        result = await handle.result(timeout=WITHIN)
        run = await handle.retrieve()
    assert result.unwrap() == 2  # entered again, and met the answer of its wait
    assert (run.attempt, run.deaths) == (1, 0)


async def test_metadata_is_seen_while_an_attempt_runs_and_kept_from_all_sides(home: Home) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    @task(id="child")
    async def child() -> None:
        metadata.parent.increment("children", 1)

    @task(id="parent")
    async def parent() -> object:
        metadata.set("step", "first")
        await metadata.flush()
        entered.set()
        await leave.wait()
        await child.trigger_and_wait()
        metadata.set("step", "last")
        return metadata.current()

    async with working(home):
        handle = await parent.trigger(metadata={"given": 1, "children": 1})
        await entered.wait()
        running = await handle.retrieve()
        operation = {"type": "set", "key": "else", "value": 2}
        entries = [Entry(EntryKind.METADATA, operation)]
        await home.backend.append(handle.id, entries, flush_id="flush_1", lease=None)
        while "else" not in (beside := await handle.retrieve()).metadata:
            pass
        leave.set()
        result = await handle.result(timeout=WITHIN)
        over = await handle.retrieve()
    assert running.status is RunStatus.EXECUTING
    assert running.metadata == {"given": 1, "children": 1, "step": "first"}
    assert beside.metadata == {**running.metadata, "else": 2}
    expected = {"given": 1, "children": 2, "step": "last", "else": 2}
    assert result.unwrap() == expected
    assert over.metadata == expected


async def test_a_delivery_is_counted_once_also_where_its_workflow_has_just_heard_something(
    home: Home,
) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    @task
    async def hold() -> None:
        await metadata.flush()
        entered.set()
        await leave.wait()

    backend = home.backend
    assert isinstance(backend, TemporalBackend)
    async with working(home):
        handle = await hold.trigger()
        await entered.wait()
        entries = [Entry(EntryKind.METADATA, {"type": "set", "key": "else", "value": 2})]
        await backend.append(handle.id, entries, flush_id="flush_1", lease=None)
        shown = None
        while shown is None:
            description = await backend.reader.describe(handle.id)
            assert description is not None
            shown = await description.memo_value("state", None)
        while (run := await handle.retrieve()).status is not RunStatus.EXECUTING:
            pass
        leave.set()
        await handle.result(timeout=WITHIN)
        over = await handle.retrieve()
    assert (run.attempt, run.delivery, run.metadata) == (1, 1, {"else": 2})
    assert (over.attempt, over.delivery, over.metadata) == (1, 1, {"else": 2})


async def test_what_an_attempt_says_adds_nothing_to_the_history(home: Home) -> None:
    @task
    async def talkative() -> None:
        for number in range(200):
            metadata.set("number", number)
            await metadata.flush()

    async with working(home):
        handle = await talkative.trigger()
        assert (await handle.result(timeout=WITHIN)).ok
        assert (await handle.retrieve()).metadata == {"number": 199}
    backend = home.backend
    assert isinstance(backend, TemporalBackend)
    description = await backend.reader.describe(handle.id)
    assert description is not None
    assert description.history_length < 20


async def test_a_run_meets_the_completion_of_its_token(home: Home) -> None:
    @task
    async def asks(token_id: str) -> object:
        return await wait.for_token(token_id).unwrap()

    async with working(home, concurrency=1):
        token = await wait.create_token(timeout=60)
        handles = [await asks.trigger(token.id) for _ in range(2)]
        for handle in handles:
            while (await handle.retrieve()).status is not RunStatus.WAITING:
                pass
        assert await wait.complete_token(token, {"answer": 42})
        assert not await wait.complete_token(token, {"answer": 43})
        results = [await handle.result(timeout=WITHIN) for handle in handles]
        again = await (await asks.trigger(token.id)).result(timeout=WITHIN)
    assert [result.unwrap() for result in (*results, again)] == [{"answer": 42}] * 3


async def test_a_run_meets_the_end_of_its_tokens_time(home: Home) -> None:
    @task
    async def asks() -> tuple[bool, str]:
        token = await wait.create_token(timeout=1)
        result = await wait.for_token(token)
        return result.ok, (await wait.retrieve_token(token)).status

    async with working(home, concurrency=1):
        handle = await asks.trigger()
        result = await handle.result(timeout=WITHIN)
    assert tuple(result.unwrap()) == (False, "TIMED_OUT")


async def test_runs_are_listed_as_they_stand_by_status_and_time(home: Home) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    @task(id="works")
    async def works(what: str) -> None:
        if what == "fails":
            raise AbortTaskRunError
        if what == "waits":
            await wait.sleep(3600)
        if what == "runs":
            entered.set()
            await leave.wait()

    async def ids(**where: object) -> list[str]:
        return [run.id async for run in runs.list(tag="mine", **where)]  # type: ignore[arg-type]  # of any kind

    async def until(expected: list[str], **where: object) -> None:
        ends = asyncio.get_running_loop().time() + 10
        while (came := await ids(**where)) != expected and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(0)
        assert came == expected, where

    async with working(home):
        whats = ["ends", "fails", "waits", "runs"]
        handles = [await works.trigger(what, tags=["mine"]) for what in whats]
        nobody = request(1, tags=("mine",), queue="nobody")
        await home.backend.enqueue([nobody], batch_id=None, now=None)
        ended, failed, waiting, running = (handle.id for handle in handles)
        await entered.wait()
        await until([nobody.run_id, running, waiting, failed, ended])
        await until([ended], status="COMPLETED")
        await until([failed], status="FAILED")
        await until([waiting], status="WAITING")
        await until([running], status="EXECUTING")
        await until([nobody.run_id], status="QUEUED")
        await until([failed, ended], status=["COMPLETED", "FAILED"])
        await home.backend.cancel([nobody.run_id], reason=None, now=None)
        await until([nobody.run_id], status="CANCELED")
        third = (await handles[2].retrieve()).created_at
        await until([nobody.run_id, running, waiting], since=third)
        await until([waiting, failed, ended], until=third)
        leave.set()
        await handles[3].result(timeout=WITHIN)
        await handles[2].cancel()


async def test_a_payload_that_the_server_would_not_take_is_refused(home: Home) -> None:
    big = request(1, payload=b'"' + b"a" * 1_200_000 + b'"')
    (answer,) = await home.backend.enqueue([big], batch_id=None, now=None)
    assert answer.disposition == "refused"
    assert isinstance(answer.error, PayloadTooLargeError)
    assert list(await home.backend.get([big.run_id])) == [None]


async def test_a_server_that_is_not_there_is_told_by_its_address() -> None:
    backend = TemporalBackend.from_url("temporal://127.0.0.1:1/default")
    with pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1:1.*temporal server start-dev"):
        await backend.open()


@pytest.mark.parametrize(
    "url",
    [
        "temporal://",
        "temporal://user:word@host/x",
        "temporal://host:port/x",
        "temporal://host/x?lease=0",
        "temporal://host/x?project=a/b",
        "temporal://host/x?colour=red",
    ],
)
def test_a_url_that_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(InvalidConfigError, match="is not understood"):
        TemporalBackend.from_url(url)
