"""Sixty nasty names of tables and columns in PostgreSQL, each in a schema with a nasty name."""

from collections.abc import Callable

import pytest

from buster_tasks.sources.postgres import PostgresSource
from buster_tasks.sources.quoting import in_double_quotes as quote
from tests.integration.buster_tasks.nasty_names import NAMES, prove, statements

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("schema", ["public", 'no "such" [s]chema; --%s'])
async def test_nasty_names(
    make_database: Callable[..., str], source_of: Callable[..., PostgresSource], schema: str
) -> None:
    path = f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}", f"SET search_path = {quote(schema)}"
    async with source_of(make_database(*path, *statements(quote, NAMES))) as source:
        await prove(source, NAMES, schema)
