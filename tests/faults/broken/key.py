"""Faults of idempotency keys."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from broken.fault import Faulty, fault, wrap

from taskkit.model.exchange import Enqueued
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus


@fault("the_same_key_gives_the_same_run")
class KeysAreIgnored(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), idempotency_key=None)


@fault("a_key_counts_for_its_task_only")
class KeysCountForEveryTask(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._keys, "find", self._find_anywhere)

    def _find_anywhere(self, find: Any, task_id: str, key: str, now: datetime) -> Any:
        for held_by, name in list(self._keys._held):
            if name == key and (record := find(held_by, key, now)) is not None:
                return record
        return None


@fault("the_same_key_twice_in_one_call_is_one_run")
class KeysAreLookedUpBeforeTheCall(Faulty):
    """Two requests of one call with the same key do not see each other."""

    async def enqueue(self, requests: Sequence[TriggerRequest], **rest: Any) -> Sequence[Enqueued]:
        find, held = self._keys.find, dict(self._keys._held)

        def find_earlier(task_id: str, key: str, now: datetime) -> Any:
            return find(task_id, key, now) if (task_id, key) in held else None

        self._keys.find = find_earlier
        try:
            return await super().enqueue(requests, **rest)
        finally:
            self._keys.find = find


def _merged(backend: Faulty, name: str) -> frozenset[RunStatus]:
    """The statuses that each fault which is mixed in names."""
    kinds = [vars(kind).get(name, frozenset()) for kind in type(backend).__mro__]
    return frozenset().union(*kinds)


class _Freed(Faulty):
    """Takes a key as free while the run that holds it has one of these statuses."""

    freed_in: frozenset[RunStatus] = frozenset()

    def spoil(self) -> None:
        super().spoil()
        wrap(self._keys, "find", self._find_unless)

    def _find_unless(self, find: Any, task_id: str, key: str, now: datetime) -> Any:
        record = find(task_id, key, now)
        return None if record is None or record.status in _merged(self, "freed_in") else record


@fault("a_key_is_held_until_its_run_ends")
class KeyIsFreedByTheStart(_Freed):
    freed_in = frozenset({RunStatus.EXECUTING})


@fault("a_key_is_held_by_a_run_that_waits")
class KeyIsFreedByAWait(_Freed):
    freed_in = frozenset({RunStatus.WAITING})


@fault("a_key_is_held_by_a_run_that_completed")
class KeyIsFreedBySuccess(_Freed):
    freed_in = frozenset({RunStatus.COMPLETED})


@fault("a_key_is_held_by_a_run_that_was_canceled")
class KeyIsFreedByACancel(_Freed):
    freed_in = frozenset({RunStatus.CANCELED})


class _Held(Faulty):
    """Holds a key after ends that free it."""

    held_in: frozenset[RunStatus] = frozenset()

    def spoil(self) -> None:
        super().spoil()
        wrap(self._keys, "find", self._find_or_hold)
        wrap(self._keys, "free_after", self._free_after_some)

    def _find_or_hold(self, find: Any, task_id: str, key: str, now: datetime) -> Any:
        held = self._keys._held.get((task_id, key))
        if held is not None and held[0].status in _merged(self, "held_in") and now < held[1]:
            return held[0]
        return find(task_id, key, now)

    def _free_after_some(self, free_after: Any, record: Any) -> None:
        if record.status not in _merged(self, "held_in"):
            free_after(record)


@fault("a_key_is_freed_by_a_failed_end", "a_freed_key_is_held_by_the_next_run")
class FailureHoldsTheKey(_Held):
    held_in = frozenset({RunStatus.FAILED})


@fault("a_key_is_freed_by_a_failed_end")
class TimeOutHoldsTheKey(_Held):
    held_in = frozenset({RunStatus.TIMED_OUT})


@fault("a_key_is_freed_by_an_expired_run")
class ExpiryHoldsTheKey(_Held):
    held_in = frozenset({RunStatus.EXPIRED})


@fault("a_freed_key_is_held_by_the_next_run")
class AKeyIsHeldOnce(Faulty):
    """A key that was freed is held by nobody any more."""

    def spoil(self) -> None:
        super().spoil()
        self._seen: set[tuple[str, str | None]] = set()
        wrap(self._keys, "hold", self._hold_once)

    def _hold_once(self, hold: Any, record: Any, ttl: float | None, now: datetime) -> None:
        name = (record.task_id, record.idempotency_key)
        if name not in self._seen:
            hold(record, ttl, now)
        self._seen.add(name)


@fault("a_key_holds_for_its_ttl_and_no_longer")
class TtlOfAKeyIsIgnored(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), idempotency_key_ttl=None)


@fault("a_key_holds_for_its_ttl_and_no_longer")
class TtlOfAKeyIsInMinutes(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        ttl = understood.idempotency_key_ttl
        return replace(understood, idempotency_key_ttl=None if ttl is None else ttl * 60)


@fault("a_key_without_a_ttl_holds_for_thirty_days")
class AKeyHoldsForEver(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        ttl = understood.idempotency_key_ttl
        return replace(understood, idempotency_key_ttl=1e10 if ttl is None else ttl)


@fault("a_key_without_a_ttl_holds_for_thirty_days")
class AKeyHoldsForADay(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        ttl = understood.idempotency_key_ttl
        return replace(understood, idempotency_key_ttl=86_400 if ttl is None else ttl)


@fault("a_late_failure_frees_no_key_of_another_run")
class AFailureFreesWhatIsNotItsOwn(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._keys, "free_after", self._free_blindly)

    def _free_blindly(self, free_after: Any, record: Any) -> None:
        free_after(record)
        if record.is_failed:
            self._keys.free(record.task_id, record.idempotency_key or "")


@fault("a_key_can_be_released")
class AKeyCannotBeReleased(Faulty):
    async def release_key(self, task_id: str, key: str) -> bool:
        return (task_id, key) in self._keys._held


@fault("a_key_can_be_released")
class AReleaseIsForEveryTask(Faulty):
    async def release_key(self, task_id: str, key: str) -> bool:
        held = [name for name in self._keys._held if name[1] == key]
        return bool([await super(AReleaseIsForEveryTask, self).release_key(*one) for one in held])


@fault("a_key_can_be_released")
class AReleaseDoesNotSayWhether(Faulty):
    async def release_key(self, task_id: str, key: str) -> bool:
        await super().release_key(task_id, key)
        return True
