"""pytest's door to `taskkit.testing`.

A module of its own, because pytest imports every plugin at start: importing a part of taskkit would import
taskkit in each test run of each project that has it installed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from taskkit import Worker
    from taskkit.testing import FakeClock


@pytest.fixture
async def taskkit_local() -> AsyncIterator[Worker]:
    """`taskkit.local()` for the length of a test: triggers run in memory, in the test's event loop."""
    from taskkit import local

    async with local() as app:
        yield app


@pytest.fixture
def taskkit_clock() -> FakeClock:
    """A clock that a test moves: `async with taskkit.local(clock=taskkit_clock): await taskkit_clock.advance("1h")`."""
    from taskkit.testing import FakeClock

    return FakeClock()
