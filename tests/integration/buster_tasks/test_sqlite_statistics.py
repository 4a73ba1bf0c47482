from collections.abc import Callable
from pathlib import Path

import pytest

from buster_tasks.sources import SqliteCredentials
from buster_tasks.sources.sqlite import SqliteSource
from tests.integration.buster_tasks.measured_tables import (
    bounds,
    check_all_of_a_million,
    check_sample_of_a_million,
    column,
    measured,
)

pytestmark = pytest.mark.anyio

MakeDatabase = Callable[..., Path]
NUMBERS = "WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 1000000)"
SELECTED = """SELECT g AS id, g % 7 AS few, CASE WHEN g % 4 = 0 THEN NULL ELSE g % 1000 END AS thousand,
    'user' || g || '@example.org' AS email, date('2000-01-01', (g % 3000) || ' days') AS day,
    (g % 100000) / 8.0 AS price FROM s"""
COLUMNS = "(id INT, few INT, thousand INT, email TEXT, day DATE, price DECIMAL(12, 3)%s)"


def source_of(path: Path) -> SqliteSource:
    return SqliteSource(SqliteCredentials(path=str(path)))


def a_million(make_database: MakeDatabase, more: str = "", behind: str = "") -> SqliteSource:
    columns = COLUMNS % more
    return source_of(
        make_database(
            f"CREATE TABLE million {columns}{behind}; INSERT INTO million {NUMBERS} {SELECTED};"
        )
    )


async def test_a_million_rows(make_database: MakeDatabase) -> None:
    async with a_million(make_database) as source:
        await check_sample_of_a_million(source)
        await check_all_of_a_million(source)


async def test_a_million_rows_without_row_ids(make_database: MakeDatabase) -> None:
    async with a_million(make_database, ", PRIMARY KEY (id)", " WITHOUT ROWID") as source:
        await check_sample_of_a_million(source)


async def test_many_more_rows_are_sampled_from_places_of_the_table(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as if a million were too many to be read
    monkeypatch.setattr("buster_tasks.sources.sqlite.statistics._READ_WHOLE_UP_TO", 1_000)
    async with a_million(make_database) as source:
        await check_sample_of_a_million(source)


@pytest.mark.parametrize(("level", "rows"), [("sample", 100), ("full", 100), ("full", 1)])
async def test_values_of_several_types_in_a_column(
    make_database: MakeDatabase, level: str, rows: int
) -> None:
    path = make_database("""
        CREATE TABLE every (x, n NUMERIC, t TEXT COLLATE NOCASE, d DATE, b BLOB, j JSON, "no ""such"" na`me" INT);
        INSERT INTO every VALUES (1, 1.5, 'a', '1969-07-20', x'00ff', '{}', 1);
        INSERT INTO every VALUES ('b', 9e999, 'A', '2024-02-29', 'text', '[1]', 2);
        INSERT INTO every VALUES (x'00ff', -9e999, 'Ä', NULL, NULL, NULL, NULL);
        INSERT INTO every VALUES (1.0, NULL, '', NULL, NULL, NULL, NULL);
        CREATE TABLE empty (a INT, t TEXT);
        CREATE TABLE nulls (a INT, t TEXT); INSERT INTO nulls VALUES (NULL, NULL);
    """)
    async with source_of(path) as source:
        found = await measured(source, level, sample_rows=rows)
    assert found.issues == []
    assert {one.statistics_kind for one in found.columns} == {"exact"}
    mixed = column(found, "x")
    assert (mixed.distinct_count, mixed.min_value, mixed.max_value) == (3, 1, "0x00ff")
    assert bounds(column(found, "n")) == ("-Infinity", "Infinity")
    text = column(found, "t", "every")
    assert (text.distinct_count, bounds(text), text.longest_length) == (4, ("", "Ä"), 1)
    assert bounds(column(found, "d")) == ("1969-07-20", "2024-02-29")
    assert sum(one.count for one in column(found, "d").histogram or []) == 2
    binary = column(found, "b")
    assert (binary.null_count, binary.shortest_length, binary.longest_length) == (2, 2, 4)
    assert column(found, 'no "such" na`me').distinct_count == 2
    for table, rows_there in (("empty", 0), ("nulls", 1)):
        for name in ("a", "t"):
            one = column(found, name, table)
            assert (one.null_count, one.distinct_count, bounds(one)) == (
                rows_there,
                0,
                (None, None),
            )


async def test_large_values_do_not_come_over(make_database: MakeDatabase) -> None:
    path = make_database("""
        CREATE TABLE large (id INTEGER PRIMARY KEY, t TEXT, b BLOB);
        WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 20)
        INSERT INTO large SELECT g, printf('%.*c', 1000000, 'x') || g, zeroblob(1000000) FROM s;
    """)
    async with source_of(path) as source:
        found = await measured(source, "sample")
    text, binary = column(found, "t"), column(found, "b")
    assert (text.shortest_length, text.longest_length) == (1_000_001, 1_000_002)
    # what begins alike cannot be told apart, and this is said
    assert (text.statistics_kind, text.distinct_count) == ("estimate", 1)
    assert (binary.longest_length, binary.statistics_kind) == (1_000_000, "exact")
    assert len(found.model_dump_json()) < 10_000
