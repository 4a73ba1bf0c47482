"""A run's secrets are in nothing that it leaves behind."""

import logging
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import BaseModel, SecretStr

import taskkit
from taskkit import Retry, RunHandle, logger, metadata, runs, streams, tags, task
from taskkit.model.redaction import Redaction

pytestmark = pytest.mark.anyio

SECRET = 'hunter2/"ö'


class Login(BaseModel):
    user: str
    password: SecretStr


LOGIN = Login(user="ada", password=SecretStr(SECRET))


async def left_behind(handle: RunHandle[Any], caplog: pytest.LogCaptureFixture) -> str:
    """Everything that can be read of a run, and every log record."""
    result = await handle.result()
    run = await handle.retrieve()
    records = [entry.data async for entry in runs.logs(handle.id)]
    parts = [part async for part in streams.read(handle.id, "words")]
    logged = [(record.getMessage(), record.__dict__) for record in caplog.records]
    stacks = [attempt.error and attempt.error.stack for attempt in run.attempts]
    seen = (result, run, run.request, run.payload, run.metadata, run.tags, stacks, records, parts)
    return "".join(map(repr, (*seen, logged, result._repr_html_(), run._repr_html_(), caplog.text)))


def assert_no_secret_in(text: str) -> None:
    for form in (SECRET, quote(SECRET, safe=""), quote(SECRET), repr(SECRET)[1:-1], "hunter2"):
        assert form not in text


async def test_logs_metadata_streams_and_tags_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    @task
    async def connect(login: Login) -> str:
        password = login.password.get_secret_value()
        logger.info(f"as {password}", url=f"db://ada:{quote(password, safe='')}@host")
        logger.info(f"path {quote(password)}")
        metadata.set("dsn", {"password": password, password: 1})
        await streams.pipe("words", [f"pass {password}"])
        await tags.add(f"pw-{password}")
        return "connected"

    async with taskkit.local():
        handle = await connect.trigger(LOGIN)
        assert (await handle.result()).unwrap() == "connected"
        run = await handle.retrieve()
        assert run.metadata == {"dsn": {"password": "********", "********": 1}}
        assert run.tags == ("pw-********",)
        assert_no_secret_in(await left_behind(handle, caplog))


async def test_errors_and_their_causes_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    @task(retry=Retry(2, 0, 0))
    async def connect(login: Login) -> None:
        password = login.password.get_secret_value()
        try:
            raise OSError(f"cannot log in with {password!r}")
        except OSError as cause:
            error = ConnectionError(f"db://ada:{password}@host refused")
            error.add_note(f"password was {password}")
            raise error from cause

    @connect.on_failure
    async def broken(payload: Login) -> None:
        raise RuntimeError(f"and the hook said {payload.password.get_secret_value()}")

    async with taskkit.local():
        handle = await connect.trigger(LOGIN)
        result = await handle.result()
        assert result.error is not None
        assert result.error.message == "db://ada:********@host refused"
        assert "cannot log in with" in (result.error.stack or "")
        assert "and the hook said ********" in caplog.text
        assert_no_secret_in(await left_behind(handle, caplog))


async def test_a_secret_that_the_run_learns_is_masked_when_it_says_so() -> None:
    @task
    async def fetch() -> None:
        logger.mask("s3cr3t-token")
        logger.info("got s3cr3t-token")
        raise taskkit.AbortTaskRunError("s3cr3t-token is too old")

    async with taskkit.local():
        handle = await fetch.trigger()
        result = await handle.result()
        records = [entry.data["message"] async for entry in runs.logs(handle.id)]
    assert result.error is not None
    assert result.error.message == "******** is too old"
    assert records == ["got ********"]


def test_outside_of_a_run_nothing_is_masked() -> None:
    logger.mask("something")


def test_the_longer_of_two_secrets_is_masked_first() -> None:
    redaction = Redaction()
    redaction.add("abcd")
    redaction.add("abcdef")
    assert redaction.text("abcdef abcd") == "******** ********"


def test_a_very_short_secret_masks_nothing() -> None:
    redaction = Redaction()
    redaction.add("abc")
    assert redaction.text("abc") == "abc"


def test_a_key_is_masked_line_by_line() -> None:
    redaction = Redaction()
    redaction.add("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nshort\n-----END KEY-----")
    assert redaction.text("bad line MIIEvQIBADANBgkqhkiG9w0BAQ.") == "bad line ********."


def test_all_that_stands_in_a_secret_object_is_masked() -> None:
    redaction = Redaction({"/login": '{"user": "adam", "keys": ["first", 12345, null, true]}'})
    assert redaction.text("adam first 12345 None True") == "******** ******** ******** None True"
