"""Cancellations of the serving task: taken back, and heard although a client of a store has swallowed them."""

from __future__ import annotations

import asyncio


def uncancel() -> bool:
    """This task goes on after its cancellation, so that it can be awaited again; whether there was one."""
    task = asyncio.current_task()
    if task is None or not task.cancelling():
        return False
    task.uncancel()
    return True


def raise_swallowed() -> None:
    """Raise the cancellation that came while a store was asked, where its client went on all the same.

    `asyncio.wait_for` of Python 3.11 does when the answer is there at the same moment, and clients use it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
