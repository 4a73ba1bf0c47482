import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

MakeDatabase = Callable[..., Path]


@pytest.fixture
def make_database(tmp_path: Path) -> MakeDatabase:
    """Makes a SQLite file from SQL; its name may be anything a file can be called."""

    def make(script: str = "", name: str = "shop.db") -> Path:
        path = tmp_path / name
        connection = sqlite3.connect(path)
        connection.executescript(script)
        connection.close()
        return path

    return make
