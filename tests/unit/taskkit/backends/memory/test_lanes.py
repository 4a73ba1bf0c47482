"""Whose turn it is: queues, keys, families, and the order within them."""

import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from taskkit.backends.memory.lanes import Lanes
from taskkit.backends.memory.queue_state import ANYBODY
from taskkit.backends.memory.record import Record
from taskkit.model.exchange import ClaimSpec
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ANY = ClaimSpec()


class Line:
    """Runs in lanes, each one second younger than the one before, or made at one moment."""

    def __init__(self, *, at_once: bool = False) -> None:
        self.at_once = at_once
        self.lanes = Lanes()
        self.numbers = itertools.count(1)

    def add(
        self,
        queue: str = "a",
        key: str | None = None,
        *,
        parent: Record | None = None,
        **fields: Any,
    ) -> Record:
        number = next(self.numbers)
        request = TriggerRequest(
            f"run_{number}",
            fields.pop("task", "t"),
            None,
            queue,
            concurrency_key=key,
            queue_time=None if parent is None else parent.queue_time,
            **fields,
        )
        made_at = NOON + timedelta(seconds=0 if self.at_once else number)
        record = Record(request, number, made_at, None)
        record.status = RunStatus.QUEUED
        if parent is not None:
            self.lanes.join_family(record, parent)
        self.lanes.put(record)
        return record

    def back(self, record: Record, holder: str = ANYBODY) -> None:
        """A run that waited has its answer."""
        record.status = RunStatus.WAITING
        self.lanes.put(record, holder)

    def take(self, limit: int = 1, worker: str = "one", spec: ClaimSpec = ANY) -> list[Record]:
        taken = self.lanes.take(worker, spec, limit)
        for record in taken:
            record.status = RunStatus.EXECUTING
        return taken

    def order(self, limit: int = 1) -> list[Record]:
        """Every run, as one worker with one slot is given them."""
        order: list[Record] = []
        while taken := self.take(limit):
            for record in taken:
                self.lanes.leave(record)
            order += taken
        return order


# --- turns ------------------------------------------------------------------------------------------


def test_a_flood_in_one_queue_holds_up_no_other() -> None:
    for claimed_at_once in (1, 10):
        line = Line()
        for _ in range(10_000):
            line.add("flood")
        other = line.add("other")
        before = line.order(claimed_at_once).index(other)
        assert before <= 1


def test_a_run_that_comes_while_a_flood_is_worked_off_is_next_but_one() -> None:
    line = Line()
    for _ in range(1_000):
        line.add("flood")
    line.take(limit=500)
    for _ in range(5):  # also one that comes again and again
        other = line.add("other")
        assert other in line.take(limit=2)


def test_two_floods_share_the_slots_in_halves() -> None:
    line = Line()
    for queue in ("a", "b"):
        for _ in range(500):
            line.add(queue)
    queues = [record.queue for record in line.order()]
    for start in range(0, 1_000, 100):
        assert 48 <= queues[start : start + 100].count("a") <= 52


def test_a_queue_that_never_rests_does_not_starve_a_flood() -> None:
    line = Line()
    flood = [line.add("flood") for _ in range(10)]
    left = set(flood)
    for _ in range(25):
        line.add("busy")
        left -= set(line.take())
    assert not left


def test_a_flood_of_one_key_holds_up_no_other_key() -> None:
    line = Line()
    for _ in range(10_000):
        line.add(key="flood")
    others = [line.add(key="acme"), line.add()]
    order = line.order()
    assert max(map(order.index, others)) <= 3


def test_a_queue_with_ten_thousand_keys_has_one_turn_as_any_other() -> None:
    line = Line()
    for number in range(10_000):
        line.add("keyed", f"key-{number}")
    other = line.add("other")
    assert line.order().index(other) <= 1


def test_new_keys_without_end_do_not_starve_those_that_are_there() -> None:
    line = Line()
    left = {line.add(key="old") for _ in range(10)}
    for number in range(70):  # each round is longer by one, and ends
        line.add(key=f"new-{number}")
        left -= set(line.take())
    assert not left


def test_a_canceled_run_uses_no_turn() -> None:
    line = Line()
    for _ in range(1_000):
        line.lanes.remove(line.add("a"))
    first = line.add("a")
    for _ in range(100):
        line.add("b")
    assert line.order().index(first) <= 1


# --- order ------------------------------------------------------------------------------------------


def test_within_a_queue_and_key_the_oldest_is_first_whatever_its_task_and_machine() -> None:
    line = Line()
    runs = [line.add(task=f"t{n % 3}", machine=f"m{n % 2}") for n in range(30)]
    assert line.order() == runs
    keyed = [line.add(key="k", task=f"t{n % 3}") for n in range(30)]
    assert line.order(limit=7) == keyed


def test_priority_is_a_head_start_in_its_queue_and_decides_who_is_first_in_a_round() -> None:
    line = Line()
    plain = [line.add("a") for _ in range(3)]
    ahead = line.add("a", priority=2.5)
    other = line.add("b", priority=60)
    assert line.order() == [other, plain[0], ahead, *plain[1:]]


