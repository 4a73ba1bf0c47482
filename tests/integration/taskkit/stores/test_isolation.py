"""`isolation="process"` on the stores that outlive their processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import taskkit
from taskkit import runs, streams, tasks

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("other")
async def test_a_child_process_does_what_a_task_does() -> None:
    handle = await tasks.trigger("isolated-child", 3)
    assert (await handle.result()).unwrap() == {
        "child": 6,
        "kept": 3,
        "piped": 3,
        "run": handle.id,
    }
    assert [part async for part in streams.read(handle.id, "parts")] == [0, 1, 2]
    [entry] = [entry.data async for entry in runs.logs(handle.id)]
    assert (entry["message"], entry["properties"]) == ("isolated", {"number": 3})
    assert (await handle.retrieve()).metadata == {"children": 2}  # its own, and its child's


async def test_it_is_delivered_again_when_its_worker_was_killed(
    url: str, start: Callable[..., Any], tmp_path: Path, reached: Any
) -> None:
    ledger = tmp_path / "ledger"
    first = start("work", url, "0.6")
    assert await first.heard() == "working"
    with taskkit.use_backend(url):
        handle = await tasks.trigger("isolated", str(ledger))
        assert await first.heard() == "isolated began"
        await reached(handle, lambda run: run.metadata == {"entered": 1})
        first.kill()
        second = start("work", url, "0.6")
        assert await second.heard() == "working"
        assert (await handle.result()).output == "again"
        run = await handle.retrieve()
    assert run.metadata == {"entered": 2}
    assert [attempt.number for attempt in run.attempts] == [1]
    assert ledger.read_text().splitlines() == [f"{handle.id} 1"] * 2
