"""Tasks that say something, of a worker that may be killed. `MARK` is a file that says whether one was here before."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from taskkit import logger, memo, metadata, streams, tags, task


def is_first() -> bool:
    mark = Path(os.environ["MARK"])
    is_new = not mark.exists()
    mark.touch()
    return is_new


@task(id="speaks")
async def speaks(number: int) -> None:
    who = "first" if is_first() else "second"
    kept = await memo("maker", lambda: f"made by the {who}")
    await tags.add(["given", who] if who == "first" else who)
    await streams.pipe("parts", [who])
    logger.info("entered")
    if who == "first":
        await metadata.flush()  # which takes the logs along
        print("hangs", flush=True)
        await asyncio.Event().wait()
    logger.info("done")
    print(f"memo {kept}", flush=True)


@task(id="parts")
async def parts(number: int) -> int:
    async def each() -> AsyncIterator[int]:
        for part in range(number):
            yield part
            await asyncio.to_thread(sys.stdin.readline)

    return await streams.pipe("parts", each())
