"""What the SQL guard has written anew gives the same rows as what was asked."""

from collections.abc import Callable

import psycopg

from benchmarks.servers import PostgresServer
from buster_tasks.sql_guard import Allowed, check
from tests.doubles.analysis_data import queries, script


def test_same_rows(server: PostgresServer, make_database: Callable[..., str]) -> None:
    name = make_database(*script())
    with psycopg.connect(server.dsn(name), autocommit=True) as connection:
        for sql in queries("postgres"):
            allowed = check(sql, "postgres")
            assert isinstance(allowed, Allowed), (sql, allowed)
            asked, written = (
                connection.execute(text.encode()).fetchall() for text in (sql, allowed.sql)
            )
            assert sorted(written, key=repr) == sorted(asked, key=repr), (sql, allowed.sql)
