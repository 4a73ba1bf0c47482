"""What a backend implements, and what it may use: the contract, the serve() of stores, a watch that polls."""

from taskkit.backends.base import (
    Backend,
    Capability,
    Control,
    Execution,
    Now,
    QueueBackend,
    Runner,
    SupportsEdit,
    SupportsEnds,
    SupportsIdle,
    SupportsPurge,
    SupportsQuery,
    SupportsQueues,
    SupportsSchedules,
    SupportsTake,
    SupportsTokens,
    SupportsWake,
    SupportsWorkers,
    Watch,
)
from taskkit.backends.claim_loop import ClaimLoop
from taskkit.backends.polling_watch import PollingWatch

__all__ = [
    "Backend",
    "Capability",
    "ClaimLoop",
    "Control",
    "Execution",
    "Now",
    "PollingWatch",
    "QueueBackend",
    "Runner",
    "SupportsEdit",
    "SupportsEnds",
    "SupportsIdle",
    "SupportsPurge",
    "SupportsQuery",
    "SupportsQueues",
    "SupportsSchedules",
    "SupportsTake",
    "SupportsTokens",
    "SupportsWake",
    "SupportsWorkers",
    "Watch",
]
