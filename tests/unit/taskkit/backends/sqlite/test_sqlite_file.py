"""The file: which one a URL means, who may read it, and what version it is of."""

import sqlite3
import stat
from pathlib import Path

import pytest

from taskkit.backends.sql.schema import MIGRATIONS
from taskkit.backends.sqlite import SqliteBackend
from taskkit.backends.sqlite.connection import Place, connect, place_of
from taskkit.errors import (
    BackendError,
    InvalidConfigError,
    SecretInPayloadError,
    StoreUnavailableError,
)
from taskkit.model.request import TriggerRequest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:///runs.db", Place(Path("runs.db"))),
        ("sqlite:////var/lib/runs.db", Place(Path("/var/lib/runs.db"))),
        ("sqlite:///a%20b/runs.db?synchronous=normal", Place(Path("a b/runs.db"), "normal")),
        ("sqlite:///runs.db?synchronous=full", Place(Path("runs.db"), "full")),
    ],
)
def test_a_url_names_a_file(url: str, place: Place) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://", "sqlite:///", "sqlite://runs.db", "sqlite:///folder/", "sqlite:///:memory:",
        "sqlite:///runs.db?mode=ro", "sqlite:///runs.db?synchronous=off",
    ],
)  # fmt: skip
def test_a_url_that_is_not_understood_says_what_to_write(url: str) -> None:
    with pytest.raises(InvalidConfigError, match=r"Write sqlite:///runs\.db"):
        SqliteBackend.from_url(url)


def test_a_new_file_is_for_its_owner_and_of_this_version(tmp_path: Path) -> None:
    place = Place(tmp_path / "runs.db")
    db = connect(place)
    assert db.execute("SELECT version FROM taskkit_version").fetchall() == [(len(MIGRATIONS),)]
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
    db.close()


def test_files_are_for_their_owner_alone_while_they_are_written_to(tmp_path: Path) -> None:
    place = Place(tmp_path / "runs.db")
    db = connect(place)
    db.execute("INSERT INTO queues (name) VALUES ('kept')")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    db.close()
    assert modes == {"runs.db": 0o600, "runs.db-wal": 0o600, "runs.db-shm": 0o600}


def test_a_file_that_others_may_read_is_told_of_once_with_what_to_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path / "my runs.db")
    connect(place).close()
    connect(place).close()
    assert caplog.text == ""
    place.path.chmod(0o640)
    db = connect(place)  # which makes the other two as it finds this one
    connect(place).close()
    db.close()
    (record,) = caplog.records
    assert "others than the owner may read or change the runs in" in record.getMessage()
    assert record.getMessage().endswith(f"Run: chmod 600 '{place.path}'")


def test_a_file_that_is_known_is_not_made_again(tmp_path: Path) -> None:
    place = Place(tmp_path / "runs.db")
    db = connect(place)
    db.execute("INSERT INTO queues (name) VALUES ('kept')")
    db.close()
    again = connect(place)
    assert again.execute("SELECT name FROM queues").fetchall() == [("kept",)]
    again.close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path / "runs.db")
    db = connect(place)
    db.execute("UPDATE taskkit_version SET version = version + 1")
    db.close()
    with pytest.raises(BackendError, match="Upgrade taskkit"):
        connect(place)
    left = sqlite3.connect(place.path)
    assert left.execute("SELECT version FROM taskkit_version").fetchone() == (len(MIGRATIONS) + 1,)
    left.close()


async def test_a_file_that_cannot_be_made_is_told_at_open(tmp_path: Path) -> None:
    backend = SqliteBackend(Place(tmp_path / "missing" / "runs.db"))
    with pytest.raises(StoreUnavailableError, match="Look whether the folder exists"):
        await backend.open()


async def test_what_is_no_database_is_told_at_open(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 20)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        await SqliteBackend(Place(path)).open()


async def test_a_secret_is_not_written_down(tmp_path: Path) -> None:
    backend = SqliteBackend(Place(tmp_path / "runs.db"))
    await backend.open()
    plain = TriggerRequest("run_0", "task", b"{}", "task/task")
    request = TriggerRequest("run_1", "task", b"{}", "task/task", secrets={"password": "hunter2"})
    with pytest.raises(SecretInPayloadError, match="password"):
        await backend.enqueue([plain, request], batch_id=None, now=None)
    assert await backend.get(["run_0", "run_1"]) == [None, None]
    await backend.close()
