"""What a test's code has triggered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar, Unpack, cast

from taskkit.backends.base import SupportsQuery
from taskkit.definition.policy import policy_of
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import UNSET
from taskkit.errors import (
    BackendNotConfiguredError,
    InvalidOptionError,
    TaskkitError,
    UnsupportedByBackendError,
    shown,
)
from taskkit.model.duration import delay_until, seconds, ttl_seconds
from taskkit.model.exchange import RunFilter
from taskkit.model.idempotency import as_key
from taskkit.model.machine import preset_name
from taskkit.model.options import TriggerOptions
from taskkit.model.run import Run
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.runtime.portal import block_on
from taskkit.trigger.calls import target
from taskkit.trigger.submit import max_duration, metadata_of, tags_of
from taskkit.trigger.task import Task

T = TypeVar("T")
_PAGE = 1000
_SHOWN_RUNS = 5
_CLOSE = 1.0
"""Seconds by which a delay may differ: the clock is read when it is triggered, and when it is stored."""


def assert_triggered(
    task: Task[Any, Any, Any] | str,
    payload: Any = UNSET,
    *,
    times: int | None = None,
    **options: Unpack[TriggerOptions],
) -> list[Run]:
    """The runs of a task that were triggered with this payload and these options, oldest first.

    AssertionError when there is none, or not `times` of them; it shows what was triggered instead. `times=0`
    asserts that none was.

        await sign_up("ada@example.org")
        assert_triggered(send_mail, {"to": "ada@example.org"}, delay="1h")

    Payloads are compared as the task would see them, so a model and its fields as a dict are the same; parts of
    the dict that was triggered may also be matchers, such as `unittest.mock.ANY`. Without one any will do. Of the
    options those that are given are compared; tags in any order, `delay` from the moment of the trigger.
    Looks at the current backend, whatever has become of the runs. A plain call, also in async tests when the
    backend is in memory; with another one call it from plain code.
    """
    task_id = _id_of(task)
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        _need_option(name, value)
    runs = _triggered_runs()
    found: list[Run] = []
    others: list[tuple[Run, list[str]]] = []
    for run in runs:
        if run.task_id == task_id:
            differences = _differences(run, payload, given)
            if differences:
                others.append((run, differences))
            else:
                found.append(run)
    if len(found) == times or (times is None and found):
        return found
    raise AssertionError(_message(task_id, payload, given, times, found, others, runs))


def _id_of(task: Task[Any, Any, Any] | str) -> str:
    found = target(task)
    return found if isinstance(found, str) else found.id


# --- reading ----------------------------------------------------------------------------------------


def _triggered_runs() -> list[Run]:
    """Every run of the current backend, oldest first."""
    try:
        home = current_home()
    except BackendNotConfiguredError as error:
        raise BackendNotConfiguredError(
            "assert_triggered looks at the runs of the current backend, and there is none. Call it inside the "
            "block that the code under test ran in: async with taskkit.local(): ..., or "
            'with taskkit.use_backend("memory://"): ...'
        ) from error
    if not home.supports(SupportsQuery):
        raise UnsupportedByBackendError("assert_triggered, which lists runs,", backend=home.name)
    query = cast("SupportsQuery", home.backend)
    if not home.is_shared:
        return _at_once(_all_of(query), home)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return block_on(lambda: home.call(_all_of, query))
    raise _cannot_wait(home)


async def _all_of(query: SupportsQuery) -> list[Run]:
    runs: list[Run] = []
    cursor: int | str | None = None
    while True:
        page = await query.list(RunFilter(), cursor=cursor, limit=_PAGE)
        runs += page.items
        cursor = page.cursor
        if cursor is None:
            return runs[::-1]


def _at_once(work: Coroutine[Any, Any, T], home: Home) -> T:
    """What a coroutine gives that waits for nothing, as those of a backend in memory do."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    work.close()
    raise _cannot_wait(home)


def _cannot_wait(home: Home) -> UnsupportedByBackendError:
    what = "assert_triggered inside a running event loop, where it could not wait for the answer,"
    return UnsupportedByBackendError(what, backend=home.name)


# --- comparing --------------------------------------------------------------------------------------


def _differences(run: Run, payload: Any, given: Mapping[str, Any]) -> list[str]:
    """What of the run is not as asked for, in words."""
    differences: list[str] = []
    if payload is not UNSET and not _has_payload(run, payload):
        differences.append(f"payload is {shown(run.payload)}")
    for name, value in given.items():
        real, is_same = _READ[name](run, value)
        if not is_same:
            differences.append(f"{name} is {shown(real)}")
    return differences


