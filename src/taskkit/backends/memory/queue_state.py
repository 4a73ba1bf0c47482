"""What the lanes of the memory backend know of a queue, of one concurrency key in it, and of one lane."""

from __future__ import annotations

from typing import Final, TypeAlias

from taskkit.backends.memory.record import Record
from taskkit.model.exchange import ClaimSpec

LaneKey: TypeAlias = tuple[str, str | None, str, str | None, str | None]
Item: TypeAlias = tuple[float, int, int, Record]
"""Order in time, order of arrival (never the same twice), the record's place, the record.

The order of arrival is that of the run or, for one that its parent waits for, of the parent; then that of the
entry. So runs that were made at one moment, as those of a batch, do not overtake one that comes back from a
wait, nor the children of it.
"""
Head: TypeAlias = "tuple[int, float, int, QueueState]"
"""A queue's turn, and the order in time and of arrival of its next run."""

ANYBODY: Final = ""
"""The holder of a run that comes back from a wait and may go to any worker."""


class QueueState:
    """A queue's settings, how many runs stand in it, and when it is its turn.

    `ready` is the heap of its lanes: the turn of the lane's key, and the order of the lane's first run.
    `round` is the next round of its keys.
    """

    __slots__ = (
        "declared",
        "has_keys",
        "is_held",
        "is_shut",
        "length",
        "limit",
        "max_length",
        "name",
        "override",
        "paused",
        "ready",
        "round",
        "turn",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.declared: int | None = None
        self.override: int | None = None
        self.max_length: int | None = None
        self.length = 0
        self.limit: int | None = None
        self.paused = self.is_held = self.is_shut = False
        self.has_keys = False
        self.turn = self.round = 0
        self.ready: list[tuple[int, float, int, Lane]] = []

    def apply(self) -> bool:
        """Put what is declared, overridden and paused together; whether anything is another than before.

        `is_held`: its settings can hold runs back. `is_shut`: they let none start.
        """
        before = (self.limit, self.is_held, self.is_shut)
        self.limit = self.declared if self.override is None else self.override
        self.is_held = self.limit is not None or self.paused
        self.is_shut = self.limit == 0 or self.paused
        return before != (self.limit, self.is_held, self.is_shut)


class Gate:
    """How many runs of one queue and concurrency key may hold a slot at once, and when it is the key's turn."""

    __slots__ = ("blocked", "key", "lanes", "queue", "running", "turn")

    def __init__(self, queue: QueueState, key: str | None) -> None:
        self.queue = queue
        self.key = key
        self.running = 0
        self.lanes = 0
        self.blocked: list[Lane] = []
        if key is not None:
            queue.has_keys = True
        # A new key waits for the next round: keys without end would hold up those that are there.
        self.turn = queue.round


class Lane:
    """Runs that only differ in their order: same queue, key, task, machine and preferred worker.

    Because a whole lane matches a worker or does not, a claim skips lanes and never looks at their runs.
    """

    __slots__ = ("gate", "is_rare", "items", "key", "queue")

    def __init__(self, key: LaneKey, gate: Gate) -> None:
        self.key = key
        self.gate = gate
        self.queue = gate.queue
        self.items: list[Item] = []
        # Its like may never come again, so it is forgotten when it is empty.
        self.is_rare = key[1] is not None or key[4] is not None

    def matches(self, worker: str, spec: ClaimSpec) -> bool:
        queue, _, task, machine, holder = self.key
        if spec.tasks is None and spec.queues is None and spec.machines is None:
            return not holder or holder == worker
        return (
            (not holder or holder == worker)
            and (spec.tasks is None or task in spec.tasks)
            and (spec.queues is None or queue in spec.queues)
            and (spec.machines is None or machine is None or machine in spec.machines)
        )

    def may_go(self) -> bool:
        """Whether the queue's settings let the next run of this lane have a slot."""
        gate = self.gate
        if gate.queue.paused and self.key[4] is None:
            return False  # it would start something; a holder stands for runs that come back from a wait
        return gate.queue.limit is None or gate.running < gate.queue.limit
