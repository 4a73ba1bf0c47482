"""Which backend a call goes to: the nearest word on it counts."""

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import taskkit
from taskkit import Run, config, task
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    BackendNotConfiguredError,
    InvalidConfigError,
    InvalidOptionError,
    TriggerError,
)
from taskkit.runtime import current_backend
from taskkit.runtime.current_backend import current_home, home_for, home_of
from taskkit.testing import FakeClock


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TASKKIT_BACKEND", raising=False)
    monkeypatch.chdir(tmp_path)


def here() -> Any:
    return current_home().backend


# --- precedence -------------------------------------------------------------------------------------


def test_nothing_at_all_says_what_to_write() -> None:
    with pytest.raises(BackendNotConfiguredError) as caught:
        current_home()
    text = str(caught.value)
    assert "async with taskkit.local()" in text
    assert 'taskkit.configure(backend="sqlite:///runs.db")' in text
    assert "TASKKIT_BACKEND=" in text
    assert "[tool.taskkit] in pyproject.toml" in text


def test_file_then_environment_then_configure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.taskkit]\nbackend = "memory://?keep=1"\n')
    assert current_home() is home_of("memory://?keep=1")
    monkeypatch.setenv("TASKKIT_BACKEND", "memory://?keep=2")
    config.reset()
    assert current_home() is home_of("memory://?keep=2")
    taskkit.configure(backend="memory://?keep=3")
    assert current_home() is home_of("memory://?keep=3")
    instance = MemoryBackend()
    taskkit.configure(backend=instance)
    assert here() is instance
    taskkit.configure(backend="memory://?keep=4")
    assert current_home() is home_of("memory://?keep=4")


def test_other_settings_leave_a_configured_instance_in_its_place() -> None:
    instance = MemoryBackend()
    taskkit.configure(backend=instance)
    taskkit.configure(project="shop", ttl="1h")
    assert here() is instance


@pytest.mark.anyio
async def test_an_open_worker_counts_before_what_is_configured() -> None:
    taskkit.configure(backend="memory://?keep=3")
    async with taskkit.local() as app:
        assert here() is app.backend
    assert current_home() is home_of("memory://?keep=3")


@pytest.mark.anyio
async def test_the_innermost_block_counts() -> None:
    inner = MemoryBackend()
    async with taskkit.local() as outer:
        with taskkit.use_backend(inner):
            assert here() is inner
            async with taskkit.local() as innermost:
                assert here() is innermost.backend
            assert here() is inner
        assert here() is outer.backend


@pytest.mark.anyio
async def test_inside_a_task_the_runs_own_counts_whatever_is_chosen_there() -> None:
    other = MemoryBackend()

    @task()
    async def child() -> str:
        return "done"

    @task()
    async def parent() -> bool:
        with taskkit.use_backend(other):
            handle = await child.trigger()
        return (await handle.retrieve()).task_id == "child"

    async with taskkit.local():
        assert (await (await parent.trigger()).result()).unwrap() is True
    assert not [run async for run in _runs_of(other)]


async def _runs_of(backend: MemoryBackend) -> AsyncIterator[Run]:
    with taskkit.use_backend(backend):
        async for run in taskkit.runs.list():
            yield run


@pytest.mark.anyio
async def test_from_elsewhere_the_last_worker_still_open_counts() -> None:
    """A request of a web server does not inherit the context of the lifespan that opened the worker."""

    def from_elsewhere() -> Any:
        return contextvars.Context().run(here)

    first, second = taskkit.local(), taskkit.local()
    await first.__aenter__()
    await second.__aenter__()
    assert from_elsewhere() is second.backend
    await first.__aexit__(None, None, None)
    assert from_elsewhere() is second.backend
    await second.__aexit__(None, None, None)
    with pytest.raises(BackendNotConfiguredError):
        from_elsewhere()


@pytest.mark.anyio
async def test_a_worker_can_be_left_in_another_context_than_it_was_entered_in() -> None:
    """Some test runners set up and tear down an async fixture in two tasks."""
    app = taskkit.local()
    await asyncio.create_task(app.__aenter__())
    assert here() is app.backend
    await asyncio.create_task(app.__aexit__(None, None, None))
    with pytest.raises(BackendNotConfiguredError):
        current_home()


def test_use_backend_ends_when_its_block_raises() -> None:
    with pytest.raises(RuntimeError), taskkit.use_backend(MemoryBackend()):
        raise RuntimeError
    with pytest.raises(BackendNotConfiguredError):
        current_home()


# --- URL and instance -------------------------------------------------------------------------------


