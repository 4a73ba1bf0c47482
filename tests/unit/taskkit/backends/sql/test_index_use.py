"""What is asked again and again goes to its rows by an index, however many runs stand in another queue."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.backends.sqlite import SqliteBackend
from taskkit.model.exchange import (
    ClaimSpec,
    Completed,
    Entry,
    EntryKind,
    Runs,
    Suspended,
    Wait,
)
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest

pytestmark = pytest.mark.anyio
NOW = datetime.now(UTC)
SMALL = ("runs_cleanup", "runs_slot")
"""Indexes of the few runs that are in somebody's hands: to go through one is no scan of the runs."""


def request(**fields: Any) -> TriggerRequest:
    ordinary: dict[str, Any] = {"run_id": new_run_id(), "task_id": "mine", "queue": "mine"}
    return TriggerRequest(**{**ordinary, "payload": b"1", **fields})


async def fill(backend: KeptBackend) -> None:
    """10,000 runs of another queue: finished, ready, and delayed."""
    for number in range(10):
        at = NOW + timedelta(days=1) if number >= 6 else None
        runs = [request(queue="other", task_id="other", delay_until=at) for _ in range(1000)]
        await backend.enqueue(runs, batch_id=None, now=NOW)
    leases = await backend.claim("worker", ClaimSpec(), limit=3000, lease=3000, now=NOW)
    await asyncio.gather(*[backend.settle(one, Completed(b"1"), now=NOW) for one in leases])


async def carry_out(backend: KeptBackend) -> None:
    """What happens to runs from their trigger to their end."""
    later, spec = NOW + timedelta(seconds=2), ClaimSpec(tasks=frozenset({"mine"}))
    soon = NOW + timedelta(seconds=1)
    made = [
        request(),
        request(idempotency_key="k"),
        request(concurrency_key="k"),
        request(delay_until=soon),
    ]
    await backend.enqueue(made, batch_id="batch", now=NOW)
    await backend.advance(now=later, limit=100)
    parent, *rest = await backend.claim("worker", spec, limit=10, lease=30, now=later)
    await backend.extend([parent, *rest], lease=30, now=later)
    child = request(parent_id=parent.run.id, awaited=True)
    await backend.enqueue([child], batch_id=None, now=later)
    await backend.settle(parent, Suspended((Wait("wait", Runs((child.run_id,))),)), now=later)
    await backend.append(rest[0].run.id, [Entry(EntryKind.LOG, "x")], flush_id="f", lease=rest[0])
    for lease in rest:
        await backend.settle(lease, Completed(b"1"), now=later)
    for _ in range(2):  # the child, then its parent
        (lease,) = await backend.claim("worker", spec, limit=10, lease=30, now=later)
        await backend.settle(lease, Completed(b"1"), now=later)
    await backend.cancel([child.run_id], reason=None, now=later)
    assert None not in await backend.get([one.run_id for one in made])


async def purge(backend: KeptBackend) -> None:
    await backend.create_token("over", timeout=None, tags=(), idempotency_key=None, now=NOW)
    await backend.complete_token("over", b"1", now=NOW)
    assert await backend.purge(NOW + timedelta(days=1), limit=100) == 100


def is_looked_at(sql: str) -> bool:
    return re.match(r"\s*(SELECT|UPDATE|DELETE|WITH)\b", sql) is not None and " FROM " in sql


async def plans_of_sqlite(backend: SqliteBackend, does: Any) -> dict[str, Sequence[str]]:
    db = backend._rooms.store.db
    told: list[str] = []
    db.set_trace_callback(told.append)
    await does(backend)
    db.set_trace_callback(None)

    def explain() -> dict[str, Sequence[str]]:
        return {
            sql: [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + sql)]
            for sql in told
            if is_looked_at(sql)
        }

    return await backend._ask(explain)


async def plans_of_postgres(backend: PostgresBackend, does: Any) -> dict[str, Sequence[str]]:
    told: dict[str, Sequence[Any]] = {}
    session = backend._rooms.store._session
    for one in (session, backend._reading.store._session):

        def send(sql: str, values: Sequence[Any] = (), send: Any = one.send) -> Any:
            told[sql] = list(values)
            return send(sql, values)

        one.send = send
    await does(backend)

    def explain() -> dict[str, Sequence[str]]:
        statements = [sql for sql in told if is_looked_at(sql)]
        return {
            sql: [row[0] for row in session.send("EXPLAIN " + sql, told[sql]).fetchall()]
            for sql in statements
        }

    return await backend._ask(explain)


@pytest.mark.parametrize("does", [carry_out, purge])
async def test_sqlite_searches_and_does_not_scan(tmp_path: Any, does: Any) -> None:
    backend = SqliteBackend.from_url(f"sqlite:///{tmp_path / 'runs.db'}")
    await backend.open()
    await fill(backend)
    plans = await plans_of_sqlite(backend, does)
    await backend.close()
    assert len(plans) >= 8
    for sql, plan in plans.items():
        for step in plan:
            if step.startswith(("SCAN runs", "SCAN first", "SCAN parent")):
                assert any(f"USING INDEX {name}" in step for name in SMALL), (sql, plan)
            if does is carry_out:
                assert not step.startswith(("SCAN awaits", "SCAN tokens", "SCAN keys")) or (
                    "EXISTS (SELECT 1 FROM awaits)" in sql  # which stops at the first
                ), (sql, plan)
    used = " ".join(step for plan in plans.values() for step in plan)
    wanted = {carry_out: ["runs_ready (lane=?)", "runs_due (due_at<?)", "runs_1 (run_id=?)"]}
    for name in wanted.get(does, ["runs_over (finished_at<?)", "tokens_over (completed_at<?)"]):
        assert name in used


@pytest.mark.parametrize("does", [carry_out, purge])
async def test_postgresql_searches_and_does_not_scan(postgres_url: str, does: Any) -> None:
    backend = PostgresBackend.from_url(postgres_url)
    await backend.open()
    await fill(backend)
    plans = await plans_of_postgres(backend, does)
    await backend.close()
    assert len(plans) >= 8
    for sql, plan in plans.items():
        text = "\n".join(plan)
        assert not re.search(r"Seq Scan on (runs|run_tags|awaits|tokens|keys|entries)\b", text), (
            sql,
            plan,
        )
        for before, step, after in zip(["", *plan], plan, [*plan[1:], ""], strict=False):
            scanned = re.search(r"Scan (?:Backward )?using (runs_\w+) on ", step)
            is_first = "Limit" in before and "Only Scan" in step  # min(): it stops at the first
            if scanned and scanned[1] not in SMALL and not is_first:
                assert "Index Cond" in after, (sql, plan)
        if (
            does is purge and "ORDER BY number DESC" not in sql
        ):  # the few rows that it holds, in order
            assert "Materialize" not in text, (sql, plan)
            assert "Sort" not in text, (sql, plan)
    used = "\n".join(step for plan in plans.values() for step in plan)
    wanted = {carry_out: ["runs_ready", "runs_due", "runs_run_id_key", "awaits_pkey"]}
    for name in wanted.get(does, ["runs_over", "tokens_over"]):
        assert re.search(rf"Scan using {name} .*\n *Index Cond", used), name
