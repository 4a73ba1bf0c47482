"""What passes between the engine and a backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

from pydantic_core import from_json

from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.model.error_info import ErrorInfo
from taskkit.model.queue import Queue
from taskkit.model.run import Run, RunStatus

ItemT = TypeVar("ItemT")

# --- in ---------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Enqueued:
    """What became of one request.

    `anchor` may be any object of the backend's; the handle keeps it, so that a backend that forgets old
    runs can tell which ones somebody still means to read.
    """

    run_id: str
    disposition: Literal["created", "existing", "debounced", "refused"]
    error: Exception | None = None
    anchor: object | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a worker can run; told to the backend when the worker starts.

    `machines` has, for each queue, the presets that the tasks of it name.
    """

    tasks: frozenset[str]
    queues: Mapping[str, Queue]
    version: str | None = None
    machines: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])


# --- held -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClaimSpec:
    """Which runs a worker takes; None means any."""

    tasks: frozenset[str] | None = None
    queues: frozenset[str] | None = None
    machines: frozenset[str] | None = None

    def fits(self, task_id: str, queue: str, machine: str | None) -> bool:
        """Whether a run of this task, queue and machine, None meaning any, is among them."""
        return (
            (self.tasks is None or task_id in self.tasks)
            and (self.queues is None or queue in self.queues)
            and (self.machines is None or machine is None or machine in self.machines)
        )


@dataclass(frozen=True, slots=True)
class Runs:
    """Answered when all of these runs are final; the answer is the runs, in this order."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Until:
    """Answered at this moment of the store's clock; the answer is None."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TokenRef:
    """Answered when the token is completed or past its time; the answer is the token."""

    id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Something a run waits for.

    The id derives from what is awaited, so that a run that is entered again meets it. `kind` is what hooks
    are told.
    """

    id: str
    on: Runs | Until | TokenRef
    kind: Literal["task", "batch", "duration", "token"] = "task"


TokenStatus: TypeAlias = Literal["WAITING", "COMPLETED", "TIMED_OUT"]


@dataclass(frozen=True, slots=True)
class Token:
    """A promise that somebody outside completes, as it stood when it was read.

    `completed_at` is when it was over: completed, or out of time.
    """

    id: str
    status: TokenStatus
    created_at: datetime
    output_json: bytes | None = None
    timeout_at: datetime | None = None
    completed_at: datetime | None = None
    tags: tuple[str, ...] = ()

    @property
    def output(self) -> Any:
        """What it was completed with, as JSON data; None before that."""
        return None if self.output_json is None else from_json(self.output_json)


Answer: TypeAlias = tuple[Run, ...] | Token | None
Answers: TypeAlias = Mapping[str, Answer]

LeaseKind = Literal["start", "resume", "cleanup"]


@dataclass(slots=True, eq=False)
class Lease:
    """A worker's claim on a run, for a time.

    `token` is random and fences every write. `attempt` is what users see; `delivery` rises with each claim
    of an attempt. `kind` is "start" (enter the attempt from the top), "resume" (the coroutine that this
    worker may still hold has its `answers`; a worker that does not hold it enters the attempt again), or
    "cleanup" (no body: run the hooks that an end as `ending` asks for, then settle). `orphaned` tells a
    start that an earlier delivery of this attempt died and its clean-up is still owed. `now` is the
    store's clock at the claim.
    """

    run: Run
    token: str
    attempt: int
    delivery: int
    kind: LeaseKind
    now: datetime
    answers: Answers = field(default_factory=cast("Callable[[], Answers]", dict))
    ending: RunStatus | None = None
    orphaned: bool = False


class Signal(Enum):
    """What a beat brings back for a lease."""

    HELD = "held"
    CANCEL = "cancel"
    LOST = "lost"
    SHUTDOWN = "shutdown"


# --- out --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Completed:
    """The run is over and has an output, as JSON."""

    output: bytes | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The run is over: FAILED, TIMED_OUT, CRASHED or SYSTEM_FAILURE."""

    error: ErrorInfo
    status: RunStatus = RunStatus.FAILED


@dataclass(frozen=True, slots=True)
class RetryAt:
    """The attempt failed and the next one may start at `at`, on `machine` if that is given."""

    at: datetime
    error: ErrorInfo
    machine: str | None = None


