"""What the pages say of backends is what these declare."""

import re
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")
pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.sqlite import SqliteBackend
from taskkit.backends.temporal import TemporalBackend, attributes

DOCS = Path(__file__).resolve().parents[2] / "docs"
DECLARED = {
    "Memory": MemoryBackend.capabilities,
    "SQLite": SqliteBackend.capabilities,
    "PostgreSQL": PostgresBackend.capabilities,
    "Temporal": TemporalBackend.capabilities,
}
MARKS = {"yes": True, "-": False}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_the_table_of_capabilities_says_what_is_declared() -> None:
    page = (DOCS / "which-backend.md").read_text(encoding="utf-8")
    _, table = page.split("| | What it is |", maxsplit=1)
    heading, _, *lines = table.split("\n\n", maxsplit=1)[0].splitlines()
    assert cells(heading) == list(DECLARED)
    written = {row[0].strip("`"): [MARKS[mark] for mark in row[2:]] for row in map(cells, lines)}
    assert written == {
        one.name: [one in declared for declared in DECLARED.values()] for one in Capability
    }


def test_temporals_page_gives_a_reason_for_each_that_is_missing() -> None:
    page = (DOCS / "backends" / "temporal.md").read_text(encoding="utf-8")
    section = page.split("## What it cannot do\n")[1].split("\n## ")[0]
    rows = [cells(line) for line in section.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([A-Z_]+)`", row[0])]
    assert sorted(named) == sorted(
        one.name for one in Capability if one not in DECLARED["Temporal"]
    )
    assert all(len(row) == 2 and row[1] for row in rows)


@pytest.mark.parametrize("pair", [r"--name (\w+) --type (\w+)", r"--search-attribute (\w+)=(\w+)"])
def test_temporals_page_names_each_search_attribute(pair: str) -> None:
    page = (DOCS / "backends" / "temporal.md").read_text(encoding="utf-8")
    types = {name: attributes._NAMES[kind] for name, kind in attributes._TYPES.items()}
    assert dict(re.findall(pair, page)) == types
