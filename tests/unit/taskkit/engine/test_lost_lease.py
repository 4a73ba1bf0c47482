"""A worker whose lease was lost: whoever holds the run now cleans up, and it keeps its hands off."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from taskkit import Context, task
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import LeaseLostError
from taskkit.model.exchange import Lease, Signal
from taskkit.runtime.current_backend import home_for
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


class Stolen(MemoryBackend):
    """Says of each lease that it is lost, and records nothing of its holder any more, once it is told to."""

    is_stolen = False

    async def extend(self, leases: Sequence[Lease], *args: Any, **options: Any) -> list[Signal]:
        signals = await super().extend(leases, *args, **options)
        return [Signal.LOST] * len(leases) if self.is_stolen else list(signals)

    async def settle(self, *args: Any, **options: Any) -> None:
        if self.is_stolen:
            raise LeaseLostError("run", "somebody else holds it")
        await super().settle(*args, **options)


@pytest.mark.parametrize("canceled_before", [False, True])
async def test_after_a_lost_lease_no_hook_runs(canceled_before: bool, clock: FakeClock) -> None:
    seen: list[str] = []
    may_end = asyncio.Event()

    @task()
    async def work(ctx: Context) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(f"ends by {ctx.signal.reason}")
            await may_end.wait()

    work.on_cancel(partial(seen.append, "on_cancel"))
    work.cleanup(partial(seen.append, "cleanup"))
    work.on_complete(partial(seen.append, "on_complete"))

    backend = Stolen()
    home = home_for(backend, clock=clock)
    async with Worker(
        home, "development", lease=3
    ):  # so that a beat comes before its end is given up
        handle = await work.trigger()
        await clock.settle()
        if canceled_before:
            await handle.cancel()
            await clock.settle()
        backend.is_stolen = True
        await clock.advance(1)  # a beat
        may_end.set()
        await clock.settle()
        assert seen == ["ends by cancel" if canceled_before else "ends by shutdown"]
