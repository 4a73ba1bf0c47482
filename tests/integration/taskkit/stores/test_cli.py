"""The command line on a store that another process works on."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import taskkit
from taskkit import config
from taskkit.cli.entry import status_after
from taskkit.definition.registry import REGISTRY
from taskkit.runtime import current_backend

Cli = Callable[..., tuple[int, str, str]]
TASKS = """
from taskkit import Queue, schedules, task


@task(id="child", description="Doubles")
async def child(number: int) -> int:
    return 0  # nobody works here: the answer comes from the process that does


@schedules.task(id="report", cron="0 9 * * *")
async def report() -> None: ...
"""


@pytest.fixture
def cli(
    served: tuple[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Cli:
    """A command line to its end, in this process: its status, what it printed, and on stderr."""
    url, _ = served
    (tmp_path / "shop.py").write_text(TASKS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in os.environ if name.startswith("TASKKIT_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str) -> tuple[int, str, str]:
        with REGISTRY.isolated():
            config.reset()
            status = status_after([*arguments, "--backend", url, "--app", "shop.py"])
            current_backend.forget(url)
            sys.modules.pop("shop", None)
        return status, *capfd.readouterr()

    return call


def data(answer: tuple[int, str, str]) -> Any:
    status, printed, complained = answer
    assert (status, complained) == (0, "")
    return json.loads(printed)


def test_run_list_show_and_replay(cli: Cli) -> None:
    ran = data(cli("run", "child", "--payload", "21", "-O", "tags=cli", "-o", "json"))
    assert (ran["status"], ran["output"], ran["tags"]) == ("COMPLETED", 42, ["cli"])
    [listed] = data(cli("runs", "list", "--tag", "cli", "--task", "child", "-o", "json"))
    assert listed["id"] == ran["id"]
    assert data(cli("runs", "list", "--tag", "cli", "--status", "FAILED", "-o", "json")) == []
    shown = data(cli("runs", "show", ran["id"], "-o", "json"))
    assert (shown["payload"], shown["output"]) == (21, 42)

    status, printed, _ = cli("runs", "replay", ran["id"])
    assert status == 0
    assert cli("runs", "tail", printed.strip())[0] == 0
    other, same = data(
        cli("runs", "replay", ran["id"], printed.strip(), "--payload", "4", "-o", "json")
    )
    assert {other["payload"], same["payload"]} == {4}
    assert cli("runs", "tail", other["id"], "-o", "json")[0] == 0
    assert data(cli("runs", "show", other["id"], "-o", "json"))["output"] == 8
    assert ran["id"] in cli("runs", "list")[1]
    assert "COMPLETED" in cli("runs", "show", ran["id"])[1]


def test_a_task_that_only_the_worker_knows(cli: Cli) -> None:
    assert data(cli("run", "family", "--payload", "[1, 2]", "-o", "json"))["output"] == 6
    status, printed, _ = cli("run", "family", "--payload", '"no list"', "-o", "json")
    assert status == 1
    assert json.loads(printed)["status"] == "FAILED"
    status, _, complained = cli("run", "famly")
    assert status == 2
    assert "family" in complained


def test_cancel_tail_and_logs(cli: Cli, served: tuple[str, Any]) -> None:
    url, process = served
    taskkit.configure(backend=url)
    held = taskkit.tasks.sync.trigger("child", 1, delay="1h")
    talks = taskkit.tasks.sync.trigger("talk", "Ada")
    process.tell("one")
    process.tell("end")
    assert talks.sync.result().ok
    current_backend.forget(url)

    [canceled] = data(cli("runs", "cancel", held.id, "--reason", "late", "-o", "json"))
    assert (canceled["status"], canceled["cancel_reason"]) == ("CANCELED", "late")
    assert cli("runs", "tail", held.id)[0] == 1
    [entry] = data(cli("runs", "logs", talks.id, "-o", "json"))
    assert (entry["message"], entry["properties"]) == ("talks", {"name": "Ada"})
    assert "talks" in cli("runs", "logs", talks.id)[1]
    status, _, complained = cli("runs", "show", "run_nowhere")
    assert status != 0
    assert "run_nowhere" in complained
    assert "secret" not in complained


def test_queues_schedules_and_tasks(cli: Cli) -> None:
    assert data(cli("run", "child", "--payload", "1", "-o", "json"))["output"] == 2
    queues = {queue["name"]: queue for queue in data(cli("queues", "-o", "json"))}
    assert (queues["task/child"]["running"], queues["task/child"]["queued"]) == (0, 0)
    schedules = data(cli("schedules", "-o", "json"))
    assert "report" in {schedule["task_id"] for schedule in schedules}
    tasks = {one["id"]: one for one in data(cli("tasks", "-o", "json"))}
    assert tasks["child"]["description"] == "Doubles"
