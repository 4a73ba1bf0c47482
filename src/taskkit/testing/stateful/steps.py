"""One step of a state machine: a move, what is due after it, and a comparison."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from hypothesis.strategies import SearchStrategy

from taskkit.testing.conformance.run import made
from taskkit.testing.stateful import asking
from taskkit.testing.stateful.pair import Pair

MachineT = TypeVar("MachineT", bound="StepMachine")
GivenP = ParamSpec("GivenP")


class StepMachine(RuleBasedStateMachine):
    """Opens a backend for each example, and carries out moves on it."""

    def make_backend(self) -> Any:
        """The backend to prove."""
        what = f"{type(self).__name__}.make_backend is missing: return the backend to prove."
        raise NotImplementedError(what)

    def reopen_backend(self, backend: Any) -> Any:
        """Another instance on the runs of this one, which is closed; None where they do not survive it."""
        return None

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of one example; the machine itself never waits on it."""
        return asyncio.new_event_loop()

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner(loop_factory=self.make_loop)
        self._loop = self._runner.get_loop()
        self._stack = AsyncExitStack()
        try:
            self.pair = self._loop.run_until_complete(self._open())
        except BaseException:
            self._runner.close()
            raise

    async def _open(self) -> Pair:
        backend: Any = await self._stack.enter_async_context(made(self.make_backend))
        await backend.open()
        pair = Pair(backend)
        await pair.declare(*asking.QUEUES)
        return pair

    async def reopen(self) -> None:
        """Go on with another instance, where the backend survives that."""
        another: Any = self.reopen_backend(self.pair.backend)
        if another is not None:
            await self.pair.backend.close()
            await another.open()
            self.pair.backend = another

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


def move(
    *, when: Callable[[Any], object] = lambda _: True, **strategies: SearchStrategy[Any]
) -> Callable[
    [Callable[Concatenate[MachineT, GivenP], Coroutine[Any, Any, None]]],
    Callable[Concatenate[MachineT, GivenP], None],
]:
    """Make an async method a rule that applies `when` this holds of the machine."""

    def make(
        body: Callable[Concatenate[MachineT, GivenP], Coroutine[Any, Any, None]],
    ) -> Callable[Concatenate[MachineT, GivenP], None]:
        def step(self: MachineT, *args: GivenP.args, **kwargs: GivenP.kwargs) -> None:
            self.carry_out(body(self, *args, **kwargs))

        step.__name__ = body.__name__
        step.__qualname__ = body.__qualname__
        step.__doc__ = body.__doc__
        as_rule: Callable[[Any], Any] = cast("Any", rule)(**strategies)
        guarded: Callable[Concatenate[MachineT, GivenP], None]
        guarded = precondition(lambda machine: bool(when(machine)))(as_rule(step))
        return guarded

    return make
