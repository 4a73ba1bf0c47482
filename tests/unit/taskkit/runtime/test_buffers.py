"""What a run says is collected, sent together, in order, and again when it did not arrive."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from taskkit import task
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import LeaseLostError, RunNotFoundError, StoreUnavailableError
from taskkit.model.exchange import ClaimSpec, Entry, EntryKind, Lease
from taskkit.model.request import TriggerRequest
from taskkit.runtime.buffers import Buffers
from taskkit.runtime.current_backend import home_for
from taskkit.runtime.scope import RunScope
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


class Store(MemoryBackend):
    """Keeps what is appended, and raises what it is told to."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)
        self.flushes: list[tuple[str, list[Any]]] = []
        self.leases: list[Lease | None] = []
        self.gate: asyncio.Event | None = None

    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        self.flushes.append((flush_id, [entry.data for entry in entries]))
        self.leases.append(lease)
        if self.gate is not None:
            await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)


async def scope_on(
    store: Store, clock: FakeClock, metadata: dict[str, Any] | None = None
) -> RunScope:
    """The attempt of a run with this metadata."""

    @task(id="work")
    async def work() -> None: ...

    request = TriggerRequest("run_1", "work", None, "task/work", metadata=metadata)
    await store.enqueue([request], batch_id=None, now=clock.now())
    (lease,) = await store.claim("worker", ClaimSpec(), limit=1, lease=30, now=clock.now())
    home = home_for(store, clock=clock)
    return RunScope(lease, home, work.definition, asyncio.get_running_loop())


async def buffers_for(
    store: Store, clock: FakeClock, metadata: dict[str, Any] | None = None
) -> Buffers:
    return (await scope_on(store, clock, metadata)).buffers


def log(text: str) -> Entry:
    return Entry(EntryKind.LOG, text)


def said(store: Store) -> list[list[Any]]:
    return [entries for _, entries in store.flushes]


async def test_a_second_after_the_first_word_all_is_sent_together(clock: FakeClock) -> None:
    store = Store()
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    await clock.advance(0.5)
    buffers.add(log("b"))
    await clock.advance(0.499)
    assert said(store) == []
    await clock.advance(0.001)
    assert said(store) == [["a", "b"]]
    await clock.advance(10)
    assert said(store) == [["a", "b"]]
    buffers.add(log("c"))
    await clock.advance(1)
    assert said(store) == [["a", "b"], ["c"]]


async def test_flush_sends_at_once_and_nothing_twice(clock: FakeClock) -> None:
    store = Store()
    buffers = await buffers_for(store, clock)
    await buffers.flush()
    assert said(store) == []
    buffers.add(log("a"))
    await buffers.flush()
    await clock.advance(5)
    assert said(store) == [["a"]]


async def test_each_flush_has_an_id_that_a_repetition_keeps(clock: FakeClock) -> None:
    store = Store(StoreUnavailableError("no answer"), StoreUnavailableError("no answer"))
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    await clock.advance(1)
    buffers.add(log("b"))
    await clock.advance(1)
    await clock.advance(1)
    assert said(store) == [["a"], ["a"], ["a"], ["b"]]
    ids = [flush_id for flush_id, _ in store.flushes]
    assert ids[0] == ids[1] == ids[2] != ids[3]


