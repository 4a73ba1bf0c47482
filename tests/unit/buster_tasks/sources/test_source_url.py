"""Credentials from a URL."""

import pytest
from pydantic import SecretStr, ValidationError

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources import (
    DatabricksCredentials,
    DuckdbCredentials,
    MysqlCredentials,
    PostgresCredentials,
    SnowflakeCredentials,
    SqliteCredentials,
    credentials_from_url,
)


def test_a_server_with_everything() -> None:
    url = "postgresql://reader:p%40ss@db.example:6432/shop%20one?default_schema=sales&connection_timeout=3000"
    assert credentials_from_url(url) == PostgresCredentials(
        host="db.example", port=6432, database="shop one", username="reader", password=SecretStr("p@ss"),
        default_schema="sales", connection_timeout=3000,
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "MySQL"])
def test_a_password_by_reference(scheme: str) -> None:
    found = credentials_from_url(f"{scheme}://reader@127.0.0.1/shop?password=env:DB_PASSWORD")
    assert found == MysqlCredentials(
        host="127.0.0.1", database="shop", username="reader", password="env:DB_PASSWORD"
    )


@pytest.mark.parametrize(
    ("option", "ssl"),
    [("sslmode=disable", False), ("sslmode=verify-full", True), ("ssl=false", False), ("", None)],
)
def test_tls(option: str, ssl: bool | None) -> None:
    found = credentials_from_url(f"postgres://u:p@h/d?{option}")
    assert isinstance(found, PostgresCredentials)
    assert found.ssl is ssl


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///shop.db", "shop.db"),
        ("sqlite:////data/shop.db", "/data/shop.db"),
        ("sqlite:///a%20b/100%25.db", "a b/100%.db"),
        ("sqlite://shop.db", "shop.db"),
    ],
)
def test_files(url: str, path: str) -> None:
    assert credentials_from_url(url) == SqliteCredentials(path=path)


def test_a_duckdb_file_with_an_option() -> None:
    found = credentials_from_url("duckdb:///shop.duckdb?read_only=false")
    assert found == DuckdbCredentials(path="shop.duckdb", read_only=False)


@pytest.mark.parametrize(
    "url", ["oracle://u:hunter2@h/d", "shop.db", "", "postgresql", "postgresql://u:hunter2@[::1/d"]
)
def test_another_scheme_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(SourceNotSupportedError) as caught:
        credentials_from_url(url)
    assert "postgresql://" in caught.value.fix
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("postgresql://u:hunter2@/d", "host"),
        ("postgresql://u:hunter2@h", "database"),
        ("postgresql://:hunter2@h/d", "username"),
        ("postgresql://u@h/hunter2", "password"),
        ("postgresql://u:hunter2@h/d?sslrootcert=x", "sslrootcert"),
        ("postgresql://u:hunter2@h/d?sslmode=maybe", "ssl"),
    ],
)
def test_what_is_missing_or_unknown_is_named_without_the_password(url: str, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        credentials_from_url(url)
    assert any(field in map(str, error["loc"]) for error in caught.value.errors())
    assert "hunter2" not in str(caught.value)


def test_a_port_that_is_none_is_told() -> None:
    with pytest.raises(ValidationError, match="port"):
        credentials_from_url("postgresql://u:p@h:99999/d")


def test_a_snowflake_account() -> None:
    found = credentials_from_url(
        "snowflake://ada:p%2Fw@acme-test/SHOP/APP?warehouse_id=READING&role=ANALYST"
    )
    assert found == SnowflakeCredentials(
        account_id="acme-test",
        warehouse_id="READING",
        username="ada",
        password=SecretStr("p/w"),
        default_database="SHOP",
        default_schema="APP",
        role="ANALYST",
    )
    keyed = credentials_from_url(
        "snowflake://ada@acme-test/SHOP?warehouse_id=W&private_key=file:/keys/k.p8"
    )
    assert keyed == SnowflakeCredentials(
        account_id="acme-test",
        warehouse_id="W",
        username="ada",
        private_key="file:/keys/k.p8",
        default_database="SHOP",
    )


@pytest.mark.parametrize(
    ("url", "host", "token"),
    [
        (
            "databricks://token:dapi1@dbc.example/sql/1.0/warehouses/abc?catalog=main",
            "dbc.example",
            "dapi1",
        ),
        (
            "databricks://dbc.example:8443/sql/1.0/warehouses/abc?catalog=main&access_token=env:T",
            "https://dbc.example:8443",
            "env:T",
        ),
    ],
)
def test_databricks_has_its_http_path_in_the_url(url: str, host: str, token: str) -> None:
    assert credentials_from_url(url) == DatabricksCredentials.model_validate(
        {
            "server_hostname": host,
            "http_path": "/sql/1.0/warehouses/abc",
            "access_token": token,
            "catalog": "main",
        }
    )
