"""`buster_tasks.introspect`: without a run, on a real SQLite file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

import buster_tasks
from buster_tasks.catalog import CatalogStore, diff
from buster_tasks.errors import DatabaseNotFoundError, InvalidFilterError
from buster_tasks.sources import SqliteCredentials
from taskkit.errors import SyncInAsyncError

MakeDatabase = Callable[..., Path]
SCRIPT = "CREATE TABLE t (a INTEGER PRIMARY KEY); CREATE TABLE u (b);"


@pytest.mark.anyio
async def test_credentials_a_mapping_and_a_url_are_the_same(make_database: MakeDatabase) -> None:
    path = make_database(SCRIPT)
    for given in (
        SqliteCredentials(path=str(path)),
        {"type": "sqlite", "path": str(path)},
        f"sqlite:///{path}",
    ):
        found = await buster_tasks.introspect(given)
        assert found.data_source_name == "shop"
        assert [table.name for table in found.tables] == ["t", "u"]
        assert found.issues == []


@pytest.mark.anyio
async def test_what_is_asked_for_reaches_the_source(make_database: MakeDatabase) -> None:
    phases: list[str] = []

    async def progress(phase: str, *_: object) -> None:
        phases.append(phase)

    found = await buster_tasks.introspect(
        f"sqlite:///{make_database(SCRIPT)}",
        name="Mine",
        tables=["*"],
        exclude_tables=("u",),
        progress=progress,
        time_limit=0,
    )
    assert (found.data_source_name, [table.name for table in found.tables]) == ("Mine", ["t"])
    assert found.tables[0].row_count is None
    assert phases[-1] == "done"


@pytest.mark.anyio
async def test_columns_are_measured_over_several_connections(make_database: MakeDatabase) -> None:
    tables = "".join(
        f"CREATE TABLE t{at} (a); INSERT INTO t{at} VALUES (1), (2);" for at in range(9)
    )
    path, told = make_database(tables), dict[str, Mapping[str, int]]()

    async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        told[phase] = counts

    found = await buster_tasks.introspect(
        f"sqlite:///{path}",
        statistics="sample",
        sample_rows=1,
        seed=3,
        connections=3,
        progress=progress,
    )
    assert [one.measured_rows for one in found.columns] == [1] * 9
    assert told["measuring"] == {"tables_measured": 9, "columns_measured": 9}
    assert list(told) == [
        "connecting",
        "testing",
        "introspecting",
        "measuring",
        "finishing",
        "done",
    ]
    full = await buster_tasks.introspect(f"sqlite:///{path}", statistics="full", time_limit=60)
    assert {(one.statistics_kind, one.distinct_count) for one in full.columns} == {("exact", 2)}


@pytest.mark.anyio
async def test_without_time_nothing_is_measured_and_this_is_told(
    make_database: MakeDatabase,
) -> None:
    found = await buster_tasks.introspect(
        f"sqlite:///{make_database(SCRIPT)}", statistics="full", time_limit=0
    )
    assert [issue.code for issue in found.issues].count("STATISTICS_INCOMPLETE") == 1
    assert (found.complete, found.statistics) == (True, "catalog")


@pytest.mark.anyio
async def test_errors_are_raised(tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotFoundError):
        await buster_tasks.introspect(f"sqlite:///{tmp_path / 'gone.db'}")
    with pytest.raises(InvalidFilterError):
        await buster_tasks.introspect(f"sqlite:///{tmp_path / 'gone.db'}", tables=[])
    with pytest.raises(ValidationError):
        await buster_tasks.introspect({"type": "sqlite"})


def test_plain_code_has_the_same_and_sees_drift(
    make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSTER_TASKS_CATALOG", str(tmp_path / "c.db"))
    path = make_database(SCRIPT)
    url, store = f"sqlite:///{path}", CatalogStore()
    buster_tasks.introspect.sync(url)
    assert store.list() == []  # nothing is kept unless it is asked for
    buster_tasks.introspect.sync(url, snapshot=True)
    path.unlink()
    make_database(SCRIPT + "ALTER TABLE u ADD COLUMN c TEXT; DROP TABLE t;")
    old, new = store.latest("shop"), buster_tasks.introspect.sync(url)
    assert old is not None
    assert str(diff(old.introspection, new)) == "+ column shop.main.u.c\n- table shop.main.t"


def test_a_catalog_of_ones_own_and_one_that_is_broken(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url, mine = f"sqlite:///{make_database(SCRIPT)}", CatalogStore(tmp_path / "mine.db")
    found = buster_tasks.introspect.sync(url, snapshot=mine)
    latest = mine.latest("shop")
    assert latest is not None
    assert latest.introspection == found
    found = buster_tasks.introspect.sync(url, snapshot=CatalogStore(tmp_path))
    assert [issue.code for issue in found.issues] == ["SNAPSHOT_NOT_KEPT"]
    assert len(found.tables) == 2


@pytest.mark.anyio
async def test_sync_in_an_event_loop_is_refused() -> None:
    with pytest.raises(SyncInAsyncError, match=r"await buster_tasks\.introspect"):
        buster_tasks.introspect.sync("sqlite:///shop.db")
