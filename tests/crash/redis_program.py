"""A worker on the backend of `examples/redis_backend`, as a process: `redis_program.py URL PREFIX`."""

import asyncio
import sys
from pathlib import Path

import taskkit
from examples.redis_backend.redis_backend import RedisBackend
from taskkit import Context, task


def say(word: str) -> None:
    print(word, flush=True)


@task(id="until-file")
async def until_file(path: str, ctx: Context) -> int:
    """Ends when somebody has made this file."""
    say(f"entered {ctx.run.id}")
    while not Path(path).exists():  # noqa: ASYNC240 - a look of some microseconds
        await asyncio.sleep(0.01)
    return ctx.attempt.number


async def main(url: str, prefix: str) -> None:
    backend = RedisBackend(url, prefix=prefix)
    async with taskkit.worker(backend, concurrency=4, lease=1, drain=0):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
