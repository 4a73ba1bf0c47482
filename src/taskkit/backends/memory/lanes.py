"""Which run comes next: order within queues, limits of queues and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from taskkit.backends.memory.record import Record
from taskkit.model.exchange import ClaimSpec
from taskkit.model.queue import Queue

Position = tuple[float, int, int]


class Gate:
    """How many runs of one queue and concurrency key may hold a slot at once."""

    __slots__ = ("blocked", "key", "lanes", "queue", "running")

    def __init__(self, queue: QueueState, key: str | None) -> None:
        self.queue = queue
        self.key = key
        self.running = 0
        self.lanes = 0
        self.blocked: list[Lane] = []

    @property
    def is_open(self) -> bool:
        limit = self.queue.limit
        return limit is None or self.running < limit


class QueueState:
    """A queue's settings and what stands in it."""

    __slots__ = ("length", "limit", "max_length", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.limit: int | None = None
        self.max_length: int | None = None
        self.length = 0


LaneKey = tuple[str, str | None, str, str | None, str | None]


class Lane:
    """Runs that only differ in their order: same queue, key, task, machine and preferred worker.

    Because a whole lane matches a worker or does not, a claim skips lanes and never looks at their runs.
    """

    __slots__ = ("gate", "items", "key")

    def __init__(self, key: LaneKey, gate: Gate) -> None:
        self.key = key
        self.gate = gate
        self.items: list[tuple[Position, Record]] = []

    def matches(self, worker: str, spec: ClaimSpec) -> bool:
        queue, _, task, machine, holder = self.key
        return (
            (holder is None or holder == worker)
            and (spec.tasks is None or task in spec.tasks)
            and (spec.queues is None or queue in spec.queues)
            and (spec.machines is None or machine is None or machine in spec.machines)
        )


class Lanes:
    """Every due run, in lanes; a heap of lane heads gives the next one in O(log lanes)."""

    def __init__(self) -> None:
        self.queues: dict[str, QueueState] = {}
        self._gates: dict[tuple[str, str | None], Gate] = {}
        self._lanes: dict[LaneKey, Lane] = {}
        self._heads: list[tuple[Position, Lane]] = []
        self._count = 0

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
        run = record.run
        request = run.request
        key = (request.queue, request.concurrency_key, request.task_id, run.machine, holder)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, self._gate(request.queue, request.concurrency_key))
            lane.gate.lanes += 1
        record.place += 1
        self._count += 1
        position = (run.queue_time.timestamp() - request.priority, self._count, record.place)
        heappush(lane.items, (position, record))
        if lane.items[0][0] is position:
            heappush(self._heads, (position, lane))

    def take(self, worker: str, spec: ClaimSpec, limit: int, due: Callable[[Record], bool]) -> Iterator[Record]:
        """Up to `limit` runs in order, each with its gate entered; `due` tells stale entries apart."""
        aside: list[tuple[Position, Lane]] = []
        heads = self._heads
        while limit > 0 and heads:
            head = heappop(heads)
            lane = head[1]
            if not lane.items or lane.items[0][0] is not head[0]:
                continue
            if not lane.matches(worker, spec):
                aside.append(head)
            elif not lane.gate.is_open:
                lane.gate.blocked.append(lane)
            else:
                record = self._pop(lane, due)
                if record is not None:
                    limit -= 1
                    yield record
        for head in aside:
            heappush(heads, head)

    def _pop(self, lane: Lane, due: Callable[[Record], bool]) -> Record | None:
        (position, record) = heappop(lane.items)
        if lane.items:
            heappush(self._heads, (lane.items[0][0], lane))
        else:
            self._drop(lane)
        if position[2] != record.place or not due(record):
            return None
        lane.gate.running += 1
        record.gate = lane.gate
        return record

    def leave(self, record: Record) -> None:
        """Give the run's place in its queue back, once."""
        gate = record.gate
        if gate is None:
            return
        record.gate = None
        gate.running -= 1
        if gate.blocked:
            self._unblock(gate)
        elif gate.running == 0 and gate.lanes == 0 and gate.key is not None:
            self._gates.pop((gate.queue.name, gate.key), None)

    def _unblock(self, gate: Gate) -> None:
        blocked, gate.blocked = gate.blocked, []
        for lane in blocked:
            if lane.items:
                heappush(self._heads, (lane.items[0][0], lane))

    def _gate(self, queue: str, key: str | None) -> Gate:
        gate = self._gates.get((queue, key))
        if gate is None:
            gate = self._gates[(queue, key)] = Gate(self.queue(queue), key)
        return gate

    def _drop(self, lane: Lane) -> None:
        """Forget an empty lane whose like may never come again; ordinary ones stay, they are few and hot."""
        _, key, _, _, holder = lane.key
        if key is not None or holder is not None:
            del self._lanes[lane.key]
            lane.gate.lanes -= 1