@pytest.mark.parametrize("error", [StoreUnavailableError("no answer"), OSError("disk full")])
async def test_whatever_a_store_raises_nothing_is_lost(
    error: Exception, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(error)
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    await clock.advance(1)
    assert [record.getMessage() for record in caplog.records] == [
        f"run run_1: a flush failed and is sent again: {error}"
    ]
    await clock.advance(1)
    assert said(store) == [["a"], ["a"]]


async def test_a_lost_lease_ends_the_repetitions(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(LeaseLostError("run_1"))
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    await clock.advance(60)
    assert said(store) == [["a"]]
    store.errors.append(LeaseLostError("run_1"))
    await buffers.flush_finally()
    assert said(store) == [["a"], ["a"]]
    assert caplog.records == []  # whoever holds the run now speaks for it


async def test_the_last_flush_tries_four_times_and_then_tells_what_is_lost(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(*[OSError("no answer")] * 9)
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    buffers.add(log("b"))
    ending = asyncio.create_task(buffers.flush_finally())
    await clock.advance(60)
    assert ending.done()
    assert said(store) == [["a", "b"]] * 4
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "run run_1: 2 entries could not be stored: no answer"


async def test_the_last_flush_outlasts_an_outage(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(*[StoreUnavailableError("no answer")] * 16)
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    ending = asyncio.create_task(buffers.flush_finally())
    await clock.advance(28)
    assert not ending.done()
    await clock.advance(1)
    assert ending.done()
    assert said(store) == [["a"]] * 17
    assert caplog.records == []


async def test_the_last_flush_of_a_run_that_is_gone_does_not_try_again(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(RunNotFoundError("run_1"), RunNotFoundError("run_1"))
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    await buffers.flush_finally()
    assert said(store) == [["a"]]
    assert "1 entries could not be stored: No run has the id 'run_1'" in caplog.text


async def test_what_is_said_while_a_flush_is_under_way_goes_with_the_next(clock: FakeClock) -> None:
    store = Store()
    store.gate = asyncio.Event()
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    first = asyncio.create_task(buffers.flush())
    await asyncio.sleep(0)
    buffers.add(log("b"))
    second = asyncio.create_task(buffers.flush())
    await asyncio.sleep(0)
    assert said(store) == [["a"]]
    store.gate.set()
    await asyncio.gather(first, second)
    assert said(store) == [["a"], ["b"]]


async def test_who_gives_up_on_a_flush_loses_nothing(clock: FakeClock) -> None:
    store = Store()
    store.gate = asyncio.Event()
    buffers = await buffers_for(store, clock)
    buffers.add(log("a"))
    flushing = asyncio.create_task(buffers.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flushing
    store.gate.set()
    await buffers.flush()
    (first, _), (second, _) = store.flushes
    assert first == second
    assert said(store) == [["a"], ["a"]]


async def test_it_may_be_filled_from_any_thread(clock: FakeClock) -> None:
    store = Store()
    buffers = await buffers_for(store, clock)

    def fill() -> None:
        for _ in range(100):
            buffers.add(log("x"))

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await clock.advance(1)
    assert sum(len(entries) for entries in said(store)) == 400


# --- metadata ---------------------------------------------------------------------------------------


def set_to(key: str, value: Any) -> dict[str, Any]:
    return {"type": "set", "key": key, "value": value}


async def test_operations_are_applied_here_and_sent_as_few(clock: FakeClock) -> None:
    store = Store()
    start = {"a": [1]}
    buffers = await buffers_for(store, clock, start)
    for value in (1, 2, 3):
        assert buffers.operate(set_to("b", value)) is None
    assert buffers.operate({"type": "increment", "key": "n", "value": 1}) is None
    assert buffers.operate({"type": "increment", "key": "n", "value": 2}) is None
    assert buffers.metadata == {"a": [1], "b": 3, "n": 3}
    assert start == {"a": [1]}
    assert buffers.metadata_size() == len('{"a":[1],"b":3,"n":3}')
    await buffers.flush()
    assert said(store) == [[set_to("b", 3), {"type": "increment", "key": "n", "value": 3}]]


async def test_what_changes_nothing_is_not_sent_and_what_cannot_be_says_why(
    clock: FakeClock,
) -> None:
    store = Store()
    buffers = await buffers_for(store, clock, {"a": 1})
    assert buffers.operate(set_to("a", 1)) is None
    reason = buffers.operate({"type": "remove", "key": "a", "value": 1})
    assert reason == "its value is a number, not a list"
    await buffers.flush()
    assert said(store) == []


async def test_for_a_relative_everything_is_sent(clock: FakeClock) -> None:
    store = Store()
    buffers = (await scope_on(store, clock)).buffers_of("run_0")
    assert buffers.is_of_relative
    assert buffers.operate({"type": "remove", "key": "a", "value": 1}) is None
    assert buffers.metadata == {}
    await buffers.flush()
    assert said(store) == [[{"type": "remove", "key": "a", "value": 1}]]
    assert store.leases == [None]  # it is not this worker's run


async def test_what_is_said_of_the_run_itself_is_fenced_by_its_lease(clock: FakeClock) -> None:
    store = Store()
    scope = await scope_on(store, clock)
    scope.buffers.add(log("a"))
    await scope.flush()
    assert store.leases == [scope.lease]


async def test_after_a_wait_it_holds_what_others_wrote_unless_something_is_still_unsent(
    clock: FakeClock,
) -> None:
    buffers = await buffers_for(Store(), clock, {"a": 1})
    theirs = {"a": 2, "b": [1]}
    buffers.refresh(theirs)
    assert buffers.metadata == theirs
    assert buffers.metadata["b"] is not theirs["b"]
    buffers.operate(set_to("a", 3))
    buffers.refresh({"a": 0})
    assert buffers.metadata["a"] == 3
