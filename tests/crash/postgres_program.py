"""What the processes of the PostgreSQL tests do: python postgres_program.py WHAT URL [MORE].

An outside ledger, a file to which each process appends whole lines, is compared with what the store says.
"""

import asyncio
import atexit
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import taskkit
from taskkit import Context, Debounce, Queue, Retry, idempotency_keys, metadata, tags, task, wait
from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.postgres.connection import _SETTINGS
from taskkit.backends.postgres.store import PostgresStore
from taskkit.backends.sql.store_thread import StoreThread
from taskkit.errors import StoreUnavailableError
from taskkit.model.exchange import ClaimSpec, Entry, EntryKind
from taskkit.model.ids import new_id
from taskkit.runtime.current_backend import home_of


def say(word: object) -> None:
    print(word, flush=True)


async def heard() -> str:
    """The next line of standard input; it waits in a thread."""
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip()


class Ledger:
    """Lines are [moment, process, what, ...]; moments are of the machine's steady clock."""

    def __init__(self, path: str | Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, what: str, *more: object) -> None:
        line = json.dumps([time.monotonic(), os.getpid(), what, *more])
        os.write(self._file, line.encode() + b"\n")

    @contextmanager
    def during(self, ctx: Context) -> Iterator[None]:
        run = (ctx.run.id, ctx.attempt.number)
        self.write("begin", *run)
        try:
            yield
        finally:
            self.write("end", *run)


LEDGER = Ledger(os.environ.get("LEDGER", os.devnull))
THREE = Queue(name="three", concurrency_limit=3)


@task(id="short")
async def short(number: int, ctx: Context) -> int:
    with LEDGER.during(ctx):
        await asyncio.sleep(0.005)
    return number + 1


@task(id="limited", queue=THREE)
async def limited(ctx: Context) -> None:
    with LEDGER.during(ctx):
        await asyncio.sleep(0.002)


@task(id="family")
async def family(size: int, ctx: Context) -> int:
    """Two children after another, and several at once."""
    with LEDGER.during(ctx):
        pass  # it is entered again after each death, and holds no slot while it waits
    first = await short.trigger_and_wait(1).unwrap()
    rest = await asyncio.gather(*[short.trigger_and_wait(n).unwrap() for n in range(size)])
    return first + sum(rest)


@task(id="tree")
async def tree(depth: int) -> int:
    """Children that have children, several at once; each writes into its parent's metadata and to its own tags."""
    metadata.set("depth", depth)
    await tags.add(f"depth-{depth}")
    if depth == 0:
        metadata.parent.increment("leaves", 1)
        return 1
    return sum(await asyncio.gather(*[tree.trigger_and_wait(depth - 1).unwrap() for _ in range(4)]))


@task(id="timed")
async def timed(ctx: Context) -> float:
    """How long a sleep of 0.3 s was."""
    LEDGER.write("started", ctx.run.id)
    began = time.monotonic()
    await wait.sleep(0.3)
    return time.monotonic() - began


@task(id="again", retry=Retry(max_attempts=2, min_timeout=0.3, max_timeout=0.3, randomize=False))
async def again(ctx: Context) -> int:
    LEDGER.write("started", ctx.run.id)
    if ctx.attempt.number == 1:
        raise RuntimeError("once")
    return ctx.attempt.number


@task(id="held")
async def held(ctx: Context) -> None:
    LEDGER.write("started", ctx.run.id)
    await asyncio.Event().wait()


async def delay(url: str) -> None:
    """Trigger something for later, with the first call of this process."""
    with taskkit.use_backend(url):
        handle = await timed.trigger(delay=1)
        say(handle.id)
    await home_of(url).close()


async def work(url: str, lease: str, concurrency: str) -> None:
    """A worker, until standard input ends."""
    async with taskkit.worker(url, lease=float(lease), concurrency=int(concurrency), drain=0):
        say("working")
        await heard()
    say("done")


