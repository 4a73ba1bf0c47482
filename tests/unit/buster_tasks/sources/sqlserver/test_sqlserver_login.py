import re
import struct
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from buster_tasks.errors import (
    AuthenticationError,
    DriverMissingError,
    HostNotFoundError,
    SourceError,
    SourceNotSupportedError,
    TlsFailedError,
)
from buster_tasks.sources import SqlserverCredentials, credentials_from_url
from buster_tasks.sources.sqlserver.driver import Driver
from buster_tasks.sources.sqlserver.login import address_of, attributes, connection_text

MICROSOFT, FREETDS = Driver("ODBC Driver 18 for SQL Server"), Driver("FreeTDS")
PART = re.compile(r"(\w+)=\{((?:[^}]|\}\})*)\};")


def credentials(**changes: Any) -> SqlserverCredentials:
    known = {
        "server": "db.example",
        "database": "shop",
        "username": "reader",
        "password": "hunter2",
    }
    return SqlserverCredentials.model_validate({**known, **changes})


def options(driver: Driver = MICROSOFT, **changes: Any) -> dict[str, str]:
    """The options of the text, read as ODBC reads them; nothing else may be in it."""
    text = connection_text(credentials(**changes), driver)
    assert "".join(match[0] for match in PART.finditer(text)) == text
    return {name: value.replace("}}", "}") for name, value in PART.findall(text)}


def test_by_default_it_is_encrypted_checked_and_read_only() -> None:
    assert options() == {
        "DRIVER": "ODBC Driver 18 for SQL Server", "SERVER": "tcp:db.example,1433", "Encrypt": "yes",
        "TrustServerCertificate": "no", "KeepAlive": "30", "KeepAliveInterval": "1", "ConnectRetryCount": "0",
        "UID": "reader", "PWD": "hunter2", "DATABASE": "shop", "APP": "buster-tasks", "ApplicationIntent": "ReadOnly",
    }  # fmt: skip


def test_tls_options() -> None:
    found = options(encrypt=False, trust_server_certificate=True, host_name_in_certificate="x.y")
    assert (found["Encrypt"], found["TrustServerCertificate"]) == ("no", "yes")
    assert found["HostNameInCertificate"] == "x.y"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_no_value_can_be_more_than_a_value(text: str) -> None:
    secret = text if not text.startswith(("env:", "file:")) else f"x{text}"
    found = options(password=secret, username=text, database=text)
    assert (found["PWD"], found["UID"], found["DATABASE"]) == (secret, text, text)
    assert found["Encrypt"] == "yes"


def test_a_password_that_looks_like_options() -> None:
    found = options(password="a};Encrypt={no};{UID=sa")
    assert found["PWD"] == "a};Encrypt={no};{UID=sa"
    assert (found["Encrypt"], found["UID"]) == ("yes", "reader")


@pytest.mark.parametrize("value", ["a\0b"])
def test_what_odbc_cannot_be_given(value: str) -> None:
    with pytest.raises(SourceNotSupportedError) as caught:
        options(password=value)
    assert value not in str(caught.value)


@pytest.mark.parametrize("server", ["db;UID=sa", "db,1444", "{db}", "db/x", " "])
def test_a_server_is_a_host_and_nothing_else(server: str) -> None:
    with pytest.raises(HostNotFoundError):
        options(server=server)


@pytest.mark.parametrize(
    ("changes", "server"),
    [
        ({"instance": "SALES"}, r"db.example\SALES"),
        ({"server": r"db.example\SALES"}, r"db.example\SALES"),
        ({"instance": "SALES", "port": 1444}, "tcp:db.example,1444"),
        ({"port": 1444}, "tcp:db.example,1444"),
    ],
)
def test_an_instance_is_looked_up_unless_the_port_is_given(
    changes: dict[str, Any], server: str
) -> None:
    assert options(**changes)["SERVER"] == server
    assert str(address_of(credentials(**changes))) in (server, "db.example:1444")


