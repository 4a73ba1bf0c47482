"""What users can count on: the names of taskkit, and the tree of its errors."""

import inspect
from typing import Any

import pytest

import taskkit
from taskkit import errors

DOOR = [
    "AbortTaskRunError",
    "Attempt",
    "BatchHandle",
    "BatchItem",
    "BatchResult",
    "CompleteTaskWithOutput",
    "Context",
    "Cron",
    "Debounce",
    "ErrorInfo",
    "OutOfMemoryError",
    "Pending",
    "Queue",
    "Retry",
    "RetryDecision",
    "Run",
    "RunFailedError",
    "RunHandle",
    "RunResult",
    "RunStatus",
    "ScheduledPayload",
    "Task",
    "Token",
    "TriggerOptions",
    "WaitResult",
    "Worker",
    "batch",
    "configure",
    "errors",
    "idempotency_keys",
    "local",
    "logger",
    "memo",
    "metadata",
    "queues",
    "retry",
    "run_task",
    "runs",
    "schedules",
    "schema_task",
    "streams",
    "tags",
    "task",
    "tasks",
    "usage",
    "use_backend",
    "wait",
    "worker",
]

TREE = {
    "TaskkitError": """ConfigError DefinitionError TriggerError RunError BackendError AbortTaskRunError
        CompleteTaskWithOutput OutOfMemoryError MaxDurationError MiddlewareError
        ProcessDiedError""",
    "ConfigError": """BackendNotConfiguredError MissingExtraError InvalidConfigError InvalidDurationError
        InvalidCronError""",
    "DefinitionError": "DuplicateTaskIdError TaskSignatureError HookSignatureError",
    "TriggerError": """PayloadValidationError PayloadNotStableError PayloadTooLargeError NotSerializableError
        SecretInPayloadError TaskNotFoundError QueueNotFoundError QueueFullError InvalidIdempotencyKeyError
        InvalidOptionError UnsupportedByBackendError SyncInAsyncError NotInTaskError""",
    "RunError": """RunNotFoundError RunFailedError ResultTimeoutError NoWorkerError RunNotDelayedError
        WaitTimeoutError TokenNotFoundError ScheduleNotFoundError BatchNotFoundError""",
    "BackendError": "StoreUnavailableError LeaseLostError",
}


def test_the_names_at_the_door() -> None:
    assert sorted(taskkit.__all__) == sorted(DOOR)
    assert taskkit.__all__ == sorted(taskkit.__all__)


def test_there_are_not_too_many_to_know() -> None:
    assert len(taskkit.__all__) <= 50


@pytest.mark.parametrize("name", DOOR)
def test_each_can_be_imported_and_tells_what_it_is(name: str) -> None:
    value = getattr(taskkit, name)
    assert inspect.getdoc(value)


@pytest.mark.parametrize(
    ("parent", "name"),
    [(parent, name) for parent, names in TREE.items() for name in names.split()],
)
def test_each_error_has_its_place_in_the_tree(parent: str, name: str) -> None:
    error = getattr(errors, name)
    assert error.__bases__[0] is getattr(errors, parent)
    assert error.__module__ == "taskkit.errors"


def test_there_is_no_other_error() -> None:
    found = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.TaskkitError)
    }
    assert found == {"TaskkitError", *(name for names in TREE.values() for name in names.split())}


def test_the_errors_that_tasks_raise_and_catch_stand_at_the_door_too() -> None:
    for name in (
        "AbortTaskRunError",
        "OutOfMemoryError",
        "CompleteTaskWithOutput",
        "RunFailedError",
    ):
        assert getattr(taskkit, name) is getattr(errors, name)


NAMESPACES = {
    "tasks": """trigger batch_trigger trigger_and_wait batch_trigger_and_wait trigger_and_poll init on_start
        on_start_attempt on_success on_failure on_complete on_wait on_resume on_cancel cleanup catch_error
        handle_error middleware""",
    "batch": "trigger trigger_and_wait retrieve",
    "runs": """retrieve list cancel replay reschedule poll subscribe subscribe_to_tag subscribe_to_batch logs
        bulk_cancel bulk_replay""",
    "wait": """sleep for_ until create_token for_token complete_token retrieve_token list_tokens""",
    "metadata": """set get delete append remove increment decrement replace current flush parent root track""",
    "logger": "debug log info warn error trace",
    "idempotency_keys": "create reset",
    "tags": "add",
    "streams": "pipe read",
    "schedules": """task create retrieve update delete activate deactivate list timezones""",
    "queues": """list retrieve pause resume override_concurrency_limit reset_concurrency_limit""",
    "retry": "on_throw http",
    "usage": "get_current measure",
}

PLAIN = {
    *("tasks." + name for name in NAMESPACES["tasks"].split()[5:]),
    *("metadata." + name for name in NAMESPACES["metadata"].split() if name != "flush"),
    *("logger." + name for name in NAMESPACES["logger"].split()),
    "idempotency_keys.create",
    "usage.get_current",
    "schedules.task",
}
"""What does no I/O, so that it has no twin below `.sync`."""

CALLS = [(space, name) for space, names in NAMESPACES.items() for name in names.split()]


@pytest.mark.parametrize(("space", "name"), CALLS)
def test_each_call_of_the_namespaces_is_there(space: str, name: str) -> None:
    assert getattr(getattr(taskkit, space), name) is not None


@pytest.mark.parametrize(("space", "name"), [call for call in CALLS if ".".join(call) not in PLAIN])
def test_each_call_with_io_has_a_twin_for_plain_code(space: str, name: str) -> None:
    twin: Any = getattr(getattr(taskkit, space).sync, name)
    assert callable(twin)
    assert not inspect.iscoroutinefunction(twin)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (taskkit.Task, "trigger batch_trigger trigger_and_wait batch_trigger_and_wait"),
        (taskkit.RunHandle, "result retrieve cancel subscribe"),
        (taskkit.BatchHandle, "results"),
    ],
)
def test_each_method_with_io_has_a_twin_for_plain_code(owner: Any, names: str) -> None:
    (twins,) = {
        inspect.get_annotations(owner.sync.fget)["return"].partition("[")[0] for _ in names.split()
    }
    module = inspect.getmodule(owner)
    offered = getattr(module, twins)
    for name in names.split():
        assert hasattr(owner, name)
        assert name in dir(offered), f"{twins}.{name}"
