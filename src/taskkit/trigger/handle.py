"""What a trigger gives back."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar, cast

from pydantic_core import from_json

from taskkit.backends.base import SupportsEnds, SupportsTake, SupportsWorkers, Watch
from taskkit.definition.policy import policy_of
from taskkit.definition.registry import REGISTRY
from taskkit.errors import (
    NoWorkerError,
    ResultTimeoutError,
    RunNotFoundError,
    StoreUnavailableError,
)
from taskkit.model.clock import sleep
from taskkit.model.duration import Duration, seconds
from taskkit.model.exchange import Enqueued, end_topic, run_topic
from taskkit.model.result import RunResult, result_of
from taskkit.model.run import FINAL, Run
from taskkit.runtime.home import Home
from taskkit.runtime.portal import iterator_twin, twin

T = TypeVar("T")
OutputT_co = TypeVar("OutputT_co", covariant=True)

_OUTLASTED = 30.0
"""Seconds of an outage of the store after which who waits for a run is told of it."""
_LOOKS_AGAIN = 0.5


class RunHandle(Generic[OutputT_co]):
    """A run that was triggered: its id, and what can be asked of it.

    `is_cached` is True when an idempotency key led to a run that existed already.
    """

    __slots__ = ("_anchor", "_home", "id", "is_cached", "task_id")

    def __init__(self, home: Home, task_id: str, enqueued: Enqueued) -> None:
        self._home = home
        self._anchor = enqueued.anchor
        self.id = enqueued.run_id
        self.task_id = task_id
        self.is_cached = enqueued.disposition == "existing"

    async def result(self, timeout: Duration | None = None) -> RunResult[OutputT_co]:
        """How the run ended, once it has; a run that failed raises nothing here.

        Past `timeout` ResultTimeoutError, and the run goes on. NoWorkerError when the backend is in memory
        and nobody works there.
        """
        limit = None if timeout is None else seconds(timeout, what="timeout")
        home = self._home
        if home.is_here:
            run = None
            if limit is None and home.serving and home.supports(SupportsEnds):
                with suppress(StoreUnavailableError):  # `end_of` waits until it is back
                    run = await cast("SupportsEnds", home.backend).end_of(self.id)
            if run is None:
                run = await end_of(home, self.id, limit)
        else:
            run = await home.call(end_of, home, self.id, limit)
        return result_of(run, decoder(self.task_id))

    async def retrieve(self) -> Run:
        """The run as it stands."""
        return await self._home.call(retrieve, self._home, self.id)

    def subscribe(self) -> AsyncIterator[Run]:
        """The run as it stands, then each time it has changed, up to its end."""
        return changes_of(self._home, self.id)

    async def cancel(self, reason: str | None = None) -> Run:
        """Ask for the run's end; the run as known afterwards. A final one stays as it is."""
        return await self._home.call(cancel, self._home, self.id, reason)

    @property
    def sync(self) -> HandleSync[OutputT_co]:
        """The same calls for plain code."""
        return HandleSync(self)

    def __repr__(self) -> str:
        return (
            f"<RunHandle {self.id} of task {self.task_id!r}{' (cached)' if self.is_cached else ''}>"
        )


class HandleSync(Generic[OutputT_co]):
    """A handle's calls for plain code."""

    __slots__ = ("cancel", "result", "retrieve", "subscribe")

    def __init__(self, handle: RunHandle[OutputT_co]) -> None:
        self.result = twin(handle.result)
        self.retrieve = twin(handle.retrieve)
        self.cancel = twin(handle.cancel)
        self.subscribe = iterator_twin(handle.subscribe)


class BatchHandle(Generic[OutputT_co]):
    """The runs of one batch, in item order."""

    __slots__ = ("_home", "id", "runs")

    def __init__(self, home: Home, batch_id: str, runs: Sequence[RunHandle[OutputT_co]]) -> None:
        self._home = home
        self.id = batch_id
        self.runs = list(runs)

    async def results(self, timeout: Duration | None = None) -> list[RunResult[OutputT_co]]:
        """How each run ended, in item order, once all have."""
        limit = None if timeout is None else seconds(timeout, what="timeout")
        ids = [handle.id for handle in self.runs]
        runs = await self._home.call(ends_in_order, self._home, ids, limit)
        return [result_of(run, decoder(run.task_id)) for run in runs]

    @property
    def sync(self) -> BatchSync[OutputT_co]:
        """The same calls for plain code."""
        return BatchSync(self)

    def __repr__(self) -> str:
        return f"<BatchHandle {self.id}, {len(self.runs)} runs>"


class BatchSync(Generic[OutputT_co]):
    """A batch handle's calls for plain code."""

    __slots__ = ("results",)

    def __init__(self, handle: BatchHandle[OutputT_co]) -> None:
        self.results = twin(handle.results)


def handles(
    home: Home, task_ids: Iterable[str], answers: Sequence[Enqueued]
) -> list[RunHandle[Any]]:
    return [
        RunHandle(home, task_id, answer) for task_id, answer in zip(task_ids, answers, strict=True)
    ]


def decoder(task_id: str) -> Callable[[bytes | None], Any]:
    """How to rebuild the output of a task, as far as it is known in this process."""
    definition = REGISTRY.get(task_id)
    return _as_json if definition is None else policy_of(definition).output.decode


def _as_json(data: bytes | None) -> Any:
    return None if data is None else from_json(data)


def presented(run: Run) -> Run:
    """The run with its output rebuilt by the task's annotation where it is looked at."""
    run.decode_output = decoder(run.task_id)
    return run


