"""Calls that must be accepted, with the types they must give. Checked, never run."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, assert_type

from pydantic import BaseModel, Field

import taskkit
from taskkit import (
    BatchHandle,
    BatchItem,
    BatchResult,
    Context,
    Cron,
    Debounce,
    Pending,
    Queue,
    Retry,
    RetryDecision,
    Run,
    RunHandle,
    RunResult,
    ScheduledPayload,
    Task,
    Token,
    WaitResult,
    batch,
    runs,
    schedules,
    schema_task,
    task,
    tasks,
    wait,
)
from taskkit.schedules import Schedule
from taskkit.session import Worker

# --- defining -------------------------------------------------------------------------------------------


class User(BaseModel):
    name: str


@dataclass
class Report:
    lines: int


@task
async def sync_user(user: User) -> Report:
    return Report(len(user.name))


@task(id="sync-later", max_duration=300, ttl="1h", machine="small-2x", retry=None)
async def sync_later(user: User, ctx: Context) -> Report:
    return Report(ctx.attempt.number)


@task(queue=Queue("users", concurrency_limit=4), retry=Retry(max_attempts=3))
async def sync_context_first(ctx: Context, user: User) -> Report:
    return Report(ctx.attempt.number)


@task()
async def with_default(user: User | None = None, ctx: Context | None = None) -> int:
    return 1


@task
async def only_context(ctx: Context) -> str:
    return ctx.run.id


@task
async def nothing() -> None: ...


@task
def count(text: str) -> int:
    return len(text)


@task(queue="words")
def count_with_context(text: str, ctx: Context) -> int:
    return len(text)


@task
def count_context_first(ctx: Context, text: str) -> int:
    return len(text)


@task
def now_and_then(ctx: Context) -> list[int]:
    return [1]


@task
def plain_nothing() -> str:
    return ""


@task
async def anything(payload: Any) -> str:
    return str(payload)


@task
async def any_object(payload: object, ctx: Context) -> str:
    return str(payload)


@task
async def context_and_anything(ctx: Context, payload: Any) -> str:
    return str(payload)


Later = Coroutine[Any, Any, Report]
assert_type(sync_user, Task[User, Report, Later])
assert_type(sync_later, Task[User, Report, Later])
assert_type(sync_context_first, Task[User, Report, Later])
assert_type(with_default, Task[User | None, int, Coroutine[Any, Any, int]])
assert_type(only_context, Task[None, str, Coroutine[Any, Any, str]])
assert_type(nothing, Task[None, None, Coroutine[Any, Any, None]])
assert_type(count, Task[str, int, int])
assert_type(count_with_context, Task[str, int, int])
assert_type(count_context_first, Task[str, int, int])
assert_type(now_and_then, Task[None, list[int], list[int]])
assert_type(plain_nothing, Task[None, str, str])


@schema_task(schema=User, id="schema-async")
async def schema_async(user: User, ctx: Context) -> Report:
    return Report(1)


@schema_task(schema=list[int])
def schema_plain(numbers: list[int]) -> int:
    return sum(numbers)


@schema_task(schema=Annotated[int, Field(gt=3)])
def schema_annotated(number: int) -> int:
    return number


@task(schema=User)
async def schema_option(ctx: Context, user: User) -> str:
    return user.name


assert_type(schema_async, Task[User, Report, Later])
assert_type(schema_plain, Task[list[int], int, int])
assert_type(schema_option, Task[User, str, Coroutine[Any, Any, str]])


@schedules.task(cron="0 */2 * * *")
async def every_two_hours(payload: ScheduledPayload) -> str:
    return payload.timezone


@schedules.task(id="mornings", cron=Cron("0 8 * * *", timezone="Europe/Berlin"))
def mornings(payload: ScheduledPayload, ctx: Context) -> int:
    return len(payload.upcoming)


@schedules.task(cron="@daily")
async def context_first_daily(ctx: Context, payload: ScheduledPayload) -> None: ...


@schedules.task(cron="@daily")
async def by_the_clock_alone() -> int:
    return 1


@schedules.task(cron="@daily")
def with_a_context_alone(ctx: Context) -> str:
    return ctx.run.id


assert_type(every_two_hours, Task[ScheduledPayload, str, Coroutine[Any, Any, str]])
assert_type(mornings, Task[ScheduledPayload, int, int])
assert_type(by_the_clock_alone, Task[None, int, Coroutine[Any, Any, int]])
assert_type(with_a_context_alone, Task[None, str, str])


# --- the plain function ---------------------------------------------------------------------------------


async def plain_calls(user: User) -> None:
    assert_type(await sync_user(user), Report)
    assert_type(await sync_user.run(user), Report)
    assert_type(count("words"), int)
    assert_type(count.run("words"), int)
    assert_type(nothing.id, str)


# --- triggering -----------------------------------------------------------------------------------------


async def trigger(user: User) -> None:
    handle = await sync_user.trigger(user)
    assert_type(handle, RunHandle[Report])
    result = await handle.result(timeout="30s")
    assert_type(result, RunResult[Report])
    assert_type(result.output, Report | None)
    assert_type(result.unwrap(), Report)
    assert_type(await handle.retrieve(), Run)
    async for run in handle.subscribe():
        assert_type(run, Run)
    assert_type(await count.trigger("words"), RunHandle[int])
    assert_type(await nothing.trigger(), RunHandle[None])
    assert_type(await only_context.trigger(tags=["a"]), RunHandle[str])
    assert_type(await with_default.trigger(), RunHandle[int])
    assert_type(await with_default.trigger(None), RunHandle[int])
    assert_type(await with_default.trigger(user), RunHandle[int])
    await any_object.trigger(3)
    await sync_user.trigger(
        user,
        idempotency_key="once",
        idempotency_key_ttl="1h",
        delay="10m",
        ttl=60,
        queue="users",
        concurrency_key="acme",
        priority=10,
        max_attempts=5,
        max_duration=60,
        tags=["acme"],
        metadata={"progress": 0},
        machine="large-1x",
        debounce=Debounce("key", delay="5s"),
    )


async def a_payload_of_any_type() -> None:
    await anything.trigger(3)
    await anything.trigger({"a": [1]})
    await anything.trigger()
    await context_and_anything.trigger("text")


async def by_id() -> None:
    assert_type(await tasks.trigger("sync-user", {"name": "Ada"}), RunHandle[Any])
    assert_type(await tasks.batch_trigger("sync-user", [{"name": "Ada"}]), BatchHandle[Any])
    assert_type(await tasks.trigger_and_poll("nothing"), Run)
    assert_type(await tasks.trigger_and_wait("nothing", tags="a").unwrap(), Any)


async def many(user: User) -> None:
    item = sync_user.item(user, tags=["vip"])
    assert_type(item, BatchItem[User, Report])
    handle = await sync_user.batch_trigger([user, item])
    assert_type(handle, BatchHandle[Report])
    assert_type(handle.runs, list[RunHandle[Report]])
    assert_type(await handle.results(timeout=5), list[RunResult[Report]])
    mixed = await batch.trigger([item, count.item("words", delay="10m")])
    assert_type(mixed, BatchHandle[Any])


async def by_the_clock() -> None:
    schedule = await schedules.create(task=every_two_hours, cron="0 8 * * *", deduplication_key="a")
    assert_type(schedule, Schedule)
    async for one in schedules.list():
        assert_type(one, Schedule)
    for one in schedules.sync.list():
        assert_type(one, Schedule)
    assert_type(await every_two_hours.trigger(ScheduledPayload.model_validate({})), RunHandle[str])


async def options(user: User) -> None:
    urgent = sync_user.with_options(priority=10, tags="urgent")
    assert_type(urgent, Task[User, Report, Later])
    assert_type(await urgent.trigger(user), RunHandle[Report])


# --- inside a task --------------------------------------------------------------------------------------


async def wait_for_children(user: User) -> None:
    pending = sync_user.trigger_and_wait(user, tags=["child"])
    assert_type(pending, Pending[RunResult[Report], Report])
    assert_type(await pending, RunResult[Report])
    assert_type(await sync_user.trigger_and_wait(user).unwrap(), Report)
    assert_type(await nothing.trigger_and_wait(), RunResult[None])
    assert_type(await tasks.trigger_and_wait("sync-user", user), RunResult[Any])
    done = await sync_user.batch_trigger_and_wait([user, sync_user.item(user)])
    assert_type(done, BatchResult[Report])
    assert_type(done.runs, list[RunResult[Report]])
    assert_type(done.runs[0].unwrap(), Report)
    assert_type(await sync_user.batch_trigger_and_wait([user]).unwrap(), list[Report])
    mixed = batch.trigger_and_wait([sync_user.item(user), count.item("words")])
    assert_type(await mixed, BatchResult[Any])


async def wait_for_a_token() -> None:
    token = await wait.create_token(timeout="1h", tags=["approval"])
    assert_type(token, Token)
    assert_type(await wait.for_token(token), WaitResult[Any])
    assert_type(await wait.for_token(token.id).unwrap(), Any)
    assert_type(await wait.complete_token(token, {"ok": True}), bool)
    await wait.sleep("30s")
    await wait.for_(minutes=1, seconds=30)


async def wait_in_parallel(user: User) -> None:
    report, words = await asyncio.gather(
        sync_user.trigger_and_wait(user).unwrap(), count.trigger_and_wait("words")
    )
    assert_type(report, Report)
    assert_type(words, RunResult[int])
    async with asyncio.TaskGroup() as group:
        one = group.create_task(count.trigger_and_wait("words").unwrap())
    assert_type(one.result(), int)


# --- plain code -----------------------------------------------------------------------------------------


def from_plain_code(user: User) -> None:
    handle = sync_user.sync.trigger(user, tags=["acme"])
    assert_type(handle, RunHandle[Report])
    assert_type(handle.sync.result(timeout=30), RunResult[Report])
    assert_type(handle.sync.cancel("enough"), Run)
    assert_type(handle.sync.subscribe(), Iterator[Run])
    assert_type(nothing.sync.trigger(), RunHandle[None])
    assert_type(with_default.sync.trigger(), RunHandle[int])
    assert_type(count.sync.trigger_and_wait("words"), RunResult[int])
    many = count.sync.batch_trigger(["a", count.item("b")])
    assert_type(many, BatchHandle[int])
    assert_type(many.sync.results(), list[RunResult[int]])
    assert_type(count.sync.batch_trigger_and_wait(["a"]), BatchResult[int])
    assert_type(runs.sync.retrieve(handle.id), Run)
    assert_type(tasks.sync.trigger("count", "words"), RunHandle[Any])
    assert_type(batch.sync.trigger([count.item("words")]), BatchHandle[Any])
    for run in runs.sync.list(status="FAILED"):
        assert_type(run, Run)
    assert_type(taskkit.run_task(sync_user, user), RunResult[Report])
    assert_type(taskkit.run_task(nothing).unwrap(), None)
    assert_type(taskkit.run_task(with_default), RunResult[int])
    taskkit.run_task(anything, {"a": 1})
    assert_type(taskkit.run_task("sync-user", {"name": "Ada"}), RunResult[Any])


# --- looking --------------------------------------------------------------------------------------------


async def look() -> None:
    async for run in runs.list(status=["FAILED", "CRASHED"], task=[count, "sync-user"], limit=5):
        assert_type(run, Run)
    async for page in runs.list(tag="acme").pages(size=10):
        for run in page.items:
            assert_type(run, Run)
    assert_type(await runs.retrieve("run_1"), Run)
    assert_type(await runs.cancel("run_1", reason="enough"), Run)
    async with taskkit.local() as app:
        assert_type(app, Worker)
        await app.idle()


def a_result_of_anything(result: RunResult[object], handle: RunHandle[object]) -> None: ...


async def results_and_handles_are_covariant(user: User) -> None:
    handle = await sync_user.trigger(user)
    a_result_of_anything(await handle.result(), handle)
    several: list[RunHandle[Report | int]] = [handle, await count.trigger("words")]
    assert len(several) == 2


# --- hooks ----------------------------------------------------------------------------------------------


@sync_user.on_failure
async def tell(payload: User, error: BaseException, ctx: Context) -> None: ...


@count.catch_error
def never_again(error: BaseException) -> RetryDecision | None:
    return RetryDecision(skip=True)


@tasks.on_start
def begin(ctx: Context) -> None: ...


@tasks.middleware
async def around(call_next: Any) -> None:
    await call_next()


assert_type(never_again(ValueError()), RetryDecision | None)  # a hook stays the function it was


@task(id="with-hooks", on_failure=tell, on_start=[begin, begin], catch_error=never_again)
async def with_hooks(user: User) -> None: ...


assert_type(with_hooks, Task[User, None, Coroutine[Any, Any, None]])
