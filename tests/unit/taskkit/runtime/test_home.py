"""A backend lives on the loop that opened it, and calls from elsewhere are carried there."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import BackendError, StoreUnavailableError, UnsupportedByBackendError
from taskkit.model.request import TriggerRequest
from taskkit.runtime.home import Home
from taskkit.testing import FakeClock


class Recorder(MemoryBackend):
    """Remembers where and how often it was opened and closed; opens when `gate` lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.opened_on: list[asyncio.AbstractEventLoop] = []
        self.closed_on: list[asyncio.AbstractEventLoop] = []
        self.is_open = False
        self.gate: Callable[[], Coroutine[Any, Any, None]] | None = None

    async def open(self) -> None:
        self.opened_on.append(asyncio.get_running_loop())
        if self.gate is not None:
            await self.gate()
        self.is_open = True

    async def close(self) -> None:
        self.closed_on.append(asyncio.get_running_loop())
        self.is_open = False

    async def where(self) -> tuple[asyncio.AbstractEventLoop, bool]:
        return asyncio.get_running_loop(), self.is_open


class Recorders:
    """Makes a home for a new `Recorder` each time one is opened."""

    def __init__(self) -> None:
        self.made: list[Recorder] = []
        self.home = Home(self._make, name="recorder://")

    def _make(self) -> Recorder:
        self.made.append(Recorder())
        return self.made[-1]

    async def where(self) -> tuple[asyncio.AbstractEventLoop, bool]:
        return await self.home.call(self._where)

    async def _where(self) -> tuple[asyncio.AbstractEventLoop, bool]:
        return await self.made[-1].where()  # looked up once it is open


