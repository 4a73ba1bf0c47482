"""Progress and other data on the run, written without I/O and never lost."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import taskkit
from taskkit import Retry, Run, RunStatus, metadata, runs, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    InvalidOptionError,
    NotSerializableError,
    PayloadTooLargeError,
    StoreUnavailableError,
)
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]

Body = Callable[[], Awaitable[Any] | None]


async def run_of(body: Body, **options: Any) -> Run:
    """The run of a task that does this."""

    @task(id="work", retry=None)
    async def work() -> Any:
        done = body()
        return None if done is None else await done

    handle = await work.trigger(**options)
    (await handle.result()).unwrap()
    return await handle.retrieve()


# --- writing and reading ----------------------------------------------------------------------------


async def test_each_write_reaches_the_run() -> None:
    def body() -> None:
        metadata.set("step", 1).set("name", "fetch").delete("name")
        metadata.append("rows", "a").append("rows", "b").remove("rows", "a")
        metadata.increment("count").increment("count", 2.5).decrement("count", 0.5)
        metadata.set("nested", {"done": False}).set("$.nested.done", True)

    assert (await run_of(body)).metadata == {
        "step": 1,
        "rows": ["b"],
        "count": 3.0,
        "nested": {"done": True},
    }


async def test_what_was_written_is_read_at_once_and_is_a_copy() -> None:
    seen: list[Any] = []

    def body() -> None:
        rows = ["a"]
        metadata.set("rows", rows)
        rows.append("b")
        metadata.get("rows").append("c")
        metadata.current()["more"] = 1
        seen.extend([metadata.get("rows"), metadata.get("nothing"), metadata.current()])

    run = await run_of(body, metadata={"start": 0})
    assert seen == [["a"], None, {"start": 0, "rows": ["a"]}]
    assert run.metadata == {"start": 0, "rows": ["a"]}


async def test_replace_replaces_everything() -> None:
    run = await run_of(lambda: void(metadata.replace({"b": 2})), metadata={"a": 1})
    assert run.metadata == {"b": 2}


def void(_: object) -> None:
    """For lambdas."""


async def test_types_become_json() -> None:
    from datetime import UTC, datetime

    moment = datetime(2030, 1, 1, tzinfo=UTC)
    run = await run_of(lambda: void(metadata.set("at", moment)))
    assert run.metadata == {"at": "2030-01-01T00:00:00Z"}


async def test_a_def_task_writes_and_flushes() -> None:
    seen: list[Any] = []

    @task()
    def work(ctx: taskkit.Context) -> None:
        metadata.set("step", 1)
        metadata.sync.flush()
        seen.append(runs.sync.retrieve(ctx.run.id).metadata)
        for _ in metadata.track([1, 2, 3], key="done"):
            metadata.increment("rows")

    handle = await work.trigger()
    await handle.result()
    assert seen == [{"step": 1}]
    assert (await handle.retrieve()).metadata == {"step": 1, "done": 1, "rows": 3}


async def test_hooks_write_too() -> None:
    async def on_success() -> None:
        metadata.set("hook", "ran")

    @task(on_success=on_success)
    async def work() -> None: ...

    handle = await work.trigger()
    await handle.result()
    assert (await handle.retrieve()).metadata == {"hook": "ran"}


async def test_it_stays_over_attempts() -> None:
    @task(retry=Retry(2, 0, 0))
    async def work(ctx: taskkit.Context) -> None:
        metadata.increment("attempts")
        if ctx.attempt.number == 1:
            raise ValueError("once more")

    handle = await work.trigger()
    await handle.result()
    assert (await handle.retrieve()).metadata == {"attempts": 2}


# --- what cannot be ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda: metadata.set("$.a.b", 1), "metadata.set of '$.a.b' did nothing: there is nothing"),
        (lambda: metadata.remove("list", 1), "metadata.remove of 'list' did nothing: there is no such"),
        (lambda: metadata.remove("text", 1), "its value is a text, not a list"),
        (lambda: metadata.delete("$.text"), "delete takes a top-level key, not a path"),
        (lambda: metadata.set("__proto__", 1), "__proto__ is not allowed as a key"),
        (lambda: metadata.append("$.text.x", 1), "a text cannot hold 'x'"),
    ],
)  # fmt: skip
async def test_what_a_write_cannot_be_applied_to_stays_and_is_logged(
    write: Callable[[], Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "taskkit.metadata"):
        run = await run_of(lambda: void(write()), metadata={"text": "abc"})
    assert run.metadata == {"text": "abc"}
    assert [said in record.getMessage() for record in caplog.records] == [True]


def deep(levels: int) -> Any:
    data: Any = 1
    for _ in range(levels):
        data = [data]
    return data


@pytest.mark.parametrize(
    ("write", "error", "said"),
    [
        (lambda: metadata.set("", 1), InvalidOptionError, "the metadata key is ''"),
        (lambda: metadata.set(5, 1), InvalidOptionError, "the metadata key is 5"),  # type: ignore[arg-type]  # the mistake that is tested
        (lambda: metadata.get(""), InvalidOptionError, "the metadata key is ''"),
        (lambda: metadata.delete(""), InvalidOptionError, "the metadata key is ''"),
        (lambda: metadata.increment("a", math.inf), InvalidOptionError, "the amount is inf"),
        (lambda: metadata.increment("a", True), InvalidOptionError, "the amount is True"),
        (lambda: metadata.decrement("a", "1"), InvalidOptionError, "the amount is '1'"),  # type: ignore[arg-type]  # the mistake that is tested
        (lambda: metadata.replace([1]), InvalidOptionError, "give a mapping of names to JSON"),  # type: ignore[arg-type]  # the mistake that is tested
        (lambda: metadata.set("a", object()), NotSerializableError, "The metadata value for 'a' cannot"),
        (lambda: metadata.set("a", deep(65)), PayloadTooLargeError, "for 'a' is nested deeper than 64"),
        (lambda: metadata.set("a", deep(250)), PayloadTooLargeError, "for 'a' is nested deeper than 64"),
        (lambda: metadata.set("a", math.nan), NotSerializableError, "The metadata value for 'a' contains NaN"),
        (lambda: metadata.track(iter([])), InvalidOptionError, "total is None: these items have no length"),
        (lambda: metadata.track([1], total=-1), InvalidOptionError, "total is -1"),
        (lambda: metadata.track([1], total=True), InvalidOptionError, "total is True"),
        (lambda: metadata.track([1], key=""), InvalidOptionError, "the metadata key is ''"),
    ],
)  # fmt: skip
async def test_a_wrong_call_raises_where_it_is_written(
    write: Callable[[], Any], error: type[Exception], said: str
) -> None:
    def body() -> None:
        with pytest.raises(error) as caught:
            write()
        assert said in str(caught.value)

    assert (await run_of(body)).metadata == {}


async def test_256_kilobytes_and_no_more() -> None:
    def body() -> None:
        metadata.set("a", "x" * (262_144 - 8))
        with pytest.raises(PayloadTooLargeError) as caught:
            metadata.set("b", 1)
        assert str(caught.value) == (
            "The metadata with 'b' takes 262,150 bytes as JSON, 262,144 are allowed. Store the data elsewhere "
            "and pass a reference to it."
        )
        too_much: tuple[Callable[[], Any], ...] = (
            lambda: metadata.append("a", "more"),
            lambda: metadata.replace({"a": "x" * 262_144}),
        )
        for write in too_much:
            with pytest.raises(PayloadTooLargeError):
                write()

    run = await run_of(body)
    assert len(run.metadata["a"]) == 262_136
    assert list(run.metadata) == ["a"]


async def test_a_large_value_can_be_replaced_by_another() -> None:
    def body() -> None:
        metadata.set("a", "x" * 200_000).set("a", "y" * 200_000)
        metadata.set("$.a", "z" * 200_000)

    assert (await run_of(body)).metadata == {"a": "z" * 200_000}


async def test_outside_of_a_run_a_write_logs_and_a_read_gives_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "taskkit.metadata"):
        metadata.set("a", 1).increment("b")
    assert [record.getMessage() for record in caplog.records] == [
        "metadata.set outside of a run does nothing",
        "metadata.increment outside of a run does nothing",
    ]
    assert (metadata.get("a"), metadata.current()) == (None, {})
    await metadata.flush()
    assert list(metadata.track([1, 2])) == [1, 2]


# --- relatives --------------------------------------------------------------------------------------


async def test_a_child_writes_to_its_parent_and_to_the_root() -> None:
    @task()
    async def child(number: int) -> None:
        metadata.set("own", number)
        metadata.parent.increment("children").append("seen", number)
        metadata.parent.decrement("left", -1).decrement("left", 1)  # always downwards
        metadata.root.set("from", "a grandchild")

    @task()
    async def middle() -> dict[str, Any]:
        metadata.set("children", 10)
        await child.batch_trigger_and_wait([1, 2])
        metadata.increment("children")
        return metadata.current()

    @task()
    async def top() -> tuple[dict[str, Any], dict[str, Any]]:
        return await middle.trigger_and_wait().unwrap(), metadata.current()

    below, above = (await (await top.trigger()).result()).unwrap()
    assert below == {"children": 13, "seen": [1, 2], "left": -4}
    assert above == {"from": "a grandchild"}
    found = [run.metadata async for run in runs.list(task="child")]
    assert found == [{"own": 2}, {"own": 1}]


async def test_a_run_without_relatives_is_its_own_parent_and_root() -> None:
    def body() -> None:
        metadata.parent.set("a", 1)
        metadata.root.set("b", metadata.parent.get("a"))

    assert (await run_of(body)).metadata == {"a": 1, "b": 1}


async def test_what_a_relative_holds_is_not_guessed() -> None:
    @task()
    async def child() -> None:
        for read in (metadata.parent.current, lambda: metadata.root.get("a")):
            with pytest.raises(
                InvalidOptionError, match=r"reading it would be I/O. Write: .await runs"
            ):
                read()

    @task()
    async def top() -> None:
        await child.trigger_and_wait().unwrap()

    assert (await (await top.trigger()).result()).ok


# --- on its way -------------------------------------------------------------------------------------


async def test_it_is_sent_each_second_before_a_wait_and_at_the_end(clock: FakeClock) -> None:
    gate = asyncio.Event()

    @task()
    async def work() -> None:
        metadata.set("step", "by the clock")
        await gate.wait()
        metadata.set("step", "before a wait")
        await wait.sleep("1h")
        metadata.set("step", "at the end")

    handle = await work.trigger()
    await clock.advance(0.999)
    assert (await handle.retrieve()).metadata == {}
    await clock.advance(0.001)
    assert (await handle.retrieve()).metadata == {"step": "by the clock"}
    gate.set()
    await clock.advance(0)
    run = await handle.retrieve()
    assert (run.status, run.metadata) == (RunStatus.WAITING, {"step": "before a wait"})
    await clock.advance("1h")
    assert (await handle.retrieve()).metadata == {"step": "at the end"}


class Flaky(MemoryBackend):
    """Loses the answer, or the request, of the first calls to `append`."""

    def __init__(self, failures: int, *, stores: bool) -> None:
        super().__init__()
        self.failures = failures
        self.stores = stores
        self.calls = 0

    async def append(self, *args: Any, **kwargs: Any) -> None:
        self.calls += 1
        if self.calls > self.failures:
            return await super().append(*args, **kwargs)
        if self.stores:
            await super().append(*args, **kwargs)
        raise StoreUnavailableError("no answer in 5 s")


@pytest.mark.parametrize("stores", [True, False], ids=["answer lost", "request lost"])
async def test_a_flush_that_fails_is_sent_again_and_counts_once(
    stores: bool, clock: FakeClock, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()

    @task()
    async def work() -> None:
        metadata.increment("rows", 5).append("seen", "a")
        await gate.wait()

    backend = Flaky(2, stores=stores)
    async with serve(backend, clock=clock):
        handle = await work.trigger()
        await clock.advance(3)
        run = await handle.retrieve()
        gate.set()
        await clock.advance(0)
        assert (await handle.result()).ok
    assert run.metadata == {"rows": 5, "seen": ["a"]}
    assert backend.calls == 3
    assert [
        record.getMessage() for record in caplog.records if record.name == "taskkit.runtime"
    ] == [f"run {handle.id}: a flush failed and is sent again: no answer in 5 s"]


async def test_the_last_flush_is_tried_again_too(clock: FakeClock, serve: Any) -> None:
    @task()
    async def work() -> None:
        metadata.increment("rows", 5)

    async with serve(Flaky(3, stores=True), clock=clock):
        handle = await work.trigger()
        await clock.advance(10)
        assert (await handle.result()).ok
        assert (await handle.retrieve()).metadata == {"rows": 5}


async def test_what_cannot_be_stored_in_the_end_is_an_error_in_the_log_and_none_of_the_run(
    clock: FakeClock, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @task()
    async def work() -> int:
        metadata.set("a", 1).set("b", 2)
        return 7

    async with serve(Flaky(99, stores=False), clock=clock):
        handle = await work.trigger()
        await clock.advance(40)
        assert (await handle.result()).output == 7
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == [f"run {handle.id}: 2 entries could not be stored: no answer in 5 s"]


async def test_a_flush_that_is_awaited_raises_what_the_store_raises_and_loses_nothing(
    clock: FakeClock, serve: Any
) -> None:
    @task()
    async def work() -> str:
        metadata.set("a", 1)
        try:
            await metadata.flush()
        except StoreUnavailableError as error:
            return str(error)
        return "stored"

    async with serve(Flaky(1, stores=False), clock=clock):
        handle = await work.trigger()
        await clock.advance(1)
        assert (await handle.result()).unwrap() == "no answer in 5 s"
        assert (await handle.retrieve()).metadata == {"a": 1}


# --- track ------------------------------------------------------------------------------------------


async def test_track_goes_from_0_to_1() -> None:
    seen: list[Any] = []

    def body() -> None:
        tracked = metadata.track(["a", "b", "c", "d"])
        seen.extend([(item, metadata.get("progress")) for item in tracked])
        seen.append(metadata.get("progress"))

    await run_of(body)
    assert seen == [("a", 0), ("b", 0.25), ("c", 0.5), ("d", 0.75), 1]


@pytest.mark.parametrize(
    ("items", "total", "steps"),
    [
        ([], None, [1]),
        (iter([1, 2]), 2, [0, 0.5, 1]),
        (iter([1, 2, 3]), 2, [0, 0.5, 0.5, 1]),
        (iter([1]), 4, [0, 1]),
    ],
)
async def test_track_of_none_too_many_or_too_few(
    items: Any, total: int | None, steps: list[float]
) -> None:
    seen: list[Any] = []

    def body() -> None:
        tracked = metadata.track(items, total=total, key="$.bar")
        seen.extend([metadata.get("bar") for _ in tracked])
        seen.append(metadata.get("bar"))

    await run_of(body)
    assert seen == steps


async def test_track_that_is_left_stays_where_it_was() -> None:
    def body() -> None:
        for item in metadata.track([1, 2, 3, 4]):
            if item == 3:
                break

    assert (await run_of(body)).metadata == {"progress": 0.5}
