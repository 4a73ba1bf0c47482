"""Asks for the nightly report, approves it, and prints it: the same on every backend.

    python examples/nightly_report.py memory://
    python examples/nightly_report.py sqlite:///runs.db
    python examples/nightly_report.py postgresql://user:password@localhost/shop
    python examples/nightly_report.py temporal://localhost:7233/default

Without a URL the configured backend counts: TASKKIT_BACKEND, or `backend` in taskkit.toml. The script works on the
runs itself; with --trigger-only that is left to the workers, which you start with

    taskkit worker --app examples/nightly_tasks.py --backend URL
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import date

from nightly_tasks import Night, Order, Report, nightly_report

import taskkit
from taskkit import RunHandle, wait

NIGHT = Night(
    day=date(2030, 1, 31),
    orders=[
        Order(number=1001, customer="ada", amount=20),
        Order(number=1002, customer="grace", amount=15),
        Order(number=1003, customer="alan", amount=7),
    ],
)


async def make_report() -> None:
    key = f"night of {NIGHT.day}"  # who asks twice gets the same run, also tomorrow
    handle = await nightly_report.trigger(NIGHT, idempotency_key=key)
    again = await nightly_report.trigger(NIGHT, idempotency_key=key)
    print("asked twice, one run:", again.id == handle.id)

    await approve(handle)
    report = (await handle.result(timeout=60)).unwrap()
    for receipt in report.receipts:
        print(f"order {receipt.order}: {receipt.amount}, attempt {receipt.attempt}")
    print(f"total: {report.total}, approved by {report.approved_by}")

    run = await handle.retrieve()
    print(f"{run.status}: {run.metadata['charged']} charged, announced {run.metadata['announced']}")


async def approve(handle: RunHandle[Report]) -> None:
    """Completes the token that the run waits for: a web page would do so when somebody clicks."""
    async for run in handle.subscribe():
        if token := run.metadata.get("token"):
            await wait.complete_token(token, {"by": "Barbara"})
            return


async def main() -> None:
    parser = argparse.ArgumentParser(description="Asks for the nightly report.")
    parser.add_argument("url", nargs="?", help="where runs live")
    parser.add_argument("--trigger-only", action="store_true", help="others do the work")
    given = parser.parse_args()
    if given.url is not None:
        taskkit.configure(backend=given.url)
    if given.trigger_only:
        await make_report()
    else:
        async with taskkit.worker():
            await make_report()


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# asked twice, one run: True
# order 1001: 20, attempt 1
# order 1002: 15, attempt 2
# order 1003: 7, attempt 1
# total: 42, approved by Barbara
# COMPLETED: 3 charged, announced 42 on 2030-01-31
