"""Tasks that run in child processes; a child imports this file, so nothing here may depend on a test."""

import asyncio
import contextlib
import hashlib
import itertools
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

import taskkit
from taskkit import Context, Retry, logger, memo, metadata, streams, tags, task, wait
from taskkit.errors import AbortTaskRunError

IN_CHILD = "IN_CHILD"
CallNext = Callable[[], Awaitable[None]]


@task(id="add-one")
async def add_one(number: int) -> int:
    return number + 1


def parts() -> Iterator[int]:
    yield from range(3)


@task(id="plain", isolation="process")
def plain(number: int, ctx: Context) -> dict[str, Any]:
    """Uses everything that a task may use, in its `.sync` form."""
    print(f"printed by {ctx.task.id}")
    logger.info("said", number=number)
    metadata.set("number", number)
    tags.sync.add("seen")
    piped = streams.sync.pipe("parts", parts())
    kept = memo.sync("kept", lambda: number * 10)
    wait.sync.sleep(0.01)
    return {
        "pid": os.getpid(),
        "next": add_one.sync.trigger_and_wait(number).unwrap(),
        "other": taskkit.tasks.sync.trigger("add-one", number).sync.result().output,
        "piped": piped,
        "kept": kept,
        "run": ctx.run.id,
        "attempt": ctx.attempt.number,
        "left": ctx.time_left(),
    }


@task(id="async", isolation="process")
async def asynchronous(number: int, ctx: Context) -> dict[str, Any]:
    """The same, awaited."""
    print(f"printed by {ctx.task.id}")
    logger.info("said", number=number)
    metadata.set("number", number)
    await tags.add("seen")
    piped = await streams.pipe("parts", parts())
    kept = await memo("kept", lambda: number * 10)
    await wait.sleep(0.01)
    waited = [add_one.trigger_and_wait(number).unwrap() for _ in range(3)]
    handle = await taskkit.tasks.trigger("add-one", number)
    return {
        "pid": os.getpid(),
        "next": (await asyncio.gather(*waited))[0],
        "other": (await handle.result()).output,
        "piped": piped,
        "kept": kept,
        "run": ctx.run.id,
        "attempt": ctx.attempt.number,
        "left": ctx.time_left(),
    }


# --- bodies that have to be stopped -----------------------------------------------------------------


async def begun() -> None:
    await metadata.set("pid", os.getpid()).flush()


def say_begun() -> None:
    metadata.set("pid", os.getpid())
    metadata.sync.flush()


def note(path: str, word: str) -> None:
    """A line in the test's ledger, with the process that wrote it."""
    with Path(path).open("a", encoding="utf-8") as ledger:
        ledger.write(
            f"{word} {'child' if os.environ.get(IN_CHILD) == str(os.getpid()) else 'parent'}\n"
        )


@task(id="spins", isolation="process")
def spins(path: str) -> None:
    os.environ[IN_CHILD] = str(os.getpid())
    try:
        say_begun()
        while True:
            time.monotonic()
    finally:
        note(path, "finally")


@task(id="sleeps", isolation="process")
def sleeps(path: str) -> None:
    os.environ[IN_CHILD] = str(os.getpid())
    try:
        say_begun()
        time.sleep(600)
    finally:
        note(path, "finally")


@task(id="waits-for-token", isolation="process")
def waits_for_token(token: str) -> str:
    say_begun()
    done: str = wait.sync.for_token(token).unwrap()
    return done


@task(id="computes", isolation="process")
def computes(path: str) -> None:
    """In C code that lets other threads run, and looks at no signal."""
    os.environ[IN_CHILD] = str(os.getpid())
    say_begun()
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 2**31 - 1)


@task(id="holds", isolation="process")
def holds(path: str) -> None:
    """In C code that lets no other thread run."""
    os.environ[IN_CHILD] = str(os.getpid())
    say_begun()
    sum(itertools.repeat(0))


@task(id="awaits", isolation="process")
async def awaits(path: str) -> None:
    os.environ[IN_CHILD] = str(os.getpid())
    try:
        await begun()
        await asyncio.Event().wait()
    finally:
        note(path, "finally")


@task(id="blocks-its-loop", isolation="process")
async def blocks_its_loop(path: str) -> None:
    os.environ[IN_CHILD] = str(os.getpid())
    try:
        await begun()
        while True:
            time.monotonic()
    finally:
        note(path, "finally")


@task(id="does-not-listen", isolation="process")
def does_not_listen(path: str) -> None:
    """Answers SIGTERM with a handler of its own, and goes on."""
    os.environ[IN_CHILD] = str(os.getpid())
    signal.signal(signal.SIGTERM, lambda number, frame: note(path, "sigterm"))
    say_begun()
    while True:
        time.sleep(600)


STOPPABLE = (spins, sleeps, computes, holds, awaits, blocks_its_loop, does_not_listen)
for stoppable in STOPPABLE:

    @stoppable.on_failure
    def failed(payload: str, error: BaseException) -> None:
        note(payload, f"on_failure {type(error).__name__}")

    @stoppable.on_cancel
    def canceled(payload: str) -> None:
        note(payload, "on_cancel")

    @stoppable.on_complete
    def complete(payload: str, result: taskkit.RunResult[Any]) -> None:
        note(payload, f"on_complete {result.status}")

    @stoppable.cleanup
    def clean_up(payload: str) -> None:
        note(payload, "cleanup")


