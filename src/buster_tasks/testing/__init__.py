"""For tests: the suite that proves a data source, a source and language models that do what a test tells them.

`DataSourceSuite` and `ScriptedLLM` are imported when they are first looked at: they load pytest, and an HTTP server.
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
    from buster_tasks.testing.scripted_llm import (
        BrokenOff,
        Held,
        HttpError,
        RawBody,
        ScriptedLLM,
        SeenRequest,
    )
    from buster_tasks.testing.suite import DataSourceSuite

__all__ = [
    "CHECKS",
    "PLAIN",
    "BrokenOff",
    "Check",
    "DataSourceSuite",
    "Dialect",
    "FakeModel",
    "FakeSource",
    "Gate",
    "Held",
    "HttpError",
    "RawBody",
    "Refusal",
    "ScriptEndedError",
    "ScriptedLLM",
    "SeenRequest",
    "Spelling",
    "fixture_statements",
    "run_check",
]

_LATER = {
    "BrokenOff": "buster_tasks.testing.scripted_llm",
    "CHECKS": "buster_tasks.testing.conformance",
    "Check": "buster_tasks.testing.conformance",
    "DataSourceSuite": "buster_tasks.testing.suite",
    "Held": "buster_tasks.testing.scripted_llm",
    "HttpError": "buster_tasks.testing.scripted_llm",
    "RawBody": "buster_tasks.testing.scripted_llm",
    "Refusal": "buster_tasks.testing.conformance",
    "ScriptedLLM": "buster_tasks.testing.scripted_llm",
    "SeenRequest": "buster_tasks.testing.scripted_llm",
    "run_check": "buster_tasks.testing.conformance",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
