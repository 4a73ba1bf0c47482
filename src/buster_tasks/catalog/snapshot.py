"""What the catalog gives: a kept introspection, and an object that a search found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from buster_tasks.sources.schema import Introspection, Issue


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A kept introspection without what it found: `counts` says how much that was."""

    id: str
    data_source_name: str
    kind: str
    taken_at: datetime
    complete: bool
    issues: Sequence[Issue]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Snapshot(SnapshotInfo):
    """A kept introspection."""

    introspection: Introspection


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An object that a search found; for a column `table` is its table or view, else it is the object's own name.

    A greater `score` fits better; scores of two searches are not to be compared.
    """

    kind: Literal["table", "view", "column"]
    data_source_name: str
    snapshot_id: str
    database: str
    schema: str
    table: str
    name: str
    data_type: str | None
    comment: str | None
    score: float
