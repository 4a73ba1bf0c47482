"""`@task` and `@schema_task`: a definition joined with the ways to trigger it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import (
    Any,
    Generic,
    Literal,
    Never,
    Protocol,
    TypeAlias,
    TypedDict,
    Unpack,
    cast,
    overload,
)

from typing_extensions import TypeVar

from taskkit.definition.context import Context
from taskkit.definition.hook_decorators import HookDecorators
from taskkit.definition.hooks import ALIASES, WANTS
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import TaskDefinition, define
from taskkit.errors import InvalidOptionError, TaskSignatureError
from taskkit.model.duration import Duration
from taskkit.model.options import TriggerOptions
from taskkit.model.queue import Queue
from taskkit.model.result import RunResult
from taskkit.model.retry import Retry
from taskkit.runtime.portal import twin
from taskkit.trigger import calls
from taskkit.trigger.calls import BatchItem, BatchResult
from taskkit.trigger.handle import BatchHandle, RunHandle
from taskkit.trigger.pending import Pending

PayloadT = TypeVar("PayloadT")
OutputT = TypeVar("OutputT")
CallT = TypeVar("CallT", default=Any)
SchemaT = TypeVar("SchemaT")
Hooks: TypeAlias = Callable[..., Any] | Sequence[Callable[..., Any]] | None
Items: TypeAlias = Sequence["PayloadT | BatchItem[PayloadT, OutputT]"]
_HOOKS = WANTS.keys() | ALIASES.keys()


class Task(HookDecorators, Generic[PayloadT, OutputT, CallT]):
    """A function that can be triggered as a run.

    Calling it calls the plain function; `trigger` and its like ask a backend for a run. The third type
    parameter is what calling it gives: a coroutine for `async def`, the output for `def`.
    """

    def __init__(self, definition: TaskDefinition, options: TriggerOptions | None = None) -> None:
        self.definition = definition
        self._options: TriggerOptions = options or {}
        self.__wrapped__ = definition.fn
        self.__name__ = definition.name
        self.__doc__ = definition.fn.__doc__

    @property
    def id(self) -> str:
        """The id by which it is triggered from elsewhere."""
        return self.definition.id

    def __call__(self, *args: Any, **kwargs: Any) -> CallT:
        """Call the plain function: no run, no retry, no hooks."""
        return cast("CallT", self.definition.fn(*args, **kwargs))

    @property
    def run(self) -> Callable[..., CallT]:
        """The plain function."""
        return self.definition.fn

    def __repr__(self) -> str:
        return f"<Task {self.id!r} at {self.definition.file_path}:{self.definition.line}>"

    # --- triggering ---------------------------------------------------------------------------------

    @overload
    async def trigger(
        self: Task[None, OutputT, CallT], payload: None = None, /, **options: Unpack[TriggerOptions]
    ) -> RunHandle[OutputT]: ...
    @overload
    async def trigger(
        self, payload: PayloadT, /, **options: Unpack[TriggerOptions]
    ) -> RunHandle[OutputT]: ...
    async def trigger(
        self, payload: Any = None, /, **options: Unpack[TriggerOptions]
    ) -> RunHandle[OutputT]:
        """Ask for a run; its handle, once the backend has stored it.

        Raises PayloadValidationError and the other TriggerErrors before anything is stored.
        """
        return await calls.trigger(self.definition, payload, self._with(options))

    async def batch_trigger(self, items: Items[PayloadT, OutputT], /) -> BatchHandle[OutputT]:
        """Ask for many runs at once: payloads, or `task.item(payload, ...)` for options of its own."""
        if self._options or any(isinstance(item, BatchItem) for item in items):
            items = [self._item(item) for item in items]
        return await calls.batch_trigger(items, self.definition)

    @overload
    def trigger_and_wait(
        self: Task[None, OutputT, CallT], payload: None = None, /, **options: Unpack[TriggerOptions]
    ) -> Pending[RunResult[OutputT], OutputT]: ...
    @overload
    def trigger_and_wait(
        self, payload: PayloadT, /, **options: Unpack[TriggerOptions]
    ) -> Pending[RunResult[OutputT], OutputT]: ...
    def trigger_and_wait(
        self, payload: Any = None, /, **options: Unpack[TriggerOptions]
    ) -> Pending[RunResult[OutputT], OutputT]:
        """Ask for a child run and wait for its end, inside a task; the slot is free meanwhile.

        Await it for the RunResult, or `.unwrap()` for the output. Cancelling the wait leaves the child running.
        """
        name = f"{self.__name__}.trigger_and_wait"
        inner = calls.trigger_and_wait(name, self.definition, payload, self._with(options))
        return Pending(inner, calls.unwrap, name)

    def batch_trigger_and_wait(
        self, items: Items[PayloadT, OutputT], /
    ) -> Pending[BatchResult[OutputT], list[OutputT]]:
        """Ask for many child runs and wait for all; `.runs` holds their results in item order."""
        name = f"{self.__name__}.batch_trigger_and_wait"
        if self._options or any(isinstance(item, BatchItem) for item in items):
            items = [self._item(item) for item in items]
        inner = calls.batch_trigger_and_wait(name, items, self.definition)
        return Pending(inner, calls.unwrap_all, name)

    def item(
        self, payload: PayloadT, /, **options: Unpack[TriggerOptions]
    ) -> BatchItem[PayloadT, OutputT]:
        """One run of a batch, with options of its own."""
        return BatchItem(self.definition, payload, self._with(options))

    def with_options(self, **options: Unpack[TriggerOptions]) -> Task[PayloadT, OutputT, CallT]:
        """The same task with options that apply to each trigger unless the trigger says otherwise."""
        return Task(self.definition, self._with(options))

    @property
    def sync(self) -> TaskSync[PayloadT, OutputT]:
        """The same calls for plain code."""
        return TaskSync(cast("Task[PayloadT, OutputT, Any]", self))

    def _with(self, options: TriggerOptions) -> TriggerOptions:
        return cast("TriggerOptions", {**self._options, **options}) if self._options else options

    def _item(self, item: Any) -> BatchItem[Any, Any]:
        found = calls.as_item(self.definition, item)
        if self._options:
            return BatchItem(found.task, found.payload, self._with(found.options))
        return found


class TaskSync(Generic[PayloadT, OutputT]):
    """A task's calls for plain code: they block. Inside a `def` task they hold no slot while they wait."""

    __slots__ = ("_task",)

    def __init__(self, task: Task[PayloadT, OutputT, Any]) -> None:
        self._task = task

    @overload
    def trigger(
        self: TaskSync[None, OutputT], payload: None = None, /, **options: Unpack[TriggerOptions]
    ) -> RunHandle[OutputT]: ...
    @overload
    def trigger(
        self, payload: PayloadT, /, **options: Unpack[TriggerOptions]
    ) -> RunHandle[OutputT]: ...
    def trigger(
        self, payload: Any = None, /, **options: Unpack[TriggerOptions]
    ) -> RunHandle[OutputT]:
        """See `Task.trigger`."""
        return twin(self._task.trigger)(payload, **options)

    def batch_trigger(self, items: Items[PayloadT, OutputT], /) -> BatchHandle[OutputT]:
        """See `Task.batch_trigger`."""
        return twin(self._task.batch_trigger)(items)

    @overload
    def trigger_and_wait(
        self: TaskSync[None, OutputT], payload: None = None, /, **options: Unpack[TriggerOptions]
    ) -> RunResult[OutputT]: ...
    @overload
    def trigger_and_wait(
        self, payload: PayloadT, /, **options: Unpack[TriggerOptions]
    ) -> RunResult[OutputT]: ...
    def trigger_and_wait(
        self, payload: Any = None, /, **options: Unpack[TriggerOptions]
    ) -> RunResult[OutputT]:
        """See `Task.trigger_and_wait`."""
        return twin(self._task.trigger_and_wait)(payload, **options)

    def batch_trigger_and_wait(self, items: Items[PayloadT, OutputT], /) -> BatchResult[OutputT]:
        """See `Task.batch_trigger_and_wait`."""
        return twin(self._task.batch_trigger_and_wait)(items)


