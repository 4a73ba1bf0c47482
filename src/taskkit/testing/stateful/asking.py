"""What the state machine asks for: strategies of plain values, which print as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from hypothesis import strategies as st

from taskkit.backends.base import Capability
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    Canceled,
    ClaimSpec,
    Completed,
    Entry,
    EntryKind,
    Failed,
    Outcome,
    Released,
    RunFilter,
)
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus

ERROR: Final = ErrorInfo("BUILT_IN_ERROR", "KeyError", "'name'", "Traceback: line 1\nline 2")
KEY: Final = sha256(b"order-7").hexdigest()
NARROW, SHORT = "narrow", "short"
QUEUES: Final = (Queue(NARROW, 1), Queue(SHORT, max_length=2))
MACHINES: Final = ("small-1x", "large-1x")

INDEX: Final = st.integers(0, 7)
"""Which of several, counted from the latest; taken modulo their number."""

OPTIONS: Final = st.fixed_dictionaries(
    {"queue": st.sampled_from(["wide", NARROW, SHORT])},
    optional={
        "task_id": st.just("other"),
        "concurrency_key": st.sampled_from("ab"),
        "priority": st.sampled_from([10.0, -5.0]),
        "delay": st.integers(0, 40),
        "ttl": st.sampled_from([5.0, 20.0]),
        "key": st.just(KEY),
        "key_ttl": st.just(25.5),  # between two whole seconds, where no moment of a test is
        "tags": st.sampled_from([("a",), ("b", "a")]),
        "metadata": st.just({"n": 1}),
        "max_attempts": st.integers(1, 2),
        "machine": st.sampled_from(MACHINES),
    },
)
BATCHES: Final = st.sampled_from([None, "batch_0", "batch_1"])
PLAIN: Final = st.fixed_dictionaries({"queue": st.sampled_from(["wide", NARROW])})

ANY: Final = ClaimSpec()
SPECS: Final = st.sampled_from(
    [
        ANY,
        ClaimSpec(tasks=frozenset({"check"})),
        ClaimSpec(queues=frozenset({NARROW, SHORT})),
        ClaimSpec(machines=frozenset({MACHINES[0]})),
    ]
)
OUTPUTS: Final = st.sampled_from([b"1", None, b'{"a": [1.0]}'])
OUTCOMES: Final[st.SearchStrategy[Outcome]] = st.sampled_from(
    [
        Completed(b"1"),
        Released(),
        Failed(ERROR),
        Canceled("told"),
        Completed(None),
        Failed(ERROR, RunStatus.TIMED_OUT),
        Canceled(),
        Failed(ERROR, RunStatus.CRASHED),
        Failed(ERROR, RunStatus.SYSTEM_FAILURE),
    ]
)
FILTERS: Final = st.sampled_from(
    [
        RunFilter(),
        RunFilter(tag=frozenset({"a"})),
        RunFilter(task=frozenset({"other"}), tag=frozenset({"a", "b"})),
        RunFilter(status=frozenset({RunStatus.COMPLETED, RunStatus.CANCELED})),
        RunFilter(batch=frozenset({"batch_0", "batch_1"})),
    ]
)
ENTRIES: Final = st.sampled_from(
    [
        Entry(EntryKind.METADATA, {"type": "set", "key": "a", "value": [1, None]}),
        Entry(EntryKind.METADATA, {"type": "increment", "key": "n", "value": 2}),
        Entry(EntryKind.METADATA, {"type": "delete", "key": "a"}),
        Entry(EntryKind.TAG, "c"),
        Entry(EntryKind.TAG, "a"),
        Entry(EntryKind.LOG, {"message": "one"}),
    ]
)
ENTRY_NEEDS: Final[Mapping[EntryKind, Capability]] = {
    EntryKind.METADATA: Capability.METADATA,
    EntryKind.TAG: Capability.TAGS,
    EntryKind.LOG: Capability.LOGS,
}

_NEEDS: Final[Mapping[str, Capability]] = {
    "concurrency_key": Capability.KEY_LIMIT,
    "priority": Capability.PRIORITY,
    "delay": Capability.DELAY,
    "ttl": Capability.TTL,
    "key": Capability.IDEMPOTENCY,
    "key_ttl": Capability.IDEMPOTENCY_TTL,
    "metadata": Capability.METADATA,
}


def request_of(
    options: Mapping[str, Any], now: datetime, capabilities: frozenset[Capability]
) -> TriggerRequest:
    """A request with those of the options that the backend declares."""
    asked = {
        name: value
        for name, value in options.items()
        if name not in _NEEDS or _NEEDS[name] in capabilities
    }
    key, key_ttl, delay = (asked.pop(name, None) for name in ("key", "key_ttl", "delay"))
    if key is not None:
        asked["idempotency_key"] = key
        asked["idempotency_key_ttl"] = key_ttl
    if delay is not None:
        asked["delay_until"] = now + timedelta(seconds=delay)
    fields: dict[str, Any] = {"task_id": "check", "payload": b"null", **asked}
    return TriggerRequest(**fields)
