"""How many runs are due, leased, or have an answer to meet."""

from __future__ import annotations

import asyncio

from taskkit.backends.memory.record import Record


class Busy:
    """Counts busy runs, and tells who waits for there to be none."""

    __slots__ = ("_count", "_idlers")

    def __init__(self) -> None:
        self._count = 0
        self._idlers: list[asyncio.Future[None]] = []

    def set(self, record: Record, busy: bool) -> None:
        if record.busy is not busy:
            record.busy = busy
            self._count += 1 if busy else -1
            if self._count == 0 and self._idlers:
                for idler in self._idlers:
                    if not idler.done():
                        idler.set_result(None)

    async def idle(self) -> None:
        """Return when no run is busy."""
        while self._count:
            idler = asyncio.get_running_loop().create_future()
            self._idlers.append(idler)
            try:
                await idler
            finally:
                self._idlers.remove(idler)
