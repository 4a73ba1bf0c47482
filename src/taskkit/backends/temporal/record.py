"""What the workflow of a run keeps, and what passes between it and the workers. Plain values; times in microseconds.

Imports the standard library only: Temporal's sandbox loads it with the workflow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

DeliveryKind = Literal["start", "resume", "cleanup"]
NOT_ENTERED = frozenset({"unentered", "unknown", "expired", "limited"})
"""Why a body was not entered: somebody else may, its task is not known, its time is over, its queue has a limit."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MICRO = timedelta(microseconds=1)
SAID_LIMIT = 300_000
"""Bytes of what was `said`: the server would end a workflow that keeps too much."""
_FLUSHES_KEPT = 200
_STACKS_LIMIT = 60_000


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _ONE_MICRO


@dataclass
class State:
    """What has become of a run. `status` is that of a run that nobody holds: what runs is told by its delivery.

    `round` counts what was asked of workers, `waits` are [id, kind, "until" | "runs" | "token", what], `ended` the
    runs and tokens known to be over, `holder` the task queue of the worker that has the parked coroutine. `said` are
    metadata operations from elsewhere, [flush id, operations], that are not in `metadata` yet: only taskkit knows what
    they mean, so a worker puts them in with the next delivery, and readers until then. `tags` are those added. `asks`
    counts how often it asked for a slot of its queue's limit.
    """

    status: str
    created_at: int
    available_at: int
    queue_time: int
    attempt: int = 0
    delivery: int = 0
    deaths: int = 0
    round: int = 0
    started_at: int | None = None
    finished_at: int | None = None
    attempt_started_at: int | None = None
    past_attempts: list[list[Any]] = field(default_factory=list[list[Any]])
    output: str | None = None
    error: list[str | None] | None = None
    metadata: str | None = None
    machine: str | None = None
    cancel_requested: bool = False
    cancel_reason: str | None = None
    ending: str | None = None
    orphaned: bool = False
    holder: str | None = None
    waits: list[list[Any]] = field(default_factory=list[list[Any]])
    moments: dict[str, int] = field(default_factory=dict[str, int])
    children: list[str] = field(default_factory=list[str])
    ended: list[str] = field(default_factory=list[str])
    waiters: list[str] = field(default_factory=list[str])
    said: list[list[Any]] = field(default_factory=list[list[Any]])
    flushes: list[str] = field(default_factory=list[str])
    tags: list[str] = field(default_factory=list[str])
    is_limited: bool = False
    asks: int = 0


def first_state(
    now: int, *, delay_until: int | None, queue_time: int | None, machine: str | None
) -> State:
    """How a run begins that is made now."""
    at = max(now, delay_until or now)
    return State("DELAYED" if at > now else "QUEUED", now, at, queue_time or at, machine=machine)


def on_machine(task_queue: str, machine: str | None) -> str:
    """The task queue for runs that ask for this machine; the name of a queue has no `@`."""
    return task_queue if machine is None else f"{task_queue}@{machine}"


def count(state: State, told: Beat | Reply | None) -> None:
    """Add a delivery that has begun: when that was, and what it has told of the metadata."""
    state.attempt = state.attempt or 1
    state.delivery += 1
    if told is None:
        return
    state.started_at = state.started_at or told.started_at
    state.attempt_started_at = state.attempt_started_at or told.started_at
    if told.metadata is not None:
        state.metadata = told.metadata
        del state.said[: told.folded]


def answered(state: State, now: int) -> list[list[Any]]:
    """Of the waits, those that are over."""
    ended = set(state.ended)
    return [wait for wait in state.waits if _is_over(state, wait, ended, now)]


def _is_over(state: State, wait: list[Any], ended: set[str], now: int) -> bool:
    wait_id, what = wait[0], wait[2]
    if wait_id in state.moments and state.moments[wait_id] <= now:
        return True
    return what != "until" and ended.issuperset(awaited(wait))


