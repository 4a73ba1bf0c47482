"""What is read of Unity Catalog, through the real driver, in how many statements, and with which rights."""

from collections.abc import Callable
from typing import Any

import pytest

from buster_tasks.errors import ConnectionFailedError
from buster_tasks.sources.databricks import DatabricksSource
from buster_tasks.sources.databricks.reading import KEYS, PARTITIONS, REFERENCES, TEXTS
from buster_tasks.sources.schema import Filters, NestedField

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., DatabricksSource]
SCRIPT = (
    "CREATE SCHEMA shop",
    (
        "CREATE TABLE shop.customer (id bigint NOT NULL, address struct<street:string,tags:array<string>>, "
        "seen timestamp, price decimal(12,4), PRIMARY KEY (id))"
    ),
    (
        "CREATE TABLE shop.sale (id bigint NOT NULL, customer bigint, "
        "FOREIGN KEY (customer) REFERENCES shop.customer (id))"
    ),
    "CREATE VIEW shop.names AS SELECT id FROM shop.customer",
)


async def test_everything_comes_in_eight_statements(account: Any, source: DatabricksSource) -> None:
    account.run(*SCRIPT)
    found = await source.introspect()
    assert source.statements == 8
    assert (found.complete, found.issues) == (True, [])
    assert [one.name for one in found.databases] == [account.name]
    columns = {(one.table, one.name): one for one in found.columns}
    address = columns["customer", "address"]
    assert (address.data_type, address.normalized_type) == (
        "struct<street:string,tags:array<string>>",
        "struct",
    )
    tag = NestedField(name="element", data_type="string", normalized_type="text")
    assert address.fields == [
        NestedField(name="street", data_type="string", normalized_type="text"),
        NestedField(name="tags", data_type="array<string>", normalized_type="array", fields=[tag]),
    ]
    assert (address.metadata, columns["customer", "seen"].fields) == ({}, None)
    assert columns["customer", "seen"].normalized_type == "timestamptz"
    price = columns["customer", "price"]
    assert (price.precision, price.scale) == (12, 4)
    (key,) = found.foreign_keys
    assert (key.source_columns, key.referenced_table, key.referenced_columns) == (
        ["customer"],
        "customer",
        ["id"],
    )
    assert [(one.row_count, one.row_count_kind) for one in found.tables] == [(None, "unknown")] * 2


async def test_more_tables_are_no_more_statements(account: Any, source: DatabricksSource) -> None:
    account.run("CREATE SCHEMA shop", *(f"CREATE TABLE shop.t{at} (a int)" for at in range(300)))
    found = await source.introspect()
    assert (len(found.tables), source.statements) == (300, 8)


async def test_without_a_catalog_all_are_read_in_the_same_statements(
    server: Any, account: Any, open_source: OpenSource
) -> None:
    account.run(*SCRIPT)
    server.ask("catalog", name=f"{account.name}_b")
    server.run(*SCRIPT, catalog=f"{account.name}_b")
    source = open_source(catalog=None)
    found = await source.introspect()
    named = {one.name for one in found.databases}
    assert {account.name, f"{account.name}_b", "workspace"} <= named
    assert not named & {"system", "samples"}
    assert source.statements == 8
    tables = {(one.database, one.name) for one in found.tables}
    assert {(account.name, "sale"), (f"{account.name}_b", "sale")} <= tables


async def test_filters_go_into_the_statements_as_parameters(
    account: Any, source: DatabricksSource
) -> None:
    account.run(*SCRIPT, "CREATE SCHEMA `it's`", "CREATE TABLE `it's`.`a_b` (a int)")
    found = await source.introspect(Filters(schemas=["it's"], tables=["A_?"]))
    assert [(one.schema_name, one.name) for one in found.tables] == [("it's", "a_b")]
    assert (found.complete, found.issues) == (True, [])
    own = [sql for sql in account.seen() if "information_schema" in sql][-7:]
    assert not any(text in sql for text in ("it's", "a_?", "a|_", account.name) for sql in own)
    assert all(":t0" in sql for sql in own[1:])
    none = await source.introspect(Filters(tables=["sail"]))
    assert none.tables == []
    assert [one.code for one in none.issues] == ["FILTER_MATCHES_NOTHING"]
    assert "sale" in none.issues[0].fix


async def test_a_part_that_is_denied_is_an_issue(account: Any, source: DatabricksSource) -> None:
    account.run(*SCRIPT)
    account.deny("information_schema.views", "partition_index")
    found = await source.introspect()
    assert not found.complete
    assert {(one.object, one.code) for one in found.issues} == {
        ("texts of views", "PERMISSION_DENIED"),
        ("partition columns", "PERMISSION_DENIED"),
    }
    assert [one.definition for one in found.views] == [None]
    assert len(found.columns) == 7
    assert found.tables[0].partition_keys is None


async def test_without_the_metastores_schema_the_catalogs_own_is_asked(
    account: Any, source: DatabricksSource
) -> None:
    account.run(*SCRIPT)
    account.deny("`system`.information_schema")
    found = await source.introspect()
    assert found.complete
    assert [one.name for one in found.tables] == ["customer", "sale"]
    assert source.statements == 9


async def test_a_catalog_that_shows_nothing_is_no_empty_success(source: DatabricksSource) -> None:
    found = await source.introspect()
    assert [one.code for one in found.issues] == ["NOTHING_VISIBLE"]
    assert not found.complete


async def test_sizes_are_asked_for_where_statistics_are(
    account: Any, source: DatabricksSource
) -> None:
    account.run(*SCRIPT)
    found = await source.introspect(statistics="catalog")
    assert source.statements == 10
    assert [(one.size_bytes, one.clustering_keys) for one in found.tables] == [(4096, ["id"])] * 2
    limited = await source.introspect(statistics="catalog", time_limit=0)
    assert [one.size_bytes for one in limited.tables] == [None, None]
    told = {one.object: one.code for one in limited.issues if one.code != "SIZES_LIMITED"}
    assert told == dict.fromkeys((TEXTS, KEYS, REFERENCES, PARTITIONS), "TIME_LIMIT_REACHED")
    assert (len(limited.columns), limited.complete) == (len(found.columns), False)


async def test_a_session_that_was_forgotten_is_made_anew(
    server: Any, account: Any, source: DatabricksSource
) -> None:
    account.run(*SCRIPT)
    await source.open()
    server.ask("forget", user=account.name)
    with pytest.raises(ConnectionFailedError) as caught:
        await source.introspect()
    assert caught.value.transient
    assert len((await source.introspect()).tables) == 2
