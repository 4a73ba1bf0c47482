"""The tasks of a shop's nightly report. Nothing in here says where runs live.

nightly_report.py triggers them. A worker of their own: taskkit worker --app examples/nightly_tasks.py --backend URL
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from taskkit import Context, Retry, metadata, schema_task, task, wait


class Order(BaseModel):
    number: int
    customer: str
    amount: int


class Receipt(BaseModel):
    order: int
    amount: int
    attempt: int


class Night(BaseModel):
    day: date
    orders: list[Order]


class Report(BaseModel):
    day: date
    receipts: list[Receipt]
    total: int
    approved_by: str


@schema_task(
    id="charge-order", schema=Order, retry=Retry(max_attempts=3, min_timeout=0.1, max_timeout=1)
)
async def charge_order(order: Order, ctx: Context) -> Receipt:
    """Charges one order. The bank hangs up when it hears of Grace for the first time."""
    if order.customer == "grace" and ctx.attempt.number == 1:
        raise ConnectionError("the bank hung up")
    metadata.parent.increment("charged", 1)
    return Receipt(order=order.number, amount=order.amount, attempt=ctx.attempt.number)


@task(id="nightly-report", max_duration="10m")
async def nightly_report(night: Night) -> Report:
    """Charges all orders of a day, and reports when somebody has approved."""
    metadata.set("phase", "charging")
    charged = await charge_order.batch_trigger_and_wait(
        [charge_order.item(order, tags=[order.customer]) for order in night.orders]
    )
    receipts = [run.unwrap() for run in charged.runs]

    metadata.set("phase", "settling")
    await wait.sleep(0.5)  # the bank needs a moment

    token = await wait.create_token(timeout="1d")
    metadata.set("phase", "waiting for approval").set("token", token.id)
    approval = await wait.for_token(token).unwrap()

    total = sum(receipt.amount for receipt in receipts)
    return Report(day=night.day, receipts=receipts, total=total, approved_by=approval["by"])


@nightly_report.on_success
def announce(payload: Night, output: Report) -> None:
    metadata.set("phase", "done").set("announced", f"{output.total} on {payload.day}")
