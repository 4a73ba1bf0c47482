"""`@task` and `@schema_task`: a function becomes a `Task`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from difflib import get_close_matches
from typing import (
    Any,
    Literal,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    final,
    overload,
)

from taskkit.definition.context import Context
from taskkit.definition.hooks import ALIASES, WANTS
from taskkit.definition.registry import REGISTRY
from taskkit.definition.signature import place_of
from taskkit.definition.task_definition import UNSET, define
from taskkit.errors import (
    HookSignatureError,
    InvalidOptionError,
    TaskkitError,
    TaskSignatureError,
    shown,
)
from taskkit.model.duration import Duration
from taskkit.model.queue import Queue
from taskkit.model.retry import Retry
from taskkit.trigger.task import Task

PayloadT = TypeVar("PayloadT")
OutputT = TypeVar("OutputT")
SchemaT = TypeVar("SchemaT")
Hooks: TypeAlias = Callable[..., Any] | Sequence[Callable[..., Any]] | None
_HOOKS = WANTS.keys() | ALIASES.keys()

_Async: TypeAlias = Coroutine[Any, Any, OutputT]
AsyncTask: TypeAlias = Task[PayloadT, OutputT, _Async[OutputT]]
PlainTask: TypeAlias = Task[PayloadT, OutputT, OutputT]


@final
class _Anything:
    """Only a parameter that takes anything takes this: `Any`, or none annotated, is no context."""


class TaskOptions(TypedDict, total=False):
    """What `@task` takes. The hooks can also be registered later: `@my_task.on_failure`."""

    id: str | None
    """By default the function's name with - for _."""
    description: str | None
    max_duration: Duration | None
    """Wall time of one attempt, waits excluded; None takes the configured one, math.inf has none."""
    ttl: Duration | None
    """A run that has not started in time is EXPIRED; 0 for none."""
    machine: str | Mapping[str, str] | None
    """A preset's name, such as "small-2x"."""
    retry: Retry | None
    """Not given: the configured policy. None: one attempt."""
    queue: Queue | str | None
    """By default a queue of its own, without a limit."""
    concurrency_key: Callable[[Any], str | None] | None
    """Makes a key of the payload, for each of which the queue's limit counts separately; a trigger's own key wins."""
    isolation: Literal["thread", "process"]
    """In a child process of its own for each attempt: "process". It is killed at its limits."""
    init: Hooks
    on_start: Hooks
    on_start_attempt: Hooks
    on_success: Hooks
    on_failure: Hooks
    on_complete: Hooks
    on_wait: Hooks
    on_resume: Hooks
    on_cancel: Hooks
    cleanup: Hooks
    catch_error: Hooks
    handle_error: Hooks
    middleware: Hooks


class TaskDecorator(Protocol):
    """Turns a function into a `Task`, whatever of payload and context it takes."""

    # The first form that fits counts: a function of two parameters with a default also fits the shorter
    # forms, one that takes only a context also fits `(payload)`.
    @overload
    def __call__(
        self, fn: Callable[[Context, _Anything], _Async[OutputT]], /
    ) -> AsyncTask[Any, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[PayloadT, Context], _Async[OutputT]], /
    ) -> AsyncTask[PayloadT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, PayloadT], _Async[OutputT]], /
    ) -> AsyncTask[PayloadT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[_Anything], _Async[OutputT]], /
    ) -> AsyncTask[Any, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[Context], _Async[OutputT]], /) -> AsyncTask[None, OutputT]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]  # the context-only form before it wins
        self, fn: Callable[[PayloadT], _Async[OutputT]], /
    ) -> AsyncTask[PayloadT, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[], _Async[OutputT]], /) -> AsyncTask[None, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, _Anything], OutputT], /
    ) -> PlainTask[Any, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[PayloadT, Context], OutputT], /
    ) -> PlainTask[PayloadT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, PayloadT], OutputT], /
    ) -> PlainTask[PayloadT, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[_Anything], OutputT], /) -> PlainTask[Any, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[Context], OutputT], /) -> PlainTask[None, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[PayloadT], OutputT], /) -> PlainTask[PayloadT, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[], OutputT], /) -> PlainTask[None, OutputT]: ...


class SchemaTaskDecorator(Protocol[SchemaT]):
    """Turns a function into a `Task` whose payload is what the schema makes of it."""

    @overload
    def __call__(
        self, fn: Callable[[SchemaT, Context], _Async[OutputT]], /
    ) -> AsyncTask[SchemaT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, SchemaT], _Async[OutputT]], /
    ) -> AsyncTask[SchemaT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[SchemaT], _Async[OutputT]], /
    ) -> AsyncTask[SchemaT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[SchemaT, Context], OutputT], /
    ) -> PlainTask[SchemaT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, SchemaT], OutputT], /
    ) -> PlainTask[SchemaT, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[SchemaT], OutputT], /) -> PlainTask[SchemaT, OutputT]: ...


