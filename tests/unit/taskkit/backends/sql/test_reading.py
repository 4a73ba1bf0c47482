"""Lists of runs: what matches, and that no list goes through all runs where an index knows better."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from taskkit.backends.sql.reading import page_of_runs
from taskkit.backends.sql.watch import Watches
from taskkit.backends.sql.workers import Workers
from taskkit.backends.sqlite import SqliteBackend
from taskkit.backends.sqlite.connection import connect, place_of
from taskkit.backends.sqlite.store import SqliteStore
from taskkit.model.exchange import RunFilter
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus

pytestmark = pytest.mark.anyio

TASKS = ("a", "b", "c")
TAGS = ((), ("red",), ("red", "blue"), ("green",))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture
async def requests(url: str) -> list[TriggerRequest]:
    """48 runs in the order in which they were made, of which the first of each task is canceled."""
    asked = [
        TriggerRequest(f"run_{number:02}", task, b"1", f"task/{task}", tags=tags)
        for number, (_, task, tags) in enumerate(product(range(4), TASKS, TAGS))
    ]
    backend = SqliteBackend.from_url(url)
    await backend.open()
    await backend.enqueue(asked, batch_id="batch_1", now=None)
    await backend.cancel([f"run_{number:02}" for number in (0, 4, 8)], reason=None, now=None)
    await backend.close()
    return asked


@pytest.fixture
def store(url: str, requests: list[TriggerRequest]) -> Iterator[SqliteStore]:
    place = place_of(url)
    store = SqliteStore(connect(place), place.path, Watches(lambda: None))
    yield store
    store.close()


def listed(store: SqliteStore, where: RunFilter, limit: int = 100) -> list[str]:
    """Every page of the list."""
    found: list[str] = []
    below: int | None = None
    while True:
        page = page_of_runs(store, Workers(store), where, below, limit)
        found += [run.id for run in page.items]
        if page.cursor is None:
            return found
        assert isinstance(page.cursor, int)
        below = page.cursor


SOME = (None, frozenset({"nobody"}), frozenset({"a"}), frozenset({"b", "c"}))
TAGGED = (None, frozenset({"nobody"}), frozenset({"red"}), frozenset({"red", "blue", "green"}))
STATUSES = (
    None,
    frozenset({RunStatus.CANCELED}),
    frozenset({RunStatus.QUEUED, RunStatus.FAILED}),
    frozenset[RunStatus](),
)


@pytest.mark.parametrize("limit", [3, 100])
async def test_a_list_has_what_matches_newest_first_each_once(
    store: SqliteStore, requests: list[TriggerRequest], limit: int
) -> None:
    for tasks, tags, statuses in product(SOME, TAGGED, STATUSES):
        expected = [
            request.run_id
            for request in reversed(requests)
            if (tasks is None or request.task_id in tasks)
            and (tags is None or tags & set(request.tags))
            and (statuses is None or _status(request) in statuses)
        ]
        where = RunFilter(status=statuses, task=tasks, tag=tags)
        assert listed(store, where, limit) == expected, where


def _status(request: TriggerRequest) -> RunStatus:
    return (
        RunStatus.CANCELED if request.run_id in ("run_00", "run_04", "run_08") else RunStatus.QUEUED
    )


async def test_more_values_than_an_index_is_asked_for(
    store: SqliteStore, requests: list[TriggerRequest]
) -> None:
    many = frozenset({*(f"other-{number}" for number in range(50)), "b"})
    expected = [one.run_id for one in reversed(requests) if one.task_id == "b"]
    assert listed(store, RunFilter(task=many), 5) == expected
    tagged = [one.run_id for one in reversed(requests) if one.task_id == "b" and "red" in one.tags]
    assert listed(store, RunFilter(task=many, tag=frozenset({"red"})), 5) == tagged


@pytest.mark.parametrize(
    "where",
    [
        RunFilter(tag=frozenset({"red"})),
        RunFilter(tag=frozenset({"red", "blue"})),
        RunFilter(status=frozenset({RunStatus.FAILED})),
        RunFilter(status=frozenset({RunStatus.FAILED, RunStatus.CRASHED})),
        RunFilter(task=frozenset({"a"})),
        RunFilter(task=frozenset({"a"}), status=frozenset({RunStatus.FAILED})),
        RunFilter(tag=frozenset({"red"}), status=frozenset({RunStatus.FAILED})),
        RunFilter(batch=frozenset({"batch_1"})),
        RunFilter(schedule=frozenset({"sched_1"})),
    ],
)
async def test_a_list_asks_an_index_and_does_not_go_through_all_runs(
    store: SqliteStore, where: RunFilter
) -> None:
    asked: list[str] = []
    store.db.set_trace_callback(asked.append)
    page_of_runs(store, Workers(store), where, 40, 5)
    store.db.set_trace_callback(None)
    assert asked
    for text in asked:
        plan = [row[3] for row in store.db.execute(f"EXPLAIN QUERY PLAN {text}")]
        assert not [step for step in plan if step.startswith(("SCAN runs", "SCAN run_tags"))], plan
        assert "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)" not in plan
