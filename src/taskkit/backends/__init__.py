"""What a backend implements, and what it may use.

The contract; the serve() of stores; a run as a store keeps it; watches that poll or are told; values as text.
"""

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
    from taskkit.backends.kept_run import KeptRun
    from taskkit.backends.polling_watch import PollingWatch
    from taskkit.backends.topic_watch import TopicWatches, topics_of
    from taskkit.model.stored import from_text, to_text

__all__ = [
    "Backend",
    "Capability",
    "ClaimLoop",
    "Control",
    "Execution",
    "KeptRun",
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
    "TopicWatches",
    "Watch",
    "from_text",
    "to_text",
    "topics_of",
]

_LATER = {
    "ClaimLoop": "taskkit.backends.claim_loop",
    "KeptRun": "taskkit.backends.kept_run",
    "PollingWatch": "taskkit.backends.polling_watch",
    "TopicWatches": "taskkit.backends.topic_watch",
    "from_text": "taskkit.model.stored",
    "to_text": "taskkit.model.stored",
    "topics_of": "taskkit.backends.topic_watch",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
