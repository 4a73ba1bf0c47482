"""Tasks of a worker that is killed. `MARK` is a file that says whether the worker before has been here."""

import asyncio
import os
from pathlib import Path

from taskkit import metadata, task, wait


def is_first() -> bool:
    mark = Path(os.environ["MARK"])
    is_new = not mark.exists()
    mark.touch()
    return is_new


@task(id="child")
async def child(number: int) -> int:
    await wait.sleep(0.1)
    print(f"child {number}", flush=True)
    return number


@task(id="parent")
async def parent(number: int) -> int:
    print(f"entered {os.getpid()}", flush=True)
    first = await child.trigger_and_wait(number).unwrap()
    metadata.set("first", first)
    await metadata.flush()
    if is_first():
        print("hangs", flush=True)
        await asyncio.Event().wait()
    return first + sum(await child.batch_trigger_and_wait([number + 1, number + 2]).unwrap())
