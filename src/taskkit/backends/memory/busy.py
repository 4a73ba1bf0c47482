"""How many runs are due, leased, or have an answer to meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from taskkit.backends.memory.record import Record


class Busy:
    """Counts busy runs, and tells who waits for there to be none.

    `shut_in` counts those of them that stand in queues that let none start: nobody waits for them.
    """

    __slots__ = ("_count", "_idlers", "_shut_in")

    def __init__(self, shut_in: Callable[[], int]) -> None:
        self._count = 0
        self._shut_in = shut_in
        self._idlers: list[asyncio.Future[None]] = []

    def set(self, record: Record, busy: bool) -> None:
        if record.busy is not busy:
            record.busy = busy
            self._count += 1 if busy else -1
            if self._idlers:
                self.look()

    def look(self) -> None:
        """Tell who waits if there is nothing more to wait for."""
        if self._count <= self._shut_in():
            for idler in self._idlers:
                if not idler.done():
                    idler.set_result(None)

    async def idle(self) -> None:
        """Return when no run is busy."""
        while self._count > self._shut_in():
            idler = asyncio.get_running_loop().create_future()
            self._idlers.append(idler)
            try:
                await idler
            finally:
                self._idlers.remove(idler)
