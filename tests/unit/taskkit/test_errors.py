"""Every error can be pickled, says what to do, and stands in the tree that API.md draws."""

import copy
import inspect
import pickle
import re
from types import SimpleNamespace

import pytest

from taskkit import errors
from taskkit.errors import (
    AbortTaskRunError,
    CompleteTaskWithOutput,
    PayloadValidationError,
    ResultTimeoutError,
    RunFailedError,
    TaskkitError,
    WaitTimeoutError,
    shown,
)
from taskkit.model.error_info import ErrorInfo

SAMPLES: list[TaskkitError] = [
    errors.TaskkitError("text"),
    errors.ConfigError("text"),
    errors.BackendNotConfiguredError(),
    errors.MissingExtraError("snowflake", "reading Snowflake needs snowflake-connector-python"),
    errors.InvalidConfigError("pyproject.toml: x is 3", file="pyproject.toml", key="x"),
    errors.InvalidDurationError("delay", "1H", "give seconds."),
    errors.InvalidCronError("no such pattern", pattern="* *"),
    errors.DefinitionError("text"),
    errors.DuplicateTaskIdError("a", "x.py:1", "y.py:2"),
    errors.TaskSignatureError("text"),
    errors.HookSignatureError("text"),
    errors.TriggerError("text"),
    errors.PayloadValidationError("payload", [{"type": "missing", "loc": ("a",), "msg": "needed"}]),
    errors.PayloadNotStableError("user.name"),
    errors.PayloadTooLargeError("The payload", 4_000_000, 3_145_728),
    errors.NotSerializableError("text"),
    errors.SecretInPayloadError(["password"]),
    errors.TaskNotFoundError("syncuser", ["sync-user"]),
    errors.QueueNotFoundError("user", ["users"]),
    errors.QueueFullError("users", 3),
    errors.InvalidIdempotencyKeyError("text"),
    errors.InvalidOptionError("priority", "high", "give a number."),
    errors.UnsupportedByBackendError("Debouncing", backend="Mine", capability="DEBOUNCE"),
    errors.SyncInAsyncError("runs.retrieve"),
    errors.NotInTaskError("wait.sleep"),
    errors.RunError("text"),
    errors.RunNotFoundError("run_1"),
    errors.RunFailedError(
        "run_1", "FAILED", ErrorInfo("BUILT_IN_ERROR", "KeyError", "'a'"), "child"
    ),
    errors.ResultTimeoutError("run_1", 1.5, "QUEUED"),
    errors.NoWorkerError("run_1"),
    errors.RunNotDelayedError("run_1", "EXECUTING"),
    errors.WaitTimeoutError("token_1"),
    errors.TokenNotFoundError("token_1"),
    errors.ScheduleNotFoundError("sched_1"),
    errors.BatchNotFoundError("batch_1"),
    errors.BackendError("text"),
    errors.StoreUnavailableError("text"),
    errors.LeaseLostError("run_1"),
    errors.AbortTaskRunError("no such user"),
    errors.CompleteTaskWithOutput({"rows": 3}),
    errors.OutOfMemoryError(),
    errors.MaxDurationError("text"),
    errors.MiddlewareError("text"),
    errors.ProcessDiedError("text"),
]
ALL = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, TaskkitError)
}


def test_samples_cover_every_error() -> None:
    assert {type(sample).__name__ for sample in SAMPLES} == set(ALL)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_error_survives_pickle_and_copy(error: TaskkitError) -> None:
    error.add_note("seen in a test")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error) != ""
        assert twin.__dict__ == error.__dict__
        assert twin.__notes__[-1] == "seen in a test"


def test_only_control_flow_has_another_ending() -> None:
    assert {name for name in ALL if not name.endswith("Error")} == {"CompleteTaskWithOutput"}


def test_docstring_draws_every_error() -> None:
    drawn = set(re.findall(r"\b\w+Error\b|CompleteTaskWithOutput", errors.__doc__ or ""))
    assert drawn - {"TimeoutError"} == set(ALL)


@pytest.mark.parametrize(
    ("error", "texts"),
    [
        (
            SAMPLES[2],
            ["taskkit.local()", "taskkit.configure(", "TASKKIT_BACKEND", "[tool.taskkit]"],
        ),
        (SAMPLES[3], ["snowflake-connector-python", 'pip install "buster-tasks[snowflake]"']),
        (errors.DuplicateTaskIdError("a", "x.py:1", "y.py:2"), ["'a'", "x.py:1", "y.py:2"]),
        (
            errors.TaskNotFoundError("syncuser", ["sync-user"]),
            ["'syncuser'", "Did you mean 'sync-user'"],
        ),
        (errors.QueueNotFoundError("user", ["users"]), ["'user'", "Did you mean 'users'"]),
        (
            errors.SecretInPayloadError(["a.password"]),
            ["a.password", "TASKKIT_SECRET_KEY", "env:NAME", "file:path"],
        ),
        (errors.SyncInAsyncError("runs.retrieve"), ["await runs.retrieve("]),
        (
            errors.UnsupportedByBackendError("TTL", backend="Mine", capability="TTL"),
            ["Mine", "TTL"],
        ),
        (errors.ResultTimeoutError("run_1", 1.5), ["run_1", "1.5 s", "It goes on"]),
        (
            errors.PayloadTooLargeError("The payload", 4_000_000, 3_145_728),
            ["4,000,000", "3,145,728"],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_message_names_the_value_and_the_way_out(error: TaskkitError, texts: list[str]) -> None:
    assert all(text in str(error) for text in texts), str(error)


def test_timeouts_are_builtin_timeouts() -> None:
    assert issubclass(ResultTimeoutError, TimeoutError)
    assert issubclass(WaitTimeoutError, TimeoutError)
    assert str(ResultTimeoutError("run_1", 2)).startswith("Run run_1 was not over after 2 s.")


def test_failed_run_names_task_run_status_and_error() -> None:
    error = RunFailedError(
        "run_1", "FAILED", ErrorInfo("BUILT_IN_ERROR", "KeyError", "'a'"), "child"
    )
    assert str(error) == "Run run_1 of task 'child' ended FAILED: KeyError: 'a'"
    assert (error.run_id, error.status, error.task_id) == ("run_1", "FAILED", "child")
    assert error.error is not None
    assert error.error.name == "KeyError"


def test_failed_run_without_an_error_or_a_message() -> None:
    assert str(RunFailedError("run_1", "CANCELED", None)) == "Run run_1 ended CANCELED"
    silent = ErrorInfo("BUILT_IN_ERROR", "KeyError", "")
    assert str(RunFailedError("run_1", "FAILED", silent)) == "Run run_1 ended FAILED: KeyError"


def test_payload_errors_keep_pydantics_shape() -> None:
    error = PayloadValidationError("bad", [{"type": "missing", "loc": ("a",), "msg": "needed"}])
    assert error.errors() == [{"type": "missing", "loc": ("a",), "msg": "needed"}]


def test_control_flow_carries_its_output() -> None:
    assert CompleteTaskWithOutput([1]).output == [1]
    assert CompleteTaskWithOutput().output is None
    assert str(AbortTaskRunError()) == ""


def test_shown_is_short_and_never_fails() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise KeyError("no")

    assert shown("x" * 500) == "'" + "x" * 116 + "..."
    assert shown(Broken()) == "<Broken>"
    assert shown(10**5000) == "<int>"
    assert shown(SimpleNamespace(a=1)) == "namespace(a=1)"