class Loop:
    """An event loop that runs in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=10)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.mark.anyio
async def test_opens_at_the_first_call_and_once() -> None:
    recorders = Recorders()
    assert recorders.made[0].opened_on == []
    here = asyncio.get_running_loop()
    assert await recorders.where() == (here, True)
    assert await recorders.where() == (here, True)
    assert recorders.made[0].opened_on == [here]
    assert recorders.home.is_here


@pytest.mark.anyio
async def test_calls_that_come_while_it_opens_wait_for_it() -> None:
    recorders = Recorders()
    opened = asyncio.Event()

    async def gate() -> None:
        await opened.wait()

    recorders.made[0].gate = gate
    calls = [asyncio.create_task(recorders.where()) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(call.done() for call in calls)
    assert not recorders.home.is_here
    opened.set()
    assert [is_open for _, is_open in await asyncio.gather(*calls)] == [True] * 3
    assert len(recorders.made[0].opened_on) == 1


@pytest.mark.anyio
async def test_what_opening_raises_reaches_all_who_wait_and_the_next_call_tries_again() -> None:
    recorders = Recorders()
    let_go = asyncio.Event()

    async def gate() -> None:
        await let_go.wait()
        raise StoreUnavailableError("nobody there")

    recorders.made[0].gate = gate
    calls = [asyncio.create_task(recorders.where()) for _ in range(2)]
    await asyncio.sleep(0)
    let_go.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailableError] * 2
    recorders.made[-1].gate = None
    assert (await recorders.where())[1]


@pytest.mark.anyio
async def test_who_gives_up_while_it_opens_does_not_stop_the_others() -> None:
    recorders = Recorders()
    opened = asyncio.Event()

    async def gate() -> None:
        await opened.wait()

    recorders.made[0].gate = gate
    first = asyncio.create_task(recorders.where())
    await asyncio.sleep(0)
    second = asyncio.create_task(recorders.where())
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    opened.set()
    assert (await first)[1]
    assert second.cancelled()


@pytest.mark.anyio
async def test_who_began_to_open_it_and_gives_up_does_not_stop_the_others_either() -> None:
    recorders = Recorders()
    opened = asyncio.Event()

    async def gate() -> None:
        await opened.wait()

    recorders.made[0].gate = gate
    first = asyncio.create_task(recorders.where())
    await asyncio.sleep(0)
    second = asyncio.create_task(recorders.where())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    assert first.cancelled()
    opened.set()
    assert (await second)[1]
    assert len(recorders.made[0].opened_on) == 1


def test_calls_from_another_loop_are_carried_to_its_own() -> None:
    recorders = Recorders()
    home, other = Loop(), Loop()
    try:
        assert home.run(recorders.where()) == (home.loop, True)
        assert other.run(recorders.where()) == (home.loop, True)
        assert recorders.made[0].opened_on == [home.loop]
    finally:
        home.close()
        other.close()


def test_a_call_from_another_loop_waits_for_the_opening_too() -> None:
    recorders = Recorders()
    home, other = Loop(), Loop()
    opening, let_go = threading.Event(), asyncio.Event()

    async def gate() -> None:
        opening.set()
        await let_go.wait()

    recorders.made[0].gate = gate
    try:
        first = asyncio.run_coroutine_threadsafe(recorders.where(), home.loop)
        assert opening.wait(10)
        second = asyncio.run_coroutine_threadsafe(recorders.where(), other.loop)
        for _ in range(20):  # long enough for a call that does not wait to be carried out
            other.run(asyncio.sleep(0))
            home.run(asyncio.sleep(0))
        assert not second.done()
        home.loop.call_soon_threadsafe(let_go.set)
        assert first.result(10) == second.result(10) == (home.loop, True)
    finally:
        home.close()
        other.close()


def test_many_threads_that_call_at_once_open_one_backend() -> None:
    for _ in range(20):
        recorders = Recorders()
        loops = [Loop() for _ in range(4)]
        barrier = threading.Barrier(4)

        def call(loop: Loop, recorders: Recorders = recorders, barrier: Any = barrier) -> Any:
            barrier.wait()
            return loop.run(recorders.where())

        try:
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(call, loops))
            assert len(recorders.made[0].opened_on) == 1
            assert set(answers) == {(recorders.home.loop, True)}
        finally:
            for loop in loops:
                loop.close()


def test_a_carried_call_that_is_canceled_is_over_when_the_caller_goes_on() -> None:
    recorders = Recorders()
    home = Loop()
    steps: list[str] = []
    started = threading.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up there")

    async def main() -> None:
        call = asyncio.create_task(recorders.home.call(work))
        await asyncio.to_thread(started.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        steps.append("went on here")

    try:
        home.run(recorders.where())
        asyncio.run(main())
        assert steps == ["cleaned up there", "went on here"]
    finally:
        home.close()


def test_a_carried_call_raises_what_it_raises() -> None:
    recorders = Recorders()
    home = Loop()

    async def work() -> None:
        raise StoreUnavailableError("the disk is full")

    try:
        home.run(recorders.where())
        with pytest.raises(StoreUnavailableError, match="the disk is full"):
            asyncio.run(recorders.home.call(work))
    finally:
        home.close()


def test_a_second_cancellation_is_carried_too() -> None:
    recorders = Recorders()
    home = Loop()
    steps: list[str] = []
    started = threading.Event()

    async def stubborn() -> None:
        for step in ("first", "second"):
            started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                steps.append(step)

    async def main() -> None:
        call = asyncio.create_task(recorders.home.call(stubborn))
        while "second" not in steps:
            await asyncio.to_thread(started.wait)
            call.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await call

    try:
        home.run(recorders.where())
        asyncio.run(main())
        assert steps == ["first", "second"]
    finally:
        home.close()


def test_a_loop_that_ends_under_a_carried_call_is_an_error_and_no_cancellation() -> None:
    recorders = Recorders()
    started, other = threading.Event(), Loop()

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    async def lives_briefly() -> Any:
        await recorders.where()
        carried = asyncio.run_coroutine_threadsafe(recorders.home.call(work), other.loop)
        await asyncio.to_thread(started.wait)
        return carried

    try:
        carried = asyncio.run(lives_briefly())
        with pytest.raises(BackendError, match=r"recorder:// lives ended before this call"):
            carried.result(10)
    finally:
        other.close()


def test_is_opened_again_when_its_loop_has_closed() -> None:
    recorders = Recorders()
    first, is_open = asyncio.run(recorders.where())
    second, is_open_again = asyncio.run(recorders.where())
    assert is_open
    assert is_open_again
    assert first is not second
    assert [recorder.opened_on for recorder in recorders.made] == [[first], [second]]


def test_a_loop_that_stands_still_is_named_instead_of_waited_for() -> None:
    recorders = Recorders()
    standing = asyncio.new_event_loop()
    try:
        standing.run_until_complete(recorders.where())
        with pytest.raises(BackendError, match=r"recorder:// lives on an event loop that is not"):
            asyncio.run(recorders.where())
    finally:
        standing.close()


def test_closes_on_its_own_loop() -> None:
    recorders = Recorders()
    home = Loop()
    try:
        home.run(recorders.where())
        asyncio.run(recorders.home.close())
        assert recorders.made[0].closed_on == [home.loop]
    finally:
        home.close()


class Durable(Recorder):
    """A store, which opens once."""

    capabilities = MemoryBackend.capabilities | {Capability.DURABLE}


@pytest.mark.anyio
async def test_a_store_that_was_closed_is_made_anew_when_it_is_used_again() -> None:
    made: list[Durable] = []

    def make() -> Durable:
        made.append(Durable())
        return made[-1]

    home = Home(make, name="durable://")
    await home.ready()
    await home.close()
    await home.ready()
    assert [len(one.opened_on) for one in made] == [1, 1]
    assert home.backend is made[1]


@pytest.mark.anyio
async def test_what_was_in_memory_can_be_read_after_closing() -> None:
    recorders = Recorders()
    await recorders.where()
    await recorders.home.close()
    assert (await recorders.where())[1]
    assert len(recorders.made) == 1


def test_post_calls_on_the_loop_of_the_backend() -> None:
    recorders = Recorders()
    called: list[asyncio.AbstractEventLoop] = []

    def note() -> None:
        called.append(asyncio.get_running_loop())

    async def post() -> None:
        recorders.home.post(note)

    home = Loop()
    try:
        asyncio.run(post())
        assert called == []  # it is not open: there is nothing to call
        home.run(recorders.where())
        home.run(post())
        asyncio.run(post())
        home.run(asyncio.sleep(0))
        assert called == [home.loop, home.loop]
    finally:
        home.close()
    asyncio.run(post())
    assert len(called) == 2


@pytest.mark.anyio
async def test_closing_what_is_not_open_does_nothing() -> None:
    recorders = Recorders()
    await recorders.home.close()
    await recorders.where()
    await recorders.home.close()
    await recorders.home.close()
    assert len(recorders.made[0].closed_on) == 1


def test_now_is_the_stores_own_clock_unless_a_test_moves_time() -> None:
    clock = FakeClock()
    assert Home(MemoryBackend, name="memory://").now is None
    assert Home(MemoryBackend, name="memory://", clock=clock).now == clock.now()


def test_a_capability_that_is_needed_and_not_declared_names_backend_and_capability() -> None:
    home = Home(MemoryBackend, name="memory://")
    home.need(Capability.DELAY, "The option delay")
    with pytest.raises(UnsupportedByBackendError) as caught:
        home.need(Capability.RATE, "A rate limit")
    assert str(caught.value) == (
        "A rate limit is not supported by the backend memory:// (MemoryBackend) (it does not declare RATE). "
        "Leave it out, or use a backend that supports it."
    )


@pytest.mark.anyio
async def test_a_run_can_be_asked_for_before_anybody_works() -> None:
    home = Home(MemoryBackend, name="memory://")
    (answer,) = await home.call(home.enqueue, (TriggerRequest("run_1", "work", None, "q"),), None)
    assert (answer.run_id, answer.disposition) == ("run_1", "created")
