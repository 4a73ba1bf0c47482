"""The reader on a real Spark: its SQL, its types, its errors, and the metastore that is not Unity Catalog's."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from buster_tasks.errors import (
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceTimeoutError,
)
from buster_tasks.sources import DatabricksCredentials
from buster_tasks.sources.databricks import DatabricksSource, catalog
from buster_tasks.sources.databricks.details import Asking
from buster_tasks.sources.databricks.session import DatabricksSession
from buster_tasks.sources.nested_fields import field_paths
from buster_tasks.sources.quoting import in_back_quotes
from buster_tasks.sources.schema import Filters
from tests.doubles.databricks_engine import SHAPES, type_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(300),  # a Java machine warms up slowly
    pytest.mark.skipif(
        not os.environ.get("SPARK_TESTS"), reason="takes minutes and a JRE: set SPARK_TESTS=1"
    ),
]

ENDLESS = "SELECT sum(a.id * b.id % 7) FROM range(10000000) a CROSS JOIN range(10000000) b"
STATEMENTS = (
    catalog.PLACES, catalog.RELATIONS, catalog.NAMES, catalog.COLUMNS, catalog.KEYS, catalog.REFERENCES,
    catalog.VIEWS, catalog.PARTITIONS,
)  # fmt: skip
TABLES = (
    "CREATE DATABASE shop",
    (
        "CREATE TABLE shop.sale (id BIGINT COMMENT 'its \\'number\\'', price DECIMAL(12,4), "
        "buyer STRUCT<name: STRING, tags: ARRAY<STRING>>, region STRING) USING parquet "
        "PARTITIONED BY (region) COMMENT 'what; was sold'"
    ),
    "INSERT INTO shop.sale VALUES (1, 1.5, named_struct('name', 'a', 'tags', array('x')), 'north')",
    "ANALYZE TABLE shop.sale COMPUTE STATISTICS",
    "CREATE VIEW shop.dear AS SELECT id,\n price FROM shop.sale WHERE price > 1",
)


def _shape(name: str, columns: str) -> str:
    """An empty relation of the shape of one of the information schema's, for one session."""
    kinds = {"VARCHAR": "STRING", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP"}
    typed = ", ".join(
        f"CAST(NULL AS {kinds.get(type_of(one), type_of(one))}) AS {one}"
        for one in columns.split(", ")
    )
    return f"CREATE TEMPORARY VIEW uc_{name} AS SELECT {typed} WHERE FALSE"


def _make(server: Any) -> None:
    from databricks import sql

    from tests.doubles.databricks import TOKEN

    with (
        sql.connect(
            server_hostname="127.0.0.1",
            http_path="/sql/x",
            access_token=TOKEN,
            _connection_uri=f"{server.host}/sql/x",
            enable_telemetry=False,
        ) as connection,
        connection.cursor() as cursor,
    ):
        for statement in TABLES:
            cursor.execute(statement)


@pytest.fixture(scope="module")
def made(spark: Any) -> Any:
    _make(spark)
    return spark


@pytest.fixture
async def source(made: Any) -> AsyncIterator[DatabricksSource]:
    async with DatabricksSource(
        DatabricksCredentials.model_validate(made.credentials(connection_timeout=60_000))
    ) as opened:
        yield opened
    assert made.told("reader")["sessions"] == 0


async def test_the_old_metastore_is_read_by_show_and_the_driver(source: DatabricksSource) -> None:
    found = await source.introspect(Filters(schemas=["shop"]))
    assert source.statements == 4
    assert [one.code for one in found.issues] == ["NO_UNITY_CATALOG"]
    assert not found.complete
    (table,) = found.tables
    assert (table.database, table.schema_name, table.name) == ("spark_catalog", "shop", "sale")
    assert (table.comment, table.partition_keys) == ("what; was sold", ["region"])
    assert (table.row_count, table.row_count_kind, table.metadata["format"]) == (
        1,
        "estimate",
        "PARQUET",
    )
    assert (table.size_bytes or 0) > 0
    (view,) = found.views
    assert view.definition == "SELECT id,\n price FROM shop.sale WHERE price > 1"
    columns = {one.name: one for one in found.columns if one.table == "sale"}
    assert [one.position for one in columns.values()] == [1, 2, 3, 4]
    assert columns["id"].comment == "its 'number'"
    assert (columns["id"].normalized_type, columns["id"].is_primary_key) == ("integer", None)
    assert (columns["price"].precision, columns["price"].scale) == (12, 4)
    assert columns["buyer"].normalized_type == "struct"
    assert list(field_paths(columns["buyer"])) == ["buyer.name", "buyer.tags"]
    assert [one.name for one in found.columns if one.table == "dear"] == ["id", "price"]


async def test_values_are_by_type(source: DatabricksSource) -> None:
    result = await source.execute(
        "SELECT CAST(1.5 AS DECIMAL(12,4)), TIMESTAMP'2024-01-02 03:04:05', TIMESTAMP_NTZ'2024-01-02 03:04:05', "
        "DATE'2024-02-29', X'00FF', array(1, 2), map('k', 1), named_struct('a', 1, 'b', array('x')), "
        "INTERVAL '1 02:03:04.5' DAY TO SECOND, '%s :x ?', NULL, TRUE, 0.5D"
    )
    assert result.rows == [
        (
            Decimal("1.5000"),
            datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
            datetime(2024, 1, 2, 3, 4, 5),  # noqa: DTZ001 - it has no zone
            date(2024, 2, 29),
            b"\x00\xff",
            [1, 2],
            {"k": 1},
            {"a": 1, "b": ["x"]},
            timedelta(days=1, hours=2, minutes=3, seconds=4.5),
            "%s :x ?",
            None,
            True,
            0.5,
        )
    ]
    assert [one.data_type for one in result.columns[:3]] == [
        "decimal(12,4)", "timestamp", "timestamp_ntz",
    ]  # fmt: skip


async def test_rows_are_exact_and_errors_typed(source: DatabricksSource) -> None:
    some = await source.execute("SELECT id FROM range(10001) ORDER BY id", max_rows=10_000)
    assert (some.row_count, some.truncated, some.rows[-1]) == (10_000, True, (9_999,))
    every = await source.execute("SELECT id FROM range(3);", max_rows=3)
    assert (every.row_count, every.truncated) == (3, False)
    for sql in ("SELECT * FROM nowhere", "SELEC 1", "SELECT 1 FROM WHERE"):
        with pytest.raises(QueryFailedError) as caught:
            await source.execute(sql)
        assert "org.apache.hive" not in str(caught.value)
    with pytest.raises(PermissionDeniedError):
        await source.execute("DROP TABLE shop.sale")


async def test_a_statement_is_stopped_in_spark(source: DatabricksSource) -> None:
    with pytest.raises(SourceTimeoutError):
        await source.execute(ENDLESS, timeout=1)
    running = asyncio.ensure_future(source.execute(ENDLESS, timeout=120))
    await asyncio.wait([running], timeout=1)
    await source.cancel()
    with pytest.raises(QueryCanceledError):
        await running
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_spark_takes_every_statement_of_the_catalog(
    source: DatabricksSource,
) -> None:
    filters = Filters(schemas=["s*", "o'x"], tables=["t?", "a.b"])
    asking, place = Asking("main", ["main", "o'x"], filters), in_back_quotes("main")

    def ask(session: DatabricksSession, budget: Any) -> list[Any]:
        for shape in SHAPES.items():
            session.rows(_shape(*shape), budget=budget)
        found: list[Any] = []
        for template in STATEMENTS:
            text = template.format(**asking._known).replace(f"{place}.information_schema.", "uc_")
            names = {**asking._places, **asking._tables}
            known = {name: value for name, value in names.items() if f":{name}" in text}
            found.append(session.rows(text, known, budget=budget)[1])
        return found

    assert await source._read(ask) == [[]] * len(STATEMENTS)
