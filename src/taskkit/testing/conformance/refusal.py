"""What is asked for although the backend does not declare it: refused before anything is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, NoReturn, Unpack

from taskkit import queues, runs, schedules, streams, tags, wait
from taskkit.backends.base import (
    Capability,
    Now,
    Runner as AnyRunner,
    SupportsEdit,
    SupportsQuery,
    SupportsQueues,
    SupportsSchedules,
    SupportsTokens,
    Watch,
)
from taskkit.decorator import task
from taskkit.engine.worker import Runner
from taskkit.errors import BackendError, UnsupportedByBackendError
from taskkit.model.exchange import (
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    Manifest,
    Outcome,
    Page,
    Wait,
    WorkerOptions,
)
from taskkit.model.options import Debounce, TriggerOptions
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.current_backend import choose
from taskkit.runtime.home import Home
from taskkit.runtime.memo import memo
from taskkit.testing.conformance.check import CheckFailedError, expect, expect_error
from taskkit.testing.conformance.serving import own_tasks
from taskkit.testing.conformance.trial import START, TASK
from taskkit.trigger.task import Task

Door = Callable[["Ledger"], Awaitable[object]]

_OPTIONAL: Final = frozenset(
    name
    for protocol in (SupportsQuery, SupportsEdit, SupportsTokens, SupportsSchedules, SupportsQueues)
    for name in vars(protocol)
    if not name.startswith("_")
)


class Ledger:
    """A backend that declares what it is given, keeps nothing, and notes every call that would store."""

    def __init__(self, capabilities: frozenset[Capability]) -> None:
        self.capabilities = capabilities
        self.calls: list[str] = []

    async def open(self) -> None:
        return None

    async def close(self) -> None:
        return None

    async def register(self, manifest: Manifest) -> None:
        return None

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        self.calls.append("enqueue")
        return [Enqueued(request.run_id, "created") for request in requests]

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        return [None] * len(run_ids)

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str | None, now: Now
    ) -> Sequence[Run]:
        self._refuse("cancel")

    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        self._refuse("append")

    async def read(
        self, run_id: str, kind: EntryKind, *, key: str | None, after: int, limit: int
    ) -> Page[Entry]:
        return Page([])

    def watch(self, topics: Sequence[str]) -> Watch:
        self._refuse("watch")

    async def serve(self, runner: AnyRunner, options: WorkerOptions) -> None:
        self._refuse("serve")

    @property
    def is_stopping(self) -> bool:
        """As `Control`."""
        return False

    async def park(self, waits: Sequence[Wait]) -> None:
        """As `Control`, of the attempts that it is asked about."""
        self._refuse("settle(Suspended)")

    async def abandon(self, outcome: Outcome) -> None:
        self._refuse("settle")

    def __getattr__(self, name: str) -> Callable[..., Awaitable[NoReturn]]:
        """Has the methods of every optional protocol: what it declares is the only reason to refuse."""
        if name not in _OPTIONAL:
            raise AttributeError(name, name=name, obj=self)

        async def refuse(*_: object, **__: object) -> NoReturn:
            self._refuse(name)

        return refuse

    def _refuse(self, call: str) -> NoReturn:
        self.calls.append(call)
        raise BackendError(f"{call} was called on a backend that is only asked what it declares.")


# --- the doors ----------------------------------------------------------------------------------


def _asked(queue: Queue | None = None) -> Task[None, None]:
    @task(id=TASK, queue=queue, retry=None)
    async def asked() -> None:
        return None

    return asked


def _option(**options: Unpack[TriggerOptions]) -> Door:
    async def ask(_: Ledger) -> object:
        return await _asked().trigger(**options)

    return ask


async def _narrow_queue(_: Ledger) -> object:
    return await _asked(Queue("narrow", concurrency_limit=1)).trigger()


async def _short_queue(_: Ledger) -> object:
    return await _asked(Queue("short", max_length=1)).trigger()


async def _pause(_: Ledger) -> object:
    return await queues.pause(f"task/{TASK}")


async def _list(_: Ledger) -> object:
    return [run async for run in runs.list(limit=1)]


async def _schedule(_: Ledger) -> object:
    return await schedules.create(task=_asked(), cron="@daily")


async def _token(_: Ledger) -> object:
    return await wait.create_token()


async def _logs(_: Ledger) -> object:
    return [entry async for entry in runs.logs("run_asked")]


def _in_task(ask: Callable[[], Awaitable[object]]) -> Door:
    """Ask in a task, as a worker would carry it out."""
    return partial(_ask_in_task, ask)


async def _ask_in_task(ask: Callable[[], Awaitable[object]], ledger: Ledger) -> None:
    raised: list[Exception] = []

    @task(id=TASK, retry=None)
    async def asking() -> None:
        try:
            await ask()
        except Exception as error:
            raised.append(error)

    request = TriggerRequest("run_asked", TASK, None, f"task/{TASK}")
    run = Run(request, RunStatus.EXECUTING, START, START, START, attempt=1)
    runner = Runner(Home(lambda: ledger, name="a worker"), "production")
    execution = runner.begin(Lease(run, "token", 1, 1, "start", START), ledger)
    try:
        await asyncio.create_task(execution.run())
    finally:
        runner.close()
    for error in raised:
        raise error


DOORS: Final[Mapping[Capability, tuple[str, Door]]] = MappingProxyType(
    {
        Capability.DELAY: ("trigger(delay=)", _option(delay=60)),
        Capability.TTL: ("trigger(ttl=)", _option(ttl=60)),
        Capability.PRIORITY: ("trigger(priority=)", _option(priority=1)),
        Capability.DEBOUNCE: (
            "trigger(debounce=)",
            _option(debounce=Debounce("key", delay=1)),
        ),
        Capability.QUEUE_LIMIT: ("a task with Queue(concurrency_limit=)", _narrow_queue),
        Capability.QUEUE_LENGTH: ("a task with Queue(max_length=)", _short_queue),
        Capability.QUEUES: ("queues.pause", _pause),
        Capability.KEY_LIMIT: ("trigger(concurrency_key=)", _option(concurrency_key="key")),
        Capability.IDEMPOTENCY: ("trigger(idempotency_key=)", _option(idempotency_key="key")),
        Capability.IDEMPOTENCY_TTL: (
            "trigger(idempotency_key_ttl=)",
            _option(idempotency_key="key", idempotency_key_ttl=60),
        ),
        Capability.METADATA: ("trigger(metadata=)", _option(metadata={"key": 1})),
        Capability.WAITS: ("wait.sleep in a task", _in_task(lambda: wait.sleep(60))),
        Capability.TOKENS: ("wait.create_token", _token),
        Capability.LOGS: ("runs.logs", _logs),
        Capability.STREAMS: (
            "streams.pipe in a task",
            _in_task(lambda: streams.pipe("key", ["part"])),
        ),
        Capability.TAGS: ("tags.add in a task", _in_task(lambda: tags.add("tag"))),
        Capability.MEMO: ("memo in a task", _in_task(lambda: memo("key", lambda: 1))),
        Capability.LIST: ("runs.list", _list),
        Capability.SCHEDULES: ("schedules.create", _schedule),
    }
)
"""How a user asks for what a capability names: what it is called, and a way to do it."""

NO_DOOR: Final[Mapping[Capability, str]] = MappingProxyType(
    {
        Capability.BATCH_ATOMIC: "no call asks for it: a repeated batch is finished item by item",
        Capability.FAIR: "it says whose turn it is; no call asks for it",
        Capability.RATE: "no rate can be asked for yet",
        Capability.CANCEL_RUNNING: "a cancel is a request, and ends on every backend what has not begun",
        Capability.EVENTUAL_LIST: "it says how the backend lists; no call asks for it",
        Capability.SUBSECOND_TIMERS: "it says how the backend rounds; no call asks for it",
        Capability.SHARED: "it says who serves the runs; no call asks for it",
        Capability.DURABLE: "it says what survives; no call asks for it",
    }
)
"""Capabilities that no call of the library asks for so far, and why."""


async def expect_refusal(
    capability: Capability, declared: frozenset[Capability], needed: frozenset[Capability]
) -> None:
    """Fail the check unless asking for `capability` raises UnsupportedByBackendError and stores nothing.

    Other capabilities that the same question needs are taken as declared, so that the refusal is about
    this one.
    """
    what, door = DOORS[capability]
    ledger = Ledger(declared | needed)
    with own_tasks(), choose(Home(lambda: ledger, name="the backend")):
        error = await expect_error(what, UnsupportedByBackendError, door(ledger))
    came = getattr(error, "capability", None)
    expect(f"the capability that the refusal of {what} names", came, capability.name)
    if ledger.calls:
        expected = "no call of the backend"
        raise CheckFailedError(f"{what}, refused", expected=expected, came=str(ledger.calls))
