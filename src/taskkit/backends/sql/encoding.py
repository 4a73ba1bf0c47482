"""Values to what a column holds, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Runs, TokenRef, Until, Wait
from taskkit.model.options import Debounce
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Attempt

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

# ASCII, because SQLite's text cannot hold the half of a surrogate pair, and JSON's escapes can.
to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
from_json: Final = json.loads

_COLUMNS = frozenset(
    {"run_id", "task_id", "payload", "queue", "concurrency_key", "parent_id", "schedule_id"}
)
_SPECIAL = frozenset({"secrets", "tags", "metadata", "delay_until", "queue_time", "debounce"})
_OPTIONS: Final = [
    (field.name, None if field.default is MISSING else field.default)
    for field in fields(TriggerRequest)
    if field.name not in _COLUMNS | _SPECIAL
]


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def moment_or_none(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def micros_or_none(value: datetime | None) -> int | None:
    return None if value is None else micros(value)


def later(now: int, seconds: float) -> int:
    """`now` plus seconds, held at the last moment that can be shown."""
    try:
        return min(now + round(seconds * 1_000_000), _LAST)
    except (OverflowError, ValueError):
        return _LAST


# --- requests ---------------------------------------------------------------------------------------


def options_of(request: TriggerRequest) -> str:
    """What a request says beyond the columns: only what differs from the defaults. Secrets are never stored."""
    options: dict[str, Any] = {}
    for name, default in _OPTIONS:
        value = getattr(request, name)
        if value != default:
            options[name] = value
    if request.tags:
        options["tags"] = request.tags
    if request.metadata is not None:
        options["metadata"] = dict(request.metadata)
    if request.delay_until is not None:
        options["delay_until"] = micros(request.delay_until)
    if request.queue_time is not None:
        options["queue_time"] = micros(request.queue_time)
    if request.debounce is not None:
        options["debounce"] = _debounce(request.debounce)
    return to_json(options) if options else "{}"


def _debounce(debounce: Debounce) -> list[Any]:
    return [debounce.key, debounce.delay_seconds, debounce.mode, debounce.max_delay_seconds]


def request_of(columns: Mapping[str, Any], options: str) -> TriggerRequest:
    """The request again; `columns` are those of its fields that have one."""
    if options == "{}":
        return TriggerRequest(**columns)
    given: dict[str, Any] = from_json(options)
    if "tags" in given:
        given["tags"] = tuple(given["tags"])
    for name in ("delay_until", "queue_time"):
        if name in given:
            given[name] = moment(given[name])
    if "debounce" in given:
        given["debounce"] = Debounce(*given["debounce"])
    return TriggerRequest(**columns, **given)


# --- errors and attempts ----------------------------------------------------------------------------


def error_text(error: ErrorInfo | None) -> str | None:
    return None if error is None else to_json(_error(error))


def _error(error: ErrorInfo) -> list[str | None]:
    return [error.type, error.name, error.message, error.stack, error.code]


def error_of(text: str | None) -> ErrorInfo | None:
    return None if text is None else ErrorInfo(*from_json(text))


def attempts_text(attempts: Sequence[Attempt]) -> str:
    return to_json(
        [
            [
                one.number,
                micros(one.started_at),
                micros_or_none(one.finished_at),
                None if one.error is None else _error(one.error),
            ]
            for one in attempts
        ]
    )


def attempts_of(text: str | None) -> tuple[Attempt, ...]:
    if text is None:
        return ()
    return tuple(
        Attempt(
            number,
            moment(started),
            moment_or_none(finished),
            None if error is None else ErrorInfo(*error),
        )
        for number, started, finished, error in from_json(text)
    )


# --- waits ------------------------------------------------------------------------------------------


def waits_text(waits: Sequence[Wait]) -> str:
    return to_json([[wait.id, wait.kind, *_awaited(wait)] for wait in waits])


def _awaited(wait: Wait) -> list[Any]:
    if isinstance(wait.on, Until):
        return ["until", micros(wait.on.at)]
    if isinstance(wait.on, Runs):
        return ["runs", list(wait.on.ids)]
    return ["token", wait.on.id]


def waits_of(text: str | None) -> list[Wait]:
    if text is None:
        return []
    return [Wait(wait_id, _on(what, on), kind) for wait_id, kind, what, on in from_json(text)]


def _on(what: str, on: Any) -> Runs | Until | TokenRef:
    if what == "until":
        return Until(moment(on))
    return Runs(tuple(on)) if what == "runs" else TokenRef(on)
