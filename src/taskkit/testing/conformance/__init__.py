"""The backend contract as checks: plain async functions that need no test framework.

`CHECKS` holds them all; `run_check` runs one on a fresh backend. `taskkit.testing.BackendSuite` makes a
test of each.
"""

# Importing these registers their checks.
# pyright: reportUnusedImport=false
from taskkit.testing.conformance import (  # noqa: F401 - see above
    canceling,
    claiming,
    debouncing,
    declaring,
    editing,
    ending,
    enqueueing,
    entry,
    hearing,
    idempotency,
    lease,
    limit,
    listing,
    purging,
    queueing,
    racing,
    racing_waits,
    scheduling,
    serving,
    sharing,
    timing,
    tokens,
    waiting,
    watching,
)
from taskkit.testing.conformance.check import Check, CheckFailedError, registered
from taskkit.testing.conformance.declaring import UNCHECKED
from taskkit.testing.conformance.refusal import DOORS, NO_DOOR, expect_refusal
from taskkit.testing.conformance.run import TIME_LIMIT, run_check
from taskkit.testing.conformance.trial import Trial

CHECKS = registered()
"""Every check, by topic."""

__all__ = [
    "CHECKS",
    "DOORS",
    "NO_DOOR",
    "TIME_LIMIT",
    "UNCHECKED",
    "Check",
    "CheckFailedError",
    "Trial",
    "expect_refusal",
    "run_check",
]
