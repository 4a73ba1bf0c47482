"""Calls that must be refused. Checked, never run: one that is let pass leaves an ignore without use, an error."""

# What follows from a refusal is no refusal of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedFunctionDecorator=false

import taskkit
from taskkit import (
    BatchItem,
    Context,
    ScheduledPayload,
    batch,
    runs,
    schedules,
    schema_task,
    task,
    tasks,
    wait,
)


class User:
    name: str = ""


class Report:
    lines: int = 0


@task
async def sync_user(user: User) -> Report:
    return Report()


@task(id="with-context")
async def with_context(ctx: Context, user: User) -> Report:
    return Report()


@task
async def nothing() -> None: ...


@task
def count(text: str) -> int:
    return len(text)


@task
def only_context(ctx: Context) -> int:
    return 1


async def the_payload_is_of_another_type(user: User) -> None:
    await sync_user.trigger(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await sync_user.trigger()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no payload
    await sync_user.trigger(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # None is no payload
    await with_context.trigger("user")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await count.trigger(b"words")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    sync_user.trigger_and_wait("user")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    sync_user.trigger_and_wait()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no payload
    sync_user.item(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await sync_user.batch_trigger([user, 3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # one of another type
    await sync_user.batch_trigger([count.item("words")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # an item of another task
    sync_user.batch_trigger_and_wait(["user"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # another type
    sync_user.with_options(tags="a").item("user")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    sync_user.sync.trigger(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    count.sync.trigger_and_wait(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    count.sync.batch_trigger([1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # another type
    taskkit.run_task(count, 1)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]  # another type
    taskkit.run_task(count)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # no payload
    taskkit.run_task(nothing, 1)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]  # one payload too many
    taskkit.run_task(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # no task


async def there_is_no_payload() -> None:
    await nothing.trigger(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # one payload too many
    await only_context.trigger("words")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # one payload too many
    nothing.trigger_and_wait(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # one payload too many
    nothing.sync.trigger(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # one payload too many


async def the_payload_has_no_name(user: User) -> None:
    await sync_user.trigger(user=user)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # by name
    await sync_user.trigger(payload=user)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # by name


async def an_option_is_misspelt_or_of_another_type(user: User) -> None:
    await sync_user.trigger(user, prioriti=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    await sync_user.trigger(user, priority="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await sync_user.trigger(user, delay=[1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await nothing.trigger(max_attempt=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # misspelt
    sync_user.trigger_and_wait(user, tag="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    sync_user.item(user, tag="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    sync_user.with_options(tag="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    sync_user.sync.trigger(user, tag="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    await tasks.trigger("sync-user", user, tag="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    taskkit.run_task(sync_user, user, tag="a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # misspelt
    runs.list(state="FAILED")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    runs.sync.list(limits=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt


async def the_output_is_of_another_type(user: User) -> None:
    handle = await sync_user.trigger(user)
    result = await handle.result()
    wrong: int = result.unwrap()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # a Report
    result.output.lines  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]  # may be None
    text: str = await count.trigger_and_wait("words").unwrap()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # an int
    number: int = await count.trigger_and_wait("words")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # a result
    done = await count.batch_trigger_and_wait(["words"])
    texts: list[str] = [one.unwrap() for one in done.runs]  # type: ignore[misc]  # pyright: ignore[reportAssignmentType]  # ints
    plain: str = count("words")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # an int
    late: Report = sync_user(user)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # a coroutine
    batched: list[int] = await (await sync_user.batch_trigger([user])).results()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # results
    print(wrong, text, number, texts, plain, late, batched)


async def the_call_does_not_exist(user: User) -> None:
    handle = await sync_user.trigger(user)
    await handle.result(timout=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    handle.sync.result(timout=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    handle.results()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # a batch has results
    await sync_user.sync.trigger(user)  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]  # nothing to await
    sync_user.trigger(user).id  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # not awaited
    await batch.trigger([user])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # no item
    await batch.trigger([sync_user])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # no item
    async for _ in runs.retrieve("run_1"):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # one run
        pass
    for _ in runs.list():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # async for, or runs.sync.list
        pass
    item: BatchItem[str, int] = sync_user.item(user)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # of another task
    print(item)


async def waits_and_schedules() -> None:
    await wait.sleep([1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await wait.for_(secs=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
    await wait.until("8:00")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await wait.for_token(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await schedules.create(task=count)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no cron
    await schedules.create(task=count, cron="@daily", timezon="UTC")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt


task("my-id")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # task(id="my-id")
task(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # no function
task(id=1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # another type
task(ids="a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # misspelt
task(retry=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # another type
task(count.run, id="twice")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # a function and options
schema_task(id="no-schema")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # no schema
schedules.task(id="no-cron")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no cron
schedules.task(cron=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
task(id="hooks", on_failure="tell")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # no function


@task  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # two payloads
def two_payloads(one: int, other: int) -> None: ...


@task()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # two payloads
async def two_payloads_async(one: int, other: int) -> None: ...


@schema_task(schema=User)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # the function takes something else
async def another_schema(payload: int) -> None: ...


@schedules.task(cron="@daily")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # the function takes something else
async def another_payload(payload: str) -> None: ...


@sync_user.on_failur  # type: ignore[attr-defined, untyped-decorator]  # pyright: ignore[reportAttributeAccessIssue]  # misspelt
def no_such_hook(error: BaseException) -> None: ...


@tasks.on_failur  # type: ignore[attr-defined, untyped-decorator]  # pyright: ignore[reportAttributeAccessIssue]  # misspelt
def no_such_global_hook(error: BaseException) -> None: ...


sync_user.on_failure(3)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]  # no function


async def a_schedule_takes_its_payload(user: User) -> None:
    @schedules.task(cron="@daily")
    async def daily(payload: ScheduledPayload) -> int:
        return 1

    await daily.trigger(user)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another type
    await daily.trigger()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no payload
