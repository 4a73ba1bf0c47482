"""What the catalog of snapshots costs: a source of 5,000 tables with 10 columns each, kept, searched and compared.

python -m benchmarks.catalog [TABLES]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from buster_tasks.catalog import CatalogStore, diff
from buster_tasks.catalog.database import writing
from buster_tasks.catalog.documents import documents_of
from buster_tasks.sources.schema import (
    Column,
    Database,
    ForeignKey,
    Introspection,
    Schema,
    Table,
)

T = TypeVar("T")
COLUMNS = 10
COMMON = [
    "customer", "order", "invoice", "payment", "product", "region", "user", "account", "event", "session", "email",
    "status", "amount", "total", "city", "country", "price", "date", "code", "type", "name", "rate", "score", "label",
]  # fmt: skip
WORDS = [*COMMON, *(f"w{number}" for number in range(1_500))]
QUESTIONS = ("customer email", "id", "amount", "country of the order invoice", "w17", "cust", "zzz")


def source(tables: int) -> Introspection:
    """A source with comments and sample values everywhere; each table refers to an earlier one."""
    chance = random.Random(1)
    place = {"schema": "public", "database": "shop"}
    names = [f"{chance.choice(WORDS)}_{chance.choice(WORDS)}_{n}" for n in range(tables)]
    return Introspection(
        data_source_name="shop",
        data_source_type="postgres",
        databases=[Database(name="shop")],
        schemas=[Schema(name="public", database="shop")],
        tables=[
            Table(name=name, row_count=1, comment="holds " + text(chance, 6), **place)
            for name in names
        ],
        columns=[
            Column(
                name=f"{chance.choice(WORDS)}_{chance.choice(WORDS)}" if position else "id",
                table=name,
                position=position + 1,
                data_type="integer",
                comment="a column of " + text(chance, 4),
                sample_values=chance.choices(WORDS, k=3),
                **place,
            )
            for name in names
            for position in range(COLUMNS)
        ],
        foreign_keys=[
            ForeignKey(
                source_table=name,
                source_schema="public",
                source_database="shop",
                source_columns=["id"],
                referenced_table=names[chance.randrange(number + 1)],
                referenced_schema="public",
                referenced_database="shop",
                referenced_columns=["id"],
            )
            for number, name in enumerate(names)
        ],
        introspected_at=datetime.now(UTC),
    )


def text(chance: random.Random, words: int) -> str:
    """Some words."""
    return " ".join(chance.choices(WORDS, k=words))


def timed(label: str, call: Callable[[], T], times: int = 1) -> T:
    """What the call gives; the least of its times is printed, of the clock and of the processor."""
    best = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        given = call()
        best.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = min(best)
    print(f"{label:<48} {wall * 1e3:9.1f} ms {cpu * 1e3:9.1f} ms of processor")
    return given


def floor(found: Introspection, folder: Path) -> Callable[[], None]:
    """What `put` cannot save: the JSON, its compression, and SQLite's work on documents that are there already."""
    documents = list(documents_of(found))

    def write() -> None:
        body = zlib.compress(b"".join(found.json_chunks()), 1)
        with writing(folder / "floor.db") as connection:
            connection.execute("INSERT INTO contents VALUES ('', ?)", (body,))
            connection.executemany("INSERT INTO search VALUES (?, ?, ?, ?, ?, ?)", documents)

    return write


def main(tables: int) -> None:
    """Print a line for each operation."""
    found = source(tables)
    later = found.introspected_at + timedelta(seconds=1)
    grown = found.model_copy(
        update={
            "introspected_at": later,
            "tables": [one.model_copy(update={"row_count": 2}) for one in found.tables],
        }
    )
    changed = found.model_copy(
        update={"introspected_at": later + timedelta(seconds=1), "tables": found.tables[1:]}
    )
    with tempfile.TemporaryDirectory() as folder:
        store = CatalogStore(Path(folder) / "catalog.db")
        timed("the floor of put", floor(found, Path(folder)))
        timed("put, the first", lambda: store.put(found))
        timed("put, only rows have changed", lambda: store.put(grown))
        identity = timed("put, a table is gone", lambda: store.put(changed))
        for question in QUESTIONS:
            timed(f"search {question!r}", lambda asked=question: store.search(asked), times=7)
        first, last = found.tables[0].name, found.tables[-1].name
        timed("joins of a table", lambda: store.joins("shop", first), times=3)
        timed("joins to another", lambda: store.joins("shop", last, to=first), times=3)
        timed("latest", lambda: store.latest("shop"))
        timed("json_of", lambda: sum(map(len, store.json_of(identity))))
        timed("diff", lambda: diff(found, changed))
        print(f"{store.path.stat().st_size / 2**20:.1f} MiB for three snapshots")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5_000)
