"""What introspection finds in real SQLite files."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from buster_tasks.errors import InvalidFilterError, SourceBusyError
from buster_tasks.sources.credentials import SqliteCredentials
from buster_tasks.sources.schema import Column, Filters, Introspection, StatisticsLevel, Table
from buster_tasks.sources.sqlite import SqliteSource

pytestmark = pytest.mark.anyio

MakeDatabase = Callable[..., Path]
Names = list[str] | None

SHOP = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email VARCHAR(120) NOT NULL COLLATE NOCASE CONSTRAINT one_account UNIQUE,
    born DATE,
    balance DECIMAL(10, 2) DEFAULT 0.00
);
CREATE TABLE stock (
    product INTEGER, warehouse TEXT, quantity INT NOT NULL CHECK (quantity >= 0),
    CONSTRAINT stock_key PRIMARY KEY (warehouse, product)
) WITHOUT ROWID;
CREATE TABLE "order details" (
    "select" INTEGER PRIMARY KEY,
    customer_id INT CONSTRAINT ordered_by REFERENCES Customers ON DELETE CASCADE ON UPDATE SET NULL,
    product INTEGER, warehouse TEXT, price REAL, quantity INT,
    total REAL AS (price * quantity) STORED,
    label TEXT GENERATED ALWAYS AS (product || '@' || warehouse) VIRTUAL,
    FOREIGN KEY (warehouse, product) REFERENCES stock
) STRICT;
CREATE INDEX big ON "order details" (price DESC, lower(warehouse)) WHERE quantity > 10;
CREATE UNIQUE INDEX once ON "order details" (customer_id, product);
CREATE VIEW spent AS SELECT c.email, sum(d.total) AS total
FROM customers AS c JOIN "order details" AS d ON d.customer_id = c.id GROUP BY c.id;
INSERT INTO customers (email) VALUES ('a@example.com'), ('b@example.com');
INSERT INTO stock VALUES (1, 'LUB', 3);
"""


async def found_in(
    path: Path,
    filters: Filters | None = None,
    *,
    statistics: StatisticsLevel = "none",
    count_seconds: float = 20,
    time_limit: float | None = None,
) -> Introspection:
    credentials = SqliteCredentials(path=str(path))
    async with SqliteSource(credentials, count_seconds=count_seconds) as source:
        return await source.introspect(
            filters or Filters(), statistics=statistics, time_limit=time_limit
        )


def by_name(tables: list[Table]) -> Mapping[str, Table]:
    return {table.name: table for table in tables}


def columns_of(found: Introspection, table: str) -> Mapping[str, Column]:
    return {column.name: column for column in found.columns if column.table == table}


async def test_tables_have_rows_sizes_and_kinds(make_database: MakeDatabase) -> None:
    found = await found_in(make_database(SHOP))
    tables = by_name(found.tables)
    assert {name: table.row_count for name, table in tables.items()} == {
        "customers": 2,
        "order details": 0,
        "stock": 1,
    }
    assert {table.row_count_kind for table in found.tables} == {"exact"}
    assert tables["stock"].metadata == {"withoutRowid": True, "checks": ["quantity >= 0"]}
    assert tables["order details"].metadata == {"strict": True}
    assert (found.complete, found.issues) == (True, [])
    assert [(one.name, one.metadata["encoding"]) for one in found.databases] == [("shop", "UTF-8")]
    assert [(one.name, one.database) for one in found.schemas] == [("main", "shop")]


async def test_sizes_are_those_of_the_file(make_database: MakeDatabase) -> None:
    path = make_database(SHOP)
    if "ENABLE_DBSTAT_VTAB" not in compile_options():
        pytest.skip("this SQLite cannot tell sizes")
    found = await found_in(path)
    catalog = 4096 * 2  # the schema and the sequence of AUTOINCREMENT are nobody's table
    assert sum(table.size_bytes or 0 for table in found.tables) == path.stat().st_size - catalog


def compile_options() -> set[str]:
    connection = sqlite3.connect(":memory:")
    options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    connection.close()
    return options


