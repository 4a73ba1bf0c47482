"""Timeouts, cancels and closing: in time, by type, and the source goes on where it is not closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from buster_tasks.errors import QueryCanceledError, SourceError, SourceTimeoutError
from buster_tasks.sources.base import DataSource
from buster_tasks.testing.conformance.check import Trial, check
from buster_tasks.testing.fixture import CUSTOMER
from taskkit.testing.conformance.check import expect, expect_error, expect_that

_SHORT, _SOON = 0.2, 5.0


async def _in_time(what: str, call: Awaitable[object]) -> None:
    began = time.monotonic()
    await call
    took = time.monotonic() - began
    expect_that(what, took < _SOON, expected=f"within {_SOON:g} s", came=took)


async def _goes_on(trial: Trial) -> None:
    expect("the next statement", await trial.rows("SELECT 1"), [(1,)])


def _running(trial: Trial) -> asyncio.Task[object]:
    return asyncio.ensure_future(trial.source.execute(trial.dialect.endless, timeout=600))


async def _well_under_way(running: asyncio.Task[object]) -> None:
    """The statement has had time to reach the database, which no call tells."""
    await asyncio.wait([running], timeout=_SHORT)
    expect("whether the endless statement ended", running.done(), False)


@check()
async def a_timeout_ends_a_statement(trial: Trial) -> None:
    """Past its `timeout` a statement is a SourceTimeoutError, and the source goes on."""
    await trial.source.open()
    call = trial.source.execute(trial.dialect.endless, timeout=_SHORT)
    await _in_time("the end", expect_error("a slow statement", SourceTimeoutError, call))
    await _goes_on(trial)


@check()
async def cancel_stops_what_runs(trial: Trial) -> None:
    """`cancel` makes the running call a QueryCanceledError, and the source goes on."""
    await trial.source.open()
    running = _running(trial)
    await _well_under_way(running)
    await trial.source.cancel()
    await _in_time("the end", expect_error("the canceled call", QueryCanceledError, running))
    await _goes_on(trial)


@check()
async def cancel_stops_a_call_that_still_connects(trial: Trial) -> None:
    """`cancel` while a call opens the source stops that call: its statement does not run afterwards."""
    running = _running(trial)
    await asyncio.sleep(0)  # it has begun, and has had no time to connect
    await trial.source.cancel()
    await _in_time("the end", expect_error("the canceled call", QueryCanceledError, running))
    await _goes_on(trial)


@check()
async def cancel_stops_an_introspection_between_two_steps(trial: Trial) -> None:
    """`cancel` while an introspection reports how far it is makes it a QueryCanceledError, and the source goes on."""
    stopper = _Stopper(trial.source, "introspecting")
    call = trial.source.introspect(progress=stopper)
    await _in_time("the end", expect_error("the introspection", QueryCanceledError, call))
    await _goes_on(trial)


@check()
async def cancel_stops_statistics_between_two_tables(trial: Trial) -> None:
    """`cancel` while an introspection reports how much it has measured makes it a QueryCanceledError as well."""
    stopper = _Stopper(trial.source, "measuring")
    call = trial.source.introspect(progress=stopper, statistics="sample")
    try:
        await _in_time("the end", call)
    except QueryCanceledError:
        await _goes_on(trial)
    else:  # it has no such statistics, and said so
        expect("whether it was canceled", stopper.has_stopped, False)


class _Stopper:
    """A progress that cancels as soon as it hears of the phase."""

    def __init__(self, source: DataSource, phase: str) -> None:
        self._source, self._phase, self.has_stopped = source, phase, False

    async def __call__(self, phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        if phase == self._phase and not self.has_stopped:
            self.has_stopped = True
            await self._source.cancel()


@check()
async def cancel_of_nothing_does_nothing(trial: Trial) -> None:
    """`cancel` while nothing runs stops nothing that comes later, before and after `open`."""
    await trial.source.cancel()
    await trial.source.open()
    await trial.source.cancel()
    for _ in range(3):
        await _goes_on(trial)


@check()
async def a_canceled_caller_stops_its_statement(trial: Trial) -> None:
    """Cancelling the task that waits ends the statement too: the next one need not wait for it."""
    await trial.source.open()
    running = _running(trial)
    await _well_under_way(running)
    running.cancel()
    await asyncio.wait([running], timeout=_SOON)
    expect("whether the caller was cancelled", running.done() and running.cancelled(), True)
    await _in_time("the next statement", _goes_on(trial))


@check()
async def calls_are_made_one_after_the_other(trial: Trial) -> None:
    """Calls at the same time do not mix: each has its own answer."""
    sql = f"SELECT name FROM {trial.table(CUSTOMER.name)} WHERE id = "
    calls = [trial.rows(f"{sql}{1 + at % 5}") for at in range(20)]
    answers = await asyncio.gather(trial.found(), *calls)
    expect("the rows", answers[1:], [[(f"name {1 + at % 5}",)] for at in range(20)])


@check()
async def close_may_be_called_twice(trial: Trial) -> None:
    """A second `close`, and one without `open`, do nothing."""
    await trial.source.open()
    await trial.source.open()
    await trial.source.close()
    await trial.source.close()


@check()
async def close_without_open(trial: Trial) -> None:
    """A source that was never opened can be closed."""
    await trial.source.close()


@check()
async def a_closed_source_is_closed(trial: Trial) -> None:
    """After `close` every call is a SourceError that is not transient, and `test` tells it."""
    async with trial.source as source:
        await _goes_on(trial)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "execute": lambda: source.execute("SELECT 1"),
        "introspect": source.introspect,
        "open": source.open,
    }
    for what, call in calls.items():
        error = await expect_error(f"{what} after close", SourceError, call())
        assert isinstance(error, SourceError)
        expect(f"transient of {what} after close", error.transient, False)
    test = await source.test()
    expect("test after close", (test.ok, bool(test.error_code)), (False, True))


@check()
async def close_ends_what_runs(trial: Trial) -> None:
    """`close` while a statement runs ends both soon, the statement by a SourceError."""
    await trial.source.open()
    running = _running(trial)
    await _well_under_way(running)
    await _in_time("close", trial.source.close())
    await _in_time("the end", expect_error("the running call", SourceError, running))
