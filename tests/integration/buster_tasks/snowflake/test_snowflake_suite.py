"""The reader of Snowflake keeps the contract of data sources, on a stand-in for it."""

import os
from dataclasses import replace
from typing import Any

import pytest

from buster_tasks.errors import AuthenticationError, DatabaseNotFoundError
from buster_tasks.sources import SnowflakeCredentials
from buster_tasks.sources.snowflake import SnowflakeSource
from buster_tasks.testing import PLAIN, DataSourceSuite, Dialect, Refusal, fixture_statements
from tests.doubles.snowflake_account import PASSWORD, SnowflakeServer

DATABASE = f"SUITE_{os.getpid()}"
SNOWFLAKE = Dialect(
    schema="suite",
    other_schema="suite_other",
    endless="SELECT SUM(a.range * b.range % 7) FROM RANGE(10000000) a, RANGE(10000000) b",
    row_counts="exact",
    has_actions=False,  # DuckDB, which keeps the tables of the stand-in, has none
    has_indexes=False,
    types={
        **PLAIN,
        "integer": replace(PLAIN["integer"], told="NUMBER(38,0)"),
        "text": replace(PLAIN["text"], told="VARCHAR(100)"),
        "decimal": replace(PLAIN["decimal"], told="NUMBER(12,4)"),
        "float": replace(PLAIN["float"], told="FLOAT"),
        "boolean": replace(PLAIN["boolean"], told="BOOLEAN"),
        "date": replace(PLAIN["date"], told="DATE"),
        "timestamp": replace(PLAIN["timestamp"], told="TIMESTAMP_NTZ"),
        "binary": replace(PLAIN["binary"], written="binary", told="BINARY"),
    },
    writes=(
        "MERGE INTO suite.empty USING suite.customer c ON FALSE WHEN NOT MATCHED THEN INSERT VALUES (1, 'written')",
        "CALL suite.nothing()",
        "EXECUTE IMMEDIATE 'DROP TABLE suite.empty'",
        "BEGIN DELETE FROM suite.customer; END",
        "WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS $$ BEGIN DELETE FROM t; END $$ CALL p()",
        "SHOW TABLES ->> DROP TABLE suite.empty",
        "SELECT SYSTEM$CANCEL_ALL_QUERIES(1)",
        "SELECT suite.numbers.NEXTVAL",
        "COPY INTO @stage FROM suite.customer",
        "USE ROLE ACCOUNTADMIN",
        "ALTER SESSION SET MULTI_STATEMENT_COUNT = 0",
    ),
)


class TestSnowflake(DataSourceSuite):
    dialect = SNOWFLAKE
    secrets = (PASSWORD,)

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def _database(server: SnowflakeServer) -> None:
        schemas = [f'CREATE SCHEMA {DATABASE}."{name}"' for name in ("suite", "suite_other")]
        server.run(f"CREATE DATABASE {DATABASE}", *schemas)
        server.run(f"USE DATABASE {DATABASE}", *fixture_statements(SNOWFLAKE), database=DATABASE)

    @pytest.fixture(autouse=True)
    def _server(self, server: SnowflakeServer) -> None:
        self.server = server

    def make_source(self) -> SnowflakeSource:
        return self._source()

    def refusals(self) -> list[Refusal]:
        return [
            Refusal(self._source(password="hunter2"), AuthenticationError, ("hunter2",)),
            Refusal(self._source(default_database="GONE"), DatabaseNotFoundError),
        ]

    def _source(self, **changes: Any) -> SnowflakeSource:
        known = self.server.credentials(DATABASE, **{"default_schema": "suite", **changes})
        return SnowflakeSource(SnowflakeCredentials.model_validate(known))
