"""A backend and the reference model, asked the same at the same moment."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

from taskkit.backends.base import (
    Capability,
    QueueBackend,
    SupportsEdit,
    SupportsQuery,
    SupportsTokens,
)
from taskkit.model.exchange import (
    ClaimSpec,
    Entry,
    EntryKind,
    Lease,
    Manifest,
    Outcome,
    RunFilter,
    Suspended,
)
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.testing.conformance.check import CheckFailedError, expect, expect_that
from taskkit.testing.stateful.model import ReferenceModel
from taskkit.testing.stateful.model_life import LEASE, Refusal
from taskkit.testing.stateful.model_run import SHOWN, ModelRun, Place, expected_of, shown_of

START: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
TASKS: Final = frozenset({"check", "other"})
_SECONDS: Final = LEASE.total_seconds()
_ROUNDS = 100
_EVERYTHING = RunFilter()
ResultT = TypeVar("ResultT")


class Pair:
    """Each call asks both, and raises CheckFailedError when the backend does not do what the model does.

    Time stands still within a call, and goes from one due moment to the next, so that no order of events
    is left to chance.
    """

    def __init__(self, backend: QueueBackend) -> None:
        self.backend = backend
        self.model = ReferenceModel(backend.capabilities)
        self.now = START
        self.leases: list[Lease] = []

    def declares(self, capability: Capability) -> bool:
        return capability in self.model.capabilities

    # --- asking for runs ----------------------------------------------------------------------------

    async def declare(self, *queues: Queue) -> None:
        """Give queues those of their limits that the backend declares."""
        self.model.declare(
            Queue(
                queue.name,
                queue.concurrency_limit if self.declares(Capability.QUEUE_LIMIT) else None,
                queue.max_length if self.declares(Capability.QUEUE_LENGTH) else None,
            )
            for queue in queues
        )
        await self.backend.register(Manifest(TASKS, self.model.queues))

    async def enqueue(self, requests: Sequence[TriggerRequest], batch_id: str | None) -> None:
        answers = await self.backend.enqueue(requests, batch_id=batch_id, now=self.now)
        expect("the number of answers of enqueue", len(answers), len(requests))
        for request, answer in zip(requests, answers, strict=True):
            self.model.enqueue(request, batch_id, self.now, answer)

    async def cancel(self, runs: Sequence[ModelRun], reason: str | None) -> None:
        ids = [run.id for run in runs]
        came = await self.backend.cancel(ids, reason=reason, now=self.now)
        self.model.cancel(runs, reason, self.now)
        expect("the runs that cancel gives", [run.id for run in came], ids)

    async def append(
        self, run: ModelRun, entries: Sequence[Entry], flush_id: str, lease: Lease | None
    ) -> None:
        refusal = self.model.append(run, entries, flush_id, None if lease is None else lease.token)
        call = self.backend.append(run.id, entries, flush_id=flush_id, lease=lease)
        await _expect_refusal(f"append to {run.id}", refusal, call)
        if self.declares(Capability.LOGS):
            page = await self.backend.read(run.id, EntryKind.LOG, key=None, after=0, limit=1000)
            expect(f"the logs of {run.id}", [entry.data for entry in page.items], run.logs)

    async def reschedule(self, run: ModelRun, at: datetime) -> None:
        refusal = self.model.reschedule(run, at, self.now)
        call = cast("SupportsEdit", self.backend).reschedule(run.id, at, now=self.now)
        await _expect_refusal(f"reschedule of {run.id}", refusal, call)

    async def release_key(self, task_id: str, key: str) -> None:
        was_held = self.model.release_key(task_id, key, self.now)
        came = await cast("SupportsEdit", self.backend).release_key(task_id, key)
        if was_held:  # of a key whose time was over it is not laid down
            expect("whether the key was held", came, was_held)

    # --- working ------------------------------------------------------------------------------------

    async def claim(self, worker: str, spec: ClaimSpec, limit: int) -> None:
        leases = await self.backend.claim(worker, spec, limit=limit, lease=_SECONDS, now=self.now)
        self.model.claim(leases, worker, spec, limit, self.now)
        self.leases += leases

    def held(self, place: Place | None = Place.HELD) -> list[Lease]:
        """Leases that may write, the latest first; of runs that wait too when `place` is None."""
        return [
            lease
            for lease in reversed(self.leases)
            if (run := self.model.by_id[lease.run.id]).may_write
            and run.token == lease.token
            and (run.place is place or (place is None and run.holder is not None))
        ]

    async def beat(self, leases: Sequence[Lease]) -> None:
        came = await self.backend.extend(leases, lease=_SECONDS, now=self.now)
        runs = self.model.by_id
        expected = [self.model.extend(runs[one.run.id], one.token, self.now) for one in leases]
        expect(f"the signals for {[one.run.id for one in leases]}", list(came), expected)

    async def settle(self, lease: Lease, outcome: Outcome | Suspended) -> None:
        run = self.model.by_id[lease.run.id]
        refusal = self.model.settle(run, lease.token, outcome, self.now)
        call = self.backend.settle(lease, outcome, now=self.now)
        await _expect_refusal(f"settle of {run.id}", refusal, call)

    # --- tokens -------------------------------------------------------------------------------------

    async def create_token(self, token_id: str, timeout: float | None, key: str | None) -> None:
        store = cast("SupportsTokens", self.backend)
        came = await store.create_token(
            token_id, timeout=timeout, tags=("t",), idempotency_key=key, now=self.now
        )
        expect(
            "the token", came, self.model.tokens.create(token_id, timeout, ("t",), key, self.now)
        )

    async def complete_token(self, token_id: str, output: bytes | None) -> None:
        store = cast("SupportsTokens", self.backend)
        came = await store.complete_token(token_id, output, now=self.now)
        expected = self.model.complete_token(token_id, output, self.now)
        expect(f"whether this completed token {token_id}", came, expected)

    # --- time ---------------------------------------------------------------------------------------

    async def pass_time(self, seconds: float) -> None:
        target = self.now + timedelta(seconds=seconds)
        while (due := self.model.next_due(self.now)) is not None and due < target:
            self.now = due
            await self.advance()
        self.now = target
        await self.advance()

    async def keep_all_but(self, lost: Sequence[Lease], until: datetime) -> None:
        """Move on while the workers beat for every run that they hold, but for these."""
        while self.now < until:
            kept = [lease for lease in self.held() if lease not in lost]
            if kept:
                await self.beat(kept)
            left = (until - self.now).total_seconds()
            await self.pass_time(min(left, _SECONDS - 1))

    async def lose(self, lost: Sequence[Lease]) -> None:
        """Let these leases run out while all others are kept."""
        ends = [self.model.by_id[lease.run.id].lease_ends or self.now for lease in lost]
        await self.keep_all_but(lost, max(ends))

    async def advance(self) -> None:
        """Let both do what is due now."""
        self.model.advance(self.now)
        due = await self._advance_backend()
        for run in self.model.undecided():
            (came,) = await self.backend.get([run.id])
            if came is not None and came.status.is_final:
                self.model.end_without_hooks(run, came.status, self.now)
        wanted = self.model.next_due(self.now)
        expect_that(
            "when advance wants to be called next",
            wanted is None or (due is not None and due <= wanted),
            expected=f"{wanted} or earlier",
            came=due,
        )

    async def _advance_backend(self) -> datetime | None:
        for _ in range(_ROUNDS):
            due = await self.backend.advance(now=self.now, limit=1000)
            if due is None or due > self.now:
                return due
        raise CheckFailedError(
            f"advance, called {_ROUNDS} times at one moment with nothing new to do",
            expected="None, or a moment that is still to come",
            came=f"no later moment than {self.now}",
        )

    # --- looking ------------------------------------------------------------------------------------

    async def compare(self) -> None:
        """Fail unless both show the same of every run."""
        runs = self.model.runs
        expected = [expected_of(run) for run in runs]
        came = await self.backend.get([run.id for run in runs])
        shown = [None if run is None else shown_of(run) for run in came]
        if shown != expected:
            _tell_difference("get", shown, expected)
        if self._lists:
            query = cast("SupportsQuery", self.backend)
            page = await query.list(_EVERYTHING, cursor=None, limit=len(runs) + 1)
            listed = [shown_of(run) for run in page.items]
            if listed != expected[::-1]:
                _tell_difference("list", listed, expected[::-1])

    @property
    def _lists(self) -> bool:
        return self.declares(Capability.LIST) and not self.declares(Capability.EVENTUAL_LIST)

    async def look_through(self, where: RunFilter, size: int) -> None:
        """Fail unless the pages of a filtered list show the runs that match, once each, newest first."""
        if not self._lists:
            return
        query, ids = cast("SupportsQuery", self.backend), list[str]()
        cursor: Any = None
        expected = [run.id for run in self.model.listed(where)]
        for _ in range(len(expected) + 1):
            page = await query.list(where, cursor=cursor, limit=size)
            ids += [run.id for run in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        expect(f"the runs of {where} in pages of {size}", ids, expected)


async def _expect_refusal(what: str, refusal: Refusal, call: Awaitable[object]) -> None:
    expected = "no error" if refusal is None else refusal.__name__
    try:
        await call
    except Exception as error:
        if refusal is None or not isinstance(error, refusal):
            told = f"{type(error).__name__}: {error}"
            raise CheckFailedError(what, expected=expected, came=told) from error
    else:
        if refusal is not None:
            raise CheckFailedError(what, expected=expected, came="no error")


def _tell_difference(
    call: str, came: Sequence[tuple[Any, ...] | None], expected: Sequence[tuple[Any, ...]]
) -> None:
    ids = [None if one is None else one[0] for one in came]
    expect(f"the runs that {call} gives", ids, [one[0] for one in expected])
    for one, other in zip(came, expected, strict=True):
        for name, value, wanted in zip(SHOWN, one or (), other, strict=True):
            expect(f"{name} of {other[0]}, from {call}", value, wanted)
