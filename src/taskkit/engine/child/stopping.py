"""How a child process is brought to its end: asked, told, killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from taskkit.engine.child.process import ChildProcess
from taskkit.engine.child.stop_times import StopTimes


class Stopping:
    """The steps from asking a child to killing it. Begun once; `close` when it is gone."""

    def __init__(self, child: ChildProcess, times: StopTimes) -> None:
        self._child = child
        self._times = times
        self._loop = asyncio.get_running_loop()
        self._timers: list[asyncio.TimerHandle] = []
        self._asked_at: float | None = None

    def begin(self, *, is_ready: bool) -> None:
        """It was asked to end; one that was not ready yet has nothing to lose, and is told at once."""
        self._asked_at = self._loop.time()
        self._after(self._times.signal if is_ready else 0, self._child.terminate)
        self._after(self._times.deaf, self.kill)

    def heard(self) -> None:
        """The body has got to know, and has its grace."""
        if self._asked_at is not None:
            self.close()
            self._after(self._times.grace - (self._loop.time() - self._asked_at), self.kill)

    def body_over(self, hooks: int, each: float) -> None:
        """Only hooks are left, so many that may take so long each."""
        self.close()
        self._after(max(self._times.hooks, hooks * each), self.kill)

    def kill(self) -> None:
        """End it now."""
        self.close()
        self._child.kill()

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _after(self, seconds: float, step: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_later(max(0.0, seconds), step))
