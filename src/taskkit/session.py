"""Where runs live: configure a backend, choose one for a block, work."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast, overload

from taskkit import config
from taskkit.backends.base import Backend, SupportsIdle, SupportsWorkers
from taskkit.definition.context import Environment
from taskkit.definition.registry import REGISTRY
from taskkit.errors import (
    InvalidOptionError,
    QueueNotFoundError,
    UnsupportedByBackendError,
)
from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.model.duration import Duration, seconds
from taskkit.model.exchange import ClaimSpec, HealthSource, WorkerHealth, WorkerOptions
from taskkit.model.options import TriggerOptions
from taskkit.model.queue import check_name
from taskkit.model.result import RunResult
from taskkit.runtime import current_backend
from taskkit.runtime.home import Home
from taskkit.runtime.portal import refuse_in_event_loop
from taskkit.trigger import calls
from taskkit.trigger.task import Task

PayloadT = TypeVar("PayloadT")
OutputT = TypeVar("OutputT")


def configure(*, backend: str | Backend | None = None, **changes: Any) -> None:
    """Set what the configuration file would set, for this process; opens nothing.

    `backend` is a URL or an instance. Other names are those of `[tool.taskkit]`: project, dirs,
    max_duration, machine, log_level, ttl. InvalidConfigError names what is not understood.
    """
    if isinstance(backend, str):
        changes["backend"] = backend
        current_backend.configure(None)
    elif backend is not None:
        current_backend.configure(backend)
    if changes:
        config.override(**changes)


def use_backend(backend: str | Backend) -> AbstractContextManager[None]:
    """Triggers in this block go to this backend, a URL or an instance; nobody works there because of it."""
    return current_backend.choose(current_backend.home_for(backend))


def local(*, clock: Clock = SYSTEM_CLOCK, concurrency: int = 10) -> Worker:
    """A fresh memory backend and its worker, in this event loop: `async with taskkit.local() as app:`.

    Leaving it cancels what runs and drops what is queued, delayed or waiting.
    """
    if not hasattr(clock, "call_at"):
        raise InvalidOptionError(
            "clock", clock, "give a taskkit.testing.FakeClock, or leave it out."
        )
    home = current_backend.new_home("memory://", clock=clock)
    return Worker(home, "development", concurrency=concurrency, drain=0)


def worker(
    url: str | Backend | None = None,
    *,
    queues: str | Collection[str] | None = None,
    concurrency: int = 10,
    lease: Duration = 30,
    drain: Duration = 25,
) -> Worker:
    """Work on a backend's runs in this event loop: `async with taskkit.worker("sqlite:///runs.db"):`.

    Without a URL on the configured backend. `queues`, a name or several, restricts which runs;
    `concurrency` of them hold a slot at a time. Leaving it stops claiming, waits at most `drain` seconds for
    what runs, then gives it back.
    """
    return Worker(
        current_backend.configured_home() if url is None else current_backend.home_for(url),
        "production",
        queues=queues,
        concurrency=concurrency,
        lease=lease,
        drain=drain,
    )


class Worker:
    """A worker in this event loop, while its block lasts."""

    def __init__(
        self,
        home: Home,
        environment: Environment,
        *,
        queues: str | Collection[str] | None = None,
        concurrency: int = 10,
        lease: Duration = 30,
        drain: Duration = 25,
    ) -> None:
        self._home = home
        from taskkit.engine.worker import Runner  # who only triggers never loads the engine

        self._runner = Runner(home, environment)
        self._queues = None if queues is None else _names(queues)
        self._concurrency = _slots(concurrency)
        self._lease = seconds(lease, what="lease")
        self._drain = seconds(drain, what="drain")
        self._serving: asyncio.Task[None] | None = None
        self._scheduling: asyncio.Task[None] | None = None
        self._chosen: AbstractContextManager[None] | None = None
        self._health: HealthSource | None = None
        if self._lease <= 0:
            raise InvalidOptionError("lease", lease, "give more than 0 seconds.")

    @property
    def backend(self) -> Backend:
        """The backend that this worker serves."""
        return self._home.backend

    @property
    def is_serving(self) -> bool:
        """It has started and not ended, though it may be stopping."""
        return self._serving is not None and not self._serving.done()

    def health(self) -> WorkerHealth:
        """When it last looked for work, and whether its store answers; UnsupportedByBackendError where none tells.

        After its end: how it was then.
        """
        if self._health is None:
            raise UnsupportedByBackendError("The health of a worker", backend=self._home.name)
        return self._health()

    async def ended(self) -> None:
        """Return when it has stopped serving; raises what it died of."""
        if self._serving is not None:
            await asyncio.wait((self._serving,))
            if not self._serving.cancelled():
                self._serving.result()

    def release(self) -> None:
        """Give back at once what still runs: for a worker whose block is being left, and which drains."""
        if self._serving is not None:
            self._serving.cancel()

    async def idle(self) -> None:
        """Return when no run is due or executing; what is delayed or waits for its time does not count."""
        backend = self._home.backend
        if not isinstance(backend, SupportsIdle):
            raise UnsupportedByBackendError("Waiting until all is idle", backend=self._home.name)
        idle = asyncio.ensure_future(self._home.call(backend.idle))
        try:
            serving = () if self._serving is None else (self._serving,)
            await asyncio.wait((idle, *serving), return_when=asyncio.FIRST_COMPLETED)
            if self._serving is not None and self._serving.done():
                self._serving.result()  # raises what the worker died of
        finally:
            idle.cancel()
        await idle

    async def __aenter__(self) -> Self:
        settings = config.current()
        if settings.dirs:
            from taskkit.definition.discovery import discover

            discover(settings.dirs, settings.root or Path.cwd())
        self._need_queues()
        if not self._home.is_open:
            self._home.closes_with_workers = True
        await self._home.ready()
        self._serving = asyncio.create_task(self._serve(), name="taskkit-worker")
        try:
            await self._started(self._serving)
            await self._schedule()
        except BaseException:
            await self._leave()
            raise
        current_backend.started_serving(self._home)
        self._chosen = current_backend.choose(self._home)
        self._chosen.__enter__()
        return self

    async def _serve(self) -> None:
        self._home.serving += 1
        try:
            await self._home.call(self._serve_here)
        finally:
            self._home.serving -= 1  # before those look who were woken by its end
            self._stop_scheduling()

    async def _serve_here(self) -> None:
        """On the backend's loop; the tasks that are known by now are those that it begins with."""
        await self._home.backend.serve(self._runner, self._options())

    async def _schedule(self) -> None:
        # Imported here, because a program that only triggers needs none of it.
        from taskkit.engine.scheduler import start_scheduler

        self._scheduling = await start_scheduler(self._home)

    def _stop_scheduling(self) -> None:
        if self._scheduling is not None:
            self._scheduling.cancel()

    def _need_queues(self) -> None:
        """A misspelt queue would be worked on for ever, and its runs never."""
        known = REGISTRY.queues()
        for name in () if self._home.is_shared or not self._queues else sorted(self._queues):
            if name not in known:
                raise QueueNotFoundError(name, get_close_matches(name, list(known), n=3))

    def _options(self) -> WorkerOptions:
        tasks = self._runner.manifest.tasks if self._home.is_shared else None
        spec = ClaimSpec(tasks=tasks, queues=self._queues)
        return WorkerOptions(
            spec,
            self._concurrency,
            self._lease,
            self._drain,
            self._home.clock,
            announce=self._announced,
        )

    def _announced(self, health: HealthSource) -> None:
        self._health = health

    async def _started(self, serving: asyncio.Task[None]) -> None:
        """Wait until the backend knows its worker, so that nobody who asks for a result is told there is none.

        Where other processes may work too, nobody is told that.
        """
        backend = self._home.backend
        if self._home.is_shared:
            await asyncio.sleep(0)
        while (
            not self._home.is_shared and isinstance(backend, SupportsWorkers) and not serving.done()
        ):
            if any(known.alive for known in await self._home.call(backend.list_workers)):
                return
            await asyncio.sleep(0)
        if serving.done():
            serving.result()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._chosen is not None:
            self._chosen.__exit__(None, None, None)
            self._chosen = None
        current_backend.stopped_serving(self._home)
        await self._leave()

    async def _leave(self) -> None:
        self._stop_scheduling()
        try:
            await self._stop()
        finally:
            if self._scheduling is not None:
                await asyncio.wait([self._scheduling])
            self._runner.close()
            if self._home.closes_with_workers and not self._home.serving:
                self._home.closes_with_workers = False
                await self._home.close()

    async def _stop(self) -> None:
        serving = self._serving
        if serving is None:
            return
        serving.cancel()
        try:
            await serving
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not serving.cancelled() or (task is not None and task.cancelling()):
                raise
        except (KeyboardInterrupt, SystemExit):
            pass  # asyncio has raised it out of the event loop; once more would break into its clean-up


