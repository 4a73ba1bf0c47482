"""What is found in a database, and what is said about what is not."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from benchmarks.servers import PostgresServer
from buster_tasks.errors import InvalidFilterError, SourceBusyError
from buster_tasks.sources import Filters
from buster_tasks.sources.nested_fields import DEEPEST
from buster_tasks.sources.postgres import PostgresSource
from buster_tasks.sources.schema import Introspection, NestedField

pytestmark = pytest.mark.anyio

MakeDatabase = Callable[..., str]
SourceOf = Callable[..., PostgresSource]

SHOP = (
    "CREATE SCHEMA sales; COMMENT ON SCHEMA sales IS 'what is sold'",
    "CREATE TYPE sales.mood AS ENUM ('sad', 'it''s \"ok\"')",
    "CREATE DOMAIN sales.positive AS int CHECK (value > 0)",
    """CREATE TABLE sales.customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail varchar(80) UNIQUE,
        mood sales.mood DEFAULT 'sad', rating sales.positive NOT NULL,
        shout text GENERATED ALWAYS AS (upper(mail)) STORED,
        balance numeric(12, 2) CHECK (balance >= 0), tags text[], seen timestamptz(3) DEFAULT now())""",
    "COMMENT ON TABLE sales.customers IS 'who buys'; COMMENT ON COLUMN sales.customers.mail IS 'where to'",
    """CREATE TABLE sales.orders (shop int, number int, customer int REFERENCES sales.customers
        ON DELETE CASCADE ON UPDATE SET NULL, PRIMARY KEY (number, shop))""",
    """CREATE TABLE public.lines (order_number int, order_shop int,
        FOREIGN KEY (order_number, order_shop) REFERENCES sales.orders DEFERRABLE)""",
    """CREATE INDEX "by%s" ON sales.customers (lower(mail) DESC, rating) INCLUDE (seen) WHERE rating > 3""",
    "CREATE VIEW sales.happy AS SELECT id, mail FROM sales.customers WHERE mood <> 'sad'",
    "COMMENT ON VIEW sales.happy IS 'who is content'",
    "CREATE MATERIALIZED VIEW sales.totals AS SELECT 1 AS one",
)  # fmt: skip
PARTS = (
    "CREATE TABLE days (day date, n int, PRIMARY KEY (day, n)) PARTITION BY RANGE (day)",
    "CREATE TABLE days_2020 PARTITION OF days FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY HASH (n)",
    "CREATE TABLE days_2020_0 PARTITION OF days_2020 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE days_2020_1 PARTITION OF days_2020 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "CREATE TABLE notes (day date, n int, FOREIGN KEY (day, n) REFERENCES days)",
    "INSERT INTO days SELECT '2020-02-01', n FROM generate_series(1, 500) AS n",
)


async def introspected(source: PostgresSource, *args: Any, **options: Any) -> Introspection:
    async with source:
        return await source.introspect(*args, **options)


def one(items: list[Any], name: str, table: str | None = None) -> Any:
    """The only item of this name."""
    [found] = [
        item for item in items if item.name == name and (table is None or item.table == table)
    ]
    return found


@pytest.fixture
async def shop(make_database: MakeDatabase, source_of: SourceOf) -> Introspection:
    return await introspected(source_of(make_database(*SHOP)))


async def test_everything_is_counted(shop: Introspection) -> None:
    assert shop.complete
    assert shop.issues == []
    assert shop.counts() == {
        "databases": 1, "schemas": 2, "tables": 4, "columns": 16, "views": 2, "primary_keys": 2, "unique_keys": 1,
        "indexes": 4, "foreign_keys": 2, "issues": 0,
    }  # fmt: skip


async def test_places_tell_owners_and_comments(shop: Introspection) -> None:
    [database] = shop.databases
    assert database.owner == "postgres"
    assert database.metadata["encoding"] == "UTF8"
    assert str(database.metadata["serverVersion"])[:2].isdigit()
    assert one(shop.schemas, "sales").comment == "what is sold"
    customers = one(shop.tables, "customers")
    assert (customers.type, customers.comment, customers.owner) == ("TABLE", "who buys", "postgres")
    assert customers.metadata["checks"] == ["(balance >= (0)::numeric)"]


async def test_columns(shop: Introspection) -> None:
    def column(name: str) -> Any:
        return one(shop.columns, name, "customers")

    identity = column("id")
    assert (identity.position, identity.data_type, identity.normalized_type) == (
        1,
        "integer",
        "integer",
    )
    assert (identity.identity, identity.is_primary_key, identity.is_nullable) == (
        "always",
        True,
        False,
    )
    mail = column("mail")
    assert (mail.data_type, mail.max_length, mail.comment) == (
        "character varying(80)",
        80,
        "where to",
    )
    assert (mail.is_primary_key, mail.is_nullable) == (False, True)
    mood = column("mood")
    assert (mood.data_type, mood.normalized_type) == ("sales.mood", "text")
    assert (mood.default_value, mood.metadata) == (
        "'sad'::sales.mood",
        {"enum": ["sad", 'it\'s "ok"']},
    )
    rating = column("rating")
    assert (rating.normalized_type, rating.is_nullable) == ("integer", False)
    assert rating.metadata == {"baseType": "int4"}
    shout = column("shout")
    assert (shout.generated_kind, shout.default_value) == ("stored", None)
    assert shout.generated_expression == "upper((mail)::text)"
    balance = column("balance")
    assert (balance.normalized_type, balance.precision, balance.scale) == ("decimal", 12, 2)
    tags = column("tags")
    assert tags.normalized_type == "array"
    assert tags.fields == [NestedField(name="element", data_type="text", normalized_type="text")]
    assert (mail.fields, mood.fields, rating.fields) == (None, None, None)
    seen = column("seen")
    assert (seen.normalized_type, seen.precision, seen.default_value) == ("timestamptz", 3, "now()")
    assert one(shop.columns, "customer", "orders").is_foreign_key
    assert one(shop.columns, "mail", "happy").is_nullable is None


async def test_composite_types_have_their_fields(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        "CREATE DOMAIN positive AS int CHECK (value > 0)",
        "CREATE TYPE spot AS (lat float8, gone int, lon float8); ALTER TYPE spot DROP ATTRIBUTE gone",
        """CREATE TYPE address AS (street varchar(80), "the spots" spot[], floor positive);
        COMMENT ON COLUMN address.street IS 'without the number'""",
        "CREATE DOMAIN home AS address; CREATE DOMAIN sizes AS numeric(5, 2)[]",
        "CREATE TYPE nothing AS ()",
        "CREATE TABLE t (a address, h home, many address[], s sizes, deep int[][], n nothing, p point, v int2vector)",
        "CREATE VIEW w AS SELECT a FROM t",
    )
    found = await introspected(source_of(name))
    assert (found.complete, found.issues) == (True, [])
    columns = {(one.table, one.name): one for one in found.columns}
    spot = [
        NestedField(name="lat", data_type="double precision", normalized_type="float"),
        NestedField(name="lon", data_type="double precision", normalized_type="float"),
    ]
    spots = NestedField(
        name="element", data_type="public.spot", normalized_type="struct", fields=spot
    )
    address = [
        NestedField(
            name="street",
            data_type="character varying(80)",
            normalized_type="text",
            comment="without the number",
        ),
        NestedField(
            name="the spots", data_type="public.spot[]", normalized_type="array", fields=[spots]
        ),
        NestedField(name="floor", data_type="public.positive", normalized_type="integer"),
    ]
    of_many = NestedField(
        name="element", data_type="public.address", normalized_type="struct", fields=address
    )
    assert columns["t", "a"].fields == address
    assert columns["w", "a"].fields == address
    assert columns["t", "h"].fields == address
    assert columns["t", "many"].fields == [of_many]
    assert columns["t", "s"].fields == [
        NestedField(name="element", data_type="numeric(5,2)", normalized_type="decimal")
    ]
    assert columns["t", "deep"].fields == [
        NestedField(name="element", data_type="integer", normalized_type="integer")
    ]
    assert columns["t", "v"].fields == [
        NestedField(name="element", data_type="smallint", normalized_type="integer")
    ]
    assert (columns["t", "n"].fields, columns["t", "p"].fields) == (None, None)


async def test_fields_end_where_readers_of_json_would(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    types = [f"CREATE TYPE t{at} AS (x t{at - 1})" for at in range(1, DEEPEST + 5)]
    table = f"CREATE TABLE t (a t{DEEPEST + 4})"
    found = await introspected(source_of(make_database("CREATE TYPE t0 AS (x int)", *types, table)))
    fields, depth = found.columns[0].fields, 0
    while fields:
        fields, depth = fields[0].fields, depth + 1
    assert depth == DEEPEST


async def test_columns_are_in_the_order_of_their_tables(shop: Introspection) -> None:
    places = [(column.schema_name, column.table, column.position) for column in shop.columns]
    assert places == sorted(places)


async def test_keys(shop: Introspection) -> None:
    assert one(shop.primary_keys, "orders_pkey").columns == ["number", "shop"]
    assert one(shop.unique_keys, "customers_mail_key").columns == ["mail"]
    key = one(shop.foreign_keys, "lines_order_number_order_shop_fkey")
    assert (key.source_schema, key.source_table) == ("public", "lines")
    assert (key.referenced_schema, key.referenced_table) == ("sales", "orders")
    assert key.source_columns == ["order_number", "order_shop"]
    assert key.referenced_columns == ["number", "shop"]
    assert key.metadata == {"deferrable": True}
    other = one(shop.foreign_keys, "orders_customer_fkey")
    assert (other.on_delete, other.on_update) == ("CASCADE", "SET NULL")


async def test_indexes(shop: Introspection) -> None:
    index = one(shop.indexes, "by%s")
    assert (index.type, index.is_unique, index.is_primary_key) == ("btree", False, False)
    assert index.columns == ["lower(mail::text)", "rating"]
    assert [part.is_descending for part in index.parts] == [True, False]
    assert index.predicate == "rating::integer > 3"
    assert index.metadata == {"include": ["seen"]}
    assert one(shop.indexes, "orders_pkey").is_primary_key
    assert one(shop.indexes, "customers_mail_key").is_unique


async def test_views(shop: Introspection) -> None:
    happy = one(shop.views, "happy")
    # newer servers name the table of a column only where they must
    words = " ".join(happy.definition.split()).replace(" customers.", " ")
    assert words == "SELECT id, mail FROM sales.customers WHERE mood <> 'sad'::sales.mood"
    assert (happy.comment, happy.is_materialized) == ("who is content", False)
    assert one(shop.views, "totals").is_materialized
    assert one(shop.tables, "totals").type == "MATERIALIZED_VIEW"
    assert "happy" not in [table.name for table in shop.tables]


async def test_partitions(make_database: MakeDatabase, source_of: SourceOf) -> None:
    found = await introspected(source_of(make_database(*PARTS, "ANALYZE days")))
    days, year = one(found.tables, "days"), one(found.tables, "days_2020")
    assert (days.partition_keys, days.metadata["partitioning"]) == (["day"], "RANGE (day)")
    assert year.metadata["partitionOf"] == "public.days"
    assert year.metadata["partitionBound"] == "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"
    leaves = [one(found.tables, "days_2020_0"), one(found.tables, "days_2020_1")]
    assert (days.row_count, days.row_count_kind) == (500, "estimate")
    assert sum(leaf.row_count for leaf in leaves) == 500
    assert days.size_bytes == year.size_bytes == sum(leaf.size_bytes for leaf in leaves) > 0
    [key] = found.foreign_keys  # PostgreSQL has one more for each partition
    assert (key.source_table, key.referenced_table) == ("notes", "days")


async def test_rows_are_an_estimate_or_not_known(
    make_database: MakeDatabase, source_of: SourceOf, server: PostgresServer
) -> None:
    name = make_database(
        "CREATE TABLE counted AS SELECT g FROM generate_series(1, 1000) AS g; ANALYZE counted",
        "CREATE TABLE never AS SELECT g FROM generate_series(1, 1000) g",
        "CREATE INDEX ON counted (g); CREATE TABLE empty (a int); ANALYZE empty",
    )
    found = await introspected(source_of(name))
    rows = {table.name: (table.row_count, table.row_count_kind) for table in found.tables}
    assert rows == {
        "counted": (1000, "estimate"),
        "never": (None, "unknown"),
        "empty": (0, "estimate"),
    }
    with psycopg.connect(server.dsn(name)) as connection:
        [(whole,)] = connection.execute("SELECT pg_total_relation_size('counted')").fetchall()
    assert one(found.tables, "counted").size_bytes == pytest.approx(whole, rel=0.5)
    assert one(found.tables, "never").size_bytes is None


async def test_statistics_of_the_catalog(make_database: MakeDatabase, source_of: SourceOf) -> None:
    name = make_database(
        "CREATE TABLE t AS SELECT g % 10 AS few, g AS every, nullif(g % 2, 0) AS half FROM generate_series(1, 1000) g",
        "ANALYZE t",
    )
    plain = await introspected(source_of(name))
    assert plain.statistics == "none"
    assert one(plain.columns, "few").distinct_count is None
    found = await introspected(source_of(name), statistics="catalog")
    assert found.statistics == "catalog"
    assert {c.name: (c.distinct_count, c.null_count, c.statistics_kind) for c in found.columns} == {
        "few": (10, 0, "estimate"), "every": (1000, 0, "estimate"), "half": (1, 500, "estimate"),
    }  # fmt: skip


async def test_foreign_tables(make_database: MakeDatabase, source_of: SourceOf) -> None:
    name = make_database(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE FOREIGN TABLE far (a int) SERVER elsewhere; CREATE UNLOGGED TABLE quick (a int)",
    )
    found = await introspected(source_of(name))
    far = one(found.tables, "far")
    assert (far.type, far.size_bytes, far.metadata) == (
        "EXTERNAL_TABLE",
        None,
        {"foreignServer": "elsewhere"},
    )
    assert one(found.tables, "quick").metadata == {"unlogged": True}


NASTY = [
    'a"b', "it's", "new\nline", "tab\t", "per%cent %s %(x)s", "{braces}", "{}", "emoji 😀", "select", "user", "Üml",
    "x" * 63, "é" * 31, "back\\slash", "semi;colon", "--", "/*", "$$", " leading", "dot.dot", "*", "[a]", "\u202ertl",
]  # fmt: skip


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def test_nasty_names_survive(make_database: MakeDatabase, source_of: SourceOf) -> None:
    statements = [f"CREATE SCHEMA {quoted(NASTY[0])}"]
    for name in NASTY:
        table = f"{quoted(NASTY[0])}.{quoted(name)}"
        statements += [
            f"CREATE TABLE {table} ({quoted(name)} int PRIMARY KEY, {quoted(name[:20] + '2')} int REFERENCES {table})",
            f"CREATE VIEW public.{quoted(name)} AS SELECT {quoted(name)} FROM {table}",
        ]
    source = source_of(make_database(*statements))
    async with source:
        found = await source.introspect()
        assert sorted(table.name for table in found.tables) == sorted(NASTY)
        assert sorted(view.name for view in found.views) == sorted(NASTY)
        assert {key.columns[0] for key in found.primary_keys} == set(NASTY)
        assert {key.referenced_columns[0] for key in found.foreign_keys} == set(NASTY)
        for name in NASTY:
            rows = await source.execute(
                f"SELECT {source.quote(name)} FROM {source.quote(NASTY[0])}.{source.quote(name)}"
            )
            assert rows.columns[0].name == name


async def test_nasty_names_are_found_by_their_name(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(*[f"CREATE TABLE {quoted(table)} (a int)" for table in NASTY])
    async with source_of(name) as source:
        for table in NASTY:
            found = await source.introspect(Filters(tables=[table]))
            # `*` is a name and a glob, and `[a]` too, as everywhere
            assert table in [one.name for one in found.tables]
            assert len(found.tables) == (len(NASTY) if table == "*" else 1)


async def test_tables_of_one_name_are_not_mixed(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    found = await introspected(
        source_of(
            make_database(
                "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (x int PRIMARY KEY)",
                "CREATE TABLE b.t (y text, x int)",
                "CREATE TABLE b.u (x int CONSTRAINT k REFERENCES a.t)",
                "CREATE TABLE a.u (x int CONSTRAINT k REFERENCES a.t)",
                "ALTER TABLE b.t ADD CONSTRAINT t_pkey PRIMARY KEY (y); COMMENT ON TABLE b.t IS 'of b'",
                "CREATE INDEX i ON b.t (x); CREATE INDEX i ON a.u (x)",
            )
        )
    )
    keys = {(key.schema_name, key.table): key.columns for key in found.primary_keys}
    assert keys == {("a", "t"): ["x"], ("b", "t"): ["y"]}
    columns = [(c.schema_name, c.name, c.is_primary_key) for c in found.columns if c.table == "t"]
    assert columns == [("a", "x", True), ("b", "y", True), ("b", "x", False)]
    assert {(t.schema_name, t.comment) for t in found.tables if t.name == "t"} == {
        ("a", None),
        ("b", "of b"),
    }
    assert [(k.source_schema, k.referenced_schema) for k in found.foreign_keys] == [
        ("a", "a"),
        ("b", "a"),
    ]
    assert [(i.schema_name, i.table) for i in found.indexes if i.name == "i"] == [
        ("a", "u"),
        ("b", "t"),
    ]


async def test_a_dropped_column_leaves_no_trace(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        "CREATE TABLE t (a int, b int, c int)",
        "ALTER TABLE t DROP COLUMN a",
        "CREATE INDEX i ON t (c, b)",
    )
    found = await introspected(source_of(name))
    assert [column.name for column in found.columns] == ["b", "c"]
    assert one(found.indexes, "i").columns == ["c", "b"]


# filters


FILTERED = (
    "CREATE SCHEMA a; CREATE SCHEMA b; CREATE SCHEMA tmp",
    "CREATE TABLE a.orders (id int PRIMARY KEY); CREATE TABLE a.order_lines (id int REFERENCES a.orders)",
    "CREATE TABLE b.orders (id int); CREATE TABLE tmp.orders (id int); CREATE VIEW a.v AS SELECT 1 AS one",
)


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (Filters(schemas=["a"]), ["a.order_lines", "a.orders", "a.v"]),
        (Filters(schemas=["?"]), ["a.order_lines", "a.orders", "a.v", "b.orders"]),
        (Filters(tables=["orders"]), ["a.orders", "b.orders", "tmp.orders"]),
        (Filters(tables=["a.o*"]), ["a.order_lines", "a.orders"]),
        (Filters(tables=["[!a].orders"]), ["b.orders"]),
        (Filters(tables=["ORDERS"]), []),
        (Filters(exclude_tables=["*orders", "tmp.*"]), ["a.order_lines", "a.v"]),
        (Filters(tables=["*"], exclude_tables=["a.*"], schemas=["a", "b"]), ["b.orders"]),
        (Filters(databases=["other"]), []),
    ],
)
async def test_filters_keep(
    make_database: MakeDatabase, source_of: SourceOf, filters: Filters, kept: list[str]
) -> None:
    name = make_database(*FILTERED)
    if filters.databases is None:
        filters = filters.model_copy(update={"databases": [name]})
    found = await introspected(source_of(name), filters)
    relations = [*found.tables, *found.views]
    assert sorted(f"{one.schema_name}.{one.name}" for one in relations) == kept
    places = {(one.schema_name, one.name) for one in relations}
    assert {(column.schema_name, column.table) for column in found.columns} == places


async def test_a_key_leads_out_of_what_is_kept(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    found = await introspected(source_of(make_database(*FILTERED)), Filters(tables=["order_lines"]))
    [key] = found.foreign_keys
    assert (key.referenced_schema, key.referenced_table, key.referenced_columns) == (
        "a",
        "orders",
        ["id"],
    )


async def test_a_filter_that_matches_nothing_is_told(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(*FILTERED)
    wanted = Filters(
        tables=["odrers", "a.orders"], exclude_tables=["tmpp.*", "v"], schemas=["a", "aa"]
    )
    found = await introspected(source_of(name), wanted)
    assert [table.name for table in found.tables] == ["orders"]
    told = {issue.object: issue.fix for issue in found.issues}
    assert sorted(told) == ["aa", "odrers", "tmpp.*"]
    assert "orders" in told["odrers"]
    with pytest.raises(InvalidFilterError):
        await introspected(source_of(name), Filters(tables=[]))


async def test_a_filter_reaches_the_server_as_a_bound_value(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    found = await introspected(
        source_of(make_database(*FILTERED)),
        Filters(tables=["'); DROP TABLE a.orders; --*", "%s", "\0"]),
    )
    assert found.tables == []
    assert len(found.issues) == 3


# rights


@pytest.fixture
def reader(admin: psycopg.Connection[Any]) -> str:
    admin.execute("DROP ROLE IF EXISTS reader")
    admin.execute("CREATE ROLE reader LOGIN PASSWORD 'reading'")
    return "reader"


def as_reader(source_of: SourceOf, name: str) -> PostgresSource:
    return source_of(name, username="reader", password="reading")


async def test_missing_rights_are_told_and_the_rest_is_there(
    make_database: MakeDatabase, source_of: SourceOf, reader: str
) -> None:
    name = make_database(
        'CREATE SCHEMA open; CREATE SCHEMA "clo""sed"; CREATE TABLE open.yes (a int); CREATE TABLE open.no (a int)',
        'CREATE TABLE open.part (a int, b int); CREATE TABLE "clo""sed".secret (a int)',
        "CREATE VIEW open.v AS SELECT 1 AS x",
        "GRANT USAGE ON SCHEMA open TO reader; GRANT SELECT ON open.yes TO reader",
        "GRANT SELECT (a) ON open.part TO reader",
    )
    found = await introspected(as_reader(source_of, name))
    assert not found.complete
    told = {(issue.scope, issue.object, issue.code): issue.fix for issue in found.issues}
    assert told == {
        ("schema", 'clo"sed', "PERMISSION_DENIED"): 'GRANT USAGE ON SCHEMA "clo""sed" TO "reader";',
        ("table", "open.no", "PERMISSION_DENIED"): 'GRANT SELECT ON "open"."no" TO "reader";',
        ("view", "open.v", "PERMISSION_DENIED"): 'GRANT SELECT ON "open"."v" TO "reader";',
    }
    assert {table.name: table.metadata for table in found.tables} == {
        "yes": {}, "part": {}, "no": {"readable": False}, "secret": {"readable": False},
    }  # fmt: skip
    asked = await introspected(as_reader(source_of, name), Filters(schemas=['clo"sed']))
    assert (asked.complete, len(asked.issues), len(asked.tables)) == (False, 1, 1)
    fine = await introspected(as_reader(source_of, name), Filters(tables=["open.yes"]))
    assert (fine.complete, fine.issues) == (True, [])


async def test_many_tables_without_rights_are_one_issue(
    make_database: MakeDatabase, source_of: SourceOf, reader: str
) -> None:
    name = make_database("; ".join(f"CREATE TABLE t{number} (a int)" for number in range(30)))
    found = await introspected(as_reader(source_of, name))
    [issue] = found.issues
    assert (found.complete, issue.scope, issue.object) == (False, "schema", "public")
    assert "30 tables" in issue.message


async def test_a_partition_is_read_through_its_parent(
    make_database: MakeDatabase, source_of: SourceOf, reader: str
) -> None:
    name = make_database(*PARTS, "GRANT SELECT ON days, notes TO reader")
    found = await introspected(as_reader(source_of, name))
    assert (found.complete, found.issues) == (True, [])


# what others do at the same time


async def test_a_view_that_is_being_changed_is_left_out_and_told(
    make_database: MakeDatabase, source_of: SourceOf, server: PostgresServer
) -> None:
    name = make_database(
        "CREATE MATERIALIZED VIEW slow AS SELECT 1 AS one; CREATE VIEW v AS SELECT 1 AS one"
    )
    with psycopg.connect(server.dsn(name)) as other:
        other.execute("REFRESH MATERIALIZED VIEW slow")  # which holds it to the end
        found = await introspected(source_of(name))
    assert not found.complete
    assert [(issue.code, issue.object) for issue in found.issues] == [
        ("OBJECT_LOCKED", "public.slow")
    ]
    assert one(found.views, "slow").definition is None
    assert one(found.views, "v").definition is not None
    assert [column.name for column in found.columns] == ["one", "one"]


async def test_a_locked_catalog_is_busy_and_may_be_free_later(
    make_database: MakeDatabase, source_of: SourceOf, server: PostgresServer
) -> None:
    name = make_database()
    with psycopg.connect(server.dsn(name)) as other:
        other.execute("LOCK TABLE pg_catalog.pg_description IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SourceBusyError) as caught:
            await asyncio.wait_for(introspected(source_of(name)), 10)
    assert caught.value.transient


async def test_past_the_time_limit_a_slow_part_is_left_out_and_told(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        *SHOP,
        "SET allow_system_table_mods = on; ALTER VIEW pg_catalog.pg_stats RENAME TO pg_stats_as_it_was;"
        "CREATE VIEW pg_catalog.pg_stats AS"
        " SELECT * FROM pg_catalog.pg_stats_as_it_was WHERE pg_sleep(600) IS NOT NULL",
    )
    async with source_of(name) as source:
        began = time.monotonic()
        found = await source.introspect(statistics="catalog", time_limit=0)
        assert time.monotonic() - began < 6
        assert "orders" in [table.name for table in found.tables]
        # half of the columns would mislead, and a key without its columns is none
        assert (found.columns, found.primary_keys, found.indexes) == ([], [], [])
        [issue] = found.issues
        assert (issue.code, found.complete) == ("TIME_LIMIT_REACHED", False)
        assert issue.message.startswith("Not read: columns, indexes. ")
        assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_the_structure_is_read_when_the_time_for_all_else_is_up(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    found = await introspected(source_of(make_database(*SHOP)), time_limit=0)
    assert (found.complete, found.issues) == (True, [])
    assert (len(found.foreign_keys), len(found.indexes) > 0) == (2, True)


async def test_all_is_of_one_moment(
    make_database: MakeDatabase, source_of: SourceOf, server: PostgresServer
) -> None:
    name = make_database("CREATE TABLE t (a int)")
    with psycopg.connect(server.dsn(name), autocommit=True) as other:

        async def drop(_phase: str, fraction: float, _counts: object) -> None:
            if fraction == 0.2:
                other.execute("CREATE TABLE later (a int); ALTER TABLE t ADD COLUMN b int")

        found = await introspected(source_of(name), progress=drop)
    assert [column.name for column in found.columns] == ["a"]
    assert [table.name for table in found.tables] == ["t"]
