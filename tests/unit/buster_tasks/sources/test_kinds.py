"""Kinds that packages add: found by their entry point, validated by their model, and treated as our own are."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

import taskkit
from buster_tasks import IntrospectDataInput
from buster_tasks.analyst.known_sources import credentials_of
from buster_tasks.analyst.models import AnalystDataSource
from buster_tasks.errors import (
    AccessRefusedError,
    HostNotAllowedError,
    PathNotAllowedError,
    SourceNotSupportedError,
)
from buster_tasks.sources import connect, credentials_from_url, kinds
from buster_tasks.sources.access import DIRECTORIES, HOSTS
from buster_tasks.sources.credentials import parse_credentials

MODULE = """
from pathlib import Path

from buster_tasks.sources import CustomCredentials, Secret


class OracleCredentials(CustomCredentials):
    type: str = "oracle"
    host: str
    port: int = 1521
    database: str
    username: str
    password: Secret
    wallet: str | None = None

    def destinations(self):
        return [(self.host, self.port), *([Path(self.wallet)] if self.wallet else [])]


class OracleSource:
    kind = "oracle"
    credentials_model = OracleCredentials

    def __init__(self, credentials):
        self.credentials = credentials


class FolderCredentials(CustomCredentials):
    type: str = "folder"
    path: str


class FolderSource(OracleSource):
    kind = "folder"
    credentials_model = FolderCredentials


class WithoutModel:
    pass