# The forms of a bare `@task` are those of `TaskDecorator`: a function's overloads cannot be borrowed.
@overload
def task(fn: Callable[[Context, _Anything], _Async[OutputT]], /) -> AsyncTask[Any, OutputT]: ...
@overload
def task(fn: Callable[[PayloadT, Context], _Async[OutputT]], /) -> AsyncTask[PayloadT, OutputT]: ...
@overload
def task(fn: Callable[[Context, PayloadT], _Async[OutputT]], /) -> AsyncTask[PayloadT, OutputT]: ...
@overload
def task(fn: Callable[[_Anything], _Async[OutputT]], /) -> AsyncTask[Any, OutputT]: ...
@overload
def task(fn: Callable[[Context], _Async[OutputT]], /) -> AsyncTask[None, OutputT]: ...
@overload
def task(fn: Callable[[PayloadT], _Async[OutputT]], /) -> AsyncTask[PayloadT, OutputT]: ...  # type: ignore[overload-overlap]  # the context-only form before it wins
@overload
def task(fn: Callable[[], _Async[OutputT]], /) -> AsyncTask[None, OutputT]: ...
@overload
def task(fn: Callable[[Context, _Anything], OutputT], /) -> PlainTask[Any, OutputT]: ...
@overload
def task(fn: Callable[[PayloadT, Context], OutputT], /) -> PlainTask[PayloadT, OutputT]: ...
@overload
def task(fn: Callable[[Context, PayloadT], OutputT], /) -> PlainTask[PayloadT, OutputT]: ...
@overload
def task(fn: Callable[[_Anything], OutputT], /) -> PlainTask[Any, OutputT]: ...
@overload
def task(fn: Callable[[Context], OutputT], /) -> PlainTask[None, OutputT]: ...
@overload
def task(fn: Callable[[PayloadT], OutputT], /) -> PlainTask[PayloadT, OutputT]: ...
@overload
def task(fn: Callable[[], OutputT], /) -> PlainTask[None, OutputT]: ...
@overload
def task(**options: Unpack[TaskOptions]) -> TaskDecorator: ...
@overload
def task(
    *, schema: type[SchemaT], **options: Unpack[TaskOptions]
) -> SchemaTaskDecorator[SchemaT]: ...
@overload
def task(*, schema: object, **options: Unpack[TaskOptions]) -> SchemaTaskDecorator[Any]: ...
def task(fn: object = UNSET, /, **options: Any) -> Any:
    """Make a task of a function that takes a payload, a `Context`, both, or nothing.

    The payload's annotation is its schema, unless `schema=` gives another. Importing a module with tasks
    does no I/O and picks no backend.
    Raises TaskSignatureError, DuplicateTaskIdError, HookSignatureError, InvalidDurationError or
    InvalidOptionError, each naming the function or the value and its place. Without options `@task` will do.

        @task(id="sync-user", max_duration=300, retry=Retry(max_attempts=3))
        async def sync_user(payload: User, ctx: Context) -> Report: ...
    """
    decorate = decorator_of(options, locals_of_caller())
    if fn is UNSET:
        return decorate
    if isinstance(fn, str):
        raise TaskSignatureError(f'@task takes its options by name. Write @task(id="{fn}").')
    if options:
        raise TaskSignatureError(
            f"task was given {shown(fn)} and options at once. Write task({next(iter(options))}=...)(function)."
        )
    return decorate(cast("Callable[..., Any]", fn))


@overload
def schema_task(
    *, schema: type[SchemaT], **options: Unpack[TaskOptions]
) -> SchemaTaskDecorator[SchemaT]: ...
@overload
def schema_task(*, schema: object, **options: Unpack[TaskOptions]) -> SchemaTaskDecorator[Any]: ...
def schema_task(*, schema: object, **options: Unpack[TaskOptions]) -> Any:
    """Make a task whose payload is validated by `schema`: any type that pydantic can validate.

    Otherwise as `task`.
    """
    settings = {**options, "schema": schema}
    return decorator_of(settings, locals_of_caller())


def locals_of_caller() -> Mapping[str, Any]:
    """The names where the calling decorator was written: an annotation may be a class of a function."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]  # inspect offers it no cheaper
    return frame.f_locals


def _unknown_option(name: str, value: object, fn: Callable[..., Any]) -> TaskkitError:
    near = get_close_matches(name, TaskOptions.__annotations__, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    known = ", ".join(TaskOptions.__annotations__)
    reason = f"a task has no such option ({place_of(fn)}).{guess} It has: {known}."
    if callable(value):
        return HookSignatureError(f"{name} is no hook: {reason}")
    return InvalidOptionError(name, value, reason)


def decorator_of(
    settings: Mapping[str, Any], frame_locals: Mapping[str, Any] | None
) -> Callable[[Callable[..., Any]], Task[Any, Any, Any]]:
    """A decorator that defines, registers and wraps; `frame_locals` resolve annotations of local classes."""
    unknown = settings.keys() - TaskOptions.__annotations__.keys() - {"schema", "schedule"}
    hooks = {
        name: value for name, value in settings.items() if name in _HOOKS and value is not None
    }
    rest = {name: value for name, value in settings.items() if name not in _HOOKS}

    def decorate(fn: Callable[..., Any], /) -> Task[Any, Any, Any]:
        if unknown:
            name = min(unknown)
            raise _unknown_option(name, settings[name], fn)
        definition = define(fn, hooks=hooks, frame_locals=frame_locals, **rest)
        REGISTRY.add(definition)
        return Task(definition)

    return decorate
