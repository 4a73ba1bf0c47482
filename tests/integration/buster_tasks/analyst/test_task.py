"""The task itself: over HTTP, metadata and streams, one at a time for a session, and what a run leaves behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

import taskkit
from benchmarks.servers import PostgresServer
from buster_tasks.analyst.models import AnalystAgentTaskInput
from buster_tasks.analyst.state import State
from buster_tasks.analyst.task import analyst_agent_task
from buster_tasks.testing import Held, HttpError, ScriptedLLM
from taskkit import RunStatus, runs, streams
from taskkit.model.sealing import new_key
from tests.doubles.footprint import everything_logged, forms_of
from tests.integration.buster_tasks.analyst.conftest import (
    BY_COUNTRY,
    CONTEXT,
    FOUND,
    PLAN,
    run_sql,
)

pytestmark = pytest.mark.anyio

SCRIPT = [CONTEXT, PLAN, run_sql(BY_COUNTRY), FOUND]
MODEL = "openai/gpt-4o-mini"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSTER_TASKS_CATALOG", str(tmp_path / "catalog.db"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-12345678")


@pytest.fixture
async def app() -> AsyncIterator[taskkit.Worker]:
    async with taskkit.local() as app:
        yield app


def payload(shop: Path, *, session: str = "s1", **options: Any) -> AnalystAgentTaskInput:
    return AnalystAgentTaskInput.model_validate(
        {
            "sessionId": session,
            "userId": "u1",
            "query": "Which country brings the most revenue?",
            "dataSources": [{"name": "shop", "credentials": {"type": "sqlite", "path": str(shop)}}],
            "options": {"model": MODEL, "report": False, **options},
        }
    )


@pytest.mark.usefixtures("app")
async def test_a_run_shows_its_states_steps_and_cost(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedLLM(SCRIPT) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        handle = await analyst_agent_task.trigger(payload(shop))
        output = (await handle.result(timeout=60)).unwrap()
        assert len(server.requests) == 4
    assert output.result is not None
    assert output.result.findings[0].text == "France brings the most revenue, 559.75."
    assert output.result.findings[0].verdict == "verified"
    assert output.metadata.usage.cost_usd is not None
    run = await handle.retrieve()
    assert (run.metadata["state"], run.metadata["progress"]) == ("completed", 1.0)
    assert (run.metadata["statements"], run.metadata["model_calls"]) == (1, 4)
    steps = [part async for part in streams.read(handle.id, "steps")]
    assert [step["tool"] for step in steps] == [
        "submit_context",
        "submit_plan",
        "run_sql",
        "submit_findings",
    ]
    assert [part async for part in streams.read(handle.id, "answer")] == [
        "France leads with 559.75."
    ]
    assert run.output.result.used_data_sources == ["shop"]


@pytest.mark.usefixtures("app")
async def test_analyses_of_one_session_come_one_after_the_other(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Held(CONTEXT)
    async with ScriptedLLM([first, CONTEXT, *SCRIPT[1:], *SCRIPT[1:]]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        one = await analyst_agent_task.trigger(payload(shop))
        await asyncio.to_thread(first.reached.wait, 30)
        same = await analyst_agent_task.trigger(payload(shop))
        assert (await same.retrieve()).status is RunStatus.QUEUED
        other = await analyst_agent_task.trigger(payload(shop, session="s2"))
        (await other.result(timeout=60)).unwrap()
        assert (await same.retrieve()).status is RunStatus.QUEUED
        await same.cancel()
        first.release()
        (await one.result(timeout=60)).unwrap()


@pytest.mark.usefixtures("app")
async def test_a_canceled_run_ends_the_request_and_closes_the_source(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(run_sql(BY_COUNTRY))
    async with ScriptedLLM([CONTEXT, PLAN, held]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        handle = await analyst_agent_task.trigger(payload(shop))
        await asyncio.to_thread(held.reached.wait, 30)
        await handle.cancel()
        assert (await handle.result(timeout=30)).status is RunStatus.CANCELED
        assert await asyncio.to_thread(server.requests[-1].hung_up.wait, 10)
        held.release()
    run = await handle.retrieve()
    assert run.metadata["state"] == "analyzing"


@pytest.mark.usefixtures("app")
async def test_without_streaming_there_are_no_streams(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedLLM(SCRIPT) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        handle = await analyst_agent_task.trigger(payload(shop, enableStreaming=False))
        (await handle.result(timeout=60)).unwrap()
    assert [part async for part in streams.read(handle.id, "steps")] == []
    assert (await handle.retrieve()).metadata["state"] == "completed"


@pytest.mark.usefixtures("app")
async def test_a_source_that_cannot_be_opened_fails_the_analysis_where_all_can_see_it(
    tmp_path: Path,
) -> None:
    handle = await analyst_agent_task.trigger(payload(tmp_path / "gone.db"))
    output = (await handle.result(timeout=60)).unwrap()
    assert output.error is not None
    assert (output.success, output.error.code) == (False, "DATA_SOURCE_ERROR")
    run = await handle.retrieve()
    assert run.metadata["state"] == "failed"
    assert output.metadata.states == [State.INITIALIZING, State.FAILED]


def contents(folder: Path) -> list[str]:
    """Of the databases in a folder, byte for byte."""
    return [file.read_bytes().decode("latin-1") for file in sorted(folder.glob("*.db*"))]


PASSWORD = "canary/p7w\"é'%4"
KEY = "sk-canary-9d1e77aa42"


async def test_no_secret_is_in_anything_that_an_analysis_leaves(
    postgres: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The password of a database, which errors and cells repeat, and the key, which the provider repeats."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        role = sql.SQL("CREATE ROLE canary LOGIN PASSWORD {}").format(PASSWORD)
        connection.execute(role)
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO canary")
        table = sql.SQL("CREATE TABLE leaks AS SELECT {}::text AS said").format(PASSWORD)
        connection.execute(table)
        connection.execute("GRANT SELECT ON leaks TO canary")
    monkeypatch.setenv("TASKKIT_SECRET_KEY", new_key())
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    leaks = run_sql("SELECT said FROM leaks")
    wrong = run_sql(f"SELECT total FROM orders WHERE ordered_on = '{PASSWORD}'")
    broken = run_sql("SELECT said::integer FROM leaks")
    script = [
        HttpError(429, lambda seen: f"Slow down, {seen.headers['authorization']}", retry_after=0.01),
        CONTEXT, PLAN, leaks, wrong, broken,
        HttpError(401, lambda seen: f"Wrong key: {seen.headers['authorization']}"),
    ]  # fmt: skip
    store = f"sqlite:///{tmp_path / 'runs.db'}"
    credentials = postgres.credentials(username="canary", password=PASSWORD)
    given = payload(tmp_path / "none.db").model_dump(by_alias=True, mode="json")
    given["dataSources"] = [{"name": "shop", "credentials": credentials}]
    given["query"] = "How many orders are there?"
    texts: list[str] = []
    with everything_logged(caplog):
        async with ScriptedLLM(script) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            async with taskkit.worker(store):
                handle = await analyst_agent_task.trigger(
                    AnalystAgentTaskInput.model_validate(given)
                )
                result = await handle.result(timeout=90)
                run = await handle.retrieve()
                parts = [
                    [part async for part in streams.read(handle.id, key)]
                    for key in ("steps", "answer")
                ]
                entries = [entry.data async for entry in runs.logs(handle.id)]
                texts += contents(tmp_path)
            texts += [json.dumps(request.body) for request in server.requests]
    output = result.unwrap()
    assert output.result is not None
    assert output.result.findings[0].verdict == "verified"
    seen = (result, run, run.request, run.payload, run.metadata, parts, entries, run.attempts)
    texts += [f"{one!r}{one}" for one in seen]
    texts += [output.model_dump_json(), result._repr_html_(), run._repr_html_()]
    texts += [f"{one.getMessage()} {one.__dict__!r}" for one in caplog.records]
    texts += [caplog.text, *capfd.readouterr()]
    told = [
        f"{form!r}: {text[max(0, text.index(form) - 100) :][:250]!r}"
        for text in texts
        for secret in (PASSWORD, KEY)
        for form in forms_of(secret)
        if form in text
    ]
    assert told == []
    assert any("********" in text for text in texts)
