"""What a task is: its function, read once, and the options it was declared with."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, cast

from taskkit.definition.hooks import HookSet
from taskkit.definition.schedule import Cron
from taskkit.definition.signature import Place, is_partial, place_of, read
from taskkit.errors import InvalidDurationError, InvalidOptionError, TaskSignatureError, shown
from taskkit.model.duration import Duration, seconds
from taskkit.model.machine import preset_name
from taskkit.model.queue import Queue
from taskkit.model.retry import Retry

Isolation = Literal["thread", "process"]

_ID = re.compile(r"[A-Za-z0-9_./:-]{1,128}")


class Unset(Enum):
    """The type of UNSET, which tells an option that was not given from one that was given as None."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return self.value


UNSET: Final = Unset.UNSET

Hooks: TypeAlias = Mapping[str, Callable[..., Any] | Sequence[Callable[..., Any]] | None]


@dataclass(slots=True, eq=False, kw_only=True)
class TaskDefinition:
    """A task as it was written; one instance per task.

    `payload_type` is the annotation of the payload, or the schema that overrides it, `Any` when there is
    neither, None when the function takes no payload. `payload_default` is what the function itself would
    take for a payload that was not given, UNSET when it has none. `invoke(payload, ctx)` calls the plain
    function. `max_duration` in seconds: None leaves it to the config, `math.inf` is no limit. `ttl` in
    seconds: None leaves it to the config, 0 is no limit. `retry`: UNSET leaves it to the config, None is
    one attempt. `declared_in` is the module at whose top level, or in whose class, the decorator was called;
    None inside a function. `policy` is filled by its owner at first use.
    """

    id: str
    fn: Callable[..., Any] = field(repr=False)
    name: str
    module: str
    qualname: str
    file_path: str
    line: int
    description: str | None
    is_async: bool
    has_payload: bool
    wants_context: bool
    payload_type: Any
    payload_default: Any = UNSET
    output_type: Any
    invoke: Callable[[object, Any], Any] = field(repr=False)
    max_duration: float | None = None
    ttl: float | None = None
    machine: str | None = None
    retry: Retry | Unset | None = UNSET
    queue: Queue
    concurrency_key: Callable[[Any], str | None] | None = None
    isolation: Isolation = "thread"
    hooks: HookSet
    schedule: Cron | None = None
    schema_given: bool = False
    declared_in: str | None = None
    policy: Any = field(default=None, repr=False)

    @property
    def where(self) -> str:
        """The place of the function, `file:line`."""
        return f"{self.file_path}:{self.line}"


def define(
    fn: Callable[..., Any],
    *,
    id: str | None = None,  # noqa: A002 - the word users write
    description: str | None = None,
    max_duration: Duration | None = None,
    ttl: Duration | None = None,
    machine: str | Mapping[str, str] | None = None,
    retry: Retry | Unset | None = UNSET,
    queue: Queue | str | None = None,
    concurrency_key: Callable[[Any], str | None] | None = None,
    schema: Any = UNSET,
    isolation: Isolation = "thread",
    hooks: Hooks | None = None,
    schedule: Cron | None = None,
    frame_locals: Mapping[str, Any] | None = None,
) -> TaskDefinition:
    """The definition of the task that `fn` is.

    `frame_locals` are the names where the decorator was written, for annotations that are text. Raises
    TaskSignatureError for a function that cannot be a task, and the error of the option that is wrong.
    """
    fn = fn.__func__ if isinstance(fn, staticmethod) else fn
    name = getattr(fn, "__name__", None)
    signature = read(fn, frame_locals or {})
    task_id = _task_id(id, name, fn)
    place = place_of(fn)
    if not signature.has_payload:
        schema = _without_payload(schema, task_id, place, is_scheduled=schedule is not None)
    return TaskDefinition(
        id=task_id,
        fn=fn,
        name=name or task_id,
        module=place.module,
        qualname=place.qualname,
        file_path=place.file_path,
        line=place.line,
        description=_description(description, fn),
        is_async=signature.is_async,
        has_payload=signature.has_payload,
        wants_context=signature.wants_context,
        payload_type=signature.payload_type if schema is UNSET else schema,
        payload_default=signature.payload_default if signature.has_default else UNSET,
        output_type=signature.output_type,
        invoke=signature.invoke,
        max_duration=_max_duration(max_duration, task_id),
        ttl=None if ttl is None else seconds(ttl, what=f"ttl of task {task_id!r}"),
        machine=None if machine is None else preset_name(machine),
        retry=_retry(retry),
        queue=_queue(queue, task_id),
        concurrency_key=_concurrency_key(concurrency_key, has_payload=signature.has_payload),
        isolation=_isolation(isolation),
        hooks=HookSet(hooks),
        schedule=schedule,
        schema_given=schema is not UNSET,
        declared_in=_declared_in(frame_locals or {}),
    )


