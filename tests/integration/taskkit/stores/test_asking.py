"""How a run is asked for: keys, payloads, secrets, machines; `def` tasks and what is measured and tried again."""

import asyncio
import logging
import math
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

import taskkit
from taskkit import (
    AbortTaskRunError,
    Context,
    OutOfMemoryError,
    Retry,
    idempotency_keys,
    logger,
    metadata,
    retry,
    runs,
    streams,
    task,
    tasks,
    usage,
    wait,
)
from taskkit.errors import (
    NotSerializableError,
    PayloadTooLargeError,
    PayloadValidationError,
    SecretInPayloadError,
)

pytestmark = pytest.mark.anyio


class Login(BaseModel):
    user: str
    password: SecretStr


@pytest.mark.usefixtures("app")
async def test_a_key_leads_to_the_same_run_until_it_is_freed() -> None:
    @task(id="pay")
    async def pay(amount: int) -> int:
        if amount < 0:
            raise AbortTaskRunError("negative")
        return amount

    first = await pay.trigger(1, idempotency_key="order-1")
    again = await pay.trigger(2, idempotency_key="order-1")
    assert (again.id, again.is_cached, first.is_cached) == (first.id, True, False)
    assert (await again.result()).output == 1
    assert (await pay.trigger(3, idempotency_key="order-1")).id == first.id
    key = idempotency_keys.create("order-1", scope="global")
    assert (await pay.trigger(4, idempotency_key=key)).id == first.id

    assert await idempotency_keys.reset(pay, "order-1") is True
    assert await idempotency_keys.reset("pay", "order-1") is False
    fresh = await pay.trigger(5, idempotency_key="order-1")
    assert (await fresh.result()).output == 5
    assert fresh.id != first.id

    failed = await pay.trigger(-1, idempotency_key="order-2")
    assert (await failed.result()).status == "FAILED"
    assert (await pay.trigger(6, idempotency_key="order-2")).id != failed.id

    many = await pay.batch_trigger([pay.item(n, idempotency_key="order-3") for n in (7, 8)])
    assert len({handle.id for handle in many.runs}) == 1
    assert [result.output for result in await many.results()] == [7, 7]


@pytest.mark.usefixtures("app")
async def test_a_key_ends_with_its_time() -> None:
    @task(id="pay")
    async def pay(amount: int) -> int:
        await wait.sleep("30ms")
        return amount

    first = await pay.trigger(1, idempotency_key="k", idempotency_key_ttl="20ms")
    assert (await first.result()).output == 1
    assert (await pay.trigger(2, idempotency_key="k")).id != first.id


@pytest.mark.usefixtures("app")
async def test_keys_of_a_run_and_of_an_attempt() -> None:
    @task(id="child")
    async def child() -> None: ...

    @task(id="parent", retry=Retry(max_attempts=2, min_timeout=0))
    async def parent(ctx: Context) -> None:
        raw = await child.trigger(idempotency_key="raw")
        run = await child.trigger(idempotency_key=idempotency_keys.create("k"))
        attempt = await child.trigger(
            idempotency_key=idempotency_keys.create(["k", "a"], scope="attempt")
        )
        metadata.append("seen", [raw.id, run.id, attempt.id])
        if ctx.attempt.number == 1:
            raise ValueError("again")

    handles = [await parent.trigger(), await parent.trigger()]
    for handle in handles:
        assert (await handle.result()).ok
    seen = [(await handle.retrieve()).metadata["seen"] for handle in handles]
    for first, second in seen:
        assert first[:2] == second[:2]
        assert first[2] != second[2]
    assert not set(seen[0][0]) & set(seen[1][0])


@pytest.mark.usefixtures("app")
async def test_payloads_and_outputs_are_json_of_any_content() -> None:
    @task(id="echo")
    async def echo(payload: Any) -> Any:
        return payload

    odd: list[Any] = [
        {"a": [1, 2.5, None, True], "": "\u0000 ü \n \U0001f600", "big": 2**70, "deep": [[[[]]]]},
        "", 0, False, None, [], {}, -0.0, 1e300, "a" * 1_000_000,
    ]  # fmt: skip
    for payload in odd:
        handle = await echo.trigger(payload)
        result = await handle.result()
        assert result.unwrap() == payload
        assert (await handle.retrieve()).payload == payload
    with pytest.raises(PayloadTooLargeError, match="3,145,728"):
        await echo.trigger("x" * 3_200_000)
    with pytest.raises(NotSerializableError):
        await echo.trigger(object())
    assert len([run async for run in runs.list(task=echo)]) == len(odd)


@pytest.mark.usefixtures("app")
async def test_an_output_that_is_too_large_fails_the_run() -> None:
    @task(id="large", retry=None)
    async def large() -> str:
        return "x" * 11_000_000

    result = await (await large.trigger()).result()
    assert result.status == "FAILED"
    assert result.error is not None
    assert "10,485,760" in str(result.error.message)


