"""Runs that wait, and what they wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from taskkit.backends.sql.encoding import from_json, micros, to_json, waits_of, waits_text
from taskkit.backends.sql.record import WAITING, Record
from taskkit.backends.sql.store import Store
from taskkit.backends.sql.tokens import Tokens
from taskkit.model.exchange import Answer, Answers, Runs, TokenRef, Until, Wait


class Waiting:
    """Brings runs back when the runs they wait for end, their tokens are over or their time comes.

    A row of `awaits` is a run or a token that somebody waits for and that is not over. What the answers are
    is only looked up at the claim. Ends are gathered, and told by `tell`: one look for all of them, when
    their rows are written.
    """

    def __init__(self, store: Store, answered: Callable[[Record, int], None]) -> None:
        self._store = store
        self._answered = answered
        self._over: dict[str, int] = {}
        self._is_awaited = False
        self.tokens = Tokens(store, self._token_over)

    def begin(self, record: Record, waits: Sequence[Wait], now: int) -> None:
        """Replace what the run waits for; what is answered already brings it back at once."""
        self.keep(record, waits)
        moments = self._moments(record, waits)
        record.due_at = min(moments, default=None)
        is_answered = not waits or (record.due_at is not None and record.due_at <= now)
        unfinished = self._store.unfinished(
            [run_id for wait in waits if isinstance(wait.on, Runs) for run_id in wait.on.ids]
        )
        for wait in waits:
            if isinstance(wait.on, Runs):
                pending = ["run:" + run_id for run_id in wait.on.ids if run_id in unfinished]
            elif isinstance(wait.on, TokenRef):
                pending = ["token:" + wait.on.id] if self._is_open(wait.on.id, now) else []
            else:
                continue
            self._await(record, wait.id, pending)
            is_answered = is_answered or not pending
        if is_answered:
            self._answered(record, now)

    def keep(self, record: Record, waits: Sequence[Wait]) -> None:
        self._forget(record)
        record.waits = waits_text(waits)

    def _moments(self, record: Record, waits: Sequence[Wait]) -> list[int]:
        """A timer keeps the moment it was first set to, also when a crash makes the attempt set it again."""
        timers = {wait.id: micros(wait.on.at) for wait in waits if isinstance(wait.on, Until)}
        if not timers:
            return []
        kept: dict[str, int] = {} if record.moments is None else from_json(record.moments)
        kept = {**timers, **kept}
        record.moments = to_json(kept)
        return [kept[wait_id] for wait_id in timers]

    def _await(self, record: Record, wait_id: str, targets: Sequence[str]) -> None:
        if targets:
            self._store.awaits(known=True)
            self._store.execute_many(
                "INSERT INTO awaits (target, waiter, wait_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(target, record.number, wait_id) for target in targets],
            )

    def time_came(self, record: Record, now: int) -> None:
        """A timer of a run that waits is due."""
        if record.place == WAITING:
            self._answered(record, now)

    def ended(self, record: Record, now: int) -> None:
        """Those who wait for this run are to be told."""
        self._over["run:" + record.run_id] = now
        self._is_awaited = self._is_awaited or record.parent_id is not None

    def _token_over(self, token_id: str, now: int) -> None:
        self._over["token:" + token_id] = now
        self._is_awaited = True

    def forget(self) -> None:
        """The transaction in which something ended did not happen."""
        self._over.clear()
        self._is_awaited = False

    def tell(self) -> None:
        """Bring back those who waited for what is over now."""
        if not self._over:
            return
        over, self._over = self._over, {}
        is_likely, self._is_awaited = self._is_awaited, False
        if not self._store.may_be_awaited(list(over), is_likely=is_likely):
            return
        among, values = self._store.among("target", list(over))
        # Before their waits, which whoever claims them takes away while it holds them.
        self._store.hold_those(f"number IN (SELECT waiter FROM awaits WHERE {among})", values)
        rows = self._store.execute(
            f"DELETE FROM awaits WHERE {among} RETURNING target, waiter, wait_id", values
        ).fetchall()
        if not rows:
            return
        self._store.awaits(known=False)
        open_waits = self._open_waits([number for _, number, _ in rows])
        for target, number, wait_id in rows:
            waiter = None if (number, wait_id) in open_waits else self._store.at(number)
            if waiter is not None and waiter.place == WAITING:
                self._answered(waiter, over[target])

    def _open_waits(self, numbers: list[int]) -> set[tuple[int, str]]:
        """What these runs still wait for; they are held, so that nobody else answers the rest meanwhile."""
        self._store.hold(numbers)
        among, values = self._store.among("waiter", numbers)
        rows = self._store.execute(f"SELECT waiter, wait_id FROM awaits WHERE {among}", values)
        return set(rows.fetchall())

    def hand_over(self, record: Record, now: int) -> Answers:
        """The answers that have come, for the claim that takes the run."""
        waits = waits_of(record.waits)
        kept: dict[str, int] = {} if record.moments is None else from_json(record.moments)
        answers: dict[str, Answer] = {}
        for wait in waits:
            if isinstance(wait.on, Until):
                if kept.get(wait.id, now) <= now:
                    answers[wait.id] = None
            elif isinstance(wait.on, TokenRef):
                if not self._is_open(wait.on.id, now):
                    answers[wait.id] = self.tokens.find(wait.on.id, now)
            else:
                self._hand_over_runs(wait.id, wait.on, answers)
        self.drop(record)
        return answers

    def _hand_over_runs(self, wait_id: str, on: Runs, answers: dict[str, Answer]) -> None:
        found = self._store.peek(on.ids)
        if all(child.is_final for child in found):
            answers[wait_id] = tuple(child.shown() for child in found)

    def drop(self, record: Record) -> None:
        if record.waits is not None:
            self._forget(record)
            record.waits = None

    def _forget(self, record: Record) -> None:
        if record.waits is not None:
            self._store.execute("DELETE FROM awaits WHERE waiter = ?", (record.number,))

    def children(self, record: Record) -> list[Record]:
        """The runs that this one waits for and that were made for it."""
        found: list[Any] = [
            self._store.find(run_id)
            for wait in waits_of(record.waits)
            if isinstance(wait.on, Runs)
            for run_id in wait.on.ids
        ]
        return [
            child
            for child in found
            if child is not None and child.parent_id == record.run_id and child.request.awaited
        ]

    def _is_open(self, token_id: str, now: int) -> bool:
        token = self.tokens.find(token_id, now)
        return token is not None and token.status == "WAITING"
