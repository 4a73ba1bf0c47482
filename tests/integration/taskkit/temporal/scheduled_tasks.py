"""A task of workers that are killed. `LEDGER` is a file that has a line for each time that it was entered."""

import os
from pathlib import Path

from taskkit import Context, ScheduledPayload, task


@task(id="report")
def report(payload: ScheduledPayload, ctx: Context) -> None:
    with Path(os.environ["LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write(f"{payload.timestamp.isoformat()} {ctx.run.id}\n")
    print("entered", flush=True)
