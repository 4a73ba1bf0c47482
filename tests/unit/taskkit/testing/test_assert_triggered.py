"""What a test's code has triggered."""

import asyncio
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from pydantic import BaseModel, SecretStr

import taskkit
from taskkit import Task, task
from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import BackendNotConfiguredError, InvalidOptionError, UnsupportedByBackendError
from taskkit.model.exchange import Page
from taskkit.runtime import current_backend
from taskkit.testing import assert_triggered


class Mail(BaseModel):
    to: str
    copies: int = 1


class Login(BaseModel):
    user: str
    password: SecretStr


@pytest.fixture
def send_mail() -> Task[Mail, None, Any]:
    @task
    async def send_mail(mail: Mail) -> None:
        """Send it."""

    return send_mail


def plain() -> Any:
    """In a backend without a worker: what is triggered stays queued."""
    return taskkit.use_backend(MemoryBackend())


def test_a_trigger_from_plain_code_is_seen(send_mail: Task[Mail, None, Any]) -> None:
    with plain():
        handle = send_mail.sync.trigger(Mail(to="ada"))
        (run,) = assert_triggered(send_mail)
        assert run.id == handle.id
        assert_triggered("send-mail", {"to": "ada", "copies": 1}, times=1)
        assert_triggered(send_mail, Mail(to="ada"))
        assert_triggered(send_mail, payload={"to": "ada"})


@pytest.mark.anyio
async def test_it_needs_no_await(app: taskkit.Worker, send_mail: Task[Mail, None, Any]) -> None:
    await send_mail.trigger(Mail(to="ada"))
    assert_triggered(send_mail, Mail(to="ada"), times=1)
    await app.idle()
    assert [run.status for run in assert_triggered(send_mail)] == ["COMPLETED"]


@pytest.mark.anyio
@pytest.mark.usefixtures("app")
async def test_children_and_batches_are_seen(send_mail: Task[Mail, None, Any]) -> None:
    @task
    async def parent() -> None:
        await send_mail.trigger_and_wait(Mail(to="child"))
        await send_mail.batch_trigger([Mail(to="first"), Mail(to="second")])

    await (await parent.trigger()).result()
    runs = assert_triggered(send_mail, times=3)
    assert [run.payload["to"] for run in runs] == ["child", "first", "second"]


def test_matchers_may_stand_in_a_payload(send_mail: Task[Mail, None, Any]) -> None:
    with plain():
        send_mail.sync.trigger(Mail(to="ada", copies=9))
        assert_triggered(send_mail, {"to": "ada", "copies": ANY})
        assert_triggered(send_mail, ANY)
        with pytest.raises(AssertionError):
            assert_triggered(send_mail, {"to": "bob", "copies": ANY})


def test_another_payload_fails_and_is_shown(send_mail: Task[Mail, None, Any]) -> None:
    with plain():
        handle = send_mail.sync.trigger(Mail(to="bob"))
        with pytest.raises(AssertionError) as raised:
            assert_triggered(send_mail, {"to": "ada"})
    assert str(raised.value).splitlines() == [
        "Task 'send-mail' was never triggered with payload={'to': 'ada'}, and at least once was expected.",
        "Triggered otherwise, the nearest first:",
        f"  {handle.id}: payload is {{'to': 'bob', 'copies': 1}}",
        "Other tasks: none.",
    ]


def test_the_nearest_comes_first_and_other_tasks_are_counted(
    send_mail: Task[Mail, None, Any],
) -> None:
    @task
    async def audit() -> None:
        """Write it down."""

    with plain():
        far = send_mail.sync.trigger(Mail(to="bob"), tags=["b"])
        near = send_mail.sync.trigger(Mail(to="ada"), tags=["a"], priority=3)
        for _ in range(2):
            audit.sync.trigger()
        with pytest.raises(AssertionError) as raised:
            assert_triggered(send_mail, {"to": "ada"}, tags="vip", priority=3)
    lines = str(raised.value).splitlines()
    assert lines[2] == f"  {near.id}: tags is ('a',)"
    assert lines[3].startswith(f"  {far.id}: payload is {{'to': 'bob'")
    assert lines[3].endswith("tags is ('b',); priority is 0.0")
    assert lines[-1] == "Other tasks: 'audit' 2 times."


