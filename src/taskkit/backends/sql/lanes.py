"""Which run comes next: turns of queues and keys, order within them, and their limits.

A lane holds ready runs that only differ in their order: same queue, concurrency key, task, machine and
preferred worker. Because a whole lane matches a worker or does not, a claim looks at the head of each lane
and never skips runs one by one. Queues take turns, and so do the keys within a queue; a run that its parent
waits for uses the turn of the queue in which the first of its forebears stands (`payer`).
"""

from __future__ import annotations

from heapq import heapify, heappop, heapreplace
from typing import Final, NamedTuple, TypeAlias

from taskkit.backends.sql.call import Question
from taskkit.backends.sql.encoding import to_json
from taskkit.backends.sql.record import READY, Record
from taskkit.backends.sql.store import Store
from taskkit.model.exchange import ClaimSpec

ANYBODY: Final = ""
"""The holder of a lane of runs that come back from a wait and may go to any worker."""

_HEADS = """
WITH RECURSIVE standing (lane) AS (
    SELECT min(lane) FROM runs WHERE place = 'ready'
    UNION ALL
    SELECT (SELECT min(lane) FROM runs WHERE place = 'ready' AND lane > standing.lane)
    FROM standing WHERE standing.lane IS NOT NULL
)
SELECT runs.lane, runs.sort, runs.rank, runs.number, runs.payer
FROM standing JOIN runs ON runs.number = (
    SELECT first.number FROM runs AS first WHERE first.place = 'ready' AND first.lane = standing.lane
    ORDER BY first.sort, first.rank, first.number LIMIT 1
)
WHERE standing.lane IS NOT NULL ORDER BY runs.lane
"""
"""The first run of each lane that has one: a seek for each lane, however many runs stand in it."""
_RUNS = "WHERE place = 'ready' AND lane = ? ORDER BY sort, rank, number LIMIT ?"
_LENGTH = (
    "SELECT count(*) FROM runs WHERE place = 'ready' AND lane IN "
    "(SELECT id FROM lanes WHERE queue = ? AND holder IS NULL)"
)
_NAMES_KEPT = 10_000


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
        self._only: int | None = None

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
        text = to_json(name)
        lane = self._known(text)
        while lane is None:  # one that somebody else made may have been purged before it was seen
            self._store.execute(
                "INSERT INTO lanes (name, queue, key, task, machine, holder) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO NOTHING",
                (text, *name),
            )
            self._make_gate(name)
            lane = self._known(text)
        if name.key is None and not name.holder:  # others may never come again
            self._store.lanes[name] = lane
        return lane

    def _known(self, text: str) -> int | None:
        row = self._store.execute(
            "SELECT id FROM lanes WHERE name = ?" + self._store.for_key_share, (text,)
        ).fetchone()
        return None if row is None else int(row[0])

    def _make_gate(self, name: LaneName) -> None:
        """A new key waits for the next round: keys without end would hold up those that are there."""
        if name.key is not None:
            self._store.execute(
                "INSERT INTO gates (queue, key, turn) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (name.queue, to_json(name.key), self._store.queue(name.queue).round),
            )

    # --- looking ------------------------------------------------------------------------------------

    def length(self, queue: str) -> int:
        """How many runs wait in a queue for their start."""
        return int(self._store.execute(_LENGTH, (queue,)).fetchone()[0])

    def _heads(self) -> list[Head]:
        return [
            Head(lane, (sort, rank, number), payer, name)
            for lane, sort, rank, number, payer in self._store.execute(_HEADS).fetchall()
            if (name := self._name(lane)) is not None
        ]

    def standing(self) -> list[LaneName]:
        """The names of the lanes in which something stands."""
        return [head.name for head in self._heads()]

    def _name(self, lane: int) -> LaneName | None:
        """None when it was purged, because what stood in it was claimed meanwhile."""
        names = self._store.lane_names
        if lane not in names:
            row = self._store.execute(
                "SELECT queue, key, task, machine, holder FROM lanes WHERE id = ?", (lane,)
            ).fetchone()
            if row is None:
                return None
            if len(names) > _NAMES_KEPT:
                names.clear()
            names[lane] = row
        return LaneName(*names[lane])

    # --- out ----------------------------------------------------------------------------------------

    def questions(self, limit: int) -> list[Question]:
        """What `take` asks: where there was only one lane the last time, also for its runs."""
        heads = Question(_HEADS)
        if self._only is None:
            return [heads]
        return [heads, Question(_RUNS, (self._only, limit), selects=True)]

    def _ready(self, lane: int, limit: int) -> list[Record]:
        """The first runs of a lane; one that another call of this transaction has taken is no longer there."""
        found = self._store.select(_RUNS, (lane, limit), skip_locked=True)
        return [record for record in found if record.place == READY]

    def take(self, worker: str, spec: ClaimSpec, limit: int) -> list[Record]:
        """Up to `limit` ready runs that a worker may have, in turn, within the limits."""
        heads = self._heads()
        self._only = heads[0].lane if len(heads) == 1 else None
        if len(heads) == 1 and not self._store.queue(heads[0].name.queue).is_held:
            if not heads[0].name.matches(worker, spec):
                return []
            return self._ready(heads[0].lane, limit)
        if heads and self._store.hold_claims():
            heads = self._heads()  # others may have claimed meanwhile
        fitting = [head for head in heads if head.name.matches(worker, spec)]
        return Claim(self._store, fitting).take(limit) if fitting else []


