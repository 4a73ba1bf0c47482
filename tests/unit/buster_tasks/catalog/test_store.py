import json
import os
import sqlite3
import stat
import sys
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest

from buster_tasks.catalog import CatalogStore, database, indexing, store as store_module
from buster_tasks.errors import CatalogError, SnapshotNotFoundError
from buster_tasks.sources.schema import Filters, Introspection, Issue
from tests.unit.buster_tasks.catalog.introspections import START, column, found, table

ISSUE = Issue(scope="table", object="t", code="NO", message="It is hidden.", fix="Ask.")
SHOP = found(
    tables=[table("orders", row_count=3)],
    columns=[column("orders", "total", comment="in €")],
    issues=[ISSUE],
    complete=False,
)


def test_what_is_kept_comes_back(store: CatalogStore) -> None:
    snapshot = store.get(store.put(SHOP))
    assert snapshot.introspection == SHOP
    assert (snapshot.data_source_name, snapshot.kind) == ("shop", "sqlite")
    assert (snapshot.taken_at, snapshot.complete, snapshot.issues) == (START, False, [ISSUE])
    assert snapshot.counts == SHOP.counts()


def test_the_latest_is_the_one_that_was_taken_last(store: CatalogStore) -> None:
    newer = found(after=10, tables=[table("orders", row_count=4)])
    last = store.put(newer)
    first = store.put(SHOP)
    latest = store.latest("shop")
    assert latest is not None
    assert (latest.id, latest.introspection) == (last, newer)
    assert [one.id for one in store.list()] == [last, first]
    assert store.latest("another") is None
    assert store.list("another") == []


def test_the_same_content_is_kept_once_with_each_of_its_moments(store: CatalogStore) -> None:
    first, second = store.put(SHOP), store.put(SHOP)
    later = store.put(SHOP.model_copy(update={"introspected_at": START + timedelta(seconds=1)}))
    assert first == second != later
    assert first[-12:] == later[-12:]
    assert len(store.list()) == 2
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (1,)
    connection.close()


def test_old_ones_go(tmp_path: Path) -> None:
    store = CatalogStore(tmp_path / "c.db", keep=2)
    ids = [store.put(found(after=n, tables=[table(f"t{n}")])) for n in range(4)]
    other = store.put(found(name="other", after=0))
    assert [one.id for one in store.list()] == [ids[3], ids[2], other]
    with pytest.raises(SnapshotNotFoundError, match=ids[0]):
        store.get(ids[0])
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (3,)
        # nothing is left of them in the index either: a table and a database's worth of rows
        assert connection.execute("SELECT count(*) FROM search").fetchone() == (1,)
    connection.close()


def test_json_comes_in_pieces_that_are_the_whole(store: CatalogStore) -> None:
    many = found(columns=[column("t", f"c{n}", comment=os.urandom(40).hex()) for n in range(3_000)])
    pieces = list(store.json_of(store.put(many)))
    assert len(pieces) > 3
    assert Introspection.model_validate_json(b"".join(pieces)) == many
    assert json.loads(b"".join(pieces))["dataSourceName"] == "shop"
    with pytest.raises(SnapshotNotFoundError):
        next(store.json_of("snap_gone"))


def test_what_is_kept_is_never_in_memory_whole(store: CatalogStore) -> None:
    comment = "what it is " * 500
    many = found(columns=[column("t", f"c{number}", comment=comment) for number in range(2_000)])
    size = sum(map(len, many.json_chunks()))
    tracemalloc.start()
    try:
        identity = store.put(many)
        pieces = sum(map(len, store.json_of(identity)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pieces == size
    assert peak < size / 3


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    store = CatalogStore(tmp_path / "new" / "c.db")
    assert (store.latest("shop"), store.list(), store.search("x")) == (None, [], [])
    assert store.joins("shop", "orders") == []
    with pytest.raises(SnapshotNotFoundError):
        store.get("snap_gone")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "c.db"
    CatalogStore(path).put(SHOP)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_is_no_catalog_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are no tables " * 100)
    for call in (lambda: CatalogStore(path).put(SHOP), lambda: CatalogStore(path).list()):
        with pytest.raises(CatalogError, match=r"notes\.txt"):
            call()
    assert path.read_text() == "these are no tables " * 100


def test_a_folder_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be used"):
        CatalogStore(tmp_path).put(SHOP)


def test_a_file_of_a_later_version_is_let_be(store: CatalogStore) -> None:
    store.put(SHOP)
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CatalogError, match="later version"):
        store.latest("shop")
    with pytest.raises(CatalogError, match="later version"):
        store.put(SHOP)


def test_a_lock_that_nobody_gives_up_is_an_error_that_may_pass(
    store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(SHOP)
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.01)
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(CatalogError) as caught:
        store.put(SHOP)
    assert caught.value.transient
    assert store.latest("shop") is not None  # who reads does not wait
    holder.close()


def test_text_that_is_no_unicode_is_told(store: CatalogStore) -> None:
    with pytest.raises(CatalogError, match="JSON"):
        store.put(found(tables=[table("a\udcff")]))
    assert store.list() == []


def test_a_write_that_fails_leaves_nothing(
    store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.put(SHOP)

    def break_down(*_: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "make_searchable", break_down)
        with pytest.raises(CatalogError, match="disk is gone"):
            store.put(found(after=5, tables=[table("new")]))
    assert [one.id for one in store.list()] == [first]


def test_without_full_text_search_all_but_the_search_works(
    store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        for module in (database, indexing, store_module):
            patched.setattr(module, "has_search", lambda _: False)
        store.put(SHOP)
        assert store.latest("shop") is not None
        with pytest.raises(CatalogError, match="FTS5"):
            store.search("orders")
    # whoever has it makes up for it with the next snapshot, also when nothing changed
    store.put(SHOP.model_copy(update={"introspected_at": START + timedelta(seconds=1)}))
    assert [hit.name for hit in store.search("orders")] == ["orders", "total"]


def test_at_least_one_is_kept() -> None:
    with pytest.raises(CatalogError, match="keep"):
        CatalogStore("c.db", keep=0)


def test_a_part_of_a_source_is_kept_beside_the_other_parts(store: CatalogStore) -> None:
    for after, name in enumerate(("orders", "items")):
        part = found(after=after, tables=[table(name)], filters=Filters(tables=[name]))
        store.put(part)
    assert {hit.name for hit in store.search("orders items")} == {"orders", "items"}
    # the whole one knows better than all parts before it
    store.put(found(after=9, tables=[table("items")]))
    assert [hit.name for hit in store.search("orders items")] == ["items"]
