"""Several processes that keep snapshots in one catalog at once, from its first moment on."""

import subprocess
import sys
from pathlib import Path

from buster_tasks.catalog import CatalogStore

PROCESSES, EACH = 4, 8
WRITER = """
import sys
from datetime import UTC, datetime, timedelta

from buster_tasks.catalog import CatalogStore
from buster_tasks.sources.schema import Introspection, Table

path, name, each = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = CatalogStore(path)
print("ready", flush=True)
sys.stdin.readline()
for number in range(each):
    tables = [Table(name=f"{name}_{part}_{number}", schema="s", database="d") for part in range(200)]
    taken = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    for source in (name, "shared"):
        store.put(Introspection(
            data_source_name=source, data_source_type="sqlite", tables=tables, introspected_at=taken,
        ))
        assert store.search(f"{name} {number}", data_source_name=name)
print("done", flush=True)
"""


def test_all_that_they_keep_is_there(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, f"writer{n}", str(EACH)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(PROCESSES)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        out, _ = writer.communicate(timeout=50)
        assert (out, writer.returncode) == ("done\n", 0)
    store = CatalogStore(path)
    for n in range(PROCESSES):
        assert len(store.list(f"writer{n}")) == EACH
        latest = store.latest(f"writer{n}")
        assert latest is not None
        assert latest.introspection.tables[0].name == f"writer{n}_0_{EACH - 1}"
        # only the newest can be found
        assert store.search(f"writer{n} 0 0", 300, data_source_name=f"writer{n}")[0].name == (
            f"writer{n}_0_{EACH - 1}"
        )
    assert len(store.list("shared")) == 20  # of 32
    hits = store.search("writer0 writer1 writer2 writer3", 1_000, data_source_name="shared")
    assert len(hits) == 200  # all of one snapshot, of a last moment
    assert {hit.name.rpartition("_")[2] for hit in hits} == {str(EACH - 1)}
    assert {path.name for path in tmp_path.iterdir()} == {"catalog.db"}