def _without_payload(schema: object, task_id: str, place: Place, *, is_scheduled: bool) -> object:
    """UNSET, also for a scheduled task with a schema: the tick alone may be all that it needs."""
    if schema is not UNSET and not is_scheduled:
        raise TaskSignatureError(
            f"Task {task_id!r} at {place} has a schema and no payload parameter. Write one: def f(payload)."
        )
    return UNSET


def _task_id(given: object, name: str | None, fn: Callable[..., Any]) -> str:
    if given is None:
        if name is None or name == "<lambda>" or is_partial(fn):
            raise TaskSignatureError(
                f'{shown(fn)} at {place_of(fn)} has no name to make an id of. Write id="...".'
            )
        given = name.replace("_", "-")
    if not isinstance(given, str) or not _ID.fullmatch(given):
        raise TaskSignatureError(
            f"The id of the task at {place_of(fn)} is {shown(given)}: use 1 to 128 of the characters "
            f'A-Z a-z 0-9 _ . / : -, for example @task(id="sync-user").'
        )
    return given


def _description(given: str | None, fn: Callable[..., Any]) -> str | None:
    if given is not None or is_partial(fn):
        return given
    text = inspect.getdoc(fn)
    return text.partition("\n")[0] or None if text else None


def _concurrency_key(given: Any, *, has_payload: bool) -> Callable[[Any], str | None] | None:
    if given is None:
        return None
    if not callable(given):
        reason = "give a function of the payload, such as lambda payload: payload.user_id."
        raise InvalidOptionError("concurrency_key", given, reason)
    if not has_payload:
        reason = "the task has no payload that it could be made of."
        raise InvalidOptionError("concurrency_key", given, reason)
    return cast("Callable[[Any], str | None]", given)


def _max_duration(given: Duration | None, task_id: str) -> float | None:
    if given is None:
        return None
    what = f"max_duration of task {task_id!r}"
    limit = seconds(given, what=what, allow_infinite=True)
    if limit == 0:
        raise InvalidDurationError(
            what,
            given,
            f"an attempt needs some time. Give more than 0, or {math.inf!r} (math.inf) for no limit.",
        )
    return limit


def _retry(given: object) -> Retry | Unset | None:
    if given is None or isinstance(given, Retry | Unset):
        return given
    raise InvalidOptionError(
        "retry", given, "give Retry(max_attempts=...), or None for one attempt."
    )


def _queue(given: object, task_id: str) -> Queue:
    if isinstance(given, Queue):
        return given
    if given is None:
        return Queue(f"task/{task_id}")
    if isinstance(given, str):
        return Queue(given)
    raise InvalidOptionError(
        "queue", given, 'give Queue("name", concurrency_limit=...) or the name of one.'
    )


def _isolation(given: object) -> Isolation:
    if given == "thread":
        return "thread"
    if given != "process":
        raise InvalidOptionError("isolation", given, 'give "thread" or "process".')
    return "process"


def _declared_in(frame_locals: Mapping[str, Any]) -> str | None:
    """The module whose names these are; a class has it beside its own, a function has none."""
    module = frame_locals.get("__name__") or frame_locals.get("__module__")
    return module if isinstance(module, str) else None
