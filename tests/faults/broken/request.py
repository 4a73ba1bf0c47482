"""Faults of enqueue and get."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from broken.fault import Faulty, fault

from taskkit.backends.base import Capability
from taskkit.errors import SecretInPayloadError
from taskkit.model.exchange import Enqueued
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FINAL, Run, RunStatus


@fault("a_run_id_is_one_run_however_often_it_is_enqueued", "a_run_id_twice_in_one_call_is_one_run")
class EnqueueIsNotIdempotent(Faulty):
    """A run id that comes again replaces the run."""

    def _accept(self, request: TriggerRequest, batch_id: str | None, now: datetime) -> Enqueued:
        self._records.pop(request.run_id, None)
        return super()._accept(request, batch_id, now)


@fault("a_run_id_is_one_run_however_often_it_is_enqueued")
class TheLastRequestCounts(Faulty):
    """A repeated enqueue says that the run exists, and changes its request."""

    def _accept(self, request: TriggerRequest, batch_id: str | None, now: datetime) -> Enqueued:
        known = self._find(request.run_id)
        answer = super()._accept(request, batch_id, now)
        if known is not None:
            known.request = request
        return answer


@fault("a_run_that_was_enqueued_twice_starts_once")
class ARepetitionStartsAgain(Faulty):
    """A repeated enqueue says that the run exists, and queues it once more."""

    def _accept(self, request: TriggerRequest, batch_id: str | None, now: datetime) -> Enqueued:
        known = self._find(request.run_id)
        if known is not None and known.status in FINAL:
            known.status = RunStatus.QUEUED
            self._lanes.put(known)
        return super()._accept(request, batch_id, now)


@fault("a_repeated_call_finishes_a_batch")
class AKnownBatchIsComplete(Faulty):
    """A batch that is enqueued again is not looked at item by item."""

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Any
    ) -> Sequence[Enqueued]:
        if batch_id is not None and any(r.batch_id == batch_id for r in self._records.values()):
            return [Enqueued(request.run_id, "existing") for request in requests]
        return await super().enqueue(requests, batch_id=batch_id, now=now)


@fault("runs_know_their_batch")
class BatchesAreForgotten(Faulty):
    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Any
    ) -> Sequence[Enqueued]:
        return await super().enqueue(requests, batch_id=None, now=now)


@fault("each_request_is_answered_in_order")
class AnswersAreMixedUp(Faulty):
    async def enqueue(self, requests: Sequence[TriggerRequest], **rest: Any) -> Sequence[Enqueued]:
        return sorted(await super().enqueue(requests, **rest), key=lambda answer: answer.run_id)


@fault("a_payload_comes_back_byte_for_byte")
class PayloadsAreWrittenAnew(Faulty):
    """A payload is kept as an equal one, spelt in another way."""

    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        if understood.payload is None:
            return understood
        return replace(understood, payload=json.dumps(json.loads(understood.payload)).encode())


@fault("a_payload_comes_back_byte_for_byte")
class NoPayloadIsNull(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        return replace(understood, payload=understood.payload or b"null")


@fault("a_run_comes_back_as_it_was_asked_for")
class TagsOfARequestAreForgotten(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), tags=())


@fault("a_run_comes_back_as_it_was_asked_for")
class NoLimitIsNoValue(Faulty):
    """An infinite max_duration is kept as none, which means another thing."""

    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        limit = understood.max_duration
        return replace(understood, max_duration=None if limit == float("inf") else limit)


@fault("a_new_run_is_queued")
class ANewRunHasAnAttempt(Faulty):
    def _accept(self, request: TriggerRequest, batch_id: str | None, now: datetime) -> Enqueued:
        answer = super()._accept(request, batch_id, now)
        self._known(answer.run_id).attempt = max(1, self._known(answer.run_id).attempt)
        return answer


@fault("a_run_that_was_handed_out_never_changes")
class RunsAreHandedOutAlive(Faulty):
    """Get gives the record itself."""

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        copies = await super().get(run_ids)
        return [copy and (self._find(copy.id) or copy) for copy in copies]


@fault("get_answers_in_order_with_none_for_the_unknown")
class AnUnknownIdInventsARun(Faulty):
    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        now = datetime.now(UTC)
        return [
            run or Run(TriggerRequest(run_id, "?", None, "?"), RunStatus.QUEUED, now, now, now)
            for run_id, run in zip(run_ids, await super().get(run_ids), strict=True)
        ]


@fault("get_answers_in_order_with_none_for_the_unknown")
class GetLeavesOutTheUnknown(Faulty):
    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        found = [run for run in await super().get(run_ids) if run is not None]
        return found or [None] * len(run_ids)


@fault("get_answers_in_order_with_none_for_the_unknown")
class GetGivesEachRunOnce(Faulty):
    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        return await super().get(list(dict.fromkeys(run_ids)))


@fault("clear_secrets_stay_in_the_process")
class SecretsAreForgotten(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), secrets=None)


@fault("clear_secrets_stay_in_the_process")
class ClearSecretsAreWrittenDown(Faulty):
    """A backend whose runs survive the process takes secrets as they come."""

    capabilities = Faulty.capabilities | {Capability.DURABLE}


@fault("clear_secrets_stay_in_the_process")
class SomeAreStoredBeforeASecretIsRefused(Faulty):
    """What comes before the request with the secret is stored, although the call raises."""

    capabilities = Faulty.capabilities | {Capability.DURABLE}

    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        if request.secrets:
            raise SecretInPayloadError(list(request.secrets))
        return super().asked(request, now)

    async def enqueue(self, requests: Sequence[TriggerRequest], **rest: Any) -> Sequence[Enqueued]:
        answers: list[Enqueued] = []
        for request in requests:
            answers += await super().enqueue([request], **rest)
        return answers