# --- bodies that go wrong ---------------------------------------------------------------------------


class OddError(Exception):
    """Cannot be pickled: it takes more than it keeps."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")
        self.lock = asyncio.Lock()


@task(id="fails", isolation="process", retry=None)
def fails(kind: str) -> None:
    if kind == "abort":
        raise AbortTaskRunError("given up")
    raise OddError("this", "that")


@task(id="dies", isolation="process", retry=Retry(2, 0, randomize=False))
def dies(how: str, ctx: Context) -> str:
    if ctx.attempt.number == 2:
        return "second attempt"
    if how == "exit":
        os._exit(3)
    os.kill(os.getpid(), signal.Signals[how])
    time.sleep(600)
    return "not reached"


@task(id="fills", isolation="process", retry=Retry(3, 0, out_of_memory="medium-1x"))
def fills(megabytes: int, ctx: Context) -> str:
    memory = bytearray(megabytes * 1024**2)
    memory[:: os.sysconf("SC_PAGE_SIZE")] = b"x" * len(memory[:: os.sysconf("SC_PAGE_SIZE")])
    if ctx.machine is not None and ctx.machine.name == "micro":
        time.sleep(600)
    return "" if ctx.machine is None else ctx.machine.name


@task(id="is-told", isolation="process", retry=None)
def is_told() -> str:
    """Gets a SIGTERM that its worker has not sent, as all processes of a service do when it is stopped."""
    os.kill(os.getpid(), signal.SIGTERM)
    return "went on"


@task(id="is-told-late", isolation="process", retry=None)
async def is_told_late(path: str) -> None:
    os.environ[IN_CHILD] = str(os.getpid())
    await begun()
    await asyncio.Event().wait()


@is_told_late.on_cancel
async def told_late(payload: str) -> None:
    """Gets the SIGTERM of a worker that was too busy to hear its child's answer."""
    note(payload, "on_cancel begins")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0)
    note(payload, "on_cancel ends")


# --- hooks and secrets ------------------------------------------------------------------------------


@task(id="hooked", isolation="process", retry=None)
async def hooked(path: str, ctx: Context) -> int:
    note(path, f"run {ctx.state}")
    return 7


@hooked.init
def prepare(payload: str, ctx: Context) -> dict[str, object]:
    os.environ[IN_CHILD] = str(os.getpid())
    ctx.state["by"] = "init"
    note(payload, "init")
    return {"lock": asyncio.Lock()}


@hooked.on_success
def succeeded(payload: str, output: int, init: dict[str, object]) -> None:
    note(payload, f"on_success {output} {list(init)}")


@hooked.cleanup
async def clean(payload: str, init: dict[str, object]) -> None:
    note(payload, f"cleanup {list(init)}")


class Login(BaseModel):
    user: str
    password: SecretStr


@task(id="logs-in", isolation="process", retry=None)
def logs_in(login: Login) -> dict[str, Any]:
    logger.info(f"password is {login.password.get_secret_value()}")
    return {
        "length": len(login.password.get_secret_value()),
        "arguments": Path("/proc/self/cmdline").read_text().split("\0"),
        "environment": dict(os.environ),
    }


@task(id="starts-others", isolation="process")
def starts_others() -> None:
    """Forks a process that outlives it unless somebody ends it, and waits for ever."""
    other = os.fork()
    if other == 0:
        time.sleep(600)
        os._exit(0)
    metadata.set("other", other)
    say_begun()
    time.sleep(600)


@task(id="crashes-beside-others", isolation="process", retry=None)
def crashes_beside_others(token: str) -> None:
    """Forks a process, and is gone before it."""
    other = os.fork()
    if other == 0:
        time.sleep(600)
        os._exit(0)
    metadata.set("other", other)
    say_begun()
    wait.sync.for_token(token)
    os._exit(3)


@task(id="scribbles", isolation="process", retry=None)
def scribbles() -> None:
    """Writes into every open file, also the one that leads to its worker."""
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, b"x" * 64)
    time.sleep(600)


@task(id="in-time", isolation="process", retry=None)
def in_time(path: str) -> None:
    os.environ[IN_CHILD] = str(os.getpid())
    try:
        time.sleep(600)
    finally:
        note(path, "finally")


@in_time.middleware
async def with_timeout(call_next: CallNext) -> None:
    async with asyncio.timeout(0.2):
        await call_next()


@task(id="triggers-and-holds", isolation="process", max_duration=1.5)
def triggers_and_holds() -> None:
    add_one.sync.trigger(1)
    metadata.set("by", "body")
    metadata.sync.flush()
    sum(itertools.repeat(0))


@triggers_and_holds.on_failure
async def triggers_too() -> None:
    await add_one.trigger(1)
    await wait.sleep(0.01)
    metadata.set("seen", metadata.get("by"))
