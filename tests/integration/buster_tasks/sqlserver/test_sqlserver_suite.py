"""The reader of SQL Server keeps the contract of data sources."""

from dataclasses import replace
from typing import Any

import pytest

from buster_tasks.errors import AuthenticationError, DatabaseNotFoundError
from buster_tasks.sources import SqlserverCredentials
from buster_tasks.sources.sqlserver import SqlserverSource
from buster_tasks.testing import (
    PLAIN,
    DataSourceSuite,
    Dialect,
    Refusal,
    Spelling,
    fixture_statements,
)
from tests.doubles.sqlserver import SqlserverDouble

PASSWORD = "canary-5d1e;}"
SQLSERVER = Dialect(
    schema="dbo",
    page=5_000,
    other_schema="other",
    endless="SELECT SUM(CAST(a.column_id AS bigint) * b.column_id % 7) "
    "FROM sys.all_columns AS a CROSS JOIN sys.all_columns AS b",
    types={
        **PLAIN,
        "integer": replace(PLAIN["integer"], written="int"),
        "float": replace(PLAIN["float"], written="float"),
        "boolean": replace(PLAIN["boolean"], written="bit", literal="1"),
        "timestamp": replace(PLAIN["timestamp"], written="datetime2", told="datetime2(7)"),
        "binary": Spelling("varbinary(max)", "binary", "0x00FF", b"\x00\xff"),
    },
    writes=(
        "EXEC sp_configure 'show advanced options', 1",
        "SELECT * INTO dbo.written FROM dbo.customer",
        "SELECT 1 DELETE FROM dbo.customer",
        "MERGE dbo.empty AS t USING dbo.customer AS c ON t.id = c.id WHEN MATCHED THEN DELETE",
        "WITH w AS (SELECT * FROM dbo.customer) DELETE FROM w",
        "SELECT * FROM OPENROWSET('MSOLEDBSQL', 'x', 'DELETE FROM t')",
        "SELECT NEXT VALUE FOR dbo.numbers",
        "TRUNCATE TABLE dbo.customer",
    ),
)


class TestSqlserver(DataSourceSuite):
    dialect = SQLSERVER
    secrets = (PASSWORD,)

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def _database(server: SqlserverDouble) -> None:
        server.database("suite", "CREATE SCHEMA other", *fixture_statements(SQLSERVER))
        server.account("suite", password=PASSWORD, databases=["suite"])

    @pytest.fixture(autouse=True)
    def _server(self, server: SqlserverDouble) -> None:
        self.server = server

    def make_source(self) -> SqlserverSource:
        return self._source()

    def refusals(self) -> list[Refusal]:
        return [
            Refusal(self._source(password="hunter2"), AuthenticationError, ("hunter2",)),
            Refusal(self._source(database="gone"), DatabaseNotFoundError),
            Refusal(self._source(database="master"), DatabaseNotFoundError),
        ]

    def _source(self, **changes: Any) -> SqlserverSource:
        known = {"database": "suite", "username": "suite", "password": PASSWORD}
        credentials = self.server.credentials(**{**known, **changes})
        return SqlserverSource(SqlserverCredentials.model_validate(credentials))