async def test_columns_are_as_declared(make_database: MakeDatabase) -> None:
    found = await found_in(make_database(SHOP))
    customer = columns_of(found, "customers")
    assert [column.position for column in customer.values()] == [1, 2, 3, 4]
    assert customer["id"].identity == "autoincrement"
    assert (customer["id"].is_nullable, customer["id"].is_primary_key) == (False, True)
    email = customer["email"]
    assert (email.data_type, email.normalized_type, email.max_length) == (
        "VARCHAR(120)",
        "text",
        120,
    )
    assert (email.is_nullable, email.metadata["collation"]) == (False, "NOCASE")
    balance = customer["balance"]
    assert (balance.precision, balance.scale, balance.default_value) == (10, 2, "0.00")
    details = columns_of(found, "order details")
    assert list(details) == [
        "select", "customer_id", "product", "warehouse", "price", "quantity", "total", "label",
    ]  # fmt: skip
    total, label = details["total"], details["label"]
    assert (total.generated_expression, total.generated_kind) == ("price * quantity", "stored")
    assert (label.generated_expression, label.generated_kind) == (
        "product || '@' || warehouse",
        "virtual",
    )
    assert [name for name, column in details.items() if column.is_foreign_key] == [
        "customer_id",
        "product",
        "warehouse",
    ]
    assert details["select"].identity == "by_default"


async def test_keys_are_whole(make_database: MakeDatabase) -> None:
    found = await found_in(make_database(SHOP))
    assert {(key.table, key.name, *key.columns) for key in found.primary_keys} == {
        ("customers", None, "id"),
        ("stock", "stock_key", "warehouse", "product"),
        ("order details", None, "select"),
    }
    assert [(key.table, key.name, key.columns) for key in found.unique_keys] == [
        ("customers", "one_account", ["email"])
    ]
    ordered, stocked = found.foreign_keys
    assert (ordered.name, ordered.referenced_table, ordered.referenced_columns) == (
        "ordered_by",
        "customers",
        ["id"],
    )
    assert (ordered.on_delete, ordered.on_update) == ("CASCADE", "SET NULL")
    assert (stocked.name, stocked.source_columns, stocked.referenced_columns) == (
        None,
        ["warehouse", "product"],
        ["warehouse", "product"],
    )


async def test_indexes_are_whole(make_database: MakeDatabase) -> None:
    found = await found_in(make_database(SHOP))
    indexes = {index.name: index for index in found.indexes}
    assert set(indexes) == {
        "big", "once", "sqlite_autoindex_customers_1", "sqlite_autoindex_stock_1",
    }  # fmt: skip
    big = indexes["big"]
    assert (big.columns, big.predicate, big.is_unique) == (
        ["price", "lower(warehouse)"],
        "quantity > 10",
        False,
    )
    assert [part.is_descending for part in big.parts] == [True, False]
    assert indexes["once"].is_unique
    assert indexes["sqlite_autoindex_stock_1"].is_primary_key


async def test_views_have_their_query_and_columns(make_database: MakeDatabase) -> None:
    found = await found_in(make_database(SHOP))
    (view,) = found.views
    assert (view.name, view.is_materialized) == ("spent", False)
    assert view.definition is not None
    assert view.definition.startswith("SELECT c.email, sum(d.total) AS total")
    assert list(columns_of(found, "spent")) == ["email", "total"]
    assert "spent" not in by_name(found.tables)


async def test_the_number_of_statements_does_not_grow_with_the_tables(
    make_database: MakeDatabase,
) -> None:
    async def statements(tables: int) -> int:
        script = "".join(
            f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, a REFERENCES t{n}, b UNIQUE); CREATE VIEW v{n} AS SELECT 1;"
            for n in range(tables)
        )
        path = make_database(script, f"{tables}.db")
        async with SqliteSource(SqliteCredentials(path=str(path))) as source:
            before = source.statements
            await source.introspect()
            return source.statements - before - tables  # rows are counted table by table

    assert await statements(2) == await statements(40) <= 8


