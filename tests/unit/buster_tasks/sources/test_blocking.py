import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from buster_tasks.errors import ConnectionFailedError, QueryCanceledError, SourceTimeoutError
from buster_tasks.sources.blocking import BlockingThread, Budget, OneAtATime, reminded

pytestmark = pytest.mark.anyio


class Driver:
    """A driver whose one statement blocks until it is interrupted, and forgets the first interrupts."""

    def __init__(self, *, forgets: int = 0) -> None:
        self.started = threading.Event()
        self.released = threading.Event()
        self.interrupts = 0
        self.closed = 0
        self._forgets = forgets

    def statement(self, budget: Budget) -> str:
        self.started.set()
        assert self.released.wait(timeout=20)
        if budget.is_spent:
            raise budget.error()
        return "rows"

    def interrupt(self) -> None:
        self.interrupts += 1
        if self.interrupts > self._forgets:
            self.released.set()

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
async def thread(driver: Driver) -> AsyncIterator[BlockingThread]:
    thread = BlockingThread("test", driver.interrupt)
    yield thread
    await thread.close(driver.close)


async def started(driver: Driver) -> None:
    await asyncio.to_thread(driver.started.wait, 20)


async def test_calls_run_in_one_other_thread(thread: BlockingThread) -> None:
    threads = [await thread.call(threading.get_ident, Budget(None)) for _ in range(3)]
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_an_error_of_the_work_is_raised(thread: BlockingThread) -> None:
    def fail() -> None:
        raise ConnectionFailedError("Down.")

    with pytest.raises(ConnectionFailedError, match="Down"):
        await thread.call(fail, Budget(None))


async def test_a_statement_past_its_time_is_interrupted(
    thread: BlockingThread, driver: Driver
) -> None:
    budget = Budget(0.05)
    with pytest.raises(SourceTimeoutError, match=r"0\.05 s"):
        await thread.call(lambda: driver.statement(budget), budget)
    assert driver.interrupts >= 1


async def test_a_cancelled_caller_does_not_wait_and_the_statement_ends(
    thread: BlockingThread, driver: Driver
) -> None:
    budget = Budget(None)
    call = asyncio.create_task(thread.call(lambda: driver.statement(budget), budget))
    await started(driver)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await thread.call(lambda: "next", Budget(20)) == "next"
    assert budget.stopped


async def test_a_forgotten_interrupt_is_sent_again() -> None:
    driver = Driver(forgets=3)
    thread = BlockingThread("test", driver.interrupt)
    budget = Budget(None)
    call = asyncio.create_task(thread.call(lambda: driver.statement(budget), budget))
    await started(driver)
    thread.stop_all()
    with pytest.raises(QueryCanceledError):
        await call
    assert driver.interrupts == 4
    await thread.close(driver.close)


async def test_stopping_reaches_calls_that_wait_for_the_thread(
    thread: BlockingThread, driver: Driver
) -> None:
    first, second = Budget(None), Budget(None)
    calls = [
        asyncio.create_task(thread.call(lambda: driver.statement(first), first)),
        asyncio.create_task(thread.call(lambda: driver.statement(second), second)),
    ]
    await started(driver)
    thread.stop_all()
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in errors] == [QueryCanceledError, QueryCanceledError]


async def test_closing_stops_what_runs_and_closes_once(
    thread: BlockingThread, driver: Driver
) -> None:
    budget = Budget(None)
    call = asyncio.create_task(thread.call(lambda: driver.statement(budget), budget))
    await started(driver)
    await thread.close(driver.close)
    await thread.close(driver.close)
    with pytest.raises(QueryCanceledError):
        await call
    assert driver.closed == 1
    with pytest.raises(ConnectionFailedError, match="closed"):
        await thread.call(lambda: "late", Budget(None))


async def test_closing_abandons_what_no_interrupt_reaches() -> None:
    driver = Driver(forgets=1_000)
    thread = BlockingThread("test", driver.interrupt, driver.released.set)
    call = asyncio.create_task(thread.call(lambda: driver.statement(Budget(None)), Budget(None)))
    await started(driver)
    await thread.close(driver.close, patience=0.05)
    assert driver.closed == 1
    with pytest.raises(QueryCanceledError):
        await call


async def test_closing_leaves_a_thread_alone_that_nothing_ends() -> None:
    driver = Driver(forgets=1_000)
    thread = BlockingThread("test", driver.interrupt, lambda: None)
    call = asyncio.create_task(thread.call(lambda: driver.statement(Budget(None)), Budget(None)))
    await started(driver)
    await thread.close(driver.close, patience=0.02)
    assert driver.closed == 0
    driver.released.set()
    with pytest.raises(QueryCanceledError):
        await call


async def test_blocking_work_is_done_beside_and_not_twice_at_once() -> None:
    driver = Driver()
    beside = OneAtATime(lambda: driver.statement(Budget(None)) and driver.close(), "beside")
    beside()
    await started(driver)
    beside()
    assert not beside.join(0)
    driver.released.set()
    assert await asyncio.to_thread(beside.join, 20)
    assert driver.closed == 1
    beside()
    assert beside.join(20)
    assert driver.closed == 2
    assert OneAtATime(driver.close, "never begun").join(0)


