"""The SQLite backend does what the reference model does, also when it is opened again after a crash."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from taskkit.backends.sqlite import SqliteBackend
from taskkit.backends.sqlite.connection import Place
from taskkit.testing import BackendStateMachine

FEW = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Machine(BackendStateMachine):
    @asynccontextmanager
    async def make_backend(self) -> AsyncIterator[SqliteBackend]:
        with TemporaryDirectory() as folder:
            self.place = Place(Path(folder) / "runs.db", "normal")
            yield SqliteBackend(self.place)

    def reopen_backend(self, backend: SqliteBackend) -> SqliteBackend:
        return SqliteBackend(self.place)


def test_sqlite_does_what_the_model_does() -> None:
    run_state_machine_as_test(Machine, settings=FEW)
