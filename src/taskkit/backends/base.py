"""The contract between taskkit and the place where runs live.

A backend stores and hands out; it never computes a retry delay, never calls a task's code, and speaks of
runs and leases, not of rows. An adapter to an existing engine implements `Backend` and brings its own
`serve`. A store that taskkit's worker drives implements `QueueBackend` and inherits `ClaimLoop`. What is
optional is a `Supports...` protocol, found with `isinstance`. What a backend cannot do it leaves out of
`capabilities`, and asking for it raises `UnsupportedByBackendError` before anything is stored.

`taskkit.testing.BackendSuite` holds these rules as checks. `docs/write-your-own-backend.md` walks through a backend.

Four numbers are never mixed:

- `attempt`: what users see; raised only by a `RetryAt`.
- `delivery`: raised by each claim that starts the body of an attempt.
- `deaths`: leases that ended without a settle; more than `request.max_attempts` of them end the run CRASHED.
- `lease.token`: random, new with each claim, fences every write.

No (run, attempt, delivery) is started twice.

`now` is the moment at which a call takes effect. None, the ordinary case, means the store's own clock; a
test passes the moment it wants.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from taskkit.backends.optional import (
    SupportsEdit,
    SupportsEnds,
    SupportsIdle,
    SupportsMigrations,
    SupportsPurge,
    SupportsQuery,
    SupportsQueues,
    SupportsReports,
    SupportsSchedules,
    SupportsTake,
    SupportsTime,
    SupportsTokens,
    SupportsTurn,
    SupportsWake,
    SupportsWorkers,
)
from taskkit.model.capability import Capability
from taskkit.model.clock import Now
from taskkit.model.exchange import (
    ClaimSpec,
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    Manifest,
    Outcome,
    Page,
    Signal,
    Suspended,
    Wait,
    WorkerOptions,
)
from taskkit.model.queue import Declared
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run

__all__ = [
    "Backend",
    "Capability",
    "Control",
    "Declared",
    "Execution",
    "Now",
    "QueueBackend",
    "Runner",
    "SupportsEdit",
    "SupportsEnds",
    "SupportsIdle",
    "SupportsMigrations",
    "SupportsPurge",
    "SupportsQuery",
    "SupportsQueues",
    "SupportsReports",
    "SupportsSchedules",
    "SupportsTake",
    "SupportsTime",
    "SupportsTokens",
    "SupportsTurn",
    "SupportsWake",
    "SupportsWorkers",
    "Watch",
]


class Watch(Protocol):
    """Hints that something changed. They may merge or be lost: read again, and look again after a while."""

    def __aiter__(self) -> AsyncIterator[str]:
        """The topics that changed, each at least once after a change that followed the subscription."""
        ...

    async def __anext__(self) -> str: ...

    def close(self) -> None:
        """End the subscription and the iteration."""
        ...


class Control(Protocol):
    """What the driver of the loop lends to one execution."""

    @property
    def is_stopping(self) -> bool:
        """The driver itself is being canceled: a cancellation of the execution's task comes from there."""
        ...

    async def park(self, waits: Sequence[Wait]) -> None:
        """Record that the run waits for these, instead of what it waited for before, and give its slot back.

        The answers come through `Execution.resume`. `park(())` asks to be resumed as soon as there is a slot.
        """
        ...

    async def abandon(self, outcome: Outcome) -> None:
        """Settle although the body still runs, because it ignores its cancellation; its slot is freed."""
        ...


class Execution(Protocol):
    """One lease being carried out. All methods are called on the event loop that runs it."""

    async def run(self) -> Outcome:
        """Carry it out in the caller's task (one asyncio task per run) and say how it ended.

        The outcome is decided: no policy is left in it. Never raises for what the task's code does.
        """
        ...

    def resume(self, lease: Lease) -> None:
        """The parked run has a slot again, and `lease.answers`. A cleanup lease tells it to end."""
        ...

    def tell(self, signal: Signal) -> None:
        """What a beat brought: CANCEL, LOST or SHUTDOWN."""
        ...


class Runner(Protocol):
    """taskkit's engine, as a backend sees it; handed to `serve`."""

    @property
    def manifest(self) -> Manifest:
        """What this worker can run."""
        ...

    def begin(self, lease: Lease, control: Control) -> Execution:
        """Prepare to carry out a lease of kind start or cleanup, or a resume whose coroutine is not here."""
        ...


