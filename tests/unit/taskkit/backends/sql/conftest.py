"""Both SQL stores, each empty."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.backends.sqlite import SqliteBackend


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def make() -> Callable[[str], KeptBackend]:
    def make(url: str) -> KeptBackend:
        kind = SqliteBackend if url.startswith("sqlite") else PostgresBackend
        return kind.from_url(url)

    return make


@pytest.fixture
async def backend(url: str, make: Callable[[str], KeptBackend]) -> AsyncIterator[KeptBackend]:
    backend = make(url)
    await backend.open()
    yield backend
    await backend.close()


class Rows:
    """What stands in the tables."""

    async def __call__(self, backend: KeptBackend, sql: str, *values: Any) -> Sequence[Any]:
        rooms = backend._rooms
        return await backend._ask(lambda: rooms.store.execute(sql, values).fetchall())


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def unopened(url: str, make: Callable[[str], KeptBackend]) -> KeptBackend:
    """For a worker, which opens it."""
    return make(url)
