"""Log records of a run: to stdlib `logging`, and to the run itself.

Plain calls, no I/O. Outside of a run they are ordinary log records of the logger `taskkit.task`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from pydantic_core import from_json, to_json

from taskkit import config
from taskkit.model.clock import SYSTEM_CLOCK
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Entry, EntryKind
from taskkit.runtime.scope import current_scope

_log: Final = logging.getLogger("taskkit.task")
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "log": logging.INFO,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_THRESHOLDS: Final = {
    "none": 100,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "debug": logging.DEBUG,
}


def debug(message: str, properties: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """A detail; kept only when `log_level` is "debug"."""
    _record("debug", message, properties, more)


def log(message: str, properties: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """The same as `info`."""
    _record("log", message, properties, more)


def info(message: str, properties: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """What happens: `logger.info("fetched", rows=120)`."""
    _record("info", message, properties, more)


def warn(message: str, properties: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Something to look at."""
    _record("warn", message, properties, more)


def error(message: str, properties: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Something went wrong."""
    _record("error", message, properties, more)


def mask(secret: str) -> None:
    """Keep this text out of everything that the run leaves behind: logs, metadata, streams, tags, errors, spans.

    Secrets of the payload are masked without being told. Outside of a run this does nothing.
    """
    scope = current_scope.get()
    if scope is not None:
        scope.mask(secret)


@contextmanager
def trace(
    name: str, properties: Mapping[str, Any] | None = None, /, **more: Any
) -> Generator[None]:
    """A span round a block, for OpenTelemetry and as a record with its duration in milliseconds."""
    from opentelemetry import trace as tracing  # imported when a span is first made: it costs 40 ms

    from taskkit.runtime.tracing import record_error

    scope = current_scope.get()
    clock = SYSTEM_CLOCK if scope is None else scope.home.clock
    started = clock.monotonic()
    outcome = "ok"
    tracer = tracing.get_tracer("taskkit")
    with tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as raised:
            outcome = type(raised).__name__
            info = ErrorInfo.of(raised)
            info = info if scope is None else scope.without_secrets(info)
            record_error(span, info)
            raise
        finally:
            took = round((clock.monotonic() - started) * 1000, 3)
            _record("info", name, properties, {**more, "duration_ms": took, "outcome": outcome})


def _record(
    level: str, message: str, properties: Mapping[str, Any] | None, more: Mapping[str, Any]
) -> None:
    number = _LEVELS[level]
    if number < _THRESHOLDS.get(config.current().log_level, logging.INFO):
        return
    data = {**_named(properties), **more}
    scope = current_scope.get()
    if _log.isEnabledFor(number):
        fields = {"properties": data, "run_id": None if scope is None else scope.run_id}
        _log.log(number, "%s", message, extra={"taskkit": fields}, stacklevel=3)
    if scope is not None and not scope.ended:
        record = {
            "level": level,
            "message": str(message),
            "properties": _plain(data),
            "attempt": scope.lease.attempt,
        }
        scope.buffers.add(Entry(EntryKind.LOG, record, at=scope.home.clock.now()))


def _named(properties: object) -> Mapping[str, Any]:
    """Properties by name; what is no mapping is shown all the same, where an error would fail the task."""
    if isinstance(properties, Mapping):
        return cast("Mapping[str, Any]", properties)
    return {} if properties is None else {"properties": properties}


def _plain(data: Mapping[str, Any]) -> Any:
    """Properties as JSON data; a record is never the reason that a task fails."""
    errors = {
        name: _described(value) for name, value in data.items() if isinstance(value, BaseException)
    }
    try:
        return from_json(
            to_json({**data, **errors}, fallback=repr, bytes_mode="base64", inf_nan_mode="strings")
        )
    except Exception:  # whatever a value raises when it is looked at: the record is kept
        return {str(name): _shown(value) for name, value in data.items()}


def _described(error: BaseException) -> dict[str, Any]:
    info = ErrorInfo.of(error)
    return {"name": info.name, "message": info.message, "stack": info.stack}


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # somebody's own
        return f"<{type(value).__name__}>"
