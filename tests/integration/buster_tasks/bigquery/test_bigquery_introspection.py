"""What is read of a project, by how many statements, and what is said of what may not be read."""

from collections.abc import Callable

import pytest

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources import BigqueryCredentials, Filters
from buster_tasks.sources.bigquery import BigquerySource
from buster_tasks.sources.nested_fields import field_paths
from buster_tasks.sources.schema import NestedField
from tests.doubles.bigquery_proxy import Answer, Proxy
from tests.doubles.bigquery_server import PROJECT, BigqueryServer

pytestmark = pytest.mark.anyio

Open = Callable[..., BigquerySource]
DENIED = Answer.error(
    403, "accessDenied", "Access Denied: Table p:x: User does not have permission"
)


def make(server: BigqueryServer, dataset: str) -> None:
    server.run(
        f"CREATE TABLE {dataset}.customer (id INT64 NOT NULL, at TIMESTAMP, name STRING OPTIONS (description='full'), "
        "place STRUCT<city STRING, spots ARRAY<STRUCT<lat FLOAT64>>>, PRIMARY KEY (id) NOT ENFORCED) "
        "PARTITION BY DATE(at) CLUSTER BY name OPTIONS (description='who buys', labels=[('team', 'shop')])",
        f"CREATE TABLE {dataset}.events_20240101 AS SELECT 1 AS a",
        f"CREATE TABLE {dataset}.events_20240102 AS SELECT 2 AS a, 'x' AS b",
        f"CREATE VIEW {dataset}.names AS SELECT name FROM {dataset}.customer",
    )


async def test_everything_of_a_dataset(
    server: BigqueryServer, dataset: str, open_source: Open
) -> None:
    make(server, dataset)
    source = open_source()
    await source.open()
    found = await source.introspect(Filters(schemas=[dataset]))
    assert source.statements == 8  # the list of datasets, and seven
    assert (found.complete, found.issues) == (True, [])
    (schema,) = found.schemas
    assert (schema.comment, schema.metadata) == ("of a test", {"location": "US"})
    customer, events = found.tables
    assert customer.comment == "who buys"
    assert (customer.partition_keys, customer.clustering_keys) == (["at"], ["name"])
    assert customer.metadata["options"] == {"labels": {"team": "shop"}}
    assert (events.name, events.row_count, events.row_count_kind) == ("events_*", 2, "estimate")
    columns = {(one.table, one.name): one for one in found.columns}
    assert columns["customer", "name"].comment == "full"
    assert [name for table, name in columns if table == "events_*"] == ["a", "b"]
    place = columns["customer", "place"]
    assert list(field_paths(place)) == ["place.city", "place.spots", "place.spots.lat"]
    assert place.fields is not None
    assert place.fields[0] == NestedField(name="city", data_type="STRING", normalized_type="text")
    assert [(one.name, one.definition) for one in found.views] == [
        ("names", f"SELECT name FROM {dataset}.customer")
    ]
    alone = await source.introspect(Filters(tables=[f"{dataset}.events_20240101"]))
    assert [(one.name, one.row_count) for one in alone.tables] == [("events_20240101", 1)]
    assert [one.name for one in alone.columns] == ["a"]


def at(proxy: Proxy) -> BigquerySource:
    known = {"project_id": PROJECT, "api_endpoint": proxy.endpoint}
    return BigquerySource(BigqueryCredentials.model_validate(known))


@pytest.mark.parametrize("tables", [2, 12])
async def test_more_tables_of_a_location_are_no_more_statements(
    server: BigqueryServer, dataset: str, open_source: Open, tables: int
) -> None:
    server.run(
        *(f"CREATE TABLE {dataset}.t{at} (a INT64)" for at in range(tables)),
        f"CREATE VIEW {dataset}.v AS SELECT a FROM {dataset}.t0",
    )
    source = open_source()
    await source.open()
    found = await source.introspect(Filters(schemas=[dataset]))
    assert (len(found.tables), len(found.views), source.statements) == (tables, 1, 8)


