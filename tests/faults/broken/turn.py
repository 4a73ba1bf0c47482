"""Faults of the turns that queues and concurrency keys take."""

from dataclasses import replace
from datetime import UTC, datetime
from heapq import heapify
from typing import Any

from broken.fault import Faulty, fault, wrap

from taskkit.model.request import TriggerRequest

_MIDDLE = datetime(2030, 1, 1, tzinfo=UTC)


@fault("a_full_queue_holds_up_no_other")
class TheOldestOfAllGoesFirst(Faulty):
    """Queues take no turns."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "_take_turn", self._take_unturned)

    def _take_unturned(self, take_turn: Any, *rest: Any) -> None:
        take_turn(*rest)
        lanes = self._lanes
        lanes._round = 0
        for queue in lanes.queues.values():
            queue.turn = 0
        lanes._heads[:] = [(0, order, arrival, queue) for _, order, arrival, queue in lanes._heads]
        heapify(lanes._heads)


@fault("a_full_concurrency_key_holds_up_no_other")
class KeysTakeNoTurns(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "_gate", self._gate_unturned)

    @staticmethod
    def _gate_unturned(gate_of: Any, *name: Any) -> Any:
        gate = gate_of(*name)
        gate.queue.has_keys = False
        gate.turn = 0
        return gate


@fault("many_keys_are_one_queue")
class EachKeyIsAQueue(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        key = understood.concurrency_key
        return understood if key is None else replace(understood, queue=f"{understood.queue}-{key}")


@fault("turns_leave_the_order_in_a_queue_as_it_is")
class TheNewestOfAQueueGoesFirst(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "put", self._put_mirrored)

    @staticmethod
    def _put_mirrored(put: Any, record: Any, *rest: Any) -> None:
        order = record.queue_time
        record.queue_time = _MIDDLE - (order - _MIDDLE)
        put(record, *rest)
        record.queue_time = order
