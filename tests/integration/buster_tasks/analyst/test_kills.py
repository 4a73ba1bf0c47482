"""A worker that is killed again and again, at each moment: nothing is paid twice, and all comes as without."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

import taskkit
from benchmarks.servers import PostgresServer
from buster_tasks.analyst.models import AnalystAgentTaskInput, AnalystAgentTaskOutput
from buster_tasks.analyst.task import analyst_agent_task
from buster_tasks.testing import FakeModel, Held, ScriptedLLM
from taskkit.model.sealing import new_key
from tests.integration.buster_tasks.analyst.conftest import (
    BY_COUNTRY,
    CONTEXT,
    FOUND,
    MANY,
    PLAN,
    Ask,
    run_sql,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

LIMITS = {"statement_seconds": 2.0}
RUNNING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE state = 'active' AND query LIKE '%o21%' AND pid <> pg_backend_pid()"
)


@contextmanager
def worker(store: Path) -> Iterator[None]:
    """A worker of its own process, which is killed at the end of the block."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "taskkit.cli", "worker", "--app", "buster_tasks.analyst.task",
            "--backend", f"sqlite:///{store}", "--lease", "1",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)


def payload(credentials: dict[str, Any]) -> AnalystAgentTaskInput:
    return AnalystAgentTaskInput.model_validate(
        {
            "sessionId": "s1",
            "userId": "u1",
            "query": "Which country brings the most revenue?",
            "dataSources": [{"name": "shop", "credentials": credentials}],
            "options": {"model": "openai/gpt-4o-mini", "report": False, "limits": LIMITS},
        }
    )


async def statement_runs(server: PostgresServer) -> None:
    """Return when the endless statement is at work on the server."""
    async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as connection:
        while True:
            [[number]] = await (await connection.execute(RUNNING.encode())).fetchall()
            if number:
                return
            await asyncio.sleep(0.02)


def told(output: AnalystAgentTaskOutput) -> dict[str, Any]:
    """What the answer says, without how long it took."""
    assert output.result is not None
    data = output.result.model_dump(mode="json")
    for step in data["execution_steps"]:
        step.pop("seconds")
    return data


async def test_a_worker_killed_at_every_moment_pays_for_no_reply_twice(
    postgres: PostgresServer, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSTER_TASKS_CATALOG", str(tmp_path / "catalog.db"))
    monkeypatch.setenv("TASKKIT_SECRET_KEY", new_key())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-12345678")
    script = [CONTEXT, PLAN, run_sql(MANY), run_sql(BY_COUNTRY), FOUND]
    whole = await ask(FakeModel(script), source=postgres.credentials(), options={"limits": LIMITS})
    before_plan, after_statement = Held(PLAN), Held(FOUND)
    played = [
        CONTEXT, before_plan, PLAN, run_sql(MANY), run_sql(BY_COUNTRY), after_statement, FOUND,
    ]  # fmt: skip
    store = tmp_path / "runs.db"
    async with ScriptedLLM(played) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with taskkit.use_backend(f"sqlite:///{store}"):
            given = payload(postgres.credentials())
            handle = await analyst_agent_task.trigger(given, max_attempts=10)
            with worker(store):
                assert await asyncio.to_thread(before_plan.reached.wait, 60)
            before_plan.release()
            with worker(store):
                await asyncio.wait_for(statement_runs(postgres), 60)
            with worker(store):
                assert await asyncio.to_thread(after_statement.reached.wait, 60)
            after_statement.release()
            with worker(store):
                output = (await handle.result(timeout=90)).unwrap()
        assert len(server.requests) == len(played)
    assert told(output) == told(whole)
    assert output.metadata.usage.model_calls == len(script)
    assert output.metadata.usage.statements == whole.metadata.usage.statements == 2
