"""What a check is given: a fresh backend, and a moment that it moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from taskkit.backends.base import Backend, Capability, QueueBackend, SupportsQuery
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    ClaimSpec,
    Enqueued,
    Entry,
    EntryKind,
    Failed,
    Lease,
    LeaseKind,
    Manifest,
    Outcome,
    RunFilter,
    Runs,
    Suspended,
    Until,
    Wait,
)
from taskkit.model.ids import new_id, new_run_id
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.home import Home
from taskkit.testing.conformance.check import CheckFailedError, expect

START: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
TASK, OTHER_TASK = "check", "other"
QUEUE: Final = "check"
ONE, TWO = "worker-one", "worker-two"
LEASE: Final = 30.0
"""Seconds that a claim holds a run where a check does not say otherwise."""

ERROR: Final = ErrorInfo("BUILT_IN_ERROR", "KeyError", "'name'", "Traceback: line 1\nline 2")
_ROUNDS, _ROUNDS_BESIDE_ANOTHER = 100, 10_000
_POLLS, _POLL_EVERY = 100, 0.05


class Trial:
    """A backend that is open and empty, and the moment at which it is asked.

    The methods are the calls of the contract with everything filled in that a check does not care about.
    `claim` and `take` let the backend do what is due first, as a worker does. `another` is a trial of another
    instance on the same store; both are at the same moment.
    """

    def __init__(self, home: Home, *, is_alone: bool = True) -> None:
        self.home = home
        self.moment = START
        self.another: Trial | None = None
        # What is due may be in the hands of another instance, which takes its time.
        self._rounds = _ROUNDS if is_alone else _ROUNDS_BESIDE_ANOTHER

    @property
    def backend(self) -> Backend:
        return self.home.backend

    @property
    def store(self) -> QueueBackend:
        """The backend, in a check that drives it itself."""
        return cast("QueueBackend", self.home.backend)

    @property
    def other(self) -> Trial:
        """The same store through another instance, as another process has it."""
        if self.another is None:
            raise CheckFailedError(
                f"make_another of {self.home.name}, which declares SHARED",
                expected="another instance of the backend, not open, on the same store",
                came="None: that several processes may share a store shows only with two of them",
            )
        return self.another

    @property
    def now(self) -> datetime | None:
        """What to pass as `now`; an adapter to an engine has the engine's clock and no other."""
        return self.moment if isinstance(self.backend, QueueBackend) else None

    def later(self, seconds: float) -> None:
        """Move on."""
        self.moment += timedelta(seconds=seconds)
        if self.another is not None:
            self.another.moment = self.moment

    def after(self, seconds: float) -> datetime:
        """The moment this long from now."""
        return self.moment + timedelta(seconds=seconds)

    def declares(self, capability: Capability) -> bool:
        return capability in self.backend.capabilities

    # --- asking for runs ----------------------------------------------------------------------------

    async def declare(self, *queues: Queue) -> None:
        """Tell the backend of the tasks that the checks use, and of these queues."""
        by_name = {queue.name: queue for queue in queues}
        await self.backend.register(Manifest(frozenset({TASK, OTHER_TASK}), by_name))

    def request(self, **fields: Any) -> TriggerRequest:
        """A request of its own id; `fields` are those of `TriggerRequest`."""
        ordinary: dict[str, Any] = {
            "run_id": new_run_id(),
            "task_id": TASK,
            "payload": b"null",
            "queue": QUEUE,
        }
        return TriggerRequest(**{**ordinary, **fields})

    async def enqueue(
        self, *requests: TriggerRequest, batch_id: str | None = None
    ) -> list[Enqueued]:
        answers = await self.backend.enqueue(requests, batch_id=batch_id, now=self.now)
        expect("the number of answers of enqueue", len(answers), len(requests))
        return list(answers)

    async def add(self, **fields: Any) -> str:
        """The id of one new run; with an idempotency key it may be another one than was asked for."""
        request = self.request(**fields)
        (answer,) = await self.enqueue(request)
        expect("the answer to a new run", (answer.disposition, answer.error), ("created", None))
        if request.idempotency_key is None:
            expect("the id of a new run", answer.run_id, request.run_id)
        return answer.run_id

    async def run(self, run_id: str) -> Run:
        """The run as it stands."""
        (run,) = await self.backend.get([run_id])
        if run is None:
            raise CheckFailedError(f"get of run {run_id}", expected="the run", came="None")
        return run

    async def status(self, run_id: str) -> RunStatus:
        return (await self.run(run_id)).status

    async def cancel(self, *run_ids: str, reason: str | None = None) -> Sequence[Run]:
        return await self.backend.cancel(run_ids, reason=reason, now=self.now)

    async def append(
        self, run_id: str, *entries: Entry, lease: Lease | None = None, flush_id: str | None = None
    ) -> None:
        flush = flush_id or new_id("flush")
        await self.backend.append(run_id, entries, flush_id=flush, lease=lease)

    async def data(self, run_id: str, kind: EntryKind, key: str | None = None) -> list[object]:
        """The data of a run's entries, all of them."""
        page = await self.backend.read(run_id, kind, key=key, after=0, limit=100)
        return [entry.data for entry in page.items]

    # --- working ------------------------------------------------------------------------------------

    async def advance(self) -> datetime | None:
        """Let everything happen that is due; when to call next."""
        due = None
        for _ in range(self._rounds):
            due = await self.store.advance(now=self.moment, limit=1000)
            if due is None or due > self.moment:
                return due
            await asyncio.sleep(0)
        raise CheckFailedError(
            f"advance, called {self._rounds} times at one moment with nothing new to do",
            expected="None, or a moment that is still to come",
            came=f"{due}, at {self.moment}",
        )

    async def claim(
        self,
        worker: str = ONE,
        *,
        limit: int = 10,
        lease: float = LEASE,
        spec: ClaimSpec | None = None,
    ) -> list[Lease]:
        """What a worker is given now."""
        await self.advance()
        leases = await self.store.claim(
            worker, spec or ClaimSpec(), limit=limit, lease=lease, now=self.moment
        )
        return list(leases)

    async def claimed(self, worker: str = ONE, *, limit: int = 10) -> list[str]:
        """The ids of the runs that a worker is given now."""
        return [lease.run.id for lease in await self.claim(worker, limit=limit)]

    async def take(
        self,
        run_id: str,
        worker: str = ONE,
        *,
        kind: LeaseKind = "start",
        lease: float = LEASE,
        what: str = "what a claim gives",
    ) -> Lease:
        """The lease on this run, which is all that a worker is given now."""
        leases = await self.claim(worker, lease=lease)
        expect(what, [(one.run.id, one.kind) for one in leases], [(run_id, kind)])
        return leases[0]

    async def start(self, worker: str = ONE, *, lease: float = LEASE, **fields: Any) -> Lease:
        """A new run that a worker has begun; nothing else may be due."""
        return await self.take(await self.add(**fields), worker, lease=lease)

    async def nothing_due(self, what: str, worker: str = ONE) -> None:
        """Fail the check if a worker is given anything; `what` says why it must not be."""
        came = [(lease.run.id, lease.kind) for lease in await self.claim(worker)]
        expect(f"what a claim gives {what}", came, [])

    async def settle(self, lease: Lease, outcome: Outcome | Suspended) -> None:
        await self.store.settle(lease, outcome, now=self.moment)

    async def fail(self, lease: Lease, status: RunStatus = RunStatus.FAILED) -> None:
        await self.settle(lease, Failed(ERROR, status))

    # --- waiting ------------------------------------------------------------------------------------

    async def child_of(self, lease: Lease, **fields: Any) -> str:
        """The id of a new run that this one is going to wait for."""
        root = lease.run.root_id or lease.run.id
        return await self.add(parent_id=lease.run.id, root_id=root, awaited=True, **fields)

    async def park(self, lease: Lease, *waits: Wait) -> None:
        """Let the run wait."""
        await self.settle(lease, Suspended(waits))
        expect("the status of a run that waits", await self.status(lease.run.id), "WAITING")

    def for_runs(self, *run_ids: str) -> Wait:
        return Wait(new_id("wait"), Runs(run_ids))

    def for_time(self, seconds: float) -> Wait:
        return Wait(new_id("wait"), Until(self.after(seconds)), "duration")

    # --- looking ------------------------------------------------------------------------------------

    async def listed(self, expected: Sequence[str], what: str, **where: Any) -> None:
        """Fail the check unless the list is this; a backend that declares EVENTUAL_LIST has 5 seconds."""
        query = cast("SupportsQuery", self.backend)

        async def ids() -> list[str]:
            page = await query.list(RunFilter(**where), cursor=None, limit=100)
            return [run.id for run in page.items]

        await self.eventually(what, ids, list(expected))

    async def eventually(
        self, what: str, read: Callable[[], Awaitable[object]], expected: object
    ) -> None:
        """Fail the check unless `read` gives this; at once, but for EVENTUAL_LIST."""
        polls = _POLLS if self.declares(Capability.EVENTUAL_LIST) else 0
        came = await read()
        while came != expected and polls > 0:
            polls -= 1
            await asyncio.sleep(_POLL_EVERY)
            came = await read()
        expect(what, came, expected)


def ended(run: Run) -> tuple[object, ...]:
    """Everything about a run's end, to be compared."""
    return (run.status, run.output_json, run.error, run.finished_at, run.attempt, run.cancel_reason)