@dataclass(frozen=True, slots=True)
class Canceled:
    """The run is over because somebody asked for it."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """The worker gives the run back unfinished; the same attempt is delivered again, at once, to anybody.

    From WAITING it only gives up the claim on the parked coroutine: the run goes on waiting.
    """


Outcome: TypeAlias = Completed | Failed | RetryAt | Canceled | Released


@dataclass(frozen=True, slots=True)
class Suspended:
    """Not an end: the run waits and holds no slot. Without waits it asks to come back through the queue."""

    waits: tuple[Wait, ...]


# --- beside -----------------------------------------------------------------------------------------


class EntryKind(StrEnum):
    """What can be appended to a run."""

    METADATA = "metadata"
    LOG = "log"
    STREAM = "stream"
    TAG = "tag"
    MEMO = "memo"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing appended to a run: a metadata operation, a log record, a part of a stream, a tag, a memo.

    `data` is JSON data. `position` counts from 1 within a run and kind and is set by the backend.
    """

    kind: EntryKind
    data: Any
    key: str | None = None
    at: datetime | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Some items, and where the next page starts; None when this was the last."""

    items: Sequence[ItemT]
    cursor: int | str | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list; what is None does not restrict."""

    status: frozenset[RunStatus] | None = None
    task: frozenset[str] | None = None
    tag: frozenset[str] | None = None
    batch: frozenset[str] | None = None
    schedule: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """A schedule as a backend keeps it.

    `next_at` is the planned moment of the next tick, None while there is none; `last_fired` that of the
    last tick that was done with. `version` counts changes of the schedule, not its ticks; 0 is a record
    that was not stored yet.
    """

    id: str
    task_id: str
    pattern: str
    timezone: str
    kind: Literal["DECLARATIVE", "IMPERATIVE"]
    created_at: datetime
    active: bool = True
    external_id: str | None = None
    deduplication_key: str | None = None
    next_at: datetime | None = None
    last_fired: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """A queue as it stood when it was read.

    `concurrency_limit` is what applies, for each concurrency key by itself; `declared_limit` is what the code
    says, which does not apply while the limit `is_overridden`. `running` counts the runs that hold a slot,
    `queued` those that wait for their start; runs that wait for something else are in neither. A queue that
    is `paused` starts none.
    """

    name: str
    concurrency_limit: int | None
    running: int
    queued: int
    paused: bool = False
    declared_limit: int | None = None
    is_overridden: bool = False
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker that a backend has seen; `failure` says why it died.

    `version` is that of its manifest; `started_at` is None where the backend does not keep it.
    """

    worker: str
    tasks: frozenset[str]
    last_seen: datetime
    alive: bool = True
    failure: str | None = None
    version: str | None = None
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Where a store's schema stands; `version` 0 is a store that was never used, `pending` names the steps missing."""

    version: int
    latest: int
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """How a serving worker is, as it stood when it was asked.

    `last_claim` is its last successful look for work, also one that found nothing or had no slot free, and
    `last_beat` when it last held its runs for another lease; None when there was none. `unavailable_since`
    is set while the store does not answer. `given_back` counts what it could not finish when it stopped.
    """

    worker: str
    concurrency: int
    running: int
    waiting: int
    last_claim: datetime | None = None
    last_beat: datetime | None = None
    unavailable_since: datetime | None = None
    is_stopping: bool = False
    given_back: int = 0


HealthSource: TypeAlias = Callable[[], WorkerHealth]


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker drives a backend. `lease` and `drain` in seconds.

    A `serve` that can tell how it is gives `announce`, once when it begins, what does so.
    """

    spec: ClaimSpec
    concurrency: int = 10
    lease: float = 30.0
    drain: float = 25.0
    clock: Clock = SYSTEM_CLOCK
    announce: Callable[[HealthSource], None] | None = None


# What a watch can be asked for: something may be claimable, a held run is asked to end, and every change of
# a run, only its end, the runs with a tag, the runs of a batch. Apart from runs: the schedules have changed.
WORK_TOPIC = "work"
CANCEL_TOPIC = "cancel"
SCHEDULES_TOPIC = "schedules"


def run_topic(run_id: str) -> str:
    return "run:" + run_id


def end_topic(run_id: str) -> str:
    return "end:" + run_id


def tag_topic(tag: str) -> str:
    return "tag:" + tag


def batch_topic(batch_id: str) -> str:
    return "batch:" + batch_id