"""
ENTRIES = """
[buster_tasks.sources]
oracle = third_party_sources:OracleSource
folder = third_party_sources:FolderSource
bare = third_party_sources:WithoutModel
gone = third_party_sources:NoSuchSource
postgres = third_party_sources:OracleSource
"""
CANARY = "canary-7f3a"
ORACLE = {"type": "oracle", "host": "h", "database": "d", "username": "u", "password": CANARY}
URL = f"oracle://u:{CANARY}@h/d"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that adds kinds, as an installer leaves it; nothing is restricted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(HOSTS, raising=False)
    monkeypatch.delenv(DIRECTORIES, raising=False)
    about = tmp_path / "third_party_sources-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: third-party-sources\nVersion: 1.0\n"
    )
    (about / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "third_party_sources.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    kinds._added.cache_clear()
    sys.modules.pop("third_party_sources", None)


def test_it_is_connected_to_like_any_other() -> None:
    source = connect(ORACLE)
    assert source.kind == "oracle"
    assert source.credentials == parse_credentials(ORACLE)  # type: ignore[attr-defined]  # of the test's own class


def test_our_own_kinds_cannot_be_taken_over() -> None:
    assert kinds.source_class("postgres").__module__.startswith("buster_tasks.")


def test_a_payload_holds_it_and_its_secret_is_masked() -> None:
    payload = IntrospectDataInput.model_validate({"dataSourceName": "x", "credentials": ORACLE})
    assert (
        CANARY not in f"{payload!r} {payload.model_dump()} {payload.model_dump_json(by_alias=True)}"
    )
    assert payload.credentials.model_dump()["password"] == SecretStr(CANARY)
    text = json.dumps({"dataSourceName": "x", "credentials": ORACLE})
    assert IntrospectDataInput.model_validate_json(text) == payload
    assert IntrospectDataInput(data_source_name="x", credentials=payload.credentials) == payload
    stored = payload.model_dump_json(by_alias=True, round_trip=True)
    assert json.loads(stored)["credentials"]["database"] == "d"


def test_a_reference_stays_text() -> None:
    referring = parse_credentials({**ORACLE, "password": "env:ORACLE_PASSWORD"})
    assert json.loads(referring.model_dump_json())["password"] == "env:ORACLE_PASSWORD"


def all_bytes(folder: Path, pattern: str) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob(pattern))


@pytest.mark.anyio
async def test_its_secret_is_sealed_in_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKKIT_SECRET_KEY", "k" * 43 + "=")
    seen: list[object] = []

    @taskkit.task(id="look")
    async def look(payload: IntrospectDataInput) -> None:
        seen.append(payload.credentials)

    payload = IntrospectDataInput.model_validate({"dataSourceName": "x", "credentials": ORACLE})
    async with taskkit.worker(f"sqlite:///{tmp_path / 'runs.db'}"):
        handle = await look.trigger(payload)
        (await handle.result(timeout=20)).unwrap()
    assert seen == [payload.credentials]
    stored = all_bytes(tmp_path, "runs.db*")
    assert b'"oracle"' in stored
    assert CANARY.encode() not in stored


def test_urls_are_those_of_a_server_or_of_a_file() -> None:
    assert credentials_from_url(URL) == parse_credentials(ORACLE)
    assert credentials_from_url("folder:////data/shop") == parse_credentials(
        {"type": "folder", "path": "/data/shop"}
    )
    with pytest.raises(SourceNotSupportedError, match="Percent-encode"):
        credentials_from_url(f"oracle://u:p/{CANARY}@h/d")


def test_the_analyst_knows_it_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSTER_TASKS_SOURCE_SALES", URL)
    assert credentials_of(AnalystDataSource(name="sales")) == parse_credentials(ORACLE)
    given = AnalystDataSource.model_validate({"name": "sales", "credentials": ORACLE})
    assert credentials_of(given) == parse_credentials(ORACLE)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({**ORACLE, "type": "oracel"}, "Did you mean 'oracle'?"),
        ({**ORACLE, "type": "postgre"}, "Did you mean 'postgres'?"),
        ({**ORACLE, "type": "bare"}, "has to give a subclass of CustomCredentials"),
        ({**ORACLE, "type": "gone"}, "cannot be imported: AttributeError"),
        ({**ORACLE, "passwort": CANARY}, "did you mean 'password'?"),
        ({**ORACLE, "port": CANARY}, "port"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(raw: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        IntrospectDataInput.model_validate({"dataSourceName": "x", "credentials": raw})
    assert said in str(caught.value)
    assert CANARY not in str(caught.value)


def test_an_unknown_scheme_is_told_the_near_one() -> None:
    with pytest.raises(SourceNotSupportedError, match="Did you mean oracle://") as caught:
        credentials_from_url(f"oracel://u:{CANARY}@h/d")
    assert CANARY not in str(caught.value)


def allowed(monkeypatch: pytest.MonkeyPatch, hosts: str, folder: Path) -> None:
    monkeypatch.setenv(HOSTS, hosts)
    monkeypatch.setenv(DIRECTORIES, str(folder))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"host": "other"}, HostNotAllowedError),
        ({"port": 1522}, HostNotAllowedError),
        ({"wallet": "/elsewhere/wallet"}, PathNotAllowedError),
    ],
)
def test_where_it_leads_is_checked(
    changes: dict[str, object],
    error: type[Exception],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allowed(monkeypatch, "h:1521", tmp_path)
    connect({**ORACLE, "wallet": str(tmp_path / "wallet")})
    with pytest.raises(error):
        connect({**ORACLE, **changes})


@pytest.mark.parametrize("variable", [HOSTS, DIRECTORIES])
def test_what_does_not_say_where_it_leads_is_refused_where_that_is_restricted(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect({"type": "folder", "path": "x"})
    monkeypatch.setenv(variable, os.sep)
    with pytest.raises(AccessRefusedError, match="does not say where it leads"):
        connect({"type": "folder", "path": "x"})


def test_entry_points_are_not_read_for_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> dict[str, object]:
        pytest.fail("the entry points were read")

    monkeypatch.setattr(kinds, "_entries", refuse)
    assert connect({"type": "sqlite", "path": "x"}).kind == "sqlite"
    assert credentials_from_url("postgresql://u:p@h/d").type == "postgres"
