"""Faults of debounced triggers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from broken.fault import Faulty, fault, wrap

from taskkit.backends.base import Now
from taskkit.model.exchange import Enqueued
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus


@fault("triggers_with_one_debounce_key_become_one_run")
class ADebounceIsADelay(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        if understood.debounce is None:
            return understood
        until = now + timedelta(seconds=understood.debounce.delay_seconds)
        return replace(understood, debounce=None, delay_until=until)


@fault("triggers_with_one_debounce_key_become_one_run")
class ATriggerPushesNothingBack(Faulty):
    """What joins a run leaves its start where the first trigger put it."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._debounces, "_push_back", self._push_nothing)

    @staticmethod
    def _push_nothing(push_back: Any, record: Any, *rest: Any) -> None:
        start, order = record.available_at, record.queue_time
        push_back(record, *rest)
        record.available_at, record.queue_time = start, order


@fault("triggers_with_one_debounce_key_become_one_run")
class JoinedTriggersAreSaidToExist(Faulty):
    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        answers = await super().enqueue(requests, batch_id=batch_id, now=now)
        for answer in answers:
            if answer.disposition == "debounced":
                answer.disposition = "existing"
        return answers


@fault("a_debounce_never_makes_a_run_earlier")
class AShorterDelayMakesARunEarlier(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._debounces, "_push_back", self._pull)

    def _pull(self, push_back: Any, record: Any, request: Any, debounce: Any, at: Any) -> None:
        push_back(record, request, debounce, at)
        if at < record.available_at:
            record.available_at = at
            self._life._timers.at(at, self._life._start_due, record, record.place)


# --- whose run a key leads to -------------------------------------------------------------------


@fault("a_debounce_key_belongs_to_its_task")
class ADebounceKeyBelongsToAllTasks(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._debounces, "join", self._join_any)
        wrap(self._debounces, "hold", self._hold_for_all)

    @staticmethod
    def _join_any(join: Any, request: TriggerRequest, now: datetime) -> Any:
        return join(replace(request, task_id="any"), now)

    def _hold_for_all(self, hold: Any, record: Any) -> None:
        hold(record)
        self._debounces._pending["any", record.request.debounce.key] = record


@fault("a_debounce_key_belongs_to_its_task")
class ATaskHasOneDebounceKey(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        if understood.debounce is None:
            return understood
        return replace(understood, debounce=replace(understood.debounce, key="any"))


class _Joins(Faulty):
    """Does something about the run that a key leads to, before a trigger joins it."""

    def pending(self, request: TriggerRequest) -> Any:
        debounce = request.debounce
        return debounce and self._debounces._pending.get((request.task_id, debounce.key))


@fault("a_debounce_joins_no_run_that_is_not_delayed")
class RunsThatStartedAreJoined(_Joins):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._debounces, "join", self._join_started)

    def _join_started(self, join: Any, request: TriggerRequest, now: datetime) -> Any:
        record = self.pending(request)
        if record is not None and record.status is RunStatus.EXECUTING:
            return record
        return join(request, now)


@fault("a_debounce_joins_no_run_that_is_not_delayed")
class RunsThatAreDueAreJoined(_Joins):
    """A run is joined until somebody has looked at the time."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._debounces, "join", self._join_due)

    def _join_due(self, join: Any, request: TriggerRequest, now: datetime) -> Any:
        record = self.pending(request)
        if record is not None and record.status is RunStatus.DELAYED:
            record.available_at = max(record.available_at, now + timedelta(microseconds=1))
        return join(request, now)


# --- whose words count --------------------------------------------------------------------------


class _HasOneMode(Faulty):
    """Takes every debounce for one of this mode."""

    mode: Literal["leading", "trailing"] = "leading"

    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        if understood.debounce is None:
            return understood
        return replace(understood, debounce=replace(understood.debounce, mode=self.mode))


@fault(
    "a_trailing_debounce_takes_what_came_last", "the_metadata_of_a_debounced_run_goes_with_its_mode"
)
class EveryDebounceIsLeading(_HasOneMode):
    mode = "leading"


@fault("a_leading_debounce_keeps_what_came_first")
class EveryDebounceIsTrailing(_HasOneMode):
    mode = "trailing"


class _TakesMore(Faulty):
    """Takes more of a trigger than it should."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._debounces, "_push_back", self._push_more)

    def _push_more(self, push_back: Any, record: Any, request: Any, *rest: Any) -> None:
        push_back(record, request, *rest)
        self.take(record, request)

    def take(self, record: Any, request: TriggerRequest) -> None:
        return None


@fault("a_trailing_debounce_takes_what_came_last")
class WhatTheLastTriggerLeavesOutIsLost(_TakesMore):
    def take(self, record: Any, request: TriggerRequest) -> None:
        super().take(record, request)
        if request.debounce is not None and request.debounce.mode == "trailing":
            record.tags, record.machine = request.tags, request.machine


@fault("the_metadata_of_a_debounced_run_goes_with_its_mode")
class TheLastMetadataAlwaysCounts(_TakesMore):
    def take(self, record: Any, request: TriggerRequest) -> None:
        super().take(record, request)
        record.metadata = dict(request.metadata or {})


# --- how long, and how often --------------------------------------------------------------------


@fault("a_debounced_run_is_let_go_at_its_max_delay")
class AMaxDelayIsIgnored(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        if understood.debounce is None:
            return understood
        return replace(understood, debounce=replace(understood.debounce, max_delay=None))


@fault("a_debounced_run_without_a_max_delay_can_be_pushed_back_for_ever")
class EveryDebounceHasAMaxDelay(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        debounce = understood.debounce
        if debounce is None or debounce.max_delay is not None or debounce.delay_seconds > 60:
            return understood
        return replace(understood, debounce=replace(debounce, max_delay=60))


@fault("a_debounced_request_counts_once")
class ARepeatedRequestPushesBack(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._debounces, "join", self._join_again)

    def _join_again(self, join: Any, request: TriggerRequest, now: datetime) -> Any:
        self._debounces._answered.clear()
        return join(request, now)


@fault("an_idempotency_key_of_a_debounced_trigger_holds")
class AJoinedTriggerHoldsNoKey(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._keys, "hold", self._hold_own)

    @staticmethod
    def _hold_own(hold: Any, record: Any, request: TriggerRequest, now: datetime) -> None:
        if record.id == request.run_id:
            hold(record, request, now)
