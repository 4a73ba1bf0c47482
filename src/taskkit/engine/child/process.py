"""A child process: a fresh interpreter with a socket to its parent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

from taskkit.engine.child.link import Link, Message

_LEAVING = 2.0
"""Seconds that a child has to leave by itself once it has said all."""
_BOOT = """\
import json, socket, sys
link = socket.socket(fileno=int(sys.argv[1]))
with link.makefile("rb", buffering=0) as line:
    sys.path[:] = json.loads(line.readline())
from taskkit.engine.child.main import main
main(link)
"""


class ChildProcess:
    """A child that runs, and the link to it; `start` begins one, `end` leaves nothing of it."""

    def __init__(self, process: asyncio.subprocess.Process, link: Link) -> None:
        self._process = process
        self.link = link

    @classmethod
    async def start(cls, name: str) -> ChildProcess:
        """A fresh interpreter that waits for its order; `name` is for whoever lists the processes.

        It is never a fork: threads and locks of this process do not come along. In a session of its own a
        Ctrl-C in the terminal reaches the worker alone, and its whole group can be killed.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *_interpreter_flags(),
                    *("-P", "-c", _BOOT, str(theirs.fileno()), name),
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            link = await Link.over(ours)
        except BaseException:
            ours.close()  # a child that has come up all the same ends itself
            raise
        link.send_packed(json.dumps([entry or os.getcwd() for entry in sys.path]).encode() + b"\n")  # noqa: PTH109 - a text
        return cls(process, link)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """What it ended with, the negative number of a signal; None while it runs."""
        return self._process.returncode

    def send(self, message: Message) -> None:
        self.link.send(message)

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def kill(self) -> None:
        """End it and what it has started, now; the latter also when it is gone itself."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self, *, at_once: bool) -> bool:
        """Return when it is gone: killed, or by itself within 2 seconds; whether it left by itself."""
        if at_once:
            self.kill()
        try:
            async with asyncio.timeout(_LEAVING):
                await self._process.wait()
            return not at_once
        except TimeoutError:
            self.kill()
            await self._process.wait()
            return False
        finally:
            if self._process.returncode is None:  # nobody waits for it any longer
                self.kill()
            self.link.close()


def _interpreter_flags() -> list[str]:
    """The options that this interpreter was started with, such as -W and -X."""
    tell: Callable[[], list[str]] = vars(subprocess)["_args_from_interpreter_flags"]
    return tell()  # multiprocessing takes them from there too
