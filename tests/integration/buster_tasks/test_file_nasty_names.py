"""Sixty nasty names of tables and columns in the databases that are files."""

import sqlite3
from pathlib import Path

import pytest

from buster_tasks.sources import connect
from buster_tasks.sources.quoting import in_double_quotes as quote
from tests.integration.buster_tasks.nasty_names import NAMES, prove, statements

pytestmark = pytest.mark.anyio


async def test_in_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "names.db"
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements(quote, NAMES):
        connection.execute(statement)
    connection.close()
    async with connect({"type": "sqlite", "path": str(path)}) as source:
        await prove(source, NAMES, "main")


@pytest.mark.parametrize("schema", ["main", 'no "such" [s]chema; --%s'])
async def test_in_duckdb(tmp_path: Path, schema: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "names.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        connection.execute(f"USE {quote(schema)}")
        for statement in statements(quote, NAMES):
            connection.execute(statement)
    async with connect({"type": "duckdb", "path": str(path)}) as source:
        await prove(source, NAMES, schema)