def _has_payload(run: Run, payload: Any) -> bool:
    if payload == run.payload:
        return True
    definition = REGISTRY.get(run.task_id)
    if definition is None or not definition.has_payload:
        return False
    codec, request = policy_of(definition).payload, run.request
    try:
        data, secrets = codec.encode(payload)
        stored, stored_secrets = request.opened()
        if (data, secrets or {}) == (stored, stored_secrets or {}):
            return True
        wanted = codec.decode(data, secrets)
        return bool(codec.decode(stored, stored_secrets) == wanted)
    except TaskkitError:  # part of a payload, or one with matchers in it: compared as it is, above
        return False


_Comparison = Callable[[Run, Any], tuple[object, bool]]


def _same(real: object, wanted: object) -> tuple[object, bool]:
    return real, real == wanted


def _delay(run: Run, wanted: Any) -> tuple[object, bool]:
    at = run.request.delay_until or run.created_at
    expected = delay_until(wanted, now=run.created_at)
    delay = (at - run.created_at).total_seconds()
    return f"{delay:g} s", abs((at - expected).total_seconds()) <= _CLOSE


def _key(run: Run, wanted: Any) -> tuple[object, bool]:
    real = run.request.idempotency_key
    return real, real in (as_key(wanted, None), as_key(wanted, run.parent_id))


def _tags(run: Run, wanted: Any) -> tuple[object, bool]:
    return run.request.tags, set(run.request.tags) == set(tags_of(wanted))


def _seconds(field: str) -> _Comparison:
    return lambda run, wanted: _same(getattr(run.request, field), seconds(wanted, what=field))


def _as_given(field: str) -> _Comparison:
    return lambda run, wanted: _same(getattr(run.request, field), wanted)


_READ: Final[Mapping[str, _Comparison]] = {
    "idempotency_key": _key,
    "idempotency_key_ttl": _seconds("idempotency_key_ttl"),
    "delay": _delay,
    "ttl": lambda run, wanted: _same(run.request.ttl, ttl_seconds(wanted)),
    "queue": _as_given("queue"),
    "concurrency_key": _as_given("concurrency_key"),
    "priority": _as_given("priority"),
    "max_attempts": _as_given("max_attempts"),
    "max_duration": lambda run, wanted: _same(run.request.max_duration, max_duration(wanted)),
    "tags": _tags,
    "metadata": lambda run, wanted: _same(dict(run.request.metadata or {}), metadata_of(wanted)),
    "machine": lambda run, wanted: _same(run.request.machine, preset_name(wanted)),
    "debounce": _as_given("debounce"),
}


def _need_option(name: str, value: object) -> None:
    if name not in _READ:
        known = ", ".join(_READ)
        raise InvalidOptionError(name, value, f"a trigger has no such option. It has: {known}.")


# --- telling ----------------------------------------------------------------------------------------


def _message(
    task_id: str,
    payload: Any,
    given: Mapping[str, Any],
    times: int | None,
    found: list[Run],
    others: list[tuple[Run, list[str]]],
    runs: list[Run],
) -> str:
    asked = {} if payload is UNSET else {"payload": payload}
    what = ", ".join(f"{name}={shown(value)}" for name, value in {**asked, **given}.items())
    wanted = "at least once" if times is None else _times(times)
    came = (
        f"Task {task_id!r} was {f'triggered {_times(len(found))}' if found else 'never triggered'}"
    )
    lines = [f"{came}{' with ' if what else ''}{what}, and {wanted} was expected."]
    lines += [f"  {run.id}: {shown(run.payload)}" for run in found[:_SHOWN_RUNS]]
    if others:
        lines.append("Triggered otherwise, the nearest first:")
        others.sort(key=lambda other: len(other[1]))
        lines += [f"  {run.id}: {'; '.join(words)}" for run, words in others[:_SHOWN_RUNS]]
        if len(others) > _SHOWN_RUNS:
            lines.append(f"  and {len(others) - _SHOWN_RUNS} more")
    counts: dict[str, int] = {}
    for run in runs:
        if run.task_id != task_id:
            counts[run.task_id] = counts.get(run.task_id, 0) + 1
    elsewhere = ", ".join(f"{name!r} {_times(count)}" for name, count in counts.items())
    lines.append(f"Other tasks: {elsewhere or 'none'}.")
    return "\n".join(lines)


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")
