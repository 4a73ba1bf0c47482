import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from benchmarks.servers import ServerMissingError
from taskkit.model.sealing import new_key
from tests.doubles.footprint import Footprint

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


@pytest.fixture
def footprint(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Footprint:
    """What a source leaves behind, with a store and a catalog of its own."""
    monkeypatch.setenv("TASKKIT_SECRET_KEY", new_key())
    monkeypatch.setenv("BUSTER_TASKS_CATALOG", str(tmp_path / "catalog.db"))
    return Footprint(tmp_path, caplog, capfd)


@pytest.fixture
def full_queue() -> Iterator[int]:
    """The port of somebody whose queue is full, so that the system drops the packets of whoever else comes."""
    waiting = [socket.socket() for _ in range(8)]
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


@pytest.fixture(scope="session")
def missing_server() -> Callable[[], AbstractContextManager[None]]:
    """A context in which a server that is not installed skips the test, and fails it where CI promised one."""

    @contextmanager
    def told() -> Iterator[None]:
        try:
            yield
        except ServerMissingError as error:
            if os.environ.get("CI"):
                pytest.fail(str(error))
            pytest.skip(str(error))

    return told
