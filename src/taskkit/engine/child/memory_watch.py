"""How much memory a process uses, and when that is too much."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator
from pathlib import Path

_EVERY = 0.1
_PAGE = resource.getpagesize()
_PROC = Path("/proc")


async def over(pid: int, limit: int) -> int:
    """Return once the process and its descendants use more than `limit` bytes; how many they use then.

    Never returns where the system does not tell, nor when the process is gone.
    """
    while True:
        used = memory_of(pid)
        if used is not None and used > limit:
            return used
        await asyncio.sleep(_EVERY)


def memory_of(pid: int) -> int | None:
    """The resident memory in bytes of a process and its descendants; None when it cannot be told.

    What descendants share with it after a fork is counted once.
    """
    if not _PROC.is_dir():
        return _told_by_psutil(pid)
    own = _resident(pid)
    if own is None:
        return None
    descendants = list(_descendants(pid))
    if not descendants:
        return own
    shares = [share for one in (pid, *descendants) if (share := _share(one)) is not None]
    return max(own, sum(shares))


def _resident(pid: int) -> int | None:
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return None


def _share(pid: int) -> int | None:
    """Its resident memory, of what it shares with others its part."""
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    return _resident(pid)


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(_PROC / str(pid) / "task"):  # noqa: PTH208 - ten times a second: no Path each
            found += map(int, (_PROC / str(pid) / "task" / thread / "children").read_text().split())
    except (OSError, ValueError):  # it ended meanwhile, or the kernel does not tell
        pass
    return found


def _told_by_psutil(pid: int) -> int | None:
    try:
        import psutil  # type: ignore[import-untyped, import-not-found, unused-ignore]  # optional, not on Linux
    except ImportError:
        return None
    try:
        process = psutil.Process(pid)
        used: int = sum(
            one.memory_info().rss for one in (process, *process.children(recursive=True))
        )
        return used
    except psutil.Error:
        return None
