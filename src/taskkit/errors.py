"""Every error that taskkit raises.

TaskkitError
├── ConfigError ─────── how taskkit is set up
│   ├── BackendNotConfiguredError · MissingExtraError
│   └── InvalidConfigError · InvalidDurationError · InvalidCronError
├── DefinitionError ─── how a task is written
│   └── DuplicateTaskIdError · TaskSignatureError · HookSignatureError
├── TriggerError ────── how a run is asked for
│   ├── PayloadValidationError · PayloadNotStableError · PayloadTooLargeError · NotSerializableError
│   ├── SecretInPayloadError · TaskNotFoundError · QueueNotFoundError · QueueFullError
│   └── InvalidIdempotencyKeyError · InvalidOptionError · UnsupportedByBackendError · SyncInAsyncError · NotInTaskError
├── RunError ────────── what became of a run
│   ├── RunNotFoundError · TokenNotFoundError · ScheduleNotFoundError · BatchNotFoundError
│   └── RunFailedError · NoWorkerError · RunNotDelayedError · ResultTimeoutError, WaitTimeoutError (TimeoutErrors too)
├── BackendError ────── the place where runs live
│   └── StoreUnavailableError · LeaseLostError
└── inside an attempt
    ├── AbortTaskRunError (no retry) · CompleteTaskWithOutput (succeed at once)
    └── OutOfMemoryError · MaxDurationError · MiddlewareError · ProcessDiedError

An error whose text is always the same builds it from its arguments; the others take the text. All of them
can be pickled and copied, whatever their arguments are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

_ELSEWHERE = " It is misspelt, was purged, or lives elsewhere: check which backend applies here."


class ErrorRecord(Protocol):
    """What `RunFailedError.error` offers; `ErrorInfo` is one."""

    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def stack(self) -> str | None: ...
    @property
    def code(self) -> str | None: ...


def shown(value: object) -> str:
    """`repr(value)` for a message: at most 120 characters, or the type where repr itself fails."""
    try:
        text = repr(value)
    except Exception:  # a user's __repr__, or an int of more digits than Python prints
        return f"<{type(value).__name__}>"
    return text if len(text) <= 120 else text[:117] + "..."


def _guess(near: Sequence[str]) -> str:
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _rebuild(cls: type[TaskkitError], args: tuple[Any, ...], state: dict[str, Any]) -> TaskkitError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class TaskkitError(Exception):
    """The root of every error of taskkit."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own way calls the class with `args`, which hold the text, not what it was built from.
        return _rebuild, (type(self), self.args, self.__dict__)


class ConfigError(TaskkitError):
    """taskkit, or a value given to it, is set up wrongly."""


class BackendNotConfiguredError(ConfigError):
    """Nothing says where runs live."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _NO_BACKEND)


_NO_BACKEND = """No backend is configured, so there is no place for the run. Write one of:
  async with taskkit.local(): ...                    # in memory, with a worker, around this call
  taskkit.configure(backend="sqlite:///runs.db")     # when the program starts
  TASKKIT_BACKEND=sqlite:///runs.db                  # in the environment
  backend = "sqlite:///runs.db"                      # under [tool.taskkit] in pyproject.toml"""


class MissingExtraError(ConfigError):
    """An optional dependency is missing; `what` is "reading Snowflake needs snowflake-connector-python"."""

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(f'{what}. Run: pip install "buster-tasks[{extra}]"')
        self.extra, self.what = extra, what


class InvalidConfigError(ConfigError):
    """A configuration file, an environment variable or `configure` holds something unusable."""

    def __init__(self, message: str, *, file: str | None = None, key: str | None = None) -> None:
        super().__init__(message)
        self.file, self.key = file, key


class InvalidDurationError(ConfigError):
    """Something that should be a length of time is none."""

    def __init__(self, what: str, value: object, reason: str) -> None:
        super().__init__(f"{what} is {shown(value)}: {reason}")
        self.what, self.value, self.reason = what, value, reason


class InvalidCronError(ConfigError):
    """A cron pattern or its time zone cannot be used."""

    def __init__(self, message: str, *, pattern: str) -> None:
        super().__init__(message)
        self.pattern = pattern


class DefinitionError(TaskkitError):
    """A task is written in a way that cannot work."""


class DuplicateTaskIdError(DefinitionError):
    """Two different functions claim one task id. `first` and `second` are their places, `file:line`."""

    def __init__(self, task_id: str, first: str, second: str) -> None:
        where = f"Task id {task_id!r} is taken: defined at {first} and again at {second}."
        super().__init__(f'{where} Give one of them another id: @task(id="...").')
        self.task_id, self.first, self.second = task_id, first, second


class TaskSignatureError(DefinitionError):
    """A function cannot be a task as it is written."""