def test_queues_that_are_level_go_by_time() -> None:
    line = Line()
    runs = [line.add(f"queue-{n}") for n in (3, 1, 2)]
    assert line.order() == runs


@pytest.mark.parametrize("at_once", [False, True])
def test_a_run_that_comes_back_from_a_wait_stands_where_it_stood(at_once: bool) -> None:
    line = Line(at_once=at_once)
    first, second, third = [line.add() for _ in range(3)]
    assert line.take() == [first]
    line.lanes.leave(first)
    line.back(first)
    assert line.order() == [first, second, third]


# --- families ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [False, True])
def test_children_that_are_waited_for_go_before_younger_parents(at_once: bool) -> None:
    line = Line(at_once=at_once)
    parents = [line.add("parents") for _ in range(3)]
    assert line.take() == parents[:1]
    line.lanes.leave(parents[0])
    children = [line.add("children", parent=parents[0]) for _ in range(5)]
    grandchildren = [line.add("grandchildren", parent=children[0]) for _ in range(2)]
    order = line.order()
    assert order[-2:] == parents[1:]
    assert set(order[:-2]) == {*children, *grandchildren}


def test_a_family_in_many_queues_has_no_more_turns_than_another() -> None:
    line = Line()
    parent = line.add("parents")
    assert line.take() == [parent]
    for number in range(400):
        line.add(f"children-{number % 4}", parent=parent)
    for _ in range(100):
        line.add("other")
    queues = [record.queue for record in line.order()]
    assert 48 <= queues[:100].count("other") <= 52


def test_a_child_that_is_waited_for_goes_before_younger_work_of_its_own_queue() -> None:
    line = Line()
    parent = line.add("parents")
    assert line.take() == [parent]
    younger = [line.add("shared") for _ in range(3)]
    child = line.add("shared", parent=parent)
    assert line.order() == [child, *younger]


# --- limits, pauses, workers ------------------------------------------------------------------------


def test_a_full_queue_and_a_full_key_are_passed_over() -> None:
    line = Line()
    line.lanes.declare(Queue("a", 1))
    runs = [line.add("a", key) for key in (None, None, "k", "k")]
    other = line.add("b")
    assert set(line.take(limit=10)) == {runs[0], runs[2], other}
    assert line.take(limit=10) == []
    line.lanes.leave(runs[2])
    assert line.take(limit=10) == [runs[3]]


def test_a_paused_queue_lets_only_runs_that_come_back_go() -> None:
    line = Line()
    waiting, fresh = line.add("a"), line.add("a")
    assert line.take() == [waiting]
    line.lanes.leave(waiting)
    state = line.lanes.queue("a")
    state.paused = True
    line.lanes.apply(state)
    line.back(waiting)
    assert line.take(limit=10) == [waiting]
    line.lanes.leave(waiting)
    assert line.take(limit=10) == []
    assert line.lanes.shut_in() == 1
    state.paused = False
    line.lanes.apply(state)
    assert line.take(limit=10) == [fresh]


def test_an_answer_is_for_its_holder_alone() -> None:
    line = Line()
    record = line.add()
    assert line.take() == [record]
    line.lanes.leave(record)
    line.back(record, "two")
    other = line.add()
    assert line.take(limit=10, worker="one") == [other]
    assert line.take(limit=10, worker="two") == [record]


def test_a_worker_of_some_queues_leaves_the_others_as_they_were() -> None:
    line = Line()
    mine, theirs = line.add("mine"), [line.add("theirs", key) for key in ("k", "l", None)]
    assert line.take(limit=10, spec=ClaimSpec(queues=frozenset({"mine"}))) == [mine]
    assert line.take(limit=10) == theirs


def test_nothing_is_left_of_keys_whose_runs_are_gone() -> None:
    line = Line()
    for number in range(100):
        record = line.add(key=f"key-{number}")
        if number % 2:
            line.lanes.remove(record)
    line.order()
    assert line.lanes._gates == {}
    assert line.lanes._lanes == {}
    assert line.lanes._heads == []


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 9)), max_size=60))
def test_every_run_goes_once_in_the_order_of_its_queue_and_key(
    steps: list[tuple[int, int, int]],
) -> None:
    line = Line()
    line.lanes.declare(Queue("queue-1", 2))
    put: dict[tuple[str, str | None], list[Record]] = defaultdict(list)
    out: dict[tuple[str, str | None], list[Record]] = defaultdict(list)
    running: list[Record] = []
    for queue, key, what in steps:
        name, its = f"queue-{queue}", f"key-{key}" if key else None
        if what < 6:
            put[name, its].append(line.add(name, its, task=f"task-{what % 2}"))
        elif what < 8:
            running += line.take(what - 5, spec=ClaimSpec(queues=frozenset({name})))
        elif running:
            record = running.pop(0)
            line.lanes.leave(record)
            out[record.queue, record.request.concurrency_key].append(record)
    for record in [*running]:
        line.lanes.leave(record)
        out[record.queue, record.request.concurrency_key].append(record)
    for record in line.order(limit=3):
        out[record.queue, record.request.concurrency_key].append(record)
    assert out == put
    assert all(line.lanes.queue(f"queue-{n}").length == 0 for n in range(3))
