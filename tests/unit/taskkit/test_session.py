"""Workers come and go, and what becomes of their runs then."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import taskkit
from taskkit import Queue, Retry, RunHandle, RunStatus, config, runs, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    BackendNotConfiguredError,
    InvalidConfigError,
    InvalidDurationError,
    InvalidOptionError,
    NoWorkerError,
    QueueNotFoundError,
    StoreUnavailableError,
    SyncInAsyncError,
    TaskNotFoundError,
)
from taskkit.runtime.current_backend import home_of
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


# --- local ------------------------------------------------------------------------------------------


async def test_local_carries_out_what_is_triggered_in_it() -> None:
    @task()
    async def double(number: int) -> int:
        return 2 * number

    async with taskkit.local() as app:
        result = await (await double.trigger(4)).result()
        assert isinstance(app.backend, MemoryBackend)
    assert (result.ok, result.output) == (True, 8)


async def test_leaving_local_cancels_what_runs_and_drops_the_rest(clock: FakeClock) -> None:
    seen: list[str] = []

    @task()
    async def running() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("canceled")
            raise

    @task()
    async def waiting() -> None:
        try:
            await wait.sleep("1h")
        finally:
            seen.append("waited no longer")

    @task()
    async def late() -> None:
        seen.append("ran late")

    async with taskkit.local(clock=clock, concurrency=1) as app:
        parked = await waiting.trigger()
        await turns()
        handles = [await running.trigger(), await late.trigger(), await late.trigger(delay="1h")]
        await turns()
        assert (await parked.retrieve()).status == RunStatus.WAITING
    assert sorted(seen) == ["canceled", "waited no longer"]
    await clock.advance("2h")
    assert sorted(seen) == ["canceled", "waited no longer"]
    found = await app.backend.get([handle.id for handle in handles])
    assert not any(run.is_success for run in found if run is not None)


async def test_a_run_that_finishes_while_local_is_left_is_kept() -> None:
    @task()
    async def stubborn() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "finished all the same"

    async with taskkit.local():
        handle = await stubborn.trigger()
        await turns()
    assert (await handle.retrieve()).output == "finished all the same"


async def test_who_waits_for_a_result_is_told_when_local_is_left() -> None:
    @task()
    async def running() -> None:
        await asyncio.Event().wait()

    async with taskkit.local():
        handle = await running.trigger()
        asking = asyncio.create_task(handle.result())
        with_limit = asyncio.create_task(handle.result(timeout=3600))
        await turns()
    for asked in (asking, with_limit):
        with pytest.raises(NoWorkerError, match=handle.id):
            await asked


async def test_a_result_asked_for_after_local_was_left_says_that_nobody_works() -> None:
    @task()
    async def work() -> int:
        return 1

    async with taskkit.local():
        done = await work.trigger()
        await done.result()
        dropped = await work.trigger(delay="1h")
    assert (await done.result()).output == 1
    with pytest.raises(NoWorkerError) as caught:
        await dropped.result()
    assert "no worker serves this backend" in str(caught.value)
    assert "async with taskkit.local():" in str(caught.value)


async def test_a_context_that_is_left_by_an_error_is_left_all_the_same() -> None:
    with pytest.raises(ZeroDivisionError):
        async with taskkit.local():
            raise ZeroDivisionError
    with pytest.raises(BackendNotConfiguredError):
        await runs.retrieve("run_1")


async def test_idle_returns_when_nothing_is_due(clock: FakeClock) -> None:
    seen: list[int] = []

    @task()
    async def work(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    async with taskkit.local(clock=clock, concurrency=2) as app:
        for number in range(5):
            await work.trigger(number)
        await work.trigger(99, delay="1h")
        await app.idle()
        assert sorted(seen) == [0, 1, 2, 3, 4]


# --- worker -----------------------------------------------------------------------------------------


async def test_a_worker_without_a_url_serves_the_configured_backend() -> None:
    instance = MemoryBackend()
    taskkit.configure(backend=instance)
    async with taskkit.worker() as app:
        assert app.backend is instance
    taskkit.configure(backend="memory://?keep=11")
    async with taskkit.worker() as app:
        assert app.backend is home_of("memory://?keep=11").backend


async def test_a_worker_without_any_backend_says_what_to_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TASKKIT_BACKEND", raising=False)
    with pytest.raises(BackendNotConfiguredError):
        taskkit.worker()


async def test_runs_that_were_asked_for_before_there_was_a_worker_are_carried_out() -> None:
    @task()
    async def work() -> int:
        return 7

    backend = MemoryBackend()
    with taskkit.use_backend(backend):
        handle = await work.trigger()
        with pytest.raises(NoWorkerError):
            await handle.result()
        assert (await handle.retrieve()).status == RunStatus.QUEUED
        async with taskkit.worker(backend):
            assert (await handle.result()).unwrap() == 7


async def test_leaving_a_worker_waits_for_what_runs_and_claims_nothing_more() -> None:
    let_go, seen = asyncio.Event(), list[str]()

    @task()
    async def work(name: str) -> str:
        seen.append(name)
        await let_go.wait()
        return name

    backend = MemoryBackend()
    with taskkit.use_backend(backend):
        app = taskkit.worker(backend, concurrency=1, drain=60)
        await app.__aenter__()
        first, second = await work.trigger("first"), await work.trigger("second")
        await turns()
        leaving = asyncio.create_task(app.__aexit__(None, None, None))
        await turns()
        assert not leaving.done()
        let_go.set()
        await leaving
        assert seen == ["first"]
        assert (await first.retrieve()).output == "first"
        assert (await second.retrieve()).status == RunStatus.QUEUED


async def test_what_runs_longer_than_drain_is_canceled_and_goes_back_to_the_queue() -> None:
    starts: list[int] = []

    @task()
    async def work() -> str:
        starts.append(1)
        if len(starts) == 1:
            await asyncio.Event().wait()
        return "the second delivery"

    backend = MemoryBackend()
    with taskkit.use_backend(backend):
        app = taskkit.worker(backend, drain=0)
        await app.__aenter__()
        handle = await work.trigger()
        await turns()
        await app.__aexit__(None, None, None)
        run = await handle.retrieve()
        assert (run.status, run.attempt) == (RunStatus.QUEUED, 1)
        async with taskkit.worker(backend):
            assert (await handle.result()).unwrap() == "the second delivery"
        assert (await handle.retrieve()).attempt == 1


async def test_who_waits_while_a_worker_leaves_is_told() -> None:
    @task()
    async def work() -> None:
        await asyncio.Event().wait()

    backend = MemoryBackend()
    with taskkit.use_backend(backend):
        handle = await work.trigger()
        async with taskkit.worker(backend, drain=0):
            asked = [
                asyncio.create_task(handle.result()),
                asyncio.create_task(handle.result(timeout=3600)),
                asyncio.create_task(runs.poll(handle.id)),
            ]
            await turns()
        for one in asked:
            with pytest.raises(NoWorkerError, match=handle.id):
                await asyncio.wait_for(one, 5)


async def test_a_worker_takes_only_the_queues_that_it_is_given() -> None:
    @task(queue=Queue("mail"))
    async def mail() -> None: ...

    @task(queue=Queue("video"))
    async def video() -> None: ...

    backend = MemoryBackend()
    for queues in ("mail", ["mail"], {"mail"}):
        with taskkit.use_backend(backend):
            async with taskkit.worker(backend, queues=queues) as app:
                sent, filmed = await mail.trigger(), await video.trigger()
                assert (await sent.result()).ok
                await turns()
                assert (await filmed.retrieve()).status == RunStatus.QUEUED
                assert app.backend is backend


async def test_a_queue_that_nobody_declares_is_a_typing_error_of_the_worker() -> None:
    @task(queue=Queue("mail"))
    async def mail() -> None: ...

    with pytest.raises(QueueNotFoundError, match=r"No queue is named 'mial'. Did you mean 'mail'"):
        async with taskkit.worker("memory://", queues=["mial"]):
            pass


async def test_two_workers_on_one_url_share_it_and_the_last_one_closes_it() -> None:
    @task()
    async def work() -> int:
        return 3

    home = home_of("memory://")
    first, second = taskkit.worker("memory://"), taskkit.worker("memory://")
    await first.__aenter__()
    await second.__aenter__()
    assert first.backend is second.backend
    await first.__aexit__(None, None, None)
    assert home.is_open
    assert (await (await work.trigger()).result()).unwrap() == 3
    await second.__aexit__(None, None, None)
    assert not home.is_open


async def test_a_backend_that_was_in_use_before_its_worker_stays_open() -> None:
    with taskkit.use_backend("memory://"):
        assert [run async for run in runs.list()] == []
        async with taskkit.worker("memory://"):
            pass
        assert home_of("memory://").is_open


class Unreachable(MemoryBackend):
    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where
        self.closed = 0

    async def open(self) -> None:
        if self._where == "open":
            raise StoreUnavailableError("no route to host")

    async def register(self, manifest: Any) -> None:
        raise StoreUnavailableError("no route to host")

    async def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(("where", "closed"), [("open", 0), ("register", 1)])
async def test_a_worker_that_cannot_begin_leaves_nothing_behind(where: str, closed: int) -> None:
    taskkit.configure(backend="memory://?keep=12")
    backend = Unreachable(where)
    with pytest.raises(StoreUnavailableError, match="no route to host"):
        async with taskkit.worker(backend):
            pass
    assert backend.closed == closed
    with pytest.raises(NoWorkerError):
        await _asked_of_the_configured_backend()


async def _asked_of_the_configured_backend() -> None:
    @task()
    async def work() -> None: ...

    handle: RunHandle[None] = await work.trigger()
    await handle.result()


async def test_the_backend_of_a_worker_can_be_used_from_another_loop() -> None:
    """It is carried to the loop where it lives, as the same call by its URL would be."""

    @task()
    async def double(number: int) -> int:
        return 2 * number

    async def elsewhere(app: taskkit.Worker) -> int:
        with taskkit.use_backend(app.backend):
            handle = await double.trigger(21)
            return (await handle.result(timeout=10)).unwrap()

    async with taskkit.local() as app, taskkit.local():
        assert await asyncio.to_thread(lambda: asyncio.run(elsewhere(app))) == 42


def test_a_worker_serves_a_backend_that_lives_on_another_loop_and_leaves_it_in_order() -> None:
    """A plain program has triggered, with the loop of its `.sync` calls, before it starts a worker."""
    finished: list[str] = []
    started = threading.Event()

    @task()
    async def work() -> str:
        started.set()
        for _ in range(100):  # still busy when the worker is left
            await asyncio.sleep(0)
        finished.append("finished")
        return "done"

    taskkit.configure(backend="memory://")
    handle = work.sync.trigger()

    async def main() -> None:
        async with taskkit.worker():
            await asyncio.to_thread(started.wait)
        assert finished == ["finished"]

    asyncio.run(main())
    assert handle.sync.result().unwrap() == "done"
    asyncio.run(home_of("memory://").close())


@pytest.mark.parametrize("concurrency", [0, -1, True, 1.5, "10", None])
async def test_concurrency_is_a_whole_number(concurrency: Any) -> None:
    with pytest.raises(InvalidOptionError, match=r"concurrency is .*: give a whole number"):
        taskkit.worker("memory://", concurrency=concurrency)
    with pytest.raises(InvalidOptionError, match=r"concurrency is .*: give a whole number"):
        taskkit.local(concurrency=concurrency)


@pytest.mark.parametrize("option", ["lease", "drain"])
@pytest.mark.parametrize("value", [-1, "1 h", float("nan"), True])
async def test_lease_and_drain_are_lengths_of_time(option: str, value: Any) -> None:
    with pytest.raises(InvalidDurationError, match=f"^{option} is "):
        taskkit.worker("memory://", **{option: value})


async def test_a_lease_takes_some_time() -> None:
    with pytest.raises(InvalidOptionError, match="lease is 0: give more than 0 seconds"):
        taskkit.worker("memory://", lease=0)


@pytest.mark.parametrize("queues", [5, [5], ["no spaces please"], [""]])
async def test_queues_are_names(queues: Any) -> None:
    with pytest.raises(InvalidOptionError, match="queue"):
        taskkit.worker("memory://", queues=queues)


# --- the environment --------------------------------------------------------------------------------


async def failing_attempts(worker: Any) -> int:
    @task(retry=Retry(3, 0, 0))
    async def work() -> None:
        raise ValueError("broken")

    async with worker:
        handle = await work.trigger()
        await handle.result()
        return len((await handle.retrieve()).attempts)


@pytest.mark.parametrize(("enabled", "attempts"), [(True, 3), (False, 1)])
async def test_retries_in_development(enabled: bool, attempts: int) -> None:
    config.override(retries={"enabled_in_dev": enabled})
    assert await failing_attempts(taskkit.local()) == attempts


async def test_a_worker_is_production_and_always_retries() -> None:
    config.override(retries={"enabled_in_dev": False})
    assert await failing_attempts(taskkit.worker(MemoryBackend())) == 3


# --- discovery --------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before, path = set(sys.modules), list(sys.path)
    (tmp_path / "shop_tasks").mkdir()
    (tmp_path / "shop_tasks" / "mail.py").write_text(
        "from taskkit import task\n\n"
        '@task(id="send-mail")\n'
        "async def send_mail(to: str) -> str:\n"
        '    return f"sent to {to}"\n'
    )
    (tmp_path / "pyproject.toml").write_text('[tool.taskkit]\ndirs = ["shop_tasks"]\n')
    monkeypatch.chdir(tmp_path)
    config.reset()
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    sys.path[:] = path


@pytest.mark.usefixtures("project")
async def test_the_tasks_of_the_configured_folders_are_known_to_a_worker() -> None:
    async with taskkit.local():
        handle = await taskkit.tasks.trigger("send-mail", "ann@example.org")
        assert (await handle.result()).unwrap() == "sent to ann@example.org"


@pytest.mark.usefixtures("project")
def test_run_task_takes_an_id_and_finds_it_in_the_configured_folders() -> None:
    assert taskkit.run_task("send-mail", "bob@example.org").unwrap() == "sent to bob@example.org"


async def test_a_task_module_that_cannot_be_imported_is_named(project: Path) -> None:
    (project / "shop_tasks" / "broken.py").write_text("import no_such_module\n")
    with pytest.raises(InvalidConfigError) as caught:
        async with taskkit.local():
            pass
    assert str(project / "shop_tasks" / "broken.py") in str(caught.value)
    assert "No module named 'no_such_module'" in str(caught.value)


# --- run_task ---------------------------------------------------------------------------------------


def test_run_task_gives_the_result_also_of_a_run_that_fails() -> None:
    @task(retry=None)
    async def work(number: int) -> int:
        if number < 0:
            raise ValueError("too small")
        return number + 1

    assert taskkit.run_task(work, 1).output == 2
    result = taskkit.run_task(work, -1, tags=["odd"])
    assert (result.ok, result.status) == (False, RunStatus.FAILED)
    assert result.error is not None
    assert (result.error.name, result.error.message) == ("ValueError", "too small")


def test_the_error_of_a_run_tells_nothing_of_how_it_was_started() -> None:
    @task(retry=None)
    async def work() -> None:
        raise ValueError("broken")

    error = taskkit.run_task(work).error
    assert error is not None
    assert error.stack is not None
    assert "During handling" not in error.stack
    assert "no running event loop" not in error.stack


def test_run_task_uses_the_options_of_with_options() -> None:
    @task(retry=Retry(5, 0, 0))
    async def work(ctx: taskkit.Context) -> int | None:
        return ctx.run.max_attempts

    assert taskkit.run_task(work.with_options(max_attempts=2)).unwrap() == 2
    assert taskkit.run_task(work, max_attempts=3).unwrap() == 3


def test_run_task_of_an_unknown_id() -> None:
    with pytest.raises(TaskNotFoundError, match="No task has the id 'nobody' in this process"):
        taskkit.run_task("nobody")


async def test_run_task_inside_an_event_loop_says_what_to_write() -> None:
    @task()
    async def work() -> None: ...

    with pytest.raises(SyncInAsyncError) as caught:
        taskkit.run_task(work)
    assert "taskkit.run_task was called inside a running event loop" in str(caught.value)
    assert "async with taskkit.local(): handle = await task.trigger(payload)" in str(caught.value)


# --- configure --------------------------------------------------------------------------------------


def test_configure_sets_what_the_file_would_set() -> None:
    taskkit.configure(
        project="shop", max_duration="5m", ttl="1d", machine="micro", log_level="warn"
    )
    found = config.current()
    assert (found.project, found.max_duration, found.ttl) == ("shop", 300, 86400)
    assert (found.machine, found.log_level) == ("micro", "warn")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_durations": 5}, "max_durations = 5 is no setting. Did you mean 'max_duration'?"),
        ({"max_duration": "5 m"}, "configure(): max_duration is '5 m':"),
        ({"log_level": "loud"}, "log_level is 'loud': give one of none, error, warn, info, debug"),
        ({"backend": ""}, "backend is '': give a text that is not empty"),
    ],
)
def test_configure_names_what_it_does_not_understand(settings: Any, said: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        taskkit.configure(**settings)
    assert said in str(caught.value)


def test_a_clock_that_is_none() -> None:
    with pytest.raises(InvalidOptionError, match=r"clock is 5: give a taskkit.testing.FakeClock"):
        taskkit.local(clock=5)  # type: ignore[arg-type]  # which is what is tested
