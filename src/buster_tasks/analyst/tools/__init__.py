"""The tools, and which of them a state has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buster_tasks.analyst.state import State
from buster_tasks.analyst.tools.base import Answer, Tool
from buster_tasks.analyst.tools.computing import PreviewTable, RunSql
from buster_tasks.analyst.tools.looking import (
    DescribeTable,
    ListTables,
    SearchSchema,
    SearchValues,
)
from buster_tasks.analyst.tools.making import CreateChart, CreateDashboard, CreateMetric
from buster_tasks.analyst.tools.preparing import (
    AnswerWithoutData,
    AskUser,
    SearchAgain,
    SubmitContext,
    SubmitPlan,
)
from buster_tasks.analyst.tools.submitting import (
    DropFinding,
    ReviseFinding,
    SubmitFindings,
    SubmitReview,
)

__all__ = ["TOOLS", "Answer", "Tool", "tools_of"]

_EVERY: Sequence[Tool[Any]] = (
    SearchSchema(),
    ListTables(),
    DescribeTable(),
    SearchValues(),
    PreviewTable(),
    AskUser(),
    AnswerWithoutData(),
    SubmitContext(),
    SubmitPlan(),
    SearchAgain(),
    RunSql(),
    CreateMetric(),
    CreateChart(),
    CreateDashboard(),
    SubmitFindings(),
    ReviseFinding(),
    DropFinding(),
    SubmitReview(),
)

TOOLS: Mapping[str, Tool[Any]] = {tool.name: tool for tool in _EVERY}
"""All of them by name."""


def tools_of(state: State, *, may_ask: bool = True) -> list[Tool[Any]]:
    """Those that may be called in a state."""
    return [
        tool for tool in _EVERY if state in tool.states and (may_ask or tool.name != AskUser.name)
    ]
