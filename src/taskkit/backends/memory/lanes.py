"""Which run comes next: order within queues, limits of queues and keys."""

from __future__ import annotations

from heapq import heappop, heappush

from taskkit.backends.memory.record import Record
from taskkit.model.exchange import ClaimSpec
from taskkit.model.queue import Queue
from taskkit.model.run import RunStatus

LaneKey = tuple[str, str | None, str, str | None, str | None]
Item = tuple[float, int, int, Record]
"""Order in time, order of arrival (never the same twice), the record's place, the record."""


class QueueState:
    """A queue's settings and how many runs stand in it."""

    __slots__ = ("length", "limit", "max_length", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.limit: int | None = None
        self.max_length: int | None = None
        self.length = 0


class Gate:
    """How many runs of one queue and concurrency key may hold a slot at once."""

    __slots__ = ("blocked", "key", "lanes", "queue", "running")

    def __init__(self, queue: QueueState, key: str | None) -> None:
        self.queue = queue
        self.key = key
        self.running = 0
        self.lanes = 0
        self.blocked: list[Lane] = []


class Lane:
    """Runs that only differ in their order: same queue, key, task, machine and preferred worker.

    Because a whole lane matches a worker or does not, a claim skips lanes and never looks at their runs.
    """

    __slots__ = ("gate", "items", "key")

    def __init__(self, key: LaneKey, gate: Gate) -> None:
        self.key = key
        self.gate = gate
        self.items: list[Item] = []

    def matches(self, worker: str, spec: ClaimSpec) -> bool:
        queue, _, task, machine, holder = self.key
        if spec.tasks is None and spec.queues is None and spec.machines is None:
            return holder is None or holder == worker
        return (
            (holder is None or holder == worker)
            and (spec.tasks is None or task in spec.tasks)
            and (spec.queues is None or queue in spec.queues)
            and (spec.machines is None or machine is None or machine in spec.machines)
        )


class Lanes:
    """Every due run, in lanes; a heap of lane heads gives the next one in O(log lanes).

    An entry whose record has moved on since, by its `place` or its status, is stale and skipped.
    """

    def __init__(self) -> None:
        self.queues: dict[str, QueueState] = {}
        self._gates: dict[tuple[str, str | None], Gate] = {}
        self._lanes: dict[LaneKey, Lane] = {}
        self._heads: list[tuple[float, int, Lane]] = []
        self._arrivals = 0

    def queue(self, name: str) -> QueueState:
        state = self.queues.get(name)
        if state is None:
            state = self.queues[name] = QueueState(name)
        return state

    def declare(self, queue: Queue) -> None:
        state = self.queue(queue.name)
        state.limit, state.max_length = queue.concurrency_limit, queue.max_length
        for gate in self._gates.values():
            if gate.queue is state:
                self._unblock(gate)

    def put(self, record: Record, holder: str | None = None) -> None:
        """Queue a due run; with a holder only that worker may take it."""
        request = record.request
        key = (request.queue, request.concurrency_key, request.task_id, record.machine, holder)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, self._gate(request.queue, request.concurrency_key))
            lane.gate.lanes += 1
        record.place = place = record.place + 1
        if record.status is RunStatus.QUEUED:
            record.queued = True
            lane.gate.queue.length += 1
        self._arrivals = arrival = self._arrivals + 1
        order = record.queue_time.timestamp() - request.priority
        items = lane.items
        heappush(items, (order, arrival, place, record))
        if items[0][1] == arrival:
            heappush(self._heads, (order, arrival, lane))

    def take(self, worker: str, spec: ClaimSpec, limit: int) -> list[Record]:
        """Up to `limit` runs in order, each with its gate entered."""
        taken: list[Record] = []
        aside: list[tuple[float, int, Lane]] = []
        heads = self._heads
        while len(taken) < limit and heads:
            head = heappop(heads)
            lane = head[2]
            if not lane.items or lane.items[0][1] != head[1]:
                continue
            limited = lane.gate.queue.limit
            if not lane.matches(worker, spec):
                aside.append(head)
            elif limited is not None and lane.gate.running >= limited:
                lane.gate.blocked.append(lane)
            else:
                self._take_first(lane, taken)
        for head in aside:
            heappush(heads, head)
        return taken

    def _take_first(self, lane: Lane, taken: list[Record]) -> None:
        items, gate = lane.items, lane.gate
        _, _, place, record = heappop(items)
        if items:
            heappush(self._heads, (items[0][0], items[0][1], lane))
        elif lane.key[1] is not None or lane.key[4] is not None:
            self._drop(lane)
        status = record.status
        if place == record.place and (status is RunStatus.QUEUED or status is RunStatus.WAITING):
            gate.running += 1
            record.gate = gate
            if record.queued:
                record.queued = False
                gate.queue.length -= 1
            taken.append(record)

    def remove(self, record: Record) -> None:
        """The run no longer stands in its queue; its entry is stale from now on."""
        record.place += 1
        if record.queued:
            record.queued = False
            self.queue(record.request.queue).length -= 1

    def leave(self, record: Record) -> bool:
        """Give the run's place in its queue's limit back, once; whether that lets another run go."""
        gate = record.gate
        if gate is None:
            return False
        record.gate = None
        gate.running -= 1
        if gate.blocked:
            self._unblock(gate)
            return True
        if gate.key is not None and gate.running == 0 and gate.lanes == 0:
            self._gates.pop((gate.queue.name, gate.key), None)
        return False

    def _unblock(self, gate: Gate) -> None:
        blocked, gate.blocked = gate.blocked, []
        for lane in blocked:
            if lane.items:
                heappush(self._heads, (lane.items[0][0], lane.items[0][1], lane))

    def _gate(self, queue: str, key: str | None) -> Gate:
        gate = self._gates.get((queue, key))
        if gate is None:
            gate = self._gates[(queue, key)] = Gate(self.queue(queue), key)
        return gate

    def _drop(self, lane: Lane) -> None:
        """Forget an empty lane whose like may never come again; ordinary ones stay, they are few and hot."""
        del self._lanes[lane.key]
        lane.gate.lanes -= 1
