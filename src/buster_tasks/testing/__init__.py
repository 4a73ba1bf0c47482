"""For tests: the suite that proves a data source, a source and language models that do what a test tells them.

`DataSourceSuite` is imported when it is first looked at: it loads pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from buster_tasks.testing.dialect import PLAIN, Dialect, Spelling
from buster_tasks.testing.fake_model import FakeModel
from buster_tasks.testing.fake_source import FakeSource, Gate
from buster_tasks.testing.fixture import fixture_statements
from buster_tasks.testing.model_script import ScriptEndedError

if TYPE_CHECKING:
    from buster_tasks.testing.conformance import CHECKS, Check, Refusal, run_check
    from buster_tasks.testing.suite import DataSourceSuite

__all__ = [
    "CHECKS",
    "PLAIN",
    "Check",
    "DataSourceSuite",
    "Dialect",
    "FakeModel",
    "FakeSource",
    "Gate",
    "Refusal",
    "ScriptEndedError",
    "Spelling",
    "fixture_statements",
    "run_check",
]

_LATER = {
    "CHECKS": "buster_tasks.testing.conformance",
    "Check": "buster_tasks.testing.conformance",
    "DataSourceSuite": "buster_tasks.testing.suite",
    "Refusal": "buster_tasks.testing.conformance",
    "run_check": "buster_tasks.testing.conformance",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