async def ask(url: str, callers: str) -> None:
    """Trigger until standard input ends; the ledger gets each answer, and each refusal with its type."""
    home = home_of(url)
    await home.ready()
    say("asking")
    stopped = asyncio.Event()

    async def caller(number: int) -> None:
        while not stopped.is_set():
            try:
                if number % 4 == 3:
                    handle = await family.trigger(3)
                else:
                    handle = await short.trigger(number)
            except StoreUnavailableError:
                LEDGER.write("unavailable")
                await asyncio.sleep(0.05)
            except BaseException as error:
                LEDGER.write("error", type(error).__name__, str(error))
                raise
            else:
                LEDGER.write("accepted", handle.id)
                await asyncio.sleep(0.02)

    with taskkit.use_backend(url):
        async with asyncio.TaskGroup() as group:
            for number in range(int(callers)):
                group.create_task(caller(number))
            await heard()
            stopped.set()
    await home.close()
    say("done")


async def strain(url: str, callers: str) -> None:
    """Everything at once until standard input ends; any error that reaches a caller ends it."""
    home = home_of(url)
    await home.ready()
    say("asking")
    stopped = asyncio.Event()
    one_of = idempotency_keys.create

    async def caller(number: int) -> None:
        count = 0
        while not stopped.is_set():
            count += 1
            handle = await tree.trigger(2, tags=["tree", f"caller-{number}"])
            LEDGER.write("accepted", handle.id)
            await short.trigger(1, idempotency_key=one_of(f"key-{count % 20}", scope="global"))
            await short.trigger(count, debounce=Debounce(f"key-{count % 3}", 1))
            entry = Entry(EntryKind.METADATA, {"type": "set", "key": "outside", "value": number})
            append = home.backend.append
            await append(handle.id, [entry], flush_id=new_id("flush"), lease=None)
            if count % 3 == 0:
                await handle.cancel("in the middle of it")
            await handle.result(timeout=60)

    with taskkit.use_backend(url):
        async with asyncio.TaskGroup() as group:
            for number in range(int(callers)):
                group.create_task(caller(number))
            await heard()
            stopped.set()
    await home.close()
    say("done")


def count_retries() -> Counter[str]:
    """How often a transaction failed, by what the server said; counted from now on."""
    counted: Counter[str] = Counter()
    attempt = StoreThread._attempt

    def counting(*args: Any, **options: Any) -> Exception | None:
        error = attempt(*args, **options)
        counted["done"] += 1
        if error is not None:
            counted[type(error).__name__] += 1
        return error

    StoreThread._attempt = counting  # type: ignore[method-assign]  # it only counts
    return counted


async def stop_within(url: str, where: str) -> None:
    """Stop as a process in the middle of a claim, with locks in hand; after that claim again, and say how it went.

    `where` is the lock that is held by then: "claims", which there is one of, or the "rows" of two runs.
    """
    _SETTINGS["idle_in_transaction_session_timeout"] = "1s"
    backend = PostgresBackend.from_url(url)
    await backend.open()
    stopped: list[bool] = []

    def stop(store: PostgresStore) -> None:
        if not stopped and threading.current_thread().name == "taskkit-store":
            stopped.append(True)
            store.execute("SELECT 1").fetchone()  # so that the server is waiting for us
            say("inside")
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # before this returns

    if where == "claims":
        hold_claims = PostgresStore.hold_claims

        def hold_and_stop(store: PostgresStore) -> bool:
            is_new = hold_claims(store)
            stop(store)
            return is_new

        PostgresStore.hold_claims = hold_and_stop  # type: ignore[method-assign,assignment]  # a fault is put in
    else:
        write = PostgresStore._write

        def stop_and_write(store: PostgresStore) -> None:
            stop(store)
            write(store)

        PostgresStore._write = stop_and_write  # type: ignore[method-assign,assignment]  # a fault is put in
    try:
        leases = await backend.claim("stopped", ClaimSpec(), limit=2, lease=60, now=None)
        say(f"claimed {len(leases)}")
    except Exception as error:
        say(f"{type(error).__name__} {error}")
    leases = await backend.claim("stopped", ClaimSpec(), limit=2, lease=60, now=None)
    say(f"claimed {len(leases)}")
    await backend.close()


if __name__ == "__main__":
    programs: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
        "work": work, "ask": ask, "strain": strain, "stop": stop_within, "delay": delay,
    }  # fmt: skip
    retries = count_retries()
    atexit.register(lambda: LEDGER.write("retries", retries))
    asyncio.run(programs[sys.argv[1]](*sys.argv[2:]))
