"""`taskkit db`: the schema of a store, and runs that are old enough to be forgotten."""

import json
from pathlib import Path

import pytest

from taskkit.runtime import current_backend

OLD = '''
"""A store that cannot be opened before its schema is up to date, and that keeps some old runs."""

import json
from pathlib import Path

from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.model.exchange import MigrationStatus

STATE = Path("state.json")


class Old(MemoryBackend):
    capabilities = MemoryBackend.capabilities | {Capability.SHARED}

    @classmethod
    def from_url(cls, url):
        return cls()

    async def open(self):
        if self._state()["version"] != 3:
            raise RuntimeError("this schema is not understood")

    def _state(self):
        return json.loads(STATE.read_text())

    async def migrations(self):
        version = self._state()["version"]
        if version < 0:
            raise ConnectionRefusedError(111, "Connection refused")
        return MigrationStatus(version, 3, ("first", "queues", "tags")[version:])

    async def upgrade(self):
        STATE.write_text(json.dumps(self._state() | {"version": 3}))
        return await self.migrations()

    async def purge(self, before, *, limit):
        state = self._state()
        number = min(limit, state["old"])
        steps = state.get("steps", []) + [number]
        STATE.write_text(json.dumps(state | {"old": state["old"] - number, "steps": steps}))
        return number
'''


@pytest.fixture
def old(shop: Path) -> str:
    (shop / "old_store.py").write_text(OLD, encoding="utf-8")
    installed = shop / "old-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: old\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[taskkit.backends]\nold = old_store:Old\n")
    current_backend.forget("old://here")
    return "old://here"


def keep(shop: Path, **state: object) -> None:
    (shop / "state.json").write_text(json.dumps({"version": 1, "old": 0, **state}))


def kept(shop: Path) -> dict[str, object]:
    return dict(json.loads((shop / "state.json").read_text()))


def test_status_shows_what_is_missing_and_changes_nothing(call_cli, old: str, shop: Path) -> None:
    keep(shop)
    done = call_cli("db", "status", "--backend", old)
    assert (done.status, done.stdout.splitlines()) == (
        0,
        ["old://here is at version 1; the latest is 3.", "  missing  queues", "  missing  tags"],
    )
    assert "taskkit db upgrade does what is missing" in done.stderr
    assert kept(shop)["version"] == 1
    as_json = call_cli("db", "status", "--backend", old, "-o", "json")
    assert json.loads(as_json.stdout) == {"version": 1, "latest": 3, "pending": ["queues", "tags"]}


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (0, "was not used yet; the latest version is 3."),
        (3, "is at version 3, the latest."),
        (4, "is at version 4, which is newer than this taskkit knows (3)"),
    ],
)
def test_status_in_words(call_cli, old: str, shop: Path, version: int, said: str) -> None:
    keep(shop, version=version)
    assert said in call_cli("db", "status", "--backend", old).stdout


def test_upgrade_of_a_store_that_cannot_be_opened_before(call_cli, old: str, shop: Path) -> None:
    keep(shop)
    done = call_cli("db", "upgrade", "--backend", old)
    assert (done.status, done.stdout) == (0, "old://here is at version 3, the latest.\n")
    assert done.stderr.splitlines() == ["missing: queues", "missing: tags"]
    again = call_cli("db", "upgrade", "--backend", old)
    assert (again.status, again.stdout, again.stderr) == (0, done.stdout, "")


def test_a_store_that_cannot_be_reached(call_cli, old: str, shop: Path) -> None:
    keep(shop, version=-1)
    for verb in ("status", "upgrade"):
        done = call_cli("db", verb, "--backend", old)
        assert (done.status, done.stdout) == (3, "")
        assert "The backend old://here cannot be opened." in done.stderr


def test_purge_goes_in_small_steps(call_cli, old: str, shop: Path) -> None:
    keep(shop, version=3, old=25)
    arguments = ("db", "purge", "--older-than", "30d", "--backend", old, "--limit-per-step", "10")
    done = call_cli(*arguments)
    assert done.status == 0
    assert done.stdout.startswith("25 runs that ended before ")
    assert kept(shop)["steps"] == [10, 10, 5, 0]
    assert json.loads(call_cli(*arguments, "-o", "json").stdout)["purged"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--older-than", "soon"], "--older-than is 'soon'"),
        (["--older-than", "1d", "--limit-per-step", "0"], "give at least 1"),
        ([], "--older-than"),
    ],
)
def test_purge_refuses_what_it_does_not_understand(
    call_cli, old: str, arguments: list[str], said: str
) -> None:
    done = call_cli("db", "purge", *arguments, "--backend", old)
    assert (done.status, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("verb", ["status", "upgrade"])
def test_a_backend_without_a_schema_has_nothing_to_migrate(call_cli, shelf: str, verb: str) -> None:
    done = call_cli("db", verb, "--backend", shelf)
    assert (done.status, done.stdout) == (3, "")
    said = " ".join(done.stderr.split())
    assert f"The backend {shelf} keeps no schema that needs migrating." in said
    assert f"taskkit db {verb} is about the tables in which a backend keeps runs" in said
    assert "There is nothing to do for it." in said
    assert "postgres://, postgresql://, sqlite://." in said
    assert "shelf://" not in said.partition("such a schema:")[2]


def test_a_backend_that_forgets_nothing(call_cli, shelf: str) -> None:
    done = call_cli("db", "purge", "--older-than", "1d", "--backend", shelf)
    assert (done.status, done.stdout) == (3, "")
    assert f"taskkit db purge is not supported by the backend {shelf}" in done.stderr


@pytest.mark.parametrize("arguments", [["status"], ["upgrade"], ["purge", "--older-than", "1d"]])
def test_where_there_is_no_backend(call_cli, arguments: list[str]) -> None:
    none = call_cli("db", *arguments)
    assert (none.status, none.stdout) == (3, "")
    assert "--backend URL" in none.stderr


def test_a_file_of_runs(call_cli, shop: Path) -> None:
    """The same with a store that is really there."""
    url = "sqlite:///runs.db"
    assert "was not used yet" in call_cli("db", "status", "--backend", url).stdout
    assert not (shop / "runs.db").exists()
    done = call_cli("db", "upgrade", "--backend", url)
    assert (done.status, "the latest." in done.stdout) == (0, True)
    purged = call_cli("db", "purge", "--older-than", "0", "--backend", url)
    assert purged.stdout.startswith("0 runs")
