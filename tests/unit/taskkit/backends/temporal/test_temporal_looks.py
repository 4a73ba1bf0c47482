"""Which of many runs are over, as far as a server tells it in time."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.client import WorkflowExecutionStatus as Status
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.answers import SecondLook

pytestmark = pytest.mark.anyio


@dataclass
class Server:
    """A backend and its client: what each workflow is, an error for some; of the others it never tells."""

    known: dict[str, Status | RPCStatusCode]
    asked: list[str] = field(default_factory=list[str])

    @property
    def client(self) -> "Server":
        return self

    def get_workflow_handle(self, workflow_id: str) -> object:
        async def describe() -> object:
            self.asked.append(workflow_id)
            found = self.known.get(workflow_id)
            if found is None:
                await asyncio.Event().wait()
            if isinstance(found, RPCStatusCode):
                raise RPCError("put in by the test", found, b"")
            return SimpleNamespace(status=found)

        return SimpleNamespace(describe=describe)


def look_at(server: Server) -> SecondLook:
    look = SecondLook(cast("Any", server))
    look.lasts = 0.05
    return look


async def test_what_is_seen_is_told_though_not_all_is_seen() -> None:
    server = Server(
        {
            "open": Status.RUNNING,
            "done": Status.COMPLETED,
            "gone": RPCStatusCode.NOT_FOUND,
            "broken": RPCStatusCode.INTERNAL,
        }
    )
    ids = ["silent", "open", "broken", "done", "gone"]
    assert sorted(await look_at(server).look(ids)) == ["done", "gone"]


async def test_of_too_many_others_are_seen_the_next_time() -> None:
    """What the server never tells of does not keep the rest from being looked at for ever."""
    silent = [f"silent {number}" for number in range(40)]  # more than are asked at once
    server = Server({"done": Status.COMPLETED})
    look = look_at(server)
    for _ in range(50):
        if await look.look([*silent, "done"]):
            break
    assert "done" in server.asked


async def test_a_server_that_tells_nothing_of_any_is_an_error() -> None:
    with pytest.raises(RPCError, match="put in by the test"):
        await look_at(Server({"one": RPCStatusCode.UNAVAILABLE})).look(["one"])