def _slots(concurrency: object) -> int:
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise InvalidOptionError("concurrency", concurrency, "give a whole number of at least 1.")
    return concurrency


def _names(queues: Any) -> frozenset[str]:
    names: Any = (queues,) if isinstance(queues, str) else queues
    if not isinstance(names, tuple | list | set | frozenset):
        raise InvalidOptionError("queues", queues, "give the name of a queue, or a list of names.")
    return frozenset(check_name(name) for name in cast("Iterable[object]", names))


@overload
def run_task(
    task: Task[PayloadT | None, OutputT, Any],
    payload: None = None,
    /,
    **options: Unpack[TriggerOptions],
) -> RunResult[OutputT]: ...
@overload
def run_task(
    task: Task[PayloadT, OutputT, Any], payload: PayloadT, /, **options: Unpack[TriggerOptions]
) -> RunResult[OutputT]: ...
@overload
def run_task(
    task: str, payload: Any = None, /, **options: Unpack[TriggerOptions]
) -> RunResult[Any]: ...
def run_task(
    task: Task[Any, Any, Any] | str, payload: Any = None, /, **options: Unpack[TriggerOptions]
) -> RunResult[Any]:
    """Run a task in memory from plain code, and give its result: `local()`, trigger, result."""
    refuse_in_event_loop(
        "taskkit.run_task",
        "taskkit.run_task was called inside a running event loop, which it would block. Write: "
        "async with taskkit.local(): handle = await task.trigger(payload); result = await handle.result()",
    )
    return asyncio.run(_run_task(task, payload, options))


async def _run_task(
    task: Task[Any, Any, Any] | str, payload: Any, options: TriggerOptions
) -> RunResult[Any]:
    async with local():
        if isinstance(task, Task):
            handle = await task.trigger(payload, **options)
        else:
            handle = await calls.trigger(calls.target(task), payload, options)
        return await handle.result()
