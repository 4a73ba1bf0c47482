"""Runs that wait, and what they wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from taskkit.backends.memory.record import Record
from taskkit.backends.memory.timers import Timers
from taskkit.backends.memory.tokens import Tokens
from taskkit.model.exchange import Answer, Answers, Runs, Token, TokenRef, Until, Wait


class _Awaiting:
    """One wait for runs, and how many of them have not ended yet."""

    __slots__ = ("left", "record", "wait_id", "wait_round")

    def __init__(self, record: Record, wait_id: str, left: int) -> None:
        self.record = record
        self.wait_round = record.wait_round
        self.wait_id = wait_id
        self.left = left


class Waiting:
    """Answers waits when their runs end, their tokens are completed or their time comes.

    A round is one settled Suspended: what was registered for an earlier round no longer counts.
    """

    def __init__(
        self,
        find: Callable[[str], Record | None],
        answered: Callable[[Record, datetime], None],
        timers: Timers,
    ) -> None:
        self._find = find
        self._answered = answered
        self._timers = timers
        self.awaited: dict[str, list[_Awaiting]] = {}
        self.tokens = Tokens(timers, self._token_over)
        self._awaited_tokens: dict[str, dict[tuple[str, str], Record]] = {}

    def begin(self, record: Record, waits: Sequence[Wait], now: datetime) -> None:
        """Replace what the run waits for; what is answered already brings it back at once."""
        self.keep(record, waits)
        for wait in waits:
            if isinstance(wait.on, Until):
                self._begin_timer(record, wait.id, wait.on.at, now)
            elif isinstance(wait.on, Runs):
                self._begin_runs(record, wait.id, wait.on)
            else:
                self._begin_token(record, wait.id, wait.on, now)
        if record.answers or not waits:
            self._answered(record, now)

    def keep(self, record: Record, waits: Sequence[Wait]) -> None:
        self._leave_tokens(record)
        record.wait_round += 1
        record.open_waits = {wait.id: wait for wait in waits}
        record.answers = None

    def _begin_timer(self, record: Record, wait_id: str, at: datetime, now: datetime) -> None:
        """A timer keeps the moment it was first set to, also when a crash makes the attempt set it again."""
        if record.moments is None:
            record.moments = {}
        at = record.moments.setdefault(wait_id, at)
        if at <= now:
            _answer(record, wait_id, None)
        else:
            self._timers.at(at, self._time_came, record, record.wait_round)

    def _begin_runs(self, record: Record, wait_id: str, on: Runs) -> None:
        pending = {run_id: None for run_id in on.ids if not self._is_final(run_id)}
        if not pending:
            _answer(record, wait_id, self._runs(on))
            return
        awaiting = _Awaiting(record, wait_id, len(pending))
        for run_id in pending:
            self.awaited.setdefault(run_id, []).append(awaiting)

    def _begin_token(self, record: Record, wait_id: str, on: TokenRef, now: datetime) -> None:
        token = self.tokens.find(on.id, now)
        if token is None or token.status != "WAITING":
            _answer(record, wait_id, token)
        else:
            self._awaited_tokens.setdefault(on.id, {})[record.id, wait_id] = record

    def _time_came(self, record: Record, wait_round: int, now: datetime) -> None:
        if record.wait_round != wait_round or record.open_waits is None:
            return
        for wait_id, at in (record.moments or {}).items():
            if at <= now and wait_id in record.open_waits:
                _answer(record, wait_id, None)
        if record.answers:
            self._answered(record, now)

    def ended(self, record: Record, now: datetime) -> None:
        """Tell those who wait for this run."""
        for awaiting in self.awaited.pop(record.request.run_id, ()):
            awaiting.left -= 1
            waiter = awaiting.record
            if awaiting.left or waiter.wait_round != awaiting.wait_round:
                continue
            if waiter.open_waits is not None:
                on = waiter.open_waits[awaiting.wait_id].on
                assert isinstance(on, Runs)  # only such a wait was registered here
                _answer(waiter, awaiting.wait_id, self._runs(on))
                self._answered(waiter, now)

    def _token_over(self, token: Token, now: datetime) -> None:
        """Tell those who wait for this token."""
        for (_, wait_id), waiter in self._awaited_tokens.pop(token.id, {}).items():
            _answer(waiter, wait_id, token)
            self._answered(waiter, now)

    def _leave_tokens(self, record: Record) -> None:
        """What the run waited for so far no longer counts."""
        if not self._awaited_tokens:
            return
        for wait in (record.open_waits or {}).values():
            if isinstance(wait.on, TokenRef) and wait.on.id in self._awaited_tokens:
                waiters = self._awaited_tokens[wait.on.id]
                waiters.pop((record.id, wait.id), None)
                if not waiters:
                    del self._awaited_tokens[wait.on.id]

    def hand_over(self, record: Record) -> Answers:
        """The answers that have come, for the claim that takes the run."""
        answers = record.answers or {}
        self.drop(record)
        return answers

    def drop(self, record: Record) -> None:
        if record.open_waits is not None:
            self._leave_tokens(record)
            record.wait_round += 1
            record.open_waits = record.answers = None

    def children(self, record: Record) -> list[Record]:
        """The runs that this one waits for and that were made for it."""
        waits = (record.open_waits or {}).values()
        ids = [run_id for wait in waits if isinstance(wait.on, Runs) for run_id in wait.on.ids]
        found = [self._find(run_id) for run_id in ids]
        return [
            child
            for child in found
            if child is not None and child.parent_id == record.id and child.request.awaited
        ]

    def _is_final(self, run_id: str) -> bool:
        record = self._find(run_id)
        return record is None or record.status.is_final

    def _runs(self, on: Runs) -> Answer:
        records = [self._find(run_id) for run_id in on.ids]
        return tuple(record.copy() for record in records if record is not None)


def _answer(record: Record, wait_id: str, answer: Answer) -> None:
    if record.answers is None:
        record.answers = {}
    record.answers[wait_id] = answer
