"""Which machine presets runs have asked for, so that workers poll the task queues of these and of no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.place import Place
from taskkit.model.exchange import ClaimSpec, Manifest

_TYPE: Final = "taskkit.machines"
_USE: Final = "use"


class Machines:
    """The presets of each queue.

    Those that a worker's tasks name it knows. Another may come with a trigger: who is the first to ask for it leaves a
    signal in a workflow that no worker ever carries on, and workers look every few seconds whether there is a new one.
    """

    def __init__(self, client: Client, place: Place) -> None:
        self._client = client
        self._queue = self._id = place.machine_queue
        self._place = place
        self._used: set[tuple[str, str]] = set()
        self._length = 0

    async def use(self, queue: str, machine: str) -> None:
        """Runs of this queue ask for this preset; told once."""
        if (queue, machine) in self._used:
            return
        await self.look()
        if (queue, machine) in self._used:
            return
        await self._client.start_workflow(
            _TYPE,
            id=self._id,
            task_queue=self._queue,
            start_signal=_USE,
            start_signal_args=[queue, machine],
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        self._used.add((queue, machine))

    async def look(self) -> None:
        """Learn what others have told: one call, which is no list, as long as there is nothing new."""
        handle = self._client.get_workflow_handle(self._id)
        try:
            length = (await handle.describe()).history_length
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return
            raise
        if length == self._length:
            return
        async for event in handle.fetch_history_events():
            signal = event.workflow_execution_signaled_event_attributes
            if signal.signal_name == _USE:
                payloads = list(signal.input.payloads)
                queue, machine = await self._client.data_converter.decode(payloads, [str, str])
                self._used.add((queue, machine))
        self._length = length

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
