"""What a run waits for, and the moment when its slot is given back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from taskkit.model.exchange import Answer, Answers, Runs, Wait
from taskkit.model.request import TriggerRequest
from taskkit.runtime.home import Home

Park = Callable[[tuple[Wait, ...]], Awaitable[None]]


class _Open:
    """One wait, the future its coroutine waits on, and the runs that are to be made for it."""

    __slots__ = ("anchors", "announced", "batch_id", "future", "requests", "wait")

    def __init__(
        self,
        wait: Wait,
        future: asyncio.Future[Answer],
        requests: Sequence[TriggerRequest],
        batch_id: str | None,
    ) -> None:
        self.wait = wait
        self.future = future
        self.requests = requests
        self.batch_id = batch_id
        self.announced = False
        self.anchors: Sequence[object] = ()


class OpenWaits:
    """The outstanding waits of one attempt.

    All waits that begin in one turn of the event loop go to the backend together. While a wait is
    outstanding and every answer that came has been handed over, the run holds no slot. Waits end in three
    ways: with an answer, withdrawn (a timeout round them), or with the attempt.
    """

    __slots__ = (
        "_back",
        "_before_park",
        "_ended",
        "_flushing",
        "_home",
        "_left",
        "_loop",
        "_open",
        "_park",
        "parked",
    )

    def __init__(
        self,
        home: Home,
        loop: asyncio.AbstractEventLoop,
        park: Park,
        before_park: Callable[[tuple[Wait, ...]], Awaitable[None]],
    ) -> None:
        self._home = home
        self._loop = loop
        self._park = park
        self._before_park = before_park
        self._open: dict[str, _Open] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._back: asyncio.Future[None] | None = None
        self._left: tuple[_Open, ...] = ()
        self._ended = False
        self.parked = False

    async def answer(
        self, wait: Wait, requests: Sequence[TriggerRequest] = (), batch_id: str | None = None
    ) -> Answer:
        """The answer to a wait, once the run has it and a slot to go on with."""
        entry = _Open(wait, self._loop.create_future(), requests, batch_id)
        self._open[wait.id] = entry
        self._flush_soon()
        try:
            return await entry.future
        except asyncio.CancelledError:
            await self._withdraw(entry)
            raise
        finally:
            self._open.pop(wait.id, None)

    async def _withdraw(self, entry: _Open) -> None:
        """Somebody gave up on a wait; its child goes on. The last one to go brings the run back to a slot."""
        self._open.pop(entry.wait.id, None)
        if self._ended:
            return
        if self._open:
            self._flush_soon()
        elif self.parked or self._flushing is not None:
            if self._back is None:
                self._back = self._loop.create_future()
                self._flush_soon()
            await self._wait_for_slot(self._back)

    async def _wait_for_slot(self, back: asyncio.Future[None]) -> None:
        """Come back to a slot before going on, whatever else gives up in the meantime."""
        while not back.done():
            try:
                await asyncio.wait((back,))
            except (
                asyncio.CancelledError
            ):  # what brought us here is a cancellation, raised afterwards
                if self._ended:
                    return
        if not back.cancelled():
            back.result()

    # --- to the backend -----------------------------------------------------------------------------

    def _flush_soon(self) -> None:
        if self._flushing is None:
            self._flushing = self._loop.create_task(self._flush())

    async def _flush(self) -> None:
        try:
            waits: tuple[Wait, ...] | None = None
            while (present := await self._enqueued_waits()) != waits or self._must_wait(present):
                waits = present  # what was added while this was sent goes with the next round
                await self._suspend(waits)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)
        finally:
            self._flushing = None

    def _must_wait(self, waits: tuple[Wait, ...]) -> bool:
        """Whether the run came back while its waits were sent, and the backend no longer knows of these."""
        return bool(waits) and not self.parked and not self._ended

    async def _enqueued_waits(self) -> tuple[Wait, ...]:
        for entry in list(self._open.values()):
            if entry.requests:
                await self._enqueue(
                    [e for e in self._open.values() if e.batch_id == entry.batch_id]
                )
        return tuple(e.wait for e in self._open.values() if not e.future.done())

    async def _enqueue(self, entries: list[_Open]) -> None:
        requests = [request for entry in entries for request in entry.requests]
        answers = iter(await self._home.enqueue(requests, entries[0].batch_id))
        for entry in entries:
            if not entry.requests:
                continue
            its = [next(answers) for _ in entry.requests]
            entry.requests = ()
            entry.anchors = [one.anchor for one in its]
            refused = next((one.error for one in its if one.error is not None), None)
            if refused is not None:
                _set_exception(entry.future, refused)
            else:
                ids = tuple(one.run_id for one in its)
                entry.wait = Wait(entry.wait.id, Runs(ids), entry.wait.kind)

    async def _suspend(self, waits: tuple[Wait, ...]) -> None:
        if not waits and self._back is None:
            return
        new = tuple(e.wait for e in self._open.values() if not e.announced)
        for entry in self._open.values():
            entry.announced = True
        await self._before_park(new)
        self.parked = True
        await self._park(waits)

    def _fail(self, error: BaseException) -> None:
        entries = list(self._open.values())
        for entry in [e for e in entries if not e.announced] or entries:
            _set_exception(entry.future, error)
        if self._back is not None:
            self._back.set_exception(error)
            self._back = None

    # --- from the backend ---------------------------------------------------------------------------

    def resume(self, answers: Answers) -> None:
        """The run has a slot; hand over what came, and give the slot back if something is still open."""
        self.parked = False
        for wait_id, answer in answers.items():
            entry = self._open.get(wait_id)
            if entry is not None and not entry.future.done():
                entry.future.set_result(answer)
        if self._back is not None:
            self._back.set_result(None)
            self._back = None
        if any(not entry.future.done() for entry in self._open.values()):
            # Two turns later those who got an answer have seen it, and may have begun another wait.
            self._loop.call_soon(self._loop.call_soon, self._flush_if_open)

    def _flush_if_open(self) -> None:
        if self._open and not self._ended:
            self._flush_soon()

    def stop(self) -> None:
        """The attempt is about to end: who gives up on a wait is not brought back to a slot."""
        self._ended = True
        self._left = tuple(self._open.values())

    async def end(self) -> None:
        """The attempt is over: nothing is waited for any more, and nothing is under way to the backend."""
        self._ended = True
        for entry in list(self._open.values()):
            entry.future.cancel()
        if self._back is not None:
            self._back.cancel()
            self._back = None
        if self._flushing is not None:
            await asyncio.gather(self._flushing, return_exceptions=True)

    async def left(self) -> list[str]:
        """The runs that were waited for when the attempt was stopped, once the backend knows them all."""
        if self._flushing is not None:
            await asyncio.wait((self._flushing,))
        return [
            run_id
            for entry in self._left
            if isinstance(entry.wait.on, Runs) and not entry.requests
            for run_id in entry.wait.on.ids
        ]


def _set_exception(future: asyncio.Future[Answer], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
