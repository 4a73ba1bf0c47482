"""Any order of calls: a Hypothesis state machine that compares a backend with the reference model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from taskkit.backends.base import Capability, SupportsEdit, SupportsTokens
from taskkit.model.exchange import (
    Canceled,
    Completed,
    Entry,
    Failed,
    Lease,
    Outcome,
    Released,
    RetryAt,
    RunFilter,
    Runs,
    Suspended,
    TokenRef,
    Until,
    Wait,
)
from taskkit.model.queue import Queue
from taskkit.model.run import RunStatus
from taskkit.testing.stateful import asking
from taskkit.testing.stateful.model_run import ModelRun, Place
from taskkit.testing.stateful.steps import StepMachine, move

ItemT = TypeVar("ItemT")
Options = dict[str, Any]
_C = Capability
_TOKENS = ("token_a", "token_b")
_WAIT = st.one_of(
    st.tuples(st.just("time"), st.integers(0, 1), st.integers(-1, 40)),
    st.tuples(st.just("runs"), asking.INDEX, asking.INDEX),
    st.tuples(st.just("token"), st.integers(0, 1), st.just(0)),
)


def _is_held(machine: BackendStateMachine) -> bool:
    return bool(machine.pair.held())


def _is_entered_again(machine: BackendStateMachine) -> bool:
    return bool(machine.entered_again())


def _is_parked(machine: BackendStateMachine) -> bool:
    return bool(machine.parked())


def _has_runs(machine: BackendStateMachine) -> bool:
    return bool(machine.pair.model.runs)


def _has_keys(machine: BackendStateMachine) -> bool:
    return any(run.request.idempotency_key for run in machine.pair.model.runs)


def _is_narrow(machine: BackendStateMachine) -> bool:
    return any(run.request.queue == asking.NARROW for run in machine.pair.model.runs)


def _has_tokens(machine: BackendStateMachine) -> bool:
    return bool(machine.pair.model.tokens.by_id)


def _has_leases(machine: BackendStateMachine) -> bool:
    return bool(machine.pair.leases)


class BackendStateMachine(StepMachine):
    """Proves a `QueueBackend` by any order of calls, compared with a plain model after each.

        class MyMachine(BackendStateMachine):
            def make_backend(self):
                return MyBackend(...)

        TestMyBackend = MyMachine.TestCase

    `make_backend` gives what `BackendSuite.make_backend` gives: a backend that is empty and not open, or
    something to await, or an async context manager. Where runs survive the process, `reopen_backend` gives
    another instance on them. Nothing sleeps: the machine passes `now` to each call. What the backend does
    not declare is not asked for. A failure is shown as the shortest list of calls that leads to it.
    """

    def __init__(self) -> None:
        self._numbers = 0
        self._last_append: tuple[ModelRun, str, list[Entry]] | None = None
        self._workers = ["worker-1", "worker-2"]
        self._requests: list[Options] = []
        self._waits: dict[str, list[tuple[str, int, int]]] = {}
        super().__init__()

    # --- asking for runs ----------------------------------------------------------------------------

    @move(asked=st.lists(asking.OPTIONS, min_size=1, max_size=2), batch=asking.BATCHES)
    async def trigger(self, asked: list[Options], batch: str | None) -> None:
        await self._enqueue([{"run_id": self._next("run"), **one} for one in asked], batch)

    @move(asked=asking.PLAIN)
    async def start(self, asked: Options) -> None:
        await self._enqueue([{"run_id": self._next("run"), **asked}], None)
        await self.pair.claim(self._workers[0], asking.ANY, 3)

    @move(asked=st.one_of(asking.PLAIN, asking.OPTIONS))
    async def start_elsewhere(self, asked: Options) -> None:
        await self._enqueue([{"run_id": self._next("run"), **asked}], None)
        await self.pair.claim(self._workers[1], asking.ANY, 3)

    @move(when=lambda machine: machine._requests, which=asking.INDEX)
    async def trigger_the_same_again(self, which: int) -> None:
        await self._enqueue([_pick(self._requests, which)], None)

    @move(when=_is_held, which=asking.INDEX, asked=st.one_of(asking.PLAIN, asking.OPTIONS))
    async def trigger_and_wait(self, which: int, asked: Options) -> None:
        if not self.pair.declares(_C.WAITS):
            return
        lease = _pick(self.pair.held(), which)
        if lease.kind == "cleanup":
            return
        child, parent = self._next("run"), lease.run
        family = {"parent_id": parent.id, "root_id": parent.root_id or parent.id, "awaited": True}
        queue_time = {"queue_time": parent.queue_time}
        await self._enqueue([{"run_id": child, **asked, **family, **queue_time}], None)
        if child in self.pair.model.by_id:  # else its queue was full, or its key was known
            wait = Wait(f"wait_{child}", Runs((child,)))
            await self.pair.settle(lease, Suspended((wait,)))

    @move(
        when=_has_runs,
        which=st.lists(asking.INDEX, min_size=1, max_size=2),
        reason=st.sampled_from([None, "why", "later"]),
    )
    async def cancel(self, which: list[int], reason: str | None) -> None:
        runs = list(dict.fromkeys(_pick(self._runs(), index) for index in which))
        if self.pair.declares(_C.CANCEL_RUNNING) or all(run.delivery == 0 for run in runs):
            await self.pair.cancel(runs, reason)

    @move(when=_has_runs, which=asking.INDEX, seconds=st.integers(0, 40))
    async def reschedule(self, which: int, seconds: int) -> None:
        if self.pair.declares(_C.DELAY) and isinstance(self.pair.backend, SupportsEdit):
            at = self.pair.now + timedelta(seconds=seconds)
            await self.pair.reschedule(_pick(self._runs(), which), at)

    @move(when=_has_keys, task=st.sampled_from(["check", "other"]))
    async def release_key(self, task: str) -> None:
        if self.pair.declares(_C.IDEMPOTENCY) and isinstance(self.pair.backend, SupportsEdit):
            await self.pair.release_key(task, asking.KEY)

    @move(when=_is_narrow, limit=st.sampled_from([1, 2, 0, None]))
    async def limit_the_queue(self, limit: int | None) -> None:
        await self.pair.declare(Queue(asking.NARROW, limit))

    @move(
        when=_has_runs,
        which=asking.INDEX,
        entries=st.lists(asking.ENTRIES, min_size=1, max_size=3),
        under=st.sampled_from(["no lease", "a lease", "an old lease"]),
    )
    async def append(self, which: int, entries: list[Entry], under: str) -> None:
        needs = asking.ENTRY_NEEDS
        entries = [entry for entry in entries if self.pair.declares(needs[entry.kind])]
        run, lease = _pick(self._runs(), which), None
        if under != "no lease":
            leases = self.pair.held(None) if under == "a lease" else self.pair.leases
            if not leases:
                return
            lease = _pick(leases, which)
            run = self.pair.model.by_id[lease.run.id]
        if entries:
            flush_id = self._next("flush")
            self._last_append = (run, flush_id, entries)
            await self.pair.append(run, entries, flush_id, lease)

    @move(when=lambda machine: machine._last_append is not None)
    async def append_the_same_again(self) -> None:
        assert self._last_append is not None  # else this move does not apply
        run, flush_id, entries = self._last_append
        await self.pair.append(run, entries, flush_id, None)

    # --- working ------------------------------------------------------------------------------------

    @move(worker=st.integers(0, 1), spec=asking.SPECS, limit=st.sampled_from([10, 1, 2, 0]))
    async def claim(self, worker: int, spec: Any, limit: int) -> None:
        await self.pair.claim(self._workers[worker], spec, limit)

    @move(when=_has_leases, which=st.lists(asking.INDEX, min_size=1, max_size=3))
    async def beat(self, which: list[int]) -> None:
        """For leases that are held, and for the last ones, which may be lost or settled."""
        leases = [_pick([*self.pair.held(), *self.pair.leases[-4:]], index) for index in which]
        runs = self.pair.model.by_id
        distinct = dict.fromkeys(one for one in leases if not runs[one.run.id].is_parked)
        await self.pair.beat(list(distinct))

    @move(when=_is_held, which=asking.INDEX, outcome=asking.OUTCOMES)
    async def settle(self, which: int, outcome: Outcome) -> None:
        await self._settle(which, outcome)

    @move(
        when=_is_held,
        which=asking.INDEX,
        seconds=st.integers(-5, 40),
        machine=st.sampled_from([None, *asking.MACHINES]),
    )
    async def retry(self, which: int, seconds: int, machine: str | None) -> None:
        seconds = seconds if self.pair.declares(_C.DELAY) else min(seconds, 0)
        at = self.pair.now + timedelta(seconds=seconds)
        await self._settle(which, RetryAt(at, asking.ERROR, machine))

    @move(when=_is_held, which=asking.INDEX, waits=st.lists(_WAIT, max_size=3))
    async def suspend(self, which: int, waits: list[tuple[str, int, int]]) -> None:
        await self._suspend(_pick(self.pair.held(None), which), waits)

    @move(when=_is_entered_again, which=asking.INDEX)
    async def suspend_as_before(self, which: int) -> None:
        """Wait for the same as before the attempt was entered again, timed from now."""
        lease = _pick(self.entered_again(), which)
        await self._suspend(lease, self._waits[lease.run.id])

    @move(when=_has_leases, which=asking.INDEX, again=st.booleans())
    async def settle_late(self, which: int, again: bool) -> None:
        """Under any lease there ever was: refused, but for a repetition."""
        lease = _pick(self.pair.leases, which)
        run = self.pair.model.by_id[lease.run.id]
        if self.pair.model.may_write(run, lease.token):
            return
        repeated = again and run.token == lease.token and run.outcome is not None
        outcome = run.outcome if repeated else None
        await self.pair.settle(lease, outcome or Completed(b'"late"'))

    # --- tokens -------------------------------------------------------------------------------------

    @move(
        when=_is_held,
        token=st.sampled_from(_TOKENS),
        timeout=st.sampled_from([None, 5.0, 20.0]),
        key=st.sampled_from([None, "k"]),
    )
    async def create_token(self, token: str, timeout: float | None, key: str | None) -> None:
        declared = self.pair.declares(_C.TOKENS)
        if declared and isinstance(self.pair.backend, SupportsTokens):
            await self.pair.create_token(token, timeout, key)

    @move(when=_has_tokens, which=st.integers(0, 1), output=asking.OUTPUTS)
    async def complete_token(self, which: int, output: bytes | None) -> None:
        await self.pair.complete_token(_pick(self.pair.model.tokens.by_id, which), output)

    # --- time, deaths, looking ----------------------------------------------------------------------

    @move(seconds=st.integers(1, 50), workers=st.sampled_from(["beat", "stand still", "claim"]))
    async def advance_the_clock(self, seconds: int, workers: str) -> None:
        if workers == "stand still":
            await self.pair.pass_time(seconds)
            return
        await self.pair.keep_all_but((), self.pair.now + timedelta(seconds=seconds))
        if workers == "claim":
            await self._claim()

    @move(when=_is_parked, which=asking.INDEX)
    async def bring_back(self, which: int) -> None:
        """Move on to the moment that a run waits for, if it is a moment, and let its worker claim."""
        run = _pick(self.parked(), which)
        moments = [run.moments[id_] for id_ in run.waits if id_ in run.moments]
        await self.pair.keep_all_but((), max([self.pair.now, *moments]))
        if run.holder in self._workers:
            await self.pair.claim(run.holder, asking.ANY, 10)

    @move(when=_is_held, which=asking.INDEX, claim=st.booleans())
    async def lose_a_lease(self, which: int, claim: bool) -> None:
        """One worker does not beat for one run, because its event loop stood still."""
        await self.pair.lose([_pick(self.pair.held(), which)])
        if claim:
            await self._claim()

    @move(when=_has_leases, worker=st.integers(0, 1), reopen=st.booleans())
    async def crash(self, worker: int, reopen: bool) -> None:
        """A worker dies with all that it held; where runs survive it, so does the whole process."""
        dead = self._workers[worker]
        self._workers[worker] = self._next("worker")
        if reopen:
            await self.reopen()
        runs = self.pair.model.by_id
        lost = [lease for lease in self.pair.held() if runs[lease.run.id].holder == dead]
        if lost:
            await self.pair.lose(lost)

    async def _claim(self) -> None:
        for worker in self._workers:
            await self.pair.claim(worker, asking.ANY, 2)

    @move(when=_has_runs, where=asking.FILTERS, size=st.integers(1, 3))
    async def look_through(self, where: RunFilter, size: int) -> None:
        await self.pair.look_through(where, size)

    # --- what a move speaks of ----------------------------------------------------------------------

    def _next(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}_{self._numbers}"

    def _runs(self) -> list[ModelRun]:
        return self.pair.model.runs[::-1]

    async def _suspend(self, lease: Lease, waits: list[tuple[str, int, int]]) -> None:
        # whose clean-up is owed may wait no more, and that it does not is not laid down
        is_owed = self.pair.model.by_id[lease.run.id].place is Place.OWED
        if self.pair.declares(_C.WAITS) and lease.kind != "cleanup" and not is_owed:
            self._waits[lease.run.id] = waits
            found = [self._wait(lease, *wait) for wait in waits]
            distinct = {wait.id: wait for wait in found if wait is not None}
            await self.pair.settle(lease, Suspended(tuple(distinct.values())))

    def entered_again(self) -> list[Lease]:
        """Leases of attempts that have waited in a delivery before."""
        return [
            lease
            for lease in self.pair.held()
            if lease.kind == "start" and lease.run.id in self._waits
        ]

    def parked(self) -> list[ModelRun]:
        """The runs that wait, the latest first."""
        waiting = (Place.PARKED, Place.ANSWERED)
        return [run for run in self._runs() if run.place in waiting]

    async def _enqueue(self, asked: Sequence[Options], batch_id: str | None) -> None:
        pair = self.pair
        self._requests += asked
        capabilities = pair.model.capabilities
        requests = [
            asking.request_of(options=one, now=pair.now, capabilities=capabilities) for one in asked
        ]
        await pair.enqueue(requests, batch_id)

    async def _settle(self, which: int, outcome: Outcome | Suspended) -> None:
        """Settle a lease, also one whose run waits; a clean-up ends as it was told to."""
        lease = _pick(self.pair.held(None), which)
        if lease.kind == "cleanup" and not isinstance(outcome, Released):
            crashed = Failed(asking.ERROR, RunStatus.CRASHED)
            outcome = Canceled() if lease.ending is RunStatus.CANCELED else crashed
        await self.pair.settle(lease, outcome)

    def _wait(self, lease: Lease, kind: str, one: int, other: int) -> Wait | None:
        pair = self.pair
        if kind == "time":
            return Wait(f"wait_t{one}", Until(pair.now + timedelta(seconds=other)), "duration")
        if kind == "token":
            token = _TOKENS[one]
            known = token in pair.model.tokens.by_id
            return Wait(f"wait_{token}", TokenRef(token), "token") if known else None
        runs = [_pick(self._runs(), index).id for index in (one, other)]
        ids = tuple(run_id for run_id in dict.fromkeys(runs) if run_id != lease.run.id)
        return Wait("wait_" + "_".join(ids), Runs(ids)) if ids else None


def _pick(of: Iterable[ItemT], which: int) -> ItemT:
    found = list(of)
    return found[which % len(found)]
