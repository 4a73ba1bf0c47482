"""Buster's background tasks on taskkit: reading what a data source holds, and answering questions with it."""

from buster_tasks.analyst.direct import analyze
from buster_tasks.analyst.models import (
    AnalystAgentTaskInput,
    AnalystAgentTaskOutput,
    AnalystContext,
    AnalystDataSource,
    AnalystLimits,
    AnalystOptions,
)
from buster_tasks.analyst.task import analyst_agent_task
from buster_tasks.introspection.direct import introspect
from buster_tasks.introspection.models import (
    IntrospectDataInput,
    IntrospectDataOptions,
    IntrospectDataOutput,
)
from buster_tasks.introspection.task import introspect_data

__all__ = [
    "AnalystAgentTaskInput",
    "AnalystAgentTaskOutput",
    "AnalystContext",
    "AnalystDataSource",
    "AnalystLimits",
    "AnalystOptions",
    "IntrospectDataInput",
    "IntrospectDataOptions",
    "IntrospectDataOutput",
    "analyst_agent_task",
    "analyze",
    "introspect",
    "introspect_data",
]
