"""For tests: of tasks, of code that triggers them, and of backends.

All but the clock is imported when it is first looked at: `BackendSuite` loads the engine and pytest,
`BackendStateMachine` Hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taskkit.testing.fake_clock import FakeClock

if TYPE_CHECKING:
    from taskkit.testing.conformance import CHECKS, Check, CheckFailedError, run_check
    from taskkit.testing.logs import LoggedRecord, capture_logs
    from taskkit.testing.stateful.machine import BackendStateMachine
    from taskkit.testing.stubbing import Stub, stub
    from taskkit.testing.suite import BackendSuite
    from taskkit.testing.triggered import assert_triggered

__all__ = [
    "CHECKS",
    "BackendStateMachine",
    "BackendSuite",
    "Check",
    "CheckFailedError",
    "FakeClock",
    "LoggedRecord",
    "Stub",
    "assert_triggered",
    "capture_logs",
    "run_check",
    "stub",
]

_LATER = {
    "BackendStateMachine": "taskkit.testing.stateful.machine",
    "BackendSuite": "taskkit.testing.suite",
    "CHECKS": "taskkit.testing.conformance",
    "Check": "taskkit.testing.conformance",
    "CheckFailedError": "taskkit.testing.conformance",
    "LoggedRecord": "taskkit.testing.logs",
    "Stub": "taskkit.testing.stubbing",
    "assert_triggered": "taskkit.testing.triggered",
    "capture_logs": "taskkit.testing.logs",
    "run_check": "taskkit.testing.conformance",
    "stub": "taskkit.testing.stubbing",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
