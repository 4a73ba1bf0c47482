"""The memory backend does what the reference model does, in any order of calls, and nothing sleeps meanwhile."""

import asyncio
import selectors
import time
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from taskkit.backends.memory import MemoryBackend
from taskkit.testing import BackendStateMachine

EXAMPLES, STEPS = 1_000, 50
SECONDS = 60


class Memory(BackendStateMachine):
    def make_backend(self) -> MemoryBackend:
        return MemoryBackend()


class Impatient(selectors.SelectSelector):
    """The selector of an event loop that must always have something to do."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None
        assert timeout <= 0, f"the event loop went to sleep for {timeout} s"
        return super().select(timeout)


class MemoryWithoutSleep(Memory):
    steps = 0

    def make_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(Impatient())

    def check_invariants(self, *args: object, **kwargs: object) -> None:
        MemoryWithoutSleep.steps += 1
        super().check_invariants(*args, **kwargs)


@pytest.fixture
def nobody_sleeps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def sleep(seconds: float) -> None:
        raise AssertionError(f"slept for {seconds} s")

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", sleep)
        yield


@pytest.mark.timeout(5 * SECONDS)  # the machine may be busy with other tests
@pytest.mark.usefixtures("nobody_sleeps")
def test_the_memory_backend_does_what_the_model_does() -> None:
    options = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
    began = time.process_time()
    run_state_machine_as_test(MemoryWithoutSleep, settings=options)
    took = time.process_time() - began
    print(f"{EXAMPLES} examples, {MemoryWithoutSleep.steps} steps: {took:.1f} s of one core")
    assert took < SECONDS


def test_a_loop_that_must_not_sleep_notices_a_sleep() -> None:
    class Sleeps(MemoryBackend):
        async def register(self, manifest: object) -> None:
            loop = asyncio.get_running_loop()
            later = loop.create_future()
            loop.call_later(10, later.set_result, None)  # nobody waits so long
            await later

    class Machine(MemoryWithoutSleep):
        def make_backend(self) -> MemoryBackend:
            return Sleeps()

    with pytest.raises(AssertionError, match="went to sleep"):
        run_state_machine_as_test(
            Machine, settings=settings(max_examples=1, phases=[Phase.generate], database=None)
        )
