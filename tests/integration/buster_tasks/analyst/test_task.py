"""The task itself: litellm over HTTP, metadata and streams, one at a time for a session, and going on after a kill."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import taskkit
from buster_tasks.analyst.models import AnalystAgentTaskInput
from buster_tasks.analyst.task import analyst_agent_task
from buster_tasks.testing import Held, ScriptedLLM
from taskkit import RunStatus, streams
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


def worker(store: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable, "-m", "taskkit.cli", "worker", "--app", "buster_tasks.analyst.task",
            "--backend", f"sqlite:///{store}", "--lease", "1",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.timeout(120)
async def test_after_a_kill_nothing_is_asked_again_that_was_answered(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, store = Held(run_sql(BY_COUNTRY)), tmp_path / "runs.db"
    async with ScriptedLLM([CONTEXT, PLAN, held, run_sql(BY_COUNTRY), FOUND]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with taskkit.use_backend(f"sqlite:///{store}"):
            first = worker(store)
            try:
                handle = await analyst_agent_task.trigger(payload(shop))
                assert await asyncio.to_thread(held.reached.wait, 60)
            finally:
                first.send_signal(signal.SIGKILL)
                first.wait(10)
            held.release()
            second = worker(store)
            try:
                output = (await handle.result(timeout=90)).unwrap()
            finally:
                second.send_signal(signal.SIGKILL)
                second.wait(10)
        assert len(server.requests) == 5
    assert output.result is not None
    assert output.result.findings[0].verdict == "verified"
    assert output.metadata.usage.model_calls == 4
