"""Everything that can go wrong with an analysis itself, as types.

taskkit.errors.TaskkitError
└── AnalystError
    ├── IllegalMoveError         a state cannot follow another
    ├── InvalidTokenError        a resume token is none
    ├── UnknownSourceError       no credentials are known for a data source's name
    ├── ToolRefusedError         a tool cannot do what its arguments ask for; the model is told
    └── DrawingFailedError       a chart cannot be drawn, or not in time
"""

from __future__ import annotations

from typing import ClassVar

from taskkit.errors import TaskkitError


class AnalystError(TaskkitError):
    """An analysis cannot do what was asked; `code` names the case, `fix` the next step."""

    code: ClassVar[str] = "AGENT_EXECUTION_ERROR"

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(f"{message} {fix}".rstrip())
        self.message = message
        self.fix = fix


class IllegalMoveError(AnalystError):
    """A state cannot follow another."""


class InvalidTokenError(AnalystError):
    """A resume token is none."""

    code = "INVALID_INPUT"


class UnknownSourceError(AnalystError):
    """No credentials are known for a data source's name."""

    code = "DATA_SOURCE_ERROR"


class ToolRefusedError(AnalystError):
    """A tool cannot do what its arguments ask for; the model is told why, and what to do instead."""

    code = "TOOL_REFUSED"


class DrawingFailedError(AnalystError):
    """A chart cannot be drawn, or not in the time and size that it may take."""
