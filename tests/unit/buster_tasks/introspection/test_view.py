"""The tree of a run of `introspect-data`, as it looks on terminals wide and narrow."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from buster_tasks.catalog import CatalogStore
from buster_tasks.introspection import view
from buster_tasks.introspection.models import ErrorDetail, IntrospectDataOutput
from buster_tasks.sources.schema import (
    Column,
    Database,
    Introspection,
    Issue,
    Schema,
    Table,
    View,
)
from taskkit import Run
from taskkit.model.request import TriggerRequest
from taskkit.model.run import RunStatus

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHOP = Introspection(
    data_source_name="Shop",
    data_source_type="postgres",
    databases=[Database(name="shop"), Database(name="empty")],
    schemas=[Schema(name="public", database="shop"), Schema(name="old", database="shop")],
    tables=[
        Table(name="orders", schema="public", database="shop", row_count=1, row_count_kind="exact"),
        Table(name="events", schema="public", database="shop", row_count=12_500, row_count_kind="estimate"),
        Table(name="orders", schema="old", database="shop", type="EXTERNAL_TABLE"),
    ],
    views=[
        View(name="totals", schema="public", database="shop"),
        View(name="kept", schema="public", database="shop", is_materialized=True),
    ],
    columns=[
        Column(name="id", table="orders", schema="public", database="shop", position=1, data_type="int"),
        Column(name="id", table="orders", schema="old", database="shop", position=1, data_type="int"),
        Column(name="no", table="orders", schema="old", database="shop", position=2, data_type="int"),
    ],
    introspected_at=NOW,
)  # fmt: skip


def output_of(found: Introspection | None = SHOP, **known: object) -> IntrospectDataOutput:
    told = {
        "success": True, "data_source_name": "Shop", "introspection": found, "complete": True,
        "counts": found.counts() if found else None,
    }  # fmt: skip
    return IntrospectDataOutput.model_validate({**told, **known})


def run_of(output: bytes | None) -> Run:
    request = TriggerRequest("run_1", "introspect-data", None, "q")
    return Run(request, RunStatus.COMPLETED, NOW, NOW, NOW, output_json=output)


def drawn(output: IntrospectDataOutput, width: int = 80) -> list[str]:
    run = run_of(output.model_dump_json(by_alias=True).encode())
    console = Console(width=width, markup=False, highlight=False, emoji=False, color_system=None)
    with console.capture() as captured:
        console.print(view.tree(run))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_databases_schemas_tables_and_views_with_their_counts() -> None:
    assert drawn(output_of(snapshot_id="snap_1")) == [
        "Shop  postgres  3 tables, 3 columns, 2 views",
        "├── shop",
        "│   ├── public  2 tables, 2 views",
        "│   │   ├── orders  1 row, 1 column",
        "│   │   ├── events  ~12,500 rows, 0 columns",
        "│   │   ├── totals  view, 0 columns",
        "│   │   └── kept  materialized view, 0 columns",
        "│   └── old  1 table",
        "│       └── orders  external table, ? rows, 2 columns",
        "└── empty",
        "snapshot  snap_1",
    ]


def test_a_narrow_terminal_keeps_a_line_for_each_object() -> None:
    lines = drawn(output_of(), width=24)
    assert lines[3] == "│   │   ├── orders  1 r…"
    assert len(lines) == 10
    assert all(cell_len(line) <= 24 for line in lines)


def test_issues_stand_below() -> None:
    issue = Issue(
        scope="table", object="t", code="NO_RIGHT", message="It is hidden.", fix="GRANT it."
    )
    lines = drawn(output_of(issues=[issue] * 25, complete=False))
    begin = lines.index("NO_RIGHT  It is hidden.")
    assert lines[begin - 1] == ""
    assert lines[begin + 1] == "  GRANT it."
    assert lines[-2:] == ["and 5 more issues", "Not everything that was asked for could be read."]


def test_a_large_source_is_cut() -> None:
    tables = [Table(name=f"t{n}", schema="s", database="d") for n in range(1_500)]
    found = SHOP.model_copy(
        update={"tables": tables, "views": [], "columns": [], "databases": [], "schemas": []}
    )
    lines = drawn(output_of(found))
    assert lines[1:3] == ["└── d", "    └── s  1,500 tables"]
    assert lines[-1] == "        └── and 1,300 more"


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CatalogStore:
    monkeypatch.setenv("BUSTER_TASKS_CATALOG", str(tmp_path / "catalog.db"))
    return CatalogStore()


def test_what_is_in_the_catalog_alone_is_told_by_its_schemas(catalog: CatalogStore) -> None:
    kept = catalog.put(SHOP)
    known = {"counts": SHOP.counts(), "snapshot_id": kept, "stream": "introspection"}
    assert drawn(output_of(None, **known)) == [
        "Shop  postgres  3 tables, 3 columns, 2 views",
        "├── shop",
        "│   ├── public  2 tables, 2 views",
        "│   └── old  1 table",
        "└── empty",
        f"snapshot  {kept}",
        "JSON  the parts of the run's stream introspection",
    ]


@pytest.mark.parametrize("is_off", [False, True], ids=["another catalog", "switched off"])
def test_where_the_json_is_stands_there_where_the_catalog_has_it_not(
    catalog: CatalogStore, monkeypatch: pytest.MonkeyPatch, is_off: bool
) -> None:
    if is_off:
        monkeypatch.setenv("BUSTER_TASKS_CATALOG", "off")
    known = {"counts": SHOP.counts(), "snapshot_id": "snap_1", "stream": "introspection"}
    assert drawn(output_of(None, **known)) == [
        "Shop  3 tables, 3 columns, 2 views",
        "snapshot  snap_1",
        "JSON  the parts of the run's stream introspection",
    ]


def test_a_failure_is_told() -> None:
    error = ErrorDetail(code="AUTHENTICATION_FAILED", message="Wrong password.", fix="Try again.")
    lines = drawn(output_of(None, success=False, complete=False, error=error))
    assert lines == [
        "Shop  the source could not be read",
        "AUTHENTICATION_FAILED  Wrong password.",
        "  Try again.",
    ]


def test_a_failure_is_red() -> None:
    error = ErrorDetail(code="AUTHENTICATION_FAILED", message="Wrong password.")
    output = output_of(None, success=False, complete=False, error=error)
    console = Console(width=80, color_system="standard", force_terminal=True)
    with console.capture() as captured:
        console.print(view.tree(run_of(output.model_dump_json(by_alias=True).encode())))
    told, code = captured.get().splitlines()
    assert "\x1b[1;31m  the source could not be read" in told
    assert code.startswith("\x1b[1;31mAUTHENTICATION_FAILED")


def test_names_do_not_steer_the_terminal() -> None:
    name = "a\x1b[31m\n\u202eb [bold] :smile:"
    found = SHOP.model_copy(update={"tables": [Table(name=name, schema="old", database="shop")]})
    (line,) = [line for line in drawn(output_of(found)) if "smile" in line]
    assert "a\\u001b[31m\\u000a\\u202eb [bold] :smile:" in line


def test_a_run_without_an_output_has_no_tree() -> None:
    assert view.tree(run_of(None)) is None
