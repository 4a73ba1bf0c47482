"""The reader of MySQL servers keeps the contract of data sources."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.mariadb import MariadbServer
from buster_tasks.errors import AuthenticationError, DatabaseNotFoundError, PermissionDeniedError
from buster_tasks.sources import MysqlCredentials
from buster_tasks.sources.mysql import MysqlSource
from buster_tasks.testing import PLAIN, DataSourceSuite, Dialect, Refusal, fixture_statements

PASSWORD = "canary-5d1e"
MYSQL = Dialect(
    schema="suite",
    other_schema="suite_other",
    endless="SELECT COUNT(*) FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b, "
    "information_schema.COLLATIONS c, information_schema.COLLATIONS d",
    quote="`",
    comments="inline",
    types={
        **PLAIN,
        "integer": replace(PLAIN["integer"], told="int(11)"),
        "float": replace(PLAIN["float"], told="double"),
        "boolean": replace(PLAIN["boolean"], told="tinyint(1)", value=1),
        "timestamp": replace(PLAIN["timestamp"], written="datetime"),
    },
    writes=(
        "SET GLOBAL max_connections = 5",
        "FLUSH TABLES",
        "SELECT 1 INTO OUTFILE '/tmp/suite'",
        "/*! DELETE FROM suite.customer */",
        "REPLACE INTO suite.empty VALUES (1, 'written')",
        "RENAME TABLE suite.empty TO suite.full",
        "CALL suite.nothing()",
    ),
)


class TestMysql(DataSourceSuite):
    dialect = MYSQL
    secrets = (PASSWORD,)

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def _databases(server: MariadbServer) -> Iterator[None]:
        server.run(
            f"CREATE USER suite@'%' IDENTIFIED BY '{PASSWORD}'",
            *(f"CREATE DATABASE {name}" for name in ("suite", "suite_other")),
            *(f"GRANT ALL ON {name}.* TO suite@'%'" for name in ("suite", "suite_other")),
        )
        server.run(*fixture_statements(MYSQL), database="suite")
        yield
        server.run("DROP DATABASE suite", "DROP DATABASE suite_other", "DROP USER suite@'%'")

    @pytest.fixture(autouse=True)
    def _server(self, server: MariadbServer) -> None:
        self.server = server

    def make_source(self) -> MysqlSource:
        return self._source()

    def refusals(self) -> list[Refusal]:
        return [
            Refusal(self._source(password="hunter2"), AuthenticationError, ("hunter2",)),
            Refusal(self._source(database="mysql"), PermissionDeniedError),
            Refusal(
                self._source(database="gone", username="root", password=self.server.password),
                DatabaseNotFoundError,
            ),
        ]

    def _source(self, **changes: Any) -> MysqlSource:
        known = {"database": "suite", "username": "suite", "password": PASSWORD}
        credentials = self.server.credentials(**{**known, **changes})
        return MysqlSource(MysqlCredentials.model_validate(credentials))