def test_times_counts_exactly(send_mail: Task[Mail, None, Any]) -> None:
    with plain():
        assert_triggered(send_mail, times=0)
        for _ in range(7):
            send_mail.sync.trigger(Mail(to="ada"))
        assert_triggered(send_mail, times=7)
        with pytest.raises(AssertionError, match=r"triggered 7 times, and once was expected"):
            assert_triggered(send_mail, times=1)
        with pytest.raises(AssertionError, match=r"triggered 7 times, and never was expected"):
            assert_triggered(send_mail, times=0)
        with pytest.raises(AssertionError, match="and 2 more"):
            assert_triggered(send_mail, {"to": "bob"})


OPTIONS: dict[str, tuple[Any, Any]] = {
    "idempotency_key": ("order-1", "order-2"),
    "delay": ("1h", timedelta(minutes=59)),
    "ttl": ("1h", 60),
    "concurrency_key": ("acme", "other"),
    "priority": (10, 9),
    "max_attempts": (5, 4),
    "max_duration": ("1m", 61),
    "tags": (["a", "b"], ["a"]),
    "metadata": ({"step": 1}, {"step": 2}),
    "machine": ("large-1x", "small-1x"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_compared(name: str, send_mail: Task[Mail, None, Any]) -> None:
    given, other = OPTIONS[name]
    with plain():
        send_mail.sync.trigger(Mail(to="ada"), **{name: given})  # type: ignore[misc]  # any option
        assert_triggered(send_mail, **{name: given})
        with pytest.raises(AssertionError, match=f"{name} is "):
            assert_triggered(send_mail, **{name: other})
        send_mail.sync.trigger(Mail(to="bob"))
        assert_triggered(send_mail, {"to": "ada"}, times=1, **{name: given})


def test_an_option_that_was_not_given_differs(send_mail: Task[Mail, None, Any]) -> None:
    with plain():
        send_mail.sync.trigger(Mail(to="ada"))
        for name, (given, _) in OPTIONS.items():
            with pytest.raises(AssertionError, match=f"{name} is "):
                assert_triggered(send_mail, **{name: given})
        assert_triggered(send_mail, tags=None, delay=None, queue="task/send-mail")


def test_an_option_that_does_not_exist_is_told(send_mail: Task[Mail, None, Any]) -> None:
    with plain(), pytest.raises(InvalidOptionError, match="prioritty"):
        assert_triggered(send_mail, prioritty=1)  # type: ignore[call-arg]  # a misspelt option


def test_secrets_are_compared_and_not_shown() -> None:
    @task
    async def log_in(login: Login) -> None:
        """Log in."""

    with plain():
        log_in.sync.trigger(Login(user="ada", password=SecretStr("right")))
        assert_triggered(log_in, Login(user="ada", password=SecretStr("right")))
        with pytest.raises(AssertionError) as raised:
            assert_triggered(log_in, Login(user="ada", password=SecretStr("wrong")))
    assert "right" not in str(raised.value)


def test_a_key_that_was_given_in_a_task_counts_for_its_run() -> None:
    @task
    async def child() -> None:
        """Run once."""

    @task
    async def parent() -> None:
        await child.trigger(idempotency_key="once")

    @task
    async def check() -> None:
        assert_triggered(child, idempotency_key="once", times=1)

    async def run_both() -> None:
        async with taskkit.local():
            await (await parent.trigger()).result()
            assert (await (await check.trigger()).result()).ok

    asyncio.run(run_both())


def test_without_a_backend_it_says_where_to_stand(send_mail: Task[Mail, None, Any]) -> None:
    with pytest.raises(BackendNotConfiguredError, match=r"async with taskkit\.local"):
        assert_triggered(send_mail)


class Slow(MemoryBackend):
    """A store whose answers come later, and that other processes serve."""

    capabilities = MemoryBackend.capabilities | {Capability.SHARED}

    async def list(self, *args: Any, **kwargs: Any) -> Page[Any]:
        await asyncio.sleep(0)
        return await super().list(*args, **kwargs)


def test_a_store_that_answers_later_is_waited_for(send_mail: Task[Mail, None, Any]) -> None:
    with taskkit.use_backend(Slow()):
        send_mail.sync.trigger(Mail(to="ada"))
        assert_triggered(send_mail, Mail(to="ada"), times=1)


@pytest.mark.anyio
async def test_it_refuses_to_block_an_event_loop(send_mail: Task[Mail, None, Any]) -> None:
    home = current_backend.home_for(Slow())
    with current_backend.choose(home):
        await send_mail.trigger(Mail(to="ada"))
        with pytest.raises(UnsupportedByBackendError, match="inside a running event loop"):
            assert_triggered(send_mail)
    await home.close()
