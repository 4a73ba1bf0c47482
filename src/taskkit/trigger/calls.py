"""The four ways to ask for runs, for a task or its id, shared by `Task`, `tasks` and `batch`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, TypeGuard, TypeVar, cast

from pydantic import BaseModel

from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import InvalidOptionError, TaskkitError
from taskkit.model.exchange import Enqueued, Runs, Wait
from taskkit.model.options import TriggerOptions
from taskkit.model.request import TriggerRequest
from taskkit.model.result import RunResult, result_of
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.runtime.scope import need_scope
from taskkit.trigger.handle import BatchHandle, RunHandle, decoder, handles
from taskkit.trigger.submit import batch_id_of, build, send

PayloadT = TypeVar("PayloadT")
OutputT = TypeVar("OutputT")
OutputT_co = TypeVar("OutputT_co", covariant=True)
TaskLike = TaskDefinition | str
_NO_OPTIONS: TriggerOptions = {}
_ONE_PAYLOAD = (str, bytes, Mapping, BaseModel)


@dataclass(frozen=True, slots=True)
class BatchItem(Generic[PayloadT, OutputT]):
    """One run of a batch: a task or its id, a payload, and options of its own."""

    task: TaskLike
    payload: PayloadT
    options: TriggerOptions

    @property
    def task_id(self) -> str:
        return self.task if isinstance(self.task, str) else self.task.id


@dataclass(frozen=True, slots=True)
class BatchResult(Generic[OutputT_co]):
    """How the runs of a batch ended, in item order."""

    id: str
    runs: list[RunResult[OutputT_co]]


async def trigger(task: TaskLike, payload: object, options: TriggerOptions) -> RunHandle[Any]:
    home = current_home()
    if options.get("delay") is not None and not home.is_here:
        await home.ready()  # what it is counted from is the time of the store
    request = build(task, payload, options, home)
    if home.is_here:
        (answer,) = await home.enqueue((request,), None)
    else:
        (answer,) = await home.call(home.enqueue, (request,), None)
    if answer.error is not None:
        raise answer.error
    return RunHandle(home, request.task_id, answer)


async def trigger_and_wait(
    call: str, task: TaskLike, payload: object, options: TriggerOptions
) -> RunResult[Any]:
    scope = need_scope(call)
    request = build(task, payload, options, scope.home, awaited=True)
    wait = Wait(request.run_id.replace("run_", "wait_", 1), Runs((request.run_id,)))
    answer = await scope.wait_for(wait, (request,))
    assert isinstance(answer, tuple)  # a wait for runs is answered by runs
    return result_of(answer[0], decoder(request.task_id))


def as_item(task: TaskLike | None, item: Any) -> BatchItem[Any, Any]:
    """An element of a batch as an item; a bare payload belongs to `task`."""
    if isinstance(item, BatchItem):
        if task is not None and item.task_id != _id(task):
            raise InvalidOptionError(
                "a batch item",
                item.task_id,
                f"this is a batch of task {_id(task)!r}; use batch.trigger for several.",
            )
        return item  # pyright: ignore[reportUnknownVariableType]  # any payload
    return BatchItem(as_task(task, item), item, {})


def as_task(task: TaskLike | None, item: object) -> TaskLike:
    """The task that a bare payload belongs to."""
    if task is None:
        raise InvalidOptionError(
            "a batch item", item, "give task.item(payload, ...) for each run of the batch."
        )
    return task


async def batch_trigger(items: Iterable[Any], task: TaskLike | None = None) -> BatchHandle[Any]:
    """Items, or bare payloads for one task."""
    home = current_home()
    requests = _requests(items, task, home)
    batch_id = batch_id_of(requests)
    answers: Sequence[Enqueued] = ()
    if requests:
        answers = await home.call(send, home, requests, batch_id)
    return BatchHandle(
        home, batch_id, handles(home, [request.task_id for request in requests], answers)
    )


def listed(items: Any) -> Sequence[Any]:
    """The elements of a batch; what is one payload, and can be iterated over all the same, is refused."""
    if type(items) is list or type(items) is tuple:
        return cast("Sequence[Any]", items)
    if _are_several(items):
        return list(items)
    raise InvalidOptionError(
        "the batch", items, "give a list of payloads, or of task.item(payload, ...)."
    )


def _are_several(items: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(items, Iterable) and not isinstance(items, _ONE_PAYLOAD)


def _requests(
    items: Iterable[Any], task: TaskLike | None, home: Home, *, awaited: bool = False
) -> list[TriggerRequest]:
    requests: list[TriggerRequest] = []
    try:
        for item in items:
            if isinstance(item, BatchItem):
                request = build(item.task, item.payload, item.options, home, awaited=awaited)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # any payload
            else:
                request = build(as_task(task, item), item, _NO_OPTIONS, home, awaited=awaited)
            requests.append(request)
    except TaskkitError as error:
        error.add_note(f"In item {len(requests)} of the batch, counted from 0. None was triggered.")
        raise
    return requests


async def batch_trigger_and_wait(
    call: str, items: Iterable[Any], task: TaskLike | None = None
) -> BatchResult[Any]:
    """Items, or bare payloads for one task."""
    scope = need_scope(call)
    requests = _requests(items, task, scope.home, awaited=True)
    batch_id = batch_id_of(requests)
    if not requests:
        return BatchResult(batch_id, [])
    wait = Wait(_wait_id(batch_id), Runs(tuple(request.run_id for request in requests)), "batch")
    answer = await scope.wait_for(wait, requests, batch_id)
    assert isinstance(answer, tuple)  # a wait for runs is answered by runs
    return BatchResult(batch_id, _in_item_order(answer, requests))


def _in_item_order(runs: Sequence[Any], requests: Sequence[TriggerRequest]) -> list[RunResult[Any]]:
    return [
        result_of(run, decoder(request.task_id))
        for run, request in zip(runs, requests, strict=True)
    ]


def _wait_id(batch_id: str) -> str:
    return "wait_" + blake2b(batch_id.encode(), digest_size=13).hexdigest()


def target(task: Any) -> TaskLike:
    """A task's definition, or its id as it stands: where a task is wanted, either is accepted."""
    if isinstance(task, str | TaskDefinition):
        return task
    definition = getattr(task, "definition", None)
    if isinstance(definition, TaskDefinition):
        return definition
    raise InvalidOptionError("the task", task, "give a task or its id.")


def unwrap(result: RunResult[OutputT]) -> OutputT:
    return result.unwrap()


def unwrap_all(result: BatchResult[OutputT]) -> list[OutputT]:
    return [run.unwrap() for run in result.runs]


def _id(task: TaskLike) -> str:
    return task if isinstance(task, str) else task.id
