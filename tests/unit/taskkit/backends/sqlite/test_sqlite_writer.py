"""The writer: one commit for many, one failure for one, nothing lost when somebody gives up or closes."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taskkit.backends.sqlite import SqliteBackend
from taskkit.errors import LeaseLostError, RunNotFoundError, StoreUnavailableError
from taskkit.model.exchange import ClaimSpec, Completed, end_topic
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest

pytestmark = pytest.mark.anyio


def request(**fields: Any) -> TriggerRequest:
    return TriggerRequest(new_run_id(), "task", b"1", "task/task", **fields)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture
async def backend(url: str) -> AsyncIterator[SqliteBackend]:
    backend = SqliteBackend.from_url(url)
    await backend.open()
    yield backend
    await backend.close()


def statements_of(backend: SqliteBackend) -> list[str]:
    """What the connection is told from now on."""
    seen: list[str] = []
    backend._rooms.store.db.set_trace_callback(seen.append)  # pyright: ignore[reportPrivateUsage] - commits can be counted nowhere else
    return seen


def log_size(url: str) -> int:
    return Path(url.removeprefix("sqlite:///") + "-wal").stat().st_size


async def enqueue(backend: SqliteBackend, *requests: TriggerRequest) -> list[str]:
    return [one.disposition for one in await backend.enqueue(requests, batch_id=None, now=None)]


async def test_calls_of_one_turn_share_a_commit(backend: SqliteBackend) -> None:
    seen = statements_of(backend)
    answers = await asyncio.gather(*[enqueue(backend, request()) for _ in range(50)])
    assert answers == [["created"]] * 50
    assert seen.count("COMMIT") == seen.count("BEGIN IMMEDIATE") == 1


async def test_a_call_has_returned_only_when_others_see_it(
    backend: SqliteBackend, url: str
) -> None:
    asked = request()
    await enqueue(backend, asked)
    other = sqlite3.connect(url.removeprefix("sqlite:///"))
    assert other.execute("SELECT run_id FROM runs").fetchall() == [(asked.run_id,)]
    other.close()


async def test_full_and_normal_are_what_the_url_says(backend: SqliteBackend, url: str) -> None:
    other = SqliteBackend.from_url(url + "?synchronous=normal")
    await other.open()
    levels = [
        one._rooms.store.db.execute("PRAGMA synchronous").fetchone()[0]  # pyright: ignore[reportPrivateUsage] - a setting of the connection
        for one in (backend, other)
    ]
    assert levels == [2, 1]
    await other.close()


async def test_a_call_that_fails_fails_alone(backend: SqliteBackend) -> None:
    asked = request()
    unknown = backend.cancel(["run_unknown"], reason=None, now=None)
    no_text = request(concurrency_key="\ud800")  # SQLite's text cannot hold it
    answers = await asyncio.gather(
        enqueue(backend, asked), unknown, enqueue(backend, no_text), return_exceptions=True
    )
    assert answers[0] == ["created"]
    assert isinstance(answers[1], RunNotFoundError)
    assert isinstance(answers[2], UnicodeEncodeError)
    (run, nothing) = await backend.get([asked.run_id, no_text.run_id])
    assert (run is not None, nothing) == (True, None)


async def test_a_call_is_stored_whole_or_not_at_all(backend: SqliteBackend) -> None:
    asked, no_text = request(), request(concurrency_key="\ud800")
    with pytest.raises(UnicodeEncodeError):
        await enqueue(backend, asked, no_text)
    assert await backend.get([asked.run_id]) == [None]
    assert await backend.claim("worker", ClaimSpec(), limit=5, lease=30, now=None) == []


async def test_a_full_disk_is_told_and_can_be_mended(backend: SqliteBackend) -> None:
    db = backend._rooms.store.db  # pyright: ignore[reportPrivateUsage] - a limit of the connection stands in for the disk's
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    large, small = request(), request()
    large.payload = b'"' + b"x" * 100_000 + b'"'
    answers = await asyncio.gather(
        enqueue(backend, large), enqueue(backend, small), return_exceptions=True
    )
    assert isinstance(answers[0], StoreUnavailableError)
    assert "full" in str(answers[0])
    assert answers[1] == ["created"]  # there was room for this one
    db.execute("PRAGMA max_page_count = 100000")
    assert await enqueue(backend, large, small) == ["created", "existing"]


async def test_a_failed_call_leaves_nothing_behind(backend: SqliteBackend) -> None:
    asked = request()
    await enqueue(backend, asked)
    await asyncio.gather(
        backend.cancel([asked.run_id, "run_unknown"], reason=None, now=None),
        return_exceptions=True,
    )
    (run,) = await backend.get([asked.run_id])
    assert run is not None
    assert run.status == "QUEUED"


async def test_a_claim_that_nobody_waits_for_is_given_back(backend: SqliteBackend) -> None:
    asked = request()
    await enqueue(backend, asked)
    claim = asyncio.ensure_future(backend.claim("worker", ClaimSpec(), limit=1, lease=30, now=None))
    await asyncio.sleep(0)
    carried_out = threading.Event()
    backend._ask(carried_out.set)  # pyright: ignore[reportPrivateUsage] - comes after the claim, in the same transaction
    await asyncio.sleep(0)
    assert carried_out.wait(10)  # the event loop stands still, so the answer cannot arrive before
    claim.cancel()
    await asyncio.gather(claim, return_exceptions=True)
    leases = await backend.claim("other", ClaimSpec(), limit=1, lease=30, now=None)
    while not leases:
        await asyncio.sleep(0)
        leases = await backend.claim("other", ClaimSpec(), limit=1, lease=30, now=None)
    assert leases[0].run.id == asked.run_id
    assert leases[0].run.deaths == 0


async def test_closing_answers_what_was_asked_and_nothing_after(backend: SqliteBackend) -> None:
    asked = asyncio.ensure_future(enqueue(backend, request()))
    await asyncio.sleep(0)
    await backend.close()
    assert await asked == ["created"]
    with pytest.raises(StoreUnavailableError, match="was closed before this call"):
        await enqueue(backend, request())


async def test_another_connection_is_heard(backend: SqliteBackend, url: str) -> None:
    other = SqliteBackend.from_url(url)
    await other.open()
    asked = request()
    await enqueue(backend, asked)
    watch = backend.watch([end_topic(asked.run_id)])
    (lease,) = await other.claim("worker", ClaimSpec(), limit=1, lease=30, now=None)
    await other.settle(lease, Completed(b"2"), now=None)
    (run,) = await backend.get([asked.run_id])
    while run is not None and run.status != "COMPLETED":
        assert await anext(watch) == end_topic(asked.run_id)
        (run,) = await backend.get([asked.run_id])
    assert await anext(watch) == end_topic(asked.run_id)
    with pytest.raises(LeaseLostError):
        await backend.settle(lease, Completed(b"other"), now=None)
    watch.close()
    await other.close()


async def test_a_long_payload_is_written_once(backend: SqliteBackend, url: str) -> None:
    asked = request()
    asked.payload = b'"' + b"x" * 400_000 + b'"'
    await enqueue(backend, asked)
    before = log_size(url)
    other = SqliteBackend.from_url(url)
    await other.open()
    (lease,) = await other.claim("worker", ClaimSpec(), limit=1, lease=30, now=None)
    assert lease.run.request.payload == asked.payload
    await other.settle(lease, Completed(b"2"), now=None)
    assert log_size(url) - before < 100_000
    (run,) = await backend.get([asked.run_id])
    assert run is not None
    assert (run.status, run.request.payload) == ("COMPLETED", asked.payload)
    assert await other.purge(datetime.now(UTC) + timedelta(1), limit=10) == 1
    rows = sqlite3.connect(url.removeprefix("sqlite:///"))
    assert rows.execute("SELECT count(*) FROM payloads").fetchone() == (0,)
    rows.close()
    await other.close()


async def test_a_file_that_stays_locked_is_waited_for_once_by_all_together(
    backend: SqliteBackend, url: str
) -> None:
    seen = statements_of(backend)
    backend._rooms.store.db.execute("PRAGMA busy_timeout = 20")  # pyright: ignore[reportPrivateUsage] - half a minute otherwise
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    calls = [enqueue(backend, request()) for _ in range(10)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(one) for one in answers} == {StoreUnavailableError}
    assert seen.count("BEGIN IMMEDIATE") == 1
    other.execute("ROLLBACK")
    other.close()
    assert await enqueue(backend, request()) == ["created"]
