"""A run, its logs and its end, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from taskkit.cli.screen import LEVELS, STYLES, clean, duration, small
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Entry
from taskkit.model.run import Run, RunStatus

if TYPE_CHECKING:
    from rich.text import Text

_FLAGS = (
    "is_queued", "is_executing", "is_waiting", "is_completed", "is_success", "is_failed", "is_canceled",
)  # fmt: skip
_SMALL = 60


def run_data(run: Run) -> dict[str, Any]:
    """A run with the names that `Run` has, as JSON data; secrets are masked."""
    return {
        "id": run.id,
        "task_id": run.task_id,
        "status": str(run.status),
        "payload": run.payload,
        "output": output_data(run),
        "error": _error(run.error),
        "metadata": run.metadata,
        "tags": list(run.tags),
        "attempts": [
            {
                "number": attempt.number,
                "started_at": attempt.started_at,
                "finished_at": attempt.finished_at,
                "error": _error(attempt.error),
            }
            for attempt in run.attempts
        ],
        "created_at": run.created_at,
        "available_at": run.available_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "parent_id": run.parent_id,
        "root_id": run.root_id,
        "batch_id": run.batch_id,
        "schedule_id": run.schedule_id,
        "queue": run.queue,
        "machine": run.machine,
        "cancel_reason": run.cancel_reason,
        **{flag: getattr(run, flag) for flag in _FLAGS},
    }


def output_data(run: Run) -> Any:
    """What the run returned, as JSON data."""
    return None if run.output_json is None else from_json(run.output_json)


def _error(error: ErrorInfo | None) -> dict[str, Any] | None:
    return None if error is None else asdict(error)


def log_data(entry: Entry) -> dict[str, Any]:
    """A log record as JSON data."""
    return {"position": entry.position, "at": entry.at, **entry.data}


def log_line(entry: Entry) -> Text:
    """A log record as one line: time, level, message, properties."""
    from rich.text import Text

    record: Mapping[str, Any] = entry.data
    level = str(record.get("level", ""))
    line = Text(time_of(entry.at), style="dim")
    line.append(f"  {level:<5} ", style=LEVELS.get(level, ""))
    line.append(clean(str(record.get("message", ""))), style=LEVELS.get(level, ""))
    properties: Mapping[str, Any] = record.get("properties") or {}
    for name, value in properties.items():
        line.append(f"  {clean(str(name))}=", style="dim")
        line.append(small(value))
    return line


def time_of(when: datetime | None) -> str:
    """The time of day here."""
    return (when or datetime.now(UTC)).astimezone().strftime("%H:%M:%S")


def took(run: Run, now: datetime | None = None) -> float | None:
    """Seconds from the run's start to its end, or to now."""
    if run.started_at is None:
        return None
    return ((run.finished_at or now or datetime.now(UTC)) - run.started_at).total_seconds()


def failed_attempt(run: Run, number: int) -> ErrorInfo | None:
    """What an attempt before the present one failed with."""
    for attempt in run.past_attempts:
        if attempt.number == number:
            return attempt.error
    return None


def retry_line(run: Run, number: int) -> str:
    """That an attempt failed, with what, and when the next one starts."""
    error = failed_attempt(run, number)
    told = f": {clean(str(error))}" if error is not None else ""
    wait = (run.available_at - datetime.now(UTC)).total_seconds()
    when = f"; the next in {duration(wait)}" if run.is_queued and wait > 0 else ""
    return f"attempt {number} of {run.request.max_attempts} failed{told.splitlines()[0] if told else ''}{when}"


def end_line(run: Run) -> Text:
    """How a run ended, in one line."""
    from rich.text import Text

    style = STYLES.get(run.status, "red")
    mark = "✓" if run.is_success else "✗"
    line = Text(f"{mark} {run.status}", style=f"bold {style}")
    passed = took(run)
    if passed is not None:
        line.append(f" after {duration(passed)}")
    if run.attempt > 1:
        line.append(f", {run.attempt} attempts")
    line.append(f"  {run.id}", style="dim")
    return line


def end_details(run: Run) -> Iterator[str]:
    """Why a run did not complete: its error, and the stack that starts in the task's code."""
    if run.error is not None:
        if run.error.stack:
            yield from run.error.stack.splitlines()
        else:
            code = f" ({run.error.code})" if run.error.code else ""
            yield f"{run.error}{code}"
    elif run.status is RunStatus.CANCELED:
        yield f"Canceled{f': {run.cancel_reason}' if run.cancel_reason else '.'}"
    elif run.status is RunStatus.EXPIRED:
        yield "It had not started when its ttl was over."


def few_values(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The small values of metadata beside progress and phase."""
    values = {
        name: small(value)
        for name, value in metadata.items()
        if name not in ("progress", "phase", "state") and not isinstance(value, Mapping | list)
    }
    return {clean(name): text for name, text in values.items() if text and len(text) <= _SMALL}


def phase_of(metadata: Mapping[str, Any]) -> str:
    """What the run says that it does."""
    found = metadata.get("phase", metadata.get("state", ""))
    return small(found) if isinstance(found, str | int | float) else ""


def progress_of(metadata: Mapping[str, Any]) -> float | None:
    """0..1 where the run says how far it is; a number above 1 is taken for percent."""
    found = metadata.get("progress")
    if isinstance(found, bool) or not isinstance(found, int | float) or found != found:  # noqa: PLR0124 - NaN
        return None
    return min(max(found / 100 if found > 1 else found, 0.0), 1.0)
