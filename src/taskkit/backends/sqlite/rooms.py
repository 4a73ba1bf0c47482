"""What works on the store, in the writer's thread."""

from __future__ import annotations

from taskkit.backends.sqlite.accepting import Accepting
from taskkit.backends.sqlite.claim import Leases
from taskkit.backends.sqlite.entries import Entries
from taskkit.backends.sqlite.keys import Keys
from taskkit.backends.sqlite.life import Life
from taskkit.backends.sqlite.queues import Queues
from taskkit.backends.sqlite.schedules import Schedules
from taskkit.backends.sqlite.store import Store
from taskkit.backends.sqlite.tokens import Tokens


class Rooms:
    """Everything that is done with the connection; used by what is handed to the writer, and nowhere else."""

    store: Store
    life: Life
    leases: Leases
    accepting: Accepting
    entries: Entries
    keys: Keys
    tokens: Tokens
    schedules: Schedules
    queues: Queues

    def furnish(self, store: Store) -> None:
        """Called by the writer once the file is open."""
        self.store = store
        self.life = Life(store)
        self.leases = Leases(self.life)
        self.accepting = Accepting(self.life)
        self.entries = Entries(store, self.leases)
        self.keys = self.life.keys
        self.tokens = self.life.waiting.tokens
        self.schedules = Schedules(store)
        self.queues = Queues(store, self.life.lanes)
