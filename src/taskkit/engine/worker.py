"""taskkit's engine as a backend sees it: a lease in, an execution out."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Coroutine
from typing import Any

import anyio

from taskkit import config
from taskkit.backends.base import Control, Execution
from taskkit.definition.context import Environment
from taskkit.definition.policy import policy_of, presets_of
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import TaskDefinition
from taskkit.engine.attempt import Attempt
from taskkit.engine.child.stop_times import STOP_TIMES
from taskkit.engine.decide import Retries
from taskkit.engine.isolation import unlimited
from taskkit.engine.stand_in import StandIn
from taskkit.engine.time_limit import TimeLimits
from taskkit.engine.watchdog import Watchdog
from taskkit.errors import InvalidOptionError
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Failed, Lease, Manifest, Outcome, Signal
from taskkit.model.run import Run
from taskkit.runtime.home import Home
from taskkit.runtime.redacting_filter import mask_logs

_log = logging.getLogger("taskkit.worker")

mask_logs("taskkit.task", "taskkit.worker", "taskkit.hooks", "taskkit.runtime", "taskkit.metadata")


class Runner:
    """Carries out the tasks of this process."""

    def __init__(self, home: Home, environment: Environment) -> None:
        self.home = home
        self.environment: Environment = environment
        self.limits = TimeLimits(home.clock)
        self.stop_times = STOP_TIMES
        self._watchdog: Watchdog | None = None
        self._threads: anyio.CapacityLimiter | None = None
        self._kept: set[asyncio.Task[Any]] = set()
        self._manifest: Manifest | None = None
        self._contradiction = ""

    @property
    def manifest(self) -> Manifest:
        """The same object until a task or a queue is defined, and while what is defined contradicts itself."""
        try:
            queues = REGISTRY.queues()
        except InvalidOptionError as error:
            if self._manifest is None:
                raise
            if str(error) != self._contradiction:
                self._contradiction = str(error)
                _log.error("nothing that was defined since is worked on: %s", error)
            return self._manifest
        if self._manifest is None or self._manifest.queues is not queues:
            machines = presets_of(REGISTRY.definitions())
            self._manifest = Manifest(frozenset(REGISTRY.ids()), queues, machines=machines)
        return self._manifest

    def begin(self, lease: Lease, control: Control) -> Execution:
        if self._watchdog is None:
            self._watchdog = Watchdog()
        definition = REGISTRY.get(lease.run.request.task_id)
        if definition is None:
            return _Unknown(lease)
        if REGISTRY.stand_ins and (answer := REGISTRY.stand_ins.get(definition.id)) is not None:
            return StandIn(lease, definition, answer)
        if definition.isolation == "process" and lease.kind != "cleanup":
            from taskkit.engine.child.execution import ProcessExecution  # most workers have none

            execution: Execution = ProcessExecution(self, lease, control, definition)
        else:
            execution = Attempt(self, lease, control, definition)
        if sys.modules.get("opentelemetry.trace") is None:
            return execution
        from taskkit.engine.traced import traced  # which is of use only beside it

        return traced(execution, lease)

    def retries_of(self, definition: TaskDefinition, run: Run) -> Retries:
        """The retries that apply to a run here."""
        enabled = self.environment == "production" or config.current().retries.enabled_in_dev
        return Retries(policy_of(definition).retry, run.request.max_attempts, enabled)

    def threads(self) -> anyio.CapacityLimiter:
        """No limit of its own: the worker's slots are the limit."""
        if self._threads is None:
            self._threads = unlimited()
        return self._threads

    def keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that nobody awaits, and keep it from being collected."""
        task = asyncio.get_running_loop().create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return task

    def close(self) -> None:
        self.limits.close()
        if self._watchdog is not None:
            self._watchdog.close()


class _Unknown:
    """A run whose task this process does not know; only reached when a worker takes any task."""

    __slots__ = ("_lease",)

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    async def run(self) -> Outcome:
        task_id = self._lease.run.task_id
        message = (
            f"This worker knows no task {task_id!r}. Import the module that defines it before the worker starts, or "
            f"list its folder under dirs in [tool.taskkit]."
        )
        return Failed(ErrorInfo.verdict("COULD_NOT_FIND_TASK", "TaskNotFoundError", message))

    def resume(self, lease: Lease) -> None:
        self._lease = lease

    def tell(self, signal: Signal) -> None:
        return None
