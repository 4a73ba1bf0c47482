"""The reader of Databricks keeps the contract of data sources."""

from dataclasses import replace
from typing import Any

import pytest

from buster_tasks.errors import AuthenticationError, DatabaseNotFoundError
from buster_tasks.sources import DatabricksCredentials
from buster_tasks.sources.databricks import DatabricksSource
from buster_tasks.testing import (
    PLAIN,
    DataSourceSuite,
    Dialect,
    Refusal,
    fixture_statements,
)

TOKEN = "dapi-canary-5d1e"
DATABRICKS = Dialect(
    schema="shop",
    page=5_000,
    other_schema="other",
    endless="SELECT sum(a.id * b.id % 7) FROM range(10000000) a(id), range(10000000) b(id)",
    quote="`",
    has_actions=False,
    has_indexes=False,
    types={
        **PLAIN,
        "integer": replace(PLAIN["integer"], written="int"),
        "text": replace(PLAIN["text"], written="string", literal=r"'é \'x\' %s'"),
        "float": replace(PLAIN["float"], written="double"),
        "timestamp": replace(PLAIN["timestamp"], written="timestamp_ntz"),
        "binary": replace(PLAIN["binary"], written="binary"),
    },
    writes=(
        "MERGE INTO shop.empty AS t USING shop.customer AS c ON t.id = c.id WHEN MATCHED THEN DELETE",
        "WITH w AS (SELECT 1 AS id) INSERT INTO shop.empty SELECT id, 'written' FROM w",
        "FROM shop.customer INSERT INTO shop.empty SELECT id, name",
        "EXPLAIN DELETE FROM shop.customer",
        "SELECT TRANSFORM (id) USING 'cat' AS (a string) FROM shop.customer",
        "SELECT reflect('java.lang.System', 'exit', 1)",
        "SELECT * FROM csv.`/etc/passwd`",
        "TRUNCATE TABLE shop.customer",
        "SET ansi_mode = false",
        "OPTIMIZE shop.customer",
        "GRANT SELECT ON TABLE shop.customer TO everybody",
    ),
)


class TestDatabricks(DataSourceSuite):
    dialect = DATABRICKS
    secrets = (TOKEN,)

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def _database(server: Any) -> None:
        server.ask("catalog", name="suite")
        server.user("suite", TOKEN)
        made = ["CREATE SCHEMA shop", "CREATE SCHEMA other", *fixture_statements(DATABRICKS)]
        server.run(*made, catalog="suite")

    @pytest.fixture(autouse=True)
    def _server(self, server: Any) -> None:
        self.server = server

    def make_source(self) -> DatabricksSource:
        return self._source()

    def refusals(self) -> list[Refusal]:
        return [
            Refusal(self._source(access_token="hunter2"), AuthenticationError, ("hunter2",)),
            Refusal(self._source(catalog="gone"), DatabaseNotFoundError),
        ]

    def _source(self, **changes: Any) -> DatabricksSource:
        known = {"access_token": TOKEN, "catalog": "suite"}
        credentials = self.server.credentials(**{**known, **changes})
        return DatabricksSource(DatabricksCredentials.model_validate(credentials))