async def test_a_location_that_may_not_be_read_as_a_whole(
    server: BigqueryServer, dataset: str, proxy: Proxy
) -> None:
    make(server, dataset)
    proxy.refuse("region-us", DENIED)
    proxy.refuse("`endless`.INFORMATION_SCHEMA", DENIED)
    async with at(proxy) as source:
        found = await source.introspect(Filters(schemas=[dataset, "endless"]))
    assert not found.complete
    told = [(one.code, one.object) for one in found.issues]
    assert told == [
        ("PERMISSION_DENIED", "endless"),
        ("PERMISSION_DENIED", "row counts and sizes"),
    ]
    assert all(issue.fix for issue in found.issues)
    assert [one.name for one in found.tables] == ["customer", "events_*"]
    assert found.tables[0].comment == "who buys"
    assert (found.tables[0].row_count, found.tables[0].row_count_kind) == (None, "unknown")


@pytest.mark.parametrize(
    ("view", "part"),
    [
        ("COLUMN_FIELD_PATHS", "descriptions and fields"),
        ("KEY_COLUMN_USAGE", "keys"),
        ("TABLE_STORAGE", "row counts and sizes"),
    ],
)
async def test_a_part_that_may_not_be_read(
    view: str, part: str, server: BigqueryServer, proxy: Proxy
) -> None:
    proxy.refuse(view, DENIED)
    async with at(proxy) as source:
        found = await source.introspect(Filters(schemas=["endless"]))
    assert [(one.code, one.object) for one in found.issues] == [("PERMISSION_DENIED", part)]
    assert not found.complete
    assert [one.name for one in found.columns] == ["x"]


async def test_columns_that_may_not_be_read_are_no_empty_answer(
    server: BigqueryServer, proxy: Proxy
) -> None:
    proxy.refuse("INFORMATION_SCHEMA.COLUMNS", DENIED)
    async with at(proxy) as source:
        with pytest.raises(PermissionDeniedError):
            await source.introspect(Filters(schemas=["endless"]))


async def test_a_project_without_a_dataset_that_can_be_seen(
    server: BigqueryServer, proxy: Proxy
) -> None:
    proxy.refuse("/datasets", Answer(200, {"kind": "bigquery#datasetList"}))
    async with at(proxy) as source:
        found = await source.introspect()
    assert ([one.code for one in found.issues], found.complete) == (["PERMISSION_DENIED"], False)


async def test_values_of_all_types(open_source: Open) -> None:
    source = open_source()
    sql = """SELECT BIGNUMERIC '1.25' AS a, TIMESTAMP '2024-01-01 00:00:00+00' AS b, JSON '{"x": [1]}' AS c,
        [1, 2] AS d, STRUCT(1 AS x, 'y' AS y) AS e, ST_GEOGPOINT(1, 2) AS f, INTERVAL 3 DAY AS g,
        RANGE<DATE> '[2024-01-01, UNBOUNDED)' AS h"""
    result = await source.execute(sql)
    (row,) = result.rows
    assert [column.data_type for column in result.columns] == [
        "BIGNUMERIC", "TIMESTAMP", "JSON", "ARRAY<INT64>", "STRUCT", "GEOGRAPHY", "INTERVAL", "RANGE",
    ]  # fmt: skip
    assert repr(row) == (
        "(Decimal('1.25'), datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), {'x': [1]}, [1, 2], "
        "{'x': 1, 'y': 'y'}, 'POINT(1 2)', datetime.timedelta(days=3), "
        "{'start': datetime.date(2024, 1, 1), 'end': None})"
    )


async def test_unqualified_names_are_of_the_default_dataset(open_source: Open) -> None:
    source = open_source(default_dataset="endless")
    result = await source.execute("SELECT COUNT(*) FROM big")
    assert result.rows == [(4_000,)]
