"""What goes with a run that is purged, and what stays."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.model.exchange import (
    ClaimSpec,
    Completed,
    Entry,
    EntryKind,
    Lease,
    RunFilter,
    Runs,
    Suspended,
    TokenRef,
    Wait,
)
from taskkit.model.ids import new_id, new_run_id
from taskkit.model.options import Debounce
from taskkit.model.request import TriggerRequest

pytestmark = pytest.mark.anyio
NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BESIDE = ("runs", "entries", "flushes", "run_tags", "keys", "debounces", "joined", "awaits")


def request(**fields: Any) -> TriggerRequest:
    ordinary: dict[str, Any] = {"run_id": new_run_id(), "task_id": "task", "queue": "queue"}
    return TriggerRequest(**{**ordinary, "payload": b"1", **fields})


async def enqueue(backend: KeptBackend, *requests: TriggerRequest, at: datetime = NOW) -> None:
    for answer in await backend.enqueue(requests, batch_id=None, now=at):
        assert answer.error is None


async def claim(backend: KeptBackend, at: datetime = NOW, limit: int = 1000) -> list[Lease]:
    await backend.advance(now=at, limit=1000)
    return list(await backend.claim("worker", ClaimSpec(), limit=limit, lease=30, now=at))


async def complete(backend: KeptBackend, *requests: TriggerRequest) -> None:
    await enqueue(backend, *requests)
    leases = await claim(backend)
    assert len(leases) == len(requests)
    await asyncio.gather(*[backend.settle(one, Completed(b"1"), now=NOW) for one in leases])


async def test_everything_that_belongs_to_a_run_goes_with_it(
    backend: KeptBackend, rows: Any
) -> None:
    keyed = request(idempotency_key="key", tags=("tag",))
    pushed = Debounce("key", 1.0)
    debounced, joined = request(debounce=pushed), request(debounce=pushed)
    await enqueue(backend, keyed, debounced, joined)
    for lease in await claim(backend, NOW + timedelta(seconds=5)):
        log = Entry(EntryKind.LOG, "text")
        await backend.append(lease.run.id, [log], flush_id="flush", lease=lease)
        await backend.settle(lease, Completed(b"1"), now=NOW + timedelta(seconds=5))
    before = [(await rows(backend, f"SELECT count(*) FROM {table}"))[0][0] for table in BESIDE]
    assert before == [2, 2, 2, 1, 1, 1, 1, 0]
    assert await backend.purge(LATER, limit=10) == 2
    for table in BESIDE:
        assert await rows(backend, f"SELECT * FROM {table}") == [], table


async def test_a_purge_takes_as_many_steps_as_it_needs(backend: KeptBackend, rows: Any) -> None:
    await complete(backend, *[request() for _ in range(450)])
    assert await backend.purge(LATER, limit=430) == 430
    assert await rows(backend, "SELECT count(*) FROM runs") == [(20,)]
    assert await backend.purge(LATER, limit=430) == 20


async def test_a_number_is_not_given_again(backend: KeptBackend, rows: Any) -> None:
    """A page's cursor is one, and rows beside a run are found by it."""
    await complete(backend, request(), request())
    (highest,) = (await rows(backend, "SELECT max(number) FROM runs"))[0]
    assert await backend.purge(LATER, limit=10) == 2
    await enqueue(backend, request())
    assert (await rows(backend, "SELECT number FROM runs"))[0][0] > highest


async def test_a_run_that_somebody_else_waits_for_stays(backend: KeptBackend) -> None:
    """A parent may wait for a run that it has not made: one that it met by a key."""
    child = request(idempotency_key="key")
    await complete(backend, child)
    await enqueue(backend, request())
    (parent,) = await claim(backend)
    wait = Wait(new_id("wait"), Runs((child.run_id,)))
    await backend.settle(parent, Suspended((wait,)), now=NOW)  # answered at once, and not claimed
    assert await backend.purge(LATER, limit=10) == 0
    (lease,) = await claim(backend)
    assert [run.id for run in lease.answers[wait.id]] == [child.run_id]
    await backend.settle(lease, Completed(b"1"), now=NOW)
    assert await backend.purge(LATER, limit=10) == 2


async def test_a_run_in_a_batch_of_which_others_go_on_stays(backend: KeptBackend) -> None:
    done = request(idempotency_key="key")
    await complete(backend, done)
    await enqueue(backend, request())
    (parent,) = await claim(backend)
    going_on = request()
    await enqueue(backend, going_on)
    wait = Wait(new_id("wait"), Runs((done.run_id, going_on.run_id)))
    await backend.settle(parent, Suspended((wait,)), now=NOW)
    assert await backend.purge(LATER, limit=10) == 0


