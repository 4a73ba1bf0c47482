"""Which run comes next: turns of queues and keys, order within them, and their limits.

A lane holds ready runs that only differ in their order: same queue, concurrency key, task, machine and
preferred worker. Because a whole lane matches a worker or does not, a claim looks at the head of each lane
and never skips runs one by one. Queues take turns, and so do the keys within a queue; a run that its parent
waits for uses the turn of the queue in which the first of its forebears stands (`payer`).
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heapreplace
from typing import Final, NamedTuple, TypeAlias

from taskkit.backends.sqlite.encoding import to_json
from taskkit.backends.sqlite.record import READY, Record
from taskkit.backends.sqlite.store import Store
from taskkit.model.exchange import ClaimSpec

ANYBODY: Final = ""
"""The holder of a lane of runs that come back from a wait and may go to any worker."""

_HEAD = (
    "SELECT lane, sort, rank, number, payer FROM runs WHERE place = 'ready' AND lane > ? "
    "ORDER BY lane, sort, rank, number LIMIT 1"
)
_RUNS = "WHERE place = 'ready' AND lane = ? ORDER BY sort, rank, number LIMIT ?"
_LENGTH = (
    "SELECT count(*) FROM runs WHERE place = 'ready' AND lane IN "
    "(SELECT id FROM lanes WHERE queue = ? AND holder IS NULL)"
)
_NAMES_KEPT = 10_000
_TURN = "SELECT turn FROM gates WHERE queue = ? AND key = ?"
_RUNNING = "SELECT count(*) FROM runs WHERE slot = 1 AND queue = ? AND key IS ?"


class LaneName(NamedTuple):
    """What the runs of a lane have in common."""

    queue: str
    key: str | None
    task: str
    machine: str | None
    holder: str | None

    def matches(self, worker: str, spec: ClaimSpec) -> bool:
        return (
            (not self.holder or self.holder == worker)
            and (spec.tasks is None or self.task in spec.tasks)
            and (spec.queues is None or self.queue in spec.queues)
            and (spec.machines is None or self.machine is None or self.machine in spec.machines)
        )


class Gate:
    """One queue and concurrency key during a claim: how many may still start, and its turn."""

    __slots__ = ("is_changed", "key", "left", "turn")

    def __init__(self, key: str | None, left: int | None, turn: int) -> None:
        self.key = key
        self.left = left
        self.turn = turn
        self.is_changed = False


_NO_GATE: Final = Gate(None, None, 0)


class Head:
    """The first run of a lane during a claim, and those that follow it."""

    __slots__ = ("following", "gate", "lane", "name", "order", "payer")

    def __init__(
        self, lane: int, order: tuple[float, int, int], payer: str | None, name: LaneName
    ) -> None:
        self.lane = lane
        self.order = order
        self.payer = payer
        self.name = name
        self.gate = _NO_GATE
        self.following: list[Record] | None = None


class Lanes:
    """Puts runs into lanes and takes them out in turn."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- in -----------------------------------------------------------------------------------------

    def put(self, record: Record, holder: str | None = None) -> None:
        """Make a run ready; one that comes back from a wait with its holder, or ANYBODY."""
        name = LaneName(record.queue, record.key, record.task, record.machine, holder)
        record.place = READY
        record.lane = self._lane(name)
        record.sort = record.queue_time / 1_000_000 - record.request.priority

    def _lane(self, name: LaneName) -> int:
        known = self._store.lanes.get(name)
        return self._make(name) if known is None else known

    def _make(self, name: LaneName) -> int:
        db, text = self._store.db, to_json(name)
        row = db.execute("SELECT id FROM lanes WHERE name = ?", (text,)).fetchone()
        if row is None:
            row = db.execute(
                "INSERT INTO lanes (name, queue, key, task, machine, holder) VALUES (?, ?, ?, ?, ?, ?) "
                "RETURNING id",
                (text, *name),
            ).fetchone()
            self._make_gate(name)
        lane = int(row[0])
        if name.key is None and not name.holder:  # others may never come again
            self._store.lanes[name] = lane
        return lane

    def _make_gate(self, name: LaneName) -> None:
        """A new key waits for the next round: keys without end would hold up those that are there."""
        if name.key is not None:
            self._store.db.execute(
                "INSERT OR IGNORE INTO gates VALUES (?, ?, ?)",
                (name.queue, to_json(name.key), self._store.queue(name.queue).round),
            )

    # --- looking ------------------------------------------------------------------------------------

    def length(self, queue: str) -> int:
        """How many runs wait in a queue for their start."""
        return int(self._store.db.execute(_LENGTH, (queue,)).fetchone()[0])

    def is_empty(self) -> bool:
        return self._store.db.execute(_HEAD, (0,)).fetchone() is None

    def _heads(self) -> Iterator[Head]:
        execute, lane = self._store.db.execute, 0
        while (row := execute(_HEAD, (lane,)).fetchone()) is not None:
            lane = row[0]
            yield Head(lane, (row[1], row[2], row[3]), row[4], self._name(lane))

    def _name(self, lane: int) -> LaneName:
        names = self._store.lane_names
        name = names.get(lane)
        if name is None:
            row = self._store.db.execute(
                "SELECT queue, key, task, machine, holder FROM lanes WHERE id = ?", (lane,)
            ).fetchone()
            if len(names) > _NAMES_KEPT:
                names.clear()
            names[lane] = row
            name = names[lane]
        return LaneName(*name)

    # --- out ----------------------------------------------------------------------------------------

    def take(self, worker: str, spec: ClaimSpec, limit: int) -> list[Record]:
        """Up to `limit` ready runs that a worker may have, in turn, within the limits."""
        heads = list(self._heads())
        fitting = [head for head in heads if head.name.matches(worker, spec)]
        if len(heads) == 1 and fitting and not self._store.queue(heads[0].name.queue).is_held:
            return list(self._store.select(_RUNS, (heads[0].lane, limit)))
        return Claim(self._store, fitting).take(limit) if fitting else []


