"""A worker that is told to stop does, whatever the client of its store makes of the cancellation."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime

import pytest

from taskkit.backends.base import Capability, Now
from taskkit.backends.memory import MemoryBackend
from taskkit.model.exchange import ClaimSpec, Lease, Manifest, WorkerOptions
from taskkit.model.request import TriggerRequest

pytestmark = pytest.mark.anyio


class Idle:
    """A runner that is given nothing."""

    manifest = Manifest(frozenset(), {})

    def begin(self, *_: object) -> object:
        raise AssertionError("nothing was claimed")


class Swallowing(MemoryBackend):
    """Its calls go on when they are canceled, as those of a client that uses wait_for of Python 3.11."""

    def __init__(self, call: str) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self._call = call

    async def _swallow(self, call: str) -> None:
        if call == self._call and not self.entered.is_set():
            self.entered.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    async def claim(
        self, worker: str, spec: ClaimSpec, *, limit: int, lease: float, now: Now
    ) -> Sequence[Lease]:
        await self._swallow("claim")
        return []

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        await self._swallow("advance")
        return None


@pytest.mark.parametrize("call", ["advance", "claim"])
async def test_a_swallowed_cancellation_ends_the_worker(call: str) -> None:
    backend = Swallowing(call)
    options = WorkerOptions(ClaimSpec(), drain=0)
    serving = asyncio.create_task(backend.serve(Idle(), options))  # type: ignore[arg-type] - see Idle
    await backend.entered.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await serving
    assert serving.cancelled()


class Slow(MemoryBackend):
    """Other processes may share it, and a claim takes its time between taking a run and saying so."""

    capabilities = MemoryBackend.capabilities | {Capability.SHARED}

    def __init__(self) -> None:
        super().__init__()
        self.taken, self.told = asyncio.Event(), asyncio.Event()

    async def claim(
        self, worker: str, spec: ClaimSpec, *, limit: int, lease: float, now: Now
    ) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, limit=limit, lease=lease, now=now)
        self.taken.set()
        await self.told.wait()
        return leases


async def test_what_a_claim_took_from_under_a_worker_that_stops_is_given_back() -> None:
    backend = Slow()
    await backend.enqueue([TriggerRequest("run_1", "any", None, "any")], batch_id=None, now=None)
    options = WorkerOptions(ClaimSpec(), drain=0)
    serving = asyncio.create_task(backend.serve(Idle(), options))  # type: ignore[arg-type] - see Idle
    await backend.taken.wait()
    serving.cancel()
    backend.told.set()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await serving
    (run,) = await backend.get(["run_1"])
    assert run is not None
    assert (run.status, run.delivery, run.deaths) == ("QUEUED", 1, 0)
