"""Processes of the campaign, as a test sees them: started, signaled, and followed through the ledger."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from campaign.ledger import Event, Ledger
from campaign.shapes import LEDGER

ROOT = Path(__file__).parents[1]
WITHIN = 60.0
_LOOK_AGAIN = 0.01


class Processes:
    """Starts functions of `campaign.programs` as processes, which end before this does.

    What they tell the ledger is awaited with `until`; their output and errors are in a file each.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.path = folder / "ledger"
        self.path.touch()
        self.events: list[Event] = []
        """What the ledger says so far, in the order in which it was written."""
        self.ledger = Ledger(self.path, "driver")
        self._read = 0
        self._broken: list[str] = []
        self._ends: dict[str, asyncio.Future[int]] = {}
        self._nursery: asyncio.subprocess.Process | None = None
        self._listening: list[asyncio.Task[None]] = []
        self._grown = asyncio.Condition()

    async def __aenter__(self) -> Self:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TASKKIT_")}
        environment[LEDGER] = str(self.path)
        scheme = self.url.partition(":")[0]
        self._nursery = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "campaign.nursery", scheme),
            stdin=PIPE, stdout=PIPE, env=environment, cwd=ROOT,
        )  # fmt: skip
        assert self._nursery.stdout is not None
        async with asyncio.timeout(WITHIN):
            assert await self._nursery.stdout.readline() == b"ready\n"
        self._listening = [asyncio.create_task(self._hear()), asyncio.create_task(self._follow())]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for who, end in self._ends.items():
            if not end.done():
                self.signal(who)
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                await asyncio.gather(*self._ends.values())
        for task in self._listening:
            task.cancel()
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        await self._nursery.wait()
        self.ledger.close()

    # --- processes ----------------------------------------------------------------------------------

    def start(self, program: str, who: str, *arguments: object, **more: str) -> None:
        """Start one; `more` are variables of its environment."""
        self._ends[who] = asyncio.get_running_loop().create_future()
        errors = str(self.folder / f"{who}.err")
        self._ask("start", who, program=program, arguments=arguments, errors=errors, more=more)

    def signal(self, who: str, number: int = signal.SIGKILL) -> None:
        self._ask("signal", who, number=number)

    async def ended(self, who: str) -> int:
        """Its exit status; negative is the signal that has killed it."""
        async with asyncio.timeout(WITHIN):
            return await asyncio.shield(self._ends[who])

    async def stop(self, who: str) -> int:
        """Ask it to end in order; its exit status."""
        self._ask("stop", who)
        return await self.ended(who)

    def has_ended(self, who: str) -> bool:
        return self._ends[who].done()

    def errors_of(self, who: str) -> str:
        """The end of what it has printed."""
        path = self.folder / f"{who}.err"
        return path.read_text(errors="replace")[-2_000:] if path.exists() else ""

    def _ask(self, what: str, who: str, **more: object) -> None:
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(json.dumps({"what": what, "who": who, **more}).encode() + b"\n")

    async def _hear(self) -> None:
        assert self._nursery is not None
        assert self._nursery.stdout is not None
        async for line in self._nursery.stdout:
            who, status = json.loads(line)
            self.ledger.write("died", more=who)
            self._ends[who].set_result(status)
            if status > 0:
                self._broken.append(who)

    # --- the ledger ---------------------------------------------------------------------------------

    async def until(
        self, is_it: Callable[[Event], bool], *, since: int = 0, within: float = WITHIN
    ) -> Event:
        """The first event like this, of those from number `since` on. AssertionError when a process has broken down."""
        looked = since
        async with asyncio.timeout(within), self._grown:
            while True:
                for event in self.events[looked:]:
                    if is_it(event):
                        return event
                looked = max(len(self.events), since)
                assert not self._broken, self.errors_of(self._broken[0])
                await self._grown.wait()

    async def _follow(self) -> None:
        while True:
            self.look()
            async with self._grown:
                self._grown.notify_all()
            await asyncio.sleep(_LOOK_AGAIN)

    def look(self) -> list[Event]:
        """Read what is new in the ledger; all of it so far."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        self.events += [Event.parse(line) for line in whole.decode().splitlines()]
        return self.events