class Claim:
    """One claim among several lanes: of each queue a heap of its lanes, by the turn of the key and the order."""

    def __init__(self, store: Store, heads: list[Head]) -> None:
        self._store = store
        self._round = store.counter("round")
        self._queues: dict[str, list[Standing]] = {}
        self._keyed = {head.name.queue for head in heads if head.name.key is not None}
        self._changed: set[str] = set()
        self._gates = self._all_gates({(head.name.queue, head.name.key) for head in heads})
        for head in heads:
            head.gate = self._gates[head.name.queue, head.name.key]
            self._queues.setdefault(head.name.queue, []).append(_standing(head))
        for standing in self._queues.values():
            heapify(standing)

    def _all_gates(self, names: set[tuple[str, str | None]]) -> dict[tuple[str, str | None], Gate]:
        limits = {queue: self._store.queue(queue).limit for queue, _ in names}
        running = self._running([queue for queue, limit in limits.items() if limit is not None])
        turns = self._turns([to_json(key) for queue, key in names if queue in self._keyed])
        gates: dict[tuple[str, str | None], Gate] = {}
        for queue, key in names:
            limit = limits[queue]
            left = None if limit is None else limit - running.get((queue, key), 0)
            gates[queue, key] = Gate(key, left, turns.get((queue, to_json(key)), 0))
        return gates

    def _running(self, queues: list[str]) -> dict[tuple[str, str | None], int]:
        """How many runs hold a slot, of each queue and key that has a limit: at most the limits, together."""
        if not queues:
            return {}
        among, values = self._store.among("queue", queues)
        rows = self._store.execute(
            f"SELECT queue, key, count(*) FROM runs WHERE slot = 1 AND {among} GROUP BY queue, key",
            values,
        ).fetchall()
        return {(queue, key): count for queue, key, count in rows}

    def _turns(self, keys: list[str]) -> dict[tuple[str, str], int]:
        if not keys:
            return {}
        among, values = self._store.among("key", keys)
        rows = self._store.execute(
            f"SELECT queue, key, turn FROM gates WHERE {among}", values
        ).fetchall()
        return {(queue, key): turn for queue, key, turn in rows}

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
            record = self._take(head, turn, limit - len(taken))
            if record is not None:
                taken.append(record)
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

    def _take(self, head: Head, turn: int, most: int) -> Record | None:
        """Take the first run of a lane, and let others have the next turn; None when somebody is at all of them."""
        queue, gate = head.name.queue, head.gate
        if head.following is None:
            following = self._store.select(_RUNS, (head.lane, most + 1), skip_locked=True)
            head.following = [record for record in following if record.place == READY][::-1]
        if not head.following:
            heappop(self._queues[queue])  # it is the first there
            return None
        state = self._store.queue(queue)
        payer = self._store.queue(head.payer or queue)
        self._round, payer.turn = turn, turn + 1
        self._changed.update((queue, payer.name))
        if gate.left is not None:
            gate.left -= 1
        if queue in self._keyed:
            gate.turn = state.round = max(state.round, gate.turn + 1)
            gate.is_changed = True
        record = head.following.pop()
        if head.following:
            after = head.following[-1]
            head.order = (after.sort or 0.0, after.rank, after.number)
            head.payer = after.payer
        else:
            heappop(self._queues[queue])
        return record

    def _save(self) -> None:
        for name in self._changed:
            self._store.save_turn(self._store.queue(name))
        for (queue, key), gate in self._gates.items():
            if gate.is_changed:
                self._store.execute(
                    "INSERT INTO gates (queue, key, turn) VALUES (?, ?, ?) ON CONFLICT (queue, key) "
                    "DO UPDATE SET turn = excluded.turn",
                    (queue, to_json(key), gate.turn),
                )
        if self._changed:
            self._store.set_counter("round", self._round)


Standing: TypeAlias = tuple[int, tuple[float, int, int], Head]
"""The turn of a lane's key and the order of its first run, as they were when it was put into the heap."""


def _standing(head: Head) -> Standing:
    return (head.gate.turn, head.order, head)
