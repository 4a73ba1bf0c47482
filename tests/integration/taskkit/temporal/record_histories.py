"""Records what `test_temporal_replay.py` replays: `python -m tests.integration.taskkit.temporal.record_histories`.

Run it before a release, and keep what earlier releases recorded: runs that they began go on under the new workflow.
"""

import asyncio
import base64
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.temporal import temporal_server
from taskkit import Queue, Retry, metadata, tags, task, wait
from taskkit.backends.temporal import TemporalBackend
from taskkit.model.run import RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.trigger.handle import RunHandle

FOLDER = Path(__file__).parent / "histories"
VERSION = version("buster-tasks")
ROOT = Path(__file__).parents[4]
SHORT = ["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40"]
Recipe = Callable[[], Awaitable[RunHandle[Any]]]


@task(retry=None)
async def plain(text: str) -> str:
    return text


@task(retry=Retry(max_attempts=3, min_timeout=0.1, randomize=False))
async def failing() -> None:
    raise ValueError("on purpose")


@task(queue=Queue("narrow", 1))
async def narrow(number: int) -> int:
    metadata.parent.set("last", number)
    return number


@task
async def parent() -> list[int]:
    await tags.add("begun")
    await wait.sleep(0.1)
    metadata.set("step", 1)
    token = await wait.create_token()
    await wait.complete_token(token, "go")
    await wait.for_token(token)
    results = await narrow.batch_trigger_and_wait([1, 2, 3])
    return [result.unwrap() for result in results]


@task
async def patient() -> None:
    await wait.sleep(3600)


@task
async def long() -> None:
    for _ in range(8):
        await wait.sleep(0.01)


async def completed() -> RunHandle[Any]:
    return await plain.trigger("x" * 10)


async def large() -> RunHandle[Any]:
    return await plain.trigger("x" * 6_000)


async def failed() -> RunHandle[Any]:
    return await failing.trigger()


async def delayed() -> RunHandle[Any]:
    return await plain.trigger("later", delay=0.2)


async def waiting() -> RunHandle[Any]:
    return await parent.trigger(metadata={"given": True})


async def limited() -> RunHandle[Any]:
    return await narrow.trigger(1)


async def expired() -> RunHandle[Any]:
    return await plain.trigger("too late", ttl=1, queue="nobody")


async def canceled() -> RunHandle[Any]:
    handle = await patient.trigger()
    await until(handle, RunStatus.WAITING)
    await handle.cancel("enough")
    return handle


async def renewed() -> RunHandle[Any]:
    return await long.trigger()


async def until(handle: RunHandle[Any], status: RunStatus) -> None:
    while (await handle.retrieve()).status is not status:
        await asyncio.sleep(0)


RECIPES: tuple[Recipe, ...] = (
    completed, large, failed, delayed, waiting, limited, expired, canceled, renewed,
)  # fmt: skip


async def record(address: str) -> None:
    home = Home(
        lambda: TemporalBackend.from_url(f"temporal://{address}/default?lease=5"), name="temporal"
    )
    async with Worker(home, "production", drain=0):
        backend = home.backend
        assert isinstance(backend, TemporalBackend)
        for recipe in RECIPES:
            handle = await recipe()
            await handle.result(timeout=timedelta(seconds=60))
            await keep(backend, handle.id, recipe.__name__)
        await keep(backend, f"{backend.place.project}/limit/narrow", "limit")
    await home.close()


async def keep(backend: TemporalBackend, workflow_id: str, name: str) -> None:
    found = backend.client.list_workflows(f"WorkflowId = '{workflow_id}'")
    for number, one in enumerate([one async for one in found][:2]):
        history = await backend.client.get_workflow_handle(
            workflow_id, run_id=one.run_id
        ).fetch_history()
        path = FOLDER / f"{VERSION}-{name}{number or ''}.json"
        told = anonymous({**json.loads(history.to_json()), "workflowId": workflow_id})
        path.write_text(json.dumps(told) + "\n", encoding="utf-8")


def anonymous(value: Any) -> Any:
    """Without the names of this machine and the paths on it, also where they are in base64."""
    if isinstance(value, list):
        return [anonymous(one) for one in value]
    if isinstance(value, str):
        return plainer(value)
    if not isinstance(value, dict):
        return value
    told = {name: anonymous(one) for name, one in value.items()}
    if isinstance(data := told.get("data"), str) and "metadata" in told:
        text = base64.b64decode(data).decode("utf-8", "surrogateescape")
        told["data"] = base64.b64encode(plainer(text).encode("utf-8", "surrogateescape")).decode()
    return told


def plainer(text: str) -> str:
    for path in {str(ROOT), sys.prefix, sys.base_prefix, str(Path.home())}:
        text = text.replace(path, "")
    return re.sub(r"\d+@" + re.escape(os.uname().nodename), "1@worker", text).replace(
        os.uname().nodename, "worker"
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob(f"{VERSION}-*.json"):
        old.unlink()
    with temporal_server(SHORT) as address:
        asyncio.run(record(address))
