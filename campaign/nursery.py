"""Makes processes fast: python -m campaign.nursery imports everything once, then forks one for each line that it reads.

A process made so is one like any other, with an interpreter, threads, connections and an end of its own; it only
does not spend half a second on imports before it can be killed. Nothing runs in the nursery itself: no thread, no
event loop, no connection. A process lives at most as long as the nursery, which lives as long as its standard input.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

_WARM = (
    "campaign.programs",
    "taskkit.engine.worker",
    "taskkit.engine.attempt",
    "taskkit.engine.scheduler",
    "taskkit.engine.watchdog",
    "taskkit.backends.claim_loop.worker",
    "asyncio.subprocess",
    "concurrent.futures.thread",
)
_OF_SCHEME = {
    "sqlite": ("taskkit.backends.sqlite",),
    "postgresql": ("taskkit.backends.postgres", "psycopg"),
    "temporal": ("taskkit.backends.temporal", "taskkit.backends.temporal.worker"),
}


class Nursery:
    """The processes by name: the number of each, and the pipe whose end tells it to stop."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._pipes: dict[str, int] = {}

    def serve(self) -> None:
        """Do what is asked until standard input ends."""
        woken, wakes = os.pipe()
        for end in (woken, wakes):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        text = b""
        while True:
            ready, _, _ = select.select([0, woken], [], [])
            if woken in ready:
                os.read(woken, 4096)
                self._reap()
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    return
                *lines, text = (text + data).split(b"\n")
                for line in lines:
                    self._do(**json.loads(line))

    def _do(self, what: str, who: str, **more: Any) -> None:
        if what == "start":
            self._start(who, **more)
        elif what == "stop" and who in self._pipes:
            os.close(self._pipes.pop(who))
        elif what == "signal" and who in self._pids:  # its number is its own until it is reaped
            os.kill(self._pids[who], more["number"])

    def _start(self, who: str, program: str, arguments: list[Any], errors: str, more: Any) -> None:
        stops, held = os.pipe()
        pid = os.fork()
        if pid == 0:
            for end in (held, *self._pipes.values()):
                os.close(end)
            _live(who, program, [stops, *arguments], errors, more)
        os.close(stops)
        self._pids[who], self._names[pid], self._pipes[who] = pid, who, held

    def _reap(self) -> None:
        while self._pids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            who = self._names.pop(pid)
            del self._pids[who]
            if who in self._pipes:
                os.close(self._pipes.pop(who))
            print(json.dumps([who, os.waitstatus_to_exitcode(status)]), flush=True)


def _live(
    who: str, program: str, arguments: list[Any], errors: str, more: dict[str, str]
) -> NoReturn:
    """What a process does after its birth, until its end."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        file = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for given, standard in ((nothing, 0), (file, 1), (file, 2)):
            os.dup2(given, standard)
        os.environ |= {"CAMPAIGN_WHO": who, **more}
        run: Callable[..., None] = getattr(import_module("campaign.programs"), program)
        run(*arguments)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for _name in (*_WARM, *_OF_SCHEME.get(sys.argv[1], ())):
        import_module(_name)
    gc.freeze()
    assert Path(os.environ["CAMPAIGN_LEDGER"]).exists()
    print("ready", flush=True)
    Nursery().serve()
