"""Queues: named lanes with a concurrency limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from taskkit.errors import InvalidOptionError

# A task's own queue is task/<id>, and ids may hold more characters than other queue names.
_NAME = re.compile(r"[A-Za-z0-9_/-]{1,128}|task/[A-Za-z0-9_./:-]{1,128}")

# In place of a limit: the one that the code declares.
Declared: TypeAlias = Literal["declared"]


@dataclass(frozen=True, slots=True)
class Queue:
    """A named lane that runs wait in.

    At most `concurrency_limit` of its runs execute at a time, over all workers; 0 lets none start, None
    sets no limit of its own. At most `max_length` runs wait in it; one more is refused with
    QueueFullError. Raises InvalidOptionError for a name or a limit that cannot be used.
    """

    name: str
    concurrency_limit: int | None = None
    max_length: int | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_limit("concurrency_limit", self.concurrency_limit, least=0)
        _check_limit("max_length", self.max_length, least=1)


def check_name(name: object) -> str:
    """The name, if it can be a queue's; InvalidOptionError otherwise."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidOptionError(
            "The name of a queue",
            name,
            "use 1 to 128 of the characters A-Z a-z 0-9 _ / -, for example users.",
        )
    return name


def _check_limit(option: str, value: object, *, least: int) -> None:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or value < least
    ):
        raise InvalidOptionError(
            f"{option} of a queue",
            value,
            f"give a whole number of at least {least}, or None for no limit.",
        )