async def test_filters_keep_what_they_name(make_database: MakeDatabase) -> None:
    path = make_database(SHOP)
    found = await found_in(path, Filters(tables=["ORDER*", "spent"]))
    assert list(by_name(found.tables)) == ["order details"]
    assert [view.name for view in found.views] == ["spent"]
    assert {column.table for column in found.columns} == {"order details", "spent"}
    assert {index.table for index in found.indexes} == {"order details"}
    assert [key.referenced_columns for key in found.foreign_keys] == [
        ["id"],
        ["warehouse", "product"],
    ]
    assert found.issues == []
    others = await found_in(path, Filters(exclude_tables=["order*"], databases=["shop"]))
    assert list(by_name(others.tables)) == ["customers", "stock"]


async def test_a_filter_that_matches_nothing_is_told(make_database: MakeDatabase) -> None:
    found = await found_in(make_database(SHOP), Filters(tables=["custmers"]))
    assert (found.tables, found.complete) == ([], True)
    (issue,) = found.issues
    assert (issue.code, "customers" in issue.fix) == ("FILTER_MATCHES_NOTHING", True)
    nothing = await found_in(make_database(name="x.db"), Filters(databases=["y"]))
    assert (nothing.databases, nothing.schemas, len(nothing.issues)) == ([], [], 1)


@pytest.mark.parametrize(
    "filters", [Filters(tables=[]), Filters(schemas=[]), Filters(databases=[])]
)
async def test_an_empty_filter_is_an_error(make_database: MakeDatabase, filters: Filters) -> None:
    with pytest.raises(InvalidFilterError, match="filter array is empty"):
        await found_in(make_database(SHOP), filters)


async def test_a_broken_view_costs_only_itself(make_database: MakeDatabase) -> None:
    script = (
        f"{SHOP} CREATE TABLE gone (a); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone;"
    )
    found = await found_in(make_database(script))
    assert [(issue.object, issue.code) for issue in found.issues] == [
        ("main.broken", "OBJECT_UNREADABLE")
    ]
    assert "no such table" in found.issues[0].message
    assert not found.complete
    assert [view.name for view in found.views] == ["broken", "spent"]
    assert list(columns_of(found, "spent")) == ["email", "total"]
    assert len(found.tables) == 3


async def test_a_virtual_table_without_its_module_costs_only_itself(
    make_database: MakeDatabase,
) -> None:
    path = make_database(SHOP)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(
        "INSERT INTO sqlite_schema VALUES ('table', 'odd', 'odd', 0, 'CREATE VIRTUAL TABLE odd USING gone(a)')"
    )
    connection.commit()
    connection.close()
    found = await found_in(path)
    assert [(issue.scope, issue.object, issue.code) for issue in found.issues] == [
        ("table", "main.odd", "OBJECT_UNREADABLE")
    ]
    assert (found.complete, len(found.tables)) == (False, 4)
    assert by_name(found.tables)["odd"].metadata == {"virtual": "gone"}
    assert by_name(found.tables)["odd"].row_count is None


async def test_full_text_tables_are_marked_and_read(make_database: MakeDatabase) -> None:
    if "ENABLE_FTS5" not in compile_options():
        pytest.skip("this SQLite has no fts5")
    path = make_database(
        "CREATE VIRTUAL TABLE docs USING fts5(title, body); INSERT INTO docs VALUES ('a', 'b');"
    )
    found = await found_in(path)
    tables = by_name(found.tables)
    assert (tables["docs"].metadata, tables["docs"].row_count) == ({"virtual": "fts5"}, 1)
    assert {name for name, table in tables.items() if table.metadata.get("shadowOf") == "docs"} == {
        "docs_config", "docs_content", "docs_data", "docs_docsize", "docs_idx",
    }  # fmt: skip
    hidden = {
        name for name, column in columns_of(found, "docs").items() if column.metadata.get("hidden")
    }
    assert hidden == {"docs", "rank"}
    assert found.complete


async def test_rows_are_estimated_when_there_is_no_time(make_database: MakeDatabase) -> None:
    path = make_database(f"{SHOP} ANALYZE customers;")
    for found in (
        await found_in(path, count_seconds=0),
        await found_in(path, time_limit=0),
    ):
        kinds = {table.name: (table.row_count, table.row_count_kind) for table in found.tables}
        assert kinds["customers"] == (2, "estimate")
        assert kinds["stock"] == (None, "unknown")
        assert {issue.code for issue in found.issues} == {
            "ROW_COUNT_ESTIMATED", "ROW_COUNT_UNKNOWN", "SIZES_UNKNOWN",
        }  # fmt: skip
        assert {table.size_bytes for table in found.tables} == {None}
        assert found.complete


