"""What happened, told outside of the store: lines appended to one file by every process.

A line is one write to a file opened with O_APPEND, so lines of several processes do not mix, and a process that is
killed has written the whole line or nothing of it. Times are CLOCK_MONOTONIC, which is one for all processes of a
machine.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Event:
    """One line: `what` happened to this delivery, in the process `who`."""

    at: int
    pid: int
    who: str
    what: str
    run: str = "-"
    attempt: int = 0
    delivery: int = 0
    more: str = "-"

    @classmethod
    def parse(cls, line: str) -> Self:
        """An event of its line; ValueError when that is torn."""
        at, pid, who, what, run, attempt, delivery, more = line.split()
        return cls(int(at), int(pid), who, what, run, int(attempt), int(delivery), more)


class Ledger:
    """One process's pen."""

    def __init__(self, path: Path, who: str) -> None:
        self.who = who
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(
        self, what: str, run: str = "-", attempt: int = 0, delivery: int = 0, more: str = "-"
    ) -> None:
        at, pid = time.monotonic_ns(), os.getpid()
        line = f"{at} {pid} {self.who} {what} {run} {attempt} {delivery} {more}\n"
        os.write(self._file, line.encode())

    def close(self) -> None:
        os.close(self._file)
