"""What is said to the server in every transaction."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from taskkit.backends.postgres.writing import THIS_VERSION
from taskkit.backends.sql.record import COLUMNS

LOCKS: Final = "SELECT pg_advisory_xact_lock(one) FROM unnest(?::bigint[]) AS one"
# Children come before their parents, here, in updates and when their ends are told: so nobody waits in a circle.
ENDS: Final = (
    "SELECT run_id, place FROM runs WHERE run_id = ANY(?) ORDER BY number DESC FOR NO KEY UPDATE"
)
RUNS: Final = (
    f"SELECT {', '.join(COLUMNS)}, xmin::text::bigint FROM runs "
    "WHERE run_id = ANY(?) ORDER BY number DESC"
)
GUARD: Final = (
    "SELECT 1 / (CASE WHEN (SELECT count(*) FROM runs WHERE number = ANY(?) "
    f"AND xmin::text::bigint = {THIS_VERSION}) = ? "
    "AND NOT EXISTS (SELECT 1 FROM awaits WHERE target = ANY(?)) THEN 1 ELSE 0 END)"
)
"""Fails unless these rows were written by this transaction, and nobody waits for these ends."""
OUTDATED: Final = "22012"


def lock_number(name: str) -> int:
    """The number of an advisory lock."""
    return int.from_bytes(
        blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True
    )
