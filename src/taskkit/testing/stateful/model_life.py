"""What becomes of the reference model's runs: settled, waiting, canceled, dead, in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from taskkit.backends.base import Capability
from taskkit.errors import LeaseLostError
from taskkit.model.exchange import (
    Canceled,
    Completed,
    Failed,
    Outcome,
    Released,
    RetryAt,
    Runs,
    Signal,
    Suspended,
    TokenRef,
    Until,
    Wait,
)
from taskkit.model.queue import Queue
from taskkit.model.run import Attempt, RunStatus
from taskkit.testing.stateful.model_run import SOMETHING, ModelRun, Place
from taskkit.testing.stateful.model_token import ModelTokens

LEASE: Final = timedelta(seconds=30)
"""How long every claim and every beat holds a run."""

Refusal = type[Exception] | None
"""The error that a call must raise; None when it must not."""

_CLEANUP_TRIES = 3
_WAITING = (Place.PARKED, Place.ANSWERED)


class ModelLife:
    """Runs, and what happens to them once they exist."""

    def __init__(self, capabilities: frozenset[Capability]) -> None:
        self.capabilities = capabilities
        self.runs: list[ModelRun] = []
        self.by_id: dict[str, ModelRun] = {}
        self.queues: dict[str, Queue] = {}
        self.tokens = ModelTokens()

    # --- cancels ------------------------------------------------------------------------------------

    def cancel(self, runs: Sequence[ModelRun], reason: str | None, now: datetime) -> None:
        for run in runs:
            self._cancel(run, reason, now)
        self._answer_waits(now)

    def _cancel(self, run: ModelRun, reason: str | None, now: datetime) -> None:
        if run.place is Place.OVER or run.cancel_requested:
            return
        run.cancel_requested = True
        run.cancel_reason = reason
        if run.place in _WAITING:
            self._cancel_waiting(run, now)
        elif run.delivery == 0:
            self._end(run, RunStatus.CANCELED, now)
        elif run.place is Place.OWED:
            run.endings = (*run.endings, RunStatus.CANCELED)
        elif run.place is not Place.HELD:
            self._owe(run, RunStatus.CANCELED, now)

    def _cancel_waiting(self, run: ModelRun, now: datetime) -> None:
        """Its hooks run, where its coroutine is if there is one; whoever it waits for ends too."""
        run.owes_clean_up = run.owes_clean_up or run.holder is not None
        self._owe(run, RunStatus.CANCELED, now)
        ids = [
            id_ for wait in run.waits.values() if isinstance(wait.on, Runs) for id_ in wait.on.ids
        ]
        for child in (self.by_id[id_] for id_ in ids):
            if child.request.parent_id == run.id and child.request.awaited:
                self._cancel(child, run.cancel_reason, now)

    def _owe(self, run: ModelRun, ending: RunStatus, now: datetime) -> None:
        run.place = Place.OWED
        run.endings = (ending,)
        run.turned_at = now

    # --- leases -------------------------------------------------------------------------------------

    def may_write(self, run: ModelRun, token: str) -> bool:
        return run.may_write and run.token == token

    def extend(self, run: ModelRun, token: str, now: datetime) -> Signal:
        if run.place is not Place.HELD or not self.may_write(run, token):
            return Signal.LOST
        run.lease_ends = now + LEASE
        asked = run.cancel_requested and run.kind != "cleanup"
        return Signal.CANCEL if asked else Signal.HELD

    def settle(
        self, run: ModelRun, token: str, outcome: Outcome | Suspended, now: datetime
    ) -> Refusal:
        if not self.may_write(run, token):
            return None if run.token == token and run.outcome == outcome else LeaseLostError
        run.has_slot = False
        if isinstance(outcome, Suspended):
            self._park(run, outcome, now)
        elif isinstance(outcome, Released) and run.is_parked:
            run.holder = None  # and nothing else: it waits on
        else:
            run.may_write = run.is_parked = False
            run.waits = {}
            self._settle(run, outcome, now)
            run.outcome = outcome
        self._answer_waits(now)
        return None

    def _settle(self, run: ModelRun, outcome: Outcome, now: datetime) -> None:
        if isinstance(outcome, Completed):
            run.output = outcome.output
            self._end(run, RunStatus.COMPLETED, now)
        elif isinstance(outcome, Failed):
            self._end(run, outcome.status, now, outcome.error)
        elif isinstance(outcome, Canceled):
            run.cancel_reason = outcome.reason or run.cancel_reason
            self._end(run, RunStatus.CANCELED, now)
        elif isinstance(outcome, RetryAt):
            self._retry(run, outcome, now)
        else:
            self._again(run, now, now)

    def _retry(self, run: ModelRun, outcome: RetryAt, now: datetime) -> None:
        if run.attempt_started_at is not None:
            tried = Attempt(run.attempt, run.attempt_started_at, now, outcome.error)
            run.past = (*run.past, tried)
        run.attempt += 1
        run.attempt_started_at = None
        run.moments = {}
        run.machine = outcome.machine or run.machine
        run.owes_clean_up = False
        self._again(run, max(outcome.at, now), now)

    def _again(self, run: ModelRun, at: datetime, now: datetime) -> None:
        """Back to the queue; a run that is to end, or has ended but for its hooks, is not started again."""
        run.holder = None
        run.available_at = at
        if run.endings:
            run.place, run.turned_at = Place.OWED, now
        elif run.cancel_requested:
            self._owe(run, RunStatus.CANCELED, now)
        else:
            run.place = Place.LATER if at > now else Place.QUEUED

    def _end(self, run: ModelRun, status: RunStatus, now: datetime, error: Any = None) -> None:
        run.place, run.status, run.finished_at, run.error = Place.OVER, status, now, error
        run.may_write = run.has_slot = run.is_parked = False

    # --- waits --------------------------------------------------------------------------------------

    def _park(self, run: ModelRun, outcome: Suspended, now: datetime) -> None:
        run.outcome, run.is_parked = outcome, True
        run.waits = {wait.id: wait for wait in outcome.waits}
        for wait in outcome.waits:
            if isinstance(wait.on, Until):
                run.moments.setdefault(wait.id, wait.on.at)
        run.place = Place.PARKED
        if run.cancel_requested:
            self._cancel_waiting(run, now)
        elif not outcome.waits:
            run.place, run.turned_at = Place.ANSWERED, now

    def _answer_waits(self, now: datetime) -> None:
        for run in self.runs:
            if run.place is Place.PARKED and self.answers_of(run, now):
                run.place, run.turned_at = Place.ANSWERED, now

    def answers_of(self, run: ModelRun, now: datetime) -> dict[str, object]:
        """What a run that waits would be told now, as `seen` shows it."""
        return {
            wait.id: self._answer(run, wait)
            for wait in run.waits.values()
            if self._is_answered(run, wait, now)
        }

    def _is_answered(self, run: ModelRun, wait: Wait, now: datetime) -> bool:
        if isinstance(wait.on, Until):
            return run.moments[wait.id] <= now
        if isinstance(wait.on, TokenRef):
            return self.tokens.is_over(wait.on.id)
        return all(self.by_id[run_id].place is Place.OVER for run_id in wait.on.ids)

    def _answer(self, run: ModelRun, wait: Wait) -> object:
        if isinstance(wait.on, Until):
            return None
        if isinstance(wait.on, TokenRef):
            return self.tokens.by_id[wait.on.id]
        children = [self.by_id[run_id] for run_id in wait.on.ids]
        return [(child.id, child.status, child.output, child.error) for child in children]

    # --- time ---------------------------------------------------------------------------------------

    def advance(self, now: datetime) -> None:
        """Do what is due."""
        self.tokens.advance(now)
        for run in self.runs:
            if run.place is Place.LATER and run.available_at <= now:
                run.place = Place.QUEUED
            if run.place is Place.QUEUED and run.queued_at is None:
                run.queued_at = now
            if run.place is Place.QUEUED and (end := _end_of_ttl(run)) is not None and end <= now:
                self._end(run, RunStatus.EXPIRED, now, SOMETHING)
            if run.place is Place.HELD and run.lease_ends is not None and run.lease_ends <= now:
                self._die(run, now)
        self._answer_waits(now)

    def _die(self, run: ModelRun, now: datetime) -> None:
        """A lease ended without a settle."""
        run.deaths += 1
        run.token = run.holder = None
        run.may_write = run.has_slot = False
        run.owes_clean_up = True
        if run.kind == "cleanup":
            run.cleanup_deaths += 1
            run.place, run.turned_at = Place.OWED, now
        elif run.cancel_requested:
            self._owe(run, RunStatus.CANCELED, now)
        elif run.deaths > run.request.max_attempts:
            self._owe(run, RunStatus.CRASHED, now)
        else:
            run.place = Place.QUEUED

    def undecided(self) -> list[ModelRun]:
        """Runs whose clean-up has killed so many workers that a backend may end them without."""
        return [
            run
            for run in self.runs
            if run.place is Place.OWED and run.cleanup_deaths >= _CLEANUP_TRIES
        ]

    def end_without_hooks(self, run: ModelRun, status: RunStatus, now: datetime) -> None:
        """The backend has given up on its clean-up."""
        error = None if status is RunStatus.CANCELED else SOMETHING
        self._end(run, status if status in run.endings else run.endings[0], now, error)
        self._answer_waits(now)

    def next_due(self, now: datetime) -> datetime | None:
        """When something happens by itself."""
        moments = [at for run in self.runs for at in self._moments(run)]
        return min((at for at in (*moments, *self.tokens.moments()) if at > now), default=None)

    def _moments(self, run: ModelRun) -> Iterator[datetime]:
        if run.place is Place.LATER:
            yield run.available_at
        elif run.place is Place.QUEUED and (end := _end_of_ttl(run)) is not None:
            yield end
        elif run.place is Place.HELD and run.lease_ends is not None:
            yield run.lease_ends
        elif run.place is Place.PARKED:
            yield from (run.moments[id_] for id_ in run.waits if id_ in run.moments)
        elif run.place in (Place.ANSWERED, Place.OWED) and run.holder and run.turned_at:
            yield run.turned_at + LEASE


def _end_of_ttl(run: ModelRun) -> datetime | None:
    if run.request.ttl is None or run.delivery > 0 or run.queued_at is None:
        return None
    return run.queued_at + timedelta(seconds=run.request.ttl)
