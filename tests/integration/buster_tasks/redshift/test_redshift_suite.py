"""The reader of Redshift keeps the contract of data sources, against PostgreSQL behind the proxy."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.servers import free_port
from buster_tasks.errors import AuthenticationError, ConnectionFailedError, DatabaseNotFoundError
from buster_tasks.sources import connect
from buster_tasks.sources.redshift import RedshiftSource
from buster_tasks.testing import (
    PLAIN,
    DataSourceSuite,
    Dialect,
    Refusal,
    Spelling,
    fixture_statements,
)

if TYPE_CHECKING:
    from tests.integration.buster_tasks.redshift.conftest import Redshift

PASSWORD = "canary-7c2e"
REDSHIFT = Dialect(
    schema="public",
    other_schema="other",
    endless="SELECT pg_catalog.pg_sleep(600)",
    page=5_000,
    types={
        **PLAIN,
        "text": replace(PLAIN["text"], told="character varying(100)"),
        "decimal": replace(PLAIN["decimal"], told="numeric(12,4)"),
        "timestamp": replace(PLAIN["timestamp"], told="timestamp without time zone"),
        "binary": Spelling("bytea", "binary", r"'\x00ff'", b"\x00\xff"),
    },
    has_actions=False,
    has_indexes=False,
    writes=(
        "COPY public.customer TO '/tmp/suite.csv'",
        "UNLOAD ('SELECT 1') TO 's3://bucket/x' IAM_ROLE default",
        "SELECT * INTO public.copied FROM public.customer",
        "WITH gone AS (DELETE FROM public.customer RETURNING id) SELECT id FROM gone",
        "WITH new AS (SELECT 1 AS id) INSERT INTO public.empty SELECT id, 'x' FROM new",
        "EXPLAIN ANALYZE DELETE FROM public.customer",
        "TRUNCATE public.customer",
        "CREATE TEMP TABLE t (a integer)",
        "VACUUM",
        "CALL public.anything()",
    ),
)


class TestRedshift(DataSourceSuite):
    dialect = REDSHIFT
    secrets = (PASSWORD,)

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def _database(redshift: "Redshift") -> Iterator[None]:
        redshift.run(
            "postgres",
            f"CREATE ROLE suite LOGIN PASSWORD '{PASSWORD}'",
            "CREATE DATABASE suite OWNER suite",
        )
        redshift.run(
            "suite",
            "GRANT SELECT ON svv_table_info TO suite",
            "GRANT ALL ON SCHEMA public TO suite",
            "SET ROLE suite; CREATE SCHEMA other",
        )
        redshift.run("suite", "SET ROLE suite;" + ";".join(fixture_statements(REDSHIFT)))
        yield
        redshift.run("postgres", "DROP DATABASE suite WITH (FORCE)", "DROP ROLE suite")

    @pytest.fixture(autouse=True)
    def _server(self, redshift: "Redshift") -> None:
        self.redshift = redshift

    def make_source(self) -> RedshiftSource:
        return self._source()

    def refusals(self) -> list[Refusal]:
        return [
            Refusal(self._source(password="wrong-4ac1"), AuthenticationError, ("wrong-4ac1",)),
            Refusal(self._source(database="missing"), DatabaseNotFoundError),
            Refusal(self._source(port=free_port()), ConnectionFailedError),
        ]

    def _source(self, database: str = "suite", **changes: object) -> RedshiftSource:
        given = {"username": "suite", "password": PASSWORD, **changes}
        source = connect(self.redshift.credentials(database, **given))
        assert isinstance(source, RedshiftSource)
        return source
