"""Runs a program on a machine whose clock is wrong: python wrong_clock.py HOURS PROGRAM [ARGUMENTS]."""

import datetime as dt
import runpy
import sys
import time
from typing import TypeAlias

import pydantic  # noqa: F401 - before the clock is set: it knows datetime by its identity

_time = time.time
_Right: TypeAlias = dt.datetime
_WRONG_BY = dt.timedelta(hours=float(sys.argv[1]))


class _Kind(type):
    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, _Right)


class _Wrong(_Right, metaclass=_Kind):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
        return _Right.now(tz) + _WRONG_BY


def _wrong_time() -> float:
    return _time() + _WRONG_BY.total_seconds()


if __name__ == "__main__":
    time.time = _wrong_time
    dt.datetime = _Wrong  # type: ignore[misc]  # for every module that is imported from here on
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
