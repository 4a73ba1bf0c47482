"""The tasks of `test_worker_process.py`, for `taskkit worker --app`."""

import asyncio
import os
from pathlib import Path

from taskkit import Context, task


def say(word: str) -> None:
    print(word, flush=True)


@task(id="quick")
async def quick(ctx: Context) -> str:
    say(f"entered quick {ctx.run.id}")
    return "done"


@task(id="long")
async def long(ctx: Context) -> None:
    """Stays until its worker stops."""
    say(f"entered long {ctx.attempt.number}")
    await asyncio.Event().wait()


@long.cleanup
def cleaned() -> None:
    say("cleaned long")


@task(id="until-file")
async def until_file(path: str) -> str:
    """Ends when somebody has made this file."""
    say("entered until-file")
    while not Path(path).exists():  # noqa: ASYNC240 - a look of some microseconds
        await asyncio.sleep(0.01)
    return "saw it"


@task(id="poison")
async def poison(ctx: Context) -> None:
    """Takes its worker with it."""
    say(f"entered poison {ctx.attempt.number}")
    os._exit(7)
