"""For tests: a clock to move, and the suite that proves a backend.

What belongs to the suite is imported when it is first looked at: it loads the engine, and `BackendSuite`
pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taskkit.testing.fake_clock import FakeClock

if TYPE_CHECKING:
    from taskkit.testing.conformance import CHECKS, Check, CheckFailedError, run_check
    from taskkit.testing.stateful.machine import BackendStateMachine
    from taskkit.testing.suite import BackendSuite

__all__ = [
    "CHECKS",
    "BackendStateMachine",
    "BackendSuite",
    "Check",
    "CheckFailedError",
    "FakeClock",
    "run_check",
]

_LATER = {
    "BackendStateMachine": "taskkit.testing.stateful.machine",
    "BackendSuite": "taskkit.testing.suite",
    "CHECKS": "taskkit.testing.conformance",
    "Check": "taskkit.testing.conformance",
    "CheckFailedError": "taskkit.testing.conformance",
    "run_check": "taskkit.testing.conformance",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
