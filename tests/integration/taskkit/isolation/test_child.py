"""What a task in a child process can do, and what of it is left behind."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import taskkit
from taskkit import RunStatus, runs, streams, wait
from taskkit.errors import AbortTaskRunError
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["plain", "asynchronous"])
async def test_everything_that_a_task_may_use_works(
    name: str, tasks: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with taskkit.local():
            handle = await getattr(tasks, name).trigger(4)
            output = (await handle.result()).unwrap()
            run = await handle.retrieve()
            parts = [part async for part in streams.read(handle.id, "parts")]
            logs = [entry async for entry in runs.logs(handle.id)]
    assert output.pop("pid") not in (os.getpid(), None)
    assert 3590 < output.pop("left") < 3600
    assert output == {
        "next": 5, "other": 5, "piped": 3, "kept": 40, "run": handle.id, "attempt": 1
    }  # fmt: skip
    assert (run.metadata, run.tags) == ({"number": 4}, ("seen",))
    assert parts == [0, 1, 2]
    assert [(entry.data["message"], entry.data["properties"]) for entry in logs] == [
        ("said", {"number": 4})
    ]
    assert f"printed by {run.task_id}" in capfd.readouterr().out
    assert [r.getMessage() for r in caplog.records if r.name == "taskkit.task"] == ["said"]


async def test_a_waiting_child_holds_no_slot_and_its_time_stands_still(tasks: Any) -> None:
    clock = FakeClock()
    async with taskkit.local(clock=clock, concurrency=1):
        token = await wait.create_token()
        handle = await tasks.waits_for_token.trigger(token.id, max_duration=60)
        async for run in handle.subscribe():
            if run.is_waiting:
                break
        other = await tasks.add_one.trigger(1)
        assert (await other.result()).output == 2
        await clock.advance("1h")
        await wait.complete_token(token.id, "answer")
        assert (await handle.result()).output == "answer"


async def test_hooks_run_in_the_child_round_the_body(
    tasks: Any, ledger: Path, lines: Callable[[], list[str]]
) -> None:
    async with taskkit.local():
        assert (await (await tasks.hooked.trigger(str(ledger))).result()).output == 7
    assert lines() == [
        "init child",
        "run {'by': 'init'} child",
        "on_success 7 ['lock'] child",
        "cleanup ['lock'] child",
    ]


async def test_an_error_is_told_as_it_is_however_it_is_made(tasks: Any) -> None:
    async with taskkit.local():
        result = await (await tasks.fails.trigger("odd")).result()
        aborted = await (await tasks.fails.trigger("abort")).result()
    assert result.status == RunStatus.FAILED
    assert (result.error.type, result.error.name) == ("BUILT_IN_ERROR", "OddError")
    assert result.error.message == "this and that"
    lines = result.error.stack.splitlines()
    assert "isolated_tasks.py" in lines[1]
    assert lines[1].endswith("in fails")
    assert lines[-1].endswith("OddError: this and that")
    assert aborted.error.name == AbortTaskRunError.__name__


async def test_secrets_are_in_no_argument_no_variable_and_no_log(
    tasks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with taskkit.local():
            login = tasks.Login(user="ada", password="hunter2-and-more")
            handle = await tasks.logs_in.trigger(login)
            output = (await handle.result()).unwrap()
            (entry,) = [entry async for entry in runs.logs(handle.id)]
    assert output["length"] == 16
    assert "logs-in" in output["arguments"]
    assert "hunter2" not in repr(output)
    assert entry.data["message"] == "password is ********"
    assert "hunter2" not in caplog.text


async def test_a_sigterm_that_the_worker_has_not_sent_is_not_answered(tasks: Any) -> None:
    async with taskkit.local():
        assert (await (await tasks.is_told.trigger()).result()).output == "went on"


async def test_nothing_is_left_of_children(
    tasks: Any, ledger: Path, left: Callable[[], tuple[set[str], set[str]]]
) -> None:
    async with taskkit.local():
        await (await tasks.plain.trigger(1)).result()  # whatever is opened once is open now
        before = left()
        for work in (
            tasks.plain.trigger(1),
            tasks.dies.trigger("exit", max_attempts=1),
            tasks.spins.trigger(str(ledger), max_duration=0.5),
        ):
            await (await work).result()
        assert left() == before


async def test_leaving_the_worker_ends_its_children(
    tasks: Any,
    begun: Any,
    ledger: Path,
    lines: Callable[[], list[str]],
    state_of: Callable[[int], str],
) -> None:
    async with taskkit.local():
        handle = await tasks.sleeps.trigger(str(ledger))
        pid = (await begun(handle)).metadata["pid"]
    assert state_of(pid) == "gone"
    assert "finally child" in lines()


async def test_a_module_that_cannot_be_imported_again_is_told(
    tmp_path: Path, tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "soon_broken.py"
    file.write_text(
        "from taskkit import task\n\n@task(id='broken', isolation='process')\ndef broken() -> None: ...\n"
    )
    import soon_broken  # type: ignore[import-not-found]  # written just now

    file.write_text("raise LookupError('the file was changed')\n")
    async with taskkit.local():
        result = await (await soon_broken.broken.trigger()).result()
    del sys.modules["soon_broken"]
    assert (result.status, result.error.code) == (RunStatus.FAILED, "COULD_NOT_IMPORT_TASK")
    assert "'broken' cannot import it: LookupError: the file was changed" in result.error.message
    assert "soon_broken.py" in result.error.stack
