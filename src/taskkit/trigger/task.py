"""A task as its users hold it: a definition joined with the ways to trigger it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeAlias, Unpack, cast, overload

from typing_extensions import TypeVar

from taskkit.definition.hook_decorators import HookDecorators
from taskkit.definition.task_definition import TaskDefinition
from taskkit.model.options import TriggerOptions
from taskkit.model.result import RunResult
from taskkit.runtime.portal import twin
from taskkit.trigger import calls
from taskkit.trigger.calls import BatchItem, BatchResult
from taskkit.trigger.handle import BatchHandle, RunHandle
from taskkit.trigger.pending import Pending

PayloadT = TypeVar("PayloadT")
OutputT = TypeVar("OutputT")
CallT = TypeVar("CallT", default=Any)
OtherT = TypeVar("OtherT")
Items: TypeAlias = Iterable["PayloadT | BatchItem[PayloadT, OutputT]"]


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
        self: Task[OtherT | None, OutputT, CallT],
        payload: None = None,
        /,
        **options: Unpack[TriggerOptions],
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
        items = calls.listed(items)
        if self._options or any(isinstance(item, BatchItem) for item in items):
            items = [self._item(item) for item in items]
        return await calls.batch_trigger(items, self.definition)

    @overload
    def trigger_and_wait(
        self: Task[OtherT | None, OutputT, CallT],
        payload: None = None,
        /,
        **options: Unpack[TriggerOptions],
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
        items = calls.listed(items)
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

    def __repr__(self) -> str:
        return f"{self._task!r}.sync"

    @overload
    def trigger(
        self: TaskSync[OtherT | None, OutputT],
        payload: None = None,
        /,
        **options: Unpack[TriggerOptions],
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
        self: TaskSync[OtherT | None, OutputT],
        payload: None = None,
        /,
        **options: Unpack[TriggerOptions],
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
