"""Statements of somebody else: limits, values, and that they only read."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

import psycopg
import pytest

from buster_tasks.errors import (
    PermissionDeniedError,
    QueryFailedError,
    SourceTimeoutError,
)
from buster_tasks.sources.postgres import PostgresSource

pytestmark = pytest.mark.anyio

SourceOf = Callable[..., PostgresSource]
MakeDatabase = Callable[..., str]


@pytest.fixture
async def source(source_of: SourceOf) -> AsyncIterator[PostgresSource]:
    async with source_of() as source:
        yield source


@pytest.mark.parametrize("present", [0, 1, 2, 999, 1_000, 1_001, 2_002, 3_003])
async def test_truncated_is_true_exactly_when_there_are_more(
    source: PostgresSource, present: int
) -> None:
    sql = f"SELECT g FROM generate_series(1, {present}) AS g"
    for limit in (0, 1, 1_000, 1_001, 2_002):
        result = await source.execute(sql, max_rows=limit)
        assert (result.row_count, result.truncated) == (min(limit, present), present > limit)
        assert result.rows == [(number,) for number in range(1, result.row_count + 1)]


async def test_the_server_computes_no_more_than_is_wanted(source: PostgresSource) -> None:
    # endless, and computed as it is fetched
    sql = "WITH RECURSIVE n (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM n) SELECT g, repeat('x', 1000) FROM n"
    result = await source.execute(sql, max_rows=5, timeout=10)
    assert (result.row_count, result.truncated) == (5, True)


VALUES = [
    ("true", True),
    ("1::smallint", 1),
    ("9223372036854775807", 9223372036854775807),
    ("1.10::numeric", Decimal("1.10")),
    ("12345678901234567890.123456789", Decimal("12345678901234567890.123456789")),
    ("'NaN'::numeric", Decimal("NaN")),
    ("0.1::float8", 0.1),
    ("'02134'::text", "02134"),
    ("'true'::varchar", "true"),
    ("'ab '::char(3)", "ab "),
    ("'2024-02-29'::date", date(2024, 2, 29)),
    ("'infinity'::date", "infinity"),
    ("'0044-03-15 BC'::date", "0044-03-15 BC"),
    ("'12345-01-01'::date", "12345-01-01"),
    ("'12:30:01.5'::time", time(12, 30, 1, 500_000)),
    ("'24:00'::time", "24:00:00"),
    ("'2024-02-29 12:00'::timestamp", datetime(2024, 2, 29, 12)),  # noqa: DTZ001 - one without a zone
    ("'-infinity'::timestamptz", "-infinity"),
    ("interval '1 day 02:03:04.5'", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
    ("interval '-3 hours'", timedelta(hours=-3)),
    ("interval '1 month'", "1 mon"),
    ("interval '2 years 3 days'", "2 years 3 days"),
    ("'00000000-0000-0000-0000-00000000000a'::uuid", UUID(int=10)),
    (r"'\x00ff'::bytea", b"\x00\xff"),
    ("""'{"a": [1, null, "x"]}'::jsonb""", {"a": [1, None, "x"]}),
    ("'[1.5, true]'::json", [1.5, True]),
    ("'null'::jsonb", None),
    ("'{1,NULL,3}'::int[]", [1, None, 3]),
    ("""'{{"a b",c},{d,"e,f"}}'::text[]""", [["a b", "c"], ["d", "e,f"]]),
    ("'{infinity,2024-01-01}'::date[]", ["infinity", date(2024, 1, 1)]),
    ("'[1,4)'::int4range", "[1,4)"),
    ("'{[1,3),[5,7)}'::int4multirange", "{[1,3),[5,7)}"),
    ("'(2024-01-01,)'::daterange", "[2024-01-02,)"),
    ("'$1,234.50'::money", "$1,234.50"),
    ("'10.1.2.3'::inet", IPv4Address("10.1.2.3")),
    ("'(1,2)'::point", "(1,2)"),
    ("B'101'", "101"),
    ("ROW(1, 'x')", "(1,x)"),
    ("NULL", None),
    ("'😀'", "😀"),
]


async def test_values_are_of_their_type(source: PostgresSource) -> None:
    sql = f"SELECT {', '.join(text for text, _value in VALUES)}"
    [row] = (await source.execute(sql)).rows
    got, wanted = list(map(repr, row)), [repr(value) for _text, value in VALUES]
    assert got == wanted  # by repr, for NaN, and since True == 1


async def test_a_moment_has_its_zone(source: PostgresSource) -> None:
    [(moment,)] = (await source.execute("SELECT '2024-02-29 12:00+02'::timestamptz")).rows
    assert isinstance(moment, datetime)
    assert moment.tzinfo is not None
    assert moment == datetime(2024, 2, 29, 10, tzinfo=UTC)


async def test_types_of_the_columns_are_those_of_the_database(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN small AS int")
    async with source_of(name) as source:
        result = await source.execute(
            "SELECT 'sad'::mood AS a, 1::numeric(5, 2) AS b, 'x'::varchar(9) AS b, 1::small, now()::timestamp(3)"
        )
        plain = await source.execute("SELECT 1 AS a, 'x' AS b, '{1}'::int[]")
    assert [(column.name, column.data_type) for column in result.columns] == [
        ("a", "mood"), ("b", "numeric(5,2)"), ("b", "character varying(9)"), ("small", "integer"),
        ("now", "timestamp(3) without time zone"),
    ]  # fmt: skip
    assert [column.data_type for column in plain.columns] == ["integer", "text", "integer[]"]
    assert result.rows[0][:2] == ("sad", Decimal("1.00"))


WRITES = [
    "INSERT INTO t VALUES (2)",
    "INSERT INTO t VALUES (2) RETURNING a",
    "UPDATE t SET a = 2",
    "DELETE FROM t",
    "TRUNCATE t",
    "CREATE TABLE u (a int)",
    "DROP TABLE t",
    "WITH gone AS (DELETE FROM t RETURNING a) SELECT * FROM gone",
    "SELECT a INTO u FROM t",
    "SELECT * FROM t FOR UPDATE",
    "SELECT nextval('s')",
    "COPY t TO '/tmp/x'",
    "COMMIT",
    "ROLLBACK",
    "BEGIN",
    "SET TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off",
    "RESET ALL",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "LISTEN x",
    "NOTIFY x",
    "PREPARE p AS DELETE FROM t",
    "DECLARE c CURSOR FOR SELECT 1",
    "DO $$ BEGIN DELETE FROM t; END $$",
    "CALL p()",
    "VACUUM t",
    "ANALYZE t",
    "LOCK TABLE t",
    "EXPLAIN ANALYZE DELETE FROM t",
    "SELECT write()",
]


async def test_what_writes_is_denied(
    make_database: MakeDatabase, source_of: SourceOf, admin: psycopg.Connection[Any]
) -> None:
    name = make_database(
        "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE SEQUENCE s; CREATE PROCEDURE p() BEGIN ATOMIC END",
        "CREATE FUNCTION write() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (3) RETURNING a'",
    )
    async with source_of(name) as source:
        for sql in WRITES:
            with pytest.raises(PermissionDeniedError):
                print(sql, await source.execute(sql))
        result = await source.execute("SELECT a FROM t")
        assert result.rows == [(1,)]
        tables = await source.execute("SELECT count(*) FROM pg_class WHERE relname = 'u'")
        assert tables.rows == [(0,)]


async def test_one_statement_only(source: PostgresSource) -> None:
    for sql in ("SELECT 1; SELECT 2", "SELECT 1; COMMIT; DROP TABLE t", "COMMIT; SELECT 1"):
        with pytest.raises(QueryFailedError, match="multiple commands"):
            await source.execute(sql)
    assert (await source.execute("SELECT 1;")).rows == [(1,)]
    assert (await source.execute("/* ; */ SELECT ';' -- ;")).rows == [(";",)]


async def test_nothing_is_left_behind(
    source: PostgresSource, admin: psycopg.Connection[Any]
) -> None:
    await source.execute("SELECT pg_advisory_lock(42), set_config('work_mem', '1MB', false)")
    with contextlib.suppress(PermissionDeniedError):  # from PostgreSQL 16 on
        await source.execute("SELECT lo_create(4711)")
    assert admin.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchall() == [(0,)]
    assert admin.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    ).fetchall() == [(0,)]
    [(memory,)] = (await source.execute("SELECT current_setting('work_mem')")).rows
    assert memory != "1MB"


async def test_percent_signs_and_braces_are_only_text(source: PostgresSource) -> None:
    result = await source.execute("""SELECT '%s %(x)s {} %' AS "%s {}" WHERE 'ab' LIKE '%b'""")
    assert (result.columns[0].name, result.rows) == ("%s {}", [("%s %(x)s {} %",)])


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT * FROM nowhere", "at character 15"),
        ("SELECT 1 +", "syntax error"),
        ("SELEC 1", "at character 1"),
        ("SELECT nothing FROM pg_class", "nothing"),
        ("SELECT 1 / 0", "division by zero"),
        ("SELECT 'x'::int", "invalid input"),
        ("SELECT \0 1", "NUL"),
        ("  ; \n", "no query"),
        ("SELECT '\ud800'", "UTF-8"),
    ],
)
async def test_wrong_sql_is_told_and_the_session_goes_on(
    source: PostgresSource, sql: str, text: str
) -> None:
    with pytest.raises(QueryFailedError, match=text) as caught:
        await source.execute(sql)
    assert not caught.value.transient
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_a_table_that_may_not_be_read(
    make_database: MakeDatabase, source_of: SourceOf, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("DROP ROLE IF EXISTS nobody_here")
    admin.execute("CREATE ROLE nobody_here LOGIN PASSWORD 'x'")
    name = make_database("CREATE TABLE t (a int)")
    async with source_of(name, username="nobody_here", password="x") as source:
        with pytest.raises(PermissionDeniedError, match="may not do this") as caught:
            await source.execute("SELECT * FROM t")
    assert "SELECT on the table" in caught.value.fix


async def test_a_schema_of_the_credentials_is_where_names_are_looked_for(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database('CREATE SCHEMA "My; Shop"', 'CREATE TABLE "My; Shop".t AS SELECT 7 AS a')
    async with source_of(name, default_schema="My; Shop") as source:
        assert (await source.execute("SELECT a FROM t")).rows == [(7,)]
    async with source_of(name) as source:
        with pytest.raises(QueryFailedError):
            await source.execute("SELECT a FROM t")


async def test_a_statement_past_its_time(source: PostgresSource) -> None:
    for sql in ("SELECT pg_sleep(30)", "SELECT count(*) FROM generate_series(1, 1000000000)"):
        with pytest.raises(SourceTimeoutError, match=r"0\.2 s") as caught:
            await source.execute(sql, timeout=0.2)
        assert caught.value.transient
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_text_in_no_encoding_is_told(
    admin: psycopg.Connection[Any], source_of: SourceOf
) -> None:
    admin.execute("DROP DATABASE IF EXISTS ascii")
    admin.execute(
        "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    async with source_of("ascii") as source:
        with pytest.raises(QueryFailedError, match="invalid byte sequence"):
            await source.execute("SELECT chr(255)")
        assert (await source.execute("SELECT 1")).rows == [(1,)]
    admin.execute("DROP DATABASE ascii WITH (FORCE)")


async def test_the_connection_test_tells_where_we_are(source: PostgresSource) -> None:
    test = await source.test()
    assert (test.ok, test.user, test.database) == (True, "postgres", "postgres")
    assert test.server_version is not None
    assert test.latency_ms is not None


async def test_closing_twice_and_using_it_later(source_of: SourceOf) -> None:
    source = source_of()
    await source.open()
    await source.close()
    await source.close()
    test = await source.test()
    assert (test.ok, test.error_code) == (False, "CONNECTION_FAILED")
