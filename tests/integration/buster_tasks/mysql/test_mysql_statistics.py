from collections.abc import Callable

import pytest

from buster_tasks.sources.mysql import MysqlSource
from tests.integration.buster_tasks.measured_tables import (
    bounds,
    check_all_of_a_million,
    check_sample_of_a_million,
    column,
    measured,
)
from tests.integration.buster_tasks.mysql.conftest import Account

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., MysqlSource]
MILLION = """CREATE TABLE million (id INT PRIMARY KEY, few INT, thousand INT, email VARCHAR(40), day DATE,
    price DECIMAL(12, 3))
    SELECT seq AS id, seq % 7 AS few, CASE WHEN seq % 4 = 0 THEN NULL ELSE seq % 1000 END AS thousand,
    CONCAT('user', seq, '@example.org') AS email, DATE_ADD('2000-01-01', INTERVAL seq % 3000 DAY) AS day,
    (seq % 100000) / 8 AS price FROM seq_1_to_1000000"""


async def test_a_million_rows(account: Account, source: MysqlSource) -> None:
    account.run(MILLION, "ANALYZE TABLE million")
    await check_sample_of_a_million(source)
    await check_all_of_a_million(source)


async def test_many_more_rows_are_sampled_from_places_of_the_key(
    account: Account, source: MysqlSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as if a million were too many to be read
    monkeypatch.setattr("buster_tasks.sources.mysql.statistics._READ_WHOLE_UP_TO", 1_000)
    account.run(MILLION, "ANALYZE TABLE million")
    await check_sample_of_a_million(source)


# with a sample of one row the table does not fit, so that `full` has to ask for aggregates
@pytest.mark.parametrize(("level", "rows"), [("sample", 100), ("full", 100), ("full", 1)])
async def test_values_of_every_kind(
    account: Account, source: MysqlSource, level: str, rows: int
) -> None:
    account.run(
        "SET SESSION sql_mode = ''",
        """CREATE TABLE every (d DATE, n DECIMAL(38, 10), f DOUBLE, t VARCHAR(20) CHARACTER SET utf8mb4
            COLLATE utf8mb4_general_ci, e ENUM('sad', 'glad'), b BLOB, j JSON, y YEAR, tm TIME, g POINT,
            `no "such" na``me` INT)""",
        """INSERT IGNORE INTO every VALUES ('1969-07-20', 9999999999999999999999999999.9999999999, -0e0, 'a', 'sad',
            X'00FF', '{}', 2024, '-01:00:00', POINT(1, 2), 1)""",
        """INSERT IGNORE INTO every VALUES ('2024-02-29', -9999999999999999999999999999.9999999999, 0e0, 'A', 'glad',
            X'', '[1]', 1999, '100:00:00', NULL, 2)""",
        """INSERT IGNORE INTO every (d, n, f, t, e) VALUES ('0000-00-00', 0, 1e300, 'Ä', 'glad')""",
    )
    found = await measured(source, level, sample_rows=rows)
    assert found.issues == []
    digits = "9999999999999999999999999999.9999999999"
    assert bounds(column(found, "d")) == ("0000-00-00", "2024-02-29")
    assert bounds(column(found, "n")) == (f"-{digits}", digits)
    assert (bounds(column(found, "f")), column(found, "f").distinct_count) == ((0.0, 1e300), 2)
    # by their characters, whatever the collation
    assert (bounds(column(found, "t")), column(found, "t").distinct_count) == (("A", "Ä"), 3)
    assert [one.value for one in column(found, "e").top_values or []] == ["glad", "sad"]
    blob = column(found, "b")
    assert (blob.null_count, blob.shortest_length, blob.longest_length) == (1, 0, 2)
    assert column(found, "j").semantic_type == "json"
    assert bounds(column(found, "y")) == (1999, 2024)
    assert (column(found, "g").null_count, column(found, "g").distinct_count) == (2, None)
    assert column(found, 'no "such" na`me').distinct_count == 2
    assert {one.statistics_kind for one in found.columns} == {"exact"}


async def test_a_column_that_may_not_be_read_costs_the_others_nothing(
    account: Account, open_source: OpenSource
) -> None:
    name = account.name
    account.run(
        "CREATE TABLE part (a INT, secret INT, b INT, c INT)",
        "INSERT INTO part VALUES (1, 2, 3, 4)",
        "CREATE TABLE none (a INT, b INT)",
        f"REVOKE ALL ON {name}.* FROM {name}@'%'",
        f"GRANT SELECT (a, b, c), REFERENCES (secret) ON {name}.part TO {name}@'%'",
        f"GRANT INSERT ON {name}.none TO {name}@'%'",
    )
    found = await measured(open_source(), "sample")
    new = {one.object: one.code for one in found.issues if one.code.startswith("NOT_MEASURED")}
    assert new == {
        f"{name}.{name}.none": "NOT_MEASURED_PERMISSION_DENIED",
        f"{name}.{name}.part.secret": "NOT_MEASURED_PERMISSION_DENIED",
    }
    assert [column(found, one, "part").distinct_count for one in ("a", "b", "c")] == [1, 1, 1]