async def retrieve(home: Home, run_id: str) -> Run:
    """Runs on the backend's loop."""
    (run,) = await home.backend.get([run_id])
    if run is None:
        raise RunNotFoundError(run_id, backend=home.name)
    return presented(run)


async def cancel(home: Home, run_id: str, reason: str | None) -> Run:
    """Runs on the backend's loop."""
    (run,) = await home.backend.cancel([run_id], reason=reason, now=home.now)
    return presented(run)


async def changes_of(home: Home, run_id: str) -> AsyncIterator[Run]:
    """The run as it stands, then each time it has changed, up to its end."""
    watch = await home.call(_watch, home, (run_topic(run_id), end_topic(run_id)))
    seen: object = None
    woken = False
    try:
        while True:
            run = await home.call(retrieve, home, run_id)
            state = state_of(run)
            if state != seen:
                seen = state
                yield run
            if run.status in FINAL:
                return
            if woken and not home.is_shared:
                await home.call(need_worker, home, run_id)
            woken = True
            if not await home.call(next_changes, watch):
                raise NoWorkerError(
                    run_id, f"The backend {home.name} was closed before run {run_id} ended."
                )
    finally:
        home.post(watch.close)


def state_of(run: Run) -> object:
    """What a subscriber sees of a run: equal as long as nothing has changed."""
    return (
        run.status,
        run.attempt,
        run.delivery,
        run.metadata,
        run.tags,
        run.cancel_reason,
        run.available_at,
    )


async def _watch(home: Home, topics: Sequence[str]) -> Watch:
    return home.backend.watch(topics)


async def end_of(home: Home, run_id: str, timeout: float | None) -> Run:
    """The run once it is final. Runs on the backend's loop."""
    if timeout is None and home.serving and home.supports(SupportsEnds):
        run = await _outlasting(home, partial(cast("SupportsEnds", home.backend).end_of, run_id))
        if run is not None:
            return run
    return (await ends_of(home, (run_id,), timeout))[run_id]


async def ends_in_order(home: Home, run_ids: Sequence[str], timeout: float | None) -> list[Run]:
    """The runs once all of them are final. Runs on the backend's loop."""
    if timeout is None and home.serving and home.supports(SupportsEnds):
        return [await end_of(home, run_id, None) for run_id in run_ids]
    found = await ends_of(home, run_ids, timeout)
    return [found[run_id] for run_id in run_ids]


async def _outlasting(
    home: Home, look: Callable[[], Awaitable[T]], is_over: Callable[[], bool] = lambda: False
) -> T:
    """What it sees, which changes nothing, once the store is there; StoreUnavailableError when that takes long."""
    ends = math.inf
    while True:
        try:
            return await look()
        except StoreUnavailableError:
            now = home.clock.monotonic()
            ends = min(ends, now + _OUTLASTED)
            if now >= ends or is_over() or not home.is_open:
                raise
            await sleep(home.clock, _LOOKS_AGAIN)


async def ends_of(home: Home, run_ids: Sequence[str], timeout: float | None) -> dict[str, Run]:
    """The runs once all of them are final, by id. Runs on the backend's loop."""
    pending = dict.fromkeys(run_ids)
    found: dict[str, Run] = {}
    watch = home.backend.watch([end_topic(run_id) for run_id in pending])
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        watch.close()

    async def look(run_ids: Sequence[str]) -> None:
        read = partial(home.backend.get, run_ids)
        runs = await _outlasting(home, read, is_over=lambda: expired)
        _note(home, dict(zip(run_ids, runs, strict=True)), pending, found)

    timer = None
    if timeout is not None:
        timer = home.clock.call_at(home.clock.monotonic() + timeout, expire)
    try:
        changed: Sequence[str] = list(pending)
        while pending:
            await look(changed)
            if not home.is_shared and any(run_id in pending for run_id in changed):
                await need_worker(home, next(iter(pending)))  # looked at without having ended
            if pending:
                changed = await next_changes(watch)
            if not changed:
                await look(list(pending))
                if pending:
                    await _give_up(home, next(iter(pending)), timeout if expired else None)
        return found
    finally:
        watch.close()
        if timer is not None:
            timer.cancel()


async def next_changes(watch: Watch) -> Sequence[str]:
    """The ids of runs that may have ended; none when the watch was closed."""
    topic = await anext(watch, None)
    if topic is None:
        return ()
    if isinstance(watch, SupportsTake):
        return [topic[4:], *[other[4:] for other in watch.take()]]
    return (topic[4:],)


def _note(
    home: Home, runs: Mapping[str, Run | None], pending: dict[str, None], found: dict[str, Run]
) -> None:
    for run_id, run in runs.items():
        if run is None:
            raise RunNotFoundError(run_id, backend=home.name)
        if run.status in FINAL and run_id in pending:
            del pending[run_id]
            found[run_id] = run


async def need_worker(home: Home, run_id: str) -> None:
    """In one process a run that nobody carries out would be waited for for ever."""
    if not home.supports(SupportsWorkers):
        return
    workers = await cast("SupportsWorkers", home.backend).list_workers()
    if any(worker.alive for worker in workers):
        return
    failure = next((worker.failure for worker in reversed(workers) if worker.failure), None)
    if failure is not None:
        raise NoWorkerError(
            run_id,
            f"Run {run_id} will not be carried out: the worker of {home.name} stopped with {failure}.",
        )
    raise NoWorkerError(run_id)


async def _give_up(home: Home, run_id: str, timeout: float | None) -> None:
    if timeout is None:
        raise NoWorkerError(
            run_id, f"The backend {home.name} was closed before run {run_id} ended."
        )
    (run,) = await home.backend.get([run_id])
    raise ResultTimeoutError(run_id, timeout, None if run is None else run.status)
