"""What is open ends: with `close`, with its event loop, and where somebody gives up or opens it again."""

import asyncio
import threading
from collections.abc import Callable

import psycopg
import pytest

from taskkit.backends.postgres import PostgresBackend, bulletin
from taskkit.backends.sql import store_thread
from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.errors import StoreUnavailableError
from taskkit.model.exchange import WORK_TOPIC
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest

PATIENCE = 15.0


def threads() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name.startswith("taskkit-")}


def is_listening(backend: PostgresBackend) -> bool:
    return backend._bulletin._is_listening  # pyright: ignore[reportPrivateUsage] - it is told nowhere


async def until_listening(backend: PostgresBackend) -> None:
    """Whoever begins to listen looks at everything once, and its workers hear of that."""
    looked = asyncio.Event()
    stop = backend.on_work(lambda _: looked.set())
    while not is_listening(backend):
        await looked.wait()
        looked.clear()
    stop()


async def enqueue(backend: KeptBackend, run_id: str | None = None) -> str:
    one = TriggerRequest(run_id or new_run_id(), "task", b"1", "task/task")
    return (await backend.enqueue([one], batch_id=None, now=None))[0].disposition


async def canceled(backend: KeptBackend) -> str:
    """The id of a run that has ended."""
    run_id = new_run_id()
    await enqueue(backend, run_id)
    await backend.cancel([run_id], reason=None, now=None)
    return run_id


async def end_of(backend: KeptBackend, run_id: str) -> str:
    async with asyncio.timeout(PATIENCE):
        run = await backend.end_of(run_id)
    assert run is not None
    return run.status


def test_what_an_event_loop_left_open_ends_after_it(
    url: str, make: Callable[[str], KeptBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_thread, "_IDLE", 0.1)
    monkeypatch.setattr(bulletin, "_LOOK_FOR_LOOP", 0.1)
    before = threads()

    async def use() -> set[threading.Thread]:
        await make(url).open()
        return threads() - before

    left = asyncio.run(use())
    assert left
    for thread in left:
        thread.join(PATIENCE)
        assert not thread.is_alive(), thread.name


def test_an_instance_goes_on_in_the_next_event_loop(
    url: str, make: Callable[[str], KeptBackend]
) -> None:
    backend = make(url)

    async def use() -> list[str]:
        await backend.open()
        return await asyncio.wait_for(
            asyncio.gather(*[enqueue(backend) for _ in range(20)]), PATIENCE
        )

    async def use_and_close() -> None:
        assert await use() == ["created"] * 20
        await backend.close()

    assert asyncio.run(use()) == ["created"] * 20
    asyncio.run(use_and_close())


@pytest.mark.anyio
async def test_who_gives_up_while_it_opens_leaves_nothing_and_can_open_it_again(
    url: str, make: Callable[[str], KeptBackend]
) -> None:
    backend, before = make(url), threads()
    opening = asyncio.ensure_future(backend.open())
    await asyncio.sleep(0)  # what is canceled before its first step has not begun
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await backend.open()
    assert await enqueue(backend) == "created"
    await backend.close()
    for thread in threads() - before:
        await asyncio.to_thread(thread.join, PATIENCE)
    assert threads() == before


@pytest.mark.anyio
async def test_what_could_not_be_opened_can_be_closed(make: Callable[[str], KeptBackend]) -> None:
    for url in ("sqlite:////nowhere/runs.db", "postgresql://127.0.0.1:1/none"):
        backend = make(url)
        with pytest.raises(StoreUnavailableError):
            await backend.open()
        await asyncio.wait_for(backend.close(), PATIENCE)


@pytest.mark.anyio
async def test_one_that_was_opened_again_tells_the_others(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, other = (PostgresBackend.from_url(postgres_url) for _ in range(2))
    await backend.open()
    await backend.close()
    await backend.open()
    await other.open()
    heard = asyncio.Event()
    stop = other.on_work(lambda topic: heard.set() if topic == WORK_TOPIC else None)
    async with asyncio.timeout(PATIENCE):
        await until_listening(backend)
        await until_listening(other)
        # only a message shall tell it
        monkeypatch.setattr(other._watches, "publish_all", lambda **_: None)
        next_look = other._bulletin._next_look  # pyright: ignore[reportPrivateUsage] - as above
        assert next_look is not None
        next_look.cancel()
        heard.clear()
        await enqueue(backend)
        await heard.wait()
    stop()
    await backend.close()
    await other.close()


@pytest.mark.anyio
async def test_a_message_of_somebody_else_does_not_deafen(postgres_url: str) -> None:
    backend = PostgresBackend.from_url(postgres_url)
    await backend.open()
    heard = asyncio.Event()
    stop = backend.on_work(lambda _: heard.set())
    async with asyncio.timeout(PATIENCE):
        await until_listening(backend)
        for junk in ("hello", "7", "{}", "[]", "[1, {}]"):
            heard.clear()
            with psycopg.connect(postgres_url.partition("?")[0], autocommit=True) as connection:
                channel = "taskkit_" + postgres_url.rpartition("=")[2]
                connection.execute("SELECT pg_notify(%s, %s)", (channel, junk))
            await heard.wait()
    assert is_listening(backend)
    stop()
    await backend.close()


@pytest.mark.anyio
async def test_who_waits_for_an_end_that_was_while_the_run_is_asked_for_again_hears_of_it(
    backend: KeptBackend,
) -> None:
    run_id = await canceled(backend)
    # Asked for first: it is on its way, as the run of somebody who looks was.
    again, end = await asyncio.gather(enqueue(backend, run_id), end_of(backend, run_id))
    assert (again, end) == ("existing", "CANCELED")


@pytest.mark.anyio
async def test_who_waits_for_an_end_after_a_trigger_that_was_given_up_hears_of_it(
    backend: KeptBackend,
) -> None:
    run_id = await canceled(backend)
    again = asyncio.ensure_future(enqueue(backend, run_id))
    await asyncio.sleep(0)  # as above
    again.cancel()
    with pytest.raises(asyncio.CancelledError):
        await again
    assert await end_of(backend, run_id) == "CANCELED"


@pytest.mark.anyio
async def test_a_connection_that_was_lost_fails_what_was_asked_then_and_nothing_after(
    postgres_url: str,
) -> None:
    backend = PostgresBackend.from_url(postgres_url)
    await backend.open()
    rooms = backend._rooms
    (pid,) = await backend._ask(lambda: rooms.store.execute("SELECT pg_backend_pid()").fetchone())
    with psycopg.connect(postgres_url.partition("?")[0], autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with pytest.raises(StoreUnavailableError):
        await backend.advance(now=None, limit=10)
    assert await enqueue(backend) == "created"
    await backend.close()
