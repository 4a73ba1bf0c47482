"""Tasks of queues with limits, for worker processes. `LEDGER` is a file that bodies write beginning and end to."""

import asyncio
import os

from taskkit import Queue, task


def say(what: str) -> None:
    file = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{what} {os.getpid()}\n".encode())
    os.close(file)


@task(id="three", queue=Queue("three", 3))
async def three() -> None:
    say("+")
    await asyncio.sleep(0.2)
    say("-")


@task(id="hanging", queue=Queue("hanging", 2))
async def hanging() -> int:
    if os.environ.get("HANGS"):
        print("hangs", flush=True)
        await asyncio.Event().wait()
    return os.getpid()
