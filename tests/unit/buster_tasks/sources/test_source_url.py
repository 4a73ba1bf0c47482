"""Credentials from a URL."""

import traceback
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st
from pydantic import SecretStr, ValidationError

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources import (
    KINDS,
    BigqueryCredentials,
    DatabricksCredentials,
    DuckdbCredentials,
    MysqlCredentials,
    PostgresCredentials,
    SnowflakeCredentials,
    SqliteCredentials,
    credentials_from_url,
)
from buster_tasks.sources.credentials import AnyCredentials, parse_credentials
from buster_tasks.sources.source_url import KIND_OF_SCHEME


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


def test_a_project_of_bigquery() -> None:
    assert credentials_from_url("bigquery://my-project") == BigqueryCredentials(
        project_id="my-project"
    )
    found = credentials_from_url(
        "bigquery://example.com:shop/sales?location=EU&key_file_path=/keys/a%26b.json&maximum_bytes_billed=10"
    )
    assert found == BigqueryCredentials(
        project_id="example.com:shop",
        default_dataset="sales",
        location="EU",
        key_file_path="/keys/a&b.json",
        maximum_bytes_billed=10,
    )
    keyed = credentials_from_url("bigquery://p?service_account_key=file:/keys/key.json")
    assert keyed == BigqueryCredentials(project_id="p", service_account_key="file:/keys/key.json")


NASTY = "p@:/?#%&+= ;[]é"
CODED = quote(NASTY, safe="")
WITH_NAMES_CODED: dict[str, tuple[str, dict[str, object]]] = {
    "postgres": (
        f"postgres://{CODED}:{CODED}@h/{CODED}",
        {"host": "h", "username": NASTY, "password": NASTY, "database": NASTY},
    ),
    "mysql": (
        f"mysql://{CODED}:{CODED}@[::1]:1/{CODED}?charset={CODED}",
        {"host": "::1", "port": 1, "username": NASTY, "password": NASTY, "database": NASTY, "charset": NASTY},
    ),
    "redshift": (
        f"redshift://{CODED}@h/{CODED}?password={CODED}&ssl=false",
        {"host": "h", "username": NASTY, "password": NASTY, "database": NASTY, "ssl": False},
    ),
    "sqlserver": (
        f"sqlserver://{CODED}:{CODED}@h/{CODED}?instance={CODED}&encrypt=false",
        {"server": "h", "username": NASTY, "password": NASTY, "database": NASTY, "instance": NASTY, "encrypt": False},
    ),
    "snowflake": (
        f"snowflake://{CODED}:{CODED}@a/{CODED}/{CODED}?warehouse_id={CODED}",
        {
            "account_id": "a", "username": NASTY, "password": NASTY, "default_database": NASTY,
            "default_schema": NASTY, "warehouse_id": NASTY,
        },
    ),
    "databricks": (
        f"databricks://token:{CODED}@h/{CODED}?catalog={CODED}",
        {"server_hostname": "h", "http_path": f"/{NASTY}", "access_token": NASTY, "catalog": NASTY},
    ),
    "bigquery": (
        f"bigquery://p/{CODED}?service_account_key={CODED}",
        {"project_id": "p", "default_dataset": NASTY, "service_account_key": NASTY},
    ),
    "sqlite": (f"sqlite:///{CODED}", {"path": NASTY}),
    "duckdb": (f"duckdb:////{CODED}", {"path": f"/{NASTY}"}),
}  # fmt: skip


def test_every_kind_has_a_scheme() -> None:
    assert set(KIND_OF_SCHEME.values()) == set(WITH_NAMES_CODED) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_percent_encoded_arrives(kind: str) -> None:
    url, fields = WITH_NAMES_CODED[kind]
    assert credentials_from_url(url) == parse_credentials({"type": kind, **fields})


def password_of(found: AnyCredentials) -> str:
    password = getattr(found, "password", None)
    return password.get_secret_value() if isinstance(password, SecretStr) else str(password)


@given(st.text(min_size=1))
def test_every_password_survives(password: str) -> None:
    try:
        coded = quote(password, safe="")
    except UnicodeEncodeError:  # a half of a letter, which no URL can hold
        return
    found = credentials_from_url(f"postgresql://u:{coded}@h/d")
    assert password_of(found) == password


WITH_PASSWORD = sorted(set(KIND_OF_SCHEME) - {"sqlite", "duckdb", "bigquery"})


@pytest.mark.parametrize("scheme", WITH_PASSWORD)
@pytest.mark.parametrize(
    "rest",
    [
        "u:hun/ter2@h/d",
        "u:hun?ter2=hunter2@h/d",
        "u:hun#ter2@h/d",
        "u:hun?ter2#ter2@h/d",
        "u:hun[ter2@h/d",
        "u:hunter2@h/d?ssl=ter2&unknown=ter2",
        "u:hunter2@h\uff03/d",
    ],
)
def test_an_error_shows_no_part_of_a_password(scheme: str, rest: str) -> None:
    with pytest.raises((SourceNotSupportedError, ValidationError)) as caught:
        credentials_from_url(f"{scheme}://{rest}")
    told = str(caught.value) + repr(caught.value) + "".join(map(str, chain(caught.value)))
    lines = [line for line in told.splitlines() if "ter2" in line]
    assert lines == []


def test_a_project_has_no_password() -> None:
    with pytest.raises(ValidationError, match="password") as caught:
        credentials_from_url("bigquery://u:hunter2@p/d")
    assert "hunter2" not in str(caught.value)


def chain(error: BaseException | None) -> list[str]:
    """What is written of an error and of all behind it, without the lines of the program."""
    if error is None:
        return []
    written = traceback.TracebackException.from_exception(error).format_exception_only()
    return [*written, *chain(error.__cause__ or error.__context__)]


def test_what_is_wrong_is_told_of_the_credentials_of_their_kind() -> None:
    with pytest.raises(ValidationError) as caught:
        credentials_from_url("postgresql://ada@db/shop?pasword=env:DB_PASSWORD")
    told = str(caught.value)
    assert told.startswith("1 validation error for credentials\npostgres.pasword\n")
    assert "did you mean 'password'?" in told