async def test_the_catalog_level_knows_distinct_values(make_database: MakeDatabase) -> None:
    script = "CREATE TABLE t (a, b); CREATE INDEX i ON t (a);" + "".join(
        f"INSERT INTO t VALUES ({n % 5}, {n});" for n in range(50)
    )
    path = make_database(f"{script} ANALYZE;")
    columns = columns_of(await found_in(path, statistics="catalog"), "t")
    assert (columns["a"].distinct_count, columns["a"].statistics_kind) == (5, "estimate")
    assert columns["b"].distinct_count is None
    plain = await found_in(path)
    assert (plain.statistics, columns_of(plain, "t")["a"].distinct_count) == ("none", None)


async def test_tables_named_like_sqlites_own_functions_are_no_trap(
    make_database: MakeDatabase,
) -> None:
    names = [
        "dbstat", "json_each", "pragma_encoding", "pragma_foreign_key_list", "pragma_index_list",
        "pragma_index_xinfo", "pragma_page_size", "pragma_table_list", "pragma_table_xinfo",
    ]  # fmt: skip
    script = "".join(f"CREATE TABLE {name} (a UNIQUE REFERENCES {name});" for name in names)
    found = await found_in(make_database(script))
    assert [table.name for table in found.tables] == names
    assert (len(found.columns), len(found.indexes), len(found.foreign_keys)) == (9, 9, 9)


async def test_progress_rises_and_ends(make_database: MakeDatabase) -> None:
    told: list[tuple[str, float, Mapping[str, int]]] = []

    async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        told.append((phase, fraction, counts))

    async with SqliteSource(SqliteCredentials(path=str(make_database(SHOP)))) as source:
        found = await source.introspect(Filters(), progress)
    fractions = [fraction for _phase, fraction, _counts in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert {phase for phase, _fraction, _counts in told} == {"introspecting"}
    assert told[-1][2] == found.counts()


async def test_a_lock_in_the_middle_is_an_error_that_may_pass(make_database: MakeDatabase) -> None:
    path = make_database(SHOP)
    writer = sqlite3.connect(path, isolation_level=None)

    async def lock(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        if "tables" in counts and not writer.in_transaction:
            writer.execute("BEGIN EXCLUSIVE")

    async with SqliteSource(SqliteCredentials(path=str(path)), lock_seconds=0.1) as source:
        with pytest.raises(SourceBusyError) as caught:
            await source.introspect(Filters(), lock)
    assert caught.value.transient
    writer.close()


IDENTIFIERS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
).filter(lambda name: not name.lower().startswith("sqlite_"))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(IDENTIFIERS, st.lists(IDENTIFIERS, min_size=1, max_size=4, unique_by=str.lower)),
        min_size=1,
        max_size=4,
        unique_by=lambda table: table[0].lower(),
    )
)
def test_every_name_survives(tables: list[tuple[str, list[str]]]) -> None:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names.db"
        connection = sqlite3.connect(path)
        for number, (table, columns) in enumerate(tables):
            parts = ", ".join(map(quoted, columns))
            connection.execute(
                f"CREATE TABLE {quoted(table)} ({parts}, CONSTRAINT {quoted(table)} UNIQUE ({parts}))"
            )
            connection.execute(
                f"CREATE INDEX i{number} ON {quoted(table)} (lower({quoted(columns[0])}))"
            )
        connection.close()
        found = asyncio.run(found_in(path))
    assert {(one.table, one.name) for one in found.columns} == {
        (table, column) for table, columns in tables for column in columns
    }
    assert {(one.table, one.name, *one.columns) for one in found.unique_keys} == {
        (table, table, *columns) for table, columns in tables
    }
    assert {index.columns[0] for index in found.indexes if index.name.startswith("i")} == {
        f"lower({quoted(columns[0])})" for _table, columns in tables
    }
    assert (found.issues, found.complete) == ([], True)
