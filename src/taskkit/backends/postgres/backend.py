"""The PostgreSQL backend: one database for any number of processes."""

from __future__ import annotations

from taskkit.backends.postgres.bulletin import Bulletin
from taskkit.backends.postgres.connection import Place, ask, place_of
from taskkit.backends.postgres.schema import migrate, version_of
from taskkit.backends.postgres.store import PostgresStore
from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.backends.sql.watch import Watches


class PostgresBackend(KeptBackend):
    """Runs live in a schema of a PostgreSQL database. What a call has returned for is committed there.

    Times are those of the database's clock. Three connections: one that writes, one that reads, one that
    listens for what other processes have changed.
    """

    _looks_first = False  # whoever claims here keeps nobody from writing

    def __init__(self, place: Place) -> None:
        self._place = place
        super().__init__(
            f"The PostgreSQL database {place.shown}", self._connect, self._connect_to_read
        )
        self._bulletin = Bulletin(place, self._watches)

    @classmethod
    def from_url(cls, url: str) -> PostgresBackend:
        """`postgresql://user:password@host:5432/database?schema=taskkit`, with any options of libpq."""
        return cls(place_of(url))

    def __repr__(self) -> str:
        return f"PostgresBackend({self._place.shown!r}, schema={self._place.schema!r})"

    async def open(self) -> None:
        # One serves once; and one whose event loop closed without `close` may still be about to end.
        self._bulletin = Bulletin(self._place, self._watches)
        await super().open()
        self._bulletin.open()

    async def close(self) -> None:
        await super().close()
        await self._bulletin.close()

    def _version(self) -> int:
        return ask(self._place, version_of)

    def _upgrade(self) -> int:
        ask(self._place, migrate)
        return self._version()

    def _connect(self, watches: Watches) -> PostgresStore:
        store = PostgresStore(self._place, watches, self._bulletin.tell)
        # One for both: what one of them writes is not in the other's future.
        self._clock = store.clock
        return store

    def _connect_to_read(self, watches: Watches) -> PostgresStore:
        return PostgresStore(self._place, watches, None, self._clock)