AsyncTask: TypeAlias = Task[PayloadT, OutputT, Coroutine[Any, Any, OutputT]]


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
    isolation: Literal["thread", "process"]
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

    # A function that takes only a context must be met first: `(payload)` would take it too.
    @overload
    def __call__(
        self, fn: Callable[[], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[None, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[None, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[PayloadT], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[PayloadT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[PayloadT, Context], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[PayloadT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, PayloadT], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[PayloadT, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[], OutputT], /) -> Task[None, OutputT, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[Context], OutputT], /) -> Task[None, OutputT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[PayloadT], OutputT], /
    ) -> Task[PayloadT, OutputT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[PayloadT, Context], OutputT], /
    ) -> Task[PayloadT, OutputT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, PayloadT], OutputT], /
    ) -> Task[PayloadT, OutputT, OutputT]: ...


class SchemaTaskDecorator(Protocol[SchemaT]):
    """Turns a function into a `Task` whose payload is what the schema makes of it."""

    @overload
    def __call__(
        self, fn: Callable[[SchemaT], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[SchemaT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[SchemaT, Context], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[SchemaT, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[SchemaT], OutputT], /) -> Task[SchemaT, OutputT, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[SchemaT, Context], OutputT], /
    ) -> Task[SchemaT, OutputT, OutputT]: ...


def task(bare: Never | None = None, /, **options: Unpack[TaskOptions]) -> TaskDecorator:
    """Make a task of a function that takes a payload, a `Context`, both, or nothing.

    The payload's annotation is its schema. Importing a module with tasks does no I/O and picks no backend.
    Raises TaskSignatureError, DuplicateTaskIdError, HookSignatureError, InvalidDurationError or
    InvalidOptionError, each naming the function or the value and its place.

        @task(id="sync-user", max_duration=300, retry=Retry(max_attempts=3))
        async def sync_user(payload: User, ctx: Context) -> Report: ...
    """
    if bare is not None:
        raise TaskSignatureError(
            "@task was written without parentheses. Write @task() or @task(id=...)."
        )
    return cast("TaskDecorator", decorator_of(dict(options), sys._getframe(1).f_locals))


def schema_task(
    *, schema: type[SchemaT], **options: Unpack[TaskOptions]
) -> SchemaTaskDecorator[SchemaT]:
    """Make a task whose payload is validated by `schema`: any type that pydantic can validate.

    Otherwise as `task`.
    """
    settings = {**options, "schema": schema}
    return cast("SchemaTaskDecorator[SchemaT]", decorator_of(settings, sys._getframe(1).f_locals))


def decorator_of(
    settings: Mapping[str, Any], frame_locals: Mapping[str, Any] | None
) -> Callable[[Callable[..., Any]], Task[Any, Any, Any]]:
    """A decorator that defines, registers and wraps; `frame_locals` resolve annotations of local classes."""
    unknown = settings.keys() - TaskOptions.__annotations__.keys() - {"schema", "schedule"}
    if unknown:
        name = min(unknown)
        known = ", ".join(TaskOptions.__annotations__)
        raise InvalidOptionError(
            name, settings[name], f"a task has no such option. It has: {known}."
        )
    hooks = {
        name: value for name, value in settings.items() if name in _HOOKS and value is not None
    }
    rest = {name: value for name, value in settings.items() if name not in _HOOKS}

    def decorate(fn: Callable[..., Any], /) -> Task[Any, Any, Any]:
        definition = define(fn, hooks=hooks, frame_locals=frame_locals, **rest)
        REGISTRY.add(definition)
        return Task(definition)

    return decorate
