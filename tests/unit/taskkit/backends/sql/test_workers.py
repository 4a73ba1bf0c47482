"""Which workers there are, and runs that none of them can run."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import taskkit
from taskkit import task
from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.errors import BackendError
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import ClaimSpec, RetryAt, RunFilter, WorkerRecord
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus

pytestmark = pytest.mark.anyio
S = RunStatus


def worker(name: str, *tasks: str, **fields: Any) -> WorkerRecord:
    return WorkerRecord(name, frozenset(tasks), datetime.now(UTC), **fields)


async def alive(backend: KeptBackend) -> dict[str, bool]:
    return {one.worker: one.alive for one in await backend.list_workers()}


async def test_a_worker_is_there_as_long_as_its_word_is_good(backend: KeptBackend) -> None:
    assert await backend.list_workers() == []
    await backend.report(worker("one", "a", "b", version="v1"), lasts=30)
    await backend.report(worker("two"), lasts=0)
    await backend.report(worker("three"), lasts=None)
    assert await alive(backend) == {"one": True, "two": False, "three": True}
    first = (await backend.list_workers())[0]
    assert (first.tasks, first.version, first.failure) == ({"a", "b"}, "v1", None)
    await backend.report(worker("one", "c"), lasts=30)
    again = (await backend.list_workers())[0]
    assert (again.tasks, again.started_at) == ({"c"}, first.started_at)
    assert again.last_seen >= first.last_seen


async def test_a_worker_that_says_so_is_gone(backend: KeptBackend) -> None:
    await backend.report(worker("one"), lasts=30)
    await backend.report(worker("one", alive=False, failure="ValueError: x"), lasts=30)
    (gone,) = await backend.list_workers()
    assert (gone.alive, gone.failure) == (False, "ValueError: x")


async def test_only_the_last_of_those_that_are_gone_are_kept(backend: KeptBackend) -> None:
    await backend.report(worker("first"), lasts=None)
    for number in range(110):
        await backend.report(worker(str(number), alive=False), lasts=30)
    known = await alive(backend)
    assert len(known) <= 101
    assert known["first"]
    assert "109" in known
    assert "0" not in known


# --- a worker that serves ---------------------------------------------------------------------------


async def test_a_worker_is_seen_while_it_serves(
    url: str, make: Callable[[str], KeptBackend], rows: Any
) -> None:
    @task
    async def greet() -> str:
        return "hello"

    other = make(url)
    await other.open()
    try:
        async with taskkit.worker(url, concurrency=4):
            handles = [await greet.trigger() for _ in range(20)]
            assert [(await one.result()).output for one in handles] == ["hello"] * 20
            (seen,) = await other.list_workers()
            assert (seen.alive, seen.tasks) == (True, {"greet"})
        (gone,) = await other.list_workers()
        assert (gone.worker, gone.alive, gone.failure) == (seen.worker, False, None)
    finally:
        await other.close()


async def test_claims_cost_no_report(unopened: KeptBackend, serve: Any, clock: Any) -> None:
    @task
    async def greet() -> None:
        return None

    reports = 0
    report = unopened.report

    async def counted(record: WorkerRecord, *, lasts: float | None) -> None:
        nonlocal reports
        reports += 1
        await report(record, lasts=lasts)

    unopened.report = counted  # type: ignore[method-assign]  # only to count
    async with serve(unopened, clock=clock):
        for _ in range(20):
            await (await greet.trigger()).result()
        assert reports == 1
    assert reports == 2


async def test_what_a_worker_died_of_is_kept(
    url: str,
    make: Callable[[str], KeptBackend],
    unopened: KeptBackend,
    serve: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object, **__: object) -> Any:
        raise BackendError("no more")

    working = serve(unopened)
    await working.__aenter__()
    for call in ("claim", "turn"):
        monkeypatch.setattr(unopened, call, fail)
    await unopened.enqueue([request("task")], batch_id=None, now=None)
    with pytest.raises(BackendError, match="no more"):
        await asyncio.wait_for(working.ended(), 10)
    with pytest.raises(BackendError, match="no more"):
        await working.__aexit__(None, None, None)
    other = make(url)
    await other.open()
    (gone,) = await other.list_workers()
    await other.close()
    assert (gone.alive, gone.failure) == (False, "BackendError: no more")


# --- PENDING_VERSION --------------------------------------------------------------------------------


def request(task_id: str, **fields: Any) -> TriggerRequest:
    return TriggerRequest(new_run_id(), task_id, b"1", f"task/{task_id}", **fields)


async def enqueue(backend: KeptBackend, *requests: TriggerRequest) -> None:
    await backend.enqueue(requests, batch_id=None, now=None)


async def shown(backend: KeptBackend, run: TriggerRequest) -> RunStatus:
    """The status of a run; every way to ask for it gives the same, and every filter agrees."""
    (found,) = await backend.get([run.run_id])
    assert found is not None
    both = frozenset({S.QUEUED, S.PENDING_VERSION})
    for status in (None, *map(frozenset, [{S.QUEUED}, {S.PENDING_VERSION}, {S.DELAYED}]), both):
        for task_ids in (None, frozenset({run.task_id})):
            where = RunFilter(status=status, task=task_ids)
            page = await backend.list(where, cursor=None, limit=10)
            listed = {one.id: one.status for one in page.items}
            expected = found.status if status is None or found.status in status else None
            assert listed.get(run.run_id) == expected, where
    return found.status


async def test_a_run_that_no_worker_can_run_waits_for_its_version(backend: KeptBackend) -> None:
    known, unknown = request("known"), request("unknown")
    delayed = request("unknown", delay_until=datetime.now(UTC) + timedelta(hours=1))
    await enqueue(backend, known, unknown, delayed)
    # Nobody was ever here: nobody can say.
    assert [await shown(backend, one) for one in (known, unknown)] == [S.QUEUED, S.QUEUED]
    await backend.report(worker("one", "known"), lasts=30)
    assert await shown(backend, known) is S.QUEUED
    assert await shown(backend, unknown) is S.PENDING_VERSION
    assert await shown(backend, delayed) is S.DELAYED
    await backend.report(worker("two", "unknown"), lasts=30)
    assert await shown(backend, unknown) is S.QUEUED
    await backend.report(worker("two", "unknown", alive=False), lasts=30)
    assert await shown(backend, unknown) is S.PENDING_VERSION
    # Nobody is here: those who were last speak for those that are to come.
    await backend.report(worker("one", "known", alive=False), lasts=30)
    assert [await shown(backend, one) for one in (known, unknown)] == [S.QUEUED, S.QUEUED]


async def test_one_that_waits_for_its_version_can_be_claimed_and_canceled(
    backend: KeptBackend,
) -> None:
    first, second = request("unknown"), request("unknown")
    await backend.report(worker("one", "known"), lasts=30)
    await enqueue(backend, first, second)
    assert await shown(backend, second) is S.PENDING_VERSION
    (canceled,) = await backend.cancel([second.run_id], reason=None, now=None)
    assert canceled.status is S.CANCELED
    (lease,) = await backend.claim("new", ClaimSpec(), limit=10, lease=30, now=None)
    assert lease.run.status is S.EXECUTING
    assert await shown(backend, first) is S.EXECUTING


async def test_a_retry_is_queued_whoever_is_there(backend: KeptBackend) -> None:
    run = request("unknown", max_attempts=3)
    await backend.report(worker("one", "known"), lasts=30)
    await enqueue(backend, run)
    (lease,) = await backend.claim("new", ClaimSpec(), limit=10, lease=30, now=None)
    again = RetryAt(datetime.now(UTC), ErrorInfo("BUILT_IN_ERROR", "KeyError", "x", None))
    await backend.settle(lease, again, now=None)
    assert await shown(backend, run) is S.QUEUED
