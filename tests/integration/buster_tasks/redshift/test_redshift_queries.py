"""Statements of users: exact rows however many there are, values by type, and nothing but reads."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceTimeoutError
from buster_tasks.sources.redshift import RedshiftSource

if TYPE_CHECKING:
    from tests.integration.buster_tasks.redshift.conftest import MakeDatabase, Redshift

pytestmark = pytest.mark.anyio

SourceOf = Callable[..., RedshiftSource]

MILLION = "SELECT generate_series(1, 1000000) AS n, repeat('x', 100) AS filling"


@pytest.mark.parametrize("rows", [0, 1, 2, 999, 1000, 1001, 2002, 5005])
async def test_truncated_is_true_to_the_row(source_of: SourceOf, rows: int) -> None:
    async with source_of() as source:
        for most in (rows - 1, rows, rows + 1):
            if most < 0:
                continue
            result = await source.execute(
                f"SELECT i FROM generate_series(1, {rows}) AS i", max_rows=most
            )
            assert [row[0] for row in result.rows] == list(range(1, min(rows, most) + 1))
            assert result.truncated == (rows > most)


async def test_no_more_of_a_million_rows_is_sent_than_is_wanted(
    source_of: SourceOf, redshift: Redshift
) -> None:
    async with source_of() as source:
        await source.open()
        before = redshift.proxy.received
        tracemalloc.start()
        try:
            result = await source.execute(MILLION, max_rows=1_000)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        sent = redshift.proxy.received - before
        print(f"of 1,000,000 rows 1,000: {sent:,} bytes sent, {peak:,} bytes at most in memory")
        assert (result.row_count, result.truncated) == (1_000, True)
        assert sent < 150_000
        assert peak < 1_500_000


async def test_of_wide_rows_no_more_bytes_are_sent_and_kept_than_are_wanted(
    source_of: SourceOf, redshift: Redshift
) -> None:
    wide = "SELECT i, repeat('x', 100000) AS filling FROM generate_series(1, 3000) AS i"
    async with source_of() as source:
        await source.open()
        before = redshift.proxy.received
        tracemalloc.start()
        try:
            result = await source.execute(wide, max_rows=2_000, max_bytes=5_000_000)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        sent = redshift.proxy.received - before
        print(f"of 300 MB 5 MB: {sent:,} bytes sent, {peak:,} bytes at most in memory")
        assert [row[0] for row in result.rows] == list(range(1, 50))
        assert result.truncated
        assert sent < 6_000_000
        assert peak < 8_000_000
        assert (await source.execute("SELECT 7")).rows == [(7,)]


@pytest.mark.parametrize("rows", [9_999, 10_000, 10_001])
async def test_no_row_is_lost_between_pages(source_of: SourceOf, rows: int) -> None:
    sql = f"SELECT i FROM generate_series(1, {rows}) AS i"
    async with source_of() as source:
        for limit in (None, 10_000_000):
            result = await source.execute(sql, max_rows=10_000, max_bytes=limit)
            assert [row[0] for row in result.rows] == list(range(1, min(rows, 10_000) + 1))
            assert result.truncated == (rows > 10_000)


async def test_a_failure_on_a_later_page_is_told_and_the_connection_goes_on(
    source_of: SourceOf, sessions: Callable[[], int]
) -> None:
    sql = "SELECT 1 / (9000 - i) FROM generate_series(1, 10000) AS i"
    async with source_of() as source:
        with pytest.raises(QueryFailedError, match="division by zero"):
            await source.execute(sql, max_rows=20_000)
        assert (await source.execute("SELECT 7")).rows == [(7,)]
        assert sessions() == 1


async def test_a_timeout_on_a_later_page_ends_the_statement(source_of: SourceOf) -> None:
    sql = "SELECT i, CASE WHEN i > 9000 THEN pg_sleep(60)::text END FROM generate_series(1, 10000) AS i"
    async with source_of() as source:
        await source.open()
        with pytest.raises(SourceTimeoutError):
            await source.execute(sql, max_rows=20_000, timeout=1.5)
        assert (await source.execute("SELECT 7")).rows == [(7,)]


async def test_memory_is_bounded_also_where_the_server_sends_all(
    source_of: SourceOf, redshift: Redshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    from buster_tasks.sources.redshift import driver

    class Deaf(driver.ReadingConnection):
        """Asks for all rows, as a server that does not heed the number would send them."""

        def send_EXECUTE(self, cursor: object) -> None:  # noqa: N802 - the driver's name
            into, self.into = self.into, None
            super().send_EXECUTE(cursor)
            self.into = into

    monkeypatch.setattr("buster_tasks.sources.redshift.connection.ReadingConnection", Deaf)
    async with source_of() as source:
        await source.open()
        before = redshift.proxy.received
        tracemalloc.start()
        try:
            result = await source.execute(
                MILLION.replace("1000000", "30000"), max_rows=10, timeout=60
            )
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert redshift.proxy.received - before > 3_000_000
        assert (result.row_count, result.truncated) == (10, True)
        assert peak < 1_500_000


async def test_values_have_their_types(source_of: SourceOf) -> None:
    known = {
        "true": True,
        "7::smallint": 7,
        "9223372036854775807::bigint": 2**63 - 1,
        "0.25::real": 0.25,
        "'NaN'::float8 = 'NaN'::float8": True,
        "12345678901234567890.123456789::numeric(38,9)": Decimal(
            "12345678901234567890.123456789"
        ),
        "'é €'::varchar(20)": "é €",
        "'ab'::char(4)": "ab  ",
        "date '2024-02-29'": date(2024, 2, 29),
        "time '23:59:58.5'": time(23, 59, 58, 500_000),
        "timestamp '2024-02-29 23:59:58.123456'": datetime(2024, 2, 29, 23, 59, 58, 123_456),  # noqa: DTZ001 - it has no zone
        "timestamptz '2024-02-29 23:59:58+00'": datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC),
        "timetz '10:00:00+05:30'": time(
            10, tzinfo=timezone(timedelta(hours=5, minutes=30))
        ),
        "interval '3 days 04:05:06.5'": timedelta(days=3, hours=4, minutes=5, seconds=6.5),
        "interval '-1 days'": timedelta(days=-1),
        "interval '1 year 2 months'": "1 year 2 mons",
        r"'\x00ff'::bytea": b"\x00\xff",
        "'{\"a\": [1, null]}'::json": {"a": [1, None]},
        "'8c0e36e0-3f0c-4a36-9f5f-1d5a5f7d3c11'::uuid": UUID(
            "8c0e36e0-3f0c-4a36-9f5f-1d5a5f7d3c11"
        ),
        "ARRAY[1, NULL, 3]": [1, None, 3],
        "ARRAY['a,b', 'c\"d', NULL, '']::text[]": ["a,b", 'c"d', None, ""],
        "date '0044-03-15 BC'": "0044-03-15 BC",
        "timestamp 'infinity'": "infinity",
        "NULL::date": None,
    }  # fmt: skip
    async with source_of() as source:
        result = await source.execute(f"SELECT {', '.join(known)}")
    for (sql, wanted), came in zip(known.items(), result.rows[0], strict=True):
        assert (type(came), came) == (type(wanted), wanted), sql


async def test_columns_tell_their_types(source_of: SourceOf) -> None:
    sql = (
        "SELECT 1 AS i, 1.5::numeric(9,2) AS d, 'x'::varchar(7) AS v, now() AS t, NULL::point AS p"
    )
    async with source_of() as source:
        told = [(one.name, one.data_type) for one in (await source.execute(sql)).columns]
    assert told == [
        ("i", "integer"),
        ("d", "numeric(9,2)"),
        ("v", "character varying(7)"),
        ("t", "timestamp with time zone"),
        ("p", None),
    ]


async def test_the_schema_of_the_credentials_comes_first(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        'CREATE SCHEMA "a b"; CREATE TABLE "a b".t (x int); INSERT INTO "a b".t VALUES (5)'
    )
    async with source_of(name, default_schema="a b") as source:
        assert (await source.execute("SELECT x FROM t")).rows == [(5,)]
        assert [one.name for one in (await source.introspect()).tables] == ["t"]


async def test_the_server_refuses_writes_too(
    make_database: MakeDatabase, source_of: SourceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is read only: what the words did not tell ends there."""
    name = make_database("CREATE TABLE t (a int)")
    monkeypatch.setattr("buster_tasks.sources.redshift.session.refuse_writes", lambda _sql: None)
    async with source_of(name) as source:
        for sql in ("INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE u (a int)"):
            with pytest.raises(PermissionDeniedError):
                await source.execute(sql)
        with pytest.raises(QueryFailedError, match="multiple commands"):
            await source.execute("SELECT 1; COMMIT; DROP TABLE t")
        assert (await source.execute("SELECT count(*) FROM t")).rows == [(0,)]


async def test_what_is_asked_again_and_again_takes_no_more_memory(source_of: SourceOf) -> None:
    async with source_of() as source:
        await source.open()
        session = source._session
        assert session is not None
        for at in range(20):
            await source.execute(f"SELECT {at}")
        connection = session._connection
        assert connection is not None
        assert not connection._caches
