"""What an operator allows is kept for every kind, before anything is looked up or opened."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from buster_tasks import introspect
from buster_tasks.errors import (
    HostNotAllowedError,
    HostNotFoundError,
    PathNotAllowedError,
    SettingError,
)
from buster_tasks.sources import KINDS, connect
from buster_tasks.sources.access import DIRECTORIES, HOSTS
from buster_tasks.sources.credentials import parse_credentials
from buster_tasks.sources.destinations import destinations
from buster_tasks.sources.network import addresses, check_host, check_url

LOGIN = {"database": "d", "username": "u", "password": "hunter2"}
SNOWFLAKE = {
    "type": "snowflake", "account_id": "org-a_b", "warehouse_id": "w", "username": "u", "default_database": "d",
}  # fmt: skip
OAUTH = {"client_id": "c", "client_secret": "hunter2", "token_url": "https://id.example/token"}
DATABRICKS = {"type": "databricks", "http_path": "/sql", "access_token": "hunter2"}
CLUSTER = "shop.abc.eu-west-1.redshift.amazonaws.com"

WHERE: list[tuple[dict[str, Any], list[tuple[str, int | None]]]] = [
    ({"type": "postgres", "host": "h", **LOGIN}, [("h", 5432)]),
    ({"type": "mysql", "host": "h", "port": 1, **LOGIN}, [("h", 1)]),
    ({"type": "sqlserver", "server": "h", **LOGIN}, [("h", 1433)]),
    ({"type": "sqlserver", "server": "h\\INSTANCE", **LOGIN}, [("h", None)]),
    ({"type": "redshift", "host": "h", **LOGIN}, [("h", 5439)]),
    (
        {"type": "redshift", "host": CLUSTER, "database": "d", "iam": True},
        [(CLUSTER, 5439), ("redshift.eu-west-1.amazonaws.com", 443)],
    ),
    (
        {
            "type": "redshift", "host": "h", "database": "d", "iam": True, "serverless_work_group": "g", "region": "r",
            "access_key_id": "AKIAX", "secret_access_key": "hunter2",
        },
        [("h", 5439), ("redshift-serverless.r.amazonaws.com", 443)],
    ),
    ({**SNOWFLAKE, "password": "hunter2"}, [("org-a-b.snowflakecomputing.com", 443)]),
    (
        {**SNOWFLAKE, **OAUTH, "custom_host": "https://h:8443"},
        [("h", 8443), ("id.example", 443)],
    ),
    ({"type": "bigquery", "project_id": "p"}, [("bigquery.googleapis.com", 443)]),
    (
        {"type": "bigquery", "project_id": "p", "api_endpoint": "http://127.0.0.1:9050"},
        [("127.0.0.1", 9050)],
    ),
    ({**DATABRICKS, "server_hostname": "h"}, [("h", 443)]),
    ({**DATABRICKS, "server_hostname": "http://[::1]:80"}, [("::1", 80)]),
    ({"type": "sqlite", "path": "x"}, []),
    ({"type": "duckdb", "path": "x"}, []),
]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(HOSTS, raising=False)
    monkeypatch.delenv(DIRECTORIES, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object, **_more: object) -> None:
        pytest.fail("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "socket", refuse)


@pytest.mark.parametrize(("raw", "expected"), WHERE)
def test_where_credentials_lead(
    raw: dict[str, Any], expected: list[tuple[str, int | None]]
) -> None:
    assert destinations(parse_credentials(raw)) == expected


def test_every_kind_leads_somewhere() -> None:
    assert {raw["type"] for raw, _ in WHERE} == set(KINDS)


SERVERS = [raw for raw, expected in WHERE if expected]
BY_NAME = [raw for raw, expected in WHERE if expected and expected[0][0][0].isalpha()]


@pytest.mark.parametrize("raw", SERVERS, ids=lambda raw: raw["type"])
def test_every_host_is_refused_that_is_not_allowed(
    raw: dict[str, Any], no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connect(raw).kind == raw["type"]
    monkeypatch.setenv(HOSTS, "*.allowed.example")
    with pytest.raises(HostNotAllowedError) as caught:
        connect(raw)
    assert caught.value.code == "HOST_NOT_ALLOWED"
    assert HOSTS in caught.value.fix
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "second"), [(raw, places[1][0]) for raw, places in WHERE if len(places) > 1]
)
def test_all_hosts_have_to_be_allowed(
    raw: dict[str, Any], second: str, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = destinations(parse_credentials(raw))[0][0]
    monkeypatch.setenv(HOSTS, first)
    with pytest.raises(HostNotAllowedError, match=second):
        connect(raw)
    monkeypatch.setenv(HOSTS, f"{first}, {second}")
    assert connect(raw).kind == raw["type"]


ENTRA = {"type": "sqlserver", "database": "d"}
IAM = {"type": "redshift", "database": "d", "iam": True, "cluster_identifier": "c"}
BIGQUERY = {"type": "bigquery", "project_id": "p"}
OWN_LOGINS: list[tuple[dict[str, Any], str, list[str], list[str]]] = [
    (
        {**ENTRA, "authentication": way}, "server", ["shop.database.windows.net", "w.sql.azuresynapse.net\\I"],
        ["db.evil.net", "database.windows.net.evil.net", "10.0.0.1", "localhost"],
    )
    for way in ("entra-default", "entra-msi")
] + [
    (
        BIGQUERY, "api_endpoint", ["https://bigquery.googleapis.com", "https://x.p.googleapis.com", "http://127.0.0.1:9"],
        ["https://evil.net", "https://evilgoogleapis.com", "https://evil.net\\@bigquery.googleapis.com"],
    ),
    (
        IAM, "host", [CLUSTER, CLUSTER + ".cn", "a.1.r.redshift-serverless.amazonaws.com"],
        ["evil.net", "ec2-1-2-3-4.compute-1.amazonaws.com", "10.0.0.1"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "field", "own", "others"), OWN_LOGINS)
def test_the_machines_own_login_is_for_hosts_of_its_cloud_unless_others_are_named(
    raw: dict[str, Any],
    field: str,
    own: list[str],
    others: list[str],
    no_network: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for host in own:
        connect({**raw, field: host})
    for host in others:
        with pytest.raises(HostNotAllowedError) as caught:
            connect({**raw, field: host})
        assert HOSTS in caught.value.fix or "doubtful" in caught.value.message
    monkeypatch.setenv(HOSTS, "*.evil.net, evil.net, 10.0.0.0/8, redshift.eu-west-1.amazonaws.com")
    connect({**raw, field: others[0]})


def test_a_login_of_the_credentials_goes_where_they_say(no_network: None) -> None:
    connect({**BIGQUERY, "api_endpoint": "https://evil.net", "service_account_key": "{}"})
    connect({**ENTRA, "server": "evil.net", "username": "u", "password": "p"})
    connect({**IAM, "host": "evil.net", "access_key_id": "a", "secret_access_key": "s"})


def test_the_project_file_may_say_it(tmp_path: Path, no_network: None) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[tool.buster-tasks]\nhosts = ["db.example:5432", "10.0.0.0/8"]\n')
    connect({"type": "postgres", "host": "10.1.1.1", **LOGIN})
    connect({"type": "postgres", "host": "db.example", **LOGIN})
    with pytest.raises(HostNotAllowedError, match="pyproject"):
        connect({"type": "mysql", "host": "192.168.0.1", **LOGIN})
    file.write_text("[tool.buster-tasks]\nhosts = [1]\n")
    with pytest.raises(SettingError, match="pyproject"):
        connect({"type": "mysql", "host": "db.example", **LOGIN})
    file.write_text("[tool.buster-tasks]\nhosts = [\n")
    with pytest.raises(SettingError, match="is not TOML"):
        connect({"type": "mysql", "host": "db.example", **LOGIN})


def test_an_empty_setting_does_not_open_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, " ")
    with pytest.raises(SettingError, match=f"{HOSTS}: no host is named"):
        connect({"type": "postgres", "host": "db.example", **LOGIN})


def answering(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """Have every name lead to these addresses."""

    def look_up(*_given: object, **_more: object) -> list[Any]:
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name not known")
        return [(0, 0, 0, "", (address, 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_names_are_judged_by_their_addresses_when_they_are_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(HOSTS, "*.example, 10.0.0.0/8")
    answering(monkeypatch, "10.0.0.1")
    assert addresses("db.example", 1) == addresses("else.where", 1) == ["10.0.0.1"]
    check_host("else.where", 1)
    answering(monkeypatch, "10.0.0.1", "169.254.169.254")
    for ask in (addresses, check_host):
        for host in ("db.example", "else.where"):
            with pytest.raises(HostNotAllowedError, match=r"leads to 169\.254\.169\.254"):
                ask(host, 1)
    with pytest.raises(HostNotAllowedError):
        check_url("https://db.example/token")


def test_a_name_that_only_a_proxy_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch)
    check_host("anything", 1)  # nothing is set
    monkeypatch.setenv(HOSTS, "*.example, 10.0.0.0/8")
    check_host("db.example", 1)
    with pytest.raises(HostNotFoundError):
        check_host("else.where", 1)
    with pytest.raises(HostNotFoundError):
        addresses("db.example", 1)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/", "https://", "id.example/token", "https://[::1/", "https://h:x/", "file:///x", "https:/h/",
        "https:h", "https://evil.net\\@id.example/", "https://u:p@id.example/", "https://evil.net\t.example/",
        "https://evil.net\n/", "https://evil.net /", "https:\\\\id.example/",
    ],
)  # fmt: skip
def test_a_url_that_leads_nowhere_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, "*")
    with pytest.raises(HostNotAllowedError):
        check_url(url)


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_files_are_read_from_directories_that_are_allowed(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside, tmp_path / "inside-not"):
        folder.mkdir()
        (folder / "a.db").touch()
    (inside / "link.db").symlink_to(outside / "a.db")
    (outside / "back.db").symlink_to(inside / "a.db")
    (tmp_path / "to-inside").symlink_to(inside)
    monkeypatch.setenv("HOME", str(outside))
    monkeypatch.setenv(DIRECTORIES, f"{tmp_path / 'to-inside'}{os.pathsep}elsewhere")
    for allowed in (inside / "a.db", "inside/a.db", "inside/new/b.db", outside / "back.db"):
        connect({"type": kind, "path": str(allowed)})
    for refused in (
        outside / "a.db", inside / "link.db", "inside/../outside/a.db", "~/a.db", "~nobody-here/a.db",
        "inside-not/a.db", "file:inside/a.db",
    ):  # fmt: skip
        with pytest.raises(PathNotAllowedError) as caught:
            connect({"type": kind, "path": str(refused)})
        assert DIRECTORIES in caught.value.fix
    monkeypatch.setenv(DIRECTORIES, "")
    with pytest.raises(PathNotAllowedError):
        connect({"type": kind, "path": str(inside / "a.db")})


@pytest.mark.anyio
@pytest.mark.parametrize("raw", BY_NAME, ids=lambda raw: raw["type"])
async def test_a_name_that_leads_elsewhere_is_refused_when_the_source_opens(
    raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object, **_more: object) -> None:
        pytest.fail("a connection was tried")

    names = [host for host, _ in destinations(parse_credentials(raw))]
    monkeypatch.setenv(HOSTS, ", ".join(names))
    source = connect(raw)
    answering(monkeypatch, "169.254.169.254")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(HostNotAllowedError, match=r"169\.254\.169\.254"):
        await source.open()
    test = await source.test()
    assert (test.ok, test.error_code) == (False, "HOST_NOT_ALLOWED")
    await source.close()


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
async def test_a_file_that_became_a_link_is_refused_when_the_source_opens(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.db").touch()
    monkeypatch.setenv(DIRECTORIES, str(tmp_path / "inside"))
    source = connect({"type": kind, "path": "inside/a.db"})
    (tmp_path / "inside" / "a.db").symlink_to(tmp_path / "secret.db")
    with pytest.raises(PathNotAllowedError):
        await source.open()
    await source.close()


@pytest.mark.anyio
async def test_plain_code_and_the_task_are_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, "*.example")
    monkeypatch.setenv(DIRECTORIES, "/data")
    with pytest.raises(HostNotAllowedError):
        await introspect("postgresql://u:p@db.evil/d")
    with pytest.raises(PathNotAllowedError):
        await introspect("sqlite:///shop.db")
