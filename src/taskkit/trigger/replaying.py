"""Runs that are asked for again, and many runs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, cast

from taskkit.backends.base import Capability, SupportsEdit
from taskkit.definition.task_definition import UNSET
from taskkit.errors import RunNotFoundError, UnsupportedByBackendError
from taskkit.model.duration import delay_until
from taskkit.model.exchange import RunFilter
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FINAL, Run, RunStatus
from taskkit.runtime.home import Home
from taskkit.runtime.scope import current_scope
from taskkit.trigger.handle import RunHandle, handles, presented, retrieve
from taskkit.trigger.run_list import all_of
from taskkit.trigger.submit import digest_of, draft, find, seal, send, trace_parent

_AT_ONCE = 100


async def replay(home: Home, run_id: str, payload: object) -> RunHandle[Any]:
    """Ask for the same again, or for the same with another payload. Runs on the backend's loop."""
    run = await retrieve(home, run_id)
    (handle,) = await _send(home, [_again(run, payload, home)])
    return handle


async def replay_all(home: Home, where: RunFilter, limit: int | None) -> list[RunHandle[Any]]:
    """Ask for the same again for each of these runs, oldest first. Runs on the backend's loop."""
    runs = await all_of(home, where, limit)
    # All are built before one is stored: a task that is unknown here is found out before anything was done.
    return await _send(home, [_again(run, UNSET, home) for run in reversed(runs)])


async def _send(home: Home, requests: Sequence[TriggerRequest]) -> list[RunHandle[Any]]:
    made: list[RunHandle[Any]] = []
    for start in range(0, len(requests), _AT_ONCE):
        some = requests[start : start + _AT_ONCE]
        answers = await send(home, some, None)
        made += handles(home, [request.task_id for request in some], answers)
    return made


def _again(run: Run, payload: object, home: Home) -> TriggerRequest:
    """The request of a run, as a new one: what its first start depended on is left out."""
    before = run.request
    definition = find(before.task_id, home)
    given = before  # what is sealed in it stays so: it opens in any run of its task
    digest = before.payload or b""
    if payload is not UNSET:
        given = draft(definition or before.task_id, payload, {}, home)
        digest = digest_of(given)
        seal(given, home)
    return replace(
        before,
        run_id=_new_id(before.run_id, digest),
        payload=given.payload,
        secrets=given.secrets,
        delay_until=None,
        idempotency_key=None,
        idempotency_key_ttl=None,
        debounce=None,
        parent_id=None,
        root_id=None,
        awaited=False,
        queue_time=None,
        schedule_id=None,
        is_replay=True,
        version=None,
        trace_parent=trace_parent(current_scope.get()),
    )


def _new_id(run_id: str, payload: bytes) -> str:
    """Inside a task one that a second entry of the attempt meets again, as for every run that is asked for."""
    scope = current_scope.get()
    if scope is None:
        return new_run_id()
    digest = blake2b(payload, digest_size=16).digest()
    return scope.derived_id("run", "replay", run_id, digest)


# --- the same for many, or at another time ----------------------------------------------------------


async def cancel_all(
    home: Home, where: RunFilter, limit: int | None, reason: str | None
) -> list[Run]:
    """Ask for the end of those of these runs that are not over, newest first. Runs on the backend's loop."""
    unfinished = frozenset(RunStatus) - FINAL
    status = unfinished if where.status is None else where.status & unfinished
    found = await all_of(home, replace(where, status=status), limit)
    canceled: list[Run] = []
    for start in range(0, len(found), _AT_ONCE):
        ids = [run.id for run in found[start : start + _AT_ONCE]]
        canceled += await _cancel(home, ids, reason)
    return [presented(run) for run in canceled]


async def _cancel(home: Home, ids: Sequence[str], reason: str | None) -> Sequence[Run]:
    try:
        return await home.backend.cancel(ids, reason=reason, now=home.now)
    except RunNotFoundError:
        if len(ids) == 1:
            return ()  # it has ended and was forgotten since it was looked for
    return [run for run_id in ids for run in await _cancel(home, [run_id], reason)]


async def reschedule(home: Home, run_id: str, delay: Any) -> Run:
    """Move the start of a run that is DELAYED. Runs on the backend's loop."""
    what = "Moving the start of a run"
    home.need(Capability.DELAY, what)
    if not home.supports(SupportsEdit):
        raise UnsupportedByBackendError(what, backend=home.name, capability=Capability.DELAY.name)
    store = cast("SupportsEdit", home.backend)
    at = delay_until(delay, now=home.time())
    return presented(await store.reschedule(run_id, at, now=home.now))
