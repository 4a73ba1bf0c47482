"""Which run comes next: turns of queues and keys, order within them, and their limits.

Queues take turns, so that ten thousand runs of one do not hold up a run of another. A round gives each queue
that has work one run; which of the queues that are still to come in a round is first depends on the order in
time of their next runs. A run that its parent waits for uses the turn of its family: of the queue in which
the first of its forebears stands. So a parent's children, who take its place in time, go before younger
parents, and a family in many queues has no more turns than another. Within a queue its concurrency keys take
turns in the same way. Within a queue and key runs go by time minus priority.

A turn is a number: the round in which the next run may go. It only grows, so an entry of a heap that holds
an old one is put back with the new one when it comes up, and nothing is ever searched for.
"""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace

from taskkit.backends.memory.queue_state import Gate, Head, Lane, LaneKey, QueueState
from taskkit.backends.memory.record import Record
from taskkit.model.exchange import ClaimSpec
from taskkit.model.queue import Queue
from taskkit.model.run import RunStatus

_ENTRY_BITS = 40
_QUEUED, _WAITING = RunStatus.QUEUED, RunStatus.WAITING  # looked at for each run


class Lanes:
    """Every due run, in lanes; a heap of queues, each with a heap of its lanes, gives the next in O(log n).

    An entry whose record has moved on since, by its `place` or its status, is stale and skipped, and so is
    an entry of a queue or a lane that is no longer about its first run.
    """

    def __init__(self) -> None:
        self.queues: dict[str, QueueState] = {}
        self._gates: dict[tuple[str, str | None], Gate] = {}
        self._lanes: dict[LaneKey, Lane] = {}
        self._heads: list[Head] = []
        self._round = 0
        self._entries = 0

    def queue(self, name: str) -> QueueState:
        state = self.queues.get(name)
        if state is None:
            state = self.queues[name] = QueueState(name)
        return state

    # --- settings of queues -------------------------------------------------------------------------

    def declare(self, queue: Queue) -> None:
        """What the code says of a queue; a limit that was given in its place stays."""
        state = self.queue(queue.name)
        state.max_length = queue.max_length
        state.declared = queue.concurrency_limit
        self.apply(state)

    def apply(self, state: QueueState) -> None:
        """Let the settings of a queue count, also for the runs that stand in it already."""
        if state.apply():
            for gate in self.gates(state):
                self._unblock(gate)

    def gates(self, state: QueueState) -> list[Gate]:
        return [gate for gate in self._gates.values() if gate.queue is state]

    def shut_in(self) -> int:
        """How many runs stand in queues that let none start."""
        return sum(state.length for state in self.queues.values() if state.is_shut)

    def join_family(self, record: Record, parent: Record) -> None:
        """A run that its parent waits for has its parent's place, and uses the turn of its family."""
        record.rank = parent.rank
        payer = parent.payer or self.queue(parent.request.queue)
        if payer.name != record.request.queue:
            record.payer = payer

    # --- in -----------------------------------------------------------------------------------------

    def put(self, record: Record, holder: str | None = None) -> None:
        """Queue a due run; one that comes back from a wait with its holder, or ANYBODY."""
        request = record.request
        key = (request.queue, request.concurrency_key, request.task_id, record.machine, holder)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, self._gate(request.queue, request.concurrency_key))
            lane.gate.lanes += 1
        record.place = place = record.place + 1
        if record.status is _QUEUED:
            record.queued = True
            lane.queue.length += 1
        self._entries += 1
        arrival = record.rank << _ENTRY_BITS | self._entries
        order = record.queue_time.timestamp() - request.priority
        items = lane.items
        heappush(items, (order, arrival, place, record))
        if items[0][1] == arrival:
            queue = lane.queue
            ready = queue.ready
            heappush(ready, (lane.gate.turn, order, arrival, lane))
            if ready[0][2] == arrival:
                heappush(self._heads, (self._round, order, arrival, queue))

    def _offer(self, lane: Lane) -> None:
        """A lane that was set aside takes part again."""
        if lane.items:
            order, arrival, _, _ = lane.items[0]
            heappush(lane.queue.ready, (lane.gate.turn, order, arrival, lane))
            if lane.queue.ready[0][2] == arrival:
                heappush(self._heads, (self._round, order, arrival, lane.queue))

    def _offer_queue(self, queue: QueueState) -> None:
        """Another run is a queue's first; forget what stood before it and is stale."""
        ready = queue.ready
        while ready:
            turn, order, arrival, lane = ready[0]
            items = lane.items
            if not items or items[0][1] != arrival:
                heappop(ready)
            elif turn < lane.gate.turn:
                heapreplace(ready, (lane.gate.turn, order, arrival, lane))
            else:
                turn = max((items[0][3].payer or queue).turn, self._round)
                heappush(self._heads, (turn, order, arrival, queue))
                return

    # --- out ----------------------------------------------------------------------------------------

    def take(self, worker: str, spec: ClaimSpec, limit: int) -> list[Record]:
        """Up to `limit` runs, each with its gate entered."""
        taken: list[Record] = []
        aside: list[Lane] = []
        heads = self._heads
        while heads and len(taken) < limit:
            turn, _, arrival, queue = heappop(heads)
            ready = queue.ready
            if not ready or ready[0][2] != arrival:
                continue
            lane = ready[0][3]
            items = lane.items
            is_stale = (
                not items
                or items[0][1] != arrival
                or (heads and turn < (items[0][3].payer or queue).turn)
                or (queue.has_keys and ready[0][0] < lane.gate.turn)
            )
            if is_stale:
                self._offer_queue(queue)
            elif not lane.matches(worker, spec):
                self._set_aside(lane, spec, aside)
            elif queue.is_held and not lane.may_go():
                self._set_aside(lane, spec, lane.gate.blocked)
            elif heads or len(ready) > 1 or queue.is_held:
                self._take_turn(lane, turn, taken)
            else:
                self._take_all(lane, limit, taken)
        for lane in aside:
            self._offer(lane)
        return taken

    def _set_aside(self, lane: Lane, spec: ClaimSpec, aside: list[Lane]) -> None:
        """The first lane of its queue cannot go; the next one may, unless it is for the whole queue."""
        queue = lane.queue
        heappop(queue.ready)
        aside.append(lane)
        if spec.queues is None or queue.name in spec.queues:
            self._offer_queue(queue)

    def _take_turn(self, lane: Lane, turn: int, taken: list[Record]) -> None:
        """Take the first run of a lane, if it is still there, and let others have the next turn."""
        items, gate, queue = lane.items, lane.gate, lane.queue
        payer = items[0][3].payer or queue
        before = len(taken)
        self._take_first(lane, taken)
        if len(taken) > before:
            self._round = turn
            payer.turn = turn + 1
            if queue.has_keys:
                gate.turn = queue.round = max(queue.round, gate.turn + 1)
        ready = queue.ready
        if items:
            order, arrival, _, record = items[0]
            heapreplace(ready, (gate.turn, order, arrival, lane))
            if ready[0][2] == arrival:  # as it mostly is; `_offer_queue` would find the same
                turn = max((record.payer or queue).turn, self._round)
                heappush(self._heads, (turn, order, arrival, queue))
                return
        else:
            heappop(ready)
            self._drop(lane)
        self._offer_queue(queue)

    def _take_all(self, lane: Lane, limit: int, taken: list[Record]) -> None:
        """Take what the limit allows: there is no other lane to take turns with, and no limit of the queue."""
        items, gate, queue = lane.items, lane.gate, lane.queue
        while items and len(taken) < limit:
            _, _, place, record = heappop(items)
            # As `_take_first`, without a call for each run.
            status = record.status
            if place == record.place and (status is _QUEUED or status is _WAITING):
                gate.running += 1
                record.gate = gate
                if record.queued:
                    record.queued = False
                    queue.length -= 1
                taken.append(record)
        if items:
            order, arrival, _, _ = items[0]
            queue.ready[0] = (gate.turn, order, arrival, lane)
            heappush(self._heads, (self._round, order, arrival, queue))
        else:
            queue.ready.clear()
            if lane.is_rare:
                self._drop(lane)

    def _take_first(self, lane: Lane, taken: list[Record]) -> None:
        gate = lane.gate
        _, _, place, record = heappop(lane.items)
        status = record.status
        if place == record.place and (status is _QUEUED or status is _WAITING):
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
        if gate.key is not None:
            self._drop_gate(gate)
        return False

    def _unblock(self, gate: Gate) -> None:
        blocked, gate.blocked = gate.blocked, []
        for lane in blocked:
            self._offer(lane)

    def _gate(self, queue: str, key: str | None) -> Gate:
        gate = self._gates.get((queue, key))
        if gate is None:
            gate = self._gates[(queue, key)] = Gate(self.queue(queue), key)
        return gate

    def _drop(self, lane: Lane) -> None:
        """Forget an empty lane whose like may never come again; ordinary ones stay, they are few and hot."""
        if lane.is_rare:
            del self._lanes[lane.key]
            lane.gate.lanes -= 1
            self._drop_gate(lane.gate)

    def _drop_gate(self, gate: Gate) -> None:
        if gate.running == 0 and gate.lanes == 0 and gate.key is not None:
            self._gates.pop((gate.queue.name, gate.key), None)
