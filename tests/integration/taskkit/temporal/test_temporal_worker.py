"""`taskkit worker` on a Temporal dev server, as a process that is killed; the workflow in Temporal's sandbox."""

import asyncio
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks.temporal import temporal_server
from taskkit import Queue, task, wait
from taskkit.cli.readiness import readiness
from taskkit.model.request import TriggerRequest
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.worker import Replayer  # needs it
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from taskkit.backends import temporal
from taskkit.backends.temporal import TemporalBackend
from tests.integration.taskkit.temporal.worker_process import until_said, worker_process

pytestmark = pytest.mark.anyio
TASKS = Path(__file__).with_name("killed_tasks.py")
ALONE = ("record", "waiting", "slot", "limit_workflow", "workflow")


async def test_a_run_of_a_killed_worker_goes_on_elsewhere(
    temporal_url: str, tmp_path: Path
) -> None:
    """The lease is 5 s: the attempt is entered again within 10, and meets its child and its metadata."""
    home = Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal")
    await home.ready()
    mark = tmp_path / "mark"
    request = TriggerRequest("run_killed", "parent", b"10", "task/parent")
    with worker_process(temporal_url, TASKS, MARK=mark) as first:
        await home.backend.enqueue([request], batch_id=None, now=None)
        await until_said(first, "hangs")
        with worker_process(temporal_url, TASKS, MARK=mark) as second:
            first.kill()
            killed = time.monotonic()
            await until_said(second, "entered")
            passed = time.monotonic() - killed
            lines = await until_said(second, "child 12")
            run = None
            while run is None or not run.is_completed:
                (run,) = await home.backend.get(["run_killed"])
    await home.close()
    assert (run.status, run.output) == ("COMPLETED", 10 + 11 + 12)
    assert (run.attempt, run.deaths, run.metadata) == (1, 1, {"first": 10})
    assert "child 10" not in lines
    assert passed < 10


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The workflows without the rest of taskkit, which no sandbox lets pass."""
    folder = Path(temporal.__file__).parent
    for name in ALONE:
        text = (folder / f"{name}.py").read_text(encoding="utf-8")
        text = text.replace("taskkit.backends.temporal.", "alone_")
        assert "import taskkit" not in text
        assert "from taskkit" not in text
        (tmp_path / f"alone_{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield [
        import_module("alone_workflow").RunWorkflow,
        import_module("alone_limit_workflow").LimitWorkflow,
    ]
    for name in ALONE:
        sys.modules.pop(f"alone_{name}", None)


@pytest.mark.usefixtures("temporal_address")  # skips where there is none
async def test_a_worker_is_ready_while_its_server_answers() -> None:
    def ready() -> tuple[int, str]:
        code, body = readiness(worker, bound=5, now=datetime.now(UTC))
        return code, body["status"]

    with ExitStack() as server:
        url = f"temporal://{server.enter_context(temporal_server())}/default"
        home = Home(lambda: TemporalBackend.from_url(url), name="temporal")
        async with Worker(home, "production", drain=0) as worker:
            while (found := ready()) == (503, "starting"):
                await asyncio.sleep(0)
            assert found == (200, "ready")
            server.close()
            while (found := ready()) == (200, "ready"):
                await asyncio.sleep(0)
            assert found == (503, "store unavailable")


async def test_the_workflows_keep_the_rules_of_the_sandbox_and_replay(
    temporal_url: str, alone: Any
) -> None:
    """Loaded anew in the sandbox, with all its restrictions, a workflow does again what it did."""
    with own_tasks():
        narrow = Queue("narrow", 1)

        @task(id="child", retry=None, queue=narrow)
        async def child(fails: bool) -> None:
            if fails:
                raise KeyError

        @task(id="parent", queue=narrow)
        async def parent() -> None:
            await wait.sleep(0.1)
            await child.trigger_and_wait(True)
            await child.trigger_and_wait(False)

        home = Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal")
        async with Worker(home, "production", drain=0):
            handle = await parent.trigger()
            assert (await handle.result(timeout=20)).ok
            backend = home.backend
            assert isinstance(backend, TemporalBackend)
            ids = (handle.id, f"{backend.place.project}/limit/narrow")
            handles = [backend.client.get_workflow_handle(one) for one in ids]
            histories = [await one.fetch_history() for one in handles]
        await home.close()
    runner = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default)
    for history in histories:
        replayed = await Replayer(workflows=alone, workflow_runner=runner).replay_workflow(history)
        assert replayed.replay_failure is None
