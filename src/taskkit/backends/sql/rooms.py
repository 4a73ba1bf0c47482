"""What works on one connection, in its thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from taskkit.backends.sql.accepting import Accepting
from taskkit.backends.sql.busy import Busy
from taskkit.backends.sql.call import Changes
from taskkit.backends.sql.claim import Leases
from taskkit.backends.sql.encoding import micros, moment
from taskkit.backends.sql.entries import Entries
from taskkit.backends.sql.keys import Keys
from taskkit.backends.sql.life import Life
from taskkit.backends.sql.purging import Purging
from taskkit.backends.sql.queues import Queues
from taskkit.backends.sql.schedules import Schedules
from taskkit.backends.sql.store import Store
from taskkit.backends.sql.tokens import Tokens
from taskkit.backends.sql.watch import Watches
from taskkit.backends.sql.workers import Workers


class Rooms:
    """Everything that is done with a connection; used by what is handed to its thread, and nowhere else."""

    store: Store
    life: Life
    leases: Leases
    accepting: Accepting
    entries: Entries
    keys: Keys
    tokens: Tokens
    schedules: Schedules
    queues: Queues
    workers: Workers
    busy: Busy
    purging: Purging

    def __init__(self, connect: Callable[[], Store], watches: Watches) -> None:
        self._connect = connect
        self._watches = watches
        self._is_open = False

    def open(self) -> Store:
        """Connect, in the thread."""
        store = self.store = self._connect()
        self.life = Life(store)
        self.leases = Leases(self.life)
        self.accepting = Accepting(self.life)
        self.entries = Entries(store, self.leases)
        self.keys = self.life.keys
        self.tokens = self.life.waiting.tokens
        self.schedules = Schedules(store)
        self.queues = Queues(store, self.life.lanes)
        self._is_open = True
        self.workers = Workers(store)
        self.busy = Busy(store, self.life.lanes)
        self.purging = Purging(store)
        return store

    def finish(self) -> None:
        """What is left to do for a group of calls, before their commit."""
        self.life.waiting.tell()
        self.store.flush()

    def forget(self) -> None:
        """The group's transaction did not happen."""
        self.life.waiting.forget()

    def is_wanted(self) -> bool:
        """Somebody waits for a change, which another process may make."""
        return self._watches.is_wanted

    def heard(self, changes: Changes) -> None:
        """Tell who watches, on the event loop."""
        if changes.by_others:
            self._watches.publish_all(canceled=changes.canceled)
        else:
            self._watches.publish(changes.topics, changes.ends)

    def at(self, now: datetime | None) -> int:
        """The moment of a call; None is that of the store's clock, once it is the call's turn."""
        return self.store.now() if now is None else micros(now)

    def time(self) -> datetime:
        """The moment by the store's clock, for any thread; this machine's until the store was opened."""
        return moment(self.store.time()) if self._is_open else datetime.now(UTC)
