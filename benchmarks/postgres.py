"""Throughput and latency of the PostgreSQL store beside bare statements: `python -m benchmarks.postgres`.

The floors write what no store can do without, insert, claim and end of a run, on a table of four columns in the
same server: a hundred runs at a time, each step one pipeline and one commit, for throughput; one run with three
commits for latency. The server runs with fsync. Throughput as a part of the floor's (higher is better), latency
as a multiple (lower is better); medians over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time

import psycopg

import taskkit
from benchmarks.servers import PostgresServer, postgres_server
from taskkit import config, task

CALLERS = 100
MEASURED = 300
TABLE = (
    (
        "CREATE TABLE floor (id text PRIMARY KEY, status text NOT NULL, payload bytea, output bytea, "
        "number bigint GENERATED ALWAYS AS IDENTITY)"
    ),
    "CREATE INDEX floor_ready ON floor (number) WHERE status = 'QUEUED'",
)
INSERT = "INSERT INTO floor (id, status, payload) VALUES (%s, 'QUEUED', %s)"
CLAIM = (
    "UPDATE floor SET status = 'EXECUTING' WHERE id IN (SELECT id FROM floor WHERE status = 'QUEUED' "
    "ORDER BY number LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id, payload"
)
SETTLE = "UPDATE floor SET status = 'COMPLETED', output = %s WHERE id = %s AND status = 'EXECUTING'"


@task(id="bench-postgres")
async def echo(number: int) -> int:
    return number


def floor_of_batches(
    connection: psycopg.Connection[tuple[object, ...]], runs: int, name: str
) -> float:
    """Seconds a run, in batches of a hundred."""
    began = time.perf_counter()
    for first in range(0, runs, 100):
        with connection.transaction():
            connection.cursor().executemany(
                INSERT, [(f"{name}_{number:026}", b"1") for number in range(first, first + 100)]
            )
        with connection.transaction():
            claimed = connection.execute(CLAIM, (100,)).fetchall()
        with connection.transaction():
            connection.cursor().executemany(SETTLE, [(payload, one) for one, payload in claimed])
    return (time.perf_counter() - began) / runs


def floor_of_one(connection: psycopg.Connection[tuple[object, ...]]) -> float:
    """Median seconds of three commits."""
    took: list[float] = []
    for number in range(MEASURED):
        began = time.perf_counter()
        connection.execute(INSERT, (f"one_{number:026}", b"1"))
        ((one, payload),) = connection.execute(CLAIM, (1,)).fetchall()
        connection.execute(SETTLE, (payload, one))
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def floors(server: PostgresServer, runs: int) -> tuple[float, float]:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS floor")
        for statement in TABLE:
            connection.execute(statement.encode())
        floor_of_batches(connection, 1_000, "warm")
        return floor_of_batches(connection, runs, "batch"), floor_of_one(connection)


async def one_after_another(count: int) -> list[float]:
    """Seconds from each trigger to its result."""
    took: list[float] = []
    for number in range(count):
        began = time.perf_counter()
        await (await echo.trigger(number)).result()
        took.append(time.perf_counter() - began)
    return took


async def subject(url: str, runs: int) -> tuple[float, float]:
    """Mean seconds a run with many callers, and the median of one caller alone."""
    async with taskkit.worker(url, concurrency=CALLERS):
        await asyncio.gather(*[one_after_another(10) for _ in range(CALLERS)])
        began = time.perf_counter()
        await asyncio.gather(*[one_after_another(runs // CALLERS) for _ in range(CALLERS)])
        mean = (time.perf_counter() - began) / runs
        return mean, statistics.median(await one_after_another(MEASURED))


def round_of(server: PostgresServer, number: int, runs: int) -> tuple[float, ...]:
    batches, one = floors(server, runs)
    ours, alone = asyncio.run(subject(f"{server.url()}?schema=round_{number}", runs))
    return batches / ours, alone / one, batches * 1e6, ours * 1e6, alone * 1e6, one * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5_000, help="of each round")
    given = parser.parse_args()
    config.override(dirs=())
    with postgres_server("fsync=on", "full_page_writes=on", "autovacuum=on", "ssl=off") as server:
        rounds = [round_of(server, number, given.runs) for number in range(given.rounds)]
    share, latency, batches, ours, alone, one = map(statistics.median, zip(*rounds, strict=True))
    print(
        f"{CALLERS} callers: {share:.2f} of the floor ({ours:.0f} us a run, floor {batches:.0f} us)"
    )
    print(f"one caller, p50: {latency:.2f} x the floor's ({alone:.0f} us, floor {one:.0f} us)")


if __name__ == "__main__":
    main()
