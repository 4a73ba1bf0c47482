"""What the reader finds on a server: all that the catalog has, in few statements, and what it may not see."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from buster_tasks.errors import SourceTimeoutError
from buster_tasks.sources import Filters
from buster_tasks.sources.schema import Introspection
from buster_tasks.sources.sqlserver import SqlserverSource

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., SqlserverSource]
SHOP = (
    "CREATE SCHEMA sales",
    """CREATE TABLE customer (id int IDENTITY(1,1) NOT NULL PRIMARY KEY, name nvarchar(40) NOT NULL DEFAULT N'(new)',
    doubled AS (id * 2) PERSISTED, note varchar(max) NULL, price money NULL, seen datetimeoffset(3) NULL,
    CONSTRAINT positive CHECK (id > 0))""",
    """CREATE TABLE sales.bill (number int NOT NULL, customer int NULL, PRIMARY KEY (number),
    CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES dbo.customer (id) ON DELETE SET NULL ON UPDATE CASCADE)""",
    "CREATE INDEX by_customer ON sales.bill (customer DESC) INCLUDE (number) WHERE customer > 0",
    "CREATE VIEW names AS SELECT name FROM customer",
    "INSERT INTO customer (id, name) VALUES (1, N'a'), (2, N'b')",
    "COMMENT ON TABLE sales.bill IS 'what is owed'",
    "COMMENT ON COLUMN dbo.customer.name IS 'as written'",
)


@pytest.fixture
def shop(account: Any) -> Any:
    account.run(*SHOP)
    return account


def codes(found: Introspection) -> list[tuple[str, str]]:
    return [(one.code, one.object) for one in found.issues]


async def test_everything_is_found(shop: Any, source: SqlserverSource) -> None:
    found = await source.introspect()
    assert (found.complete, found.issues) == (True, [])
    assert [one.name for one in found.databases] == [shop.name]
    assert [(one.name, one.owner) for one in found.schemas] == [("dbo", "dbo"), ("sales", "dbo")]
    assert [(one.schema_name, one.name, one.row_count) for one in found.tables] == [
        ("dbo", "customer", 2), ("sales", "bill", 0),
    ]  # fmt: skip
    customer, bill = found.tables
    assert customer.size_bytes == 4 * 8_192
    assert customer.metadata["checks"] == ["(id > 0)"]
    assert (customer.clustering_keys, bill.comment) == (["id"], "what is owed")
    assert customer.created is not None
    columns = {one.name: one for one in found.columns if one.table == "customer"}
    assert {name: one.data_type for name, one in columns.items()} == {
        "id": "int", "name": "nvarchar(40)", "doubled": "int", "note": "varchar(max)", "price": "money",
        "seen": "datetimeoffset(3)",
    }  # fmt: skip
    assert (columns["id"].identity, columns["id"].is_primary_key) == ("autoincrement", True)
    assert (columns["name"].default_value, columns["name"].max_length) == ("N'(new)'", 40)
    assert columns["name"].comment == "as written"
    assert columns["note"].max_length is None
    assert columns["doubled"].generated_kind == "stored"
    assert columns["doubled"].generated_expression == "id * 2"
    (view,) = found.views
    assert view.definition == SHOP[4]
    (key,) = found.foreign_keys
    assert (key.name, key.referenced_schema, key.referenced_table) == (
        "of_customer",
        "dbo",
        "customer",
    )
    assert (key.on_delete, key.on_update) == ("SET NULL", "CASCADE")
    index = next(one for one in found.indexes if one.name == "by_customer")
    assert (index.columns, index.parts[0].is_descending) == (["customer"], True)
    assert (index.predicate, index.metadata) == ("(customer > 0)", {"included": ["number"]})


async def test_statements_do_not_grow_with_the_tables(
    account: Any, source: SqlserverSource
) -> None:
    account.run("CREATE TABLE t0 (a int NOT NULL PRIMARY KEY)", "CREATE VIEW v AS SELECT a FROM t0")
    await source.introspect()
    few = source.statements
    account.run(*(f"CREATE TABLE t{at} (a int NOT NULL PRIMARY KEY, b int)" for at in range(1, 60)))
    found = await source.introspect()
    assert len(found.tables) == 60
    assert source.statements - few == few == 7  # the databases, and six for this one


def many(account: Any, first: int, last: int) -> None:
    """Tables of ten columns with a primary key and a foreign key, made in the catalog alone."""
    span = f"range({first}, {last}) AS t(n)"
    account.duckdb(
        "INSERT INTO objects (name, object_id, schema_id, parent_object_id, type, type_desc) "
        f"SELECT 'table_' || n, 1000000 + n, 1, 0, 'U', 'USER_TABLE' FROM {span}"
    )
    account.duckdb(f"INSERT INTO tables (object_id) SELECT 1000000 + n FROM {span}")
    account.duckdb(
        "INSERT INTO columns (object_id, name, column_id, system_type_id, user_type_id, max_length, precision, scale, "
        "is_nullable) SELECT 1000000 + t.n, 'column_' || c.n, c.n, 56, 56, 4, 10, 0, c.n > 1 "
        f"FROM {span} CROSS JOIN range(1, 11) AS c(n)"
    )
    account.duckdb(
        "INSERT INTO indexes (object_id, name, index_id, type, type_desc, is_unique, is_primary_key) "
        f"SELECT 1000000 + n, 'pk_' || n, 1, 1, 'CLUSTERED', true, true FROM {span}"
    )
    account.duckdb(
        "INSERT INTO index_columns (object_id, index_id, index_column_id, column_id, key_ordinal) "
        f"SELECT 1000000 + n, 1, 1, 1, 1 FROM {span}"
    )
    account.duckdb(
        f"INSERT INTO partitions (object_id, index_id, rows) SELECT 1000000 + n, 1, n FROM {span}"
    )


async def test_ten_times_the_tables_take_ten_times_as_long(
    account: Any, source: SqlserverSource
) -> None:
    took: dict[int, float] = {}
    first: list[float] = []

    async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        first.append(time.perf_counter())

    made = 0
    for count in (300, 3_000):
        many(account, made, count)
        made = count
        before, began = source.statements, time.perf_counter()
        first.clear()
        found = await source.introspect(progress=progress)
        took[count] = time.perf_counter() - began
        assert (len(found.tables), len(found.columns)) == (count, 10 * count)
        assert source.statements - before == 7
        assert first[0] - began < 1
    print(f"introspection: {took}")
    assert took[3_000] < 30 * took[300]


async def test_filters_are_pushed_into_the_statements(shop: Any, source: SqlserverSource) -> None:
    found = await source.introspect(Filters(tables=["SALES.bi??", f"{shop.name}.dbo.NAM*"]))
    assert ([one.name for one in found.tables], [one.name for one in found.views]) == (
        ["bill"], ["names"],
    )  # fmt: skip
    assert {one.table for one in found.columns} == {"bill", "names"}
    assert found.issues == []
    only = await source.introspect(Filters(schemas=["sales"], exclude_tables=["x"]))
    assert [one.name for one in only.schemas] == ["sales"]
    assert [issue.object for issue in only.issues] == ["x"]


@pytest.mark.parametrize("name", ["per%cent", "under_score", "[brackets]", "pipe|d"])
async def test_letters_that_mean_something_to_like(
    account: Any, source: SqlserverSource, name: str
) -> None:
    account.run(
        f"CREATE TABLE {source.quote(name)} (a int)", "CREATE TABLE perXcent (a int)",
        "CREATE TABLE underXscore (a int)",
    )  # fmt: skip
    found = await source.introspect(Filters(tables=[name.replace("[", "[[]")]))
    assert [one.name for one in found.tables] == [name]
    assert (await source.execute(f"SELECT * FROM {source.quote(name)}")).rows == []


async def test_sizes_that_are_not_for_us(shop: Any, source: SqlserverSource) -> None:
    shop.limit(denied={"dm_db_partition_stats": 262})
    found = await source.introspect()
    assert [(one.row_count, one.row_count_kind, one.size_bytes) for one in found.tables] == [
        (2, "estimate", None), (0, "estimate", None),
    ]  # fmt: skip
    assert (codes(found), found.complete) == ([("PERMISSION_DENIED", shop.name)], False)
    assert "VIEW DATABASE PERFORMANCE STATE" in found.issues[0].fix


async def test_each_part_may_fail_without_the_others(shop: Any, source: SqlserverSource) -> None:
    parts = ("indexes", "foreign_keys", "sql_modules", "partitions", "dm_db_partition_stats")
    shop.limit(denied=dict.fromkeys(parts, 229))
    found = await source.introspect()
    assert (len(found.tables), len(found.columns), len(found.views)) == (2, 9, 1)
    assert (found.indexes, found.foreign_keys, found.complete) == ([], [], False)
    assert found.views[0].definition is None
    assert found.columns[0].is_primary_key is None
    assert len(found.issues) == 4
    assert {issue.code for issue in found.issues} == {"PERMISSION_DENIED"}


async def test_view_texts_that_are_hidden(shop: Any, source: SqlserverSource) -> None:
    shop.limit(
        shown={"sql_modules": "SELECT object_id, NULL AS definition, is_schema_bound FROM {}"}
    )
    found = await source.introspect()
    assert codes(found) == [("VIEW_DEFINITION_HIDDEN", f"{shop.name}.dbo.names")]
    assert "GRANT VIEW DEFINITION" in found.issues[0].fix
    assert not found.complete


async def test_a_login_without_rights_on_the_whole_database(
    shop: Any, source: SqlserverSource
) -> None:
    shop.limit(rights=[], shown={"objects": "SELECT * FROM {} WHERE name <> 'customer'"})
    found = await source.introspect()
    assert [one.name for one in found.tables] == ["bill"]
    assert not found.complete
    assert ("PERMISSION_DENIED", shop.name) in codes(found)
    assert ("PERMISSION_DENIED", f"{shop.name}.sales.bill.of_customer") in codes(found)
    assert found.foreign_keys == []
    assert any("db_datareader" in issue.fix for issue in found.issues)


async def test_several_databases(server: Any, shop: Any, open_source: OpenSource) -> None:
    other = f"{shop.name}_b"
    server.database(other, "CREATE TABLE customer (x int NOT NULL)")
    server.database(f"{shop.name}_c")
    shop.limit(databases=[shop.name, other, "master"])
    source = open_source()
    own = await source.introspect()
    assert [one.name for one in own.databases] == [shop.name]
    found = await source.introspect(Filters(databases=[f"{shop.name}*"]))
    assert [one.name for one in found.databases] == [shop.name, other]
    assert [(one.database, one.name) for one in found.tables] == [
        (shop.name, "customer"), (shop.name, "bill"), (other, "customer"),
    ]  # fmt: skip
    assert [one.name for one in found.columns if one.database == other] == ["x"]
    assert codes(found) == [("PERMISSION_DENIED", f"{shop.name}_c")]
    assert not found.complete
    everything = await open_source(database="master").introspect()
    assert [one.name for one in everything.databases] == [shop.name, other]
    assert everything.complete


async def test_statistics_of_the_server(shop: Any, source: SqlserverSource) -> None:
    [[number]] = shop.duckdb("SELECT object_id FROM objects WHERE name = 'bill'")
    shop.duckdb(f"INSERT INTO stats (object_id, stats_id, name) VALUES ({number}, 2, 's')")
    shop.duckdb(f"INSERT INTO stats_columns VALUES ({number}, 2, 1, 2)")
    shop.duckdb(
        f"INSERT INTO stats_histogram VALUES ({number}, 2, 1, NULL, 0, 7, 0, 1), "
        f"({number}, 2, 2, 5, 0, 1, 0, 1), ({number}, 2, 3, 90, 60, 1, 40, 1.5)"
    )
    found = await source.introspect(statistics="catalog")
    column = next(one for one in found.columns if one.name == "customer")
    assert (column.distinct_count, column.null_count) == (42, 7)
    assert (column.statistics_kind, found.statistics) == ("estimate", "catalog")
    plain = await source.introspect()
    assert next(one for one in plain.columns if one.name == "customer").distinct_count is None


NEVER_ENDS = "(SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(10000000) b) > 0"


def slow(account: Any, name: str) -> None:
    """Let whoever reads this part of the catalog wait for minutes."""
    account.duckdb(f"ALTER TABLE {name} RENAME TO {name}_as_it_was")
    account.duckdb(f"CREATE VIEW {name} AS SELECT * FROM {name}_as_it_was WHERE {NEVER_ENDS}")


async def test_past_the_time_limit_a_slow_part_is_left_out_and_told(
    shop: Any, source: SqlserverSource
) -> None:
    whole = await source.introspect()
    slow(shop, "foreign_keys")
    began = time.perf_counter()
    found = await source.introspect(time_limit=1)
    assert 1 <= time.perf_counter() - began < 5
    told = {issue.object: issue.code for issue in found.issues}
    assert told == {shop.name: "TIME_LIMIT_REACHED"}
    assert all(issue.fix for issue in found.issues)
    assert ("foreign keys" in found.issues[0].message, found.complete) == (True, False)
    assert (len(found.tables), len(found.columns)) == (len(whole.tables), len(whole.columns))
    assert (found.indexes, found.foreign_keys) == (whole.indexes, [])
    # the connection, whose statement was stopped, goes on
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_a_statement_of_the_catalog_has_the_request_s_time(
    shop: Any, open_source: OpenSource
) -> None:
    slow(shop, "columns")
    source = open_source(request_timeout=300)
    began = time.perf_counter()
    with pytest.raises(SourceTimeoutError):
        await source.introspect()
    assert time.perf_counter() - began < 4