class Backend(Protocol):
    """Every backend; an adapter to an existing engine stops here."""

    capabilities: frozenset[Capability]

    async def open(self) -> None:
        """Connect, prepare; called once before anything else, on the event loop that the backend will live on."""
        ...

    async def close(self) -> None:
        """Let go of everything; watches end. Called at most once after `open`."""
        ...

    async def register(self, manifest: Manifest) -> None:
        """Learn what a worker brings: task ids, queues with their limits. The latest word on a queue counts."""
        ...

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        """Store these runs; returning means stored.

        One answer per request, in order. Idempotent by run id, and per (task, idempotency key) while the
        key holds, also within one call. A request with a `debounce` joins the run of its task and key as
        long as that is DELAYED, once for each run id, and by the rules of `Debounce`. A full queue refuses
        (`Enqueued.error`), it does not raise.
        Payloads are kept byte for byte: what is sealed in one opens in no other. A backend that declares DURABLE
        is given no `secrets`; where some come all the same it raises SecretInPayloadError and stores nothing.
        Raises StoreUnavailableError when nothing is known to be stored; the same call may be repeated.
        """
        ...

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        """The runs as they stand, in order; None for an unknown id."""
        ...

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str | None, now: Now
    ) -> Sequence[Run]:
        """Ask for the end of these runs, and of those that they wait for; the runs as known afterwards.

        A run that never started is CANCELED at once. A running one is told with the next beat and ends
        when its hooks have run. A WAITING one becomes a cleanup lease at once, outside queue limits. A
        final one stays as it is. Unknown id: RunNotFoundError, and nothing is canceled.
        """
        ...

    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        """Add metadata operations, logs, stream parts, tags or memos to a run, in order.

        The same flush id counts once. With a lease it is fenced: LeaseLostError when the token is old.
        What was appended survives the loss of the lease. Unknown run: RunNotFoundError.
        """
        ...

    async def read(
        self, run_id: str, kind: EntryKind, *, key: str | None, after: int, limit: int
    ) -> Page[Entry]:
        """Entries of a run with a position above `after`, oldest first; metadata is read from the run itself."""
        ...

    def watch(self, topics: Sequence[str]) -> Watch:
        """Subscribe to topics of `model.exchange`; the subscription stands when this returns."""
        ...

    async def serve(self, runner: Runner, options: WorkerOptions) -> None:
        """Work until canceled: find due runs, hand them to the runner, record what it says.

        The first cancellation stops claiming, waits up to `options.drain` seconds, then releases what
        still runs; a second one does so at once. An exception that ends it fails all who wait, loudly.
        """
        ...


@runtime_checkable
class QueueBackend(Backend, Protocol):
    """A store that taskkit's worker drives (see `ClaimLoop`)."""

    async def claim(
        self, worker: str, spec: ClaimSpec, *, limit: int, lease: float, now: Now
    ) -> Sequence[Lease]:
        """Take up to `limit` due runs that match, in queue order, within the limits of queues and keys.

        Within a queue and concurrency key the order is that of `queue_time` minus priority; where FAIR is
        declared, queues, and keys within them, take turns.
        A run is held by one worker at a time. `worker` is unique per process start; the answer of a parked
        run goes first to the worker that parked it, and after one lease to any. Cleanup leases come first
        and count against no queue limit.
        """
        ...

    async def extend(self, leases: Sequence[Lease], *, lease: float, now: Now) -> Sequence[Signal]:
        """Hold these for another `lease` seconds: HELD, CANCEL (held, and somebody asked for its end) or LOST."""
        ...

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, *, now: Now) -> None:
        """Record how a lease ended.

        The same outcome by the same token counts once; anything else under an old token is LeaseLostError.
        After Suspended the token stays good for append and settle until the next claim: another Suspended
        replaces the waits, a final outcome straight from WAITING is legal and frees no slot. Waits whose
        runs are already final are answered at once. Where an outcome lets another run go, by a queue's
        limit or an answered wait, WORK_TOPIC changes: a worker with free slots looks again only then.
        """
        ...

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        """Do what is due (delays, ttl, waits, dead leases), at most `limit` of it; when to call next.

        That is a moment of the clock that `now` is of, for None of this machine's.
        """
        ...
