"""Whatever a check needs is asked for both ways: it must hold where it is declared, and be refused where not."""

import asyncio
from typing import Final

import pytest

from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.runtime.home import Home
from taskkit.testing import CHECKS, Check, CheckFailedError, run_check
from taskkit.testing.conformance import DOORS, NO_DOOR, UNCHECKED

LETS_POLL: Final = {Capability.EVENTUAL_LIST}
"""Declared, it only lets the checks of another capability wait."""


def checks_of(capability: Capability) -> list[Check]:
    return [check for check in CHECKS if capability in check.needs]


class Shared(MemoryBackend):
    """Says that it has a second instance; where something else is not declared, nobody asks for one."""

    capabilities = MemoryBackend.capabilities | {Capability.SHARED}


def without(capability: Capability) -> type[MemoryBackend]:
    class Without(Shared):
        capabilities = Shared.capabilities - {capability}

    return Without


def reason(check: Check, capability: Capability) -> str | None:
    return asyncio.run(run_check(check, without(capability)))


def let_all_pass(self: Home, capability: Capability, what: str) -> None:
    """In the place of `Home.need`."""


def test_every_capability_is_checked_or_says_why_not() -> None:
    unchecked = {capability for capability in Capability if not checks_of(capability)}
    assert unchecked == UNCHECKED.keys() | LETS_POLL


def test_every_capability_is_refused_or_says_why_not() -> None:
    assert DOORS.keys() | NO_DOOR.keys() == set(Capability)
    assert DOORS.keys() & NO_DOOR.keys() == set()


def test_memory_declares_what_is_checked_in_one_instance() -> None:
    undeclared = set(Capability) - MemoryBackend.capabilities
    assert undeclared == UNCHECKED.keys() | LETS_POLL | {Capability.SHARED}


@pytest.mark.parametrize("capability", DOORS)
def test_what_is_not_declared_is_refused(capability: Capability) -> None:
    checks = checks_of(capability)
    assert [reason(check, capability) for check in checks] == [None] * len(checks)


@pytest.mark.parametrize("capability", DOORS)
def test_what_is_not_declared_and_let_pass_is_caught(
    capability: Capability, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Home, "need", let_all_pass)
    checks = checks_of(capability)
    assert checks != []
    for check in checks:
        with pytest.raises(CheckFailedError):
            reason(check, capability)


@pytest.mark.parametrize("capability", [one for one in NO_DOOR if checks_of(one)])
def test_what_nobody_can_ask_for_is_skipped_and_says_so(capability: Capability) -> None:
    for check in checks_of(capability):
        told = reason(check, capability)
        assert told is not None
        assert told.startswith(f"{capability.name} is not declared, and ")


def of_two_instances() -> list[Check]:
    return [check for check in CHECKS if check.needs_another]


def test_without_a_second_instance_checks_of_two_are_skipped_and_say_so() -> None:
    told = {asyncio.run(run_check(check, Shared)) for check in of_two_instances()}
    purge = "Shared does not implement SupportsPurge"
    assert told == {"make_another gives no second instance of Shared", purge}


def test_who_declares_shared_and_has_no_second_instance_is_told_once() -> None:
    (check,) = [one for one in checks_of(Capability.SHARED) if not one.needs_another]
    with pytest.raises(CheckFailedError, match="make_another of Shared, which declares SHARED"):
        asyncio.run(run_check(check, Shared))
