from pathlib import Path

import duckdb
import pytest

from buster_tasks.sources import DuckdbCredentials
from buster_tasks.sources.duckdb import DuckdbSource
from tests.integration.buster_tasks.measured_tables import (
    bounds,
    check_all_of_a_million,
    check_sample_of_a_million,
    column,
    measured,
)

pytestmark = pytest.mark.anyio

MILLION = """CREATE TABLE million AS SELECT g::INT AS id, (g % 7)::INT AS few,
    CASE WHEN g % 4 = 0 THEN NULL ELSE (g % 1000)::INT END AS thousand, 'user' || g || '@example.org' AS email,
    DATE '2000-01-01' + (g % 3000)::INT AS day, ((g % 100000) / 8)::DECIMAL(12, 3) AS price
    FROM range(1, 1000001) t(g)"""


def source_of(folder: Path, *statements: str) -> DuckdbSource:
    path = folder / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return DuckdbSource(DuckdbCredentials(path=str(path)))


async def test_a_million_rows(tmp_path: Path) -> None:
    async with source_of(tmp_path, MILLION) as source:
        await check_sample_of_a_million(source)
        await check_all_of_a_million(source)


async def test_distinct_values_of_more_than_a_million_rows_are_nearly_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buster_tasks.sources.statistics.aggregates._APPROXIMATE_FROM", 999_999)
    async with source_of(tmp_path, MILLION) as source:
        await check_all_of_a_million(source, approximate=True)


@pytest.mark.parametrize(("level", "rows"), [("sample", 100), ("full", 100), ("full", 1)])
async def test_values_of_every_kind(tmp_path: Path, level: str, rows: int) -> None:
    source = source_of(
        tmp_path,
        """CREATE TABLE every (f DOUBLE, n DECIMAL(38, 10), h HUGEINT, ts TIMESTAMPTZ, u UUID, l INT[],
            s STRUCT(a INT), b BLOB, e ENUM('sad', 'glad'), yes BOOLEAN, i INTERVAL, t TEXT, nothing INT,
            m MAP(INT, INT), bits BIT, "no ""such"" na`me" INT)""",
        """INSERT INTO every VALUES ('NaN', 9999999999999999999999999999.9999999999,
            170141183460469231731687303715884105727, '1969-07-20 20:17Z', gen_random_uuid(), [1], {'a': 1},
            '\\x00\\xFF', 'sad', true, INTERVAL 1 DAY, 'Ä', NULL, MAP {1: 2}, '101', 1)""",
        """INSERT INTO every VALUES ('-inf', -9999999999999999999999999999.9999999999, 0, '2024-02-29 00:00+05',
            gen_random_uuid(), NULL, NULL, '', 'glad', false, INTERVAL 1 MONTH, 'b', NULL, NULL, '1', 2)""",
        "INSERT INTO every (f, n, e, t) VALUES (0, 0, 'glad', '')",
        "CREATE TABLE empty (a INT, t TEXT)",
    )
    async with source:
        found = await measured(source, level, sample_rows=rows)
    assert found.issues == []
    assert {one.statistics_kind for one in found.columns} == {"exact"}
    digits = "9999999999999999999999999999.9999999999"
    assert (bounds(column(found, "f")), column(found, "f").distinct_count) == (
        ("-Infinity", 0.0),
        3,
    )
    assert bounds(column(found, "n")) == (f"-{digits}", digits)
    assert bounds(column(found, "h")) == (0, 2**127 - 1)
    assert bounds(column(found, "t", "every")) == ("", "Ä")
    assert [one.value for one in column(found, "e").top_values or []] == ["glad", "sad"]
    for nested in ("l", "s", "m"):
        assert (column(found, nested).null_count, column(found, nested).distinct_count) == (2, None)
    assert (column(found, "b").shortest_length, column(found, "b").longest_length) == (0, 2)
    assert column(found, "nothing").null_count == 3
    assert column(found, 'no "such" na`me').distinct_count == 2
    assert column(found, "a", "empty").measured_rows == 0
