"""The contract of `DataSource` as checks: plain async functions that need no test framework.

`CHECKS` holds them all; `run_check` runs one on a source. `buster_tasks.testing.DataSourceSuite` makes a test of each.
"""

# Importing these registers their checks.
# pyright: reportUnusedImport=false
from buster_tasks.testing.conformance import (  # noqa: F401 - see above
    connecting,
    counting,
    filtering,
    keys,
    querying,
    refusing,
    stopping,
    structure,
)
from buster_tasks.testing.conformance.check import (
    TIME_LIMIT,
    Check,
    Refusal,
    Trial,
    registered,
    run_check,
)

CHECKS = registered()
"""Every check, by topic."""

__all__ = ["CHECKS", "TIME_LIMIT", "Check", "Refusal", "Trial", "run_check"]
