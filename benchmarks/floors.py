"""The least that a run can cost: what every figure is measured against, in the same process and round."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json, to_json


class Order(BaseModel):
    """The payload of every benchmark."""

    id: int
    customer: str
    total: float


ORDERS = TypeAdapter(Order)
RUNNING: ContextVar[Any] = ContextVar("running")
_numbers = count()


async def body(order: Order) -> dict[str, Any]:
    """What every benchmark's task does: nothing but an answer."""
    return {"id": order.id, "total": order.total}


async def bare(orders: Sequence[Order]) -> list[Any]:
    """A task per run, nothing else."""
    return [await task for task in [asyncio.create_task(body(order)) for order in orders]]


@dataclass(slots=True)
class Record:
    """What has to be known of a run."""

    id: str
    payload: bytes
    created_at: datetime
    status: str = "QUEUED"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: bytes | None = None
    done: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


def bookkept(order: Order) -> Record:
    """Start one run with a payload through JSON, a record, a future, a context variable and a JSON output."""
    record = Record(f"run_{next(_numbers):026x}", ORDERS.dump_json(order), datetime.now(UTC))
    RECORDS[record.id] = record
    TASKS[record.id] = asyncio.create_task(_carry(record))
    return record


RECORDS: dict[str, Record] = {}
TASKS: dict[str, asyncio.Task[None]] = {}


async def _carry(record: Record) -> None:
    RUNNING.set(record)
    record.status, record.started_at = "EXECUTING", datetime.now(UTC)
    order = ORDERS.validate_json(record.payload)
    record.output = to_json(await body(order))
    record.status, record.finished_at = "COMPLETED", datetime.now(UTC)
    record.done.set_result(None)
    del TASKS[record.id]


async def result_of(record: Record) -> Any:
    """The output of a bookkept run."""
    await record.done
    return from_json(record.output or b"null")


async def bookkept_all(orders: Sequence[Order]) -> list[Any]:
    """Many bookkept runs at once."""
    records = [bookkept(order) for order in orders]
    answers = [await result_of(record) for record in records]
    RECORDS.clear()
    return answers


async def bookkept_gathered(orders: Sequence[Order]) -> list[Any]:
    """The same, each result awaited by a task of its own."""
    records = [bookkept(order) for order in orders]
    answers = await asyncio.gather(*[result_of(record) for record in records])
    RECORDS.clear()
    return answers


async def bookkept_tree(orders: Sequence[Order], children: int) -> int:
    """Parents that each start children and wait for them, bookkept as well."""
    finished = 0

    async def parent(order: Order) -> None:
        nonlocal finished
        records = [bookkept(order) for _ in range(children)]
        for record in records:
            await result_of(record)
            finished += 1

    async def kept(order: Order) -> None:
        record = Record(f"run_{next(_numbers):026x}", ORDERS.dump_json(order), datetime.now(UTC))
        RECORDS[record.id] = record
        RUNNING.set(record)
        record.started_at = datetime.now(UTC)
        await parent(ORDERS.validate_json(record.payload))
        record.output, record.finished_at = to_json(None), datetime.now(UTC)

    await asyncio.gather(*[asyncio.create_task(kept(order)) for order in orders])
    RECORDS.clear()
    return finished