def forget(state: State, answers: list[list[Any]]) -> None:
    """Drop the ends that a delivery was told of: a run that waits often does not keep them all.

    Who waits for one of them again asks it again.
    """
    told = {one for wait in answers for one in awaited(wait)}
    told.difference_update(one for wait in state.waits for one in awaited(wait))
    state.ended = [one for one in state.ended if one not in told]


def awaited(wait: list[Any]) -> list[str]:
    """The runs, or the token, that it is for."""
    _, _, what, on = wait
    return [] if what == "until" else [on] if what == "token" else on


def try_again(state: State, reply: Reply, now: int) -> None:
    """Let the next attempt come, when and where the reply says."""
    if state.attempt_started_at is not None:
        past = [state.attempt, state.attempt_started_at, now, reply.error]
        state.past_attempts.append(past)
        shorten(state.past_attempts)
    state.attempt_started_at, state.holder = None, None
    state.moments, state.ended = {}, []
    state.attempt += 1
    state.machine = reply.machine or state.machine
    state.status = "QUEUED"
    state.available_at = state.queue_time = max(reply.at or now, now)


def hear(state: State, flush_id: str, operations: list[Any]) -> bool:
    """Keep what was said; False where it is known, or there is no room. `flushes` then tells which."""
    if flush_id in state.flushes or said_size(state, operations) > SAID_LIMIT:
        return False
    state.flushes = [*state.flushes[1 - _FLUSHES_KEPT :], flush_id]
    state.said.append([flush_id, operations])
    return True


def said_size(state: State, operations: Sequence[Any]) -> int:
    """Bytes of what was `said`, with these."""
    return len(json.dumps([*state.said, operations]))


def shorten(past_attempts: list[list[Any]]) -> None:
    """Forget the stacks of the oldest attempts where all together are long."""
    left = _STACKS_LIMIT
    for past in reversed(past_attempts):
        error = past[3]
        if error is None or error[3] is None:
            continue
        left -= len(json.dumps(error[3]))
        if left < 0:
            past[3] = [*error[:3], None, *error[4:]]


@dataclass
class Plan:
    """What the workflow has to know of a request.

    `waiter` is the parent that waits, `lease` in seconds, `key` that of concurrency. `is_limited`: the queue had a
    limit when the run was made; otherwise a worker says so.
    """

    queue: str
    max_attempts: int
    lease: float
    delay_until: int | None = None
    queue_time: int | None = None
    ttl: float | None = None
    machine: str | None = None
    waiter: str | None = None
    state: State | None = None
    payload: str | None = None
    key: str | None = None
    is_limited: bool = False


@dataclass
class Order:
    """A delivery, as a worker gets it: `kind` is that of its lease, `answered` are waits, `state` does not count it.

    `slot` says where its slot is to be given back, and under which number. `is_free`: it asked for one, and nobody was
    there to ask.
    """

    kind: DeliveryKind
    state: State
    answered: list[list[Any]] = field(default_factory=list[list[Any]])
    expires_at: int | None = None
    slot: list[Any] | None = None
    is_free: bool = False


@dataclass
class Reply:
    """How a delivery ended.

    `outcome` is the name of one of taskkit's outcomes, or "suspended", or one of NOT_ENTERED. `strangers` are runs that
    are waited for and were made by somebody else, and tokens: they have to be told who waits. `deadlines` are those of
    waits for tokens. `folded` of what was `said` is in its `metadata`.
    """

    outcome: str
    started_at: int | None = None
    output: str | None = None
    error: list[str | None] | None = None
    status: str | None = None
    at: int | None = None
    machine: str | None = None
    reason: str | None = None
    metadata: str | None = None
    folded: int = 0
    holder: str | None = None
    waits: list[list[Any]] = field(default_factory=list[list[Any]])
    children: list[str] = field(default_factory=list[str])
    strangers: list[str] = field(default_factory=list[str])
    deadlines: dict[str, int] = field(default_factory=dict[str, int])
    freed: bool = False


@dataclass
class Beat:
    """What a heartbeat tells of a delivery that has begun."""

    started_at: int
    metadata: str | None = None
    folded: int = 0