# --- tokens -----------------------------------------------------------------------------------------


async def token(backend: KeptBackend, at: datetime = NOW) -> str:
    token_id = new_id("token")
    await backend.create_token(token_id, timeout=None, tags=(), idempotency_key=None, now=at)
    return token_id


async def test_tokens_that_are_over_go(backend: KeptBackend, rows: Any) -> None:
    over, waiting, young = [await token(backend) for _ in range(3)]
    await backend.complete_token(over, b"1", now=NOW)
    await backend.complete_token(young, b"1", now=LATER)
    assert await backend.purge(LATER, limit=10) == 0
    left = await rows(backend, "SELECT id FROM tokens ORDER BY number")
    assert left == [(waiting,), (young,)]


async def test_a_token_of_an_attempt_that_goes_on_stays(backend: KeptBackend, rows: Any) -> None:
    """Entered again, the attempt would make it anew and wait for what was given long ago."""
    await enqueue(backend, request())
    (lease,) = await claim(backend)
    done, pending = await token(backend), await token(backend)
    await backend.complete_token(done, b"1", now=NOW + timedelta(seconds=1))
    await backend.purge(LATER, limit=10)
    wait = Wait(new_id("wait"), TokenRef(pending))
    await backend.settle(lease, Suspended((wait,)), now=NOW)
    await backend.purge(LATER, limit=10)
    await backend.complete_token(pending, b"1", now=NOW + timedelta(seconds=2))
    await backend.purge(LATER, limit=10)
    assert len(await rows(backend, "SELECT id FROM tokens")) == 2
    (lease,) = await claim(backend)
    await backend.settle(lease, Completed(b"1"), now=NOW)
    await backend.purge(LATER, limit=10)
    assert await rows(backend, "SELECT id FROM tokens") == []


# --- lanes ------------------------------------------------------------------------------------------


async def test_lanes_of_keys_go_with_their_gates_and_the_others_stay(
    backend: KeptBackend, rows: Any
) -> None:
    await complete(backend, request(), request(concurrency_key="gone"))
    await enqueue(backend, request(concurrency_key="stands"))
    await backend.purge(NOW, limit=10)
    lanes = await rows(backend, "SELECT key FROM lanes ORDER BY id")
    assert lanes == [(None,), ("stands",)]
    gates = await rows(backend, "SELECT key FROM gates WHERE key <> 'null'")
    assert gates == [('"stands"',)]
    await complete_all(backend, request(), request(concurrency_key="gone"))


async def complete_all(backend: KeptBackend, *requests: TriggerRequest) -> None:
    """Carried out, with whatever else stands there."""
    await enqueue(backend, *requests)
    for lease in await claim(backend):
        await backend.settle(lease, Completed(b"1"), now=NOW)
    found = await backend.get([one.run_id for one in requests])
    assert [run is not None and run.status for run in found] == ["COMPLETED"] * len(requests)


async def test_lanes_of_workers_go_but_not_the_one_for_any(backend: KeptBackend, rows: Any) -> None:
    """Processes remember the one for any."""
    for _ in range(2):
        await enqueue(backend, request())
        (lease,) = await claim(backend)
        await backend.settle(lease, Suspended(()), now=NOW)
        (lease,) = await claim(backend, NOW + timedelta(seconds=31))
        await backend.settle(lease, Completed(b"1"), now=NOW)
        await backend.purge(NOW, limit=10)
        assert await rows(backend, "SELECT holder FROM lanes ORDER BY id") == [(None,), ("",)]


async def test_a_lane_that_is_filled_while_it_is_purged_keeps_its_run(
    backend: KeptBackend, make: Callable[[str], KeptBackend], url: str
) -> None:
    other = make(url)
    await other.open()
    try:
        done = False

        async def purge() -> int:
            turns = 0
            while not done:
                await other.purge(NOW, limit=100)
                turns += 1
            return turns

        purging = asyncio.ensure_future(purge())
        for number in range(100):
            await complete_all(backend, request(concurrency_key=f"key {number % 3}"))
        done = True
        assert await purging > 0
    finally:
        await other.close()
    page = await backend.list(RunFilter(), cursor=None, limit=1000)
    assert [run.status for run in page.items] == ["COMPLETED"] * 100