class HookSignatureError(DefinitionError):
    """A hook asks for something that it cannot be given."""


class TriggerError(TaskkitError):
    """A run could not be asked for; nothing was started."""


class PayloadValidationError(TriggerError):
    """The payload does not fit the task's schema."""

    def __init__(self, message: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self._errors = [dict(error) for error in errors]

    def errors(self) -> list[dict[str, Any]]:
        """One entry per fault, in pydantic's shape: `type`, `loc`, `msg`."""
        return self._errors


class PayloadNotStableError(TriggerError):
    """A payload does not come back equal from JSON; `field` is the path of the first difference."""

    def __init__(self, field: str, message: str = "") -> None:
        why = f"The payload's field {field!r} does not come back equal from JSON"
        fix = "Let the model read what it writes, or pass plain data."
        super().__init__(message or f"{why}, so the task would get another value. {fix}")
        self.field = field


class PayloadTooLargeError(TriggerError):
    """A payload, output or metadata is over its limit. `size` and `limit` in bytes."""

    def __init__(self, what: str, size: int, limit: int, message: str = "") -> None:
        why = f"{what} takes {size:,} bytes as JSON, {limit:,} are allowed"
        super().__init__(message or f"{why}. Store the data elsewhere and pass a reference to it.")
        self.size, self.limit = size, limit


class NotSerializableError(TriggerError):
    """Something that must pass through JSON cannot."""


class SecretInPayloadError(TriggerError):
    """A payload holds secrets and the backend would write them down. `fields` are their paths."""

    def __init__(self, fields: Sequence[str], message: str = "") -> None:
        why = f"The payload holds a secret at {', '.join(map(repr, fields))}, and this backend keeps payloads."
        seal = "Set TASKKIT_SECRET_KEY (extra `secrets`) to have secrets sealed"
        fix = f'{seal}, or pass a reference: "env:NAME" or "file:path".'
        super().__init__(message or f"{why} {fix}")
        self.fields = tuple(fields)


class TaskNotFoundError(TriggerError):
    """No task has this id. `near` are ids that look like it."""

    def __init__(self, task_id: str, near: Sequence[str] = (), message: str = "") -> None:
        why = f"No task has the id {task_id!r} in this process.{_guess(near)}"
        fix = "Import the module that defines it, or list its folder in [tool.taskkit] dirs."
        super().__init__(message or f"{why} {fix}")
        self.task_id, self.near = task_id, tuple(near)


class QueueNotFoundError(TriggerError):
    """No queue has this name. `near` are names that look like it."""

    def __init__(self, queue: str, near: Sequence[str] = ()) -> None:
        fix = f'Declare it on a task: @task(queue=Queue("{queue}", concurrency_limit=...)).'
        super().__init__(f"No queue is named {queue!r}.{_guess(near)} {fix}")
        self.queue, self.near = queue, tuple(near)


class QueueFullError(TriggerError):
    """A queue holds as many waiting runs as it may."""

    def __init__(self, queue: str, max_length: int) -> None:
        why = f"Queue {queue!r} is full: {max_length} runs wait in it. The run was refused."
        super().__init__(f"{why} Trigger again later, or raise max_length.")
        self.queue, self.max_length = queue, max_length


class InvalidIdempotencyKeyError(TriggerError):
    """An idempotency key is none."""


class InvalidOptionError(TriggerError):
    """An option of a task, a trigger or a plain value is out of range."""

    def __init__(self, option: str, value: object, reason: str) -> None:
        super().__init__(f"{option} is {shown(value)}: {reason}")
        self.option, self.value, self.reason = option, value, reason


class UnsupportedByBackendError(TriggerError):
    """The backend does not declare a capability that was asked for."""

    def __init__(self, what: str, *, backend: str, capability: str | None = None) -> None:
        undeclared = f" (it does not declare {capability})" if capability else ""
        fix = "Leave it out, or use a backend that supports it."
        super().__init__(f"{what} is not supported by the backend {backend}{undeclared}. {fix}")
        self.backend, self.capability = backend, capability


class SyncInAsyncError(TriggerError):
    """A `.sync` call was made inside a running event loop. `call` is the async one: "runs.retrieve"."""

    def __init__(self, call: str, message: str = "", *, iterates: bool = False) -> None:
        why = f"The .sync form of {call} was called inside a running event loop, which it would block."
        fix = f"async for ... in {call}(...)" if iterates else f"await {call}(...)"
        super().__init__(message or f"{why} Write: {fix}")
        self.call = call


class NotInTaskError(TriggerError):
    """A call that only makes sense inside a running task was made outside. `call` is "wait.sleep"."""

    def __init__(self, call: str, message: str = "") -> None:
        why = f"{call} works only inside a running task, and there is no run here."
        super().__init__(message or f"{why} Call it from a task's function or its hooks.")
        self.call = call


class RunError(TaskkitError):
    """A run, or something that belongs to one, is not as the call needs it."""


class RunNotFoundError(RunError):
    """No run has this id."""

    def __init__(self, run_id: str, message: str = "", *, backend: str = "this backend") -> None:
        super().__init__(message or f"No run has the id {run_id!r} in {backend}.{_ELSEWHERE}")
        self.run_id = run_id


class RunFailedError(RunError):
    """`unwrap()` of a run that did not complete; `error` is None where it was only canceled or expired."""

    def __init__(
        self, run_id: str, status: str, error: ErrorRecord | None, task_id: str | None = None
    ) -> None:
        of = f" of task {task_id!r}" if task_id else ""
        cause = "" if error is None else f": {error.name}: {error.message}".removesuffix(": ")
        super().__init__(f"Run {run_id}{of} ended {status!s}{cause}")
        self.run_id, self.status, self.error, self.task_id = run_id, status, error, task_id
        if error is not None and error.stack:
            self.add_note(f"In the run:\n{error.stack}")


class ResultTimeoutError(RunError, TimeoutError):
    """A run was not final in time; it goes on. `timeout` in seconds."""

    def __init__(self, run_id: str, timeout: float, status: str | None = None) -> None:
        why = f"Run {run_id} was not over after {timeout:g} s{f' and is {status!s}' if status else ''}."
        super().__init__(f"{why} It goes on: ask for its result again, or cancel it.")
        self.run_id, self.timeout, self.status = run_id, timeout, status


class NoWorkerError(RunError):
    """A result was awaited where nothing will ever carry the run out."""

    def __init__(self, run_id: str, message: str = "") -> None:
        why = f"Run {run_id} is in memory and no worker serves this backend, so it would never end."
        fix = "Put `async with taskkit.local():` around the call, or use `taskkit.run_task(task, payload)`."
        super().__init__(message or f"{why} {fix}")
        self.run_id = run_id


class RunNotDelayedError(RunError):
    """A run that is to be rescheduled is not waiting for its time."""

    def __init__(self, run_id: str, status: str) -> None:
        why = f"Run {run_id} is {status!s}; only a DELAYED run can be rescheduled."
        super().__init__(f"{why} Cancel it and trigger again with another delay.")
        self.run_id, self.status = run_id, status


class WaitTimeoutError(RunError, TimeoutError):
    """`unwrap()` of a wait for a token whose time ran out."""

    def __init__(self, token_id: str, message: str = "") -> None:
        fix = "Look at `result.ok` to go on without it, or give the token a longer timeout."
        super().__init__(message or f"Token {token_id} was not completed in time. {fix}")
        self.token_id = token_id


class TokenNotFoundError(RunError):
    """No token has this id."""

    def __init__(self, token_id: str) -> None:
        super().__init__(f"No token has the id {token_id!r} in this backend.{_ELSEWHERE}")
        self.token_id = token_id


class ScheduleNotFoundError(RunError):
    """No schedule has this id."""

    def __init__(self, schedule_id: str) -> None:
        super().__init__(f"No schedule has the id {schedule_id!r} in this backend.{_ELSEWHERE}")
        self.schedule_id = schedule_id


class BatchNotFoundError(RunError):
    """No batch has this id."""

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"No batch has the id {batch_id!r} in this backend.{_ELSEWHERE}")
        self.batch_id = batch_id