@pytest.mark.usefixtures("app")
async def test_a_payload_that_does_not_fit_is_refused_and_nothing_is_stored() -> None:
    @task(id="strict")
    async def strict(number: int) -> None: ...

    with pytest.raises(PayloadValidationError) as caught:
        await tasks.trigger("strict", "many")
    assert caught.value.errors()
    assert [run async for run in runs.list()] == []


async def test_secrets_stay_in_memory_or_are_refused_without_a_key(
    work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TASKKIT_SECRET_KEY", raising=False)
    seen: list[str] = []

    @task(id="login")
    async def login(payload: Login) -> None:
        seen.append(payload.password.get_secret_value())

    async with work() as app:
        if "DURABLE" in {one.name for one in app.backend.capabilities}:
            with pytest.raises(SecretInPayloadError, match="password"):
                await login.trigger(Login(user="ada", password=SecretStr("hunter2")))
            return
        handle = await login.trigger(Login(user="ada", password=SecretStr("hunter2")))
        assert (await handle.result()).ok
        assert (await handle.retrieve()).payload == {"user": "ada", "password": "********"}
    assert seen == ["hunter2"]


async def test_secrets_are_sealed_with_a_key(
    work: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TASKKIT_SECRET_KEY", "A" * 43 + "=")
    seen: list[str] = []

    @task(id="login", retry=None)
    async def login(payload: Login) -> str:
        seen.append(payload.password.get_secret_value())
        logger.info(f"logged in with {payload.password.get_secret_value()}")
        return payload.user

    with caplog.at_level(logging.DEBUG):
        async with work():
            handle = await login.trigger(Login(user="ada", password=SecretStr("hunter2")))
            assert (await handle.result()).output == "ada"
            again = await runs.replay(handle.id)
            assert (await again.result()).output == "ada"
            run = await again.retrieve()
            assert run.payload == {"user": "ada", "password": "********"}
            assert "hunter2" not in repr(run)
            said = [entry.data["message"] async for entry in runs.logs(run.id)]
    assert seen == ["hunter2", "hunter2"]
    assert said == ["logged in with ********"]
    assert "hunter2" not in caplog.text


@pytest.mark.usefixtures("app")
async def test_machines_and_the_larger_one_after_out_of_memory() -> None:
    @task(
        id="hungry",
        machine="small-1x",
        retry=Retry(max_attempts=2, min_timeout=0, out_of_memory="large-1x"),
    )
    async def hungry(ctx: Context) -> str:
        assert ctx.machine is not None
        if ctx.machine.name != "large-1x":
            raise OutOfMemoryError
        return ctx.machine.name

    handle = await hungry.trigger()
    assert (await handle.result()).output == "large-1x"
    assert (await handle.retrieve()).machine == "large-1x"
    given = await hungry.trigger(machine={"preset": "large-1x"})
    assert (await given.result()).output == "large-1x"
    assert len((await given.retrieve()).attempts) == 1


@pytest.mark.usefixtures("app")
async def test_a_plain_function_uses_everything_in_its_sync_form() -> None:
    @task(id="child")
    def child(number: int) -> int:
        return number + 1

    @task(id="plain")
    def plain(number: int, ctx: Context) -> Any:
        metadata.set("number", number)
        metadata.sync.flush()
        wait.sync.sleep(0.01)
        token = wait.sync.create_token()
        wait.sync.complete_token(token, "data")
        return [
            child.sync.trigger_and_wait(number).unwrap(),
            [result.output for result in child.sync.batch_trigger_and_wait([1, 2]).runs],
            streams.sync.pipe("parts", ["a", "b"]),
            wait.sync.for_token(token).unwrap(),
            taskkit.memo.sync("memo", lambda: number),
            runs.sync.retrieve(ctx.run.id).metadata["number"],
        ]

    handle = await plain.trigger(1)
    assert (await handle.result()).unwrap() == [2, [2, 3], 2, "data", 1, 1]
    assert [part async for part in streams.read(handle.id, "parts")] == ["a", "b"]


@pytest.mark.usefixtures("app")
async def test_what_is_tried_again_and_measured_within_an_attempt() -> None:
    @task(id="measures", max_duration=math.inf)
    async def measures() -> list[Any]:
        tries: list[int] = []

        async def flaky(number: int) -> str:
            tries.append(number)
            if number < 3:
                raise ValueError("not yet")
            return "there"

        found = await retry.on_throw(flaky, Retry(max_attempts=3, min_timeout=0.001))
        measured = await usage.measure(lambda: asyncio.sleep(0.01, "slept"))
        taken = usage.get_current().compute
        return [
            found,
            tries,
            measured.result,
            0.009 < measured.compute.duration <= taken.attempt.duration + 0.01,
            taken.attempt.duration <= taken.total.duration + 0.001,
        ]

    result = await (await measures.trigger()).result()
    assert result.unwrap() == ["there", [1, 2, 3], "slept", True, True]
