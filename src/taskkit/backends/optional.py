"""What a backend may offer besides its contract, each a protocol found with `isinstance`.

A store without one of them loses what the protocol is about, and nothing else. Where a `Capability` goes with it, the
store declares that too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from taskkit.model.clock import Now
from taskkit.model.exchange import (
    ClaimSpec,
    Lease,
    MigrationStatus,
    Page,
    QueueRecord,
    RunFilter,
    ScheduleRecord,
    Token,
    WorkerRecord,
)
from taskkit.model.queue import Declared
from taskkit.model.run import Run


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
class SupportsMigrations(Protocol):
    """A store whose schema has versions; neither call needs `open`, nor a schema that this version can work with."""

    async def migrations(self) -> MigrationStatus:
        """Which version the store is at, and what is missing; changes nothing, and makes no new store."""
        ...

    async def upgrade(self) -> MigrationStatus:
        """Bring the schema to the latest version, safe beside others who do the same; what it then is."""
        ...


@runtime_checkable
class SupportsPurge(Protocol):
    async def purge(self, before: datetime, *, limit: int) -> int:
        """Forget up to `limit` runs that ended before this moment; how many were forgotten.

        In small steps, so that others can go on meanwhile. Never a run whose parent has not ended: the parent may
        be entered again, and meets its children. What else is over and older may go with them.
        """
        ...


@runtime_checkable
class SupportsWorkers(Protocol):
    async def list_workers(self) -> Sequence[WorkerRecord]:
        """The workers seen, also those that have stopped."""
        ...


@runtime_checkable
class SupportsReports(Protocol):
    """A store that learns from the workers themselves that they are there."""

    async def report(self, worker: WorkerRecord, *, lasts: float | None) -> None:
        """This worker is there, or has just stopped (`alive`); the moments are those of the store's clock.

        It counts as alive for `lasts` seconds, None meaning until it says that it has stopped.
        """
        ...


@runtime_checkable
class SupportsOutputLimit(Protocol):
    """A backend that holds less than taskkit allows: a larger output fails the run."""

    @property
    def output_limit(self) -> int:
        """In bytes of JSON."""
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


@runtime_checkable
class SupportsTime(Protocol):
    """A store whose clock is not this machine's."""

    def time(self) -> datetime:
        """The moment by the store's clock, as far as this process knows it; asks nobody.

        `advance` and `turn` with None as `now` answer in this machine's time all the same.
        """
        ...


@runtime_checkable
class SupportsTurn(Protocol):
    """A store for which one call is cheaper than two."""

    async def turn(
        self,
        worker: str,
        spec: ClaimSpec,
        *,
        limit: int,
        lease: float,
        now: Now,
        advance: int,
    ) -> tuple[datetime | None, Sequence[Lease]]:
        """`advance` with that limit, then `claim`."""
        ...
