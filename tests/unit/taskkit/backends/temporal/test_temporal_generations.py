"""How often the server is asked for a key whose runs have failed many times."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from taskkit.model.exchange import Enqueued
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.exceptions import WorkflowAlreadyStartedError

from taskkit.backends.temporal.accepting import Accepting
from taskkit.backends.temporal.place import Place

pytestmark = pytest.mark.anyio


def request() -> TriggerRequest:
    return TriggerRequest("run_0", "keyed", b"1", queue="task/keyed", idempotency_key="0" * 64)


@dataclass
class Server:
    """A client, a reader and limits over the statuses of the generations of one key; counts what it is asked."""

    statuses: list[RunStatus]
    calls: int = 0

    async def is_limited(self, queue: str) -> bool:
        return False

    async def start_workflow(self, run: object, plan: object, *, id: str, **_: object) -> None:  # noqa: A002 - the SDK's name
        self.calls += 1
        number = generation_of(id)
        if number < len(self.statuses):
            raise WorkflowAlreadyStartedError(id, "taskkit.run")
        assert number == len(self.statuses), "a generation follows on the one before"
        self.statuses.append(RunStatus.QUEUED)

    async def describe(self, run_id: str) -> int | None:
        self.calls += 1
        number = generation_of(run_id)
        return number if number < len(self.statuses) else None

    async def read(self, number: int) -> Run:
        self.calls += 1
        now = datetime.now(UTC)
        return Run(request(), self.statuses[number], now, now, now)

    async def ask(self) -> Enqueued:
        it = cast("Any", self)
        accepting = Accepting(it, it, Place("h", 1, "n"), it, {}, asyncio.Semaphore(9))
        (answer,) = await accepting.accept([request()], None)
        return answer


def generation_of(run_id: str) -> int:
    found = re.fullmatch(r"run_[0-9a-f]{32}(?:_(\d+))?", run_id)
    assert found is not None
    return int(found[1] or 0)


@pytest.mark.parametrize("failed", [0, 1, 2, 3, 4, 5, 7, 8, 9, 30, 1000])
async def test_the_next_generation_is_found_however_many_have_failed(failed: int) -> None:
    server = Server([RunStatus.FAILED] * failed)
    answer = await server.ask()
    assert answer.disposition == "created"
    assert generation_of(answer.run_id) == failed
    again = await server.ask()
    assert (again.disposition, again.run_id) == ("existing", answer.run_id)


async def test_a_key_that_failed_a_thousand_times_costs_few_calls() -> None:
    server = Server([RunStatus.FAILED] * 1000)
    await server.ask()
    assert server.calls <= 30
    server.calls = 0
    await server.ask()
    assert server.calls <= 30


async def test_a_key_that_failed_once_costs_no_search() -> None:
    server = Server([RunStatus.FAILED])
    await server.ask()
    assert server.calls == 4  # it is there, and has ended (2), and the next is started
