from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostNotFoundError,
    TlsFailedError,
)
from buster_tasks.sources import SnowflakeCredentials
from buster_tasks.sources.snowflake.login import SESSION, arguments, endpoint_of

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WAYS = ("password", "token", "private_key", "oauth_client_secret")


def pem(passphrase: bytes | None = None) -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase)
    made = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    return made.decode()


DER = KEY.private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def credentials(**changes: Any) -> SnowflakeCredentials:
    known: dict[str, Any] = {
        "account_id": "acme-test", "warehouse_id": "READING", "username": "ADA", "default_database": "SHOP",
    }  # fmt: skip
    return SnowflakeCredentials.model_validate({**known, **(changes or {"password": "p"})})


def given(major: int = 5, **changes: Any) -> dict[str, Any]:
    return arguments(credentials(**changes), major, open_seconds=9.2, network_seconds=60)


@pytest.mark.parametrize("major", [4, 5])
def test_what_every_login_has(major: int) -> None:
    known = given(major, password="p", role="ANALYST", default_schema="APP")
    wanted = {
        "account": "acme-test", "host": "acme-test.snowflakecomputing.com", "port": 443, "protocol": "https",
        "user": "ADA", "password": "p", "database": "SHOP", "schema": "APP", "warehouse": "READING",
        "role": "ANALYST", "paramstyle": "qmark", "session_parameters": SESSION, "login_timeout": 10,
        "client_store_temporary_credential": False,
    }  # fmt: skip
    assert {name: known[name] for name in wanted} == wanted
    assert "authenticator" not in known
    assert SESSION["CLIENT_TELEMETRY_ENABLED"] is False
    assert (SESSION["MULTI_STATEMENT_COUNT"], SESSION["QUERY_TAG"]) == (1, "buster-tasks")


def test_what_the_versions_differ_in() -> None:
    old, new = given(4), given(5)
    assert old["disable_ocsp_checks"]
    assert (old["socket_timeout"], old["network_timeout"]) == (10, 60)
    assert new["enable_server_session_keep_alive_auto_detection"] is False
    assert (new["request_timeout"], new["auto_cleanup"]) == (60, False)
    assert not {"network_timeout", "socket_timeout", "disable_ocsp_checks"} & new.keys()
    assert not {"request_timeout", "auto_cleanup"} & old.keys()


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"private_key": pem()}, {"authenticator": "SNOWFLAKE_JWT", "private_key": DER}),
        (
            {"private_key": pem(b"s3cret"), "private_key_passphrase": "s3cret"},
            {"authenticator": "SNOWFLAKE_JWT", "private_key": DER},
        ),
        (
            {"private_key": pem().replace("\n", "\\n")},
            {"authenticator": "SNOWFLAKE_JWT", "private_key": DER},
        ),
        ({"access_token": "t"}, {"authenticator": "OAUTH", "token": "t"}),
        (
            {"access_token": "t", "token_type": "programmatic"},
            {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": "t"},
        ),
        (
            {"client_id": "c", "client_secret": "s", "token_url": "https://id.example/token"},
            {
                "authenticator": "OAUTH_CLIENT_CREDENTIALS",
                "oauth_client_id": "c",
                "oauth_client_secret": "s",
                "oauth_token_request_url": "https://id.example/token",
            },
        ),
    ],
)
@pytest.mark.parametrize("major", [4, 5])
def test_the_ways_to_log_in(major: int, changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    known = given(major, **changes)
    assert {name: known.get(name) for name in wanted} == wanted
    assert len([name for name in WAYS if name in known]) == 1


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"private_key": "no key at all"}, "cannot be read"),
        ({"private_key": pem(b"s3cret")}, "needs a passphrase"),
        ({"private_key": pem(b"s3cret"), "private_key_passphrase": "hunter2"}, "cannot be read"),
        ({"private_key": pem(), "private_key_passphrase": "hunter2"}, "is not encrypted"),
    ],
)
def test_a_key_that_is_none(changes: dict[str, str], word: str) -> None:
    with pytest.raises(AuthenticationError, match=word) as caught:
        given(5, **changes)
    assert "hunter2" not in str(caught.value)
    assert (
        changes["private_key"][40:80] not in str(caught.value) or len(changes["private_key"]) < 40
    )


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("acme.privatelink.snowflakecomputing.com", ("acme.privatelink.snowflakecomputing.com", 443, True)),
        ("acme.example:8443", ("acme.example", 8443, True)),
        ("https://acme.example", ("acme.example", 443, True)),
        ("https://acme.example:444/", ("acme.example", 444, True)),
        ("http://127.0.0.1:8080", ("127.0.0.1", 8080, False)),
        ("http://localhost", ("localhost", 80, False)),
    ],
)  # fmt: skip
def test_a_host_of_ones_own(host: str, wanted: tuple[str, int, bool]) -> None:
    there = endpoint_of(credentials(password="p", custom_host=host))
    assert (there.host, there.port, there.is_encrypted) == wanted
    assert given(password="p", custom_host=host)["protocol"] == ("https" if wanted[2] else "http")


@pytest.mark.parametrize(
    ("account", "host"),
    [
        ("my_org-acme", "my-org-acme.snowflakecomputing.com"),
        ("ab123.eu-west-1", "ab123.eu-west-1.snowflakecomputing.com"),
        ("ab123.cn-north-1.aws", "ab123.cn-north-1.aws.snowflakecomputing.cn"),
    ],
)
def test_the_public_host_of_an_account(account: str, host: str) -> None:
    assert endpoint_of(credentials(password="p", account_id=account)).host == host


@pytest.mark.parametrize(
    "host",
    ["ftp://acme.example", "https://u:hunter2@acme.example", "https://", "acme.example/path", "[::1", "a:99999"],
)  # fmt: skip
def test_what_is_no_host(host: str) -> None:
    with pytest.raises((HostNotFoundError, ConnectionFailedError)) as caught:
        endpoint_of(credentials(password="p", custom_host=host))
    assert not caught.value.transient
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("account", ["evil.example#", "evil.example/", "a@b", "a:80", "a b", "a\n"])
def test_what_is_no_account(account: str) -> None:
    with pytest.raises(HostNotFoundError):
        endpoint_of(credentials(password="p", account_id=account))


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "p", "custom_host": "http://acme.example"},
        {"client_id": "c", "client_secret": "s", "token_url": "http://id.example/token"},
    ],
)
def test_no_login_goes_over_the_network_without_tls(changes: dict[str, str]) -> None:
    with pytest.raises(TlsFailedError, match="http://"):
        endpoint_of(credentials(**changes))
