"""What the other processes of these tests do: python program.py WHAT URL [MORE]."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import taskkit
from taskkit import Context, logger, metadata, runs, streams, tags, task, wait


def say(word: object) -> None:
    print(word, flush=True)


async def heard() -> str:
    """The next line of standard input; it waits in a thread."""
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip()


@task(id="talk")
async def talk(name: str) -> int:
    """Streams what it is told, until that is "end"."""
    logger.info("talks", name=name)
    await tags.add("talking")

    async def words() -> AsyncIterator[str]:
        while (word := await heard()) != "end":
            metadata.append("words", word)
            await metadata.flush()
            yield word

    return await streams.pipe("words", words())


@task(id="approve")
async def approve(token_id: str) -> Any:
    return await wait.for_token(token_id).unwrap()


@task(id="child")
async def child(number: int) -> int:
    metadata.parent.increment("children")
    return number * 2


@task(id="family")
async def family(numbers: list[int]) -> int:
    return sum(await child.batch_trigger_and_wait(numbers).unwrap())


@task(id="endless")
async def endless(ctx: Context) -> None:
    say("endless began")
    try:
        await asyncio.Event().wait()
    finally:
        say(f"endless {ctx.signal.reason}")


@task(id="token")
async def token() -> Any:
    """Makes a token that somebody else completes, and says its id."""
    made = await wait.create_token(tags="made")
    say(made.id)
    return await wait.for_token(made).unwrap()


@task(id="isolated", isolation="process")
def isolated(path: str, ctx: Context) -> str:
    """The first time it stays until its worker is killed, the second time it goes on."""
    metadata.increment("entered")
    metadata.sync.flush()
    with Path(path).open("a", encoding="utf-8") as ledger:
        ledger.write(f"{ctx.run.id} {ctx.attempt.number}\n")
    if len(Path(path).read_text(encoding="utf-8").splitlines()) == 1:
        say("isolated began")
        time.sleep(600)
    wait.sync.sleep(0.01)
    return "again"


@task(id="isolated-child", isolation="process")
def isolated_child(number: int, ctx: Context) -> dict[str, Any]:
    logger.info("isolated", number=number)
    metadata.parent.increment("children")
    return {
        "child": child.sync.trigger_and_wait(number).unwrap(),
        "kept": taskkit.memo.sync("kept", lambda: number),
        "piped": streams.sync.pipe("parts", range(number)),
        "run": ctx.run.id,
    }


async def work(url: str, lease: str = "30") -> None:
    """A worker, until it is killed, or its standard input ends while nobody reads that."""
    async with taskkit.worker(url, lease=float(lease), drain=0):
        say("working")
        await asyncio.Event().wait()


async def ask(url: str, task_id: str, tag: str) -> None:
    """Trigger, say the run's id and what became of it."""
    with taskkit.use_backend(url):
        handle = await taskkit.tasks.trigger(task_id, 20, tags=tag)
        say(handle.id)
        say((await handle.result()).output)


async def follow(url: str, run_id: str) -> None:
    """Say each state of a run."""
    with taskkit.use_backend(url):
        say("following")
        async for run in runs.subscribe(run_id):
            say(f"{run.status} {run.metadata.get('step')}")


async def complete(url: str, token_id: str) -> None:
    with taskkit.use_backend(url):
        say(await wait.complete_token(token_id, {"from": "afar"}))


if __name__ == "__main__":
    what = {"work": work, "ask": ask, "follow": follow, "complete": complete}[sys.argv[1]]
    asyncio.run(what(*sys.argv[2:]))
