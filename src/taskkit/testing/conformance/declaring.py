"""What a backend declares."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, cast

from taskkit.backends.base import (
    Backend,
    Capability,
    SupportsQuery,
    SupportsQueues,
    SupportsSchedules,
    SupportsTokens,
)
from taskkit.testing.conformance.check import check, expect, expect_that
from taskkit.testing.conformance.trial import Trial

_PROTOCOLS: Mapping[Capability, type] = MappingProxyType(
    {
        Capability.LIST: SupportsQuery,
        Capability.QUEUES: SupportsQueues,
        Capability.TOKENS: SupportsTokens,
        Capability.SCHEDULES: SupportsSchedules,
    }
)
_WITH: Mapping[Capability, Capability] = MappingProxyType(
    {
        Capability.DEBOUNCE: Capability.DELAY,
        Capability.KEY_LIMIT: Capability.QUEUE_LIMIT,
        Capability.IDEMPOTENCY_TTL: Capability.IDEMPOTENCY,
        Capability.EVENTUAL_LIST: Capability.LIST,
    }
)

UNCHECKED: Final[Mapping[Capability, str]] = MappingProxyType(
    {
        Capability.BATCH_ATOMIC: "needs a store that fails half-way",
        Capability.RATE: "no rate can be asked for yet",
        Capability.DURABLE: "needs a process that dies",
    }
)
"""Capabilities that no check covers so far, and why. EVENTUAL_LIST only lets checks of lists poll."""


@check("Backend.capabilities", protocol=Backend)
async def capabilities_are_declared(trial: Trial) -> None:
    """`capabilities` is a frozenset of Capability, and what is declared has its methods."""
    declared = trial.backend.capabilities
    holds = _is_set_of_capabilities(declared)
    expect_that("capabilities", holds, expected="a frozenset of Capability", came=declared)
    for capability, protocol in _PROTOCOLS.items():
        if capability in declared:
            what = f"that {capability.name} comes with the methods of {protocol.__name__}"
            expect(what, isinstance(trial.backend, protocol), True)
    for capability, needed in _WITH.items():
        if capability in declared:
            expect(f"that {capability.name} comes with {needed.name}", needed in declared, True)


def _is_set_of_capabilities(declared: object) -> bool:
    if not isinstance(declared, frozenset):
        return False
    return all(isinstance(one, Capability) for one in cast("frozenset[object]", declared))
