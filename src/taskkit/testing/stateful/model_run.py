"""A run as the reference model keeps it, and what of it every backend must show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, cast

from taskkit.model.exchange import LeaseKind, Outcome, Suspended, Wait
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Attempt, Run, RunStatus


class Place(Enum):
    """Where a run is; the status that users see says less."""

    LATER = "its delay, or the one before its next attempt, is not over"
    QUEUED = "any worker may start it"
    HELD = "a worker has it"
    PARKED = "it waits"
    ANSWERED = "it waits, and has an answer to be claimed with"
    OWED = "only its hooks are still to run"
    OVER = "it has ended"


class _Matching:
    """Equal to whatever fits; stands where the contract leaves a value open."""

    def __init__(self, words: str, fits: Callable[[Any], bool]) -> None:
        self._words = words
        self._fits = fits

    def __eq__(self, other: object) -> bool:
        return self._fits(other)

    __hash__ = None  # type: ignore[assignment]  # equal to many things that are not equal

    def __repr__(self) -> str:
        return self._words


ANYTHING: Final[Any] = _Matching("<anything>", lambda _: True)
SOMETHING: Final[Any] = _Matching("<something>", lambda value: value is not None)
UNFINISHED: Final[Any] = _Matching("<a status that is not final>", lambda one: not one.is_final)


def _table() -> dict[str, Any]:
    return {}


@dataclass(eq=False, slots=True)
class ModelRun:
    """Everything there is to know about a run, one plain field each."""

    number: int
    request: TriggerRequest
    created_at: datetime
    available_at: datetime
    batch_id: str | None
    place: Place
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    machine: str | None
    # how it ended
    status: RunStatus | None = None
    finished_at: datetime | None = None
    output: bytes | None = None
    error: Any = None
    # what has happened
    queued_at: datetime | None = None
    was_delayed: bool = False
    attempt: int = 1
    delivery: int = 0
    deaths: int = 0
    started_at: datetime | None = None
    attempt_started_at: datetime | None = None
    past: tuple[Attempt, ...] = ()
    flushes: dict[str, None] = field(default_factory=_table)
    logs: list[object] = field(default_factory=cast("Callable[[], list[object]]", list))
    # who has it
    token: str | None = None
    may_write: bool = False
    holder: str | None = None
    kind: LeaseKind = "start"
    lease_ends: datetime | None = None
    has_slot: bool = False
    outcome: Outcome | Suspended | None = None
    # what it waits for
    is_parked: bool = False
    waits: dict[str, Wait] = field(default_factory=_table)
    moments: dict[str, datetime] = field(default_factory=_table)
    turned_at: datetime | None = None
    # how it is to end
    cancel_requested: bool = False
    cancel_reason: str | None = None
    endings: tuple[RunStatus, ...] = ()
    owes_clean_up: bool = False
    cleanup_deaths: int = 0

    @property
    def id(self) -> str:
        return self.request.run_id

    @property
    def order(self) -> float:
        """Its place in the queue before it was first delivered."""
        moment = self.request.queue_time or self.available_at
        return moment.timestamp() - self.request.priority

    def attempts(self) -> tuple[Attempt, ...]:
        if self.attempt_started_at is None:
            return self.past
        present = Attempt(self.attempt, self.attempt_started_at, self.finished_at, self.error)
        return (*self.past, present)

    def shown_status(self) -> Any:
        if self.place is Place.LATER and self.delivery == 0:
            return RunStatus.DELAYED
        return self.status or _STATUS[self.place]


_STATUS: Final[Mapping[Place, Any]] = {
    Place.LATER: RunStatus.QUEUED,
    Place.QUEUED: RunStatus.QUEUED,
    Place.HELD: RunStatus.EXECUTING,
    Place.PARKED: RunStatus.WAITING,
    Place.ANSWERED: RunStatus.WAITING,
    Place.OWED: UNFINISHED,
}

SHOWN: Final = (
    "id", "status", "attempt", "delivery", "deaths", "output_json", "error", "cancel_reason", "tags",
    "metadata", "machine", "batch_id", "created_at", "available_at", "started_at", "finished_at", "attempts",
)  # fmt: skip
"""What is compared of each run."""


def expected_of(run: ModelRun) -> tuple[Any, ...]:
    """What a backend must show of a run, in the order of SHOWN; values that the contract leaves open match any."""
    is_new = run.delivery == 0
    return (
        run.id,
        run.shown_status(),
        ANYTHING if is_new else run.attempt,
        run.delivery if run.place is Place.HELD else ANYTHING,
        run.deaths,
        run.output,
        run.error,
        run.cancel_reason,
        run.tags,
        run.metadata,
        run.machine,
        run.batch_id,
        run.created_at,
        run.available_at if is_new or run.place is Place.LATER else ANYTHING,
        run.started_at,
        run.finished_at,
        run.attempts(),
    )


def shown_of(run: Run) -> tuple[Any, ...]:
    """What a backend shows of a run, in the order of SHOWN."""
    return (
        run.id,
        run.status,
        run.attempt,
        run.delivery,
        run.deaths,
        run.output_json,
        run.error,
        run.cancel_reason,
        run.tags,
        run.metadata,
        run.machine,
        run.batch_id,
        run.created_at,
        run.available_at,
        run.started_at,
        run.finished_at,
        run.attempts,
    )