def test_one_url_is_one_instance() -> None:
    assert home_of("memory://?keep=7") is home_of("memory://?keep=7")
    assert home_of("memory://?keep=7") is not home_of("memory://?keep=8")
    with taskkit.use_backend("memory://?keep=7"):
        assert current_home() is home_of("memory://?keep=7")


def test_threads_that_ask_at_once_get_one_instance() -> None:
    for number in range(20):
        url = f"memory://?keep={100 + number}"
        barrier = threading.Barrier(4)

        def ask(_: int, url: str = url, barrier: threading.Barrier = barrier) -> Any:
            barrier.wait()
            return home_of(url)

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(ask, range(4)))) == 1
        current_backend.forget(url)


def test_one_instance_has_one_home_so_that_it_is_opened_once() -> None:
    instance = MemoryBackend()
    home = home_for(instance)
    assert home_for(instance) is home
    assert home_for(MemoryBackend()) is not home


@pytest.mark.anyio
async def test_an_instance_that_is_open_keeps_its_home_also_while_nobody_uses_it() -> None:
    opened: list[int] = []

    class Counted(MemoryBackend):
        async def open(self) -> None:
            opened.append(1)

    instance = Counted()
    for _ in range(2):
        with taskkit.use_backend(instance):
            assert [run async for run in taskkit.runs.list()] == []
        gc.collect()
    assert opened == [1]
    await home_for(instance).close()
    gone = weakref.ref(instance)
    del instance
    gc.collect()
    assert gone() is None


def test_an_instance_that_a_test_gave_a_clock_keeps_it(clock: FakeClock) -> None:
    instance = MemoryBackend()
    home = home_for(instance, clock=clock)
    assert home_for(instance) is home
    assert home.clock is clock


def test_local_makes_a_fresh_backend_each_time() -> None:
    assert taskkit.local().backend is not taskkit.local().backend


def test_keep_is_read_from_the_url() -> None:
    assert repr(home_of("memory://?keep=5").backend) == "MemoryBackend(keep=5, runs=0)"
    assert repr(home_of("memory://").backend) == "MemoryBackend(keep=10000, runs=0)"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory", "'memory' is not a URL. Write for example memory:// or sqlite:///runs.db."),
        ("memry://", "No backend is registered for memry:// (from 'memry://'). Did you mean memory://?"),
        ("kafka://u:hunter2@host", "(from 'kafka://u:***@host')"),
        ("memory://?keep=all", "memory:// takes nothing but ?keep="),
        ("memory://?keep=-1", "Write memory:// or memory://?keep=500."),
        ("memory://?size=3", "memory:// takes nothing but ?keep="),
        ("memory://host/path", "'memory://host/path' is not understood"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used_says_so_where_it_is_used(url: str, said: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        taskkit.use_backend(url)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_configure_opens_nothing_and_the_fault_of_a_url_shows_at_first_use() -> None:
    taskkit.configure(backend="memry://")
    with pytest.raises(InvalidConfigError, match="memry://"):
        current_home()


@pytest.mark.parametrize("given", [5, None, MemoryBackend, object()])
def test_what_is_no_backend_is_refused(given: Any) -> None:
    with pytest.raises(InvalidOptionError, match="give a URL such as"):
        taskkit.use_backend(given)


@pytest.mark.anyio
async def test_a_trigger_without_a_backend_is_no_trigger_error_but_a_config_error() -> None:
    @task()
    async def work() -> None: ...

    with pytest.raises(BackendNotConfiguredError) as caught:
        await work.trigger()
    assert not isinstance(caught.value, TriggerError)


def test_an_instance_that_was_replaced_by_another_is_still_found_as_itself() -> None:
    home = current_backend.new_home("memory://")
    first = home.backend
    assert home_for(first) is home
    asyncio.run(home.ready())
    asyncio.run(home.ready())  # the loop of the first has closed, so this made another
    assert home.backend is not first
    assert home_for(first).backend is first


def test_a_url_that_was_opened_on_a_closed_loop_is_opened_again() -> None:
    @task()
    async def work() -> int:
        return 4

    async def once() -> int:
        async with taskkit.worker("memory://"):
            return (await (await work.trigger()).result()).unwrap()

    assert [asyncio.run(once()), asyncio.run(once())] == [4, 4]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///runs.db", "sqlite:///runs.db"),
        ("sqlite:////var/lib/runs.db?migrate=no", "sqlite:////var/lib/runs.db?migrate=no"),
        ("postgresql:///shop?password=secret", "postgresql:///shop?password=***"),
        ("postgresql://ada:secret@db/shop", "postgresql://ada:***@db/shop"),
    ],
)
def test_a_backend_is_named_by_its_url_without_the_password(url: str, name: str) -> None:
    assert home_of(url).name == name
