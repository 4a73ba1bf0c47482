"""What introspection finds in the stand-in for Snowflake, and what it tells of what it may not see."""

from collections.abc import Callable
from typing import Any

import pytest

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources import Filters
from buster_tasks.sources.schema import Introspection
from buster_tasks.sources.snowflake import SnowflakeSource

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., SnowflakeSource]
SHOP = (
    "CREATE TABLE APP.CUSTOMERS (ID INT PRIMARY KEY, NAME VARCHAR(20) NOT NULL UNIQUE, NOTE VARIANT)",
    (
        "CREATE TABLE APP.ORDERS (ID INT PRIMARY KEY, CUSTOMER INT REFERENCES APP.CUSTOMERS (ID), "
        "PAID NUMBER(12,2) DEFAULT 0, PLACED TIMESTAMP_TZ) COMMENT = 'what was bought'"
    ),
    "INSERT INTO APP.CUSTOMERS VALUES (1, 'ada', NULL)",
    "CREATE VIEW APP.SORTED AS SELECT ID FROM APP.CUSTOMERS",
)


def shape(found: Introspection) -> dict[str, int]:
    names = ("tables", "views", "columns", "primary_keys", "unique_keys", "foreign_keys")
    return {name: found.counts()[name] for name in names}


WHOLE = {
    "tables": 2, "views": 1, "columns": 8, "primary_keys": 2, "unique_keys": 1, "foreign_keys": 1,
}  # fmt: skip


async def test_all_of_a_database(account: Any, source: SnowflakeSource) -> None:
    account.run(*SHOP)
    found = await source.introspect()
    assert (shape(found), found.issues, found.complete) == (WHOLE, [], True)
    assert [one.name for one in found.databases] == [account.name]
    orders = next(one for one in found.tables if one.name == "ORDERS")
    assert (orders.row_count, orders.row_count_kind, orders.comment) == (
        0,
        "exact",
        "what was bought",
    )
    assert next(one for one in found.tables if one.name == "CUSTOMERS").row_count == 1
    kinds = {one.name: (one.data_type, one.normalized_type) for one in found.columns}
    assert kinds["NOTE"] == ("VARIANT", "json")
    assert kinds["PAID"] == ("NUMBER(12,2)", "decimal")
    assert kinds["PLACED"] == ("TIMESTAMP_TZ", "timestamptz")
    assert found.views[0].definition == "SELECT ID FROM APP.CUSTOMERS"


@pytest.mark.parametrize("tables", [2, 60])
async def test_the_catalog_is_asked_eight_times(
    account: Any, source: SnowflakeSource, tables: int
) -> None:
    account.run(*SHOP, *(f"CREATE TABLE APP.T{at} (ID INT PRIMARY KEY)" for at in range(tables)))
    found = await source.introspect()
    assert (len(found.tables), source.statements) == (tables + 2, 8)
    asked = [one for one in account.asked() if one["sql"].strip().startswith(("SELECT", "SHOW"))]
    assert len(asked) == 8 + 1  # and what Snowflake tells about the session


async def test_other_databases_are_read_where_a_filter_names_them(
    account: Any, source: SnowflakeSource
) -> None:
    account.run(*SHOP)
    other = f"{account.name}_MORE"
    account.server.run(f"CREATE DATABASE {other}", f"CREATE SCHEMA {other}.APP")
    account.server.run(f"CREATE TABLE {other}.APP.ORDERS (NUMBER INT)")
    assert {one.database for one in (await source.introspect()).tables} == {account.name}
    found = await source.introspect(Filters(databases=[f"{account.name.lower()}*"]))
    assert [one.name for one in found.databases] == [account.name, other]
    assert shape(found) == {**WHOLE, "tables": 3, "columns": 9}
    assert [one.table for one in found.columns if one.database == other] == ["ORDERS"]
    only = await source.introspect(Filters(databases=[other], tables=[f"{other}.APP.*"]))
    assert [(one.database, one.name) for one in only.tables] == [(other, "ORDERS")]


async def test_a_database_that_may_not_be_read_is_told(
    account: Any, open_source: OpenSource
) -> None:
    account.run(*SHOP)
    shared = f"SHARED_{account.name}"
    account.server.run(f"CREATE DATABASE {shared}", f"CREATE SCHEMA {shared}.APP")
    source = open_source(username="NO_SHARE")
    found = await source.introspect(Filters(databases=[account.name, shared]))
    assert (shape(found), found.complete) == (WHOLE, False)
    assert [(one.scope, one.object) for one in found.issues] == [("database", shared)]
    await source.close()


@pytest.mark.parametrize(
    ("user", "parts", "missing"),
    [
        ("NO_KEYS", ["primary keys", "unique keys", "foreign keys"],
         {"primary_keys": 0, "unique_keys": 0, "foreign_keys": 0}),
        ("NO_VIEWS", ["view definitions"], {}),
        ("NO_DATABASES", ["databases beside it"], {}),
    ],
)  # fmt: skip
async def test_a_part_that_may_not_be_read_is_told_and_loses_nothing_else(
    account: Any, open_source: OpenSource, user: str, parts: list[str], missing: dict[str, int]
) -> None:
    account.run(*SHOP)
    source = open_source(username=user)
    found = await source.introspect()
    assert (shape(found), found.complete) == ({**WHOLE, **missing}, False)
    assert [one.code for one in found.issues] == ["PERMISSION_DENIED"] * len(parts)
    assert all(part in one.message for part, one in zip(parts, found.issues, strict=True))
    assert all(one.fix.startswith("GRANT") for one in found.issues)
    known = {one.is_primary_key for one in found.columns}
    assert known == ({None} if user == "NO_KEYS" else {True, False, None})
    await source.close()


async def test_without_the_tables_there_is_no_introspection(
    account: Any, open_source: OpenSource
) -> None:
    account.run(*SHOP)
    source = open_source(username="NO_TABLES")
    with pytest.raises(PermissionDeniedError, match="READING"):
        await source.introspect()
    await source.close()


async def test_a_catalog_that_is_too_much_is_read_schema_by_schema(
    account: Any, open_source: OpenSource
) -> None:
    account.run(*SHOP, f"CREATE SCHEMA {account.name}.MORE", "CREATE TABLE MORE.T (A INT)")
    source = open_source(username="TOO_MUCH")
    found = await source.introspect()
    assert (shape(found), found.complete) == ({**WHOLE, "tables": 3, "columns": 9}, True)
    await source.close()


async def test_a_database_without_a_visible_schema(account: Any, source: SnowflakeSource) -> None:
    account.run("DROP SCHEMA APP")
    found = await source.introspect()
    assert ([one.code for one in found.issues], found.complete) == (["PERMISSION_DENIED"], False)
    assert f'GRANT USAGE ON ALL SCHEMAS IN DATABASE "{account.name}"' in found.issues[0].fix


async def test_names_of_filters_have_no_case(account: Any, source: SnowflakeSource) -> None:
    account.run(*SHOP, 'CREATE TABLE APP."odd %_| name" (A INT)')
    found = await source.introspect(Filters(schemas=["app"], tables=["orders", "odd %_| n*"]))
    assert [one.name for one in found.tables] == ["ORDERS", "odd %_| name"]
    none = await source.introspect(Filters(tables=["odd x_| name"]))
    assert (none.tables, len(none.issues)) == ([], 1)