class BackendError(TaskkitError):
    """The place where runs live failed."""


class StoreUnavailableError(BackendError):
    """The store did not answer and nothing is known to be stored; the same call may be repeated."""


class LeaseLostError(BackendError):
    """A write came under a lease that is no longer good; nothing was written."""

    def __init__(self, run_id: str, message: str = "") -> None:
        why = f"The lease on run {run_id} is no longer held: its time ran out, or the run is over."
        super().__init__(message or f"{why} Nothing was written; drop this attempt.")
        self.run_id = run_id


class AbortTaskRunError(TaskkitError):
    """Raise it in a task to fail the run without another attempt."""


class CompleteTaskWithOutput(TaskkitError):  # noqa: N818 - control flow, not an error
    """Raise it in a task to succeed at once, with this output."""

    def __init__(self, output: Any = None) -> None:
        super().__init__("The task was completed early with an output.")
        self.output = output


class OutOfMemoryError(TaskkitError):
    """An attempt ran out of memory, or says so."""

    def __init__(self, message: str = "The attempt ran out of memory.") -> None:
        super().__init__(message)


class MaxDurationError(TaskkitError):
    """An attempt is over its max_duration."""


class MiddlewareError(TaskkitError):
    """A middleware broke its contract."""


class ProcessDiedError(TaskkitError):
    """A task's child process ended before the task had."""
