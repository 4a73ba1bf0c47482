"""The suite catches every broken backend, alone and in company, and every check is needed."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Final

import pytest
from broken.fault import FAULTS, Faulty

from taskkit.testing import CHECKS, Check, CheckFailedError, run_check

for module in sorted((Path(__file__).parent / "broken").glob("*.py")):
    import_module(f"broken.{module.stem}")

BY_NAME: Final = {check.name: check for check in CHECKS}
TIME_LIMIT: Final = 0.2
"""Seconds that a check may take; only one that waits for ever comes near."""
PATIENCE: Final = 10
"""Seconds where a check that takes too long, for a machine that is busy, would be a wrong alarm."""
OWN_MISTAKES: Final = (AttributeError, NameError, TypeError)
"""What a fault raises that no longer fits the memory backend: it would be caught whatever a check says."""
CHOSEN: Final = 500
SEED: Final = 20_300_101

UNBROKEN: Final[dict[str, str]] = {}
"""Checks that no broken backend fails, and why none can be written."""


async def _fails(check: Check, backend: type[Faulty], time_limit: float) -> bool:
    try:
        await run_check(
            check, backend, make_another=lambda made: made.another(), time_limit=time_limit
        )
    except CheckFailedError as failure:
        if isinstance(failure.__cause__, OWN_MISTAKES):
            raise
        return True
    return False


async def _failing(names: Iterable[str], backend: type[Faulty], time_limit: float) -> list[str]:
    return [name for name in names if await _fails(BY_NAME[name], backend, time_limit)]


def failing(
    names: Iterable[str], backend: type[Faulty], time_limit: float = TIME_LIMIT
) -> list[str]:
    """Which of these checks a backend fails."""
    return asyncio.run(_failing(names, backend, time_limit))


def pairs() -> Sequence[tuple[type[Faulty], type[Faulty]]]:
    """Every pair of faults of one kind each, and a fixed choice of all the others."""
    first = {fault.__module__: fault for fault in reversed(FAULTS)}
    every = list(combinations(first.values(), 2))
    rest = [pair for pair in combinations(FAULTS, 2) if pair not in set(every)]
    return [*every, *random.Random(SEED).sample(rest, CHOSEN)]


def test_there_are_many_and_each_says_what_catches_it() -> None:
    assert len(FAULTS) >= 15
    assert len({fault.__name__ for fault in FAULTS}) == len(FAULTS)
    unknown = {name for fault in FAULTS for name in fault.caught_by} - BY_NAME.keys()
    assert unknown == set()
    assert [fault.__name__ for fault in FAULTS if not fault.caught_by] == []


def test_what_carries_the_faults_has_none_itself() -> None:
    assert failing(BY_NAME, Faulty, PATIENCE) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_is_caught_by_the_checks_that_it_names(fault: type[Faulty]) -> None:
    assert failing(fault.caught_by, fault) == list(fault.caught_by)


def test_no_fault_hides_another() -> None:
    """Of two faults at once each is caught by a check that is there for it, but for few; one always is."""
    together = pairs()
    one_hidden = []
    for one, other in together:
        try:
            both = type(f"{one.__name__}And{other.__name__}", (one, other), {})
        except TypeError:  # one is a kind of the other
            continue
        if any(not failing(fault.caught_by, both) for fault in (one, other)):
            one_hidden.append((one.__name__, other.__name__))
            assert failing({*one.caught_by, *other.caught_by}, both), one_hidden[-1]
    print(f"{len(together)} pairs, in {len(one_hidden)} one fault hides the other: {one_hidden}")
    assert len(one_hidden) <= len(together) / 50


def test_every_check_is_failed_by_a_broken_backend() -> None:
    needed = {name for fault in FAULTS for name in fault.caught_by}
    assert BY_NAME.keys() - needed == UNBROKEN.keys()
