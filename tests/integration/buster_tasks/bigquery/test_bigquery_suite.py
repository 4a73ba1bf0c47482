"""The reader of BigQuery keeps the contract of data sources, on an emulator."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    SecretNotFoundError,
    TlsFailedError,
)
from buster_tasks.sources import BigqueryCredentials
from buster_tasks.sources.bigquery import BigquerySource
from buster_tasks.sources.bigquery.catalog import quote
from buster_tasks.testing import DataSourceSuite, Dialect, Refusal, Spelling
from buster_tasks.testing.fixture import (
    CUSTOMER,
    OTHER_TABLES,
    VIEW,
    VIEW_COLUMNS,
    ColumnFact,
    TableFact,
    tables,
)
from tests.doubles.bigquery_proxy import Proxy, bigquery_proxy
from tests.doubles.bigquery_server import BigqueryServer

ENDLESS = (
    "SELECT COUNT(*) FROM endless.big a, endless.big b, endless.big c WHERE MOD(a.x*b.x*c.x, 7) = 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BigqueryDialect(Dialect):
    def name(self, *parts: str) -> str:
        return ".".join(map(quote, parts))


BIGQUERY = BigqueryDialect(
    schema="suite",
    page=20_000,
    other_schema="suite_other",
    endless=ENDLESS,
    comments="inline",
    has_actions=False,
    has_indexes=False,
    has_unique=False,
    strange="ünï-ços 1 - x",
    types={
        "integer": Spelling("INT64", "integer", "42", 42),
        "text": Spelling("STRING", "text", r"'é \'x\' %s'", "é 'x' %s"),
        # the emulator forgets the numbers in a type's parentheses
        "decimal": Spelling(
            "NUMERIC(12,4)",
            "decimal",
            "NUMERIC '12345678.1234'",
            Decimal("12345678.1234"),
            "NUMERIC",
        ),
        "float": Spelling("FLOAT64", "float", "0.5", 0.5),
        "boolean": Spelling("BOOL", "boolean", "TRUE", True),
        "date": Spelling("DATE", "date", "DATE '2024-02-29'", date(2024, 2, 29)),
        "timestamp": Spelling(
            "DATETIME",
            "timestamp",
            "DATETIME '2024-02-29 23:59:58'",
            datetime(2024, 2, 29, 23, 59, 58),  # noqa: DTZ001 - it has no zone
        ),
        "binary": Spelling("BYTES", "binary", r"b'\x00\xff'", b"\x00\xff"),
    },
    writes=(
        "TRUNCATE TABLE suite.empty",
        "EXPORT DATA OPTIONS (uri='gs://b/*', format='CSV') AS SELECT 1",
        "EXECUTE IMMEDIATE 'DROP TABLE suite.empty'",
    ),
)


def statements() -> Iterator[str]:
    for table in tables(BIGQUERY):
        yield from of_table("suite", table)
    names = ", ".join(VIEW_COLUMNS)
    yield f"CREATE VIEW suite.{VIEW} AS SELECT {names} FROM suite.{CUSTOMER.name} WHERE email IS NULL"
    for table in OTHER_TABLES:
        yield from of_table("suite_other", table)


def of_table(schema: str, table: TableFact) -> Iterator[str]:
    parts = [of_column(column) for column in table.columns]
    parts.append(f"PRIMARY KEY ({names(table.primary)}) NOT ENFORCED")
    for key in table.foreign:
        target = BIGQUERY.name(schema, key.table)
        parts.append(
            f"FOREIGN KEY ({names(key.columns)}) REFERENCES {target} ({names(key.referenced)}) NOT ENFORCED"
        )
    where = BIGQUERY.name(schema, table.name)
    yield f"CREATE TABLE {where} ({', '.join(parts)}){described(table.comment)}"
    if table.rows:
        rows = ", ".join(f"({', '.join(row)})" for row in table.rows)
        yield f"INSERT INTO {where} VALUES {rows}"


def of_column(column: ColumnFact) -> str:
    text = f"{quote(column.name)} {BIGQUERY.types[column.type].written}"
    text += f" DEFAULT {column.default}" if column.default else ""
    return text + ("" if column.nullable else " NOT NULL") + described(column.comment)


def described(comment: str | None) -> str:
    return "" if comment is None else f" OPTIONS (description={json.dumps(comment)})"


def names(columns: tuple[str, ...]) -> str:
    return ", ".join(map(quote, columns))


class TestBigquery(DataSourceSuite):
    dialect = BIGQUERY
    time_limit = 60.0

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def _datasets(server: BigqueryServer) -> Iterator[None]:
        server.run("CREATE SCHEMA suite", "CREATE SCHEMA suite_other", *statements())
        yield
        server.run("DROP SCHEMA suite CASCADE", "DROP SCHEMA suite_other CASCADE")

    @pytest.fixture(scope="class")
    @staticmethod
    def way(server: BigqueryServer) -> Iterator[Proxy]:
        """The way to the server, which spares it questions that it answered before."""
        with bigquery_proxy(server.endpoint, remembers=True) as running:
            yield running

    @pytest.fixture(autouse=True)
    def _server(self, server: BigqueryServer, way: Proxy) -> None:
        self.server, self.way = server, way

    def make_source(self) -> BigquerySource:
        return self._source()

    def refusals(self) -> list[Refusal]:
        key = {"type": "service_account", "private_key": "hunter2", "client_email": "a@b"}
        damaged = {"api_endpoint": "https://127.0.0.1:9"}
        return [
            Refusal(self._source(service_account_key=key), AuthenticationError, ("hunter2",)),
            Refusal(
                self._source(service_account_key="{hunter2"), AuthenticationError, ("hunter2",)
            ),
            Refusal(self._source(service_account_key="hunter2"), SecretNotFoundError, ("hunter2",)),
            Refusal(self._source(key_file_path="/no/such"), SecretNotFoundError),
            Refusal(self._source(**damaged), AuthenticationError),
            Refusal(self._source(api_endpoint="http://db.example"), TlsFailedError),
            Refusal(self._source(api_endpoint="http://127.0.0.1:9"), ConnectionFailedError),
        ]

    def _source(self, **changes: Any) -> BigquerySource:
        known = self.server.credentials(**{"api_endpoint": self.way.endpoint, **changes})
        return BigquerySource(BigqueryCredentials.model_validate(known))

    @pytest.mark.skip(reason="the emulator's COLUMNS has no column_default; see the recorded rows")
    def test_defaults_are_told(self) -> None: ...

    @pytest.mark.skip(reason="BigQuery refuses two columns of one name; the emulator renames one")
    def test_columns_of_one_name_are_kept(self) -> None: ...
