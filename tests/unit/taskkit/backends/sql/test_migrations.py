"""An older database becomes a newer one, beside others who do the same and workers that go on."""

import asyncio
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taskkit.backends.base import SupportsMigrations
from taskkit.backends.sql import schema
from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.errors import BackendError, InvalidConfigError
from taskkit.model.exchange import (
    ClaimSpec,
    Completed,
    Entry,
    EntryKind,
    MigrationStatus,
    ScheduleRecord,
    Suspended,
    TokenRef,
    Wait,
    WorkerRecord,
)
from taskkit.model.ids import new_id, new_run_id
from taskkit.model.options import Debounce
from taskkit.model.request import TriggerRequest

pytestmark = pytest.mark.anyio
TABLES = re.findall(r"CREATE TABLE (\w+)", schema.MIGRATIONS[0][1])
SECOND = (
    "second",
    ";".join(f"ALTER TABLE {table} ADD COLUMN later INTEGER" for table in TABLES)
    + "; CREATE INDEX runs_later ON runs (later); CREATE TABLE more (number INTEGER PRIMARY KEY)",
)
"""A step that only adds: to every table there is."""


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on this is a taskkit that knows one step more."""
    return lambda: monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, SECOND))


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])


def frozen(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}migrate=no"


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def do_everything(backend: KeptBackend, key: str) -> None:
    """Every table is written to."""
    pushed = Debounce(key, 1.0)
    requests = [
        TriggerRequest(
            *(new_run_id(), "task", b"1", "queue"),
            concurrency_key=key,
            idempotency_key=key,
            tags=("a",),
        ),
        TriggerRequest(new_run_id(), "task", b"1", "queue", debounce=pushed),
        TriggerRequest(new_run_id(), "task", b'"long"' + b" " * 10_000, "queue"),
    ]
    for answer in await backend.enqueue(requests, batch_id=None, now=None):
        assert answer.disposition == "created"
    await backend.create_token(key, timeout=None, tags=(), idempotency_key=None, now=None)
    later = datetime.now(UTC) + timedelta(seconds=5)
    await backend.advance(now=later, limit=10)
    leases = await backend.claim("worker", ClaimSpec(), limit=10, lease=30, now=later)
    assert len(leases) == 3
    for lease in leases:
        await backend.append(lease.run.id, [Entry(EntryKind.LOG, "x")], flush_id="f", lease=lease)
        await backend.append(lease.run.id, [Entry(EntryKind.TAG, "b")], flush_id="g", lease=lease)
    first, *rest = leases
    await backend.settle(first, Suspended((Wait("wait", TokenRef(key)),)), now=later)
    for lease in rest:
        await backend.settle(lease, Completed(b"1"), now=later)
    await backend.complete_token(key, b"1", now=later)
    (resumed,) = await backend.claim("worker", ClaimSpec(), limit=10, lease=30, now=later)
    await backend.settle(resumed, Completed(b"1"), now=later)
    schedule = ScheduleRecord(new_id("sched"), "task", "* * * * *", "UTC", "IMPERATIVE", later)
    assert await backend.put_schedule(schedule) is not None
    await backend.report(WorkerRecord(key, frozenset({"task"}), later), lasts=30)
    found = await backend.get([one.run_id for one in requests])
    assert [run and run.status for run in found] == ["COMPLETED"] * 3


async def test_a_new_store_is_looked_at_without_being_made(
    url: str, unopened: KeptBackend, tmp_path: Path
) -> None:
    assert isinstance(unopened, SupportsMigrations)
    assert await unopened.migrations() == MigrationStatus(0, 1, ("first",))
    assert await unopened.migrations() == MigrationStatus(0, 1, ("first",))
    assert files(tmp_path) == []


async def test_opening_upgrades_unless_the_url_says_no(
    url: str, unopened: KeptBackend, make: Callable[[str], KeptBackend], tmp_path: Path
) -> None:
    strict = make(frozen(url))
    with pytest.raises(BackendError, match=r"version 0, .* needs version 1.*taskkit db upgrade"):
        await strict.open()
    assert files(tmp_path) == []
    assert await strict.upgrade() == MigrationStatus(1, 1)
    assert await strict.upgrade() == MigrationStatus(1, 1)
    strict = make(frozen(url))
    await strict.open()
    await do_everything(strict, "a")
    await strict.close()


@pytest.mark.parametrize("said", ["off", "", "NO"])
def test_what_migrate_says_is_yes_or_no(
    said: str, url: str, make: Callable[[str], KeptBackend]
) -> None:
    with pytest.raises(InvalidConfigError, match=r"migrate=.*migrate=no"):
        make(frozen(url).replace("migrate=no", f"migrate={said}"))


async def test_an_older_worker_goes_on_while_and_after_it_is_upgraded(
    url: str,
    backend: KeptBackend,
    make: Callable[[str], KeptBackend],
    newer: Callable[[], None],
    older: Callable[[], None],
) -> None:
    await do_everything(backend, "before")
    newer()
    upgrading = make(frozen(url))
    assert await upgrading.migrations() == MigrationStatus(1, 2, ("second",))
    with pytest.raises(BackendError, match="taskkit db upgrade"):
        await make(frozen(url)).open()
    upgraded, _ = await asyncio.gather(upgrading.upgrade(), do_everything(backend, "meanwhile"))
    assert upgraded == MigrationStatus(2, 2)
    await do_everything(backend, "after")
    await upgrading.open()
    await do_everything(upgrading, "newer")
    await upgrading.close()
    older()
    await do_everything(backend, "still")


async def test_a_newer_version_is_refused(
    url: str,
    make: Callable[[str], KeptBackend],
    newer: Callable[[], None],
    older: Callable[[], None],
) -> None:
    newer()
    await make(url).upgrade()
    older()
    assert await make(url).migrations() == MigrationStatus(2, 1)
    for call in (make(url).open, make(url).upgrade, make(frozen(url)).open):
        with pytest.raises(BackendError, match=r"version 2, .* up to 1.*Upgrade taskkit"):
            await call()


MIGRATE = """
import asyncio, sys
from taskkit.backends.sql import schema
from taskkit.backends import postgres, sqlite

