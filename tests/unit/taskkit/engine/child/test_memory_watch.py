"""How much memory a process is seen to use."""

import os
import subprocess
import sys

import pytest

from taskkit.engine.child import memory_watch

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

MEGABYTE = 1024**2
HOLD = (
    "import os, sys\n"
    "memory = bytearray(64 * 1024 ** 2)\n"
    "memory[::4096] = b'x' * len(memory[::4096])\n"
    "{more}"
    "print('ready', flush=True)\n"
    "sys.stdin.read()\n"
)
FORK = "if os.fork() == 0:\n    sys.stdin.read()\n    os._exit(0)\n"
APART = (
    "import subprocess\n"
    "own = 'import sys; memory = bytearray(b\"x\") * (64 * 1024 ** 2); print(1, flush=True); sys.stdin.read()'\n"
    "other = subprocess.Popen([sys.executable, '-c', own], stdout=subprocess.PIPE)\n"
    "other.stdout.readline()\n"
)


def used_by(more: str) -> int:
    """Megabytes of a process that holds 64 of them, and does something more."""
    code = HOLD.format(more=more)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        used = memory_watch.memory_of(process.pid)
        process.communicate()
    assert used is not None
    return used // MEGABYTE


def test_what_a_process_holds_is_seen() -> None:
    assert 64 <= used_by("") < 100


def test_what_a_fork_shares_is_counted_once() -> None:
    assert 64 <= used_by(FORK) < 100


def test_what_descendants_hold_is_counted() -> None:
    assert 128 <= used_by(APART) < 200


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert memory_watch.memory_of(process.pid) is None


async def test_the_watch_tells_how_much_it_was() -> None:
    assert await memory_watch.over(os.getpid(), MEGABYTE) > MEGABYTE
