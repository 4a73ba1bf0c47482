"""The contract between taskkit and the place where runs live.

A backend stores and hands out; it never computes a retry delay, never calls a task's code, and speaks of
runs and leases, not of rows. An adapter to an existing engine implements `Backend` and brings its own
`serve`. A store that taskkit's worker drives implements `QueueBackend` and inherits `ClaimLoop`. What is
optional is a `Supports...` protocol, found with `isinstance`. What a backend cannot do it leaves out of
`capabilities`, and asking for it raises `UnsupportedByBackendError` before anything is stored.

`taskkit.testing.BackendSuite` holds these rules as checks.

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

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from taskkit.model.capability import Capability as Capability  # noqa: PLC0414 - part of the contract
from taskkit.model.exchange import (
    ClaimSpec,
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    Manifest,
    Outcome,
    Page,
    QueueRecord,
    RunFilter,
    ScheduleRecord,
    Signal,
    Suspended,
    Token,
    Wait,
    WorkerOptions,
    WorkerRecord,
)
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run

Now: TypeAlias = datetime | None
Declared: TypeAlias = Literal["declared"]


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
        """Do what is due (delays, ttl, waits, dead leases), at most `limit` of it; when to call next."""
        ...


@runtime_checkable
class SupportsQuery(Protocol):
    async def list(self, where: RunFilter, *, cursor: int | str | None, limit: int) -> Page[Run]:
        """Runs that match, newest first."""
        ...


@runtime_checkable
class SupportsEdit(Protocol):
    async def reschedule(self, run_id: str, at: datetime, *, now: Now) -> Run:
        """Move a DELAYED run; RunNotDelayedError otherwise."""
        ...

    async def release_key(self, task_id: str, key: str) -> bool:
        """Forget an idempotency key; whether it was held."""
        ...


@runtime_checkable
class SupportsTokens(Protocol):
    """Tokens that somebody outside completes; a run waits for one by `TokenRef`, answered by the token.

    A token is over when it is completed or when its time has come, and then never changes. It is over at
    that moment for whoever asks, whether or not `advance` has been called since.
    """

    async def create_token(
        self,
        token_id: str,
        *,
        timeout: float | None,
        tags: Sequence[str],
        idempotency_key: str | None,
        now: Now,
    ) -> Token:
        """A token; the one that exists, as it stands, when the id or the key is known. `timeout` in seconds."""
        ...

    async def get_token(self, token_id: str, *, now: Now) -> Token | None:
        """The token as it stands; None for an unknown id."""
        ...

    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        """Complete it with JSON; False when it was over already. Unknown: TokenNotFoundError."""
        ...

    async def list_tokens(self, *, cursor: int | str | None, limit: int, now: Now) -> Page[Token]:
        """Tokens as they stand, newest first."""
        ...


@runtime_checkable
class SupportsSchedules(Protocol):
    """Keeps schedules for taskkit's scheduler, which runs beside each worker.

    The store knows nothing of cron patterns. A schedule's id derives from its task, or from its
    deduplication key, and a tick's run id from schedule and planned moment: with enqueue being idempotent,
    any number of schedulers make one run of a tick. Changes are told under SCHEDULES_TOPIC.
    """

    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        """Store it if nobody was faster: the record as it is stored, its version one higher, or None.

        Version 0 is a new schedule: None when its id exists. Any other replaces the schedule of that id,
        which must have this version. `last_fired` of the stored record is never set back.
        """
        ...

    async def get_schedules(self, schedule_ids: Sequence[str]) -> Sequence[ScheduleRecord | None]:
        """The schedules as they stand, in order; None for an unknown id."""
        ...

    async def delete_schedule(self, schedule_id: str) -> bool:
        """Forget it; whether it was there. The runs that it made stay."""
        ...

    async def list_schedules(
        self, tasks: frozenset[str] | None, *, cursor: int | str | None, limit: int
    ) -> Page[ScheduleRecord]:
        """The schedules of these tasks, None meaning any, in the order in which they were made."""
        ...

    async def next_schedules(
        self, tasks: frozenset[str], *, limit: int
    ) -> Sequence[ScheduleRecord]:
        """Of the active schedules of these tasks that have a `next_at`, the first `limit` by that moment."""
        ...

    async def record_tick(
        self, schedule_id: str, *, at: datetime | None, next_at: datetime | None, version: int
    ) -> None:
        """The tick of `at` is done with: `last_fired` moves forward to it, never back; None leaves it.

        If the schedule still has this version, `next_at` moves forward too, None meaning that it never fires
        again. This is no new version. Does nothing for an unknown id.
        """
        ...


@runtime_checkable
class SupportsQueues(Protocol):
    async def list_queues(self) -> Sequence[QueueRecord]:
        """Every queue that was declared or that a run was put into."""
        ...

    async def update_queue(
        self, name: str, *, paused: bool | None = None, limit: int | Declared | None = None
    ) -> QueueRecord:
        """Pause or open a queue, put a limit over the declared one or go back to it; None leaves it.

        A paused queue starts nothing, retries included; answers of waits and cleanups go on. What is set
        here outlasts `register`. Where it lets runs go, WORK_TOPIC changes. Unknown: QueueNotFoundError.
        """
        ...


@runtime_checkable
class SupportsPurge(Protocol):
    async def purge(self, before: datetime, *, limit: int) -> int:
        """Forget up to `limit` runs that ended before this moment; how many were forgotten."""
        ...


@runtime_checkable
class SupportsWorkers(Protocol):
    async def list_workers(self) -> Sequence[WorkerRecord]:
        """The workers seen, also those that have stopped."""
        ...


@runtime_checkable
class SupportsTake(Protocol):
    """A watch that can tell at once what else has changed."""

    def take(self) -> Sequence[str]:
        """The topics that have changed and were not iterated over; they count as iterated over."""
        ...


@runtime_checkable
class SupportsEnds(Protocol):
    """A backend in whose process the end of a run can simply be awaited; otherwise it is watched for."""

    async def end_of(self, run_id: str) -> Run | None:
        """The run, once it is final; None when it is unknown, or when nobody may be left to end it.

        Read at once and not kept, so it need not be a snapshot.
        """
        ...


@runtime_checkable
class SupportsWake(Protocol):
    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back with WORK_TOPIC or CANCEL_TOPIC, on the event loop: a watch without its turns of the loop.

        Returns what ends it.
        """
        ...


@runtime_checkable
class SupportsIdle(Protocol):
    async def idle(self) -> None:
        """Return when no run is due, executing, or has an answer that it has not met."""
        ...