async def main(url, *step):
    schema.MIGRATIONS = (*schema.MIGRATIONS, step)
    kind = sqlite.SqliteBackend if url.startswith("sqlite") else postgres.PostgresBackend
    print("ready", flush=True)
    sys.stdin.readline()
    backend = kind.from_url(url)
    await backend.open()
    print((await backend.migrations()).version, flush=True)
    await backend.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("is_new", [True, False])
async def test_processes_that_migrate_at_once_do_it_once(
    url: str, is_new: bool, make: Callable[[str], KeptBackend]
) -> None:
    if not is_new:
        await make(url).upgrade()
    pipe = asyncio.subprocess.PIPE
    each = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MIGRATE, url, *SECOND), stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(3)
    ]
    for one in each:
        assert one.stdout is not None
        assert await one.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*[one.communicate(b"go\n") for one in each])
    assert [(said, errors.decode()) for said, errors in answers] == [(b"2\n", "")] * 3


async def test_a_connection_that_comes_back_may_find_a_newer_version(
    postgres_url: str,
    make: Callable[[str], KeptBackend],
    rows: Any,
    newer: Callable[[], None],
    older: Callable[[], None],
) -> None:
    """A worker of the version before outlives an outage as it outlives the upgrade."""
    backend = make(postgres_url)
    await backend.open()
    newer()
    await make(postgres_url).upgrade()
    older()
    ((process,),) = await rows(backend, "SELECT pg_backend_pid()::bigint")
    other = make(postgres_url.replace("taskkit_", "another_"))
    await other.open()
    await rows(other, "SELECT pg_terminate_backend(?::int)", process)
    await other.close()
    for _ in range(2):  # one call is told
        try:
            await do_everything(backend, new_id("key"))
            break
        except BackendError:
            continue
    else:
        pytest.fail("it has not come back")
    await backend.close()


async def test_an_upgrade_waits_for_who_is_at_the_tables(
    postgres_url: str,
    make: Callable[[str], KeptBackend],
    newer: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not for long at a time: others would wait behind it."""
    from taskkit.backends.postgres import schema as own
    from taskkit.backends.postgres.connection import connect, place_of

    await make(postgres_url).upgrade()
    newer()
    monkeypatch.setattr(own, "_WAIT_FOR_A_TABLE", "10ms")
    monkeypatch.setattr(own, "_PAUSES", (0.0,) * 5)
    holder = connect(place_of(postgres_url))
    paused = 0

    def pause(_: float) -> None:
        nonlocal paused
        paused += 1
        if paused == 2:
            holder.execute("ROLLBACK")

    monkeypatch.setattr(own.time, "sleep", pause)
    holder.execute("BEGIN")
    holder.execute("SELECT * FROM entries FOR UPDATE")
    try:
        assert await make(postgres_url).upgrade() == MigrationStatus(2, 2)
    finally:
        holder.close()
    assert paused == 2
