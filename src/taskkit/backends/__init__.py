"""What a backend implements, and what it may use: the contract, the serve() of stores, a watch that polls."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    SupportsMigrations,
    SupportsPurge,
    SupportsQuery,
    SupportsQueues,
    SupportsReports,
    SupportsSchedules,
    SupportsTake,
    SupportsTime,
    SupportsTokens,
    SupportsTurn,
    SupportsWake,
    SupportsWorkers,
    Watch,
)

if TYPE_CHECKING:
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
    "SupportsMigrations",
    "SupportsPurge",
    "SupportsQuery",
    "SupportsQueues",
    "SupportsReports",
    "SupportsSchedules",
    "SupportsTake",
    "SupportsTime",
    "SupportsTokens",
    "SupportsTurn",
    "SupportsWake",
    "SupportsWorkers",
    "Watch",
]

_LATER = {
    "ClaimLoop": "taskkit.backends.claim_loop",
    "PollingWatch": "taskkit.backends.polling_watch",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
