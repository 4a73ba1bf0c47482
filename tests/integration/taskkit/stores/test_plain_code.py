"""The `.sync` calls from code without an event loop, on a store that another process works on."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import taskkit
from taskkit import batch, idempotency_keys, queues, runs, schedules, streams, tasks, wait
from taskkit.errors import (
    NotInTaskError,
    ResultTimeoutError,
    RunNotFoundError,
    ScheduleNotFoundError,
    SyncInAsyncError,
)
from taskkit.runtime import current_backend
from taskkit.runtime.portal import block_on


@pytest.fixture
def process(served: tuple[str, Any]) -> Iterator[Any]:
    url, process = served
    taskkit.configure(backend=url)
    yield process
    block_on(current_backend.close_those_here)
    current_backend.forget(url)


@pytest.mark.usefixtures("process")
def test_runs() -> None:
    handle = tasks.sync.trigger("child", 21, tags="red", idempotency_key="k")
    assert handle.sync.result().output == 42
    assert handle.sync.result(timeout=5).ok
    assert tasks.sync.trigger("child", 1, idempotency_key="k").is_cached
    assert idempotency_keys.sync.reset("child", "k")
    run = runs.sync.retrieve(handle.id)
    assert (run.payload, run.output, run.tags) == (21, 42, ("red",))
    assert [one.id for one in runs.sync.list(tag="red")] == [handle.id]
    assert [len(page.items) for page in runs.sync.list(tag="red").pages(1)] == [1]
    assert [one.status for one in runs.sync.subscribe(handle.id)] == ["COMPLETED"]
    assert list(runs.sync.logs(handle.id)) == []
    assert runs.sync.poll(handle.id).output == 42
    again = runs.sync.replay(handle.id)
    assert again.sync.result().output == 42
    assert tasks.sync.trigger_and_poll("child", 2).output == 4
    with pytest.raises(RunNotFoundError):
        runs.sync.retrieve("run_nowhere")


@pytest.mark.usefixtures("process")
def test_many_runs() -> None:
    many = tasks.sync.batch_trigger("child", [1, 2, 3])
    assert [result.output for result in many.sync.results()] == [2, 4, 6]
    assert batch.sync.retrieve(many.id).is_completed
    assert len(list(runs.sync.subscribe_to_batch(many.id))) == 3
    delayed = tasks.sync.batch_trigger("child", [4, 5])
    assert [one.output for one in delayed.sync.results()] == [8, 10]
    held = [tasks.sync.trigger("child", n, delay="1h", tags="held") for n in range(3)]
    assert runs.sync.reschedule(held[0].id, 0).id == held[0].id
    assert held[0].sync.result().output == 0
    ended = runs.sync.bulk_cancel(tag="held", status="DELAYED")
    assert {run.id for run in ended} == {held[1].id, held[2].id}
    assert runs.sync.cancel(held[1].id).status == "CANCELED"
    assert len(runs.sync.bulk_replay(tag="held", status="CANCELED")) == 2


def test_streams_and_tokens(process: Any) -> None:
    handle = tasks.sync.trigger("talk", "Ada")
    with pytest.raises(ResultTimeoutError, match=handle.id):
        handle.sync.result(timeout=0.01)
    parts = streams.sync.read(handle.id, "words")
    process.tell("one")
    assert next(parts) == "one"
    process.tell("end")
    assert list(parts) == []
    assert handle.sync.result().output == 1

    token = wait.sync.create_token(timeout="1h", tags="plain")
    asking = tasks.sync.trigger("approve", token.id)
    assert wait.sync.complete_token(token, 1)
    assert asking.sync.result().output == 1
    assert wait.sync.retrieve_token(token).status == "COMPLETED"
    assert [one.id for one in wait.sync.list_tokens(tag="plain")] == [token.id]
    with pytest.raises(NotInTaskError):
        wait.sync.sleep(1)


@pytest.mark.usefixtures("process")
def test_queues_and_schedules() -> None:
    assert tasks.sync.trigger("child", 1).sync.result().ok
    assert queues.sync.pause("task/child").paused
    assert queues.sync.retrieve("task/child").paused
    assert not queues.sync.resume("task/child").paused
    assert queues.sync.override_concurrency_limit("task/child", 1).concurrency_limit == 1
    assert queues.sync.reset_concurrency_limit("task/child").concurrency_limit is None
    assert "task/child" in {queue.name for queue in queues.sync.list()}

    made = schedules.sync.create(task="child", cron="@daily", deduplication_key="one")
    assert schedules.sync.update(made.id, cron="@hourly").cron == "@hourly"
    assert not schedules.sync.deactivate(made.id).active
    assert schedules.sync.activate(made.id).active
    assert [one.id for one in schedules.sync.list()] == [made.id]
    schedules.sync.delete(made.id)
    with pytest.raises(ScheduleNotFoundError):
        schedules.sync.retrieve(made.id)
    assert "Europe/Berlin" in schedules.sync.timezones()


@pytest.mark.usefixtures("process")
def test_many_threads_at_once() -> None:
    start = threading.Barrier(8)

    def ask(number: int) -> Any:
        start.wait()
        return tasks.sync.trigger("child", number).sync.result().output

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [number * 2 for number in range(8)]


@pytest.mark.anyio
@pytest.mark.usefixtures("other")
async def test_inside_an_event_loop_they_say_what_to_write() -> None:
    with pytest.raises(SyncInAsyncError, match="await"):
        runs.sync.retrieve("run_1")
