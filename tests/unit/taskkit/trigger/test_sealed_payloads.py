"""Runs whose payload holds a secret, on a store that keeps payloads in a file."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import BaseModel, SecretStr, field_validator

import taskkit
from taskkit import Debounce, Retry, RunHandle, logger, metadata, runs, task, tasks
from taskkit.backends.memory import MemoryBackend
from taskkit.definition.registry import REGISTRY
from taskkit.errors import SecretInPayloadError
from taskkit.model.capability import Capability
from taskkit.model.sealing import new_key, secret_keys
from taskkit.testing import assert_triggered, stub

pytestmark = pytest.mark.anyio

SECRET = "canary-7f3a/\"'"
MASKED = {"user": "ada", "password": "********"}


class Login(BaseModel):
    user: str
    password: SecretStr


LOGIN = Login(user="ada", password=SecretStr(SECRET))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("TASKKIT_SECRET_KEY", new_key())
    return monkeypatch


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture
def assert_nothing_in_files(tmp_path: Path) -> Callable[[], None]:
    def look() -> None:
        found = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert {"runs.db", "runs.db-wal"} <= found.keys()
        assert any(b"ada" in content for content in found.values())
        for content in found.values():
            assert b"canary-7f3a" not in content

    return look


async def test_a_secret_reaches_the_task_and_nothing_else(
    url: str, assert_nothing_in_files: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []

    @task(retry=Retry(2, 0, 0))
    async def connect(login: Login) -> Login:
        password = login.password.get_secret_value()
        seen.append(password)
        logger.info(f"as {password}", url=f"db://ada:{quote(password)}@host")
        metadata.set("password", password)
        if len(seen) == 1:
            raise OSError(f"{password} refused")
        return login

    async with taskkit.worker(url):
        handle = await connect.trigger(LOGIN)
        result = await handle.result()
        run = await handle.retrieve()
        listed = [one async for one in runs.list()]
        records = [entry.data async for entry in runs.logs(handle.id)]
        assert_nothing_in_files()
    assert seen == [SECRET, SECRET]
    assert run.payload == MASKED
    assert run.metadata == {"password": "********"}
    assert records[0]["message"] == "as ********"
    assert run.attempts[0].error is not None
    assert run.attempts[0].error.message == "******** refused"
    told = (run, run.request, listed, records, result, run._repr_html_(), result._repr_html_())
    assert "canary" not in repr(told) + caplog.text
    # An output is there to be looked at: a secret in it is a mask from the start.
    assert run.output == Login(user="ada", password=SecretStr("**********"))


async def test_without_a_key_nothing_is_stored(url: str, key: pytest.MonkeyPatch) -> None:
    key.delenv("TASKKIT_SECRET_KEY")

    @task
    async def connect(login: Login) -> None: ...

    with taskkit.use_backend(url):
        with pytest.raises(SecretInPayloadError, match=r"at 'password'.*TASKKIT_SECRET_KEY"):
            await connect.trigger(LOGIN)
        assert [run async for run in runs.list()] == []


async def test_a_key_that_the_worker_lacks_fails_the_run_once_and_a_replay_finds_it(
    url: str, key: pytest.MonkeyPatch
) -> None:
    @task(id="connect", retry=Retry(5, 0, 0))
    async def connect(login: Login) -> str:
        return login.password.get_secret_value()[:6]

    with taskkit.use_backend(url):
        handle = await connect.trigger(LOGIN)
    (first,) = secret_keys()
    theirs, other = os.environ["TASKKIT_SECRET_KEY"], new_key()
    key.setenv("TASKKIT_SECRET_KEY", other)
    async with taskkit.worker(url):
        result = await handle.result()
        assert result.error is not None
        assert (result.status, result.error.code) == ("FAILED", "CONFIGURED_INCORRECTLY")
        assert f"is sealed with the key {first.id}" in result.error.message
        assert f"TASKKIT_SECRET_KEY holds {secret_keys()[0].id}" in result.error.message
        assert len((await handle.retrieve()).attempts) == 1
        key.setenv("TASKKIT_SECRET_KEY", f"{other},{theirs}")
        again = await runs.replay(handle.id)
        assert (await again.result()).unwrap() == "canary"


async def test_a_payload_that_was_changed_in_the_store_fails_the_run_once(
    url: str, tmp_path: Path
) -> None:
    @task(retry=Retry(5, 0, 0))
    async def connect(login: Login) -> None: ...

    with taskkit.use_backend(url):
        handle = await connect.trigger(LOGIN)
    with sqlite3.connect(tmp_path / "runs.db") as db:
        changed = db.execute(
            "UPDATE runs SET payload = CAST(replace(CAST(payload AS TEXT), 'ada', 'eve') AS BLOB)"
        )
        assert changed.rowcount == 1
    db.close()
    async with taskkit.worker(url):
        result = await handle.result()
        run = await handle.retrieve()
    assert run.payload == {"user": "eve", "password": "********"}
    assert result.error is not None
    assert result.error.code == "TASK_INPUT_ERROR"
    assert "are not what was stored" in result.error.message
    assert len(run.attempts) == 1


async def test_the_last_of_debounced_triggers_brings_its_secret(url: str) -> None:
    @task
    async def connect(login: Login) -> None: ...

    with taskkit.use_backend(url):
        debounce = Debounce("one", delay="1h", mode="trailing")
        first = await connect.trigger(LOGIN, debounce=debounce)
        last = Login(user="bob", password=SecretStr("another one"))
        assert (await connect.trigger(last, debounce=debounce)).id == first.id
        run = await first.retrieve()
        assert run.payload == {"user": "bob", "password": "********"}
        assert run.request.opened()[1] == {"/password": '"another one"'}


# --- replay -----------------------------------------------------------------------------------------


async def test_a_replay_keeps_the_secret_or_takes_another(
    url: str, assert_nothing_in_files: Callable[[], None]
) -> None:
    @task
    async def connect(login: Login) -> int:
        return len(login.password.get_secret_value())

    async with taskkit.worker(url):
        handle = await connect.trigger(LOGIN)
        same = await runs.replay(handle.id)
        other = await runs.replay(handle.id, {"user": "ada", "password": "canary-7f3a-2"})
        assert (await same.result()).unwrap() == len(SECRET)
        assert (await other.result()).unwrap() == len("canary-7f3a-2")
        assert (await other.retrieve()).payload == MASKED
        assert_nothing_in_files()


# --- children ---------------------------------------------------------------------------------------


async def test_an_attempt_that_is_entered_again_meets_its_children_again(url: str) -> None:
    entered: asyncio.Queue[list[str]] = asyncio.Queue()
    over = asyncio.Event()

    @task(id="child")
    async def child(login: Login) -> str:
        return login.password.get_secret_value()

    @task(id="parent")
    async def parent(run_id: str) -> str:
        with REGISTRY.isolated():  # as if the tasks below were known elsewhere only
            REGISTRY.add(child.definition)
            handles: list[RunHandle[Any]] = [
                await child.trigger(LOGIN),
                await tasks.trigger("elsewhere", {"password": SECRET}),
                await tasks.trigger("elsewhere", {"password": "another"}),
                await runs.replay(run_id, LOGIN),
            ]
        entered.put_nowait([handle.id for handle in handles])
        await over.wait()
        return (await handles[0].result()).unwrap()

    with taskkit.use_backend(url):
        before = await child.trigger(LOGIN)
        handle = await parent.trigger(before.id)
    async with taskkit.worker(url, drain=0):
        first = await entered.get()
    over.set()
    async with taskkit.worker(url):
        assert (await handle.result()).unwrap() == SECRET
        assert await entered.get() == first
        assert len(set(first)) == 4
        assert (await handle.retrieve()).attempt == 1


# --- tasks that are unknown where they are triggered ------------------------------------------------


async def test_the_payload_of_an_unknown_task_is_sealed_whole_and_masked_by_the_workers_schema(
    url: str, assert_nothing_in_files: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    with taskkit.use_backend(url):
        handle = await tasks.trigger("connect", {"user": "lovelace", "password": SECRET})
        nothing = await tasks.trigger("idle")

    @task(id="idle")
    async def idle() -> None: ...

    @task(id="connect")
    async def connect(login: Login) -> str:
        logger.info(f"{login.user} with {login.password.get_secret_value()} is no ada")
        return login.user

    async with taskkit.worker(url):
        assert (await handle.result()).unwrap() == "lovelace"
        assert (await nothing.retrieve()).payload is None
        run = await handle.retrieve()
        records = [entry.data["message"] async for entry in runs.logs(handle.id)]
        assert_nothing_in_files()
    assert run.payload == "******** (the whole payload is sealed)"
    assert "the whole payload is sealed" in run._repr_html_()
    assert records == ["lovelace with ******** is no ada"]
    assert "canary" not in caplog.text


async def test_one_that_does_not_fit_tells_nothing_of_it(url: str) -> None:
    with taskkit.use_backend(url):
        missing = await tasks.trigger("connect", {"secret": {"parts": [SECRET, 12345]}})
        wrong = await tasks.trigger("checks", {"password": SECRET})

    @task(id="connect")
    async def connect(login: Login) -> None: ...

    class Checked(BaseModel):
        password: str

        @field_validator("password")
        @classmethod
        def check(cls, value: str) -> str:
            raise ValueError(f"{value} is too short")

    @task(id="checks")
    async def checks(payload: Checked) -> None: ...

    async with taskkit.worker(url):
        for handle in (missing, wrong):
            error = (await handle.result()).error
            assert error is not None
            assert error.code == "TASK_INPUT_ERROR"
            assert "canary" not in repr(error)
    assert "******** is too short" in error.message


async def test_without_a_key_it_is_stored_as_it_is(url: str, key: pytest.MonkeyPatch) -> None:
    key.delenv("TASKKIT_SECRET_KEY")
    with taskkit.use_backend(url):
        handle = await tasks.trigger("connect", {"user": "ada"})
        assert (await handle.retrieve()).payload == {"user": "ada"}


# --- payloads that are not sealed -------------------------------------------------------------------


@pytest.mark.parametrize("here", [True, False])
async def test_a_payload_that_looks_sealed_is_a_payload(here: bool, url: str) -> None:
    given = {"$sealed": "v1.a.b", "payload": [1]}

    @task
    async def echo(payload: dict[str, Any]) -> dict[str, Any]:
        return payload

    async with taskkit.local() if here else taskkit.worker(url):
        handle = await echo.trigger(given)
        assert (await handle.result()).unwrap() == given
        assert (await handle.retrieve()).payload == given
        assert (await (await runs.replay(handle.id)).result()).unwrap() == given


class Durable(MemoryBackend):
    """As if it wrote down what it is given."""

    capabilities = MemoryBackend.capabilities | {Capability.DURABLE}


async def test_a_backend_that_writes_payloads_down_is_given_no_clear_secret() -> None:
    @task
    async def connect(login: Login) -> None: ...

    with taskkit.use_backend(Durable()):
        handle = await connect.trigger(LOGIN)
        request = (await handle.retrieve()).request
        assert_triggered(connect, LOGIN)
        with pytest.raises(AssertionError):
            assert_triggered(connect, Login(user="ada", password=SecretStr("another")))
    assert request.secrets is None
    assert b"canary" not in (request.payload or b"")


async def test_a_stand_in_is_given_the_secret() -> None:
    @task
    async def connect(login: Login) -> str:
        raise AssertionError

    def answer(login: Login) -> str:
        return login.password.get_secret_value()

    with stub(connect, side_effect=answer):
        async with taskkit.worker(Durable()):
            assert (await (await connect.trigger(LOGIN)).result()).unwrap() == SECRET
