"""The reader of PostgreSQL keeps the contract of data sources."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from benchmarks.servers import PostgresServer, free_port
from buster_tasks.errors import AuthenticationError, ConnectionFailedError, DatabaseNotFoundError
from buster_tasks.sources import connect
from buster_tasks.sources.postgres import PostgresSource
from buster_tasks.testing import (
    PLAIN,
    DataSourceSuite,
    Dialect,
    Refusal,
    Spelling,
    fixture_statements,
)

PASSWORD = "canary-5d1e"
POSTGRES = Dialect(
    schema="public",
    other_schema="other",
    endless="SELECT pg_catalog.pg_sleep(600)",
    types={
        **PLAIN,
        "text": replace(PLAIN["text"], told="character varying(100)"),
        "decimal": replace(PLAIN["decimal"], told="numeric(12,4)"),
        "timestamp": replace(PLAIN["timestamp"], told="timestamp without time zone"),
        "binary": Spelling("bytea", "binary", r"'\x00ff'", b"\x00\xff"),
    },
    writes=(
        "COPY public.customer TO '/tmp/suite.csv'",
        "SELECT * INTO public.copied FROM public.customer",
        "WITH gone AS (DELETE FROM public.customer RETURNING id) SELECT id FROM gone",
        "CREATE TEMP TABLE t (a integer)",
        "VACUUM",
    ),
)


class TestPostgres(DataSourceSuite):
    dialect = POSTGRES
    secrets = (PASSWORD,)

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def _database(server: PostgresServer) -> Iterator[None]:
        with closing(psycopg.connect(server.dsn(), autocommit=True)) as admin:
            admin.execute(f"CREATE ROLE suite LOGIN PASSWORD '{PASSWORD}'".encode())
            admin.execute("CREATE DATABASE suite OWNER suite")
            with psycopg.connect(server.dsn("suite")) as connection:
                connection.execute("GRANT ALL ON SCHEMA public TO suite")
                connection.execute("SET ROLE suite")
                connection.execute("CREATE SCHEMA other")
                for statement in fixture_statements(POSTGRES):
                    connection.execute(statement.encode())
            yield
            admin.execute("DROP DATABASE suite WITH (FORCE)")
            admin.execute("DROP ROLE suite")

    @pytest.fixture(autouse=True)
    def _server(self, server: PostgresServer) -> None:
        self.server = server

    def make_source(self) -> PostgresSource:
        return self._source()

    def refusals(self) -> list[Refusal]:
        return [
            Refusal(self._source(password="wrong-4ac1"), AuthenticationError, ("wrong-4ac1",)),
            Refusal(self._source(database="missing"), DatabaseNotFoundError),
            Refusal(self._source(port=free_port()), ConnectionFailedError),
        ]

    def _source(self, database: str = "suite", **changes: object) -> PostgresSource:
        given = {"username": "suite", "password": PASSWORD, **changes}
        source = connect(self.server.credentials(database, **given))
        assert isinstance(source, PostgresSource)
        return source
