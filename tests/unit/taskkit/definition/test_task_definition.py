"""Defining a task: defaults, checks, and what an absent option is told apart from."""

import functools
import math
from typing import Any

import pytest

from taskkit.definition.context import Context
from taskkit.definition.schedule import Cron
from taskkit.definition.task_definition import UNSET, Unset, define
from taskkit.errors import (
    HookSignatureError,
    InvalidDurationError,
    InvalidOptionError,
    TaskkitError,
    TaskSignatureError,
)
from taskkit.model.queue import Queue
from taskkit.model.retry import Retry


async def sync_user(payload: dict[str, int], ctx: Context) -> list[int]:
    """Bring a user up to date.

    In two steps.
    """
    return list(payload.values())


def nightly() -> None: ...


def test_defaults() -> None:
    task = define(sync_user)
    assert (task.id, task.name, task.module, task.qualname) == (
        "sync-user",
        "sync_user",
        __name__,
        "sync_user",
    )
    assert task.where == f"{__file__}:{sync_user.__code__.co_firstlineno}"
    assert task.description == "Bring a user up to date."
    assert (task.is_async, task.has_payload, task.wants_context) == (True, True, True)
    assert (task.payload_type, task.output_type) == (dict[str, int], list[int])
    assert (task.max_duration, task.ttl, task.machine, task.schedule) == (None, None, None, None)
    assert (task.retry, task.payload_default) == (UNSET, UNSET)
    assert task.queue == Queue("task/sync-user")
    assert task.isolation == "thread"
    assert task.hooks.empty
    assert not task.schema_given
    assert task.policy is None
    assert task.invoke is sync_user is task.fn


def test_a_task_without_a_payload() -> None:
    task = define(nightly)
    assert (task.has_payload, task.payload_type, task.wants_context, task.is_async) == (
        False,
        None,
        False,
        False,
    )
    assert task.description is None


def test_everything_given() -> None:
    def report(error: object) -> None: ...

    task = define(
        sync_user,
        id="users/sync.v2:eu",
        description="Other words",
        max_duration="5m",
        ttl="1h",
        machine={"preset": "small-2x"},
        retry=Retry(5),
        queue=Queue("users", 4),
        hooks={"on_failure": report, "cleanup": None},
        schedule=Cron("@daily"),
    )
    assert (task.id, task.description) == ("users/sync.v2:eu", "Other words")
    assert (task.max_duration, task.ttl, task.machine) == (300.0, 3600.0, "small-2x")
    assert (task.retry, task.queue, task.schedule) == (Retry(5), Queue("users", 4), Cron("@daily"))
    assert [hook.fn for hook in task.hooks] == [report]


def test_default_queue_holds_any_legal_id() -> None:
    for task_id in ("a.b:c", "x" * 128, "/"):
        assert define(nightly, id=task_id).queue.name == f"task/{task_id}"


def test_absent_retry_is_not_none() -> None:
    assert define(nightly).retry is UNSET
    assert define(nightly, retry=None).retry is None
    assert define(nightly, retry=Retry()).retry == Retry()
    assert repr(UNSET) == "UNSET"
    assert UNSET is Unset.UNSET


def test_times_keep_their_special_values() -> None:
    assert define(nightly, max_duration=math.inf).max_duration == math.inf
    assert define(nightly, ttl=0).ttl == 0  # a word of its own: no limit, whatever the config says
    assert define(nightly, max_duration=None, ttl=None).ttl is None


def test_queue_by_name() -> None:
    assert define(nightly, queue="users").queue == Queue("users")


def test_schema_overrides_the_annotation() -> None:
    task = define(sync_user, schema=dict[str, str])
    assert (task.payload_type, task.schema_given) == (dict[str, str], True)
    assert define(sync_user, schema=None).payload_type is None
    with pytest.raises(TaskSignatureError, match="has a schema and no payload parameter"):
        define(nightly, schema=int)


def test_payload_default_is_kept() -> None:
    def task(payload: int = 3) -> None: ...

    assert define(task).payload_default == 3


def test_isolation_in_a_process_takes_either_kind_of_function() -> None:
    assert define(nightly, isolation="process").isolation == "process"
    assert define(sync_user, isolation="process").isolation == "process"


def test_static_methods_are_functions() -> None:
    class Tasks:
        @staticmethod
        def clean_up(payload: int) -> int:
            return payload

    task = define(Tasks.__dict__["clean_up"])
    assert (task.id, task.invoke(3, None)) == ("clean-up", 3)


@pytest.mark.parametrize(
    "task_id", ["", "x" * 129, "a b", "a\n", "größe", "a;b", 3, b"a", ["a"]], ids=repr
)
def test_ids_that_cannot_be_used(task_id: Any) -> None:
    with pytest.raises(
        TaskSignatureError, match=r"The id of the task at .*test_task_definition\.py:"
    ):
        define(nightly, id=task_id)


def test_a_name_that_makes_no_id_is_refused() -> None:
    def größe() -> None: ...  # noqa: PLC2401 - what Python allows, ids do not

    with pytest.raises(TaskSignatureError, match="The id of the task"):
        define(größe)
    assert define(größe, id="size").name == "größe"


class Doubler:
    def __call__(self, payload: int) -> int:
        return payload


@pytest.mark.parametrize(
    "fn", [lambda: 1, functools.partial(nightly), Doubler()], ids=["lambda", "partial", "object"]
)
def test_what_has_no_name_needs_an_id(fn: Any) -> None:
    with pytest.raises(TaskSignatureError, match="has no name to make an id of"):
        define(fn)
    assert define(fn, id="named").id == "named"


def test_a_class_is_no_task_even_with_an_id() -> None:
    with pytest.raises(TaskSignatureError, match="is a class"):
        define(dict, id="named")


@pytest.mark.parametrize(
    ("options", "error", "hint"),
    [
        ({"max_duration": 0}, InvalidDurationError, "max_duration of task 'nightly' is 0"),
        ({"max_duration": -1}, InvalidDurationError, "max_duration of task 'nightly' is -1"),
        ({"max_duration": True}, InvalidDurationError, "max_duration of task 'nightly' is True"),
        ({"max_duration": "1H"}, InvalidDurationError, "max_duration of task 'nightly' is '1H'"),
        ({"ttl": -1}, InvalidDurationError, "ttl of task 'nightly' is -1"),
        ({"ttl": math.inf}, InvalidDurationError, "ttl of task 'nightly' is inf"),
        ({"machine": "huge"}, InvalidOptionError, "machine is 'huge'"),
        ({"retry": 3}, InvalidOptionError, "retry is 3"),
        ({"retry": {"max_attempts": 3}}, InvalidOptionError, "retry is {'max_attempts': 3}"),
        ({"queue": "my queue"}, InvalidOptionError, "The name of a queue is 'my queue'"),
        ({"queue": 3}, InvalidOptionError, "queue is 3"),
        ({"isolation": "container"}, InvalidOptionError, "isolation is 'container'"),
        ({"hooks": {"on_start": lambda nothing: None}}, HookSignatureError, "asks for 'nothing'"),
        ({"hooks": {"on_begin": nightly}}, HookSignatureError, "no hook 'on_begin'"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(
    options: dict[str, Any], error: type[TaskkitError], hint: str
) -> None:
    with pytest.raises(error, match=hint):
        define(nightly, **options)
