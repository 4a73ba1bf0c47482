"""A run as its row holds it."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final

from taskkit.backends.sql.encoding import (
    attempts_of,
    error_of,
    from_json,
    moment,
    moment_or_none,
    options_of,
    request_of,
    to_json,
)
from taskkit.model.exchange import ClaimSpec
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus

COLUMNS: Final = (
    "number", "run_id", "task", "queue", "key", "batch_id", "schedule_id", "parent_id", "created_at",
    "payload", "options", "status", "available_at", "queue_time", "attempt", "delivery", "deaths",
    "started_at", "finished_at", "output", "error", "metadata", "tags", "past", "attempt_started_at",
    "machine", "cancel_reason", "place", "due_at", "lane", "rank", "sort", "payer", "slot", "token", "holder",
    "lease", "outcome", "waits", "moments", "cancel_requested", "orphaned", "ending",
)  # fmt: skip

SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM runs "
INSERT: Final = f"INSERT INTO runs ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"

# Where a row is; the status that users see says less.
LATER: Final = "later"
"""Its time has not come."""
READY: Final = "ready"
"""It stands in a lane: to be started, or to go on with an answer."""
LEASED: Final = "leased"
WAITING: Final = "waiting"
"""It waits, without an answer so far."""
CLEANUP: Final = "cleanup"
"""Only its hooks are still to run."""
OVER: Final = "over"

SUSPENDED: Final = "suspended"
RELEASED: Final = "released"


class Record:
    """One row, decoded only where it is looked at; `Store` writes back what has changed.

    `due_at` is when `advance` has to look at it, and what that means follows from `place`: the end of a
    lease, the end of a delay, of a ttl, of the time in which only the holder may take it, the next timer.
    `lease` is how many seconds the last lease was given for. `outcome` is what the last lease ended with,
    where that was no end of the run; `token` stays, so that the same outcome counts once.
    """

    __slots__ = (*COLUMNS, "_request", "saved")

    number: int
    run_id: str
    task: str
    queue: str
    key: str | None
    batch_id: str | None
    schedule_id: str | None
    parent_id: str | None
    created_at: int
    payload: bytes | None
    options: str
    status: str
    available_at: int
    queue_time: int
    attempt: int
    delivery: int
    deaths: int
    started_at: int | None
    finished_at: int | None
    output: bytes | None
    error: str | None
    metadata: str | None
    tags: str | None
    past: str | None
    attempt_started_at: int | None
    machine: str | None
    cancel_reason: str | None
    place: str
    due_at: int | None
    lane: int | None
    rank: int
    sort: float | None
    payer: str | None
    slot: int | None
    token: str | None
    holder: str | None
    lease: float | None
    outcome: str | None
    waits: str | None
    moments: str | None
    cancel_requested: int
    orphaned: int
    ending: str | None

    def __init__(self, row: tuple[Any, ...]) -> None:
        (
            self.number, self.run_id, self.task, self.queue, self.key, self.batch_id, self.schedule_id,
            self.parent_id, self.created_at, self.payload, self.options, self.status, self.available_at,
            self.queue_time, self.attempt, self.delivery, self.deaths, self.started_at, self.finished_at,
            self.output, self.error, self.metadata, self.tags, self.past, self.attempt_started_at,
            self.machine, self.cancel_reason, self.place, self.due_at, self.lane, self.rank, self.sort,
            self.payer, self.slot, self.token, self.holder, self.lease, self.outcome, self.waits,
            self.moments, self.cancel_requested, self.orphaned, self.ending,
        ) = row  # fmt: skip
        self.saved = row
        self._request: TriggerRequest | None = None

    @property
    def request(self) -> TriggerRequest:
        if self._request is None:
            self._request = request_of(self._columns(), self.options)
        return self._request

    @request.setter
    def request(self, request: TriggerRequest) -> None:
        """Another request for the same run, as a debounce may bring; ids and queue stay."""
        self.options = options_of(request)
        self.payload = request.payload
        self._request = request

    def _columns(self) -> Mapping[str, Any]:
        return {
            "run_id": self.run_id,
            "task_id": self.task,
            "payload": self.payload,
            "queue": self.queue,
            "concurrency_key": self.key,
            "parent_id": self.parent_id,
            "schedule_id": self.schedule_id,
        }

    @property
    def is_final(self) -> bool:
        return self.place == OVER

    @property
    def is_busy(self) -> bool:
        """Somebody has it, or may take it."""
        return self.place in (READY, LEASED, CLEANUP)

    def fits(self, spec: ClaimSpec) -> bool:
        """Whether a worker takes this run."""
        return (
            (spec.tasks is None or self.task in spec.tasks)
            and (spec.queues is None or self.queue in spec.queues)
            and (spec.machines is None or self.machine is None or self.machine in spec.machines)
        )

    def cancel_reason_text(self) -> str | None:
        return None if self.cancel_reason is None else from_json(self.cancel_reason)

    def tag_list(self) -> list[str]:
        return [] if self.tags is None else from_json(self.tags)

    def set_tags(self, tags: list[str]) -> None:
        self.tags = to_json(tags) if tags else None

    def shown(self) -> Run:
        """The run as it stands."""
        return Run(
            self.request,
            RunStatus(self.status),
            moment(self.created_at),
            moment(self.available_at),
            moment(self.queue_time),
            self.batch_id,
            self.attempt,
            self.delivery,
            self.deaths,
            moment_or_none(self.started_at),
            moment_or_none(self.finished_at),
            self.output,
            error_of(self.error),
            {} if self.metadata is None else from_json(self.metadata),
            tuple(self.tag_list()),
            attempts_of(self.past),
            moment_or_none(self.attempt_started_at),
            self.machine,
            self.cancel_reason_text(),
        )


row_of: Final = attrgetter(*COLUMNS)
"""The values of a record as they are now, in the order of COLUMNS."""
