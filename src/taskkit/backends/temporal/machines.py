"""Which machine presets runs have asked for, so that workers poll the task queues of these and of no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from taskkit.backends.temporal.place import Place
from taskkit.model.exchange import ClaimSpec, Manifest

_TYPE: Final = "taskkit.machine"


class Machines:
    """The presets of each queue.

    Those that a worker's tasks name it knows. Another may come with a trigger: the first of its kind leaves a workflow
    that no worker ever carries on, and workers look for these every few seconds.
    """

    def __init__(self, client: Client, place: Place) -> None:
        self._client = client
        self._place = place
        self._used: set[tuple[str, str]] = set()

    async def use(self, queue: str, machine: str) -> None:
        """Runs of this queue ask for this preset; told once for each process."""
        if (queue, machine) in self._used:
            return
        with suppress(WorkflowAlreadyStartedError):  # others were first
            await self._client.start_workflow(
                _TYPE,
                id=f"{self._place.project}/machine/{queue}@{machine}",
                task_queue=self._place.machine_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            )
        self._used.add((queue, machine))

    async def look(self) -> None:
        """Learn what others have told."""
        start = len(f"{self._place.project}/machine/")
        async for one in self._client.list_workflows(f"TaskQueue = '{self._place.machine_queue}'"):
            queue, _, machine = one.id[start:].rpartition("@")
            self._used.add((queue, machine))

    def task_queues(self, manifest: Manifest, spec: ClaimSpec) -> Iterator[str]:
        """What a worker polls. Runs that ask for no preset are for every machine."""
        for name in manifest.queues:
            if spec.queues is not None and name not in spec.queues:
                continue
            yield self._place.task_queue(name)
            machines = spec.machines
            if machines is None:
                named = manifest.machines.get(name, frozenset())
                machines = named | {machine for queue, machine in self._used if queue == name}
            for machine in sorted(machines):
                yield self._place.task_queue(name, machine)
