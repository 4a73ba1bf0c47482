"""The tasks of this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from taskkit.definition.hooks import GLOBAL_HOOKS
from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import DuplicateTaskIdError, InvalidOptionError
from taskkit.model.queue import Queue


class Registry:
    """Tasks by id, and the queues that they and `add_queue` declare."""

    def __init__(self) -> None:
        self._definitions: dict[str, TaskDefinition] = {}
        self._declared: dict[str, Queue] = {}
        self._queues: Mapping[str, Queue] | None = None
        self._listeners: list[Callable[[], None]] = []
        self.stand_ins: dict[str, Callable[[Any], Any]] = {}
        self.find: Callable[[str], None] | None = None
        """Called with an id that is not known, and may make it known."""

    def add(self, definition: TaskDefinition) -> None:
        """Register a task.

        The same function in a newer version replaces the older one (a reloaded module, a notebook cell
        run again). Another function under the same id raises DuplicateTaskIdError.
        """
        present = self._definitions.get(definition.id)
        if present is not None and not _is_same(present, definition):
            raise DuplicateTaskIdError(definition.id, present.where, definition.where)
        self._definitions[definition.id] = definition
        self._queues = None
        for listener in tuple(self._listeners):
            listener()

    def on_add(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back after each `add`, in the thread that adds; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def get(self, task_id: str) -> TaskDefinition | None:
        """The task with this id, if it is known here."""
        if self.find is not None and task_id not in self._definitions:
            self.find(task_id)
        return self._definitions.get(task_id)

    def near(self, task_id: str) -> list[str]:
        """Known ids that look like this one, nearest first."""
        return get_close_matches(task_id, self._definitions, n=3)

    def ids(self) -> tuple[str, ...]:
        """Every id, in order of registration."""
        return tuple(self._definitions)

    def definitions(self) -> tuple[TaskDefinition, ...]:
        """Every task, in order of registration."""
        return tuple(self._definitions.values())

    def add_queue(self, queue: Queue) -> None:
        """Declare a queue that no task names, or give its limits; a later word on one name replaces."""
        self._declared[queue.name] = queue
        self._queues = None

    def queues(self) -> Mapping[str, Queue]:
        """Every queue by name, with the limits that somebody gave it.

        A queue without limits refers to the one of its name that has some. Raises InvalidOptionError when
        two places give different limits.
        """
        if self._queues is None:
            self._queues = MappingProxyType(self._gathered())
        return self._queues

    def _gathered(self) -> dict[str, Queue]:
        queues: dict[str, Queue] = {}
        places: dict[str, str] = {}
        declared = [(queue, "its own declaration") for queue in self._declared.values()]
        tasks = [(task.queue, f"task {task.id!r} at {task.where}") for task in self.definitions()]
        for queue, place in declared + tasks:
            present = queues.get(queue.name)
            if present is None or not _has_limits(present):
                queues[queue.name], places[queue.name] = queue, place
            elif _has_limits(queue) and queue != present:
                raise InvalidOptionError(
                    f"queue {queue.name!r}",
                    queue,
                    f"{place} declares it so, and {places[queue.name]} as {present}. Make one Queue and use it "
                    f"in both places.",
                )
        return queues

    @contextmanager
    def stand_in(self, task_id: str, answer: Callable[[Any], Any]) -> Generator[None]:
        """Inside, runs of this task are answered by this function of the payload; afterwards all is as before."""
        before = self.stand_ins.get(task_id)
        self.stand_ins[task_id] = answer
        try:
            yield
        finally:
            if before is None:
                del self.stand_ins[task_id]
            else:
                self.stand_ins[task_id] = before

    @contextmanager
    def isolated(self) -> Generator[None]:
        """Inside, no task, queue or global hook is registered; afterwards all is as before."""
        before = (self._definitions, self._declared)
        hooks = GLOBAL_HOOKS.copy()
        self._definitions, self._declared, self._queues = {}, {}, None
        GLOBAL_HOOKS.clear()
        try:
            yield
        finally:
            self._definitions, self._declared = before
            self._queues = None
            GLOBAL_HOOKS.adopt(hooks)


REGISTRY: Final = Registry()
"""The tasks that the decorators of this process registered."""


def _has_limits(queue: Queue) -> bool:
    return queue.concurrency_limit is not None or queue.max_length is not None


def _is_same(one: TaskDefinition, other: TaskDefinition) -> bool:
    # One file may be imported under two names: `python -m app.tasks` makes it __main__ as well.
    return one.qualname == other.qualname and (
        one.module == other.module or one.file_path == other.file_path
    )
