"""The database's clock, and numbers for new runs: asked for together, and good for a while."""

from __future__ import annotations

import time
from typing import Any, Final

from taskkit.backends.postgres.session import Answer, Session

_ASK: Final = (
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, "
    "ARRAY(SELECT nextval('run_numbers') FROM generate_series(1, ?))"
)
_GOOD_FOR: Final = 10.0
"""Seconds for which our own monotonic clock stands in for the database's, once that was seen."""
_NUMBERS_GOOD_FOR: Final = 1.0
"""Seconds. Runs are listed in the order of their numbers, so one may not be much older than its run."""


class Clock:
    """Microseconds since 1970 as the database has them, and numbers that rise."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._numbers: list[int] = []
        self._wanted = 0
        self._seen = (0.0, 0.0)  # the clock, and when that was by ours: other threads ask too
        self.see(self._send(0))

    def now(self) -> int:
        clock, seen_at = self._seen
        return round(clock + (time.monotonic() - seen_at) * 1_000_000)

    def ask(self, new: int) -> Answer | None:
        """The question, where what is known is not good enough for a transaction that makes so many runs."""
        self._wanted = new
        age = time.monotonic() - self._seen[1]
        is_good = age < (_NUMBERS_GOOD_FOR if new else _GOOD_FOR) and new <= len(self._numbers)
        return None if is_good else self._send(new)

    def ask_again(self) -> Answer | None:
        """The question for the next transaction like this one."""
        return self._send(self._wanted) if self._wanted > len(self._numbers) else None

    def _send(self, numbers: int) -> Answer:
        return self._session.send(_ASK, (numbers,))

    def see(self, answer: Answer | None) -> None:
        if answer is not None:
            row: tuple[Any, ...] = answer.fetchall()[0]
            self._seen = (float(row[0]), time.monotonic())
            if row[1]:
                self._numbers = row[1][::-1]

    def next_number(self) -> int:
        if not self._numbers:
            self.see(self._send(1))
        return self._numbers.pop()
