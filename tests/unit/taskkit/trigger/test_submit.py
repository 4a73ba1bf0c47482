"""What may be said at a trigger, and what is refused with a word on where and why; then nothing is stored."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

import taskkit
from taskkit import Context, Queue, Retry, Run, RunStatus, Worker, config, runs, task, tasks
from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.definition.registry import REGISTRY
from taskkit.errors import (
    InvalidDurationError,
    InvalidIdempotencyKeyError,
    InvalidOptionError,
    NotSerializableError,
    PayloadNotStableError,
    PayloadTooLargeError,
    PayloadValidationError,
    QueueFullError,
    QueueNotFoundError,
    SecretInPayloadError,
    TaskkitError,
    TaskNotFoundError,
    UnsupportedByBackendError,
)
from taskkit.model.codec import PAYLOAD_LIMIT
from taskkit.runtime.current_backend import home_for
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


async def stored() -> list[Run]:
    return [run async for run in runs.list()]


async def refused(error: type[TaskkitError], trigger: Any) -> str:
    """The message of the error that a trigger raises, which has stored nothing."""
    with pytest.raises(error) as caught:
        await trigger
    assert type(caught.value) is error
    assert await stored() == []
    return str(caught.value)


@task(id="anything")
async def work(payload: Any) -> Any:
    return payload


@pytest.fixture(autouse=True)
def known() -> None:
    REGISTRY.add(work.definition)  # each test begins without any task


# --- options that are refused -----------------------------------------------------------------------

OPTIONS: list[tuple[dict[str, Any], type[TaskkitError], str]] = [
    ({"tags": [""]}, InvalidOptionError, "tags is '': a tag is a text of 1 to 128 characters."),
    ({"tags": ["x" * 129]}, InvalidOptionError, "a tag is a text of 1 to 128 characters."),
    ({"tags": ["a", 5]}, InvalidOptionError, "tags is 5: a tag is a text of 1 to 128 characters."),
    ({"tags": 5}, InvalidOptionError, "tags is 5: give a text, or a list of texts."),
    ({"tags": {"a": "b"}}, InvalidOptionError, "give a text, or a list of texts."),
    ({"tags": [str(n) for n in range(11)]}, InvalidOptionError, "at most 10 tags; these are 11."),
    ({"tags": ["a", "\ud800"]}, InvalidOptionError, "half of a surrogate pair, which is no text"),
    ({"priority": 10**400}, InvalidOptionError, "give the head start in seconds"),
    ({"priority": "high"}, InvalidOptionError, "priority is 'high': give the head start in seconds"),
    ({"priority": True}, InvalidOptionError, "priority is True"),
    ({"priority": math.nan}, InvalidOptionError, "priority is nan"),
    ({"priority": math.inf}, InvalidOptionError, "priority is inf"),
    ({"machine": "huge"}, InvalidOptionError, "machine is 'huge': give the name of a preset"),
    ({"machine": "large1x"}, InvalidOptionError, "Did you mean large-1x"),
    ({"machine": {"cpu": 4}}, InvalidOptionError, "machine is {'cpu': 4}"),
    ({"max_attempts": 0}, InvalidOptionError, "max_attempts is 0: give a whole number of at least 1."),
    ({"max_attempts": True}, InvalidOptionError, "max_attempts is True"),
    ({"max_attempts": 2.5}, InvalidOptionError, "max_attempts is 2.5"),
    ({"max_duration": 0}, InvalidOptionError, "max_duration is 0: give more than 0 seconds, or math.inf"),
    ({"max_duration": "5 m"}, InvalidDurationError, "max_duration is '5 m'"),
    ({"delay": "soon"}, InvalidDurationError, "delay is 'soon'"),
    ({"delay": -1}, InvalidDurationError, "delay is -1"),
    ({"delay": math.nan}, InvalidDurationError, "delay is nan"),
    ({"delay": True}, InvalidDurationError, "delay is True"),
    ({"delay": datetime(2031, 1, 1)}, InvalidDurationError, "says no moment. Write datetime.now(UTC)"),  # noqa: DTZ001 - the mistake that is tested
    ({"ttl": "1.5h"}, InvalidDurationError, "ttl is '1.5h'"),
    ({"ttl": math.inf}, InvalidDurationError, "ttl is inf"),
    ({"queue": "no-such-queue"}, QueueNotFoundError, "No queue is named 'no-such-queue'."),
    ({"queue": Queue("mail")}, InvalidOptionError, "queue is Queue(name='mail'"),
    ({"concurrency_key": ""}, InvalidOptionError, "concurrency_key is '': give a text of 1 to 512"),
    ({"concurrency_key": "\ud800"}, InvalidOptionError, "half of a surrogate pair, which is no text"),
    ({"concurrency_key": 7}, InvalidOptionError, "concurrency_key is 7"),
    ({"idempotency_key": 7}, InvalidIdempotencyKeyError, "The idempotency key is 7: give a text"),
    ({"idempotency_key": ["a", 7]}, InvalidIdempotencyKeyError, "The idempotency key holds 7"),
    ({"idempotency_key": "x" * 2049}, InvalidIdempotencyKeyError, "2,049 characters, 2,048 are allowed"),
    ({"idempotency_key": "\ud800"}, InvalidIdempotencyKeyError, "surrogate"),
    ({"idempotency_key": "a", "idempotency_key_ttl": "month"}, InvalidDurationError, "idempotency_key_ttl is 'month'"),
    ({"idempotency_key_ttl": "1h"}, InvalidOptionError, "idempotency_key_ttl is '1h': it needs an idempotency_key"),
    ({"metadata": [1]}, InvalidOptionError, "metadata is [1]: give a mapping of names to JSON data."),
    ({"metadata": {"a": object()}}, NotSerializableError, "The metadata cannot be written as JSON"),
    ({"metadata": {"a": math.nan}}, NotSerializableError, "The metadata contains NaN"),
    ({"metadata": {"a": "x" * 262_144}}, PayloadTooLargeError, "The metadata takes 262,152 bytes as JSON, 262,144"),
    ({"delya": "1h"}, InvalidOptionError, "delya is '1h': a trigger has no such option. Did you mean 'delay'?"),
    ({"timeout": 5}, InvalidOptionError, "timeout is 5: a trigger has no such option. It has: idempotency_key,"),
]  # fmt: skip


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("options", "error", "said"), OPTIONS)
async def test_an_option_that_cannot_be_is_refused_where_it_is_given(
    options: Mapping[str, Any], error: type[TaskkitError], said: str
) -> None:
    assert said in await refused(error, work.trigger(1, **options))
    assert said in await refused(error, work.batch_trigger([work.item(1, **options)]))


@pytest.mark.usefixtures("app")
async def test_the_near_name_of_a_queue_is_told() -> None:
    @task(queue=Queue("mail", concurrency_limit=2))
    async def mail() -> None: ...

    said = await refused(QueueNotFoundError, mail.trigger(queue="mial"))
    assert "Did you mean 'mail'?" in said
    assert 'Declare it on a task: @task(queue=Queue("mial", concurrency_limit=...))' in said


@pytest.mark.usefixtures("app")
async def test_a_batch_tells_which_item_is_wrong_and_stores_none() -> None:
    @task()
    async def double(number: int) -> int:
        return 2 * number

    with pytest.raises(PayloadValidationError) as caught:
        await double.batch_trigger([1, 2, "three"])  # type: ignore[list-item]  # the mistake that is tested
    assert caught.value.__notes__ == ["In item 2 of the batch, counted from 0. None was triggered."]
    assert await stored() == []


# --- options that count -----------------------------------------------------------------------------


@pytest.mark.usefixtures("app")
async def test_options_reach_the_run_and_its_context(clock: FakeClock) -> None:
    @task(queue=Queue("bulk"), retry=Retry(5))
    async def look(ctx: Context) -> dict[str, Any]:
        run = ctx.run
        return {
            "tags": list(run.tags),
            "attempts": run.max_attempts,
            "priority": run.priority,
            "machine": ctx.machine and ctx.machine.name,
            "queue": ctx.queue.name,
            "key": run.idempotency_key,
            "left": ctx.time_left(),
        }

    handle = await look.trigger(
        tags=("a", "b", "a"),
        max_attempts=2,
        priority=5,
        machine={"preset": "large-1x"},
        queue="bulk",
        idempotency_key="k",
        max_duration="90s",
        metadata={"step": 0},
        concurrency_key="acme",
    )
    found = (await handle.result()).unwrap()
    key = found.pop("key")
    assert found == {
        "tags": ["a", "b"],
        "attempts": 2,
        "priority": 5,
        "machine": "large-1x",
        "queue": "bulk",
        "left": 90,
    }
    assert key == taskkit.idempotency_keys.create("k")
    run = await handle.retrieve()
    assert (run.tags, run.metadata, run.queue) == (("a", "b"), {"step": 0}, "bulk")
    assert run.created_at == clock.now()


@pytest.mark.usefixtures("app")
async def test_one_tag_may_be_a_text_and_none_is_nothing() -> None:
    assert (await (await work.trigger(1, tags="vip")).retrieve()).tags == ("vip",)
    handle = await work.trigger(
        1, tags=None, delay=None, ttl=None, metadata=None, idempotency_key=None
    )
    assert (await handle.retrieve()).tags == ()


@pytest.mark.usefixtures("app")
async def test_initial_metadata_is_a_copy() -> None:
    data = {"rows": [1]}
    handle = await work.trigger(1, metadata=data)
    data["rows"].append(2)
    assert (await handle.retrieve()).metadata == {"rows": [1]}


@pytest.mark.usefixtures("app")
async def test_with_options_apply_unless_the_trigger_says_otherwise() -> None:
    tagged = work.with_options(tags=["a"], metadata={"by": "with_options"})
    assert tagged.id == work.id
    assert (await (await tagged.trigger(1)).retrieve()).tags == ("a",)
    other = await (await tagged.trigger(1, tags=["b"])).retrieve()
    assert (other.tags, other.metadata) == (("b",), {"by": "with_options"})
    again = tagged.with_options(tags=["c"])
    assert (await (await again.trigger(1)).retrieve()).tags == ("c",)
    assert (await (await work.trigger(1)).retrieve()).tags == ()
    many = await tagged.batch_trigger([1, work.item(2, tags=["d"]), tagged.item(3)])
    found = [(await handle.retrieve()).tags for handle in many.runs]
    assert found == [("a",), ("d",), ("a",)]
    assert [(await one.retrieve()).metadata["by"] for one in many.runs] == ["with_options"] * 3


# --- times ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "delay", [600, 600.0, timedelta(minutes=10), "10m", "PT10M", datetime(2030, 1, 1, 0, 10, tzinfo=UTC)]
)  # fmt: skip
async def test_a_delayed_run_starts_at_its_time(clock: FakeClock, delay: Any) -> None:
    handle = await work.trigger(1, delay=delay)
    run = await handle.retrieve()
    assert run.status == RunStatus.DELAYED
    assert run.is_queued
    assert run.available_at == clock.now() + timedelta(minutes=10)
    await clock.advance(599.999)
    assert (await handle.retrieve()).status == RunStatus.DELAYED
    await clock.advance(0.001)
    assert (await handle.retrieve()).is_success


@pytest.mark.usefixtures("app")
async def test_a_delay_that_is_past_means_now(clock: FakeClock) -> None:
    handle = await work.trigger(1, delay=clock.now() - timedelta(days=1))
    assert (await handle.result()).ok
    assert (await (await work.trigger(1, delay=0)).result()).ok


async def test_a_run_that_has_not_started_in_its_ttl_expires(clock: FakeClock) -> None:
    backend = MemoryBackend()
    home = home_for(backend, clock=clock)
    with taskkit.use_backend(backend):
        handle = await work.trigger(1, ttl="1h", delay="30m")
        forever = await work.trigger(1, ttl=0)
        await backend.advance(now=clock.now() + timedelta(minutes=30), limit=10)
        await backend.advance(now=clock.now() + timedelta(minutes=89), limit=10)
        assert (await handle.retrieve()).status == RunStatus.QUEUED
        await backend.advance(now=clock.now() + timedelta(minutes=91), limit=10)
        run = await handle.retrieve()
        assert run.status == RunStatus.EXPIRED
        assert run.error is not None
        assert run.started_at is None
        assert (await forever.retrieve()).status == RunStatus.QUEUED
        assert home.now == clock.now()


async def test_the_ttl_of_the_task_counts_and_a_trigger_may_take_it_away() -> None:
    @task(ttl="1h")
    async def brief() -> None: ...

    config.override(ttl="2h")
    backend = MemoryBackend()
    with taskkit.use_backend(backend):
        assert (await _ttl(await brief.trigger())) == 3600
        assert (await _ttl(await brief.trigger(ttl="5m"))) == 300
        assert (await _ttl(await brief.trigger(ttl=0))) is None
        assert (await _ttl(await work.trigger(1))) == 7200


async def _ttl(handle: Any) -> float | None:
    ttl: float | None = (await handle.retrieve()).request.ttl
    return ttl


# --- order and limits -------------------------------------------------------------------------------


@pytest.mark.usefixtures("app")
async def test_priority_is_a_head_start_in_seconds(clock: FakeClock) -> None:
    order: list[str] = []

    @task(id="note")
    async def note(name: str) -> None:
        order.append(name)

    first = await note.trigger("first")
    await clock.advance(0)
    await first.result()
    order.clear()
    blocked = await _blocker()
    await note.trigger("early")
    await clock.advance(5)
    await note.trigger("later, with a head start of 4 s", priority=4)
    await note.trigger("later, with a head start of 6 s", priority=6)
    last = await note.trigger("last")
    blocked.set()
    await last.result()
    assert order == [
        "later, with a head start of 6 s",
        "early",
        "later, with a head start of 4 s",
        "last",
    ]


async def _blocker() -> Any:
    gate = asyncio.Event()

    @task(id="blocker")
    async def blocker() -> None:
        await gate.wait()

    await blocker.trigger()
    for _ in range(5):
        await asyncio.sleep(0)
    return gate


async def test_a_queue_runs_no_more_than_its_limit_and_a_key_has_the_limit_for_itself(
    clock: FakeClock,
) -> None:
    running, most = 0, 0
    gate = asyncio.Event()

    @task(queue=Queue("narrow", concurrency_limit=2))
    async def narrow(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    async with taskkit.local(clock=clock, concurrency=100):
        for number in range(5):
            await narrow.trigger(number)
        await clock.settle()
        assert running == 2
        for key in ("acme", "acme", "acme", "other"):
            await narrow.trigger(1, concurrency_key=key)
        await clock.settle()
        assert running == 2 + 2 + 1
        gate.set()
        await clock.settle()
        assert running == 0
    assert most == 5


class Order(BaseModel):
    customer: str
    token: SecretStr = SecretStr("")


@pytest.mark.usefixtures("app")
async def test_a_task_can_make_the_concurrency_key_of_its_payload() -> None:
    @task(id="by-customer", concurrency_key=lambda order: order.customer or None)
    async def by_customer(order: Order, ctx: Context) -> str | None:
        return ctx.queue.concurrency_key

    async def key_of(payload: Any, **options: Any) -> Any:
        return (await (await by_customer.trigger(payload, **options)).result()).unwrap()

    assert await key_of(Order(customer="acme", token=SecretStr("hidden"))) == "acme"
    assert await key_of({"customer": "globex"}) == "globex"
    assert await key_of(Order(customer="acme"), concurrency_key="mine") == "mine"
    assert await key_of(Order(customer="")) is None
    handle = await tasks.trigger("by-customer", {"customer": "initech"})
    assert (await handle.result()).unwrap() == "initech"
    batch = await by_customer.batch_trigger([Order(customer="a"), Order(customer="b")])
    assert [result.unwrap() for result in await batch.results()] == ["a", "b"]


@pytest.mark.usefixtures("app")
async def test_a_concurrency_key_that_is_none_is_refused_when_it_is_made() -> None:
    @task(id="bad-key", concurrency_key=lambda order: len(order.customer))  # type: ignore[arg-type,return-value]  # the wrong type is what is tested
    async def bad_key(order: Order) -> None: ...

    said = await refused(InvalidOptionError, bad_key.trigger(Order(customer="acme")))
    assert "concurrency_key is 4: give a text" in said


def test_only_a_task_with_a_payload_can_make_a_key_of_it() -> None:
    with pytest.raises(InvalidOptionError, match="has no payload"):

        @task(concurrency_key=lambda _payload: "a")
        async def without() -> None: ...

    with pytest.raises(InvalidOptionError, match="give a function of the payload"):

        @task(concurrency_key="acme")  # type: ignore[arg-type]  # the wrong type is what is tested
        async def with_text(payload: Order) -> None: ...


async def test_a_full_queue_refuses_and_says_so(clock: FakeClock) -> None:
    @task(queue=Queue("short", max_length=2))
    async def short() -> None: ...

    with taskkit.use_backend(MemoryBackend()):
        await short.trigger()
        await short.trigger()
        with pytest.raises(QueueFullError) as caught:
            await short.trigger()
        assert str(caught.value) == (
            "Queue 'short' is full: 2 runs wait in it. The run was refused. Trigger again later, or raise "
            "max_length."
        )
        assert len(await stored()) == 2


async def test_a_full_queue_refuses_the_rest_of_a_batch_and_repeating_it_finishes_it() -> None:
    @task(queue=Queue("short", max_length=2))
    async def short(number: int) -> int:
        return number

    items = [short.item(number, idempotency_key=f"item-{number}") for number in range(3)]
    backend = MemoryBackend()
    with taskkit.use_backend(backend):
        with pytest.raises(QueueFullError):
            await short.batch_trigger(items)
        assert len(await stored()) == 2
        async with taskkit.worker(backend) as app:
            await app.idle()
            many = await short.batch_trigger(items)
            assert [handle.is_cached for handle in many.runs] == [True, True, False]
            assert [result.output for result in await many.results()] == [0, 1, 2]
        assert len(await stored()) == 3


# --- payloads ---------------------------------------------------------------------------------------


class User(BaseModel):
    name: str
    age: int


@pytest.mark.usefixtures("app")
async def test_a_payload_that_does_not_fit_names_the_task_the_field_and_the_value() -> None:
    @task()
    async def greet(user: User) -> None: ...

    said = await refused(PayloadValidationError, greet.trigger({"name": "Ann", "age": "old"}))  # type: ignore[arg-type]  # the mistake that is tested
    assert "The payload for task 'greet' does not fit its schema User: age:" in said
    assert "(given 'old')" in said
    with pytest.raises(PayloadValidationError) as caught:
        await tasks.trigger("greet", {"name": "Ann"})
    assert [error["loc"] for error in caught.value.errors()] == [("age",)]


@pytest.mark.usefixtures("app")
async def test_a_payload_for_a_task_without_one() -> None:
    @task()
    async def nothing() -> None: ...

    said = await refused(PayloadValidationError, nothing.trigger(1))  # type: ignore[call-overload]  # the mistake that is tested
    assert "Task 'nothing' (" in said
    assert "test_submit.py:" in said
    assert "takes no payload, but one of type int was given" in said


@pytest.mark.usefixtures("app")
async def test_a_payload_that_is_missing() -> None:
    @task()
    async def greet(user: User) -> None: ...

    said = await refused(PayloadValidationError, tasks.trigger("greet"))
    assert "The payload for task 'greet' does not fit its schema User" in said


@pytest.mark.usefixtures("app")
async def test_the_functions_own_default_is_the_payload_that_is_not_given() -> None:
    @task()
    async def count(rows: int = 10) -> int:
        return rows

    assert (await (await tasks.trigger(count.id)).result()).unwrap() == 10


class Opaque:
    """Nothing that pydantic knows how to read."""


@pytest.mark.usefixtures("app")
async def test_an_annotation_that_is_no_json_names_the_task_and_its_place() -> None:
    @task()
    async def reads(payload: Opaque) -> None: ...

    @task()
    async def gives() -> Opaque:
        return Opaque()

    for one, which in ((reads, "payload of"), (gives, "return value of")):
        said = await refused(NotSerializableError, tasks.trigger(one.id, 1))
        assert f"The {which} task {one.id!r} is annotated <class '" in said
        assert "which cannot go through JSON" in said
        assert "test_submit.py:" in said


@pytest.mark.usefixtures("app")
async def test_a_payload_over_three_megabytes() -> None:
    fits = "x" * (PAYLOAD_LIMIT - 2)
    handle = await work.trigger(fits)
    assert len((await handle.retrieve()).payload) == PAYLOAD_LIMIT - 2
    with pytest.raises(PayloadTooLargeError) as caught:
        await work.trigger(fits + "x")
    assert str(caught.value) == (
        "The payload for task 'anything' takes 3,145,729 bytes as JSON, 3,145,728 are allowed. Store the data "
        "elsewhere and pass a reference to it."
    )
    assert (caught.value.size, caught.value.limit) == (PAYLOAD_LIMIT + 1, PAYLOAD_LIMIT)
    assert len(await stored()) == 1


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (object(), "The payload for task 'anything' cannot be written as JSON"),
        (lambda: 1, "cannot be written as JSON"),
        ({"a": math.inf}, "contains Infinity"),
        ({"a": "\ud800"}, "cannot be written as JSON"),
    ],
)
async def test_a_payload_that_is_no_json(payload: Any, said: str) -> None:
    assert said in await refused(NotSerializableError, work.trigger(payload))


@pytest.mark.usefixtures("app")
async def test_a_payload_that_does_not_come_back_as_it_was_names_the_field() -> None:
    from pydantic import field_validator

    class Growing(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def longer(cls, name: str) -> str:
            return name + "!"

    @task()
    async def greet(who: Growing) -> None: ...

    said = await refused(PayloadNotStableError, greet.trigger(Growing(name="Ann")))
    assert (
        "The payload for task 'greet' does not survive the way through JSON: field 'name'" in said
    )


@pytest.mark.usefixtures("app")
async def test_the_payload_of_a_run_is_never_the_same_object() -> None:
    seen: list[Any] = []

    @task()
    async def keep(payload: dict[str, list[int]]) -> None:
        seen.append(payload)
        payload["rows"].append(2)

    given = {"rows": [1]}
    handle = await keep.trigger(given)
    await handle.result()
    assert given == {"rows": [1]}
    assert seen == [{"rows": [1, 2]}]
    assert (await handle.retrieve()).payload == {"rows": [1]}


# --- tasks by id ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("app")
async def test_an_unknown_id_tells_the_near_ones() -> None:
    @task()
    async def sync_user() -> None: ...

    said = await refused(TaskNotFoundError, tasks.trigger("sync-usr"))
    assert said.startswith(
        "No task has the id 'sync-usr' in this process. Did you mean 'sync-user'?"
    )
    assert "dirs" in said


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("given", [5, None, object()])
async def test_what_is_no_task_is_refused(given: Any) -> None:
    assert "give a task or its id." in await refused(InvalidOptionError, tasks.trigger(given))


class Shared(MemoryBackend):
    """As if other processes served it too."""

    capabilities = MemoryBackend.capabilities | {Capability.SHARED}


async def test_an_unknown_id_is_accepted_with_a_warning_where_others_may_know_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with taskkit.use_backend(Shared()), caplog.at_level(logging.WARNING, "taskkit.trigger"):
        handle = await tasks.trigger("elsewhere", {"a": 1})
        assert (await handle.retrieve()).payload == {"a": 1}
        await tasks.trigger("elsewhere", {"a": 2})
        await tasks.trigger("nowhere")
    assert [record.getMessage() for record in caplog.records] == [
        f"no task has the id {task_id!r} in this process; the run waits until a worker that knows it has come"
        for task_id in ("elsewhere", "nowhere")
    ]


class Durable(MemoryBackend):
    """As if it wrote down what it is given."""

    capabilities = MemoryBackend.capabilities | {Capability.DURABLE}


@pytest.mark.parametrize("raw", [True, False])
async def test_a_secret_is_not_given_to_a_backend_that_would_write_it_down(
    raw: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TASKKIT_SECRET_KEY", raising=False)

    class Login(BaseModel):
        user: str
        password: SecretStr

    @task()
    async def connect(login: Login) -> None: ...

    payload = Login(user="ann", password=SecretStr("hunter2"))
    given: Any = {"user": "ann", "password": "hunter2"} if raw else payload
    with taskkit.use_backend(Durable()):
        said = await refused(SecretInPayloadError, connect.trigger(given))
    assert "The payload holds a secret at 'password'" in said
    assert '"env:NAME" or "file:path"' in said
    assert "TASKKIT_SECRET_KEY" in said
    assert "hunter2" not in said


# --- capabilities -----------------------------------------------------------------------------------


class Plain(MemoryBackend):
    """Can store and run, and nothing else."""

    capabilities = frozenset({Capability.LIST})


@pytest.fixture
async def plain() -> AsyncIterator[None]:
    with taskkit.use_backend(Plain()):
        yield


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"delay": 1}, "DELAY"),
        ({"ttl": 1}, "TTL"),
        ({"priority": 1}, "PRIORITY"),
        ({"concurrency_key": "a"}, "KEY_LIMIT"),
        ({"idempotency_key": "a"}, "IDEMPOTENCY"),
        ({"metadata": {}}, "METADATA"),
        ({"debounce": taskkit.Debounce("a", "5s")}, "DEBOUNCE"),
    ],
)
async def test_what_a_backend_does_not_declare_is_refused(
    options: Mapping[str, Any], name: str
) -> None:
    said = await refused(UnsupportedByBackendError, work.trigger(1, **options))
    assert f"The option {next(iter(options))} is not supported by the backend" in said
    assert f"by the backend Plain (it does not declare {name})" in said


@pytest.mark.usefixtures("plain")
async def test_what_a_task_asks_for_is_refused_too() -> None:
    @task(ttl="1h")
    async def brief() -> None: ...

    @task(queue=Queue("narrow", concurrency_limit=2))
    async def narrow() -> None: ...

    said = await refused(UnsupportedByBackendError, brief.trigger())
    assert "The ttl of task 'brief' is not supported" in said
    said = await refused(UnsupportedByBackendError, narrow.trigger())
    assert "The concurrency limit of queue 'narrow' is not supported" in said


async def test_nothing_is_asked_of_a_worker_that_is_idle(app: Worker) -> None:
    await app.idle()
    assert await stored() == []