async def test_an_error_that_nobody_waits_for_is_not_reported(
    thread: BlockingThread, driver: Driver
) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: reported.append(context)
    )
    budget = Budget(None)
    call = asyncio.create_task(thread.call(lambda: driver.statement(budget), budget))
    await started(driver)
    call.cancel()
    await asyncio.wait([call])
    await thread.close(driver.close)
    del call
    gc.collect()
    assert reported == []


async def test_a_call_that_waits_does_not_stop_the_one_that_runs(
    thread: BlockingThread, driver: Driver
) -> None:
    first = Budget(None)
    running = asyncio.create_task(thread.call(lambda: driver.statement(first), first))
    await started(driver)
    begun: list[str] = []
    with pytest.raises(SourceTimeoutError):
        await thread.call(lambda: begun.append("late"), Budget(0.01))
    waiting = asyncio.create_task(thread.call(lambda: begun.append("stopped"), Budget(None)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert driver.interrupts == 0
    driver.released.set()
    assert await running == "rows"
    assert await thread.call(lambda: "next", Budget(None)) == "next"
    assert begun == []


async def test_what_waits_for_the_thread_is_not_begun_once_it_was_stopped(
    thread: BlockingThread, driver: Driver
) -> None:
    first, begun = Budget(None), threading.Event()
    calls = [
        asyncio.create_task(thread.call(lambda: driver.statement(first), first)),
        asyncio.create_task(thread.call(begun.set, Budget(None))),
    ]
    await started(driver)
    thread.stop_all()
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in errors] == [QueryCanceledError, QueryCanceledError]
    assert await thread.call(lambda: "next", Budget(None)) == "next"
    assert not begun.is_set()


async def test_who_was_stopped_is_told_so_even_where_the_work_was_done(
    thread: BlockingThread, driver: Driver
) -> None:
    def heedless() -> str:
        driver.statement(Budget(None))
        return "rows"

    call = asyncio.create_task(thread.call(heedless, Budget(None)))
    await started(driver)
    thread.stop_all()
    with pytest.raises(QueryCanceledError):
        await call


async def test_what_else_went_wrong_is_the_cause(thread: BlockingThread, driver: Driver) -> None:
    def broken() -> None:
        driver.statement(Budget(None))
        raise ConnectionFailedError("Cut.")

    call = asyncio.create_task(thread.call(broken, Budget(None)))
    await started(driver)
    thread.stop_all()
    with pytest.raises(QueryCanceledError) as caught:
        await call
    assert isinstance(caught.value.__cause__, ConnectionFailedError)


@pytest.mark.parametrize("steps", range(6))
async def test_there_is_no_moment_at_which_a_stop_is_lost(
    thread: BlockingThread, steps: int
) -> None:
    """From the end of the work until the caller goes on there are some turns of the event loop."""
    ended = threading.Event()
    call = asyncio.create_task(thread.call(ended.set, Budget(None)))
    await asyncio.sleep(0)
    # not awaited: the loop is not to know yet
    assert ended.wait(20)
    for _ in range(steps):
        await asyncio.sleep(0)
    is_over = call.done()
    thread.stop_all()
    if is_over:
        assert await call is None
    else:
        with pytest.raises(QueryCanceledError):
            await call


async def test_an_interrupt_never_hits_the_call_after_the_one_that_is_meant() -> None:
    at_work: list[str] = []
    hit: list[str] = []
    goes_on = {"first": threading.Event(), "second": threading.Event()}
    second_began = threading.Event()

    def interrupt() -> None:
        goes_on["first"].set()
        # the thread would go on to the next call, if it could
        second_began.wait(0.2)
        hit.extend(at_work)

    def working(name: str) -> None:
        at_work.append(name)
        if name == "second":
            second_began.set()
        assert goes_on[name].wait(20)
        at_work.remove(name)

    thread = BlockingThread("test", interrupt)
    calls = [
        asyncio.create_task(thread.call(lambda name=name: working(name), Budget(None)))
        for name in goes_on
    ]
    while not at_work:
        await asyncio.sleep(0)
    calls[0].cancel()
    await asyncio.wait([calls[0]])
    goes_on["second"].set()
    await calls[1]
    assert "second" not in hit
    await thread.close(lambda: None)


def test_a_budget_ends_by_time_or_by_hand() -> None:
    assert Budget(None).left() is None
    assert not Budget(None).is_spent
    assert Budget(0).is_spent
    assert isinstance(Budget(0).error(), SourceTimeoutError)
    stopped = Budget(100)
    stopped.stop()
    assert stopped.is_spent
    assert isinstance(stopped.error(), QueryCanceledError)


async def test_a_part_of_a_call_that_is_past_its_own_time_is_interrupted(
    thread: BlockingThread,
) -> None:
    driver = Driver(forgets=2)

    def work() -> str:
        part = Budget(0.05, within=Budget(None))
        with reminded(part, driver.interrupt):
            driver.statement(Budget(None))
        return "went on"

    assert await thread.call(work, Budget(None)) == "went on"
    assert driver.interrupts == 3


async def test_a_part_that_ends_in_time_is_not_interrupted(driver: Driver) -> None:
    for seconds in (None, 0.0, 20.0):
        with reminded(Budget(seconds), driver.interrupt):
            pass
    assert driver.interrupts == 0
    assert not any("reminder" in one.name for one in threading.enumerate())
