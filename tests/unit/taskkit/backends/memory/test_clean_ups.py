"""Whose clean-up is still owed: told by `orphaned`, so that cleanup hooks run once for each delivery."""

from collections.abc import AsyncIterator

import pytest

from taskkit.backends.memory import MemoryBackend
from taskkit.model.exchange import Released, RetryAt
from taskkit.model.run import RunStatus
from taskkit.runtime.home import Home
from taskkit.testing.conformance.trial import ERROR, LEASE, TWO, Trial

pytestmark = pytest.mark.anyio


@pytest.fixture
async def trial() -> AsyncIterator[Trial]:
    home = Home(MemoryBackend, name="memory")
    await home.ready()
    yield Trial(home)
    await home.close()


async def test_an_attempt_that_ended_beside_its_cancel_owes_nothing(trial: Trial) -> None:
    lease = await trial.start()
    await trial.park(lease, trial.for_time(60))
    await trial.cancel(lease.run.id)
    await trial.settle(lease, RetryAt(trial.moment, ERROR))
    cleanup = await trial.take(lease.run.id, kind="cleanup")
    assert cleanup.orphaned is False


async def test_a_coroutine_that_was_given_back_owes_nothing(trial: Trial) -> None:
    lease = await trial.start()
    await trial.park(lease, trial.for_time(60))
    await trial.settle(lease, Released())
    await trial.cancel(lease.run.id)
    cleanup = await trial.take(lease.run.id, TWO, kind="cleanup")
    assert cleanup.orphaned is False


async def test_a_coroutine_that_is_parked_somewhere_owes_its_clean_up(trial: Trial) -> None:
    lease = await trial.start()
    await trial.park(lease, trial.for_time(60))
    await trial.cancel(lease.run.id)
    cleanup = await trial.take(lease.run.id, kind="cleanup")
    assert cleanup.orphaned is True


async def test_a_clean_up_that_is_given_back_stays_one(trial: Trial) -> None:
    run_id = await trial.add(max_attempts=1)
    for _ in range(2):
        await trial.take(run_id)
        trial.later(LEASE + 1)
    cleanup = await trial.take(run_id, kind="cleanup")
    await trial.settle(cleanup, Released())
    again = await trial.take(run_id, TWO, kind="cleanup")
    assert (again.ending, again.orphaned) == (RunStatus.CRASHED, True)
    await trial.fail(again, RunStatus.CRASHED)
    assert await trial.status(run_id) is RunStatus.CRASHED


async def test_who_waited_for_a_run_whose_hooks_kill_workers_is_offered_to_others_in_time(
    trial: Trial,
) -> None:
    parent = await trial.start()
    child = await trial.child_of(parent, max_attempts=1)
    await trial.park(parent, trial.for_runs(child))
    due = None
    while await trial.status(child) is not RunStatus.CRASHED:
        assert await trial.claimed(TWO) == [child]
        trial.later(LEASE + 1)
        due = await trial.advance()
    assert due == trial.after(LEASE)