class Claim:
    """One claim among several lanes: of each queue a heap of its lanes, by the turn of the key and the order."""

    def __init__(self, store: Store, heads: list[Head]) -> None:
        self._store = store
        self._round = store.counter("round")
        self._gates: dict[tuple[str, str | None], Gate] = {}
        self._queues: dict[str, list[Standing]] = {}
        self._keyed = {head.name.queue for head in heads if head.name.key is not None}
        self._changed: set[str] = set()
        for head in heads:
            head.gate = self._gate(head.name.queue, head.name.key)
            self._queues.setdefault(head.name.queue, []).append(_standing(head))
        for standing in self._queues.values():
            heapify(standing)

    def _gate(self, queue: str, key: str | None) -> Gate:
        gate = self._gates.get((queue, key))
        if gate is None:
            execute, limit = self._store.db.execute, self._store.queue(queue).limit
            left = None
            if limit is not None:
                left = limit - execute(_RUNNING, (queue, key)).fetchone()[0]
            turn = 0
            if queue in self._keyed:
                row = execute(_TURN, (queue, to_json(key))).fetchone()
                turn = 0 if row is None else row[0]
            gate = self._gates[queue, key] = Gate(key, left, turn)
        return gate

    def take(self, limit: int) -> list[Record]:
        taken: list[Record] = []
        while len(taken) < limit:
            following = [
                (self._turn(first), first.order, first)
                for standing in self._queues.values()
                if (first := self._first(standing)) is not None
            ]
            if not following:
                break
            turn, _, head = min(following, key=lambda one: one[:2])
            taken.append(self._take(head, turn, limit - len(taken)))
        self._save()
        return taken

    def _first(self, standing: list[Standing]) -> Head | None:
        """Of the lanes of a queue that may go, the one whose key is next."""
        while standing:
            turn, order, head = standing[0]
            if not self._may_go(head):
                heappop(standing)  # nothing opens it during a claim
            elif (turn, order) != (head.gate.turn, head.order):
                heapreplace(standing, _standing(head))
            else:
                return head
        return None

    def _may_go(self, head: Head) -> bool:
        if head.name.holder is None and self._store.queue(head.name.queue).paused:
            return False  # it would start something; others come back from a wait
        return head.gate.left is None or head.gate.left > 0

    def _turn(self, head: Head) -> int:
        return max(self._store.queue(head.payer or head.name.queue).turn, self._round)

    def _take(self, head: Head, turn: int, most: int) -> Record:
        """Take the first run of a lane, and let others have the next turn."""
        queue, gate = head.name.queue, head.gate
        state = self._store.queue(queue)
        payer = self._store.queue(head.payer or queue)
        self._round, payer.turn = turn, turn + 1
        self._changed.update((queue, payer.name))
        if gate.left is not None:
            gate.left -= 1
        if queue in self._keyed:
            gate.turn = state.round = max(state.round, gate.turn + 1)
            gate.is_changed = True
        if head.following is None:
            head.following = list(self._store.select(_RUNS, (head.lane, most + 1)))[::-1]
        record = head.following.pop()
        if head.following:
            after = head.following[-1]
            head.order = (after.sort or 0.0, after.rank, after.number)
            head.payer = after.payer
        else:
            heappop(self._queues[queue])  # it is the first there
        return record

    def _save(self) -> None:
        for name in self._changed:
            self._store.save_queue(self._store.queue(name))
        for (queue, key), gate in self._gates.items():
            if gate.is_changed:
                self._store.db.execute(
                    "INSERT OR REPLACE INTO gates VALUES (?, ?, ?)",
                    (queue, to_json(key), gate.turn),
                )
        if self._changed:
            self._store.set_counter("round", self._round)


Standing: TypeAlias = tuple[int, tuple[float, int, int], Head]
"""The turn of a lane's key and the order of its first run, as they were when it was put into the heap."""


def _standing(head: Head) -> Standing:
    return (head.gate.turn, head.order, head)
