"""Rows that a process remembers: used as long as nobody else has written them, looked at again when somebody has."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.postgres.session import Session
from taskkit.errors import LeaseLostError, RunNotFoundError
from taskkit.model.exchange import (
    ClaimSpec,
    Completed,
    Entry,
    EntryKind,
    Lease,
    Runs,
    Suspended,
    Wait,
)
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run

pytestmark = pytest.mark.anyio


def request(**fields: Any) -> TriggerRequest:
    return TriggerRequest(new_run_id(), "task", b"1", "task/task", **fields)


@pytest.fixture
async def pair(postgres_url: str) -> AsyncIterator[tuple[PostgresBackend, PostgresBackend]]:
    first, second = PostgresBackend.from_url(postgres_url), PostgresBackend.from_url(postgres_url)
    await first.open()
    await second.open()
    yield first, second
    await first.close()
    await second.close()


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often a store has waited for its server since this was last asked."""
    counted = [0]
    sync = Session.sync

    def counting(session: Session) -> None:
        counted[0] += threading.current_thread().name == "taskkit-store"
        sync(session)

    monkeypatch.setattr(Session, "sync", counting)

    def since() -> int:
        result, counted[0] = counted[0], 0
        return result

    return since


async def claimed(backend: PostgresBackend, count: int = 1, worker: str = "worker") -> list[Lease]:
    await backend.enqueue([request() for _ in range(count)], batch_id=None, now=None)
    return list(await backend.claim(worker, ClaimSpec(), limit=count, lease=60, now=None))


async def run_of(backend: PostgresBackend, lease: Lease) -> Run:
    (run,) = await backend.get([lease.run.id])
    assert run is not None
    return run


async def test_a_hundred_ends_are_one_way_to_the_server(
    pair: tuple[PostgresBackend, PostgresBackend], count: Callable[[], int]
) -> None:
    backend, _ = pair
    leases = await claimed(backend, 100)
    count()
    await asyncio.gather(*[backend.settle(one, Completed(b"2"), now=None) for one in leases])
    assert count() == 1
    assert {(await run_of(backend, one)).status for one in leases} == {"COMPLETED"}


async def test_new_runs_are_one_way_to_the_server_once_there_are_numbers(
    pair: tuple[PostgresBackend, PostgresBackend], count: Callable[[], int]
) -> None:
    backend, _ = pair
    for _ in range(2):  # the first makes the queue, and the second learns of it
        await backend.enqueue([request()], batch_id=None, now=None)
    count()
    await backend.enqueue([request()], batch_id=None, now=None)
    assert count() == 1


async def test_what_somebody_else_wrote_meanwhile_stays(
    pair: tuple[PostgresBackend, PostgresBackend],
) -> None:
    backend, other = pair
    leases = await claimed(backend, 3)
    added = Entry(EntryKind.METADATA, {"type": "set", "key": "seen", "value": 1})
    await other.append(leases[1].run.id, [added], flush_id="flush_1", lease=None)
    await asyncio.gather(*[backend.settle(one, Completed(b"2"), now=None) for one in leases])
    runs = [await run_of(backend, one) for one in leases]
    assert [run.status for run in runs] == ["COMPLETED"] * 3
    assert runs[1].metadata == {"seen": 1}


async def test_a_lease_that_somebody_else_has_now_is_lost(
    pair: tuple[PostgresBackend, PostgresBackend],
) -> None:
    backend, other = pair
    await backend.enqueue([request()], batch_id=None, now=None)
    (lease,) = await backend.claim("worker", ClaimSpec(), limit=1, lease=0.000001, now=None)
    found: Sequence[Lease] = ()
    while not found:  # what two processes take for the database's clock may differ by a moment
        await other.advance(now=None, limit=10)
        found = await other.claim("other", ClaimSpec(), limit=1, lease=60, now=None)
    (again,) = found
    assert again.delivery == 2
    with pytest.raises(LeaseLostError):
        await backend.settle(lease, Completed(b"2"), now=None)
    await other.settle(again, Completed(b"3"), now=None)
    assert (await run_of(backend, lease)).output_json == b"3"


async def test_an_end_meets_who_began_to_wait_for_it_elsewhere(
    pair: tuple[PostgresBackend, PostgresBackend],
) -> None:
    """The end of a run that has no parent does not expect to be waited for."""
    backend, other = pair
    (target,) = await claimed(backend)
    (waiter,) = await claimed(other, worker="waiter")
    wait = Wait("wait_1", Runs((target.run.id,)))
    await other.settle(waiter, Suspended((wait,)), now=None)
    await backend.settle(target, Completed(b"2"), now=None)
    (resumed,) = await other.claim("waiter", ClaimSpec(), limit=1, lease=60, now=None)
    assert resumed.kind == "resume"
    (answer,) = resumed.answers["wait_1"]  # type: ignore[misc]  # an answer of runs
    assert answer.output_json == b"2"


async def test_ends_and_those_who_begin_to_wait_do_not_miss_each_other(
    pair: tuple[PostgresBackend, PostgresBackend],
) -> None:
    backend, other = pair
    targets = await claimed(backend, 40)
    waiters = await claimed(other, 40, worker="waiter")
    calls = [
        call
        for target, waiter in zip(targets, waiters, strict=True)
        for call in (
            other.settle(waiter, Suspended((Wait("wait_1", Runs((target.run.id,))),)), now=None),
            backend.settle(target, Completed(b"2"), now=None),
        )
    ]
    await asyncio.gather(*calls)
    resumed = await other.claim("waiter", ClaimSpec(), limit=50, lease=60, now=None)
    assert {one.run.id for one in resumed} == {one.run.id for one in waiters}


async def test_a_run_that_another_process_made_first_is_known(
    pair: tuple[PostgresBackend, PostgresBackend],
) -> None:
    backend, other = pair
    asked = [request() for _ in range(20)]
    answers = await asyncio.gather(
        *[one.enqueue([it], batch_id=None, now=None) for it in asked for one in (backend, other)]
    )
    came = sorted(answer.disposition for (answer,) in answers)
    assert came == ["created"] * 20 + ["existing"] * 20


async def test_what_was_just_written_is_not_in_the_future_of_who_reads(
    pair: tuple[PostgresBackend, PostgresBackend],
) -> None:
    backend, _ = pair
    clock = backend._rooms.store.clock  # type: ignore[attr-defined]  # of a PostgresStore
    seen, at = clock._seen
    clock._seen = (seen + 10_000_000, at)  # ten seconds, where it was a part of one
    await backend.create_token("token_1", timeout=0, tags=(), idempotency_key=None, now=None)
    token = await backend.get_token("token_1", now=None)
    assert token is not None
    assert token.status == "TIMED_OUT"


async def test_a_condition_of_ours_fails_its_call_alone(
    pair: tuple[PostgresBackend, PostgresBackend],
) -> None:
    backend, _ = pair
    leases = await claimed(backend, 2)
    answers = await asyncio.gather(
        backend.settle(leases[0], Completed(b"2"), now=None),
        backend.cancel(["run_unknown"], reason=None, now=None),
        backend.settle(leases[1], Completed(b"2"), now=None),
        return_exceptions=True,
    )
    assert isinstance(answers[1], RunNotFoundError)
    assert [(await run_of(backend, one)).status for one in leases] == ["COMPLETED"] * 2