@pytest.mark.parametrize(
    ("authentication", "keyword"),
    [
        ("entra-password", "ActiveDirectoryPassword"),
        ("entra-service-principal", "ActiveDirectoryServicePrincipal"),
        ("entra-msi", "ActiveDirectoryMsi"),
    ],
)
def test_entra_logins_are_keywords_of_the_driver(authentication: str, keyword: str) -> None:
    found = options(authentication=authentication)
    assert (found["Authentication"], found["UID"], found["PWD"]) == (keyword, "reader", "hunter2")


def test_a_managed_identity_needs_no_name() -> None:
    found = options(authentication="entra-msi", username=None, password=None)
    assert found["Authentication"] == "ActiveDirectoryMsi"
    assert found.keys().isdisjoint({"UID", "PWD"})


def test_the_machines_own_login_is_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    login = {"authentication": "entra-default", "username": None, "password": None}
    assert options(**login).keys().isdisjoint({"UID", "PWD", "Authentication"})
    with pytest.raises(DriverMissingError, match="azure-identity"):
        attributes(credentials(**login))

    class RefusedError(Exception):
        pass

    asked: list[str] = []

    def get_token(scope: str) -> Any:
        asked.append(scope)
        if len(asked) > 1:
            raise RefusedError("canary")
        return SimpleNamespace(token="tok")

    identity, core = ModuleType("azure.identity"), ModuleType("azure.core.exceptions")
    identity.__dict__["DefaultAzureCredential"] = lambda: SimpleNamespace(get_token=get_token)
    core.__dict__["ClientAuthenticationError"] = RefusedError
    for name in ("azure", "azure.core"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "azure.identity", identity)
    monkeypatch.setitem(sys.modules, "azure.core.exceptions", core)
    token = "tok".encode("utf-16-le")
    assert attributes(credentials(**login)) == {1256: struct.pack("<I", 6) + token}
    assert asked == ["https://database.windows.net/.default"]
    with pytest.raises(AuthenticationError) as caught:
        attributes(credentials(**login))
    assert "canary" not in str(caught.value)


def test_other_logins_have_no_token() -> None:
    assert attributes(credentials()) == {}


def test_freetds_spells_it_in_another_way() -> None:
    found = options(FREETDS, trust_server_certificate=True, domain="CORP")
    assert (found["SERVER"], found["PORT"], found["TDS_Version"]) == ("db.example", "1433", "7.4")
    assert (found["Encryption"], found["UID"]) == ("require", r"CORP\reader")
    assert options(FREETDS, encrypt=False)["Encryption"] == "off"
    assert options(FREETDS, encrypt=False, instance="X")["SERVER"] == r"db.example\X"


@pytest.mark.parametrize(
    ("driver", "changes", "error"),
    [
        (FREETDS, {}, TlsFailedError),
        (FREETDS, {"encrypt": False, "password": "a}b"}, SourceNotSupportedError),
        (FREETDS, {"encrypt": False, "authentication": "entra-password"}, SourceNotSupportedError),
        (MICROSOFT, {"domain": "CORP"}, SourceNotSupportedError),
    ],
)
def test_what_a_driver_cannot_do_is_said(
    driver: Driver, changes: dict[str, Any], error: type[SourceError]
) -> None:
    with pytest.raises(error) as caught:
        options(driver, **changes)
    assert caught.value.fix
    assert "a}b" not in str(caught.value)


def test_a_url_stands_for_credentials() -> None:
    made = credentials_from_url("mssql+pyodbc://reader:p%40ss@db.example:1444/shop?encrypt=false")
    assert isinstance(made, SqlserverCredentials)
    assert (made.server, made.port, made.database, made.encrypt) == (
        "db.example",
        1444,
        "shop",
        False,
    )
    assert isinstance(credentials_from_url("sqlserver://r:p@h/d"), SqlserverCredentials)
