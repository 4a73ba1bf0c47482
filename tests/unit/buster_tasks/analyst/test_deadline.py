"""How long an analysis may take, and what is kept for the review."""

import math

import pytest

from buster_tasks.analyst.deadline import Deadline
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


async def test_the_last_part_is_for_the_review() -> None:
    clock = FakeClock()
    deadline = Deadline(100.0, clock=clock)
    assert (deadline.left(), deadline.left(for_review=True)) == (80.0, 100.0)
    await clock.advance(79.0)
    assert (deadline.left(), deadline.left(for_review=True)) == (1.0, 21.0)
    await clock.advance(2.0)
    assert (deadline.left(), deadline.left(for_review=True)) == (0.0, 19.0)
    await clock.advance(100.0)
    assert (deadline.left(), deadline.left(for_review=True)) == (0.0, 0.0)
    assert deadline.elapsed == 181.0


async def test_without_a_limit_there_is_always_time() -> None:
    clock = FakeClock()
    deadline = Deadline(None, clock=clock)
    await clock.advance(1e9)
    assert deadline.left() == deadline.left(for_review=True) == math.inf


async def test_less_than_nothing_is_nothing() -> None:
    deadline = Deadline(-5.0, clock=FakeClock())
    assert deadline.left() == deadline.left(for_review=True) == 0.0
