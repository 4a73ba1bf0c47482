"""Runs that an earlier state of the code began go on under this one: their stored histories replay."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.client import WorkflowHistory  # needs it
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from taskkit.backends.temporal.limit_workflow import LimitWorkflow
from taskkit.backends.temporal.workflow import RunWorkflow

pytestmark = pytest.mark.anyio
HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def replayer() -> Replayer:
    return Replayer(
        workflows=[RunWorkflow, LimitWorkflow], workflow_runner=UnsandboxedWorkflowRunner()
    )


def stored(path: Path) -> tuple[str, dict[str, Any]]:
    told = json.loads(path.read_text(encoding="utf-8"))
    return told.pop("workflowId"), told


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_stored_history_replays(path: Path) -> None:
    """One that does not: keep the old way under `workflow.patched`, see docs/decisions/011-temporal-backend.md."""
    history = WorkflowHistory.from_json(*stored(path))
    assert (await replayer().replay_workflow(history)).replay_failure is None


async def test_a_workflow_that_does_something_else_is_noticed() -> None:
    """So the other test can fail: the same history without the retry's timer."""
    (path,) = [path for path in HISTORIES if path.stem.endswith("-failed")]
    workflow_id, told = stored(path)
    kinds = [event["eventType"] for event in told["events"]]
    for event in told["events"]:
        if event["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED":
            event["activityTaskScheduledEventAttributes"]["activityType"]["name"] = "another"
    assert "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED" in kinds
    history = WorkflowHistory.from_json(workflow_id, told)
    with pytest.raises(Exception, match=r"[Nn]on.?determinis"):
        await replayer().replay_workflow(history)


def test_there_are_histories_of_this_version() -> None:
    names = {path.stem.partition("-")[2] for path in HISTORIES}
    assert {"completed", "failed", "waiting", "canceled", "renewed", "limit"} <= names
