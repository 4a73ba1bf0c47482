"""The campaign's own judgement: each kind of fault is seen in a ledger that has it, and none where there is none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from campaign.ledger import Event
from campaign.verdict import Figures, examine
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LEASE = 2.0


def run(status: str = "COMPLETED", *, task: str = "short", **fields: int) -> Run:
    request = TriggerRequest("run_1", task, b"1", f"task/{task}", max_attempts=40)
    given = {"attempt": 1, "delivery": 1, "deaths": 0} | fields
    return Run(request, RunStatus(status), NOW, NOW, NOW, **given)  # type: ignore[arg-type]  # numbers


def delivery(number: int, who: str, *, at: int, end: str | None = "Completed") -> list[Event]:
    """A delivery that was carried out to its end; None: it has none."""
    whats = ["claimed", "alive", "begin", "beating", "beat"]
    if end is not None:
        whats += ["cleanup", "settling", "settled"]
    return [
        Event(at + n, 1, who, what, *(("run_1", 1, number) if what not in ("alive", "beating", "beat") else ()),
              more=(end or "-") if what.startswith("settl") else "start")
        for n, what in enumerate(whats)
    ]  # fmt: skip


ACCEPTED = Event(0, 1, "driver", "accepted", "run_1")
ONE = [ACCEPTED, *delivery(1, "a", at=10)]
KILLED = [
    ACCEPTED,
    *delivery(1, "a", at=10, end=None),
    Event(20, 1, "driver", "killing", more="outside:a"),
    Event(2_000, 2, "b", "claimed", "run_1", 1, 2, "start-orphaned"),
    Event(2_001, 2, "b", "cleanup", "run_1", 1, 2),
    *delivery(2, "b", at=2_002)[1:],
]
TWICE = run(delivery=2, deaths=1)


def judged(events: list[Event], *runs: Run) -> Figures:
    return examine(events, runs, LEASE)


def test_nothing_is_found_where_all_is_right() -> None:
    assert judged(ONE, run()).faults == []
    figures = judged(KILLED, TWICE)
    assert figures.faults == []
    assert (figures.kills, figures.hit_running, figures.hit_settle) == (1, 1, 0)


def without(events: list[Event], what: str) -> list[Event]:
    return [event for event in events if event.what != what]


@pytest.mark.parametrize(
    ("events", "runs", "word"),
    [
        (ONE, [], "is lost"),
        ([], [run("EXECUTING")], "has not ended"),
        ([*ONE, replace(ONE[3], at=99)], [run()], "begin 2 times"),
        ([*ONE, replace(ONE[1], at=99, who="b")], [run()], "claimed 2 times"),
        ([*ONE, replace(ONE[-1], at=99)], [run()], "ended 2 times"),
        (ONE, [run("FAILED")], "was settled as COMPLETED"),
        (without(without(ONE, "settling"), "settled"), [run(deaths=1)], "nobody wrote"),
        (without(ONE, "cleanup"), [run()], "never cleaned up"),
        (without(KILLED, "cleanup"), [TWICE], "never cleaned up"),
        (KILLED, [run(delivery=2, attempt=2, deaths=1)], "ended in attempt 2"),
        (KILLED, [run(delivery=2, deaths=0)], "1 to 1 deaths"),
        (KILLED, [run(delivery=2, deaths=2)], "1 to 1 deaths"),
        (without(KILLED, "killing"), [TWICE], "while a lived"),
        (ONE, [run("CRASHED")], "CRASHED after 0 deaths"),
        (
            [
                *ONE,
                Event(20, 1, "driver", "died", more="a"),
                Event(10**10, 9, "a", "note", "run_1"),
            ],
            [run()],
            "after the end of its worker a",
        ),
    ],
)
def test_a_fault_is_found(events: list[Event], runs: list[Run], word: str) -> None:
    assert any(word in fault for fault in judged(events, *runs).faults)


def test_a_worker_that_stood_still_may_lose_its_run() -> None:
    late = [replace(event, at=event.at + 10**10) for event in delivery(2, "b", at=2_000)]
    orphan = [replace(late[0], more="start-orphaned"), replace(late[0], what="cleanup"), *late[1:]]
    figures = judged([*KILLED[:6], *orphan], TWICE)
    assert (figures.faults, figures.stalls) == ([], 1)


def test_a_kill_in_a_settle_counts_as_one_unless_the_store_was_never_asked() -> None:
    events = without(ONE, "settled")
    for when, hits in (("before", 0), ("during", 1), ("after", 1)):
        point = Event(99, 1, "a", "killing", more=f"settle:1:{when}:0.0")
        assert judged([*events, point], run()).hit_settle == hits
