import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import SecretStr, ValidationError

from buster_tasks.sources import connect
from buster_tasks.sources.credentials import (
    KINDS,
    BigqueryCredentials,
    PostgresCredentials,
    SqliteCredentials,
    parse_credentials,
)

CANARY = "canary-7f3a"

# The original's own spellings, older and newer; the last of each kind has every field.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "snowflake": [
        {"account_id": "a", "warehouse_id": "w", "username": "u", "password": CANARY, "default_database": "d"},
        {
            "accountId": "a", "warehouseId": "w", "username": "u", "password": CANARY, "defaultDatabase": "d",
            "role": "r", "default_schema": "s", "custom_host": "h",
        },
        {
            "account_id": "a", "warehouse_id": "w", "username": "u", "privateKey": CANARY,
            "private_key_passphrase": CANARY, "default_database": "d",
        },
        {
            "account_id": "a", "warehouse_id": "w", "username": "u", "access_token": CANARY,
            "token_type": "programmatic", "default_database": "d",
        },
        {
            "account_id": "a", "warehouse_id": "w", "username": "u", "client_id": "c", "client_secret": CANARY,
            "token_url": "https://id.example/token", "default_database": "d", "connection_timeout": 5000,
        },
    ],
    "postgres": [
        {"host": "h", "database": "d", "username": "u", "password": CANARY},
        {
            "host": "h", "port": 5433, "default_database": "d", "username": "u", "password": CANARY, "schema": "s",
            "ssl": {"rejectUnauthorized": False, "ca": "c", "cert": "x", "key": CANARY}, "connection_timeout": 5000,
        },
    ],
    "postgresql": [{"host": "h", "database": "d", "username": "u", "password": CANARY, "ssl": True}],
    "mysql": [
        {"host": "h", "database": "d", "username": "u", "password": CANARY},
        {
            "host": "h", "port": 3307, "default_database": "d", "username": "u", "password": CANARY, "ssl": True,
            "connection_timeout": 5000, "charset": "utf8mb4",
        },
    ],
    "bigquery": [
        {"project_id": "p"},
        {"projectId": "p", "service_account_key": CANARY, "default_dataset": "d", "location": "EU"},
        {"project_id": "p", "service_account_key": {"private_key": CANARY}, "key_file_path": "key.json"},
        {"project_id": "p", "api_endpoint": "https://bigquery.example", "maximum_bytes_billed": 10},
    ],
    "sqlserver": [
        {"server": "s", "database": "d", "username": "u", "password": CANARY},
        {
            "server": "s", "port": 1434, "default_database": "d", "username": "u", "password": CANARY, "domain": "x",
            "instance": "i", "encrypt": False, "trust_server_certificate": True, "connection_timeout": 1,
            "request_timeout": 2, "driver": "FreeTDS", "host_name_in_certificate": "*.example",
        },
        {"server": "s", "database": "d", "authentication": "entra-default"},
        {"server": "s", "database": "d", "authentication": "entra-msi", "username": "id"},
        {
            "server": "s", "database": "d", "authentication": "entra-service-principal", "username": "id",
            "password": CANARY,
        },
    ],
    "redshift": [
        {"host": "h", "database": "d", "username": "u", "password": CANARY},
        {
            "host": "h", "port": 5440, "default_database": "d", "username": "u", "password": CANARY,
            "default_schema": "s", "ssl": False, "connection_timeout": 1, "cluster_identifier": "c",
        },
        {
            "host": "h", "database": "d", "iam": True, "region": "eu-west-1", "access_key_id": "a",
            "secretAccessKey": CANARY, "session_token": CANARY, "serverless_work_group": "g",
        },
        {"host": "h", "database": "d", "username": "u", "iam": True, "profile": "p", "ssl": {"ca": "c"}},
    ],
    "databricks": [
        {"server_hostname": "h", "http_path": "/sql", "access_token": CANARY},
        {"serverHostname": "h", "httpPath": "/sql", "accessToken": CANARY, "catalog": "c", "schema": "s"},
        {"server_hostname": "h", "http_path": "/sql", "client_id": "c", "client_secret": CANARY},
    ],
    "sqlite": [{"path": "shop.db"}, {"path": "shop.db", "read_only": False}],
    "duckdb": [{"path": "shop.duckdb"}, {"path": "shop.duckdb", "readOnly": False}],
}  # fmt: skip
CASES = [{"type": kind, **fields} for kind, examples in EXAMPLES.items() for fields in examples]


POSTGRES = {"type": "postgres", **EXAMPLES["postgres"][0]}


def with_secrets(text: str) -> Any:
    """The stored JSON with each masked secret put back where it stood."""
    secret = json.dumps({"private_key": CANARY}) if '"key_file_path":"key.json"' in text else CANARY
    return json.loads(text.replace('"**********"', json.dumps(secret)))


@pytest.mark.parametrize("raw", CASES, ids=lambda raw: raw["type"])
def test_credentials_are_stable_when_secrets_are_put_back(raw: dict[str, Any]) -> None:
    credentials = parse_credentials(raw)
    stored = credentials.model_dump_json(round_trip=True, by_alias=True)
    assert CANARY not in stored
    assert parse_credentials(with_secrets(stored)) == credentials


@pytest.mark.parametrize("raw", CASES, ids=lambda raw: raw["type"])
def test_secrets_are_in_no_text(raw: dict[str, Any]) -> None:
    credentials = parse_credentials(raw)
    assert CANARY not in f"{credentials!r} {credentials} {credentials.model_dump()}"


def test_every_kind_has_an_example() -> None:
    assert {parse_credentials(raw).type for raw in CASES} == set(KINDS)


