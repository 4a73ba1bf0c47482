"""Scenes of the SQLite file's disk: full, and read-only. They mount, so only root can play them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Awaitable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from campaign import shapes
from campaign.processes import WITHIN, Processes
from campaign.scenes import passed
from campaign.store import all_ended, all_runs, asking
from campaign.verdict import examine
from taskkit.errors import StoreUnavailableError

_SIZE = 24_000_000
_BALLAST = 12_000_000
"""So much that what is in the WAL has room beside it in the file: it is moved there from 4 MB on."""
_PIECE = 400_000


def may_mount() -> bool:
    """Whether this process may mount; no root of a container always may."""
    if os.name != "posix" or os.geteuid() != 0:
        return False
    asked = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
    try:
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    """Something mounted at this folder, until the block ends."""
    folder.mkdir()
    subprocess.run(["mount", *arguments, str(folder)], check=True, capture_output=True)
    try:
        yield folder
    finally:
        # Lazily: the store's thread may only just be letting go of the file.
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


async def full(folder: Path) -> None:
    """A disk without room: triggers say so, nothing is broken, and with room again all goes on by itself."""
    disk, size = folder / "disk", f"size={_SIZE}"
    with mounted(disk, "-t", "tmpfs", "-o", size, "tmpfs"):
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(_BALLAST))
        url = f"sqlite:///{disk / 'runs.db'}"
        async with Processes(url, folder) as processes, asking(url):
            processes.start("work", "first", url, 2.0, 4)
            await processes.until(lambda e: e.what == "ready")
            accepted = await _fill(processes)
            for _ in range(3):  # it stays so
                assert await _refusal(shapes.weighs.trigger("y" * _PIECE)), "there was no room"
            ballast.unlink()
            for _ in range(5):
                await _ask(processes, "room again")
            await all_ended(url, WITHIN)
            assert await processes.stop("first") == 0, processes.errors_of("first")
            runs = await all_runs(url)
            passed(examine(processes.look(), runs, 2.0))
            assert {run.status for run in runs} == {"COMPLETED"}
            assert len(runs) == accepted + 5  # nothing of those that were refused
        with closing(sqlite3.connect(disk / "runs.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def _fill(processes: Processes) -> int:
    """Ask for runs until there is no room; how many were accepted."""
    text, accepted = "x" * _PIECE, 0
    while (error := await _refusal(_ask(processes, text))) is None:
        accepted += 1
        assert accepted < 2 * _SIZE / _PIECE, "the disk is not full yet"
    assert "full" in str(error)
    return accepted


async def _refusal(asked: Awaitable[object]) -> StoreUnavailableError | None:
    """What somebody is told whose run cannot be stored; None when it was."""
    try:
        async with asyncio.timeout(WITHIN):
            await asked
    except StoreUnavailableError as error:
        return error
    return None


async def _ask(processes: Processes, text: str) -> None:
    handle = await shapes.weighs.trigger(text)
    processes.ledger.write("accepted", handle.id, more="weighs")


async def read_only(folder: Path) -> None:
    """A file that cannot be written to: triggers say so, and nothing in it changes."""
    stored = folder / "stored"
    stored.mkdir()
    url = f"sqlite:///{stored / 'runs.db'}"
    async with asking(url):
        handle = await shapes.quick.trigger(1)
    before = (stored / "runs.db").read_bytes()
    with mounted(folder / "seen", "--bind", "-o", "ro", str(stored)):
        seen = f"sqlite:///{folder / 'seen' / 'runs.db'}"
        async with asking(seen):
            error = await _refusal(shapes.quick.trigger(2))
            assert error is not None, "the file cannot be written to, and the run was accepted"
            assert "may be written to" in str(error)
    assert (stored / "runs.db").read_bytes() == before
    async with asking(url):
        assert [run.id for run in await all_runs(url)] == [handle.id]
