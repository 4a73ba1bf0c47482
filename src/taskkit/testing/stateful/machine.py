"""Any order of calls: a Hypothesis state machine that compares a backend with the reference model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from taskkit.backends.base import Capability, QueueBackend, SupportsEdit, SupportsTokens
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
from taskkit.testing.conformance.run import made
from taskkit.testing.stateful import asking
from taskkit.testing.stateful.model_run import ModelRun, Place
from taskkit.testing.stateful.pair import Pair

ItemT = TypeVar("ItemT")
GivenP = ParamSpec("GivenP")
Options = dict[str, Any]
_C = Capability
_TOKENS = ("token_a", "token_b")
_WAIT = st.one_of(
    st.tuples(st.just("time"), st.integers(0, 1), st.integers(-1, 40)),
    st.tuples(st.just("runs"), asking.INDEX, asking.INDEX),
    st.tuples(st.just("token"), st.integers(0, 1), st.just(0)),
)


def _move(
    *,
    when: Callable[[BackendStateMachine], object] = lambda _: True,
    **strategies: st.SearchStrategy[Any],
) -> Callable[
    [Callable[Concatenate[BackendStateMachine, GivenP], Coroutine[Any, Any, None]]],
    Callable[Concatenate[BackendStateMachine, GivenP], None],
]:
    """Make an async method a rule; after it everything that is due happens, and all is compared."""

    def make(
        body: Callable[Concatenate[BackendStateMachine, GivenP], Coroutine[Any, Any, None]],
    ) -> Callable[Concatenate[BackendStateMachine, GivenP], None]:
        def step(self: BackendStateMachine, *args: GivenP.args, **kwargs: GivenP.kwargs) -> None:
            self.carry_out(body(self, *args, **kwargs))

        step.__name__ = body.__name__
        step.__qualname__ = body.__qualname__
        step.__doc__ = body.__doc__
        as_rule: Callable[[Any], Any] = cast("Any", rule)(**strategies)
        guarded: Callable[Concatenate[BackendStateMachine, GivenP], None]
        guarded = precondition(lambda machine: bool(when(machine)))(as_rule(step))
        return guarded

    return make


def _is_held(machine: BackendStateMachine) -> bool:
    return bool(machine.pair.held())


def _has_runs(machine: BackendStateMachine) -> bool:
    return bool(machine.pair.model.runs)


class BackendStateMachine(RuleBasedStateMachine):
    """Proves a `QueueBackend` by any order of calls, compared with a plain model after each.

        class MyMachine(BackendStateMachine):
            def make_backend(self):
                return MyBackend(...)

        TestMyBackend = MyMachine.TestCase

    `make_backend` gives what `BackendSuite.make_backend` gives: a backend that is empty and not open, or
    something to await, or an async context manager. Nothing sleeps: the machine passes `now` to each call.
    What the backend does not declare is not asked for. A failure is shown as the shortest list of calls
    that leads to it.
    """

    def make_backend(self) -> Any:
        """The backend to prove."""
        what = f"{type(self).__name__}.make_backend is missing: return the backend to prove."
        raise NotImplementedError(what)

    def reopen_backend(self, backend: Any) -> Any:
        """Another instance on the runs of this one, which is closed; None where they do not survive it."""
        return None

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._stack = AsyncExitStack()
        self._numbers = 0
        self._flush: tuple[str, list[Entry]] = ("", [])
        self._workers = ["worker-1", "worker-2"]
        self._requests: list[Options] = []
        self.pair: Pair = self._loop.run_until_complete(self._open())

    async def _open(self) -> Pair:
        backend: Any = await self._stack.enter_async_context(made(self.make_backend))
        await backend.open()
        pair = Pair(backend)
        await pair.declare(*asking.QUEUES)
        return pair

    def teardown(self) -> None:
        """Close the backend."""
        try:
            self._loop.run_until_complete(self._close())
        finally:
            self._runner.close()

    async def _close(self) -> None:
        await self.pair.backend.close()
        await self._stack.aclose()

    def carry_out(self, move: Coroutine[Any, Any, None]) -> None:
        """Do one move, then what is due, then compare."""
        self._loop.run_until_complete(self._carry_out(move))

    async def _carry_out(self, move: Coroutine[Any, Any, None]) -> None:
        await move
        await self.pair.advance()
        await self.pair.compare()

    # --- asking for runs ----------------------------------------------------------------------------

    @_move(asked=st.lists(asking.OPTIONS, min_size=1, max_size=2), batch=st.booleans())
    async def trigger(self, asked: list[Options], batch: bool) -> None:
        batch_id = self._next("batch") if batch else None
        await self._enqueue([{"run_id": self._next("run"), **one} for one in asked], batch_id)

    @_move(asked=asking.PLAIN, worker=st.integers(0, 1))
    async def start(self, asked: Options, worker: int) -> None:
        await self._enqueue([{"run_id": self._next("run"), **asked}], None)
        await self.pair.claim(self._workers[worker], asking.ANY, 3)

    @_move(when=lambda machine: machine._requests, which=asking.INDEX)
    async def trigger_the_same_again(self, which: int) -> None:
        await self._enqueue([_pick(self._requests, which)], None)

    @_move(when=_is_held, which=asking.INDEX, asked=st.one_of(asking.PLAIN, asking.OPTIONS))
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

    @_move(
        when=_has_runs,
        which=st.lists(asking.INDEX, min_size=1, max_size=2),
        reason=st.sampled_from([None, "why", "later"]),
    )
    async def cancel(self, which: list[int], reason: str | None) -> None:
        runs = list(dict.fromkeys(_pick(self._runs(), index) for index in which))
        if self.pair.declares(_C.CANCEL_RUNNING) or all(run.delivery == 0 for run in runs):
            await self.pair.cancel(runs, reason)

    @_move(when=_has_runs, which=asking.INDEX, seconds=st.integers(0, 40))
    async def reschedule(self, which: int, seconds: int) -> None:
        if self.pair.declares(_C.DELAY) and isinstance(self.pair.backend, SupportsEdit):
            at = self.pair.now + timedelta(seconds=seconds)
            await self.pair.reschedule(_pick(self._runs(), which), at)

    @_move(key=st.sampled_from(list(asking.KEYS)), task=st.sampled_from(["check", "other"]))
    async def release_key(self, key: str, task: str) -> None:
        if self.pair.declares(_C.IDEMPOTENCY) and isinstance(self.pair.backend, SupportsEdit):
            await self.pair.release_key(task, asking.KEYS[key])

    @_move(limit=st.sampled_from([1, 2, 0, None]))
    async def limit_the_queue(self, limit: int | None) -> None:
        await self.pair.declare(Queue(asking.NARROW, limit))

    @_move(
        when=_has_runs,
        which=asking.INDEX,
        entries=st.lists(asking.ENTRIES, min_size=1, max_size=3),
        under=st.sampled_from(["no lease", "a lease", "an old lease"]),
        again=st.booleans(),
    )
    async def append(self, which: int, entries: list[Entry], under: str, again: bool) -> None:
        needs = asking.ENTRY_NEEDS
        entries = [entry for entry in entries if self.pair.declares(needs[entry.kind])]
        run, lease = _pick(self._runs(), which), None
        if under != "no lease":
            leases = self.pair.held(None) if under == "a lease" else self.pair.leases
            if not leases:
                return
            lease = _pick(leases, which)
            run = self.pair.model.by_id[lease.run.id]
        flush_id, entries = self._flush if again else (self._next("flush"), entries)
        self._flush = (flush_id, entries)
        may_write = lease is None or self.pair.model.may_write(run, lease.token)
        if entries and (may_write or flush_id not in run.flushes):
            await self.pair.append(run, entries, flush_id, lease)

    # --- working ------------------------------------------------------------------------------------

    @_move(worker=st.integers(0, 1), spec=asking.SPECS, limit=st.sampled_from([10, 1, 2, 0]))
    async def claim(self, worker: int, spec: Any, limit: int) -> None:
        await self.pair.claim(self._workers[worker], spec, limit)

    @_move(when=_is_held, which=st.lists(asking.INDEX, min_size=1, max_size=3))
    async def beat(self, which: list[int]) -> None:
        held = self.pair.held()
        await self.pair.beat(list(dict.fromkeys(_pick(held, index) for index in which)))

    @_move(when=lambda machine: machine.pair.leases, which=asking.INDEX)
    async def beat_late(self, which: int) -> None:
        lease = _pick(self.pair.leases, which)
        if not self.pair.model.by_id[lease.run.id].is_parked:
            await self.pair.beat([lease])

    @_move(when=_is_held, which=asking.INDEX, output=asking.OUTPUTS)
    async def complete(self, which: int, output: bytes | None) -> None:
        await self._settle(which, Completed(output))

    @_move(when=_is_held, which=asking.INDEX, status=asking.FAILURES)
    async def fail(self, which: int, status: RunStatus) -> None:
        await self._settle(which, Failed(asking.ERROR, status))

    @_move(
        when=_is_held,
        which=asking.INDEX,
        seconds=st.integers(-5, 40),
        machine=st.sampled_from([None, *asking.MACHINES]),
    )
    async def retry(self, which: int, seconds: int, machine: str | None) -> None:
        seconds = seconds if self.pair.declares(_C.DELAY) else min(seconds, 0)
        at = self.pair.now + timedelta(seconds=seconds)
        await self._settle(which, RetryAt(at, asking.ERROR, machine))

    @_move(when=_is_held, which=asking.INDEX)
    async def release(self, which: int) -> None:
        await self._settle(which, Released())

    @_move(when=_is_held, which=asking.INDEX, reason=st.sampled_from([None, "told"]))
    async def end_canceled(self, which: int, reason: str | None) -> None:
        await self._settle(which, Canceled(reason))

    @_move(when=_is_held, which=asking.INDEX, waits=st.lists(_WAIT, max_size=2))
    async def suspend(self, which: int, waits: list[tuple[str, int, int]]) -> None:
        lease = _pick(self.pair.held(None), which)
        # whose clean-up is owed may wait no more, and that it does not is not laid down
        is_owed = self.pair.model.by_id[lease.run.id].place is Place.OWED
        if self.pair.declares(_C.WAITS) and not is_owed:
            found = [self._wait(lease, *wait) for wait in waits]
            distinct = {wait.id: wait for wait in found if wait is not None}
            await self._settle(which, Suspended(tuple(distinct.values())))

    @_move(when=lambda machine: machine.pair.leases, which=asking.INDEX, again=st.booleans())
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

    @_move(
        token=st.sampled_from(_TOKENS),
        timeout=st.sampled_from([None, 5.0, 20.0]),
        key=st.sampled_from([None, "k"]),
    )
    async def create_token(self, token: str, timeout: float | None, key: str | None) -> None:
        if self._has_tokens:
            await self.pair.create_token(token, timeout, key)

    @_move(token=st.sampled_from(_TOKENS), output=asking.OUTPUTS)
    async def complete_token(self, token: str, output: bytes | None) -> None:
        if self._has_tokens and token in self.pair.model.tokens.by_id:
            await self.pair.complete_token(token, output)

    @property
    def _has_tokens(self) -> bool:
        declared = self.pair.declares(_C.TOKENS)
        return declared and isinstance(self.pair.backend, SupportsTokens)

    # --- time, deaths, looking ----------------------------------------------------------------------

    @_move(seconds=st.integers(1, 70))
    async def advance_the_clock(self, seconds: int) -> None:
        await self.pair.pass_time(seconds)

    @_move(when=_is_held, which=asking.INDEX)
    async def lose_a_lease(self, which: int) -> None:
        """One worker does not beat for one run, because its event loop stood still."""
        await self.pair.lose([_pick(self.pair.held(), which)])

    @_move(worker=st.integers(0, 1), reopen=st.booleans())
    async def crash(self, worker: int, reopen: bool) -> None:
        """A worker dies with all that it held; where runs survive it, so does the whole process."""
        dead = self._workers[worker]
        self._workers[worker] = self._next("worker")
        if reopen:
            await self._reopen()
        runs = self.pair.model.by_id
        lost = [lease for lease in self.pair.held() if runs[lease.run.id].holder == dead]
        if lost:
            await self.pair.lose(lost)

    async def _reopen(self) -> None:
        another: QueueBackend | None = self.reopen_backend(self.pair.backend)
        if another is not None:
            await self.pair.backend.close()
            await another.open()
            self.pair.backend = another

    @_move(where=asking.FILTERS, size=st.integers(1, 3))
    async def look_through(self, where: RunFilter, size: int) -> None:
        await self.pair.look_through(where, size)

    # --- what a move speaks of ----------------------------------------------------------------------

    def _next(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}_{self._numbers}"

    def _runs(self) -> list[ModelRun]:
        return self.pair.model.runs[::-1]

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
