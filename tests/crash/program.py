"""What the processes of these tests do: python program.py WHAT URL [MORE]."""

import asyncio
import os
import sys
from typing import Any

import taskkit
from taskkit import Context, idempotency_keys, task, wait
from taskkit.model.exchange import ClaimSpec
from taskkit.runtime.current_backend import new_home

GO = asyncio.Event()


def say(word: object) -> None:
    print(word, flush=True)


async def heard() -> str:
    """The next line of standard input; it waits in a thread."""
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip()


@task(id="hold")
async def hold(name: str, ctx: Context) -> str:
    """Says that it was entered; the first delivery then stays until its process is killed."""
    say(f"entered {name} {ctx.run.id} {ctx.attempt.number}")
    if name == "stay":
        await asyncio.Event().wait()
    return name


@task(id="child")
async def child(number: int) -> int:
    return number + 1


@task(id="parent")
async def parent(number: int) -> int:
    say("entered parent")
    first = await child.trigger_and_wait(number).unwrap()
    await wait.sleep(0.1)
    return first + await child.trigger_and_wait(first).unwrap()


@task(id="answer")
async def answer(ctx: Context) -> int:
    """The number of the process that runs it, once that was told to go on."""
    say(f"entered answer {ctx.attempt.number}")
    await GO.wait()
    return os.getpid()


async def work(url: str, lease: str) -> None:
    """A worker, until standard input ends; its first line lets `answer` go on."""
    async with taskkit.worker(url, lease=float(lease), drain=0):
        say("working")
        await heard()
        GO.set()
        await heard()


async def claim(url: str, worker: str) -> None:
    """Claim everything in small bites, at a signal; say what was claimed."""
    home = new_home(url)
    await home.ready()
    backend: Any = home.backend
    say("ready")
    await heard()
    leases: list[Any] = []
    while found := await backend.claim(worker, ClaimSpec(), limit=3, lease=60, now=None):
        leases += found
    for lease in leases:
        say(lease.run.id)
    await home.close()


async def race(url: str, keys: str) -> None:
    """Trigger once for each key, at a signal; say which runs those are."""
    home = new_home(url)
    await home.ready()
    say("ready")
    await heard()
    with taskkit.use_backend(url):
        handles = await asyncio.gather(
            *[
                hold.trigger(
                    "go", idempotency_key=idempotency_keys.create(f"key-{n}", scope="global")
                )
                for n in range(int(keys))
            ]
        )
    for handle in handles:
        say(handle.id)
    await home.close()


if __name__ == "__main__":
    what = {"work": work, "claim": claim, "race": race}[sys.argv[1]]
    asyncio.run(what(*sys.argv[2:]))