def test_postgresql_is_postgres() -> None:
    fields = {"host": "h", "database": "d", "username": "u", "password": "p"}
    assert parse_credentials({"type": "postgresql", **fields}) == parse_credentials(
        {"type": "postgres", **fields}
    )


def test_a_model_is_taken_as_it_is() -> None:
    credentials = SqliteCredentials(path="shop.db")
    assert parse_credentials(credentials) == credentials


def test_a_path_object_is_a_path() -> None:
    assert (
        parse_credentials({"type": "sqlite", "path": Path("shop.db")}).model_dump()["path"]
        == "shop.db"
    )


@pytest.mark.parametrize("raw", [{"type": "oracle"}, {}, {"type": None}, {"type": 5}, 7, None])
def test_an_unknown_kind_names_those_that_are_known(raw: object) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_credentials(raw)
    for kind in KINDS:
        assert kind in str(caught.value)
    [error] = caught.value.errors()
    assert not error["msg"].endswith(".")  # whoever tells it ends the sentence


@pytest.mark.parametrize("raw", CASES, ids=lambda raw: raw["type"])
def test_an_unknown_option_is_refused_without_showing_secrets(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_credentials({**raw, "passfile": CANARY})
    assert "passfile" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_model_made_by_hand_hides_its_input_too() -> None:
    with pytest.raises(ValidationError) as caught:
        PostgresCredentials.model_validate({**POSTGRES, "password": [CANARY]})
    assert CANARY not in str(caught.value)


SNOWFLAKE = {
    "type": "snowflake", "account_id": "a", "warehouse_id": "w", "username": "u", "default_database": "d"
}  # fmt: skip
DATABRICKS = {"type": "databricks", "server_hostname": "h", "http_path": "/sql"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (SNOWFLAKE, "this has none; give password, or private_key, or"),
        ({**SNOWFLAKE, "password": CANARY, "access_token": CANARY}, "has access_token, password"),
        ({**SNOWFLAKE, "private_key_passphrase": CANARY}, "this has private_key_passphrase"),
        ({**SNOWFLAKE, "client_id": "c", "client_secret": CANARY}, "client_id with client_secret"),
        (DATABRICKS, "give access_token, or client_id with client_secret"),
        ({**DATABRICKS, "access_token": CANARY, "http_path": "sql"}, "begins with a slash"),
        (
            {"type": "sqlserver", "server": "s", "database": "d", "username": "u"},
            "or authentication",
        ),
        (
            {"type": "redshift", "host": "h", "database": "d", "password": CANARY},
            "or iam set to true",
        ),
        (
            {"type": "redshift", "host": "h", "database": "d", "password": CANARY, "iam": True},
            "none",
        ),
    ],
)
def test_how_to_log_in_is_said_where_it_is_missing_or_twice(raw: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_credentials(raw)
    assert said in str(caught.value)
    assert CANARY not in str(caught.value)


def test_two_spellings_of_one_field_are_refused() -> None:
    both = {"type": "mysql", "host": "h", "username": "u", "password": "p", "database": "a"}
    with pytest.raises(ValidationError):
        parse_credentials({**both, "default_database": "b"})


@pytest.mark.parametrize("port", [0, -1, 65536, "no"])
def test_a_port_that_is_none_is_refused(port: object) -> None:
    with pytest.raises(ValidationError):
        parse_credentials({**POSTGRES, "port": port})


@pytest.mark.parametrize("path", [":memory:", "", "sqlite:///shop.db", "a\0b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        SqliteCredentials(path=path)


def test_memory_is_refused_with_the_reason() -> None:
    with pytest.raises(ValidationError, match="nobody else can see"):
        SqliteCredentials(path=":memory:")


@pytest.mark.parametrize("reference", ["env:PGPASSWORD", "file:secrets/pg"])
@pytest.mark.parametrize("wrap", [str, SecretStr])
def test_a_reference_is_plain_text_whatever_it_came_in(reference: str, wrap: Any) -> None:
    credentials = parse_credentials({**POSTGRES, "password": wrap(reference)})
    assert isinstance(credentials, PostgresCredentials)
    assert credentials.password == reference
    stored = credentials.model_dump_json(round_trip=True, by_alias=True)
    assert parse_credentials(json.loads(stored)) == credentials


@pytest.mark.parametrize("secret", [1234, {"x": CANARY}, [CANARY], True])
@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("password", {"type": "postgres", "host": "h", "database": "d", "username": "u"}),
        ("access_token", {"type": "databricks", "server_hostname": "h", "http_path": "/p"}),
    ],
)
def test_a_secret_that_is_no_text_is_refused_in_one_sentence(
    field: str, raw: dict[str, Any], secret: object
) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_credentials({**raw, field: secret})
    [error] = caught.value.errors()
    assert error["loc"] == (raw["type"], field)
    assert error["msg"] == "a text is needed: the secret, or a reference such as env:NAME"
    assert CANARY not in str(caught.value)


@given(st.text())
def test_every_password_survives(password: str) -> None:
    credentials = parse_credentials({**POSTGRES, "password": password})
    assert isinstance(credentials, PostgresCredentials)
    secret = credentials.password
    assert (secret if isinstance(secret, str) else secret.get_secret_value()) == password


def test_a_key_given_as_an_object_is_kept_as_text() -> None:
    credentials = parse_credentials(
        {"type": "bigquery", "project_id": "p", "service_account_key": {"a": 1}}
    )
    assert isinstance(credentials, BigqueryCredentials)
    assert isinstance(credentials.service_account_key, SecretStr)
    assert json.loads(credentials.service_account_key.get_secret_value()) == {"a": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_connected_at_first_use(kind: str) -> None:
    assert connect({"type": kind, **EXAMPLES[kind][0]}).kind == kind
