"""A failure as it is stored and shown: text only, never an object that could be revived."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_MESSAGE_LIMIT = 1000
LINE_LIMIT = 1024
CUT = "...[truncated]"
_FIRST_LINES, _LAST_LINES = 5, 45
_PACKAGE = str(Path(__file__).resolve().parent.parent)
_THREADS = f"{os.sep}anyio{os.sep}"

ErrorType = Literal["BUILT_IN_ERROR", "INTERNAL_ERROR"]


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What went wrong in a run.

    `type` is BUILT_IN_ERROR for an exception of the task's code and INTERNAL_ERROR for one of taskkit's
    own verdicts, which then also has a `code` (MAX_DURATION_EXCEEDED, TASK_INPUT_ERROR...). `name` is the
    class, `message` at most 1,000 characters, `stack` at most 50 lines that start in the task's code.
    """

    type: ErrorType
    name: str
    message: str
    stack: str | None = None
    code: str | None = None

    @classmethod
    def of(cls, error: BaseException, *, code: str | None = None) -> ErrorInfo:
        """The record of an exception, with its chain of causes and without any frame's variables."""
        return cls(
            type="INTERNAL_ERROR" if code else "BUILT_IN_ERROR",
            name=type(error).__name__,
            message=_short(_text_of(error)),
            stack=_stack_of(error),
            code=code,
        )

    @classmethod
    def verdict(cls, code: str, name: str, message: str) -> ErrorInfo:
        """The record of something no exception was raised for (a time limit, a dead worker)."""
        return cls(type="INTERNAL_ERROR", name=name, message=_short(message), code=code)

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # a user's __str__ may fail, which must not hide the first failure
        return f"<{type(error).__name__} whose text raised {type(broken).__name__}>"


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _short(text: str) -> str:
    text = _clean(text)
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + CUT


def _stack_of(error: BaseException) -> str:
    try:
        formatted = traceback.TracebackException.from_exception(error, capture_locals=False)
        _drop_own_frames(formatted)
        lines = _clean("".join(formatted.format())).splitlines()
    except Exception:  # formatting calls the user's __str__ of every cause
        return _clean(f"{type(error).__name__}: {_text_of(error)}")
    if len(lines) > _FIRST_LINES + _LAST_LINES:
        hidden = len(lines) - _FIRST_LINES - _LAST_LINES
        lines = [*lines[:_FIRST_LINES], f"... {hidden} lines left out ...", *lines[-_LAST_LINES:]]
    return "\n".join(line[:LINE_LIMIT] for line in lines)


def _drop_own_frames(trace: traceback.TracebackException) -> None:
    """Leave out the frames above the task's own function: nobody looks for the fault in them."""
    frames = trace.stack
    while len(frames) > 1 and _leads_to_a_task(frames[0].filename):
        del frames[0]


def _leads_to_a_task(filename: str) -> bool:
    return filename.startswith(_PACKAGE) or _THREADS in filename
