"""taskkit's values as the workflow keeps them, and back."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from taskkit.backends.temporal.record import Reply, State, micros
from taskkit.model import metadata_operations
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    Canceled,
    Completed,
    Failed,
    Outcome,
    RetryAt,
    Runs,
    TokenRef,
    Until,
    Wait,
)
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Attempt, Run, RunStatus
from taskkit.model.verdict import crashed, expired

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONG: Final = 10_000
_TIMES: Final = ("delay_until", "queue_time")
_MOST_TAGS: Final = 10
_APART: Final = frozenset({"payload", "secrets", "debounce", *_TIMES})
_PLAIN: Final = [
    (field.name, None if field.default is MISSING else field.default)
    for field in fields(TriggerRequest)
    if field.name not in _APART
]


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def moment_or_none(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


def micros_or_none(value: datetime | None) -> int | None:
    return None if value is None else micros(value)


# --- requests ---------------------------------------------------------------------------------------


def request_text(request: TriggerRequest, batch_id: str | None) -> str:
    """Everything of a request but its payload, as JSON: only what differs from the defaults."""
    told: dict[str, Any] = {
        name: value for name, default in _PLAIN if (value := getattr(request, name)) != default
    }
    for name in _TIMES:
        if (at := getattr(request, name)) is not None:
            told[name] = micros(at)
    if batch_id is not None:
        told["batch_id"] = batch_id
    return json.dumps(told, separators=(",", ":"))


def payload_memo(payload: bytes) -> bytes:
    """A payload as the memo holds it: the server drops a value that is `null`."""
    return b"=" + payload


def request_of(text: str, payload: bytes | None) -> tuple[TriggerRequest, str | None]:
    """The request again, and the id of its batch; `payload` as the memo holds it."""
    payload = None if payload is None else payload[1:]
    told: dict[str, Any] = json.loads(text)
    batch_id = told.pop("batch_id", None)
    if "tags" in told:
        told["tags"] = tuple(told["tags"])
    for name in _TIMES:
        if name in told:
            told[name] = moment(told[name])
    return TriggerRequest(payload=payload, **told), batch_id


# --- runs -------------------------------------------------------------------------------------------


def run_of(text: str, payload: bytes | None, state: State) -> Run:
    """The run as this state has it."""
    request, batch_id = request_of(text, payload)
    run = Run(
        request,
        RunStatus(state.status),
        moment(state.created_at),
        moment(state.available_at),
        moment(state.queue_time),
        batch_id,
        state.attempt if state.started_at is not None else 0,
        state.delivery,
        state.deaths,
        moment_or_none(state.started_at),
        moment_or_none(state.finished_at),
        None if state.output is None else data_of(state.output),
        error_of(state.error),
        metadata_of(state, request.metadata),
        tags_of(state, request.tags),
        tuple(_attempt_of(*one) for one in state.past_attempts),
        moment_or_none(state.attempt_started_at),
        state.machine,
        state.cancel_reason,
    )
    if run.error is None and run.status is RunStatus.CRASHED:
        run.error = crashed(run)
    elif run.error is None and run.status is RunStatus.EXPIRED:
        run.error = expired(run)
    return run


def metadata_of(state: State, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The metadata with everything that was said; `given` is that of the request."""
    metadata: dict[str, Any] = dict(given or {})
    if state.metadata is not None:
        metadata = json.loads(state.metadata)
    for _, operations in state.said:
        for operation in operations:
            metadata_operations.apply(metadata, operation)
    return metadata


def tags_of(state: State, given: Sequence[str]) -> tuple[str, ...]:
    """The tags of the request, and those that were added, as far as there was room."""
    return tuple(dict.fromkeys((*given, *state.tags)))[:_MOST_TAGS]


def _attempt_of(number: int, started: int, finished: int, error: Sequence[Any] | None) -> Attempt:
    return Attempt(number, moment(started), moment(finished), error_of(error))


def data_text(data: bytes) -> str:
    """JSON as a text in JSON; where that is long in base64, which no quotes and accents make longer."""
    if len(data) > _LONG:
        return "=" + b64encode(data).decode()
    return data.decode("utf-8", "surrogateescape")


def data_of(text: str) -> bytes:
    if text.startswith("="):
        return b64decode(text[1:])
    return text.encode("utf-8", "surrogateescape")


def error_list(error: ErrorInfo) -> list[str | None]:
    return [error.type, error.name, error.message, error.stack, error.code]


def error_of(told: Sequence[Any] | None) -> ErrorInfo | None:
    return None if told is None else ErrorInfo(*told)


# --- outcomes and waits -----------------------------------------------------------------------------


def reply_of(outcome: Outcome) -> Reply:
    """The outcome of a delivery as the workflow is told it."""
    if isinstance(outcome, Completed):
        output = None if outcome.output is None else data_text(outcome.output)
        return Reply("completed", output=output)
    if isinstance(outcome, Failed):
        return Reply("failed", error=error_list(outcome.error), status=outcome.status.value)
    if isinstance(outcome, Canceled):
        return Reply("canceled", reason=outcome.reason)
    if isinstance(outcome, RetryAt):
        error = error_list(outcome.error)
        return Reply("retry", error=error, at=micros(outcome.at), machine=outcome.machine)
    return Reply("released")


def wait_list(wait: Wait) -> list[Any]:
    on = wait.on
    if isinstance(on, Until):
        return [wait.id, wait.kind, "until", micros(on.at)]
    if isinstance(on, Runs):
        return [wait.id, wait.kind, "runs", list(on.ids)]
    return [wait.id, wait.kind, "token", on.id]


def wait_of(told: Sequence[Any]) -> Wait:
    wait_id, kind, what, on = told
    if what == "until":
        return Wait(wait_id, Until(moment(on)), kind)
    return Wait(wait_id, Runs(tuple(on)) if what == "runs" else TokenRef(on), kind)
